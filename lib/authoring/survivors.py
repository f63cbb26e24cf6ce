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
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import groupby, product
from math import inf
from time import process_time

import numpy as np

from lib.authoring.mutants import Code, Mutant, nodes_in
from lib.authoring.trial import DESK, RightCode, Trial, start_workers
from lib.checking.findings import find
from lib.checking.looks import look_at
from lib.checking.student_code import Budget, silence
from lib.grading.progress import bar
from lib.mistakes import read_equal

COARSE = ("any other value", "is left out")
"""Changes that are tried first. If code survives one of them, its inner expressions are not tried."""
GROUPS = {
    "limit ": "No draw goes beyond",
    "only where ": "Sizes that nothing needs: only where",
    "only right where ": "Sizes that nothing tells apart: only right where",
    "of calls: ": "Calls that nothing tells apart:",
}
"""Starts of changes that have one cause, with the beginning of the line that names all of them, at the end."""
DRAWS, FEW = 20, 3
"""The number of draws, and the number of draws after which a mutant without all points is given up."""
SECONDS, BUDGET = 1.0, 60.0
"""Limits of processor time in seconds: for a mutant, in addition to ten times right code's; and for a subject."""


def keeps_all(code: Code, trial: Trial, seconds: float, source: str, draws: Sequence[int]) -> bool:
    """True if a mutant keeps all points of its subject on the last draw, after it has run on the others.

    `seconds` is the time limit for all draws together.
    """
    budget = Budget(seconds, patience=inf)
    try:
        with silence(), np.errstate(all="ignore"):
            space = code.define(source)
            for part in code.right.parts:
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


def try_all(code: Code, trial: Trial, seconds: float, processes: int) -> tuple[list[Mutant], str]:
    """Try the mutants of a subject. Return the survivors, and a text with the number of mutants and the time.

    The inner expressions of code that survives any other value are not tried.
    """
    global _forked
    _forked, families, survivors, tried, spent = (code, trial, seconds), code.mutants(), list[Mutant](), 0, 0.0
    with bar(len(families), "change") as progress:
        progress.set_description(code.right.definition.name)
        for is_coarse in (True, False):
            idle = nodes_in(code.nodes[each.node] for each in survivors if each.draws == DRAWS)
            chosen = [each for each in families if (each[0].now in COARSE) == is_coarse]
            chosen = [each for each in chosen if code.nodes[each[0].node] not in idle]
            with start_workers(processes) as pool:
                for family, (found, time) in zip(chosen, pool.map(hardest, chosen, chunksize=4), strict=True):
                    progress.update()
                    survivors, tried, spent = survivors + found, tried + len(family), spent + time
                    if spent > BUDGET:
                        pool.shutdown(cancel_futures=True)
                        break
    inner = [nodes_in(ast.iter_child_nodes(code.nodes[each.node])) for each in survivors if each.now in COARSE]
    survivors = [each for each in survivors if not any(code.nodes[each.node] in nodes for nodes in inner)]
    late = f", of {sum(map(len, families))}: the others were not tried" if spent > BUDGET else ""
    return survivors, f"{tried} changes of right code in {spent:.0f} seconds of processor time{late}"


def remarks(trial: Trial, processes: int = 0) -> Iterator[str]:
    """Try the mutants of each subject, and yield a report on each. Systems without fork have no reports."""
    recorded = read_equal(trial.place.closed) if trial.place else {}
    for right in trial.right_code() if hasattr(os, "fork") else ():
        equal = [entry for part in right.parts for entry in recorded.get(part.id, ())]
        with silence():
            for part, draw in product(right.parts, (DESK, *range(DRAWS))):
                trial.draw(part, draw)  # before forking, so that the processes share the draws
        begin, code = process_time(), Code(right)
        if keeps_all(code, trial, inf, code.source, [DESK, 0]):
            seconds = SECONDS + 10 * (process_time() - begin)
            yield describe(right, equal, *try_all(code, trial, seconds, processes or os.cpu_count() or 1))
        else:
            yield f"{right.place}: changes of right code are not tried, because it loses points without them."


def describe(right: RightCode, equal: Sequence[str], survivors: Sequence[Mutant], tried: str) -> str:
    """Return a report on the changes of a subject that keep all points, except those that are recorded as right."""
    patterns = {entry: re.sub(r"[\[?]", r"[\g<0>]", entry) for entry in equal}  # only `*` is a wildcard
    fits = {entry: [each for each in survivors if fnmatchcase(str(each), patterns[entry])] for entry in equal}
    found = [each for each in survivors if not any(each in matches for matches in fits.values())]
    grouped = {start: [each for each in found if each.now.startswith(start)] for start in GROUPS}
    found = [each for each in found if not each.now.startswith(tuple(GROUPS))]
    more, right_too = sum(map(len, grouped.values())), len(survivors) - len(found)
    counts = f"{len(found)} keep all points, {more} more in groups, {right_too - more} are recorded as right"
    text = [f"{right.place}: {tried}. {counts}."]
    found.sort(key=lambda each: ("#?" not in right.lines[each.line - 1], each.line, each.node))
    for line, group in groupby(found, lambda each: each.line):
        text.append(f"  line {line}: {right.lines[line - 1].partition('#?')[0].strip()}")
        text += dict.fromkeys(f"    {each.draws:2} of {DRAWS} draws  {each}" for each in group)
    for start, about in GROUPS.items():
        places = dict[str, dict[str, None]]()
        for each in grouped[start]:
            places.setdefault(each.now.removeprefix(start), {})[each.was] = None
        beyond = "; ".join(f"{limit}: {', '.join(code)}" for limit, code in places.items())
        text += [f"  {about} {beyond}"] if beyond else []
    unused = [entry for entry in equal if not fits[entry]]
    text += [f"  Recorded as right, but no change that keeps all points matches: {entry}" for entry in unused]
    return "\n".join(text)
