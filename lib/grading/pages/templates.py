"""Jinja templates of this package. They escape values, and show nonprintable characters."""

from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lib.checking.render import MARKS
from lib.grading.gradebook.marks import format_points
from lib.grading.safe_names import visible


@cache
def templates() -> Environment:
    """Return the Jinja environment, which caches compiled templates."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,  # a misspelt name is an error, not an empty text
        trim_blocks=True,
        lstrip_blocks=True,
        # Names and code may contain bidirectional controls or lone surrogates.
        finalize=lambda value: visible(value, keep="\n\t") if type(value) is str else value,
    )
    environment.globals["marks"] = MARKS | {"open": "?", "waiting": "…", "partly right": "(✓)"}
    environment.filters.update(points=format_points, in_points=in_points, duration=duration, count=count)
    return environment


def in_points(value: float) -> str:
    """Return points with `point` or `points`."""
    return f"{format_points(value)} point{'' if value == 1 else 's'}"


def duration(late: timedelta) -> str:
    """Return how late a submission was, in the largest unit and the next."""
    if late < timedelta(minutes=1):
        return "less than a minute"
    minutes = max(1, round(late.total_seconds() / 60))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    shown = [f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if n]
    return " ".join(shown[:2])


def count(things: Iterable[object], one: str) -> str:
    """Return the number of things with the noun `one` in singular or plural."""
    number = len(list(things))
    return f"{number} {one if number == 1 else one + 's'}"
