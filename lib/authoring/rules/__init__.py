"""The laws of a unit: its notebook fits it, it gives no answer away, and right code earns all points and no other any.

Each law is a function that looks at a `Trial` and gives its faults. Its first sentence is what is expected, and stands
in each fault that says nothing more exact. `check` and `build` go through the same.
"""

import os
from collections.abc import Iterable, Iterator, Set
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from itertools import groupby
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np

from lib.authoring.make_fingerprints import Ships, of_part
from lib.authoring.rules import code, notebooks, open_half
from lib.authoring.trial import Law, Trial
from lib.checking.student_code import silence
from lib.grading.errors import Fault
from lib.grading.progress import bar


class Rule(NamedTuple):
    """A law, those without which its faults would only be consequences, and whether what breaks it isn't released."""

    law: Law
    needs: tuple[Law, ...] = ()
    refuses: bool = True


MADE = (notebooks.knows_its_unit, notebooks.has_ids, notebooks.fits_its_unit, notebooks.can_be_made)
OF_NOTEBOOKS = (
    Rule(notebooks.knows_its_unit),
    Rule(notebooks.has_ids),
    Rule(notebooks.fits_its_unit, (notebooks.has_ids,)),
    Rule(notebooks.can_be_made, (notebooks.has_ids,)),
    Rule(open_half.leads_nowhere),
    Rule(open_half.shows_no_answer),
    Rule(open_half.declares_packages),
    Rule(code.asks_what_has_an_answer),
)
CODE = (code.draws_the_same_again, code.right_code_is_right, code.can_fail)
MISTAKES = (*CODE, code.mistakes_can_be_run)
NEEDED_TO_SHIP = {code.draws_the_same_again, code.right_code_is_right, code.mistakes_can_be_run}
OF_CODE = (
    Rule(code.has_hints, refuses=False),
    Rule(code.is_worth_something),
    Rule(code.draws_the_same_again),
    Rule(code.right_code_is_right, (code.draws_the_same_again,)),
    Rule(code.examples_agree),
    Rule(code.can_fail, CODE[:2]),
    Rule(code.asks_for_other_results, CODE),
    Rule(code.mistakes_can_be_run, CODE),
    Rule(code.mistakes_cost_points, CODE),
    Rule(code.mistakes_cost_once, CODE),
    Rule(code.mistakes_have_names, (*MISTAKES, code.is_worth_something, code.mistakes_cost_points), refuses=False),
)
"""What is asked of each part by itself."""
RUN = (*MADE, notebooks.runs_to_its_end)
OF_RUNS = (
    Rule(notebooks.runs_to_its_end, MADE),
    Rule(notebooks.earns_all_points, (*RUN, *CODE)),
    Rule(notebooks.ends_well, RUN, refuses=False),
    Rule(notebooks.earns_nothing_untouched, (*RUN, *CODE)),
)


def faults_of(trial: Trial, rules: Iterable[Rule]) -> Iterator[tuple[Rule, Fault]]:
    """Yield each fault once, and the rule that it breaks."""
    broken, seen = set[Law](), set[str]()
    for is_of_parts, those in groupby(rules, OF_CODE.__contains__):
        for rule, fault in (try_parts if is_of_parts else go_through)(trial, [*those], broken):
            broken.add(rule.law)
            if str(fault) not in seen:
                seen.add(str(fault))
                yield rule, fault


def go_through(trial: Trial, rules: Iterable[Rule], broken: Set[Law]) -> Iterator[tuple[Rule, Fault]]:
    """Yield the faults by each rule whose needs aren't broken."""
    broken = {*broken}
    for rule in rules:
        if broken.isdisjoint(rule.needs):
            with silence(), np.errstate(all="ignore"):
                found = [*rule.law(trial)]
            for fault in found:
                fault.expected = fault.expected or (rule.law.__doc__ or "").partition("\n")[0]
                broken.add(rule.law)
                yield rule, fault


# ---- Part by part


Tried = tuple[list[tuple[int, Fault]], Ships | None]
"""The faults of a part, each with its rule's number, and what ships with the part if all of that can be run."""
_forked: tuple[Trial, list[Rule], Set[Law]]
"""What processes have from the one that they are forked from: it doesn't go through a pipe."""


def try_parts(trial: Trial, rules: list[Rule], broken: Set[Law]) -> Iterator[tuple[Rule, Fault]]:
    """Yield the faults of all parts, rule by rule, and note what ships. Each part is tried in a process of its own."""
    global _forked
    _forked, left = (trial, rules, broken), {number: part.name for number, part in enumerate(trial.parts)}
    found = dict[int, Tried]()
    if len(left) == 1 or not hasattr(os, "fork"):
        found = {number: _try_part(number) for number in left}
    else:
        with bar(len(left), "part") as progress, ProcessPoolExecutor(mp_context=get_context("fork")) as pool:
            numbers = {pool.submit(_try_part, number): number for number in left}
            for done in as_completed(numbers):
                found[numbers[done]] = done.result()
                del left[numbers[done]]
                progress.set_description(", ".join(left.values()), refresh=False)
                progress.update()
    trial.ships |= {part.id: ships for number, part in enumerate(trial.parts) if (ships := found[number][1])}
    for at, rule in enumerate(rules):
        yield from ((rule, fault) for number in sorted(found) for of, fault in found[number][0] if of == at)


def _try_part(number: int) -> Tried:
    trial, rules, broken = _forked
    part = trial.parts[number]
    found = [(rules.index(rule), fault) for rule, fault in go_through(replace(trial, chosen=(part,)), rules, broken)]
    lacks = {rules[at].law for at, _ in found} & NEEDED_TO_SHIP
    return found, None if lacks else of_part(trial.key, part)
