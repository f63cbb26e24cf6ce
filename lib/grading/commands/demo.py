"""`zerolayer demo`: the whole loop on a sample class, in a scratch course: build, submit, grade, feedback, table.

A sample class hands in the released notebook, with its blanks filled as the answer key says of each student.
"""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_output
from nbgrader.utils import is_solution
from traitlets import Unicode
from traitlets.config import Application

import lib
import lib.units
from lib.answer_key import Fillings, SampleClass
from lib.blanks import open_blanks
from lib.grading import unit_registry
from lib.grading.commands import load
from lib.grading.commands.command import Command, activation, named_unit
from lib.grading.commands.feedback import FeedbackApp
from lib.grading.commands.grade import NEEDS_A_PERSON, GradeApp
from lib.grading.progress import say
from lib.grading.submissions.restore import course_id
from lib.predictions.records import prediction
from lib.right_code import MARKER
from lib.unit import Question

CHECKOUT = Path(lib.__file__).resolve().parents[1]


class DemoApp(Command):
    """Grade a dozen made-up students with the real thing, and say what each did wrong."""

    name = "zerolayer-demo"
    argument = "[UNIT]"
    description = "Run the whole loop on a sample class: build, submit, grade, feedback."
    examples = """
        zerolayer demo
        zerolayer demo UNIT
    """
    folder = Unicode("", help="Where the scratch course is made; a new temporary folder by default.").tag(config=True)
    aliases = {**Command.aliases, "folder": "DemoApp.folder"}

    def start(self) -> None:
        """Run the loop; exits with 1 where a step fails."""
        unit = named_unit(self, self.extra_args)
        places = [place for place in (Path(self.coursedir.root), CHECKOUT) if (place / "solutions" / unit).is_dir()]
        if not places:
            self.fail(f"The demo needs the folder solutions/{unit}, which is not here. Run it in the course's folder.")
        sample = unit_registry.answer_key(unit).sample_class
        if not sample.students:
            self.fail(
                f"{unit} has no sample class. Write one into closed/answer_key.toml, as docs/authoring.md has it."
            )
        course = Path(self.folder or tempfile.mkdtemp(prefix="zerolayer-demo-"))
        if course.exists() and any(course.iterdir()):
            self.fail(f"{course} is not empty. Name a new folder, so that nothing is lost.")
        copy_course(course, places[0])
        try:
            say("Building the student notebook …")
            run(load("build"), course, unit)
            write_sample_class(sample, course / "notebooks", course / "submitted", unit)
            say("Grading a class, and writing feedback …")
            run(GradeApp, course, unit)
            run(FeedbackApp, course, unit)
        except SystemExit:
            self.fail(f"The scratch course is left as it is, to look at. It is {course}")
        say(next_steps(course, unit))


def copy_course(course: Path, source: Path = CHECKOUT) -> None:
    """Lay out a course: the solutions, the units of its own, and the configuration."""
    course.mkdir(parents=True, exist_ok=True)
    for folder in ("solutions", lib.units.FOLDER):
        if (source / folder).is_dir():
            shutil.copytree(source / folder, course / folder)
    shutil.copy(source / lib.units.CONFIG, course)


def run(app: type[Application], course: Path, *arguments: str) -> None:
    """Run one of nbgrader's commands or ours in `course`, as from its command line but quietly.

    Exits where it does, but goes on where it only asks for a person: the sample class has work that can't be read.
    """
    command = app()  # not `launch_instance`: traitlets allows one of those in a process
    command.initialize([*arguments, f"--course-dir={course}", "--log-level=ERROR"])
    try:
        command.start()
    except SystemExit as end:
        if end.code not in (0, NEEDS_A_PERSON):
            raise


def next_steps(course: Path, unit: str) -> str:
    """Say where things lie and what to do next."""
    return f"""
The scratch course is {course}
  feedback pages   {course}/feedback/<student>/{unit}/{unit}.html
  verdicts         {course}/autograded/<student>/{unit}/verdict.json
  grades           {course}/gradebook.db

Next, in that folder:
{activation()}  zerolayer report {unit}  # how the class did, and what waits for a person
  nbgrader export  # writes grades.csv
  jupyter lab  # has formgrader, for the written questions
  zerolayer grade {unit} --force --student ada
"""


def write_sample_class(sample: SampleClass, release: Path, submitted: Path, assignment: str) -> None:
    """Write the class's submissions into `submitted`, from the released assignment.

    One more student, lars, hands in a notebook that breaks off in the middle.
    """
    source = release / assignment / f"{assignment}.ipynb"
    right = read_solution(release.parent / "solutions" / assignment / source.name, source)
    for student, fillings in sample.students.items():
        folder = submitted / student / assignment
        folder.mkdir(parents=True)
        notebook = complete(nbformat.read(source, as_version=4), fillings, {**right, **sample.answers})
        predict(notebook, sample.predictions.get(student, {}))
        nbformat.write(notebook, folder / source.name)
    folder = submitted / "lars" / assignment
    folder.mkdir(parents=True)
    (folder / source.name).write_text(source.read_text()[:2000])


def read_solution(solution: Path, released: Path) -> dict[str, str]:
    """Read the code of a solution's cells with blanks, without the markers; of none where there is no solution."""
    cells, given = (nbformat.read(each, as_version=4).cells if each.is_file() else [] for each in (solution, released))
    both = zip(cells, given, strict=False)  # building takes no cell out, and says which are answers
    code = [(own, cell) for own, cell in both if own.cell_type == "code" and is_solution(cell)]
    return {course_id(cell): MARKER.sub("", own.source) for own, cell in code}


def complete(notebook: NotebookNode, fillings: Fillings, answers: Mapping[str, str]) -> NotebookNode:
    """Fill a released notebook's blanks, and put `answers` into other cells: texts, and code without blanks."""
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
