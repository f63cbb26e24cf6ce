"""Remarks on a submission, for its student: on what was submitted, and on how its notebook ran."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Remark:
    """A remark, with one thing to try where that is known, and the place of the cell that it is about.

    `is_too_long` if that cell ran into a time limit and was stopped.
    """

    text: str
    cell: int | None = None
    is_too_long: bool = False
