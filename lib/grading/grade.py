"""Grading a class: nbgrader's Autograde in which every submission gets a verdict and none stops the others."""

import shutil
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatch
from glob import glob
from os.path import isdir
from pathlib import Path
from typing import Any

from nbconvert.exporters.exporter import ResourcesDict
from nbgrader.api import Gradebook
from nbgrader.apps import AutogradeApp
from nbgrader.converters import Autograde, BaseConverter, NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute
from nbgrader.utils import setenv
from sqlalchemy.exc import SQLAlchemyError
from tqdm import tqdm
from traitlets import default
from traitlets.utils.importstring import import_item

from lib.grading.execute import REMARKS
from lib.grading.leftovers import files_in, is_file
from lib.grading.submissions import Submission, read_submission, unreadable


class SubmittedCourse(CourseDirectory):
    """A course directory in which a timestamp that can't be read is no timestamp: the student may have written it."""

    def get_existing_timestamp(self, dest_path: str) -> datetime | None:
        """Read when a submission was made, if it says so."""
        stamp = Path(dest_path, "timestamp.txt")
        try:
            if is_file(stamp) and stamp.stat().st_size < 1000:
                return super().get_existing_timestamp(dest_path)
        except (Exception, SystemExit):  # nbgrader itself would end the program here
            self.log.warning("The timestamp in %s can't be read; it is left out.", dest_path)
        return None


class RegularFiles(BaseConverter):
    """Copies of a submission's other files only where they are files, and of a size that a person would submit."""

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Called by Autograde's own `init_assignment` before anything else."""
        source = Path(self._format_source(assignment_id, student_id))
        target = Path(self._format_dest(assignment_id, student_id))
        own = Path(self.coursedir.format_path(self.coursedir.source_directory, ".", assignment_id))
        ignored, left = ("*.ipynb", *self.coursedir.ignore), self.coursedir.max_dir_size * 1000
        for file in files_in(source):
            name = file.relative_to(source)
            if any(fnmatch(part, pattern) for part in name.parts for pattern in ignored) or _clashes(name, own):
                continue
            left -= file.stat().st_size
            if left < 0:
                self.log.warning("%s holds more than %s kB; the rest is left out.", source, self.coursedir.max_dir_size)
                return
            try:
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target / name)
            except OSError as error:
                self.log.warning("%s is left out: %s", file, error.strerror)


def _clashes(name: Path, own: Path) -> bool:
    """Tell whether a submitted file is called as one of the course's own folders, or the other way round."""
    return (own / name).is_dir() or any((own / parent).is_file() for parent in name.parents)


class Grade(Autograde, RegularFiles):
    """Autograde that also takes submissions without a readable notebook, and goes on after any that fail."""

    def init_notebooks(self) -> None:
        """Find all submitted folders, whether or not there is a notebook in them.

        Raises NbGraderException if there are none, with nbgrader's own advice.
        """
        pattern = self._format_source(self.coursedir.assignment_id, self.coursedir.student_id)
        folders = sorted(filter(isdir, glob(pattern)))  # noqa: PTH207  # the whole path is a pattern
        if not folders:
            super().init_notebooks()
        names = self._expected() if folders else []
        self.assignments = {folder: [str(Path(folder, f"{name}.ipynb")) for name in names] for folder in folders}
        self._progress = tqdm(total=len(folders), unit="submission", disable=None, leave=False)

    def _expected(self) -> list[str]:
        """Name the notebooks that every submission should have, as the gradebook knows them."""
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            assignment = gradebook.update_or_create_assignment(self.coursedir.assignment_id)
            names = [notebook.name for notebook in assignment.notebooks]
        if not names:
            self.log.error(
                "The gradebook has no notebook for %s. Run `zerolayer build` first.", self.coursedir.assignment_id
            )
            raise NbGraderException("nothing to grade")
        return [name for name in names if Path(name).match(self.coursedir.notebook_id)]

    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        """Count the submission, then ask nbgrader whether it is to be graded."""
        self._progress.update()
        return bool(super().init_destination(assignment_id, student_id))

    def convert_notebooks(self) -> None:
        """Grade one submission after the other; afterwards the progress bar is gone."""
        with self._progress:
            super().convert_notebooks()

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Sanitise, run and judge one notebook; what can't be graded gets a verdict that says why.

        Raises SQLAlchemyError where the gradebook itself fails: that is no submission's fault.
        """
        sentence = "This notebook could not be graded as it is. Your instructor has been told."
        submission = read_submission(Path(notebook_filename))
        unrun = replace(submission, remarks=(*submission.remarks, sentence), runnable=False)
        for attempt in (submission, submission, unrun):  # twice: a kernel may fail to start for once
            try:
                return self._graded(notebook_filename, attempt)
            except SQLAlchemyError:
                raise
            except Exception:
                self.log.exception("Grading %s failed", notebook_filename)
        return self._graded(notebook_filename, unreadable(sentence))

    def _graded(self, filename: str, submission: Submission) -> None:
        resources = ResourcesDict(**self.init_single_notebook_resources(filename))
        names = resources["nbgrader"]
        folder = self._format_dest(names["assignment"], names["student"])
        Path(folder).mkdir(parents=True, exist_ok=True)
        resources["metadata"] = ResourcesDict(name=names["notebook"], path=folder)
        resources[REMARKS] = list(submission.remarks)
        sanitise, grade = _imported(self.sanitize_preprocessors), _imported(self.autograde_preprocessors)
        notebook = self._preprocessed(deepcopy(submission.notebook), resources, sanitise)
        with setenv(NBGRADER_EXECUTION="autograde"):
            steps = [step for step in grade if submission.runnable or not issubclass(step, Execute)]
            notebook = self._preprocessed(notebook, resources, steps)
        self.exporter._preprocessors = []  # all have been applied
        self.write_single_notebook(*self.exporter.from_notebook_node(notebook, resources=resources))

    def _preprocessed(self, notebook: Any, resources: ResourcesDict, steps: list[type]) -> Any:
        for step in steps:
            notebook, resources = step(parent=self.exporter)(notebook, resources)
        return notebook


def _imported(steps: list[Any]) -> list[type]:
    """Give the preprocessors that a list in the configuration names, by class or by import string."""
    return [import_item(step) if isinstance(step, str) else step for step in steps]


class GradeApp(AutogradeApp):
    """`zerolayer grade ASSIGNMENT`: `nbgrader autograde` with its flags, for a whole class at once."""

    name = "zerolayer-grade"
    description = "Grade the submissions of an assignment: every one gets a verdict, whatever it is."
    examples = """
        zerolayer grade softmax_classifier
        zerolayer grade softmax_classifier --student ada --force
    """

    @default("classes")
    def _classes_default(self) -> list[type]:
        return [*super()._classes_default(), Grade]

    def initialize(self, argv: list[str] | None = None, root: str = "") -> None:
        """Read the configuration as nbgrader does; its course, with an eye for what students send."""
        super().initialize(argv, root)
        self.coursedir = SubmittedCourse(parent=self, **({"root": root} if root else {}))

    def start(self) -> None:
        """Grade; exits with 1 where nbgrader would."""
        super(AutogradeApp, self).start()
        names = [*self.extra_args, *([self.coursedir.assignment_id] if self.coursedir.assignment_id else [])]
        if len(names) != 1:
            self.fail("Name one assignment, for example: zerolayer grade softmax_classifier")
        self.coursedir.assignment_id = names[0]
        try:
            Grade(coursedir=self.coursedir, parent=self).start()
        except NbGraderException:
            self.exit(1)
