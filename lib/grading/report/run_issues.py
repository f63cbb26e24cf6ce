"""What a person should look at because of how a notebook ran, or what its code calls."""

import re
from collections.abc import Iterable

from lib.grading.report.classroom import Classroom, Work

Event = tuple[str, list[Work]]
"""A sentence, and whom it is about."""


def run_events(classroom: Classroom) -> list[Event]:
    """Group the verdicts' remarks by what they say, whichever cell it happened in; the most frequent first."""
    return _grouped((_anywhere(remark), work) for work, verdict in classroom.graded for remark in verdict.remarks)


def notebooks_with_library_calls(classroom: Classroom) -> list[Event]:
    """Group by what was called in a library."""
    return _grouped((name, work) for work, verdict in classroom.graded for name in verdict.library_calls)


def to_mark(classroom: Classroom) -> list[Event]:
    """Group by the cell that waits for a person to give points."""
    return _grouped((cell, work) for work in classroom.works for cell in work.to_mark)


def _anywhere(remark: str) -> str:
    return re.sub(r"^(The cell \S+|Cell \d+) ", "A cell ", remark)


def _grouped(found: Iterable[tuple[str, Work]]) -> list[Event]:
    groups: dict[str, list[Work]] = {}
    for sentence, work in found:
        works = groups.setdefault(sentence, [])
        if work not in works[-1:]:
            works.append(work)
    return sorted(groups.items(), key=lambda event: -len(event[1]))
