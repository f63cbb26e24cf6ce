"""Claim: `lib`, `lib.units.softmax_classifier` and `lib.data` together import within 1.3 times of `numpy` alone.

Fresh interpreters, one after the other in turn, medians; processor time as well as wall time, since machines are busy.
"""

import statistics
import subprocess
import sys

from environment import as_a_user

ROUNDS = 15
IMPORTS = {
    "numpy": "import numpy",
    "lib, lib.units.softmax_classifier, lib.data": "import lib, lib.units.softmax_classifier, lib.data",
}
MEASURE = """
from time import perf_counter, process_time
wall, processor = perf_counter(), process_time()
{}
print(perf_counter() - wall, process_time() - processor)
"""


def measured(statement):
    """Time one import in an interpreter of its own: wall and processor seconds."""
    command = [sys.executable, "-c", MEASURE.format(statement)]
    done = subprocess.run(command, env=as_a_user(), capture_output=True, text=True, check=True)
    return tuple(map(float, done.stdout.split()))


def main():
    """Print medians and the ratio to numpy."""
    times = {name: [] for name in IMPORTS}
    for _ in range(ROUNDS):
        for name, statement in IMPORTS.items():
            times[name].append(measured(statement))
    medians = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in times.items()}
    for name, (wall, processor) in medians.items():
        ratio = processor / medians["numpy"][1]
        print(f"{name:<28} {1000 * wall:7.1f} ms wall {1000 * processor:7.1f} ms processor   {ratio:.2f} x numpy")


if __name__ == "__main__":
    main()
