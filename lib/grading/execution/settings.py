"""The settings of a run, as a course gives them."""

from dataclasses import fields
from typing import Any

from traitlets import Bool, Dict, Integer, TraitError, validate
from traitlets.config import LoggingConfigurable

from lib.grading.execution.notebook import Bounds
from lib.grading.sandbox.limits import limit_problem


class Execute(LoggingConfigurable):
    """nbgrader's name for what runs notebooks: a course may have set its `timeout`."""

    timeout = Integer(30, allow_none=True, help="Seconds that one cell may run or sleep.").tag(config=True)


class BoundedExecute(Execute):
    """The settings of a run: a kernel of its own, locked in, each cell within a time limit and all within bounds."""

    # Below these bounds the answers of checks, which are outputs too, would be dropped, or no cell would be run.
    budget = Integer(300, min=1, help="Seconds that all cells of a notebook may run or sleep.").tag(config=True)
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
        return Bounds(**{each.name: getattr(self, each.name) for each in fields(Bounds)})
