"""What a submission may make grading hold in memory, whatever its outputs look like: measured on whole runs."""

import subprocess
import sys

import nbformat
import pytest

from lib.grading.kernel.forkserver import ForkServer
from tests.course import ASSIGNMENT
from tests.submissions import FILE, POINTS, as_bytes, right

pytestmark = pytest.mark.usefixtures("lockable_here")

PEAK = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
PEAK += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)"
"""Runs a command; tells the most MiB that it, or a process it started and waited for, had in memory."""
MORE = 120
"""MiB that the budget of a notebook may cost, as text, objects and copies."""
ANSWER = "application/vnd.zerolayer.answer+json"
HOARDS = {
    "text": (100, "print('x' * 2_000_000)"),
    "outputs": (60, "import sys\nfor _ in range(500):\n    print(1); print(2, file=sys.stderr)"),
    "kinds": (30, "display({str(number): '' for number in range(60_000)}, raw=True)"),
    "lines": (30, "raise type('E', (Exception,), {'_render_traceback_': lambda self: ['abc'] * 140_000})"),
    "objects": (6, f"display({{'{ANSWER}': {{'part': 'cce', 'statements': [{{}}] * 200_000}}}}, raw=True)"),
}
"""For each kind of small thing of which many can be put out: how many cells do, and what each does."""


def stuffed(notebook, count, code):
    """Add cells of a student's own to a right notebook, in front of all others."""
    notebook.cells[:0] = [nbformat.v4.new_code_cell(code) for _ in range(count)]
    return notebook


def forged(notebook):
    """Have each graded cell put out large answers of its own making, beside the true one."""
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code":
            cell.source += f"\n{HOARDS['objects'][1]}"
    return notebook


def nested(notebook, part=b"[]", count=6_300_000):
    """Write a notebook with as many parts in its metadata: 19 MB of empty lists."""
    return as_bytes(notebook).replace(b"{", b'{"x": [' + (part + b",") * count + b"0],", 1)


def hand_in(course, name, notebook):
    folder = course.root / "submitted" / name / ASSIGNMENT
    folder.mkdir(parents=True)
    (folder / FILE).write_bytes(notebook if isinstance(notebook, bytes) else as_bytes(notebook))


def peak_of_grading(course):
    """Grade what there is to grade; give the most MiB that the coordinator or a worker had."""
    grade = [sys.executable, "-m", "lib.grading", "grade", ASSIGNMENT, "--jobs=1"]
    told = subprocess.run([sys.executable, "-c", PEAK, *grade], cwd=course.root, capture_output=True, text=True)
    return int(told.stdout)


@pytest.fixture(scope="module")
def hoarded(new_course, tmp_path_factory):
    """A course in which one honest submission was graded, and then all hoards in one run; with both peaks."""
    ForkServer.shared().start()  # it isn't waited for, and so not measured
    course = new_course(tmp_path_factory.mktemp("course"))
    released = nbformat.read(course.released(), as_version=4)
    hand_in(course, "honest", right(released))
    course.before = peak_of_grading(course)
    for name, hoard in HOARDS.items():
        hand_in(course, name, stuffed(right(nbformat.read(course.released(), as_version=4)), *hoard))
    hand_in(course, "forged", forged(right(nbformat.read(course.released(), as_version=4))))
    hand_in(course, "nested", nested(released))
    hand_in(course, "nearly", nested(released, b'{"a":1}', 490_000))  # it was filled above
    course.after = peak_of_grading(course)
    return course


def test_no_kind_of_output_fills_the_graders_memory(hoarded):
    assert hoarded.after < hoarded.before + MORE


@pytest.mark.parametrize("name", HOARDS)
def test_what_is_dropped_costs_no_points(hoarded, name):
    assert hoarded.verdict(name).points == sum(POINTS.values())


@pytest.mark.parametrize(("name", "what"), [("text", "outputs"), ("outputs", "outputs"), ("kinds", "outputs")])
def test_what_is_dropped_is_told_once(hoarded, name, what):
    told = [remark for remark in hoarded.verdict(name).remarks if "of all" in remark]
    assert len(told) == 1
    assert f"made the notebook's {what} more than is kept of all; some were dropped." in told[0]


def test_a_file_of_millions_of_lists_is_not_read(hoarded):
    assert hoarded.verdict("nested").points == 0
    assert "has more than 500,000 lists" in hoarded.verdict("nested").remarks[0]
    assert hoarded.verdict("nearly").points == sum(POINTS.values())
