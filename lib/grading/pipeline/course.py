"""The data of a course that all submissions of a run share, read once: gradebook, settings, secret and files."""

from collections.abc import Mapping, Set
from dataclasses import fields, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache, cached_property
from typing import Any

from nbgrader.converters import Autograde
from nbgrader.preprocessors import AssignLatePenalties, IgnorePattern, LimitOutput
from traitlets import Bool, Dict, Integer, TraitError, validate
from traitlets.config import LoggingConfigurable

from lib.answer_key import AnswerKey
from lib.grading import unit_registry
from lib.grading.execution.notebook import Bounds
from lib.grading.gradebook.database import cells_of_all
from lib.grading.gradebook.lateness import cost, read_extensions
from lib.grading.gradebook.marks import Class, read_marks
from lib.grading.gradebook.session import GradebookSession
from lib.grading.pipeline.one_notebook import Terms
from lib.grading.pipeline.unit_preprocessor import UnitPreprocessor
from lib.grading.sandbox.limits import Limits, limit_problem
from lib.grading.submissions.collection_records import LATE_WITHOUT_TIME, CollectionRecords, read_collection
from lib.grading.submissions.restore import read_released
from lib.grading.submissions.submitted_files import FileBounds, SubmittedFiles, course_files


class Execute(LoggingConfigurable):
    """The name of nbgrader's preprocessor that runs notebooks, so that a course's `Execute.timeout` still works."""

    timeout = Integer(30, allow_none=True, help="Seconds that one cell may run or sleep.").tag(config=True)


class BoundedExecute(Execute):
    """The limits on a notebook's run."""

    # With lower values, answers of checks (which are outputs, too) would be dropped, or no cell would run.
    budget = Integer(300, min=1, help="Seconds that all cells of a notebook may run or sleep.").tag(config=True)
    grace = Integer(5, min=0, help="Seconds that an interrupted cell has to end.").tag(config=True)
    max_output = Integer(1_000_000, min=200_000, help="Bytes of memory for the outputs of a cell.").tag(config=True)
    max_notebook_output = Integer(
        10_000_000, min=1_000_000, help="Bytes of memory for all outputs of a notebook, and as many for answers."
    ).tag(config=True)
    sandbox = Bool(True, help="Run kernels in the sandbox. Without it, code has all your rights.").tag(config=True)
    limits = Dict(help="The limits on a kernel's resources: see lib.grading.sandbox.limits.").tag(config=True)

    @validate("limits")
    def _known_limits(self, proposal: dict[str, Any]) -> dict[str, Any]:
        for name, value in proposal["value"].items():
            if problem := limit_problem(name, value):
                raise TraitError(f"{type(self).__name__}.limits {problem}")
        return proposal["value"]

    @property
    def bounds(self) -> Bounds:
        """The settings as plain data for workers."""
        return Bounds(**{each.name: getattr(self, each.name) for each in fields(Bounds)})


class Course:
    """The data that all submissions of a run share. `converter`, nbgrader's or ours, has the course's settings."""

    def __init__(self, converter: Autograde, gradebook: GradebookSession, assignment: str):
        """Read the shared data. Raises ConfigError if no submission can be graded."""
        self.converter, self.gradebook, self.assignment = converter, gradebook, assignment
        self.late = dict[str, str]()
        """By how much submissions of this run were late, by student."""
        self.directory, self.log = converter.coursedir, converter.log
        if converter.permissions in (444, 664):  # nbgrader's defaults, which let all accounts read
            converter.permissions = 660 if self.directory.groupshared else 600
        sources, asked = gradebook.sources, self.directory.notebook_id
        self.notebooks = {name: source for name, source in sources.items() if fnmatchcase(name, asked)}
        """The notebooks to grade: all, or those that `--notebook` names."""
        self.run = BoundedExecute(parent=converter).bounds
        judging = UnitPreprocessor(parent=converter)
        self.unit: AnswerKey | None = judging.unit_of(assignment)
        judging.check_unit(assignment, sources)
        self.secret = judging.secret() if self.unit else b""
        trims = {
            kind.__name__: {name: getattr(step, name) for name in kind.class_own_traits(config=True)}
            for kind, step in ((kind, kind(parent=converter)) for kind in (IgnorePattern, LimitOutput))
        }
        solutions = unit_registry.SOLUTIONS.get(assignment)
        self.terms = Terms(assignment, assignment if self.unit else "", self.run, solutions, trims)
        """All that a worker has to know."""
        self.judged = {
            (name, part.id, tuple((one.name, one.points) for one in part.statements if one.points))
            for name, source in self.notebooks.items()
            for part in (self.unit.parts if self.unit else ())
            if part.id in source.cells
        }
        """The parts that must have verdicts: notebook, part, and its statements with their points."""
        self.own = course_files(self.directory, assignment, converter.exclude_overwriting.get(assignment, []))
        self.bounds = FileBounds.of(self.directory.max_dir_size * 1000, Limits(**self.run.limits))
        left = replace(self.bounds)
        if not all(left.take(len(content)) for content in self.own.values()):
            most = f"{self.bounds.size:,} bytes, or are more than {self.bounds.files:,}"
            raise OSError(None, f"the course's own files take more than {most}", self.directory.source_directory)
        self.released = cache(lambda name: read_released(self.directory, assignment, name, sources[name].cells))
        """The cells of a notebook as released."""

    @cached_property
    def collected(self) -> CollectionRecords:
        """The notes of `zerolayer collect` on downloads."""
        return read_collection(self.directory, self.assignment)

    def timestamp_of(self, submitted: SubmittedFiles) -> datetime | None:
        """Return the time of a submission. If Canvas only calls it late, that is one second after the due date."""
        try:
            if submitted.timestamp is not None:
                return submitted.timestamp
        except ValueError as error:
            self.log.warning("%s", error)
        due: datetime | None = self.gradebook.duedate
        return due + LATE_WITHOUT_TIME if due is not None and submitted.student in self.collected.late else None

    @cached_property
    def cells_of_all(self) -> Mapping[str, Set[str]]:
        """The cell ids of each assignment."""
        return self.gradebook.query(cells_of_all)

    @cached_property
    def marks(self) -> Class:
        """The marks in the gradebook at the start of the run, from three queries for the whole class."""
        return self.gradebook.query(lambda gradebook: read_marks(gradebook, self.assignment))

    @cached_property
    def times(self) -> Mapping[str, datetime | None]:
        """The submission times in the gradebook at the start of the run, by student."""
        return self.gradebook.times()

    @cached_property
    def extensions(self) -> Mapping[str, timedelta]:
        """The deadline extensions by student."""
        return read_extensions(self.directory, self.assignment)

    @cached_property
    def _penalties(self) -> AssignLatePenalties:
        step = AssignLatePenalties(parent=self.converter)
        step.init_plugin()  # loads the course's own rule, if it has one
        return step

    def penalty(self, student: str, score: float, late: float) -> float | None:
        """Note that a submission is late, and return the penalty."""
        in_canvas = student in self.collected.late
        self.late[student] = "according to Canvas, which gives no time" if in_canvas else f"{late:.0f} seconds"
        return cost(self._penalties.plugin_inst, student, score, late)
