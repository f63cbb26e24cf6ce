"""A sample class: the released notebook, with its blanks filled as the answer key says of each student."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_output

from lib.answer_key import Fillings, SampleClass
from lib.blanks import open_blanks
from lib.grading.door.cells import course_id
from lib.predictions.render import prediction
from lib.unit import Question


def write_sample_class(sample: SampleClass, release: Path, submitted: Path, assignment: str) -> Iterator[str]:
    """Write the class's submissions into `submitted`, from the released assignment; give each student's name.

    One more student, lars, hands in a notebook that breaks off in the middle.
    """
    source = release / assignment / f"{assignment}.ipynb"
    for student, fillings in sample.students.items():
        folder = submitted / student / assignment
        folder.mkdir(parents=True)
        notebook = complete(nbformat.read(source, as_version=4), fillings, sample.answers)
        predict(notebook, sample.predictions.get(student, {}))
        nbformat.write(notebook, folder / source.name)
        yield student
    folder = submitted / "lars" / assignment
    folder.mkdir(parents=True)
    (folder / source.name).write_text(source.read_text()[:2000])
    yield "lars"


def complete(notebook: NotebookNode, fillings: Fillings, answers: Mapping[str, str]) -> NotebookNode:
    """Fill a released notebook's blanks, and answer its written questions."""
    for cell in notebook.cells:
        if (name := course_id(cell)) in fillings:
            cell.source = fill(cell.source, fillings[name])
        elif name in answers:
            cell.source = answers[name]
    return notebook


def predict(notebook: NotebookNode, choices: Mapping[Question, int]) -> None:
    """Write predictions into a notebook as the lab does: into the output of the cell that asks."""
    for question, choice in choices.items():
        for cell in notebook.cells:
            if cell.source == f"predict('{question.id}')":
                cell.outputs = [new_output("display_data", prediction(question, choice))]


def fill(source: str, fillings: tuple[str, ...]) -> str:
    """Put expressions in place of a cell's blanks, the last first: earlier ones then keep their places."""
    for blank, filling in reversed(list(zip(open_blanks(source), fillings, strict=True))):
        if filling:
            source = source[: blank.start] + filling + source[blank.end :]
    return source
