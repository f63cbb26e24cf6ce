"""The settings of a run in a course's configuration."""

from dataclasses import fields
from typing import Any

from traitlets import Bool, Dict, Integer, TraitError, validate
from traitlets.config import LoggingConfigurable

from lib.grading.execution.notebook import Bounds
from lib.grading.sandbox.limits import limit_problem


class Execute(LoggingConfigurable):
    """The name of nbgrader's preprocessor that runs notebooks, so that a course's `Execute.timeout` still works."""

    timeout = Integer(30, allow_none=True, help="Seconds that one cell may run or sleep.").tag(config=True)


class BoundedExecute(Execute):
    """The limits on a notebook's run."""

    # With lower values, answers of checks (which are outputs, too) would be dropped, or no cell would run.
    budget = Integer(300, min=1, help="Seconds that all cells of a notebook may run or sleep.").tag(config=True)
    grace = Integer(5, min=0, help="Seconds that an interrupted cell has to end.").tag(config=True)
    max_output = Integer(1_000_000, min=100_000, help="Characters of output to keep for each cell.").tag(config=True)
    max_messages = Integer(1_000, min=0, help="Outputs to keep for each cell.").tag(config=True)
    max_notebook_output = Integer(
        10_000_000, min=1_000_000, help="Bytes of memory for all outputs of a notebook, and as many for answers."
    ).tag(config=True)
    flood = Integer(20, min=1, help="A cell is stopped after dropping this many times `max_output`.").tag(config=True)
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
