"""Attempts: what was graded of a watched assignment, when, and whose page is out. One line each, which is only added.

An attempt is known by the digest of what was handed in, so that nothing is graded twice. A line that was cut short, by
a full disk or a kill, is as if it had not been written.
"""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Attempts:
    """One student's: the digests of those that were graded, in order, when the last was, and whose page is out."""

    graded: list[str] = field(default_factory=list)
    at: float = 0.0
    told: str = ""

    @property
    def is_told(self) -> bool:
        """Whether the page of the last one is out."""
        return self.graded[-1:] == [self.told]

    def due(self, waits: Sequence[float]) -> float:
        """Give the time from which the next may be graded; `waits` are seconds after the first, the second, …."""
        return self.at + waits[min(len(self.graded), len(waits)) - 1] if self.graded and waits else 0.0


class Ledger:
    """All students' attempts, in a file."""

    def __init__(self, file: Path):
        """Read the file, if there is one. Raises ValueError where what is there isn't text."""
        self._file = file
        self.of: dict[str, Attempts] = {}
        for line in file.read_text().splitlines() if file.exists() else ():
            with suppress(ValueError, TypeError, KeyError):
                self._take(**json.loads(line))

    def note(self, student: str, **what: Any) -> None:
        """Note that a student's work was `graded`, by its digest and `at` a time, or that its page is out: `told`."""
        with self._file.open("a") as file:
            file.write(json.dumps({"student": student, **what}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._take(student, **what)

    def _take(self, student: str, graded: str = "", at: float = 0.0, told: str = "") -> None:
        attempts = self.of.setdefault(student, Attempts())
        if graded:
            attempts.graded.append(graded)
            attempts.at = float(at)
        attempts.told = told or attempts.told
