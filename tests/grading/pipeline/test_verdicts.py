"""A class in which some are honest and some are not, graded in one run: what each one earns, and what is told."""

import re
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from lib.grading.commands.grade import NEEDS_A_PERSON, GradeApp
from lib.grading.gradebook.marks import read_class
from lib.grading.gradebook.session import known_cells
from lib.grading.pipeline.cell_results import VERSION
from tests.course import ASSIGNMENT
from tests.grading.conftest import SUBMISSIONS
from tests.submissions import cell

pytestmark = pytest.mark.xdist_group("a graded class")

TABLE = Path(__file__).with_name("verdicts.txt")
ALL_RIGHT = "2rr 3rr 3rrr 1r 3rrr 4rrr 4rrrr"
LETTERS = {"right": "r", "wrong": "w", "open": "o", "not checked": "-"}
REMARKS = {
    "empty": "is empty",
    "too_large": "more than 20 MB",
    "another_notebook": "Is it another notebook",
    "two_other_names": "found draft.ipynb, final.ipynb",
    "somebody_elses": "is not a file",
    "interrupt_ignored": "could not be stopped",
    "cell_never_ends": "ran longer than 6 seconds",
    "messages_malformed": "can't be read",
    "newer_python": "The cell loss can't be read by Python 3.11, which graded this notebook.",
}
"""What is said of how a notebook was found and run; the tests of these steps have more."""
REASONS = {
    "newer_python": "may need Python 3.12, but this is 3.11",
    "strange_company": "files were left out",
    "stopped_at_the_top": "imports missing_package, not installed here",
}
OTHER_PYTHON = {"newer_python"} if VERSION >= (3, 12) else set()
"""What another version of Python than that of the table reads."""


def listed(run):
    """Return those whom the command lists for a person, each with the reason."""
    _, _, below = run.stdout.partition("need a person")
    found = dict[str, str]()
    for line in (line for line in below.splitlines() if line.startswith(" " * 7)):
        if many := re.fullmatch(r" +\d+ students: (.+): (.+)", line):
            found |= dict.fromkeys(many[2].split(", "), many[1])
        else:
            found |= [line.split(maxsplit=1)]
    return found


def line_on(name, verdict, is_listed):
    parts = (f"{part.points:g}{''.join(LETTERS[one.state] for one in part.statements)}" for part in verdict.parts)
    named = (f"  | {part.id.removeprefix('check-')}: {part.mistake.name}" for part in verdict.parts if part.mistake)
    return f"{name:<28}{' '.join(parts)}{'  PERSON' if is_listed else ''}{''.join(named)}"


def test_every_submission_has_the_verdict_that_it_had(graded):
    assert graded.run.returncode == NEEDS_A_PERSON, graded.run.stderr
    known = {line.split()[0]: line for line in TABLE.read_text().splitlines() if line and not line.startswith("#")}
    for_a_person, off = listed(graded.run), []
    for name in sorted({*known, *SUBMISSIONS} - OTHER_PYTHON):
        before = known.get(name, f"{name:<28}{ALL_RIGHT}")
        now = line_on(name, graded.verdict(name), name in for_a_person) if name in SUBMISSIONS else "gone"
        off += [] if now == before else [f"- {before}\n+ {now}"]
    assert not off, "\n".join(off)


def test_every_submission_earns_what_it_is_worth_and_the_gradebook_has_it(graded):
    """Part by part: what is right keeps its points whatever comes after it, and nothing else earns any."""
    app = GradeApp()
    app.initialize([f"--course-dir={graded.root}", f"--db=sqlite:///{graded.root}/gradebook.db"])
    marks, off = read_class(app.coursedir, ASSIGNMENT), []
    for name, submission in SUBMISSIONS.items():
        cells = marks[name][ASSIGNMENT].cells
        earned = {part.id: part.points for part in graded.verdict(name).parts if part.max_points}
        scores = {id: mark.graded for id, mark in cells.items() if id in submission.points}
        written = {mark.graded for id, mark in cells.items() if id.startswith("explain-")}
        if not (earned == scores == submission.points and written <= {None, 0.0}):  # a person's, or nothing written
            off.append((name, submission.points, earned, scores, written))
    assert not off


def test_a_verdict_says_what_went_wrong_and_remembers_why_it_is_listed(graded):
    for_a_person, off = listed(graded.run), []
    for name in SUBMISSIONS.keys() - OTHER_PYTHON:
        verdict, why = graded.verdict(name), for_a_person.get(name, "")
        said = (
            REMARKS.get(name, "") in " ".join(remark.text for remark in verdict.remarks)
            and REASONS.get(name, "") in why
        )
        off += [] if said and "; ".join(verdict.reasons) == why else [(name, why, verdict.remarks, verdict.reasons)]
    assert not off
    assert len({graded.verdict(name).digest for name in SUBMISSIONS}) > len(SUBMISSIONS) / 2


def test_a_written_answer_is_never_scored_because_its_cell_lost_its_id(graded):
    """A person reads it, and the cell says that it wasn't found."""
    answers = {"explain-gradient", "explain-rate-and-batch"}
    for name in ("metadata_missing", "metadata_mangled", "ids_renamed", "answer_doubled", "answer_beside", "cut_short"):
        with Gradebook(f"sqlite:///{graded.root}/gradebook.db") as gradebook:
            notebook = gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, name)
            waiting = {grade.name for grade in notebook.grades if grade.auto_score is None and grade.needs_manual_grade}
            commented = {comment.name for comment in notebook.comments if comment.auto_comment}
        written = nbformat.read(graded.notebook(name), 4)
        empty = {id for id in answers if cell(written, id).source == "YOUR ANSWER HERE"}
        lost = {"explain-gradient"} if name == "answer_beside" else answers
        assert waiting == answers, name
        assert commented & answers == {*graded.verdict(name).waits} & answers == empty == lost, name


def test_the_gradebook_knows_the_cells_in_the_notebooks_order(graded):
    released = nbformat.read(graded.released(), as_version=4)
    with Gradebook(f"sqlite:///{graded.root}/gradebook.db") as gradebook:
        known = known_cells(gradebook.find_notebook(ASSIGNMENT, ASSIGNMENT))
    assert list(known) == [cell.metadata.nbgrader.grade_id for cell in released.cells if "nbgrader" in cell.metadata]


def test_outputs_are_kept_within_bounds(graded):
    assert not [name for name in SUBMISSIONS if graded.notebook(name).stat().st_size > 5_000_000]


def test_a_folder_holds_ordinary_files_alone_after_a_run(graded):
    for name in ("folder_wrecked", "folder_gone", "strange_company"):
        folder = graded.notebook(name).parent
        left = {path.name for path in folder.iterdir()} - {"figures", "data"}
        assert left <= {f"{ASSIGNMENT}.ipynb", "verdict.json", "timestamp.txt"}, name
        assert not [path for path in folder.rglob("*") if path.is_symlink() or not (path.is_file() or path.is_dir())]
    assert graded.notebook("folder_wrecked").with_name("timestamp.txt").read_text() == "2026-03-02 12:00:00 UTC"


def test_what_a_graded_cell_put_out_gives_way_to_the_verdict(graded):
    for name in ("score_given", "noisy", "answers_made_up"):
        for one in nbformat.read(graded.notebook(name), as_version=4).cells:
            if one.metadata.get("nbgrader", {}).get("grade") and one.cell_type == "code":
                assert [set(output.data) for output in one.outputs] == [{"text/plain", "text/html"}], name


def test_a_live_kernel_holds_no_answers(graded):
    notebook = nbformat.read(graded.notebook("modules_named"), as_version=4)
    loaded = notebook.cells[-1].outputs[0].text.split()
    assert {"lib.units.softmax_classifier", "lib.checking.challenges", "lib.blanks"} <= set(loaded)
    harmless = r"(kernel|sandbox|files|errors|unit_registry)\b"
    closed = rf"lib\.(reference|grading\.(?!{harmless})|units\.\w+\.closed)"
    assert not [name for name in loaded if re.match(closed, name)]
