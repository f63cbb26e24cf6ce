"""What hostile code tries, for real: first without locks, where it works, then in the sandbox."""

import re
from pathlib import Path

import pytest

from tests.grading.sandbox.attacks import ATTACKS

EACH = pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name.replace(" ", "-"))
ROOT = Path(__file__).parents[3]


@EACH
def test_an_attack_works_without_locks(unlocked, attack):
    if attack.shown_by not in ("", unlocked.user):
        pytest.skip(f"Only as {attack.shown_by} this works anyway.")
    if attack.needs and not unlocked.facts[attack.needs]:
        pytest.skip(f"This machine has no {attack.needs} to find.")
    outcome = unlocked.run(attack.code)
    assert outcome.worked, outcome.output


@EACH
def test_an_attack_is_stopped_in_the_sandbox(sandbox, attack):
    outcome = sandbox.run(attack.code, **attack.limits)
    assert outcome.output[0] == "began", outcome.output
    assert not outcome.worked
    assert re.search(attack.stopped_by, outcome.output[-1]), outcome.output


def test_every_test_that_the_threat_model_names_exists():
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs/threat-model.md").read_text()))
    files = "\n".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    assert len(named) > 20
    assert named <= set(re.findall(r"def (test_\w+)", files))
