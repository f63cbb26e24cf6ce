"""What a run reports: a bar while it runs, then the scores, and the submissions that need a person."""

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from statistics import quantiles
from time import monotonic
from typing import Self

from tqdm import tqdm

from lib.checking.findings import Finding
from lib.grading.gradebook.marks import NotebookMarks
from lib.grading.judge import words
from lib.grading.judge.verdict import Verdict
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


MAX_LINES = 40
"""The most lines; a larger class gets a summary. `zerolayer report` has the details."""


@dataclass(frozen=True)
class Score:
    """A submission's points so far, and a line about what was found in it."""

    student: str
    points: float
    max_points: float
    found: str

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """Return the score in a verdict: points for code."""
        return cls(verdict.student, verdict.points, verdict.max_points, describe(verdict))

    @classmethod
    def of_marks(cls, student: str, notebooks: Iterable[NotebookMarks]) -> Self:
        """Return the score in the gradebook: points for all cells, for an assignment without a unit."""
        marks = [(cell, mark) for notebook in notebooks for cell, mark in notebook.cells.items()]
        short = [cell for cell, mark in marks if mark.points < mark.max_points and not mark.waiting]
        waiting = [cell for cell, mark in marks if mark.waiting]
        groups = (("not all points in", short), ("needs a person", waiting))
        found = "; ".join(f"{words}: {', '.join(cells)}" for words, cells in groups if cells) or "everything right"
        return cls(student, sum(mark.points for _, mark in marks), sum(mark.max_points for _, mark in marks), found)


def write_table(scores: Sequence[Score], what: str = " for code") -> str:
    """Return the scores of some submissions as text. `what` names what the points are for."""
    if len(scores) > MAX_LINES:
        points, most = [score.points for score in scores], max(score.max_points for score in scores)
        lower, _, upper = quantiles(points, n=4, method="inclusive")
        whole = f"{min(points):g} to {max(points):g} points of {most:g}{what}"
        return f"{whole}; the middle half of the class has {lower:g} to {upper:g}."
    width = max(map(len, ("student", *(visible(score.student) for score in scores))))
    head = f"points{what}"
    lines = [f"{'student':<{width}}  {head}  what was found"]
    for score in sorted(scores, key=lambda score: score.student):
        student = visible(score.student)
        earned = f"{score.points:>4g}/{score.max_points:g}"
        lines.append(f"{student:<{width}}  {earned:<{len(head)}}  {visible(score.found)}")
    return "\n".join(lines)


def describe(verdict: Verdict) -> str:
    """Return a line about what was found in a submission: the named mistakes, else the first failure."""
    if verdict.points == verdict.max_points:
        return "everything right"
    short = [part for part in verdict.parts if part.points < part.max_points]
    named = dict.fromkeys(mistake.name for part in short for mistake in part.mistakes)
    open_ = [part.title.lower() for part in short if any(statement.state == "open" for statement in part.statements)]
    reasons = (words.reason(each) for part in short for each in part.statements if each.why)
    why = next(reasons, "not right yet")
    if named or verdict.remarks:
        return visible("; ".join(named or [verdict.remarks[0].text]))
    return f"blanks still open in: {'; '.join(open_)}" if open_ else visible(f"{short[0].title}: {why}")


def verdict_lines(verdict: Verdict) -> str:
    """Return a verdict as text, for instructors: points, and for each wrong statement what was found and expected."""
    lines = [f"{verdict.points:g} of {verdict.max_points:g} points for code, with the seed {verdict.seed}"]
    shown = set[str]()
    for part in verdict.parts:
        lines.append(f"{f'{part.points:g}/{part.max_points:g}':>6}  {part.title}")
        lines += [f"{'':>8}{part.problem}"] if part.problem and part.problem not in shown else []
        shown.add(part.problem)
        for finding in part.statements:
            if finding.state in ("wrong", "open"):
                lines += [f"{'':>8}{finding.state}: {finding.heading}", *(f"{'':>10}{each}" for each in _why(finding))]
    lines += [f"Note: {remark.text}" for remark in verdict.remarks]
    lines += [f"For a person: {why}" for why in verdict.reasons]
    return "\n".join(map(visible, lines))


def _why(finding: Finding) -> Iterator[str]:
    if (why := finding.why) and not why.is_of_code:
        yield f"{why.text} ({why.where})" if why.where else why.text
        for side, text in (("found", why.found), ("expected", why.expected)):
            yield from [f"{side}: {' '.join(text.split())}"] if text else []
    elif why:
        yield " ".join(words.reason(finding).split())
    if finding.mistake:
        yield f"mistake: {finding.mistake.name}"
