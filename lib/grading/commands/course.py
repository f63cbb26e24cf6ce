"""A course as all jobs of one run of grading see it: its gradebook, its settings, and nbgrader's steps around a run."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from nbconvert.preprocessors import Preprocessor
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory

from lib.answer_key import AnswerKey
from lib.grading.commands.config import import_steps, require_steps
from lib.grading.running.execute import BoundedExecute
from lib.grading.submissions.collect import read_collected
from lib.grading.submissions.folders import bounds, own_files
from lib.grading.submissions.gradebook import LATE_WITHOUT_TIME, GradebookSession
from lib.grading.submissions.preprocessors import Judge, WriteChallenge
from lib.grading.submissions.restore import RestoreCells
from lib.grading.submissions.scores import SaveScores
from lib.grading.submissions.sight import packages_of
from lib.grading.submissions.tries import Tries, load
from lib.grading.submissions.unit_preprocessor import UnitPreprocessor
from lib.unit import Part


class Course:
    """What all jobs of a run share."""

    def __init__(self, converter: Autograde, book: GradebookSession):
        """Read what all submissions share. Raises ConfigError if none can be graded."""
        self.converter, self.book, self.directory, self.log = converter, book, converter.coursedir, converter.log
        self.assignment = self.directory.assignment_id
        self.run = BoundedExecute(parent=converter.exporter).bounds
        self.unit = self._find_unit()
        self.packages = packages_of(self.unit) if self.unit else ()
        self.before, self.after = self._make_steps()
        for judging in self.before:
            if self.unit and isinstance(judging, UnitPreprocessor):
                judging.secret  # noqa: B018  # a course whose secret is lost or damaged isn't graded at all
        self.collected = read_collected(self.directory, self.assignment, converter.config)
        self.tries: Mapping[str, Tries] = {}
        with suppress(ValueError):  # `watch` says of a damaged file what to do
            self.tries = load(tries_file(self.directory))
        self.notebooks = [name for name in book.masters if Path(name).match(self.directory.notebook_id)]
        self.judged = {
            (name, part.id, tuple((one.name, one.points) for one in part.statements if one.points))
            for name, part in self._parts()
        }
        """What must have a verdict: in which notebook, which part, and its statements with their points."""
        kept = converter.exclude_overwriting.get(self.assignment, [])
        self.own = own_files(self.directory, self.assignment, kept)
        self.bounds = bounds(self.directory, converter.exporter.config)
        self._require_room()

    def late_stamp(self, student: str) -> datetime | None:
        """Give the time of a submission that Canvas calls late without a time: a second after the due date, if any.

        `zip_collect` writes the same time if it knows the due date; here the date may have been set since.
        """
        due: datetime | None = self.book.duedate
        return due + LATE_WITHOUT_TIME if due is not None and student in self.collected.late else None

    def other_points(self) -> list[str]:
        """Name the parts for which the gradebook counts other points than the unit has, since it was built."""
        masters = self.book.masters
        return [
            f"{part.id} has {counted:g} there and {part.points:g} in the unit"
            for name, part in self._parts()
            if (counted := masters[name].cells[part.id].metadata.nbgrader.get("points", part.points)) != part.points
        ]

    def _parts(self) -> Iterator[tuple[str, Part]]:
        """Give the parts of the unit that are in a notebook which is graded, each with the notebook's name."""
        for name in self.notebooks:
            for part in self.unit.parts if self.unit else ():
                if part.id in self.book.masters[name].cells:
                    yield name, part

    def _find_unit(self) -> AnswerKey | None:
        """Find the assignment's unit, and see to it that the settings judge it, and each graded cell gets a verdict.

        Raises ConfigError where they don't, it can't be imported, or it doesn't fit the notebook.
        """
        converter, judging = self.converter, UnitPreprocessor(parent=self.converter)
        unit = judging.unit_of(self.assignment)
        judged = (WriteChallenge, BoundedExecute, Judge, SaveScores) if unit else (BoundedExecute, SaveScores)
        steps, app = converter.autograde_preprocessors, converter.parent
        require_steps("Autograde.sanitize_preprocessors", converter.sanitize_preprocessors, (RestoreCells,), app)
        require_steps("Autograde.autograde_preprocessors", steps, judged, app)
        judging.check_unit(self.assignment, self.book.masters, self.run.locked)
        return unit

    def _make_steps(self) -> tuple[list[Preprocessor], list[Preprocessor]]:
        """Make nbgrader's steps before a notebook's run, and those after it; the one that runs it is between them."""
        converter = self.converter
        steps = import_steps(converter.autograde_preprocessors)
        at = next((at for at, step in enumerate(steps) if issubclass(step, BoundedExecute)), len(steps))
        before, after = (
            [step(parent=converter.exporter) for step in some]
            for some in ([*import_steps(converter.sanitize_preprocessors), *steps[:at]], steps[at + 1 :])
        )
        return before, after

    def _require_room(self) -> None:
        """Raise OSError where the course's own files alone take more than a submission's folder may."""
        left = replace(self.bounds)
        if not all(left.take(file.stat().st_size) for file in self.own.values()):
            most = f"{self.bounds.size:,} bytes, or are more than {self.bounds.files:,}"
            problem = f"the course's own files take more than {most}"
            raise OSError(None, problem, self.directory.source_directory)


def unfinished(directory: CourseDirectory) -> str:
    """Name the folder in which submissions are made, beside those that are autograded: patterns don't find it."""
    return str(Path(directory.autograded_directory, ".unfinished"))


def tries_file(directory: CourseDirectory) -> Path:
    """Say where `watch` keeps the tries of an assignment."""
    return Path(directory.root, unfinished(directory), f"{directory.assignment_id}.tries.json")
