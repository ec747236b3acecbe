"""The recommender service's settings."""

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """None of its own."""
