"""What a run of one notebook hands on from step to step: one object in nbgrader's `resources`."""

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

KEY = "zerolayer"
"""The name of the object in a notebook's resources."""


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
