"""What hostile code tries, for real: first without locks, where it works, then in the sandbox."""

import re

import pytest

from tests.grading.sandbox.attacks import ATTACKS


def named(attack):
    return attack.name.replace(" ", "-")


@pytest.mark.parametrize("attack", ATTACKS, ids=named)
def test_an_attack_works_without_locks(unlocked, attack):
    if attack.shown_by not in ("", unlocked.user):
        pytest.skip(f"Only as {attack.shown_by} this works anyway.")
    if attack.needs and not unlocked.facts[attack.needs]:
        pytest.skip(f"This machine has no {attack.needs} to find.")
    outcome = unlocked.run(attack.code)
    assert outcome.worked, outcome.output


@pytest.mark.parametrize("attack", ATTACKS, ids=named)
def test_an_attack_is_stopped_in_the_sandbox(sandbox, attack):
    assert_stopped(sandbox.run(attack.code, **attack.limits), attack)


def assert_stopped(outcome, attack):
    assert outcome.output[0] == "began", outcome.output
    assert not outcome.worked
    assert re.search(attack.stopped_by, outcome.output[-1]), outcome.output
