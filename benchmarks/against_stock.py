"""How many times as fast as stock `nbgrader autograde` `zerolayer grade` is, on 60 and on 300 right copies.

| row | what is timed |
|---|---|
| 60 right, 300 right | `zerolayer grade`, one run by the clock, without the report that it writes at the end |
| each more | processor milliseconds of a right copy: those of 60 copies minus those of 10, a fiftieth |
| evening of 100 mixed | collect, grade, feedback, report, export; stock nbgrader has no report |

Stock nbgrader has its own configuration and Jupyter's own kernels. It grades 1, 4 and 7 copies, and what a class would
take is reckoned from there by a straight line. Both halves of the line are printed: they should agree.
Another version of this package, by its checkout, takes turns with this one. All figures are medians.

    python benchmarks/against_stock.py                    5 minutes on two quiet processors
    python benchmarks/against_stock.py --old CHECKOUT     10 minutes, in turns with another, which has its own .venv
"""

import argparse
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter

import nbformat
from throughput import ASSIGNMENT, EVENING, EVERY, SUBREAPER, Measured, built, copied, honest, measured, reckoned

from lib.grading.commands import demo
from tests.sample_class import ANSWERS, RIGHT

HERE = Path(__file__).resolve().parents[1]
RIGHT_COPIES, MIXED = (10, 60, 300), 100
STOCK_COPIES = (1, 4, 7)


def make(root):
    """Make a course with 300 right copies, and one with 100 mixed submissions."""
    right, mixed = built(root / "right"), root / "mixed"
    shutil.copytree(right, mixed)
    honest(mixed, MIXED)
    source = right / "notebooks" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    answers = dict(ANSWERS)
    if hasattr(demo, "read_solution"):  # not in 0.6.0, where no blank is outside a part
        answers = demo.read_solution(right / "solutions" / ASSIGNMENT / source.name, source) | answers
    notebook = demo.complete(nbformat.read(source, as_version=4), RIGHT, answers)
    for student in names(max(RIGHT_COPIES)):
        folder = right / "submitted" / student / ASSIGNMENT
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / source.name)


def names(size):
    """Return the names of a class."""
    return [f"student{number:04}" for number in range(size)]


class Version:
    """A checkout of this package with its Python, and the courses that it has built."""

    def __init__(self, checkout, python, root):
        self.python, self.root = python, root
        self.has_table = Path(checkout, "lib/grading/lms/export.py").exists()  # 0.6.0 has only nbgrader's export
        environment = os.environ | {"PYTHONPATH": str(checkout)}
        command = [python, __file__, "--make", root]
        subprocess.run(command, cwd=checkout, env=environment, check=True, stdout=subprocess.DEVNULL)

    def grade(self, size):
        """Grade so many right copies."""
        with Course(self.root / "right", names(size)) as course:
            return self._run(course, "grade")

    def evening(self):
        """Run all commands of an evening with the mixed class."""
        with Course(self.root / "mixed", names(MIXED), is_packed=True) as course:
            return sum((self._run(course, step) for step in EVENING), Measured())

    def _run(self, course, step):
        ours, stock = EVENING[step]
        return measured(course, *(ours if step != "export" or self.has_table else stock), python=self.python)


class Course:
    """A copy of a course with some of its submissions. Leaving its context removes it."""

    def __init__(self, root, students, **kind):
        self._path = copied(root, f"{root.name}-copy", students, **kind)

    def __enter__(self):
        return self._path

    def __exit__(self, *_):
        shutil.rmtree(self._path)


def stock_grade(root):
    """Return seconds and processor seconds of stock nbgrader for each of STOCK_COPIES."""
    found = []
    for size in STOCK_COPIES:
        with Course(root / "right", names(size), is_stock=True) as course:
            found.append(measured(course, *EVENING["grade"][1]))
    return found


def stock_evening(root):
    """Return what an evening of the first and the last of STOCK_COPIES takes stock nbgrader."""
    found = []
    for size in (STOCK_COPIES[0], STOCK_COPIES[-1]):
        with Course(root / "mixed", names(MIXED)[::EVERY][:size], is_stock=True, is_packed=True) as course:
            found.append(sum((measured(course, *peer) for _, peer in EVENING.values() if peer), Measured()))
    return found


def stock_seconds(few, many, size):
    """Reckon the seconds of `size` copies from those of the first and the last of STOCK_COPIES."""
    return reckoned(few, many, STOCK_COPIES[-1], size).seconds


def each_of(few, many, number):
    """Return the seconds of each further copy between two measurements."""
    return (many.seconds - few.seconds) / number


def main():
    """Measure in turns, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", type=Path, help="another checkout, which has its own .venv")
    parser.add_argument("--rounds", type=int, default=3, help="turns that each takes, side by side")
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.make:
        make(asked.make)
        return
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        began, places = perf_counter(), {"here": (HERE, sys.executable)}
        if asked.old:
            places[str(asked.old)] = asked.old, str(asked.old / ".venv" / "bin" / "python")
        versions = {}
        for number, (name, place) in enumerate(places.items()):
            (root := Path(folder, str(number))).mkdir()
            versions[name] = Version(*place, root)
        graded, evenings = {name: [] for name in versions}, {name: [] for name in versions}
        stock, stock_evenings = [], []
        for turn in range(asked.rounds):
            for name, version in [*versions.items()][:: -1 if turn % 2 else 1]:
                graded[name].append([version.grade(size) for size in RIGHT_COPIES])
                evenings[name].append(version.evening())
            stock.append(stock_grade(Path(folder, "0")))
            stock_evenings.append(stock_evening(Path(folder, "0")))
            print(f"turn {turn + 1}, {perf_counter() - began:.0f} s", flush=True)
        report(graded, evenings, stock, stock_evenings)


def report(graded, evenings, stock, stock_evenings):
    """Print the medians."""
    first, second = (
        median(each_of(turn[at], turn[at + 1], STOCK_COPIES[at + 1] - STOCK_COPIES[at]) for turn in stock)
        for at in (0, 1)
    )
    print(f"stock nbgrader, seconds a copy: {first:.2f} from 1 to 4, {second:.2f} from 4 to 7", flush=True)
    for name, turns in graded.items():
        print(f"\n{name}")
        for at, size in [*enumerate(RIGHT_COPIES)][1:]:
            own, peer = (
                median(turn[at].graded for turn in turns),
                median(stock_seconds(turn[0], turn[-1], size) for turn in stock),
            )
            print(f"  {size} right copies: {own:.2f} s, stock {peer:.0f} s, ratio {peer / own:.1f}")
        for at, (few, many) in enumerate(pairwise(RIGHT_COPIES)):
            more = [1000 * (turn[at + 1].processor - turn[at].processor) / (many - few) for turn in turns]
            each = ", ".join(f"{one:.0f}" for one in more)
            print(f"  processor ms a right copy, from {few} to {many}: {median(more):.0f} ({each})")
        print(f"  processor seconds of {RIGHT_COPIES[0]} copies: {median(turn[0].processor for turn in turns):.2f}")
        own = median(each.seconds for each in evenings[name])
        peer = median(stock_seconds(few, many, MIXED) for few, many in stock_evenings)
        print(f"  evening of {MIXED} mixed: {own:.1f} s, stock {peer:.0f} s, ratio {peer / own:.1f}", flush=True)


if __name__ == "__main__":
    main()
