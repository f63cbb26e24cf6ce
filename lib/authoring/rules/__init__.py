"""The rules of units: the notebook fits the unit, no answer is revealed, and only right code earns all points.

Each rule is a function that yields the faults of a `Trial`. The first line of its docstring is the expectation in each
fault without a more specific one. `zerolayer check` and `zerolayer build` apply the same rules.
"""

from collections.abc import Iterable, Iterator, Set
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

import numpy as np

from lib.authoring.make_fingerprints import of_part
from lib.authoring.rules import code, notebooks, open_half
from lib.authoring.trial import RuleFunction, Trial
from lib.checking.student_code import silence
from lib.grading.errors import Fault
from lib.grading.progress import bar


class Rule(NamedTuple):
    """A rule: its function, the rules that must hold before it is applied, and True if a fault prevents a release."""

    find_faults: RuleFunction
    needs: tuple[RuleFunction, ...] = ()
    refuses: bool = True


VALID = (notebooks.knows_its_unit, notebooks.has_ids, notebooks.fits_its_unit, notebooks.can_be_made)
OF_NOTEBOOKS = (
    Rule(notebooks.knows_its_unit),
    Rule(notebooks.has_ids),
    Rule(notebooks.fits_its_unit, (notebooks.has_ids,)),
    Rule(notebooks.can_be_made, (notebooks.has_ids,)),
    Rule(open_half.shows_no_answer),
    Rule(open_half.imports_what_students_have),
)
CODE = (code.draws_the_same_again, code.right_code_is_right)
MISTAKES = (*CODE, code.mistakes_can_be_run)
COSTING = (*MISTAKES, code.mistakes_cost_points)
NEEDED_FOR_DATA = {code.draws_the_same_again, code.right_code_is_right, code.mistakes_can_be_run}
OF_CODE = (
    Rule(code.draws_the_same_again),
    Rule(code.right_code_is_right, (code.draws_the_same_again,)),
    Rule(code.asks_for_other_results, CODE),
    Rule(code.mistakes_can_be_run, CODE),
    Rule(code.mistakes_cost_points, MISTAKES),
    Rule(code.mistakes_cost_once, MISTAKES),
    Rule(code.mistakes_have_names, (*MISTAKES, code.mistakes_cost_points), refuses=False),
)
"""The rules that apply to each part separately."""
RUN = (*VALID, notebooks.runs_to_its_end)
OF_RUNS = (
    Rule(notebooks.runs_to_its_end, VALID),
    Rule(notebooks.earns_all_points, (*RUN, *CODE)),
    Rule(notebooks.earns_nothing_untouched, (*RUN, *CODE, notebooks.earns_all_points)),
)


CHECK = (*OF_NOTEBOOKS, *OF_CODE, *OF_RUNS)
"""All rules, for `zerolayer check`."""
RELEASE = tuple(rule for rule in CHECK if rule not in OF_CODE or rule.find_faults in COSTING)
"""The rules that decide whether an assignment is released."""


def faults_of(trial: Trial, rules: Iterable[Rule]) -> Iterator[tuple[Rule, Fault]]:
    """Yield each fault once, and the rule that it breaks."""
    broken, seen = set[RuleFunction](), set[str]()
    for is_of_parts, group in groupby(rules, OF_CODE.__contains__):
        for rule, fault in (apply_to_parts if is_of_parts else apply)(trial, [*group], broken):
            broken.add(rule.find_faults)
            if str(fault) not in seen:
                seen.add(str(fault))
                yield rule, fault


def apply(trial: Trial, rules: Iterable[Rule], broken: Set[RuleFunction]) -> Iterator[tuple[Rule, Fault]]:
    """Yield the faults by each rule whose `needs` aren't broken."""
    broken = {*broken}
    for rule in rules:
        if broken.isdisjoint(rule.needs):
            with silence(), np.errstate(all="ignore"):
                found = [*rule.find_faults(trial)]
            for fault in found:
                fault.expected = fault.expected or (rule.find_faults.__doc__ or "").partition("\n")[0]
                broken.add(rule.find_faults)
                yield rule, fault


def apply_to_parts(trial: Trial, rules: list[Rule], broken: Set[RuleFunction]) -> list[tuple[Rule, Fault]]:
    """Return the faults of each part by itself, and store the data of parts whose code can be run."""
    found = list[tuple[Rule, Fault]]()
    with bar(len(trial.parts), "part") as progress:
        for part in trial.parts:
            own = [*apply(replace(trial, chosen=(part,)), rules, broken)]
            if rules == [*OF_CODE] and NEEDED_FOR_DATA.isdisjoint(rule.find_faults for rule, _ in own):
                trial.part_data[part.id] = of_part(trial.key, part)  # a release needs none
            found += own
            progress.update()
    return found
