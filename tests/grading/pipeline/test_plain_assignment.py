"""An assignment without a Unit: the same scores as stock nbgrader's for all that ran, and no points for what didn't."""

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime

import nbformat
import pytest
from nbgrader.api import Gradebook

from lib.grading.commands.demo import copy_course
from lib.grading.judge.verdict import Verdict
from tests.grading.conftest import QUICK, Course
from tests.submissions import as_bytes, cell

pytestmark = pytest.mark.slow

PLAIN = "plain"
FILE = f"{PLAIN}.ipynb"
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


# What students hand in: their code for `squares`, with what a test of it then comes to.

RIGHT = "def squares(n):\n    return [i**2 for i in range(n)]\n"
PARTLY = RIGHT.replace("range(n)", "range(min(n, 2))")
HUGE = "get_ipython().display_pub.publish({'application/vnd.zerolayer.answer+json': {'n': 10**40}})"
REPLY = 'b\'{"msg_type": "execute_reply", "content": {"status": "ok"}}\\n\''


def first(line, module="", code=RIGHT):
    """Have `squares` begin with a line of code."""
    return f"import {module}\n" * bool(module) + code.replace("    ", f"    {line}\n    ", 1)


def number(value, squares="return N(7)"):
    """Have `squares` give numbers that are equal to nothing and everything, with a value of their own."""
    return f"class N(float):\n    __eq__ = lambda *_: N({value})\ndef squares(n):\n    {squares}\n"


RAN = {
    "good": RIGHT,
    "bad": "def squares(n):\n    return n\n",
    "partly": PARTLY,
    # Wrong, and behind so much text that neither results nor what is on stderr would be kept.
    "drowned": first("_ = [print('x' * 50_000) for _ in range(30)]; print('!', file=sys.stderr)", "sys", PARTLY),
    "with_a_long_number": first(HUGE),  # of more than 64 bits, in an output of the type of an answer
    "raising": "def squares(n):\n    raise NotImplementedError()\n",
    # A loop that never ends. It waits; `cell_never_ends`, of the large class, keeps a processor busy.
    "endless": first("while n == 4: time.sleep(0.01)", "time"),
    # Errors are taken by the student's own handler, which shows none.
    "silenced": "get_ipython().set_custom_exc((BaseException,), lambda *_, **__: None)\n"
    "def squares(n):\n    raise ValueError(n)\n",
}
"""What ran to its end: scores are stock nbgrader's."""
GIVEN_AWAY = {
    "skipped": ("x = 7", FULL),  # nothing written, and each cell tagged as one that isn't run
    "not_a_number": (
        f"nan = float('nan')\n{number(1, 'return N(n)')}N.__radd__ = lambda *_: N(nan)\n", {"test-partial": 4}
    ),
    "less_than_nothing": (number(-7), {"test-partial": 4}),
    # A result that the student's code displays, and then an error.
    "shown_before_the_error": (
        "import sys\ndef squares(n):\n    sys.displayhook(1.0)\n    raise ValueError(n)\n", dict.fromkeys(TESTS, 1)
    ),
}  # fmt: skip
"""Points that stock nbgrader gives to what failed or never ran."""
STOPS_STOCK = {
    "dead": "import os\nos._exit(1)",  # before any test
    "dead_in_a_test": first("n == 4 and os._exit(0)", "os"),  # in the second
    # The kernel replies in advance for all cells, and dies in the first test.
    "dead_with_replies": "line = getattr(get_ipython().kernel.session, 'line', None)\n"
    f"line and line.sendall({REPLY} * 50)\nimport os, time\ndef squares(n):\n    os._exit(0)\n",
    "too_many_points": number(7),  # the second test's result is more than it is worth
}
FILES = {
    "broken": lambda notebook: {FILE: as_bytes(notebook)[:500]},
    "empty": lambda notebook: {FILE: b""},
    "missing": lambda notebook: {"essay.txt": b"I have thought about it."},
    "renamed": lambda notebook: {name: as_bytes(notebook) for name in ("draft.ipynb", "final.ipynb")},
}
"""What stock nbgrader ends with an error and without a score."""
OURS = {
    **dict.fromkeys(("dead", "dead_with_replies", *FILES), (NOTHING, set(TESTS))),
    "dead_in_a_test": ({**NOTHING, "test-squares": 2.0}, set(TESTS) - {"test-squares"}),
    "too_many_points": (None, {"test-partial"}),
}
"""What those earn here, and which tests are for a person to look at."""
CODE = {**RAN, **{name: code for name, (code, _) in GIVEN_AWAY.items()}, **STOPS_STOCK}
STUDENTS = (*CODE, *FILES)


def made_by(student, notebook):
    """Return what a student submits, by name of the file."""
    for found in notebook.cells if student == "skipped" else ():
        found.metadata["tags"] = ["skip-execution"]
    cell(notebook, "squares").source = CODE.get(student, RIGHT)
    cell(notebook, "explain").source = "YOUR ANSWER HERE" if student == "bad" else "Since i times i is a square."
    return FILES.get(student, lambda notebook: {FILE: as_bytes(notebook)})(notebook)


SCORES = """
    SELECT student_id, base_cell.name, auto_score, needs_manual_grade FROM grade
    JOIN base_cell ON base_cell.id = cell_id JOIN submitted_notebook AS n ON n.id = grade.notebook_id
    JOIN submitted_assignment AS s ON s.id = n.assignment_id"""


def read_gradebook(course):
    """Read all scores, by student and cell, each with whether a person has to look; and the version."""
    course.scores = {student: {} for student in STUDENTS}
    with closing(sqlite3.connect(course.root / "gradebook.db")) as database:
        course.version = [*database.execute("SELECT version_num FROM alembic_version")]
        for student, name, score, waits in database.execute(SCORES):
            course.scores[student][name] = (score, bool(waits))
    return course


STOCK = """
import os, sysconfig
c = get_config()
c.CourseDirectory.course_id = "stock"
os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])  # for alembic
"""


def handed_in(course, kind, **options):
    """Build the assignment, ours or stock nbgrader's, and hand it in."""
    sources, release = ("solutions", "notebooks") if kind == "ours" else ("source", "release")
    (course.root / sources / PLAIN).mkdir(parents=True)
    nbformat.write(source(kind), course.root / sources / PLAIN / FILE)
    made = course.nbgrader("generate_assignment", PLAIN, **options)
    assert made.returncode == 0, made.stderr
    for student in STUDENTS:
        folder = course.root / "submitted" / student / PLAIN
        folder.mkdir(parents=True)
        for name, content in made_by(student, nbformat.read(course.root / release / PLAIN / FILE, 4)).items():
            (folder / name).write_bytes(content)
    return course


@pytest.fixture(scope="module")
def ours(tmp_path_factory, lockable_here):
    course = Course(tmp_path_factory.mktemp("ours"))
    copy_course(course.root)
    handed_in(course, "ours")
    course.run = course.zerolayer("grade", PLAIN, *QUICK)
    return read_gradebook(course)


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """The same class in a course of its own, graded by nbgrader as it comes: by programs that have nothing of ours."""
    course = Course(tmp_path_factory.mktemp("stock"))
    (course.root / "nbgrader_config.py").write_text(STOCK)
    handed_in(course, "stock", env=os.environ)
    course.run = course.nbgrader("autograde", PLAIN, "--ExecutePreprocessor.timeout=4", env=os.environ)
    return read_gradebook(course)


def test_what_ran_has_stock_nbgraders_scores(ours, stock):
    """Of every kind; and what is on stderr counts however much was printed before. The gradebook has one version."""
    for name in RAN:
        assert ours.scores[name] == stock.scores[name], name
    assert ours.scores["good"] == {**{name: (value, False) for name, value in FULL.items()}, "explain": (None, True)}
    assert ours.scores["partly"]["test-partial"] == (2, False)
    for name, test in (("bad", "explain"), ("drowned", "test-text"), ("endless", "test-partial")):
        assert ours.scores[name][test] == (0, False)
    assert ours.version == stock.version


ALL = """
    SELECT s.student_id, c.name, g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade,
        m.auto_comment, n.late_submission_penalty, s.timestamp
    FROM submitted_notebook AS n JOIN submitted_assignment AS s ON s.id = n.assignment_id
    JOIN base_cell AS c ON c.notebook_id = n.notebook_id
    LEFT JOIN grade AS g ON g.cell_id = c.id AND g.notebook_id = n.id
    LEFT JOIN comment AS m ON m.cell_id = c.id AND m.notebook_id = n.id
    WHERE s.student_id IN ('good', 'partly') AND c.type IN ('GradeCell', 'SolutionCell')"""
OTHERS = shutil.ignore_patterns(*{*STUDENTS} - {"good", "partly"})


def test_rows_are_those_that_stock_nbgrader_writes(ours, stock, tmp_path):
    """Scores, comments, what a person is to look at and what being late costs; one of the two is marked by a person."""
    found = []
    for course, command, name in ((ours, "zerolayer", "grade"), (stock, "nbgrader", "autograde")):
        copy = Course(shutil.copytree(course.root, tmp_path / name, ignore=OTHERS))
        with (copy.root / "nbgrader_config.py").open("a") as config:
            config.write("\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
        (copy.root / "submitted" / "partly" / PLAIN / "timestamp.txt").write_text("2026-03-02 12:00:00 UTC")
        with Gradebook(f"sqlite:///{copy.root}/gradebook.db") as gradebook:
            gradebook.update_or_create_assignment(PLAIN, duedate=datetime(2026, 3, 1))
            for test in ("explain", "test-partial"):
                mark = gradebook.find_grade(test, PLAIN, PLAIN, "partly")
                mark.manual_score, mark.extra_credit, mark.needs_manual_grade = 1.5, 0.5, False
            gradebook.db.commit()
        options = {"env": os.environ} if course is stock else {}
        done = getattr(copy, command)(name, PLAIN, "--force", **options)
        assert done.returncode == 0, done.stderr
        with closing(sqlite3.connect(copy.root / "gradebook.db")) as database:
            found.append(sorted(database.execute(ALL), key=repr))
    assert found[0] == found[1]
    assert {row[7] for row in found[0] if row[0] == "partly"} == {6}, "all that it had, since it is late"


def test_stock_nbgrader_gives_points_to_what_failed_and_we_do_not(ours, stock):
    for student, (_, given) in GIVEN_AWAY.items():
        assert {name: stock.scores[student][name][0] for name in given} == given
        assert {ours.scores[student][name][0] for name in given} == {0}, student


def test_what_was_not_run_earns_nothing_and_waits_for_a_person(ours, stock):
    for student, (earned, waiting) in OURS.items():
        assert not any(stock.scores[student].get(name, (None,))[0] for name in waiting), student
        found = ours.scores[student]
        assert {name for name in TESTS if found[name][1]} == waiting, student
        assert all(found[name][0] == 0 for name in waiting), student
        assert earned is None or {name: found[name][0] for name in TESTS} == earned, student
        assert student in ours.run.stdout
    for student in ("not_a_number", "less_than_nothing"):
        assert ours.scores[student]["test-partial"] == (0, True), "a result that is no number of points"


def test_the_table_has_the_gradebooks_scores(ours):
    worth = {**FULL, "explain": WRITTEN}
    for student, found in ours.scores.items():
        [line] = [line for line in ours.run.stdout.splitlines() if line.startswith(f"{student} ") and "/11  " in line]
        earned = sum(score or 0 for score, _ in found.values())
        assert line.split()[1] == f"{earned:g}/11"
        assert all((name in line.partition("needs a person: ")[2]) == waits for name, (_, waits) in found.items())
        short = [name for name, (score, waits) in found.items() if not waits and score < worth[name]]
        said = line.partition("not all points in: ")[2].partition(";")[0]
        assert sorted(filter(None, said.split(", "))) == sorted(short)


def test_what_waits_is_remembered_beside_the_notebook_and_said_in_it(ours):
    """Without a unit a verdict has no parts: its file says of what it was made, and what a person has to do."""
    folder = ours.root / "autograded" / "dead" / PLAIN
    [output] = cell(nbformat.read(folder / FILE, as_version=4), "test-squares").outputs
    assert output.evalue.startswith("It was not run to its end.")
    [verdict] = Verdict.load_each(folder, of=(PLAIN, "dead"))
    assert (verdict.parts, verdict.reasons) == ((), ("was not run to the end",))
    assert verdict.waits == dict.fromkeys(TESTS, "It was not run to its end.")
    assert f"{len(STUDENTS)} skipped" in ours.zerolayer("grade", PLAIN).stdout
