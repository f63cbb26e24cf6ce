"""A course as one run of grading sees it: its gradebook, its settings, its secret, and its own files, read once."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache, cached_property

from nbformat.notebooknode import NotebookNode
from nbgrader.converters import Autograde
from nbgrader.preprocessors import AssignLatePenalties, IgnorePattern, LimitOutput

from lib.answer_key import AnswerKey
from lib.grading.execution.settings import BoundedExecute
from lib.grading.gradebook.extensions import read_extensions
from lib.grading.gradebook.marks import Class, read_marks
from lib.grading.gradebook.penalties import cost
from lib.grading.gradebook.session import GradebookSession
from lib.grading.gradebook.source_notebook import cells_of_all
from lib.grading.pipeline.unit_faults import packages_of
from lib.grading.pipeline.unit_preprocessor import UnitPreprocessor
from lib.grading.sandbox.limits import Limits
from lib.grading.submissions.collection import LATE_WITHOUT_TIME, Collected, read_collected
from lib.grading.submissions.restore import read_released
from lib.grading.submissions.submitted_files import FileBounds, SubmittedFiles, own_files
from lib.unit import Part


class Course:
    """What all submissions of a run share. `converter` is nbgrader's, or ours: it has the course's settings."""

    def __init__(self, converter: Autograde, book: GradebookSession, assignment: str):
        """Read what all submissions share. Raises ConfigError if none can be graded."""
        self.converter, self.book, self.directory, self.log = converter, book, converter.coursedir, converter.log
        self.assignment = assignment
        if converter.permissions in (444, 664):  # nbgrader's own, with which all accounts may read
            converter.permissions = 660 if self.directory.groupshared else 600
        masters, asked = book.masters, self.directory.notebook_id
        self.notebooks = {name: master for name, master in masters.items() if fnmatchcase(name, asked)}
        """Those that are graded: all, or what `--notebook` names."""
        self.run = BoundedExecute(parent=converter).bounds
        judging = UnitPreprocessor(parent=converter)
        self.unit: AnswerKey | None = judging.unit_of(assignment)
        judging.check_unit(assignment, masters, self.run.sandbox)
        self.packages = packages_of(self.unit) if self.unit else ()
        self.secret = judging.secret() if self.unit else b""  # a course whose secret is lost isn't graded at all
        self._trims = [step(parent=converter) for step in (IgnorePattern, LimitOutput)]
        self.judged = {
            (name, part.id, tuple((one.name, one.points) for one in part.statements if one.points))
            for name, part in self._parts()
        }
        """What must have a verdict: in which notebook, which part, and its statements with their points."""
        self.own = own_files(self.directory, assignment, converter.exclude_overwriting.get(assignment, []))
        self.bounds = FileBounds.of(self.directory.max_dir_size * 1000, Limits(**self.run.limits))
        left = replace(self.bounds)
        if not all(left.take(len(content)) for content in self.own.values()):
            most = f"{self.bounds.size:,} bytes, or are more than {self.bounds.files:,}"
            raise OSError(None, f"the course's own files take more than {most}", self.directory.source_directory)
        self.released = cache(lambda name: read_released(self.directory, assignment, name, masters[name].cells))
        """A notebook as it was handed out."""

    @cached_property
    def collected(self) -> Collected:
        """What `zerolayer collect` noted of downloads."""
        return read_collected(self.directory, self.assignment)

    def made(self, handed: SubmittedFiles) -> datetime | None:
        """Give when a submission was made; one that Canvas calls late without a time, a second after the due date."""
        try:
            if handed.made is not None:
                return handed.made
        except ValueError as error:
            self.log.warning("%s", error)
        due: datetime | None = self.book.duedate
        return due + LATE_WITHOUT_TIME if due is not None and handed.student in self.collected.late else None

    def trim(self, notebook: NotebookNode) -> NotebookNode:
        """Shorten what a notebook shows, once it is judged, by nbgrader's own steps and their settings."""
        for step in self._trims:
            notebook, _ = step(notebook, {})
        return notebook

    @cached_property
    def cells_of_all(self) -> Mapping[str, Set[str]]:
        """The ids of each assignment's cells."""
        return self.book.ask(cells_of_all)

    @cached_property
    def marks(self) -> Class:
        """What the gradebook had at the run's begin: three queries, however large a class."""
        return self.book.ask(lambda gradebook: read_marks(gradebook, self.assignment))

    @cached_property
    def times(self) -> Mapping[str, datetime | None]:
        """When each submission that the gradebook had at the run's begin was made, by student."""
        return self.book.times()

    @cached_property
    def extensions(self) -> Mapping[str, timedelta]:
        """How much more time students got before they handed in."""
        return read_extensions(self.directory, self.assignment)

    @cached_property
    def _penalties(self) -> AssignLatePenalties:
        step = AssignLatePenalties(parent=self.converter)
        step.init_plugin()  # the course may have a rule of its own
        return step

    def penalty(self, student: str, score: float, late: float) -> float | None:
        """Log that a submission is late, and return what that costs."""
        in_canvas = student in self.collected.late
        by = "late: Canvas says so, and not by how much" if in_canvas else f"{late} seconds late"
        self.log.warning("%s is %s", student, by)
        return cost(self._penalties.plugin_inst, student, score, late)

    def other_points(self) -> list[str]:
        """Name the parts for which the gradebook counts other points than the unit has, since it was built."""
        return [
            f"{part.id} has {counted:g} there and {part.points:g} in the unit"
            for name, part in self._parts()
            if (counted := self.notebooks[name].cells[part.id].metadata.nbgrader.get("points", part.points))
            != part.points
        ]

    def _parts(self) -> Iterator[tuple[str, Part]]:
        """Give the parts of the unit that are graded, each with the name of the notebook that it is in."""
        for name, master in self.notebooks.items():
            for part in self.unit.parts if self.unit else ():
                if part.id in master.cells:
                    yield name, part
