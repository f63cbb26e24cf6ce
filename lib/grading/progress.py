"""Progress of a run: a bar on the terminal, and a summary at the end."""

import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from time import monotonic

from tqdm import tqdm

from lib.grading.safe_names import LONGEST_ID, visible

MAX_LISTED = 40
"""Lines on single submissions; `zerolayer report` lists all of them."""


def bar(total: int, unit: str) -> tqdm:
    """Return a new progress bar."""
    tqdm.monitor_interval = 0  # or tqdm starts a thread, and processes are forked while the bar is open
    return tqdm(total=total, unit=unit, disable=None, leave=False, dynamic_ncols=True)


class Progress(AbstractContextManager["Progress"]):
    """Counts submissions: graded, not graded, skipped, and those that a person has to look at."""

    def __init__(self, total: int):
        self.counts: Counter[str] = Counter()
        self.for_a_person: dict[str, str] = {}
        """Why a person has to look at a submission, by student."""
        self.again: dict[str, str] = {}
        """Why a submission is graded again, by student."""
        self._start = monotonic()
        self._bar = bar(total, "submission")

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def add(self, outcome: str, student: str, reasons: Sequence[str] = ()) -> None:
        """Count a submission as `graded`, `not graded` or `skipped`. With reasons, a person has to look at it."""
        self.counts[outcome] += 1
        if reasons:
            self.for_a_person[visible(student)] = visible("; ".join(reasons))
        shown = {**self.counts, **({"for a person": len(self.for_a_person)} if self.for_a_person else {})}
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update()

    def note_again(self, student: str, reason: str) -> None:
        """Note why a submission is graded again."""
        self.again[visible(student)] = visible(reason)

    def table(self) -> str:
        """Return the summary: how many submissions were graded, how fast, and which need a person and why."""
        seconds = monotonic() - self._start
        done = self.counts["graded"]
        rate = f" in {seconds:.1f} s, {done / seconds:.1f} a second" if done else ""
        lines = [f"{done} of {self.counts.total()} submissions graded{rate}"]
        if skipped := self.counts["skipped"]:
            lines.append(f"{skipped:>6} skipped: unchanged since they were graded (--force grades them again)")
        lines += _list("graded again", self.again)
        verb = "needs" if len(self.for_a_person) == 1 else "need"
        lines += _list(f"{verb} a person; a graded submission's verdict has details", self.for_a_person)
        return "\n".join(lines)


def _list(heading: str, reasons: Mapping[str, str]) -> list[str]:
    if not reasons:
        return []
    shown = dict(list(reasons.items())[:MAX_LISTED])
    width = min(LONGEST_ID, max(map(len, shown)))
    lines = [f"{len(reasons):>6} {heading}:"]
    lines += [f"{'':>7}{student:<{width}}  {reason}" for student, reason in shown.items()]
    more = len(reasons) - len(shown)
    return [*lines, *([f"{'':>7}and {more} more: see `zerolayer report`"] if more else [])]


def say(text: str) -> None:
    """Print a line, and ignore a closed pipe, as after `| head`."""
    try:
        print(text, flush=True)
    except BrokenPipeError:  # Python would report it again when it flushes standard output at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
