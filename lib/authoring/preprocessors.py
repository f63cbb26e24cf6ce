"""Steps of `nbgrader generate_assignment` and of formgrader's button: they refuse and make what `zerolayer build` does.

Between the two nbgrader's own SaveCells writes the gradebook's rows.
"""

from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from lib.authoring.build import rules_for
from lib.authoring.rules import faults_of
from lib.authoring.student_version import finish
from lib.authoring.trial import Trial

Resources = dict[str, Any]


class Begin(NbGraderPreprocessor):
    """Tries the assignment, and makes the notebook as the gradebook keeps it."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Called first, once for each notebook. Raises RuntimeError with all faults that hold a release up."""
        trial = Trial.of(resources["nbgrader"]["assignment"], Path(resources["metadata"]["path"]), self)
        if told := [str(fault) for rule, fault in faults_of(trial, rules_for(trial)) if rule.refuses]:
            raise RuntimeError("\n\n".join(told))
        [made] = [made for file, made in trial.students.items() if Path(file).stem == resources["unique_key"]]
        return made.master, resources


class Finish(NbGraderPreprocessor):
    """Makes the notebook as students get it."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Called last, when the gradebook has the notebook."""
        return finish(nb, self, resources), resources
