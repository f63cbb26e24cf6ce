"""Points as people read them, the same ones on every page and in every file that is exported."""

DECIMALS = 4
"""A person may give thirds. More digits than these are only what adding up binary fractions leaves."""


def format_points(points: float) -> str:
    """Write points without needless zeros.

    >>> format_points(22.0), format_points(100 + 2 / 3), format_points(0.1 + 0.2)
    ('22', '100.6667', '0.3')
    """
    return f"{points:.{DECIMALS}f}".rstrip("0").rstrip(".")
