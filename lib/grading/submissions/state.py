"""What grading one notebook hands on from step to step, beside what a run does: still one object."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lib.grading.judge.verdict import Verdict
from lib.grading.running.execute import KEY, RunState
from lib.grading.submissions.gradebook import DEFAULT_COURSE, GradebookSession


@dataclass(frozen=True)
class WrittenChallenge:
    """What stood before a run: the challenge's seed, the files in the folder, the timestamp, and other verdicts."""

    seed: int
    files: frozenset[Path]
    stamp: bytes
    others: tuple[Verdict, ...]


@dataclass
class SubmissionState(RunState):
    """What is known of a submitted notebook on its way to points.

    `gradebook` is the open one, and None where nbgrader runs one step after the other; `timestamp` goes with it.
    `is_empty` where nothing was handed in. `verdicts` are this notebook's and those on the ones beside it.
    """

    gradebook: GradebookSession | None = None
    timestamp: datetime | None = None
    is_empty: bool = False
    challenge: WrittenChallenge | None = None
    verdicts: tuple[Verdict, ...] = ()

    @property
    def judged(self) -> set[str]:
        """The ids of the cells that got a verdict."""
        return {part.id for verdict in self.verdicts[:1] for part in verdict.parts}


def submission_state(resources: MutableMapping[str, Any]) -> SubmissionState:
    """Give the state in a notebook's resources, made at first need, or of what a run alone has left there."""
    state = resources.get(KEY)
    if not isinstance(state, SubmissionState):
        state = SubmissionState(**vars(state) if isinstance(state, RunState) else {})
        resources[KEY] = state
    return state


@contextmanager
def gradebook_session(resources: dict[str, Any]) -> Iterator[GradebookSession]:
    """Give a run's open gradebook, or open it for the moment where nbgrader runs one step after the other."""
    if (book := submission_state(resources).gradebook) is not None:
        yield book
        return
    names = resources["nbgrader"]
    with GradebookSession(names["db_url"], DEFAULT_COURSE, names["assignment"]) as book:
        yield book
