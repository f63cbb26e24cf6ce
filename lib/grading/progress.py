"""What a run reports: a bar while it runs, then how many were graded, and which submissions need a person."""

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from time import monotonic

from tqdm import tqdm

from lib.grading.safe_names import LONGEST_ID, visible

MANY = 5
"""From this number of students on, one line has them all."""
MAX_LISTED = 40
"""Lines on single submissions; `zerolayer report` lists all of them."""


def bar(total: int, unit: str) -> tqdm:
    """Return a new progress bar."""
    tqdm.monitor_interval = 0  # or tqdm starts a thread, and processes are forked while the bar is open
    return tqdm(total=total, unit=unit, disable=None, leave=False, dynamic_ncols=True)


class Progress(AbstractContextManager["Progress"]):
    """Counts submissions: graded, not graded, skipped, and those that a person has to look at."""

    def __init__(self, total: int, names: Mapping[str, str]):
        """Expect `total` submissions; `names` has what to call students, by id."""
        self.counts: Counter[str] = Counter()
        self._names = names
        self.for_a_person: dict[str, str] = {}
        """Why a person has to look at a submission, by student."""
        self.again: dict[str, str] = {}
        """Why a submission is graded again, by student."""
        self.late: Mapping[str, str] = {}
        """By how much a submission is late, by student."""
        self._start = monotonic()
        self._bar = bar(total, "submission")

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def add(self, outcome: str, student: str, reasons: Sequence[str] = ()) -> None:
        """Count a submission as `graded`, `not graded` or `skipped`. With reasons, a person has to look at it."""
        self.counts[outcome] += 1
        if reasons:
            self.for_a_person[self._name(student)] = visible("; ".join(reasons))
        shown = {**self.counts, **({"for a person": len(self.for_a_person)} if self.for_a_person else {})}
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update()

    def note_again(self, student: str, reason: str) -> None:
        """Note why a submission is graded again."""
        self.again[self._name(student)] = visible(reason)

    def _name(self, student: str) -> str:
        return visible(self._names.get(student, student))

    def table(self) -> str:
        """Return the summary: how many submissions were graded, how fast, and which need a person and why."""
        seconds = monotonic() - self._start
        done = self.counts["graded"]
        rate = f" in {seconds:.1f} s, {done / seconds:.1f} a second" if done else ""
        lines = [f"{done} of {self.counts.total()} submissions graded{rate}"]
        if skipped := self.counts["skipped"]:
            lines.append(f"{skipped:>6} skipped: unchanged since they were graded (--force grades them again)")
        lines += _list("graded again", self.again)
        lines += _list("late", {self._name(student): by for student, by in self.late.items()})
        verb = "needs" if len(self.for_a_person) == 1 else "need"
        lines += _list(f"{verb} a person; a graded submission's verdict has details", self.for_a_person)
        return "\n".join(lines)


def _list(heading: str, reasons: Mapping[str, str]) -> list[str]:
    """Return a line for each student, or for each reason that many have."""
    if not reasons:
        return []
    alike = defaultdict[str, list[str]](list)
    for student, reason in reasons.items():
        alike[reason].append(student)
    single = {who: why for why, whole in alike.items() if len(whole) < MANY for who in whole}
    shown = dict(list(single.items())[:MAX_LISTED])
    width = min(LONGEST_ID, max(map(len, shown), default=0))
    lines = [f"{len(reasons):>6} {heading}:"]
    lines += [f"{'':>7}{len(who)} students: {why}: {', '.join(who)}" for why, who in alike.items() if len(who) >= MANY]
    lines += [f"{'':>7}{student:<{width}}  {reason}" for student, reason in shown.items()]
    more = len(single) - len(shown)
    return [*lines, *([f"{'':>7}and {more} more: see `zerolayer report`"] if more else [])]


def say(text: str) -> None:
    """Print a line, and ignore a closed pipe, as after `| head`."""
    try:
        print(text, flush=True)
    except BrokenPipeError:  # Python would report it again when it flushes standard output at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
