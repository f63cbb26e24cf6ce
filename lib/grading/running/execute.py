"""Running a notebook among nbgrader's steps: the settings of a run, and the step that `nbgrader autograde` takes."""

import sys
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Dict, Integer, TraitError, validate

from lib.grading.running.notebook import (
    ADDED_CODE,
    SKIPPED,
    Bounds,
    Cell,
    Run,
    RunLostError,
    has_code,
    is_skipped,
    place_of,
)
from lib.grading.safe_files import files_in, lay_out
from lib.grading.sandbox.limits import limit_problem

__all__ = [
    "ADDED_CODE",
    "KEY",
    "SKIPPED",
    "BoundedExecute",
    "RunLostError",
    "RunState",
    "has_code",
    "is_skipped",
    "place_of",
    "run_cells",
    "run_state",
]

KEY = "zerolayer"
"""The name of a run's state in a notebook's resources."""
LINUX = sys.platform == "linux"
"""Elsewhere nothing keeps kernels warm or locks them in, and what does so can't even be imported."""


@dataclass
class RunState:
    """What is known of a notebook where it is run.

    `remarks` say how the run went. `for_a_person` has reasons, in a few words each, why a person has to look at the
    submission: any preprocessor may add to it, and `zerolayer grade` lists them. `files` are to lie beside the notebook
    in the run and nowhere else, by name; without them the notebook's own folder counts.
    """

    remarks: list[str] = field(default_factory=list)
    for_a_person: list[str] = field(default_factory=list)
    files: dict[str, bytes] | None = None


def run_state(resources: MutableMapping[str, Any]) -> RunState:
    """Give the state in a notebook's resources, made at first need."""
    return resources.setdefault(KEY, RunState())


class BoundedExecute(NbGraderPreprocessor):
    """Run a notebook in a kernel of its own, locked in, each cell within a time limit and all within bounds."""

    # Below these bounds the answers of checks, which are outputs too, would be dropped, or no cell would be run.
    timeout = Integer(30, allow_none=True, help="Seconds that one cell may take.").tag(config=True)
    budget = Integer(300, min=1, help="Seconds that all cells of a notebook may take together.").tag(config=True)
    grace = Integer(5, min=0, help="Seconds in which a cell has to end after it was interrupted.").tag(config=True)
    max_output = Integer(1_000_000, min=100_000, help="Characters of output kept of each cell.").tag(config=True)
    max_messages = Integer(1_000, min=0, help="Outputs kept of each cell.").tag(config=True)
    max_notebook_output = Integer(
        10_000_000, min=1_000_000, help="Bytes that all outputs of a notebook may take in memory; answers besides."
    ).tag(config=True)
    flood = Integer(20, min=1, help="So many times `max_output` may be dropped, then a cell is stopped.").tag(
        config=True
    )
    sandbox = Bool(True, help="Lock kernels in. Without this, code runs with all your rights.").tag(config=True)
    limits = Dict(help="How much of the machine a kernel may use, as in lib.grading.sandbox.limits.").tag(config=True)

    @validate("limits")
    def _known_limits(self, proposal: dict[str, Any]) -> dict[str, Any]:
        for name, value in proposal["value"].items():
            if problem := limit_problem(name, value):
                raise TraitError(f"{type(self).__name__}.limits {problem}")
        return proposal["value"]

    @property
    def bounds(self) -> Bounds:
        """The settings as plain data."""
        of_output = self.max_output, self.max_messages, self.max_notebook_output, self.flood
        return Bounds(self.timeout or 0, self.budget, self.grace, (5, 30), *of_output, self.sandbox, self.limits)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Called by nbgrader's Autograde; leaves remarks on what went wrong in `resources`. Raises `RunLostError`."""
        state, folder = run_state(resources), resources.get("metadata", {}).get("path", "")
        files = state.files
        if files is None:
            files = (
                {str(path.relative_to(folder)): path.read_bytes() for path in files_in(Path(folder))} if folder else {}
            )
        cells, remarks = run_cells([dict(cell) for cell in nb.cells], files, self.bounds)
        for cell, ran in zip(nb.cells, cells, strict=True):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = nbformat.from_dict(ran["outputs"]), ran["execution_count"]
        state.remarks.extend(remarks)
        return nb, resources


def run_cells(cells: list[Cell], files: dict[str, bytes], bounds: Bounds) -> tuple[list[Cell], list[str]]:
    """Run a notebook's cells; give them with their outputs, and remarks on how it went. Raises `RunLostError`."""
    if LINUX:
        run = Run(cells, files, bounds)
        run.run()
        return run.cells, run.remarks
    notebook = nbformat.from_dict({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    with TemporaryDirectory() as folder:
        lay_out(files, Path(folder))
        run_plainly(notebook, folder, bounds.cell_seconds or bounds.seconds)
    return list(notebook.cells), []


def run_plainly(notebook: NotebookNode, folder: str, seconds: int) -> None:
    """Run a notebook in Jupyter's own kernel, with all our rights: for code that is our own."""
    NotebookClient(
        notebook,
        timeout=seconds,
        interrupt_on_timeout=True,
        allow_errors=True,
        resources={"metadata": {"path": folder}},
    ).execute()
