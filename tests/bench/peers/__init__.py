"""What the points service is measured against."""
