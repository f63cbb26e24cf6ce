"""The templates beside this module. They escape what is put into them, and show what isn't printed."""

from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lib.checking.render import MARKS
from lib.grading.gradebook.marks import format_points
from lib.grading.names import visible
from lib.grading.submissions.collection import LATE_WITHOUT_TIME


@cache
def templates() -> Environment:
    """Give the environment in which reports and feedback are written: one, since it keeps what it has compiled."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,  # a name that is misspelt in a template is an error and no empty place
        trim_blocks=True,
        lstrip_blocks=True,
        # What a name or code has in it that isn't printed could turn the reading direction, or be in no encoding.
        finalize=lambda value: visible(value, keep="\n\t") if type(value) is str else value,
    )
    environment.globals["marks"] = MARKS | {"open": "?", "waiting": "…", "partly right": "(✓)"}
    environment.filters.update(points=format_points, in_points=in_points, duration=duration, count=count)
    return environment


def in_points(value: float) -> str:
    """Write points with the noun that fits."""
    return f"{format_points(value)} point{'' if value == 1 else 's'}"


def duration(late: timedelta) -> str:
    """Write how late something was, in the largest unit and the next; below a minute nobody asks for more."""
    if late == LATE_WITHOUT_TIME:
        return "Canvas doesn't say"
    if late < timedelta(minutes=1):
        return "less than a minute"
    minutes = max(1, round(late.total_seconds() / 60))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    shown = [f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if n]
    return " ".join(shown[:2])


def count(things: Iterable[object], one: str) -> str:
    """Write how many there are, with the noun that fits."""
    number = len(list(things))
    return f"{number} {one if number == 1 else one + 's'}"
