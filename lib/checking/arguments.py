"""Arguments: what a check is called with, and names that do not exist yet."""

from typing import Any

from lib.unit import Part


class Undefined:
    """Stands for a name that the notebook hasn't defined yet."""

    def __init__(self, name: str):
        self.name = name


def argument_error(part: Part, subjects: tuple[Any, ...]) -> str:
    """Say what is missing from a call with `subjects`, or what it has too much; nothing if it is complete."""
    names = (*part.subjects, *part.settings)
    if not len(part.subjects) <= len(subjects) <= len(names):
        takes = " and, if you like, ".join(", ".join(some) for some in (part.subjects, part.settings) if some)
        return f"This check takes {takes}, but was called with {len(subjects) or 'nothing'}."
    for name, subject in zip(names, subjects, strict=False):
        if isinstance(subject, Undefined):
            return f"{subject.name} is not defined yet. Run the cell that defines {name} first."
    return ""
