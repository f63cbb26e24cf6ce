"""The ledger of a watched assignment: who was told what they have, and when. One line each, which is only added.

A try is known by the digest of what was handed in. Nobody's page is lost by a kill, since what is graded and not in the
ledger has yet to be told. A line that was cut short, by a full disk or a kill, is as if it had not been written.
"""

import json
import os
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


class Ledger:
    """What each student was told: the digests of the tries, in order, and when."""

    def __init__(self, file: Path):
        """Read the file, if there is one."""
        self._file = file
        self.told: dict[str, list[tuple[str, float]]] = defaultdict(list)
        for line in file.read_text(errors="replace").splitlines() if file.exists() else ():
            with suppress(ValueError, TypeError, KeyError):
                self._take(**json.loads(line))

    def note(self, student: str, digest: str, at: float) -> None:
        """Note that a student was told of a try. Where it can't be written, it is known as long as this runs."""
        self._take(student, digest, at)
        with self._file.open("a") as file:
            # The break stands first, and so ends a line that was cut short.
            file.write(f"\n{json.dumps({'student': student, 'digest': digest, 'at': at})}")
            file.flush()
            os.fsync(file.fileno())  # by then the page is out, and a power cut would have it told again

    def last(self, student: str) -> str:
        """Give the digest of the last try that a student was told of, if there is one."""
        return self.told[student][-1][0] if self.told[student] else ""

    def next_try(self, student: str, waits: Sequence[float], now: float) -> float:
        """Give the time from which a next try may be graded; `waits` are seconds after the first, the second, …."""
        told = self.told[student]
        if not told or not waits:
            return now
        return min(told[-1][1], now) + waits[min(len(told), len(waits)) - 1]  # the clock may have been ahead

    def _take(self, student: str, digest: str, at: float) -> None:
        self.told[student].append((digest, float(at)))
