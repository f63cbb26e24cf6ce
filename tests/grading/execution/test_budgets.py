"""What a submission may make grading hold in memory, whatever its outputs look like: measured on whole runs."""

import json
import subprocess
import sys

import pytest

from lib.checking.challenges import MIME
from lib.grading.execution.outputs import OutputRoom
from lib.grading.kernel.client import ForkServer
from tests.grading.execution.conftest import EVERYTHING, RIGHT, UNIT

pytestmark = pytest.mark.usefixtures("lockable_here")

PEAK = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
PEAK += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)"
"""Runs a command; tells the most MiB that it, or a process it started and waited for, had in memory."""
MORE = 120
"""MiB that the budget of a notebook may cost, as text, objects and copies."""
HOARDS = {
    "text": (60, "print('x' * 2_000_000)"),
    "outputs": (40, "import sys\nfor _ in range(500):\n    print(1); print(2, file=sys.stderr)"),
    "kinds": (15, "display({str(number): '' for number in range(60_000)}, raw=True)"),
    "lines": (20, "raise type('E', (Exception,), {'_render_traceback_': lambda self: ['abc'] * 140_000})"),
    "objects": (6, f"display({{'{MIME}': {{'part': 'check-loss', 'shown': [{{}}] * 200_000}}}}, raw=True)"),
}
"""For each kind of small thing of which many can be put out: how many cells do, and what each does."""
FILES = {"nested": b"[]," * 6_300_000, "nearly": b'{"a":1},' * 490_000}
"""What the metadata of a notebook hold: so many empty lists are 19 MB."""


def test_an_answer_counts_with_the_memory_that_its_many_objects_take():
    answer, room = {"data": {MIME: [{}] * 5000}}, OutputRoom(10**5, 10**5, [].append)  # 20 kB of text
    assert not room.accepts(answer, json.dumps(answer).encode(), is_new=True)


def peak_of_grading(course):
    """Grade what there is to grade; give the most MiB that the coordinator or a worker had."""
    grade = [sys.executable, "-m", "lib.grading", "grade", UNIT, "--jobs=1"]
    told = subprocess.run([sys.executable, "-c", PEAK, *grade], cwd=course.root, capture_output=True, text=True)
    return int(told.stdout)


@pytest.mark.slow
def test_no_kind_of_output_fills_the_graders_memory_and_what_is_dropped_costs_no_points(course):
    ForkServer.shared().start()  # it isn't waited for, and so not measured
    before = peak_of_grading(course)
    for name, (count, code) in HOARDS.items():
        course.hand_in(name, RIGHT, front=[code] * count)
    for name, parts in FILES.items():
        course.hand_in(name)
        file = course.root / "submitted" / name / UNIT / f"{UNIT}.ipynb"
        file.write_bytes(file.read_bytes().replace(b"{", b'{"x": [' + parts + b"0],", 1))
    assert peak_of_grading(course) < before + MORE
    points = course.points()
    assert [name for name in (*HOARDS, "nearly") if points[name] != EVERYTHING] == []
    assert points["nested"] == 0
    assert "has more than 500,000 lists" in course.verdict("nested").remarks[0].text
    for name in ("text", "outputs"):
        [told] = [remark.text for remark in course.verdict(name).remarks if "on all outputs" in remark.text]
        assert "exceeded the limit on all outputs of the notebook; some were dropped." in told
