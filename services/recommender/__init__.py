"""Profiles, recommendations, their outcomes, and the models that learn from them."""
