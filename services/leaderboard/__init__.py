"""Boards that rank members, and scratch cards whose draws nobody can choose."""
