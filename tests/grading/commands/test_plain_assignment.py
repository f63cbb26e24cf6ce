"""An assignment without a Unit: the same scores as stock nbgrader's for all that ran, and no points for what didn't."""

import os
import sqlite3
from contextlib import closing

import nbformat
import pytest
from sqlalchemy.exc import OperationalError

from lib.grading.commands.demo import copy_course
from lib.grading.commands.grade import GradeApp
from tests.grading.conftest import QUICK, Course
from tests.submissions import as_bytes, cell

PLAIN = "plain"
FILE = f"{PLAIN}.ipynb"
RIGHT = "def squares(n):\n    return [i**2 for i in range(n)]\n"
SOLUTION = {
    "ours": "def squares(n):\n    return [i**2 for i in range(n)]  #? return ?  # the first n squares\n",
    "stock": "def squares(n):\n    ### BEGIN SOLUTION\n    return [i**2 for i in range(n)]\n    ### END SOLUTION\n",
}
TESTS = {
    "test-squares": (2, "assert squares(3) == [0, 1, 4]"),
    "test-partial": (4, "sum(squares(n) == [i * i for i in range(n)] for n in (1, 2, 3, 4))"),
    "test-text": (1, "squares(1)\n'said'"),
    "test-last": (1, "assert squares(0) == []"),
}
FULL = {name: float(points) for name, (points, _) in TESTS.items()}
NOTHING = dict.fromkeys(TESTS, 0.0)
WRITTEN = 3


def source(kind):
    """The instructor's notebook, with the solution marked as ours or as stock nbgrader's."""

    def make(cell, name, points=0, **flags):
        own = {"grade_id": name, "grade": False, "solution": False, "locked": False, "task": False, **flags}
        cell.metadata["nbgrader"] = {**own, "schema_version": 3, **({"points": points} if points else {})}
        return cell

    code, text = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    tests = [make(code(said), name, points, grade=True, locked=True) for name, (points, said) in TESTS.items()]
    cells = [
        text("# Squares"),
        make(code(SOLUTION[kind]), "squares", solution=True),
        text("**Check.**"),
        *tests[:2],
        text("**Question.** Why?"),
        make(text("Because."), "explain", WRITTEN, grade=True, solution=True),
        *tests[2:],
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=kernel)


# What students hand in: each takes the released notebook, and gives files by name.


def solved(notebook, code, answer="Since i times i is a square."):
    cell(notebook, "squares").source = code
    cell(notebook, "explain").source = answer
    return {FILE: as_bytes(notebook)}


def good(notebook):
    return solved(notebook, RIGHT)


def bad(notebook):
    return solved(notebook, "def squares(n):\n    return n\n", "YOUR ANSWER HERE")


def partly(notebook):
    return solved(notebook, "def squares(n):\n    return [i**2 for i in range(min(n, 2))]\n")


def noisy(notebook):
    """Right, but each call writes to stderr."""
    return solved(notebook, "import sys\n" + RIGHT.replace("    ", "    print('!', file=sys.stderr)\n    "))


def with_a_long_number(notebook):
    """Right, but each call puts out a number of more than 64 bits, of the type of an answer."""
    shown = "get_ipython().display_pub.publish({'application/vnd.zerolayer.answer+json': {'n': 10**40}})"
    return solved(notebook, RIGHT.replace("    ", f"    {shown}\n    "))


def raising(notebook):
    return solved(notebook, "def squares(n):\n    raise NotImplementedError()\n")


def endless(notebook):
    """A loop that never ends. It waits; `cell_never_ends`, of the large class, keeps a processor busy."""
    return solved(notebook, "import time\n" + RIGHT.replace("    ", "    while n == 4: time.sleep(0.01)\n    "))


def dead(notebook):
    """The kernel dies before any test."""
    return solved(notebook, "import os\nos._exit(1)")


def dead_in_a_test(notebook):
    """Right, but the kernel dies in the second test."""
    return solved(notebook, "import os\n" + RIGHT.replace("    ", "    n == 4 and os._exit(0)\n    "))


def dead_with_replies(notebook):
    """The kernel replies in advance for all cells, and dies in the first test."""
    forged = 'b\'{"msg_type": "execute_reply", "content": {"status": "ok"}}\\n\''
    line = f"line = getattr(get_ipython().kernel.session, 'line', None)\nline and line.sendall({forged} * 50)\n"
    return solved(notebook, line + "import os, time\ndef squares(n):\n    os._exit(0)\n")


def skipped(notebook):
    """Nothing written, and each cell tagged as one that isn't run."""
    for found in notebook.cells:
        found.metadata["tags"] = ["skip-execution"]
    return solved(notebook, "x = 7")


def not_a_number(notebook):
    """The second test's result is nan."""
    return solved(
        notebook,
        "class N(float):\n    __radd__ = lambda *_: N('nan')\n    __eq__ = lambda *_: N(1)\n"
        "def squares(n):\n    return N(n)\n",
    )


def too_many_points(notebook):
    """The second test's result is more than it is worth."""
    return solved(notebook, "class N(float):\n    __eq__ = lambda *_: N(7)\ndef squares(n):\n    return N(7)\n")


def less_than_nothing(notebook):
    return solved(notebook, "class N(float):\n    __eq__ = lambda *_: N(-7)\ndef squares(n):\n    return N(7)\n")


def shown_before_the_error(notebook):
    """A result that the student's code displays, and then an error."""
    return solved(notebook, "import sys\ndef squares(n):\n    sys.displayhook(1.0)\n    raise ValueError(n)\n")


def unread(notebook):
    """Wrong, and each later cell is read as one that does nothing (tests/grading/kernel/test_hooks.py has more ways)."""
    return solved(notebook, "get_ipython().input_transformers_cleanup.append(lambda lines: ['pass'])")


def drowned(notebook):
    """Wrong, and behind so much text that neither results nor what is on stderr would be kept."""
    noise = "    for _ in range(30):\n        print('x' * 50_000)\n    print('!', file=sys.stderr)\n"
    return solved(notebook, f"import sys\ndef squares(n):\n{noise}    return [i**2 for i in range(min(n, 2))]\n")


def silenced(notebook):
    """Wrong, and errors are taken by the student's own handler, which shows none."""
    hook = "get_ipython().set_custom_exc((BaseException,), lambda *_, **__: None)\n"
    return solved(notebook, hook + "def squares(n):\n    raise ValueError(n)\n")


def emptied(notebook):
    """The tests' cells are empty."""
    for name in TESTS:
        cell(notebook, name).source = ""
    return solved(notebook, "def squares(n):\n    return 7\n")


def broken(notebook):
    return {FILE: as_bytes(notebook)[:500]}


def empty(notebook):
    return {FILE: b""}


def missing(notebook):
    return {"essay.txt": b"I have thought about it."}


def renamed(notebook):
    """Two notebooks, neither of them under the assignment's name."""
    [(_, content)] = solved(notebook, RIGHT).items()
    return {"draft.ipynb": content, "final.ipynb": content}


RAN = (good, bad, partly, noisy, with_a_long_number, raising, endless, emptied, silenced)
"""What ran to its end: scores are stock nbgrader's."""
GIVEN_AWAY = {
    skipped: FULL,
    not_a_number: {"test-partial": 4},
    less_than_nothing: {"test-partial": 4},
    shown_before_the_error: dict.fromkeys(TESTS, 1),
    unread: FULL,
}
"""Points that stock nbgrader gives to what failed or never ran."""
STOPS_STOCK = (dead, dead_in_a_test, dead_with_replies, too_many_points, broken, empty, missing, renamed)
"""What stock nbgrader ends with an error and without a score."""
OURS = {
    **dict.fromkeys((dead, dead_with_replies, broken, empty, missing, renamed), (NOTHING, set(TESTS))),
    dead_in_a_test: ({**NOTHING, "test-squares": 2.0}, set(TESTS) - {"test-squares"}),
}
"""What those earn here, and which tests are for a person to look at."""
STUDENTS = (*RAN, *GIVEN_AWAY, *STOPS_STOCK, drowned)
SCORES = """
    SELECT student_id, base_cell.name, auto_score, needs_manual_grade FROM grade
    JOIN base_cell ON base_cell.id = cell_id JOIN submitted_notebook AS n ON n.id = grade.notebook_id
    JOIN submitted_assignment AS s ON s.id = n.assignment_id"""


def scores(course):
    """Read all scores, by student and cell, each with whether a person has to look."""
    found = {student.__name__: {} for student in STUDENTS}
    with closing(sqlite3.connect(course.root / "gradebook.db")) as database:
        for student, name, score, waits in database.execute(SCORES):
            found[student][name] = (score, bool(waits))
    return found


def handed_in(course, release, students):
    for student in students:
        folder = course.root / "submitted" / student.__name__ / PLAIN
        folder.mkdir(parents=True)
        released = nbformat.read(course.root / release / PLAIN / FILE, as_version=4)
        for name, content in student(released).items():
            (folder / name).write_bytes(content)


STOCK = """
import os, sysconfig
c = get_config()
c.CourseDirectory.course_id = "stock"
os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])  # for alembic
"""


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """The class, graded by `zerolayer grade`."""
    course = Course(tmp_path_factory.mktemp("ours"))
    copy_course(course.root)
    (course.root / "solutions" / PLAIN).mkdir()
    nbformat.write(source("ours"), course.root / "solutions" / PLAIN / FILE)
    made = course.nbgrader("generate_assignment", PLAIN)
    assert made.returncode == 0, made.stderr
    handed_in(course, "notebooks", STUDENTS)
    course.run = course.zerolayer("grade", PLAIN, *QUICK)
    return course


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """The same class in a course of its own, graded by nbgrader as it comes: by programs that have nothing of ours."""
    course = Course(tmp_path_factory.mktemp("stock"))
    (course.root / "source" / PLAIN).mkdir(parents=True)
    nbformat.write(source("stock"), course.root / "source" / PLAIN / FILE)
    (course.root / "nbgrader_config.py").write_text(STOCK)
    made = course.nbgrader("generate_assignment", PLAIN, env=os.environ)
    assert made.returncode == 0, made.stderr
    handed_in(course, "release", STUDENTS)
    course.run = course.nbgrader("autograde", PLAIN, "--ExecutePreprocessor.timeout=4", env=os.environ)
    return course


def version(course):
    with closing(sqlite3.connect(course.root / "gradebook.db")) as database:
        return database.execute("SELECT version_num FROM alembic_version").fetchall()


def test_a_new_gradebook_has_the_version_that_stock_nbgrader_gives_it(ours, stock):
    assert version(ours) == version(stock)


@pytest.mark.parametrize("student", RAN, ids=lambda student: student.__name__)
def test_what_ran_has_stock_nbgraders_scores(ours, stock, student):
    assert scores(ours)[student.__name__] == scores(stock)[student.__name__]


def test_the_class_has_every_kind_of_score(ours):
    assert scores(ours)["good"] == {**{name: (points, False) for name, points in FULL.items()}, "explain": (None, True)}
    assert scores(ours)["partly"]["test-partial"] == (2, False)
    assert scores(ours)["bad"]["explain"] == (0, False)
    assert scores(ours)["noisy"]["test-squares"] == (0, False)
    assert scores(ours)["endless"]["test-partial"] == (0, False)


def test_the_table_has_the_gradebooks_scores(ours):
    for student, found in scores(ours).items():
        [line] = [line for line in ours.run.stdout.splitlines() if line.startswith(f"{student} ") and "/11  " in line]
        earned = sum(score or 0 for score, _ in found.values())
        assert line.split()[1] == f"{earned:g}/11"
        assert all((name in line.partition("waits for a person: ")[2]) == waits for name, (_, waits) in found.items())
        worth = {**FULL, "explain": WRITTEN}
        short = [name for name, (score, waits) in found.items() if not waits and score < worth[name]]
        said = line.partition("not all points in: ")[2].partition(";")[0]
        assert sorted(filter(None, said.split(", "))) == sorted(short)


def test_a_gradebook_that_cant_be_read_for_the_table_is_told_in_a_sentence(ours, monkeypatch):
    def fail(*_given):
        raise OperationalError("SELECT", {}, sqlite3.OperationalError("disk I/O error"))

    monkeypatch.setattr("lib.grading.commands.grade.read_class", fail)
    done = ours.runs_here(GradeApp, PLAIN, f"--student={RAN[0].__name__}", "--force")
    assert done.returncode == 1
    assert "disk I/O error" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("student", GIVEN_AWAY, ids=lambda student: student.__name__)
def test_stock_nbgrader_gives_points_to_what_failed_and_we_do_not(ours, stock, student):
    """This fault isn't copied."""
    for name, points in GIVEN_AWAY[student].items():
        assert scores(stock)[student.__name__][name] == (points, False)
        assert scores(ours)[student.__name__][name][0] == 0


@pytest.mark.parametrize("student", STOPS_STOCK, ids=lambda student: student.__name__)
def test_what_was_not_run_earns_nothing_and_waits_for_a_person(ours, stock, student):
    earned, waiting = OURS.get(student, (None, {"test-partial"}))
    assert not any(scores(stock)[student.__name__].get(name, (None,))[0] for name in waiting)
    found = scores(ours)[student.__name__]
    assert {name for name in TESTS if found[name][1]} == waiting
    assert all(found[name][0] == 0 for name in waiting)
    assert earned is None or {name: found[name][0] for name in TESTS} == earned
    assert student.__name__ in ours.run.stdout


@pytest.mark.parametrize("student", ["not_a_number", "less_than_nothing", "too_many_points"])
def test_a_result_that_is_no_number_of_points_waits_for_a_person(ours, student):
    assert scores(ours)[student]["test-partial"] == (0, True)
    assert student in ours.run.stdout


def test_what_is_on_stderr_counts_however_much_was_printed_before(ours, stock):
    assert scores(ours)["drowned"] == scores(stock)["drowned"]
    assert scores(ours)["drowned"]["test-text"] == (0, False)


def test_a_graded_cell_that_was_not_run_says_why(ours):
    notebook = nbformat.read(ours.root / "autograded" / "dead" / PLAIN / FILE, as_version=4)
    [output] = cell(notebook, "test-squares").outputs
    assert output.evalue.startswith("It was not run to its end.")


def test_nbgraders_own_command_gives_no_points_to_what_was_not_run(ours, tmp_path):
    """With the course's configuration: stock nbgrader would end these with an error."""
    course = Course(tmp_path / "course")
    copy_course(course.root)
    (course.root / "solutions" / PLAIN).mkdir()
    nbformat.write(source("ours"), course.root / "solutions" / PLAIN / FILE)
    assert course.nbgrader("generate_assignment", PLAIN).returncode == 0
    some = (good, partly, dead, dead_in_a_test, skipped, not_a_number, too_many_points)
    handed_in(course, "notebooks", some)
    graded = course.nbgrader("autograde", PLAIN, *QUICK)
    assert graded.returncode == 0, graded.stderr
    assert {s.__name__: scores(course)[s.__name__] for s in some} == {
        s.__name__: scores(ours)[s.__name__] for s in some
    }
