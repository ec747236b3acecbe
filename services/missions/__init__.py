"""Missions, progress, and badges."""
