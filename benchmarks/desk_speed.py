"""Claim: a student waits neither for the first import nor for a check. Prints ratios of processor time.

    python benchmarks/desk_speed.py

Measured on two cores: the import takes 1.3 times as long as NumPy's, and a check 2 to 7 times as long as its looks.
"""

import subprocess
import sys
from statistics import median
from time import process_time

from lib.checking.dispatch import Check
from lib.checking.looks import look_at_ours
from lib.grading.unit_registry import answer_key

TIMED = "from time import process_time; start = process_time(); import {}; print(process_time() - start)"


def imported(modules):
    commands = 7 * [[sys.executable, "-c", TIMED.format(modules)]]
    return median(float(subprocess.run(each, capture_output=True, text=True, check=True).stdout) for each in commands)


def seconds(action, *arguments):
    found = []
    for _ in range(9):
        start = process_time()
        action(*arguments)
        found.append(process_time() - start)
    return median(found)


if __name__ == "__main__":
    ratio = imported("lib, lib.units.softmax_classifier, lib.data") / imported("numpy")
    print(f"the notebook's first import / NumPy's: {ratio:.1f}")
    for name in ("softmax_classifier", "hidden_layer"):
        key = answer_key(name)
        for part in key.parts:
            subjects = key.subjects(part)
            looks = seconds(look_at_ours, part, part.desk_inputs(), subjects)
            print(f"{part.id}: check / looks: {seconds(Check(part), *subjects) / looks:.1f}")
