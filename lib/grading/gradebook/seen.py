"""Reasons that a person has seen: `seen.csv` in the course's folder, a line for each reason to look at a submission.

A line belongs to one version of a submission: it has the digest of its files, or the name of a file that was not
collected. The file may be edited. After a line is removed, its reason is listed again.
"""

import csv
from collections.abc import Iterable
from pathlib import Path

from lib.grading.safe_names import escape_formula, visible

HEAD = ("assignment", "student", "submission", "reason")


class Seen:
    """The seen reasons of an assignment's submissions."""

    def __init__(self, course: Path, assignment: str):
        """Read the file if it exists. Raises OSError if it can't be read."""
        self._file, self._assignment = course / "seen.csv", assignment
        text = self._file.read_text("utf-8-sig", "replace") if self._file.exists() else ""
        self._rows = {tuple(row) for row in csv.reader(text.splitlines())}

    def unseen(self, student: str, submission: str, reasons: Iterable[str]) -> list[str]:
        """Return the reasons that no one has seen, without duplicates."""
        return [why for why in dict.fromkeys(reasons) if self._row(student, submission, why) not in self._rows]

    def note(self, student: str, submission: str, reasons: Iterable[str]) -> None:
        """Add a line for each unseen reason. Raises OSError if the file can't be written."""
        rows = [self._row(student, submission, why) for why in self.unseen(student, submission, reasons)]
        with self._file.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows if self._rows else [HEAD, *rows])
        self._rows |= {HEAD, *rows}

    def _row(self, student: str, submission: str, why: str) -> tuple[str, ...]:
        # A reason may contain a student's file name, which a spreadsheet could read as a formula.
        cells = (self._assignment, student, submission, why)
        return tuple(escape_formula(visible(cell)) for cell in cells)
