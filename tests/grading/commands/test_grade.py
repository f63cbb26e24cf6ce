"""`zerolayer grade`, and nbgrader's own commands with the course's configuration, on a class of all sorts."""

import copy
import errno
import os
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import PyFileConfigLoader

from lib.grading import unit_registry
from lib.grading.commands.grade import NEEDS_A_PERSON, GradeApp
from lib.grading.judge.judge import draw_and_run
from lib.grading.pages.formgrader import SubmissionPage
from lib.grading.remarks import Remark
from tests.course import ASSIGNMENT
from tests.grading.active import text_of
from tests.grading.conftest import QUICK, Course
from tests.grading.pipeline.test_replay import FILE, hand_in
from tests.submissions import POINTS, as_bytes, right

pytestmark = pytest.mark.xdist_group("a graded class")

TOTAL = sum(POINTS.values())


@pytest.fixture
def course(new_course, tmp_path):
    """A course in which nobody has handed in anything; `fresh()` gives its notebook."""
    course = new_course(tmp_path / "course")
    course.fresh = lambda: nbformat.read(course.released(), as_version=4)
    return course


# What is listed for a person


def lines_on_another(run):
    return sorted(line for line in run.stdout.splitlines() if "may not be this assignment's notebook" in line)


def test_a_notebook_of_another_assignment_is_listed_for_a_person(course):
    """By its cells: the wrong file under the right name earns what its code is worth, and somebody has to ask."""
    other = nbformat.read(course.released().parents[1] / "hidden_layer" / "hidden_layer.ipynb", as_version=4)
    pasted = copy.deepcopy(other)  # whose cells lost their ids, all but one: some are found, as they are in both
    for cell in pasted.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") != "relu":
            cell.metadata.pop("nbgrader", None)
    for student, notebook in (("ada", right(course.fresh())), ("emil", other), ("finn", pasted)):
        hand_in(course, student, notebook)
    done = course.zerolayer("grade", ASSIGNMENT, *QUICK)
    assert done.returncode == NEEDS_A_PERSON
    listed, too = lines_on_another(done)
    assert (listed.split(maxsplit=1)[0], too.split(maxsplit=1)[0]) == ("emil", "finn")
    assert listed.count("was not found") == 1, "once for all cells"
    assert "Most of its cells are another assignment's." in " ".join(
        remark.text for remark in course.verdict("emil").remarks
    )


CLOSED = "can't be read by this account: {}. Fix the permissions, and grade again"
UNREAD = {
    "a closed folder": (errno.EACCES, "", CLOSED),
    "a closed file": (errno.EACCES, FILE, CLOSED),
    "a disk that fails": (errno.EIO, FILE, "was not graded: {}: Input/output error."),
}


@pytest.mark.parametrize(("number", "name", "said"), UNREAD.values(), ids=UNREAD)
def test_a_submission_that_its_disk_fails_to_give_is_left_ungraded_and_listed(course, monkeypatch, number, name, said):
    """It stopped the class, or the verdict was that nothing was handed in. Where tests run as root, no mode of a file
    keeps them out; and a file system of a student's own can say what a disk says."""
    _, folder, _ = (hand_in(course, student, right(course.fresh())) for student in ("ada", "eve", "zoe"))
    place, access, real = folder / name, os.access, os.open

    def fail(path, *more, dir_fd=None):
        if path == FILE == name and Path(f"/proc/self/fd/{dir_fd}").resolve() == folder.resolve():
            raise OSError(number, os.strerror(number))
        return real(path, *more, dir_fd=dir_fd)

    monkeypatch.setattr(os, "access", lambda path, mode: (name or str(path) != str(folder)) and access(path, mode))
    monkeypatch.setattr(os, "open", fail)
    done = course.runs_here(GradeApp, ASSIGNMENT)
    assert done.returncode == NEEDS_A_PERSON
    assert f"eve  {said.format(place)}" in done.stdout
    assert not course.notebook("eve").exists()
    assert [course.verdict(student).points for student in ("ada", "zoe")] == [TOTAL, TOTAL]


def test_a_notebook_beside_the_one_that_is_graded_is_told(course):
    """Who hands in the empty notebook and the finished one has the points of the first."""
    hand_in(course, "ada", course.fresh(), **{"final.ipynb": as_bytes(right(course.fresh()))})
    rename = "If you meant one of them, submit it under its original name."
    remark = f"Only {FILE} was graded. These other notebooks were not: final.ipynb. {rename}"
    assert remark in course.zerolayer("grade", ASSIGNMENT, *QUICK).stdout
    assert course.verdict("ada").remarks == (Remark(remark),)
    assert course.zerolayer("feedback", ASSIGNMENT).returncode == 0
    assert remark in text_of(course.feedback("ada"))


# By nbgrader's own hands

FEW = """
    honest blanks_open kernel_dies answers_made_up folder_wrecked cut_short empty another_name two_other_names
    no_notebook nothing_at_all folder_for_a_notebook pipe somebody_elses""".split()  # noqa: SIM905


def again(graded, root, names):
    """The same course before it was graded, with some of the class; pipes and links lie there as they are."""
    course = Course(root / "course")
    shutil.copytree(graded.root, course.root, ignore=lambda *_: {"submitted", "autograded", "feedback", "gradebook.db"})
    shutil.copy(graded.ungraded, course.root / "gradebook.db")
    (course.root / "submitted").mkdir()
    for name in names:
        subprocess.run(["cp", "-a", graded.root / "submitted" / name, course.root / "submitted"], check=True)
    return course


def differences(one, other, names):
    """Where two courses differ: in a verdict, the points in the gradebook, or the files of the graded folder."""
    tables = []
    for course in (one, other):
        with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
            points = {each.student_id: each.score for each in gradebook.assignment_submissions(ASSIGNMENT)}
        folders = {name: course.notebook(name).parent for name in names}
        files = {
            name: sorted(str(file.relative_to(folders[name])) for file in folders[name].rglob("*")) for name in names
        }
        tables.append({name: (course.verdict(name), points[name], files[name]) for name in names})
    return [(name, tables[0][name], tables[1][name]) for name in names if tables[0][name] != tables[1][name]]


def test_nbgraders_own_command_grades_a_class_as_ours_does(graded, tmp_path):
    course = again(graded, tmp_path, FEW)
    done = course.nbgrader("autograde", ASSIGNMENT, *QUICK)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert not differences(graded, course, FEW)
    skipped = course.zerolayer("grade", ASSIGNMENT)
    assert f"{len(FEW)} skipped" in skipped.stdout, "it counts as graded"


def test_a_submission_that_can_not_be_graded_keeps_its_earlier_work_and_the_command_fails(graded, tmp_path):
    course = again(graded, tmp_path, ["honest"])
    assert course.nbgrader("autograde", ASSIGNMENT, *QUICK).returncode == 0
    before = course.notebook("honest").read_bytes()
    (course.root / "nbgrader_config.py").open("a").write("\nc.BoundedExecute.limits = {'memory': 1}\n")
    done = course.nbgrader("autograde", ASSIGNMENT, "--force", *QUICK)
    assert done.returncode == 1
    assert course.notebook("honest").read_bytes() == before


def test_formgraders_button_gives_the_same_verdict_each_time(graded, tmp_path, monkeypatch):
    """Grading again removed the graded folder of a student whose file has another name, and left it empty."""
    course = again(graded, tmp_path, names := ["blanks_open", "cut_short", "another_name", "folder_for_a_notebook"])
    monkeypatch.chdir(course.root)
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()
    config.CourseDirectory.root = str(course.root)
    for name in [*names, *names[2:]]:
        result = NbGraderAPI(config=config).autograde(ASSIGNMENT, name, force=True)
        assert result["success"], result
    assert not differences(graded, course, names)


def test_pages_show_points_mistake_and_hint_and_no_numbers_of_the_judge(graded):
    """Those of nbgrader's `generate_feedback`, and what formgrader shows."""
    name, verdict = "common_mistake", graded.verdict("common_mistake")
    made = graded.nbgrader("generate_feedback", ASSIGNMENT, f"--student={name}")
    assert made.returncode == 0, made.stderr
    config = PyFileConfigLoader("nbgrader_config.py", path=str(graded.root)).load_config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    resources = {"assignment_id": ASSIGNMENT, "notebook_id": ASSIGNMENT, "base_url": "", "submission_id": "1"}
    resources |= {"index": 0, "total": 1, "student": "x", "last_name": "", "first_name": "", "notebook_path": ""}
    shown, _ = SubmissionPage(config=config).from_filename(str(graded.notebook(name)), resources=resources)
    loss = verdict.parts[0]
    key = unit_registry.answer_key(ASSIGNMENT)
    drawn = [draw_and_run(key, part, verdict.seed) for part in key.parts]
    results = [each for inputs, known in drawn for each in (*inputs.values(), *known.values())]
    digits = [str(number) for each in results if isinstance(each, np.ndarray) for number in each.flat]
    numbers = {number[:8] for number in digits if re.fullmatch(r"\d+\.\d{7,}", number)}
    assert len(numbers) > 500
    assert "1 point: the formula." not in graded.released().read_text(), "the mark scheme is for who marks"
    given = graded.released().read_text()  # a drawn number may begin as one of the notebook's own, such as 0.000625
    for html in (graded.feedback(name), shown):
        said = text_of(html)
        points = ("The loss: 1 of 2 points", "Softmax, forward: 3 of 3 points")
        assert all(each in said for each in (*points, loss.mistake.name, loss.mistake.hint))
        assert not [number for number in numbers if number in html and number not in given]
    assert not list((graded.root / "feedback").rglob("verdict.json"))
