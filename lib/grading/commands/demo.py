"""`zerolayer demo`: build, submit, grade and write feedback for a sample class, in a scratch course.

The students of the sample class submit the released notebook with its blanks filled as the answer key lists them.
"""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from pkgutil import resolve_name

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.utils import is_solution
from traitlets import Unicode
from traitlets.config import Application

import lib
import lib.units
from lib.answer_key import Fillings, SampleClass
from lib.blanks import open_blanks
from lib.grading import unit_registry
from lib.grading.commands import COMMANDS
from lib.grading.commands.command import Command, activation, named_unit
from lib.grading.commands.feedback import FeedbackApp
from lib.grading.commands.grade import NEEDS_A_PERSON, GradeApp
from lib.grading.progress import say
from lib.grading.submissions.restore import course_id
from lib.right_code import MARKER

PACKAGE = Path(lib.__file__).resolve().parent
CHECKOUT = next(place for place in (PACKAGE.parent, PACKAGE / "authoring") if (place / lib.units.CONFIG).is_file())
"""The folder with the configuration and the solutions: the top of a clone, or in an installed package."""


class DemoApp(Command):
    """Grade a dozen made-up students with the real commands."""

    name = "zerolayer-demo"
    argument = "[UNIT]"
    description = "Run the whole loop on a sample class: build, submit, grade, feedback."
    examples = """
        zerolayer demo
        zerolayer demo UNIT
    """
    folder = Unicode("", help="The folder for the scratch course; by default a new temporary one.").tag(config=True)
    aliases = {**Command.aliases, "folder": "DemoApp.folder"}

    def start(self) -> None:
        """Run the loop. Exits with 1 if a step fails."""
        unit = named_unit(self, self.extra_args)
        places = [place for place in (Path(self.coursedir.root), CHECKOUT) if (place / "solutions" / unit).is_dir()]
        if not places:
            self.fail(f"There is no folder solutions/{unit}. Run the demo in the folder of the unit's course.")
        sample = unit_registry.answer_key(unit).sample_class
        if not sample.students:
            self.fail(f"{unit} has no sample class. Add one to closed/answer_key.toml, beginning with [students.ada].")
        course = Path(self.folder or tempfile.mkdtemp(prefix="zerolayer-demo-"))
        if course.exists() and any(course.iterdir()):
            self.fail(f"{course} is not empty. Name a new folder, so that nothing is overwritten.")
        copy_course(course, places[0])
        try:
            say("Building the student notebook …")
            run(resolve_name(COMMANDS["build"]), course, unit)
            write_sample_class(sample, course / "notebooks", course / "submitted", unit)
            say("Grading a class, and writing feedback …")
            run(GradeApp, course, unit)
            run(FeedbackApp, course, unit)
        except SystemExit:
            self.fail(f"A step failed. To see why, look at the scratch course: {course}")
        say(next_steps(course, unit))


def copy_course(course: Path, source: Path = CHECKOUT) -> None:
    """Copy a course's solutions, units and configuration into the folder `course`."""
    course.mkdir(parents=True, exist_ok=True)
    for folder in ("solutions", lib.units.FOLDER):
        if (source / folder).is_dir():
            shutil.copytree(source / folder, course / folder)
    shutil.copy(source / lib.units.CONFIG, course)


def run(app: type[Application], course: Path, *arguments: str) -> None:
    """Run one of nbgrader's commands or ours in `course`, without its log. Exits if it fails."""
    command = app()  # not `launch_instance`: traitlets allows one launched application per process
    command.initialize([*arguments, f"--course-dir={course}", "--log-level=ERROR"])
    try:
        command.start()
    except SystemExit as end:
        if end.code not in (0, NEEDS_A_PERSON):  # one sample notebook can't be read
            raise


def next_steps(course: Path, unit: str) -> str:
    """Return the message about the written files and the next commands."""
    return f"""
The scratch course is {course}
  feedback pages   {course}/feedback/<student>/{unit}/{unit}.html
  verdicts         {course}/autograded/<student>/{unit}/verdict.json
  grades           {course}/gradebook.db

Next, in that folder:
{activation()}  zerolayer report {unit}  # the class's results, and what needs a person
  zerolayer export {unit}  # writes grades.csv
  jupyter lab  # has formgrader, for the written questions
  zerolayer grade {unit} --force --student ada
"""


def write_sample_class(sample: SampleClass, release: Path, submitted: Path, assignment: str) -> None:
    """Write the class's submissions of the released assignment. Another student, lars, submits a truncated one."""
    source = release / assignment / f"{assignment}.ipynb"
    right = read_solution(release.parent / "solutions" / assignment / source.name, source)
    for student, fillings in sample.students.items():
        folder = submitted / student / assignment
        folder.mkdir(parents=True)
        notebook = complete(nbformat.read(source, as_version=4), fillings, {**right, **sample.answers})
        nbformat.write(notebook, folder / source.name)
    folder = submitted / "lars" / assignment
    folder.mkdir(parents=True)
    (folder / source.name).write_text(source.read_text()[:2000])


def read_solution(solution: Path, released: Path) -> dict[str, str]:
    """Return the code of a solution's answer cells by id, without the markers; {} if there is no solution."""
    cells, given = (nbformat.read(each, as_version=4).cells if each.is_file() else [] for each in (solution, released))
    both = zip(cells, given, strict=False)  # the build removes no cell, and marks which ones are answers
    code = [(own, cell) for own, cell in both if own.cell_type == "code" and is_solution(cell)]
    return {course_id(cell): MARKER.sub("", own.source) for own, cell in code}


def complete(notebook: NotebookNode, fillings: Fillings, answers: Mapping[str, str]) -> NotebookNode:
    """Fill a released notebook's blanks, and replace other cells by their `answers`: texts, and code without blanks."""
    for cell in notebook.cells:
        if (name := course_id(cell)) in fillings:
            cell.source = fill(cell.source, fillings[name])
        elif name in answers:
            cell.source = answers[name]
    return notebook


def fill(source: str, fillings: tuple[str, ...]) -> str:
    """Replace a cell's blanks by expressions, from the last to the first, so that offsets stay valid."""
    for blank, filling in reversed(list(zip(open_blanks(source), fillings, strict=True))):
        if filling:
            source = source[: blank.start] + filling + source[blank.end :]
    return source
