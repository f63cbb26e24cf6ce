"""Preprocessors with which `nbgrader generate_assignment` and formgrader's button do the same as `zerolayer build`.

nbgrader's own SaveCells runs between the two, and writes the gradebook's rows.
"""

from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from lib.authoring.rules import OF_NOTEBOOKS, OF_RUNS, faults_of
from lib.authoring.sections import write_sections
from lib.authoring.student_version import finish
from lib.authoring.trial import Trial

Resources = dict[str, Any]


class Begin(NbGraderPreprocessor):
    """Tries the assignment, lists its sections, and makes the gradebook's version of the notebook."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Called first, once for each notebook. Raises RuntimeError with all faults that prevent a release."""
        command = self.parent.parent.parent  # of the exporter's converter
        trial = getattr(command, "trial", None)  # of `zerolayer build`, which has found no fault
        if trial is None:
            trial = Trial.of(resources["nbgrader"]["assignment"], Path(resources["metadata"]["path"]), self)
            if faults := [str(fault) for rule, fault in faults_of(trial, (*OF_NOTEBOOKS, *OF_RUNS)) if rule.refuses]:
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
