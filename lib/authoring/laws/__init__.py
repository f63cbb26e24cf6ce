"""The laws of a unit: its notebook fits it, it gives no answer away, and right code earns all points and no other any.

Each law is a function that looks at a `Trial` and gives its faults. Its first sentence is what is expected, and stands
in each fault that says nothing more exact. `check` and `build` go through the same.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from lib.authoring.laws import code, notebooks, open_half
from lib.authoring.trial import Law, Trial
from lib.checking.student_code import silence
from lib.grading.errors import Fault


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
    Rule(open_half.is_seen_where_graded),
)
"""What need not be tried again while a unit's files are as they were."""
RUN = (*MADE, open_half.is_seen_where_graded, notebooks.runs_to_its_end)
OF_RUNS = (
    Rule(notebooks.runs_to_its_end, MADE),
    Rule(notebooks.earns_all_points, (*RUN, *CODE)),
    Rule(notebooks.ends_well, RUN, refuses=False),
    Rule(notebooks.earns_nothing_untouched, (*RUN, *CODE)),
)


def faults_of(trial: Trial, rules: Iterable[Rule]) -> Iterator[tuple[Rule, Fault]]:
    """Yield each fault once, and the rule that it breaks."""
    broken, told = set[Law](), set[str]()
    for rule in rules:
        if broken.isdisjoint(rule.needs):
            with silence(), np.errstate(all="ignore"):
                found = [*rule.law(trial)]
            for fault in found:
                fault.expected = fault.expected or (rule.law.__doc__ or "").partition("\n")[0]
                broken.add(rule.law)
                if str(fault) not in told:
                    told.add(str(fault))
                    yield rule, fault
