"""A class in which some are honest and some are not, graded in one run: every submission has the verdict it earns."""

import base64
import copy
import csv
import errno
import json
import os
import re
import shutil

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import PyFileConfigLoader

from lib.grading.commands.grade import NEEDS_A_PERSON, GradeApp
from lib.grading.grade.cell_ends import VERSION
from lib.grading.book.master import known_cells
from tests.course import ASSIGNMENT
from tests.grading.conftest import QUICK, SUBMISSIONS, Course
from tests.grading.active import active, elements, text_of
from tests.submissions import POINTS, as_bytes, right

TOTAL = sum(POINTS.values())


def points(verdict):
    return {part.id: part.points for part in verdict.parts}


def test_the_command_goes_through_the_whole_class(graded):
    assert graded.run.returncode == NEEDS_A_PERSON, graded.run.stderr


@pytest.mark.parametrize("name", SUBMISSIONS)
def test_every_submission_has_the_verdict_it_earns(graded, name):
    """Part by part: what is right keeps its points whatever comes after it, and nothing else earns any."""
    assert points(graded.verdict(name)) == SUBMISSIONS[name].points


@pytest.mark.parametrize("name", SUBMISSIONS)
def test_the_gradebook_has_the_verdicts_points(graded, name):
    with Gradebook(f"sqlite:///{graded.root}/gradebook.db") as gradebook:
        notebook = gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, name)
        scores = {grade.name: grade.auto_score for grade in notebook.grades if grade.name.startswith("check-")}
        written = {grade.auto_score for grade in notebook.grades if grade.name.startswith("explain-")}
    assert scores == points(graded.verdict(name))
    assert written <= {None, 0.0}  # for a person to grade, or nothing written


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("empty", "is empty"),
        ("cut_short", "can't be read as JSON"),
        ("a_list", "is JSON, but not a notebook"),
        ("too_large", "more than 20 MB"),
        ("another_notebook", "Is it another notebook"),
        ("another_name", "softmax_classifier (1).ipynb was graded in its place"),
        ("two_other_names", "found draft.ipynb, final.ipynb"),
        ("nothing_at_all", "no notebook was there"),
        ("somebody_elses", "is not a file"),
        ("kernel_dies", "made the kernel die"),
        ("interrupt_ignored", "could not be stopped"),
        ("cell_never_ends", "ran longer than 4 seconds"),
        ("hundred_megabytes_of_lines", "put out more than is kept"),
        ("messages_malformed", "can't be read"),
    ],
)
def test_a_verdict_says_what_went_wrong(graded, name, text):
    assert text in " ".join(graded.verdict(name).remarks)


@pytest.mark.skipif(VERSION >= (3, 12), reason="this Python reads it")
def test_what_a_newer_python_may_read_is_listed_for_a_person(graded):
    """Students' own Python may be newer, as that of the browser edition: then they have done nothing wrong."""
    [listed] = [line for line in graded.run.stdout.splitlines() if "may need Python 3.12" in line]
    assert listed.split()[0] == "newer_python"
    [remark] = graded.verdict("newer_python").remarks
    assert remark.startswith("The cell loss can't be read by Python 3.11, which graded this notebook.")


def test_more_code_than_is_looked_through_is_listed_for_a_person(graded):
    """A library's call could stand behind a long comment."""
    lines = [line for line in graded.run.stdout.splitlines() if "has more code than is looked through" in line]
    assert [line.split()[0] for line in lines if "much_commented" in line] == ["much_commented"]
    assert not [line for line in lines if line.startswith("metadata_missing")]


def lines_on_another(run):
    return sorted(line for line in run.stdout.splitlines() if "may not be this assignment's notebook" in line)


def test_a_notebook_of_another_assignment_is_listed_for_a_person(new_course, tmp_path):
    """By its cells: the wrong file under the right name earns what its code is worth, and somebody has to ask."""
    course = new_course(tmp_path / "course")
    released = nbformat.read(course.released(), as_version=4)
    other = nbformat.read(course.released().parents[1] / "hidden_layer" / "hidden_layer.ipynb", as_version=4)
    pasted = copy.deepcopy(other)  # whose cells lost their ids, all but one: some are found, as they are in both
    for cell in pasted.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") != "relu":
            cell.metadata.pop("nbgrader", None)
    for student, notebook in (("ada", right(released)), ("emil", other), ("finn", pasted)):
        folder = course.root / "submitted" / student / ASSIGNMENT
        folder.mkdir(parents=True)
        (folder / f"{ASSIGNMENT}.ipynb").write_bytes(as_bytes(notebook))
    (course.root / "submitted" / "all.zip").touch()
    done = course.zerolayer("grade", ASSIGNMENT, *QUICK)
    assert done.returncode == NEEDS_A_PERSON
    listed, too = lines_on_another(done)
    assert (listed.split(maxsplit=1)[0], too.split(maxsplit=1)[0]) == ("emil", "finn")
    assert listed.count("could not be found for certain") == 1, "once for all cells"
    assert "Most of its cells are another assignment's." in " ".join(course.verdict("emil").remarks)
    assert "The notebook has few of this assignment's cells." in " ".join(course.verdict("finn").remarks)
    assert lines_on_another(course.zerolayer("grade", ASSIGNMENT, *QUICK)) == [listed, too], (
        "as long as nobody has marked them"
    )
    place = course.root / "submitted" / "STUDENT" / ASSIGNMENT
    assert f"all.zip is not graded: nobody's work is looked for there. Lay it into {place}" in done.stderr


@pytest.mark.parametrize("closed", ["", f"{ASSIGNMENT}.ipynb"], ids=["folder", "file"])
def test_what_this_account_may_not_read_is_left_ungraded_and_listed(new_course, tmp_path, monkeypatch, closed):
    """The verdict was that no notebook was handed in. Where tests run as root, no mode of a file keeps them out."""
    course = new_course(tmp_path / "course")
    folder = course.root / "submitted" / "kaja" / ASSIGNMENT
    folder.mkdir(parents=True)
    (folder / f"{ASSIGNMENT}.ipynb").write_bytes(as_bytes(right(nbformat.read(course.released(), as_version=4))))
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, *more: str(path) != str(folder / closed) and real(path, *more))
    done = course.runs_here(GradeApp, ASSIGNMENT)
    assert done.returncode == NEEDS_A_PERSON
    assert (
        f"kaja  can't be read by this account: {folder / closed}. Give it the right to, and grade again" in done.stdout
    )
    assert not course.notebook("kaja").exists()


def test_a_submission_that_its_disk_fails_to_give_is_left_ungraded_and_listed(new_course, tmp_path, monkeypatch):
    """It stopped the class, as a fault of the machine: a file system of a student's own can say the same."""
    course = new_course(tmp_path / "course")
    whole = as_bytes(right(nbformat.read(course.released(), as_version=4)))
    for student in ("ada", "eve", "zoe"):
        folder = course.root / "submitted" / student / ASSIGNMENT
        folder.mkdir(parents=True)
        (folder / f"{ASSIGNMENT}.ipynb").write_bytes(whole)
    broken, real = course.root / "submitted" / "eve" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", os.open

    def fail(path, *more, **options):
        if str(path) == str(broken):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(path, *more, **options)

    monkeypatch.setattr(os, "open", fail)
    done = course.runs_here(GradeApp, ASSIGNMENT)
    assert done.returncode == NEEDS_A_PERSON
    assert f"eve  was not graded: {broken}: Input/output error." in done.stdout
    assert not course.notebook("eve").exists()
    assert [course.verdict(student).points for student in ("ada", "zoe")] == [TOTAL, TOTAL]


def test_a_notebook_beside_the_one_that_is_graded_is_told(new_course, tmp_path):
    """Who hands in the empty notebook and the finished one has the points of the first."""
    course = new_course(tmp_path / "course")
    folder = course.root / "submitted" / "ada" / ASSIGNMENT
    folder.mkdir(parents=True)
    released = nbformat.read(course.released(), as_version=4)
    (folder / f"{ASSIGNMENT}.ipynb").write_bytes(as_bytes(released))
    (folder / "final.ipynb").write_bytes(as_bytes(right(released)))
    done = course.zerolayer("grade", ASSIGNMENT, *QUICK)
    remark = f"Only {ASSIGNMENT}.ipynb was graded, and not what lay beside it: final.ipynb."
    assert remark in done.stdout
    assert course.verdict("ada").remarks == (remark,)
    assert course.zerolayer("feedback", ASSIGNMENT).returncode == 0
    assert f"{remark} If that was the one you meant, hand it in" in text_of(course.feedback("ada"))


@pytest.mark.parametrize(
    "name", ["metadata_missing", "metadata_mangled", "ids_renamed", "answer_doubled", "answer_beside", "cut_short"]
)
def test_a_written_answer_is_never_scored_because_its_cell_lost_its_id(graded, name):
    """A person reads it: where it was found it stands in its cell, and else the cell says that it wasn't."""
    with Gradebook(f"sqlite:///{graded.root}/gradebook.db") as gradebook:
        notebook = gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, name)
        waiting = {grade.name: grade.needs_manual_grade for grade in notebook.grades if grade.auto_score is None}
        comments = {comment.name: comment.auto_comment for comment in notebook.comments}
    assert waiting == {"explain-gradient": True, "explain-rate-and-batch": True, "explain-random-labels": True}
    assert "No response." not in comments.values()
    lost = {"explain-gradient"} if name.startswith("answer") else set(waiting) if name == "cut_short" else set()
    assert {answer for answer in waiting if comments[answer]} == lost
    cells = {
        cell.metadata.get("nbgrader", {}).get("grade_id"): cell
        for cell in nbformat.read(graded.notebook(name), 4).cells
    }
    assert {answer for answer in waiting if cells[answer].source == "YOUR ANSWER HERE"} == lost


def test_the_gradebook_knows_the_cells_in_the_notebooks_order(graded):
    released = nbformat.read(graded.released(), as_version=4)
    with Gradebook(f"sqlite:///{graded.root}/gradebook.db") as gradebook:
        known = known_cells(gradebook.find_notebook(ASSIGNMENT, ASSIGNMENT))
    assert list(known) == [cell.metadata.nbgrader.grade_id for cell in released.cells if "nbgrader" in cell.metadata]


def test_outputs_are_kept_within_bounds(graded):
    for name in SUBMISSIONS:
        assert graded.notebook(name).stat().st_size < 5_000_000, name


def test_a_folder_holds_ordinary_files_alone_after_a_run(graded):
    for name in ("folder_wrecked", "folder_gone", "strange_company"):
        folder = graded.notebook(name).parent
        left = {path.name for path in folder.iterdir()} - {"figures", "data"}
        assert left <= {f"{ASSIGNMENT}.ipynb", "verdict.json", "timestamp.txt"}, name
        assert not [path for path in folder.rglob("*") if path.is_symlink() or not (path.is_file() or path.is_dir())]


def test_no_run_changes_when_a_submission_was_made(graded):
    assert graded.notebook("folder_wrecked").with_name("timestamp.txt").read_text() == "2026-03-02 12:00:00 UTC"


def test_what_a_graded_cell_put_out_gives_way_to_the_verdict(graded):
    for name in ("score_given", "noisy", "answers_made_up"):
        notebook = nbformat.read(graded.notebook(name), as_version=4)
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code":
                [output] = cell.outputs
                assert set(output.data) == {"text/plain", "text/html"}


def test_a_live_kernel_holds_no_answers(graded):
    notebook = nbformat.read(graded.notebook("modules_named"), as_version=4)
    loaded = notebook.cells[-1].outputs[0].text.split()
    assert {"lib.units.softmax_classifier", "lib.checking.answers", "lib.blanks"} <= set(loaded)
    harmless = r"(kernels|sandbox|safe_files|errors|units)\b"
    closed = rf"lib\.(reference|grading\.(?!{harmless})|units\.\w+\.closed)"
    assert not [name for name in loaded if re.match(closed, name)]


# Feedback and formgrader

WITH_FEEDBACK = {"honest", "common_mistake", "active_pages", "pages_without_end", "strange_cells", "folder_wrecked"}
WITH_FEEDBACK |= {"empty", "kernel_dies", "messages_malformed", "metadata_mangled"}


@pytest.fixture(scope="module")
def feedback(graded):
    others = ",".join(SUBMISSIONS.keys() - WITH_FEEDBACK)
    made = graded.nbgrader("generate_feedback", ASSIGNMENT, f"--CourseDirectory.student_id_exclude={others}")
    assert made.returncode == 0, made.stderr
    return graded.feedback


def formgrader(course, name):
    """Render a submission as formgrader's page does."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    resources = {"assignment_id": ASSIGNMENT, "notebook_id": ASSIGNMENT, "base_url": "", "submission_id": "1"}
    resources |= {"index": 0, "total": 1, "student": "x", "last_name": "", "first_name": "", "notebook_path": ""}
    return HTMLExporter(config=config).from_filename(str(course.notebook(name)), resources=resources)[0]


@pytest.mark.parametrize("name", sorted(WITH_FEEDBACK))
def test_a_feedback_page_tells_the_score(feedback, name):
    earned = sum(SUBMISSIONS[name].points.values())
    assert f"(Score: {float(earned)} / " in text_of(feedback(name))


@pytest.mark.parametrize("page", ["feedback", "formgrader"])
def test_pages_show_points_mistake_and_hint_and_no_numbers_of_the_judge(graded, feedback, page):
    html = feedback("common_mistake") if page == "feedback" else formgrader(graded, "common_mistake")
    verdict = graded.verdict("common_mistake")
    [loss] = [part for part in verdict.parts if part.id == "check-cce"]
    for shown in ("The loss: 0 of 2 points", "Softmax, forward: 3 of 3 points", loss.mistake.name, loss.mistake.hint):
        assert shown in text_of(html)
    kept = json.dumps([[part.challenge, part.expected, part.answer] for part in verdict.parts])
    numbers = {number[:8] for number in re.findall(r"\d+\.\d{7,}", kept)}
    assert len(numbers) > 500
    given = graded.released().read_text()  # a drawn number may begin as one of the notebook's own, such as 0.000625
    assert not [number for number in numbers if number in html and number not in given]


@pytest.mark.parametrize("page", ["feedback", "formgrader"])
def test_pages_run_nothing_that_a_student_wrote(graded, feedback, page):
    """What is active in a hostile student's page is what is active in everybody's."""
    render = feedback if page == "feedback" else lambda name: formgrader(graded, name)
    honest, hostile = active(render("honest")), active(render("active_pages"))
    assert [found for found in hostile if found not in honest] == []
    assert len(hostile) == len(honest)
    assert base64.b64encode((graded.root / "judge_secret").read_bytes()[:30]).decode() not in render("active_pages")


@pytest.mark.parametrize("page", ["feedback", "formgrader"])
def test_pages_render_a_students_markdown(graded, feedback, page):
    html = feedback("active_pages") if page == "feedback" else formgrader(graded, "active_pages")
    shown = {(element.tag, element.text) for element in elements(html)}
    assert {("strong", "bold"), ("em", "leaning"), ("li", "one"), ("td", "1"), ("code", "code")} <= shown
    assert {("a", "a link"), ("td", "a table")} <= shown
    assert "<math" in html and "\\hat" not in text_of(html)
    assert "<script>alert(1)</script>" in text_of(html)  # told, not run


def test_no_verdict_goes_out_with_feedback(graded, feedback):
    assert not list((graded.root / "feedback").rglob("verdict.json"))


def test_figures_of_the_course_are_part_of_the_page(feedback):
    pictures = [element.get("src", "") for element in elements(feedback("honest")) if element.tag == "img"]
    assert [source for source in pictures if source.startswith("data:image/svg+xml;base64,")]


# Again, and by nbgrader's own hands


def test_grading_again_gives_the_same_and_keeps_what_a_person_marked(graded):
    with Gradebook(f"sqlite:///{graded.root}/gradebook.db") as gradebook:
        for cell, mark in (("explain-gradient", 1.5), ("check-train", 3.5)):
            gradebook.find_grade(cell, ASSIGNMENT, ASSIGNMENT, "blanks_open").manual_score = mark
        gradebook.db.commit()
    before = graded.verdict("blanks_open")
    again = graded.zerolayer("grade", ASSIGNMENT, "--student=blanks_open", "--force", *QUICK)
    assert again.returncode == 0, again.stderr
    assert graded.verdict("blanks_open") == before
    with Gradebook(f"sqlite:///{graded.root}/gradebook.db") as gradebook:
        marks = {
            grade.name: grade
            for grade in gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, "blanks_open").grades
        }
    assert marks["explain-gradient"].score == 1.5
    assert marks["check-train"].score == 3.5
    assert marks["check-train"].auto_score == 0
    assert marks["check-dense-backward"].score == 4


BY_NBGRADER = [
    "honest",
    "blanks_open",
    "cells_doubled",
    "metadata_missing",
    "schema_old",
    "kernel_dies",
    "answers_made_up",
    "messages_malformed",
    "folder_wrecked",
    "active_pages",
]


@pytest.fixture(scope="module")
def by_nbgrader(graded, tmp_path_factory):
    """The same course and some of the class, graded by `nbgrader autograde`."""
    course = Course(tmp_path_factory.mktemp("again") / "course")
    shutil.copytree(graded.root, course.root, ignore=lambda folder, names: {"submitted", "autograded", "feedback"})
    for name in BY_NBGRADER:
        shutil.copytree(graded.root / "submitted" / name, course.root / "submitted" / name)
    course.run = course.nbgrader("autograde", ASSIGNMENT, *QUICK)
    return course


@pytest.mark.gives(f"nbgrader autograde {ASSIGNMENT}")
@pytest.mark.parametrize("name", BY_NBGRADER)
def test_nbgraders_own_command_gives_the_same_verdict(graded, by_nbgrader, name):
    assert by_nbgrader.run.returncode == 0, by_nbgrader.run.stderr
    assert by_nbgrader.verdict(name).seed == graded.verdict(name).seed
    assert points(by_nbgrader.verdict(name)) == points(graded.verdict(name))


def test_formgraders_button_gives_the_same_verdict(by_nbgrader, monkeypatch):
    monkeypatch.chdir(by_nbgrader.root)
    before = by_nbgrader.verdict("blanks_open")
    by_nbgrader.notebook("blanks_open").with_name("verdict.json").unlink()
    config = PyFileConfigLoader("nbgrader_config.py", path=str(by_nbgrader.root)).load_config()
    config.CourseDirectory.root = str(by_nbgrader.root)
    result = NbGraderAPI(config=config).autograde(ASSIGNMENT, "blanks_open", force=True)
    assert result["success"], result
    assert by_nbgrader.verdict("blanks_open") == before


def test_validate_fails_as_released_and_passes_once_completed(graded):
    (graded.root / "mine.ipynb").write_bytes(as_bytes(right(nbformat.read(graded.released(), as_version=4))))
    released = graded.nbgrader("validate", str(graded.released()))
    completed = graded.nbgrader("validate", "mine.ipynb")
    assert "VALIDATION FAILED" in released.stdout
    assert "Success! Your notebook passes all the tests." in completed.stdout


def test_export_writes_everyones_score(graded):
    exported = graded.nbgrader("export")
    assert exported.returncode == 0, exported.stderr
    with (graded.root / "grades.csv").open() as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert scores["honest"] == TOTAL
    assert scores["untouched"] == scores["answers_made_up"] == 0
