"""Survivors: mutants that keep all points of their subject. Each shows a gap in a unit's draws or statements.

A mutant is judged like a submission. If one keeps all points, draw other inputs, add a statement, or record in the
part's table of mistakes that it is right, with the reason. The entry is the reported change, in which `*` matches
anything:

    [check-adam.equal]
    'g ** 2 -> g * g' = 'the same number'
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import groupby, product
from math import inf
from multiprocessing import get_context
from time import process_time

import numpy as np

from lib.authoring.mutants import Code, Mutant, find_right_code, nodes_in
from lib.authoring.trial import DESK, Trial
from lib.checking.findings import find
from lib.checking.looks import look_at
from lib.checking.student_code import Budget, silence
from lib.grading.progress import bar
from lib.grading.sandbox.lockdown import die_with_parent
from lib.mistakes import read_equal

COARSE = ("any other value", "is left out")
"""Changes that are tried first. If one of them survives, expressions inside that code are not tried."""
HOLES = {
    "of calls: ": "Holes between calls, unless the text allows them:",
    "in the dtype of ": "Holes if inputs may be whole numbers: the result is in the dtype of",
}
SIZES = {
    "limit ": "No draw goes beyond",
    "only where ": "Sizes that no statement needs: only where",
    "only right where ": "Sizes that no draw varies: only right where",
}
"""Beginnings of changes that prove least and are tried last, each with the heading of its line in the report."""
GROUPS = HOLES | SIZES
MOST = 3
"""The number of places that are listed for one change of a group."""
DRAWS, FEW = 20, 3
"""The number of draws, and the number of draws after which a mutant without all points is given up."""
SECONDS, BUDGET = 1.0, 80.0
"""Limits of processor time in seconds: for a mutant, in addition to ten times right code's; and for all mutants of a
unit, of which each subject gets an equal share, and what others leave: two cores take less than a minute."""


def keeps_all(code: Code, trial: Trial, seconds: float, source: str, draws: Sequence[int]) -> bool:
    """True if a mutant keeps all points of its subject on the last draw, after it has run on the others.

    `seconds` is the time limit for all draws together.
    """
    budget = Budget(seconds, patience=inf)
    try:
        with silence(), np.errstate(all="ignore"):
            space = code.define(source)
            for part in code.parts:
                for draw in draws:
                    inputs, known, _ = trial.draw(part, draw)
                    shown = look_at(part, inputs, tuple(space[name] for name in part.subjects), budget)
                if any(each.state != "right" for each in find(part, inputs, shown, known) if each.max_points):
                    return False
    except Exception:  # changed code may raise anything
        return False
    return True


_forked: tuple[Code, Trial, float]
"""The arguments for forked processes, which inherit them: they can't be pickled."""


def hardest(family: Sequence[Mutant]) -> tuple[list[Mutant], float]:
    """Return the first degree of a change that survives on every draw, or else on most, and the processor time."""
    begin, found = process_time(), list[Mutant]()
    for mutant in family:
        if any(keeps_all(*_forked, mutant.source, [draw]) for draw in range(FEW)):
            draws = sum(keeps_all(*_forked, mutant.source, [DESK, draw]) for draw in range(DRAWS))
            found += [mutant._replace(draws=draws)] if draws else []
            if draws == DRAWS:
                break
    return sorted(found, key=lambda each: -each.draws)[:1], process_time() - begin


def rank(family: Sequence[Mutant]) -> int:
    """Return when a change is tried: coarse ones first, and sizes last."""
    return 0 if family[0].now in COARSE else 2 if family[0].now.startswith(tuple(SIZES)) else 1


@dataclass
class Subject:
    """The mutants of a subject, those that survive, how many were tried and left out, and the processor time."""

    code: Code
    seconds: float
    families: list[list[Mutant]]
    survivors: list[Mutant] = field(default_factory=list)
    tried: int = 0
    left_out: int = 0
    spent: float = 0.0

    def try_rank(self, number: int, trial: Trial, processes: int, budget: float) -> float:
        """Try the mutants of a rank within a budget of processor time, and return the time.

        The inner expressions of code that survives any other value are not tried.
        """
        global _forked
        _forked = self.code, trial, self.seconds
        coarse = [each for each in self.survivors if each.now in COARSE and each.draws == DRAWS]
        idle = nodes_in(self.code.nodes[each.node] for each in coarse)
        chosen = [each for each in self.families if rank(each) == number and self.code.nodes[each[0].node] not in idle]
        left, spent = sum(map(len, chosen)), 0.0
        # Forks inherit what can't be pickled.
        workers = ProcessPoolExecutor(
            processes, get_context("fork"), die_with_parent if sys.platform == "linux" else None
        )
        with bar(len(chosen), "change") as progress, workers as pool:
            progress.set_description(self.code.name)
            for family, (found, time) in zip(chosen, pool.map(hardest, chosen, chunksize=2), strict=True):
                progress.update()
                self.survivors += found
                self.tried, left, spent = self.tried + len(family), left - len(family), spent + time
                if spent > budget:
                    pool.shutdown(cancel_futures=True)
                    break
        self.left_out, self.spent = self.left_out + left, self.spent + spent
        return spent

    def report(self, equal: Sequence[str]) -> str:
        """Return a report on the survivors, except those that are recorded as right."""
        nodes, lines = self.code.nodes, self.code.lines
        inner = [nodes_in(ast.iter_child_nodes(nodes[each.node])) for each in self.survivors if each.now in COARSE]
        survivors = [each for each in self.survivors if not any(nodes[each.node] in within for within in inner)]
        patterns = {entry: re.sub(r"[\[?]", r"[\g<0>]", entry) for entry in equal}  # only `*` is a wildcard
        fits = {entry: [each for each in survivors if fnmatchcase(str(each), patterns[entry])] for entry in equal}
        found = [each for each in survivors if not any(each in matches for matches in fits.values())]
        grouped = {start: [each for each in found if each.now.startswith(start)] for start in GROUPS}
        found = [each for each in found if not each.now.startswith(tuple(GROUPS))]
        more, right_too = sum(map(len, grouped.values())), len(survivors) - len(found)
        tried = f"{self.tried} changes of right code in {self.spent:.0f} seconds of processor time"
        tried += f"; {self.left_out} more were left out, those of sizes first" if self.left_out else ""
        counts = f"{len(found)} keep all points, {more} more in groups, {right_too - more} are recorded as right"
        text = [f"{self.code.place}: {tried}. {counts}."]
        found.sort(key=lambda each: (each.draws < DRAWS, "#?" not in lines[each.line - 1], each.line, each.node))
        for (is_rare, line), group in groupby(found, lambda each: (each.draws < DRAWS, each.line)):
            heading = "Draws that are too narrow, line" if is_rare else "line"
            text.append(f"  {heading} {line}: {lines[line - 1].partition('#?')[0].strip()}")
            text += dict.fromkeys(f"    {each.draws:2} of {DRAWS} draws  {each}" for each in group)
        for start, about in GROUPS.items():
            places = dict[str, dict[str, None]]()
            for each in grouped[start]:
                places.setdefault(each.now.removeprefix(start), {})[each.was] = None
            beyond = "; ".join(f"{limit}: {_few([*code])}" for limit, code in places.items())
            text += [f"  {about} {beyond}"] if beyond else []
        unused = [entry for entry in equal if not fits[entry]]
        text += [f"  Recorded as right, but no change that keeps all points matches: {entry}" for entry in unused]
        return "\n".join(text)


def remarks(trial: Trial, processes: int = 0) -> Iterator[str]:
    """Try the mutants of each subject, and yield a report on each. Systems without fork have no reports."""
    subjects = list[Subject]()
    for code in find_right_code(trial) if hasattr(os, "fork") else ():
        with silence():
            for part, draw in product(code.parts, (DESK, *range(DRAWS))):
                trial.draw(part, draw)  # before forking, so that the processes share the draws
        begin = process_time()
        if keeps_all(code, trial, inf, code.source, [DESK, 0]):
            subjects.append(Subject(code, SECONDS + 10 * (process_time() - begin), code.mutants()))
        else:
            yield f"{code.place}: changes of right code are not tried, because it loses points without them."
    budget = BUDGET
    for number in range(3):
        for left, subject in zip(range(len(subjects), 0, -1), subjects, strict=True):
            budget -= subject.try_rank(number, trial, processes or os.cpu_count() or 1, budget / left)
    recorded = read_equal(trial.place.closed) if trial.place else {}
    for subject in subjects:
        yield subject.report([entry for part in subject.code.parts for entry in recorded.get(part.id, ())])


def _few(code: list[str]) -> str:
    more = len(code) - MOST
    return ", ".join(code[:MOST]) + (f" and {more} more" if more > 0 else "")
