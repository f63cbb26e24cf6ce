"""What the certificate knows of single mistakes."""

COSTS_MORE: dict[str, set[str]] = {}
"""For a part the mistakes of others that cost points in it, too."""
