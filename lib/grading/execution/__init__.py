"""Running: notebooks executed within bounds, many at once."""
