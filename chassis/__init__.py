"""The microservice chassis: what every service needs, and nothing of any service's business."""
