"""Answers to the judge's challenge: the results of student code, as plain data.

During grading a file `challenge.json` with a seed from the judge is next to the notebook. This module doesn't contain
right results: the judge draws the same inputs in another process, and compares there.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, NoReturn, get_args

from lib.checking.looks import Outcome, find_late, look_at, run_ours
from lib.checking.results import Wrong, clean, from_json, to_json
from lib.checking.student_code import Budget, Failure, Kind, attempt, run_each
from lib.checking.subjects import find_subjects
from lib.unit import Inputs, Part

CHALLENGE = "challenge.json"
"""The name of the challenge's file, in the folder where the kernel was started."""
MIME = "application/vnd.zerolayer.answer+json"
BUDGET = 14.0
"""The time limit in seconds for all looks of one part together: 30 calls of 0.2 seconds on each of two draws."""
DESK, SECRET = "desk", "secret"
"""The two draws of inputs that an answer may contain."""
asked: tuple[str, ...] = (SECRET,)
"""The draws that checks make while a notebook is graded: points need the secret one. The caller sets the other one
after a fault, to name the mistake."""
LONGEST = 400
"""The maximum number of characters of a failure's text."""
_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind) if kind != "differs"}
"""The kinds that a kernel may send: only a comparison finds that a result differs."""


@dataclass(frozen=True)
class Answer:
    """The result of a check during grading: for each draw, a record for each place."""

    part: str
    shown: dict[str, dict[str, Any]]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        data = {"part": self.part, "shown": self.shown}
        return {MIME: data, "text/plain": f"The answer to {self.part}, for the judge."}


def read_challenge() -> int | None:
    """Return the challenge's seed, or None outside grading or if it can't be read."""
    if os.environ.get("NBGRADER_EXECUTION") != "autograde":
        return None
    import json  # only during grading: importing the checks should take no longer than importing NumPy
    from pathlib import Path

    try:
        seed = json.loads(Path(started_in(), CHALLENGE).read_text())["seed"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return seed if type(seed) is int and seed >= 0 else None


def forget_right(parts: Iterable[Part]) -> None:
    """Delete the right results from parts, in a process that runs submissions. Only the judge needs them."""

    def unavailable(found: Any, inputs: Inputs, name: str) -> NoReturn:
        raise Wrong("The right result is not available where submissions run.")

    for statement in (each for part in parts for each in part.statements):
        vars(statement).update(right=unavailable, examples=tuple((inputs, None) for inputs, _ in statement.examples))


def begin_grading(parts: Iterable[Part]) -> None:
    """Prepare for grading if there is a challenge. Called when a unit is imported.

    In Jupyter's own kernels that import is the only point before student code runs.
    """
    if (seed := read_challenge()) is not None:
        from lib.checking import randomness

        randomness.begin(seed)
        forget_right(parts)


def started_in() -> str:
    """Return the folder in which the kernel was started, even if the notebook has changed the current folder."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return shell.starting_dir if shell else os.curdir


def answer(
    part: Part,
    seed: int,
    args: tuple[Any, ...],
    run: Callable[..., list[Any]] = run_each,
    draws: tuple[str, ...] = (DESK, SECRET),
) -> dict[str, dict[str, Any]]:
    """Run the subjects of a call on these draws, and return their results as JSON data.

    A failure is recorded, and the other looks still run. If only both draws together show values that code stores
    between calls, both are made. Each draw has half of the time limit.
    """
    subjects, missing = find_subjects(part.subjects, args, at_desk=False)
    if missing:
        return {SECRET: {"": write_record(Failure("undefined", missing))}}
    budget, late = Budget(0, patience=inf), dict[str, Failure]()
    shown = dict[str, Mapping[str, Outcome]]()
    for name in draws if part.repeated else (DESK, SECRET):
        budget.left = max(budget.left, 0) + BUDGET / 2
        inputs = attempt(lambda: part.at_desk) if name == DESK else attempt(lambda: part.secret_inputs(seed))
        if isinstance(inputs, Failure):
            shown[name] = {"": inputs}
            continue
        shown[name] = look_at(part, inputs, subjects, budget, late, run)
        late |= find_late(shown[name])
    return {name: {place: write_record(each) for place, each in of.items()} for name, of in shown.items()}


class StandIn:
    """A substitute for a student's function, class or object, and for all of its attributes."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the first argument."""
        return args[0] if args else self

    def __getattr__(self, name: str) -> "StandIn":
        if name.startswith("__"):  # Python and NumPy look for protocols under these names
            raise AttributeError(name)
        return self


def rehearse(part: Part) -> None:
    """Run a check once on stand-ins, and ignore the result. This fills caches before the first submission runs."""
    answer(part, 0, (StandIn(),) * len(part.subjects), run=run_ours)


def write_record(outcome: Outcome) -> Any:
    """Return the outcome of a look as JSON data."""
    if isinstance(outcome, Failure):
        return {"failure": outcome.kind, "text": outcome.text, "line": outcome.line, "hint": outcome.hint}
    return to_json(outcome)


def read_record(data: object) -> Outcome:
    """Read a record that `write_record` has written. Any other JSON data becomes a `Failure`."""
    if isinstance(data, Mapping) and "failure" in data:
        kind, text, line, hint = (clean(data.get(key))[:LONGEST] for key in ("failure", "text", "line", "hint"))
        return Failure(_KINDS.get(kind, "value"), text or "No reason was given.", line, hint=hint)
    try:
        return from_json(data)
    except ValueError as error:
        return Failure("value", f"The result is {error}.")


def read_shown(data: object) -> dict[str, Outcome]:
    """Read the records of one draw from any data. A record without a place applies to all places."""
    if not isinstance(data, Mapping):
        return {}
    return {clean(place): read_record(record) for place, record in data.items()}
