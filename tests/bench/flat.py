"""What a spend costs as the data grows."""

ENTRIES = 10_000_000
