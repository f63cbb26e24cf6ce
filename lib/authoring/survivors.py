"""Survivors: mutants that keep all points of their subject, each a hole in a unit's draws or statements.

A mutant is judged as a submission is. Where one keeps all points, draw other inputs, add a statement, or record in the
part's table of mistakes that it is right, too, and why. An entry is the change as it is reported, and a `*` in it
stands for anything:

    [check-adam.equal]
    'g ** 2 -> g * g' = 'the same number'
"""

from __future__ import annotations

import ast
import multiprocessing
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from fnmatch import fnmatchcase
from itertools import groupby, product
from math import inf
from time import process_time

import numpy as np

from lib.authoring.mutants import Code, Mutant, nodes_in
from lib.authoring.trial import DESK, RightCode, Trial
from lib.checking.findings import find
from lib.checking.looks import look_at
from lib.checking.student_code import Budget, silence
from lib.grading.progress import bar
from lib.mistakes import read_equal

COARSE = ("any other value", "is left out")
"""What is tried first: where it keeps all points, nothing within is tried."""
LIMIT = "limit "
DRAWS, FEW = 20, 3
"""A mutant that loses points on a few draws is not tried on the others."""
SECONDS, BUDGET = 1.0, 60.0
"""Seconds of a processor: for a mutant on one draw, besides ten times those of right code; and for one subject."""


def keeps_all(code: Code, trial: Trial, seconds: float, source: str, draws: Sequence[int]) -> bool:
    """True if a mutant keeps all points of its subject on the last of some draws, after the others.

    It may run for so many seconds in all of them.
    """
    budget = Budget(seconds, patience=inf)
    try:
        with silence(), np.errstate(all="ignore"):
            space = code.define(source)
            for part in code.right.parts:
                for draw in draws:
                    inputs, known, _ = trial.draw(part, draw)
                    shown = look_at(part, inputs, tuple(space[name] for name in part.subjects), budget)
                if any(each.state != "right" for each in find(part, inputs, shown, known) if each.statement.points):
                    return False
    except Exception:  # whatever changed code may raise
        return False
    return True


_forked: tuple[Code, Trial, float]
"""What processes have from the one that they are forked from: it doesn't go through a pipe."""


def hardest(family: Sequence[Mutant]) -> tuple[list[Mutant], float]:
    """Return of the degrees of a change the first that survives on every draw, or else on most; and seconds."""
    begin, found = process_time(), list[Mutant]()
    for mutant in family:
        if any(keeps_all(*_forked, mutant.source, [draw]) for draw in range(FEW)):
            draws = sum(keeps_all(*_forked, mutant.source, [DESK, draw]) for draw in range(DRAWS))
            found += [mutant._replace(draws=draws)] if draws else []
            if draws == DRAWS:
                break
    return sorted(found, key=lambda each: -each.draws)[:1], process_time() - begin


def try_all(code: Code, trial: Trial, seconds: float, processes: int) -> tuple[list[Mutant], str]:
    """Try the mutants of a subject, and return the survivors, and how many were tried in how many seconds.

    Where any other value keeps all points, what is within is not tried.
    """
    global _forked
    _forked, families, survivors, tried, spent = (code, trial, seconds), code.mutants(), list[Mutant](), 0, 0.0
    with bar(len(families), "change") as progress:
        progress.set_description(code.right.definition.name)
        for is_coarse in (True, False):
            idle = nodes_in(code.nodes[each.node] for each in survivors if each.draws == DRAWS)
            chosen = [each for each in families if (each[0].now in COARSE) == is_coarse]
            chosen = [each for each in chosen if code.nodes[each[0].node] not in idle]
            with ProcessPoolExecutor(processes, multiprocessing.get_context("fork")) as pool:
                for family, (found, taken) in zip(chosen, pool.map(hardest, chosen, chunksize=4), strict=True):
                    progress.update()
                    survivors, tried, spent = survivors + found, tried + len(family), spent + taken
                    if spent > BUDGET:
                        pool.shutdown(cancel_futures=True)
                        break
    inner = [nodes_in(ast.iter_child_nodes(code.nodes[each.node])) for each in survivors if each.now in COARSE]
    survivors = [each for each in survivors if not any(code.nodes[each.node] in nodes for nodes in inner)]
    late = f", and the others were not tried: there are {sum(map(len, families))}" if spent > BUDGET else ""
    return survivors, f"{tried} changes of right code in {spent:.0f} seconds of a processor{late}"


def remarks(trial: Trial, processes: int = 0) -> Iterator[str]:
    """Try the mutants of each subject, and write for a person what came of them; nothing where no process can fork."""
    recorded = read_equal(trial.place.closed) if trial.place else {}
    for right in trial.right_code() if hasattr(os, "fork") else ():
        equal = [entry for part in right.parts for entry in recorded.get(part.id, ())]
        with silence():
            for part, draw in product(right.parts, (DESK, *range(DRAWS))):
                trial.draw(part, draw)  # once, before processes are forked
        begin, code = process_time(), Code(right)
        if keeps_all(code, trial, inf, code.source, [DESK, 0]):
            seconds = SECONDS + 10 * (process_time() - begin)
            yield describe(right, equal, *try_all(code, trial, seconds, processes or os.cpu_count() or 1))
        else:
            yield f"{right.place}: changes of right code are not tried, since it loses points by itself."


def describe(right: RightCode, equal: Sequence[str], survivors: Sequence[Mutant], tried: str) -> str:
    """Write which changes of a subject keep all points, but for those that are recorded as right."""
    patterns = {entry: re.sub(r"[\[?]", r"[\g<0>]", entry) for entry in equal}  # only a star isn't itself
    fits = {entry: [each for each in survivors if fnmatchcase(str(each), patterns[entry])] for entry in equal}
    found = [each for each in survivors if not any(each in those for those in fits.values())]
    limited, right_too = sum(each.now.startswith(LIMIT) for each in found), len(survivors) - len(found)
    about = f"{len(found) - limited} keep all points, {limited} more are limits, {right_too} are recorded as right"
    text, limits = [f"{right.place}: {tried}. {about}."], dict[str, dict[str, None]]()
    found.sort(key=lambda each: ("#?" not in right.lines[each.line - 1], each.line, each.node))
    for line, those in groupby(found, lambda each: each.line):
        shown = dict[str, None]()
        for each in those:
            if each.now.startswith(LIMIT):
                limits.setdefault(each.now.removeprefix(LIMIT), {})[each.was] = None
            else:
                shown[f"    {each.draws:2} of {DRAWS} draws  {each}"] = None
        text += [f"  line {line}: {right.lines[line - 1].partition('#?')[0].strip()}", *shown] if shown else []
    beyond = "; ".join(f"{limit}: {', '.join(those)}" for limit, those in limits.items())
    text += [f"  No draw goes beyond {beyond}"] if beyond else []
    unused = [entry for entry in equal if not fits[entry]]
    text += [f"  Recorded as right, but fits no change that keeps all points: {entry}" for entry in unused]
    return "\n".join(text)
