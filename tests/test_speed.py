"""What a student waits for, as ratios of processor time with a wide margin: measured are 1.3 and 2 to 7."""

import subprocess
import sys
from statistics import median
from time import process_time

import pytest

from lib.checking.dispatch import Check
from lib.checking.looks import look_at_ours
from lib.grading.unit_registry import answer_key

TIMED = "from time import process_time; start = process_time(); import {}; print(process_time() - start)"


def imported(modules):
    commands = 7 * [[sys.executable, "-c", TIMED.format(modules)]]
    return median(float(subprocess.run(each, capture_output=True, text=True, check=True).stdout) for each in commands)


def test_a_notebooks_first_import_takes_little_more_than_numpys():
    assert imported("lib, lib.units.softmax_classifier, lib.data") < 2.5 * imported("numpy")


def seconds(action, *arguments):
    found = []
    for _ in range(9):
        start = process_time()
        action(*arguments)
        found.append(process_time() - start)
    return median(found)


@pytest.mark.parametrize(
    "key", [answer_key("softmax_classifier"), answer_key("hidden_layer")], ids=["softmax", "hidden"]
)
def test_a_check_takes_little_more_than_what_it_looks_at(key):
    ratios = {}
    for part in key.parts:
        subjects = key.subjects(part)
        looked = seconds(look_at_ours, part, part.desk_inputs(), subjects)
        ratios[part.id] = seconds(Check(part), *subjects) / looked
    assert not {id: ratio for id, ratio in ratios.items() if ratio > 20}, ratios
