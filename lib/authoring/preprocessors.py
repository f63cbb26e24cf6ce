"""Preprocessors with which `nbgrader generate_assignment` and formgrader's button do the same as `zerolayer build`.

nbgrader's own SaveCells runs between the two, and writes the gradebook's rows.
"""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import NbGraderPreprocessor

from lib.authoring.rules import RELEASE, faults_of
from lib.authoring.sections import write_sections
from lib.authoring.student_notebook import finish
from lib.authoring.trial import Trial
from lib.grading.files import put_in_place, temporary_sibling_folder

Resources = dict[str, Any]


def keep_until_whole(converter: GenerateAssignment, convert: Callable[[], None]) -> None:
    """Convert into another folder, which replaces the last release once it is whole.

    nbgrader removes the release before it converts, and again if that fails.
    """
    course = converter.coursedir
    step, end = course.release_directory, (".", course.assignment_id)
    released = Path(course.format_path(step, *end))
    with temporary_sibling_folder(Path(course.format_path(step, ".", "."))) as folder:
        course.release_directory = str(Path(step).with_name(folder.name))
        try:
            new = Path(course.format_path(course.release_directory, *end))
            if released.exists():
                shutil.copytree(released, new)  # with one notebook to build, the others stay
            convert()
            put_in_place(new, released)
        finally:
            course.release_directory = step


class Begin(NbGraderPreprocessor):
    """Tries the assignment, writes its sections, and makes the gradebook's version of the notebook."""

    def __init__(self, **settings: Any) -> None:
        """Called by the exporter, before nbgrader removes the last release."""
        super().__init__(**settings)
        converter = getattr(self.parent, "parent", None)
        if isinstance(converter, GenerateAssignment):
            converter.convert_notebooks = partial(keep_until_whole, converter, converter.convert_notebooks)

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Called first, once for each notebook. Raises RuntimeError with all faults that prevent a release."""
        command = self.parent.parent.parent  # of the exporter's converter
        trial = getattr(command, "trial", None)  # of `zerolayer build`, which has found no fault
        if trial is None:
            trial = Trial.of(resources["nbgrader"]["assignment"], Path(resources["metadata"]["path"]), self)
            if faults := [str(fault) for rule, fault in faults_of(trial, RELEASE) if rule.refuses]:
                raise RuntimeError("\n\n".join(faults))
        if trial.place:
            write_sections(trial.place.folder, trial.solutions.values())
        [version] = [each for file, each in trial.students.items() if Path(file).stem == resources["unique_key"]]
        return version.source, resources


class Finish(NbGraderPreprocessor):
    """Makes the students' version of the notebook."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Called last, after the gradebook's rows have been written."""
        return finish(nb, self, resources), resources
