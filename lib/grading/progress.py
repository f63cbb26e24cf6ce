"""Progress: how far a run is while it goes on, on a terminal, and what came of it at its end."""

import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from time import monotonic

from tqdm import tqdm

from lib.grading.names import LONGEST_ID, visible

MAX_LISTED = 40
"""Lines about single submissions; each one's verdict says more, and `zerolayer report` lists them all."""


def bar(total: int, unit: str) -> tqdm:
    """Begin a bar without the thread that tqdm starts beside it: processes are forked while it stands."""
    tqdm.monitor_interval = 0
    return tqdm(total=total, unit=unit, disable=None, leave=False, dynamic_ncols=True)


class Progress(AbstractContextManager["Progress"]):
    """Counts submissions by what became of them: graded, skipped, and how many a person has to look at."""

    def __init__(self, total: int):
        self.counts: Counter[str] = Counter()
        self.for_a_person: dict[str, str] = {}
        """Why a person has to look at a submission, by student."""
        self.again: dict[str, str] = {}
        """Why a submission that was graded before is graded again, by student."""
        self._start = monotonic()
        self._bar = bar(total, "submission")

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def add(self, outcome: str, student: str, reasons: Sequence[str] = ()) -> None:
        """Count one submission as `graded`, `not graded` or `skipped`; with reasons, it needs a person."""
        self.counts[outcome] += 1
        if reasons:
            self.for_a_person[visible(student)] = visible("; ".join(reasons))
        shown = {**self.counts, **({"for a person": len(self.for_a_person)} if self.for_a_person else {})}
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update()

    def note_again(self, student: str, reason: str) -> None:
        """Note why a submission that was graded before is graded again."""
        self.again[visible(student)] = visible(reason)

    def table(self) -> str:
        """Write how many submissions were graded how fast, who needs a person and why, and what to do."""
        seconds = monotonic() - self._start
        done = self.counts["graded"]
        rate = f" in {seconds:.1f} s, {done / seconds:.1f} a second" if done else ""
        lines = [f"{done} of {self.counts.total()} submissions graded{rate}"]
        if skipped := self.counts["skipped"]:
            lines.append(f"{skipped:>6} skipped: graded before, and not submitted again since (--force grades them)")
        lines += _list("graded before, and now again", self.again)
        verb = "needs" if len(self.for_a_person) == 1 else "need"
        lines += _list(f"{verb} a person; what was graded has a verdict that says more", self.for_a_person)
        return "\n".join(lines)


def _list(heading: str, reasons: Mapping[str, str]) -> list[str]:
    """Write a line for each submission of which there is something to say, below how many there are."""
    if not reasons:
        return []
    shown = dict(list(reasons.items())[:MAX_LISTED])
    width = min(LONGEST_ID, max(map(len, shown)))
    lines = [f"{len(reasons):>6} {heading}:"]
    lines += [f"{'':>7}{student:<{width}}  {reason}" for student, reason in shown.items()]
    more = len(reasons) - len(shown)
    return [*lines, *([f"{'':>7}and {more} more: see `zerolayer report`"] if more else [])]


def say(text: str) -> None:
    """Print something, and go on where nobody reads it any more, as after `| head`."""
    try:
        print(text, flush=True)
    except BrokenPipeError:  # Python would say so once more as it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
