"""Whole submitted notebooks: for each name, what a student hands in, and the points that each part has to earn.

A submission is a function that takes the released notebook and the folder it is handed in with. It returns the notebook
(or the bytes of a file called like one), or something else if it wrote all there is. Its name says what the student
did, or its docstring. Those of one expression stand in tables, those that change some places in changes.txt.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import nbformat

from lib.grading.commands.demo import complete
from tests.sample_class import ANSWERS, RIGHT

POINTS = {
    "cce": 2,
    "cce-gradient": 3,
    "softmax-forward": 3,
    "softmax-stable": 1,
    "softmax-backward": 3,
    "dense-backward": 4,
    "train": 4,
}
EVERYTHING = frozenset(POINTS)
NOTHING = frozenset()
FILE = "softmax_classifier.ipynb"


@dataclass(frozen=True)
class Submission:
    """How one is made, and what it earns: all points of some parts, and a few of others."""

    name: str
    make: Callable
    earns: frozenset
    few: Mapping = field(default_factory=dict)

    @property
    def points(self):
        return {f"check-{part}": POINTS[part] if part in self.earns else self.few.get(part, 0) for part in POINTS}

    def hand_in(self, released: Path, folder: Path):
        """Write the submission into `folder`, from the released notebook at `released`."""
        folder.mkdir(parents=True)
        made = self.make(nbformat.read(released, as_version=4), folder)
        if isinstance(made, bytes | dict):
            (folder / FILE).write_bytes(made if isinstance(made, bytes) else as_bytes(made))


def earns(parts):
    """Return which parts a submission earns, all of their points or none."""
    return lambda make: Submission(make.__name__, make, frozenset(parts))


def table(parts, **rows):
    """Name several submissions, all of which earn these parts."""
    return [Submission(name, make, frozenset(parts)) for name, make in rows.items()]


def but(*parts):
    return EVERYTHING - set(parts)


def submissions(*modules: ModuleType) -> Iterator[Submission]:
    for value in chain.from_iterable(vars(module).values() for module in modules):
        found = value if isinstance(value, list) else [value]
        yield from (one for one in found if isinstance(one, Submission))


def as_bytes(notebook):
    return json.dumps(notebook).encode()


def right(notebook):
    return complete(notebook, RIGHT, ANSWERS)


def cell(notebook, id):
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == id)


def before(notebook, id, code):
    """Add a cell of the student's own in front of one of the course's."""
    notebook.cells.insert(notebook.cells.index(cell(notebook, id)), nbformat.v4.new_code_cell(dedent(code)))
    return notebook


def replaced(notebook, id, old, new):
    found = cell(notebook, id)
    assert old in found.source
    found.source = found.source.replace(old, new)
    return notebook
