"""Answers: what student code shows on a judge's challenge, as plain data.

At grading `challenge.json` is put next to the notebook, with a seed that the judge drew. This module does not know what
is right: the judge compares in another process, with inputs that it draws itself.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, NoReturn, get_args

from lib.checking.looks import Outcome, find_late, look_at, run_ours
from lib.checking.results import clean, from_json, to_json
from lib.checking.student_code import Budget, Failure, Kind, attempt, run_each
from lib.checking.subjects import find_subjects
from lib.checking.values import Wrong
from lib.unit import Inputs, Part

CHALLENGE = "challenge.json"
"""The name of the challenge's file, which is in the folder where the kernel was started."""
MIME = "application/vnd.zerolayer.answer+json"
BUDGET = 10.0
"""Seconds that all the looks of one part may take together."""
DESK, SECRET = "desk", "secret"
"""The two draws that an answer is about."""
LONGEST = 400
"""Characters of a failure's text that are kept."""
_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}


@dataclass(frozen=True)
class Answer:
    """What a check shows at grading: for each draw a record for each place."""

    part: str
    shown: dict[str, dict[str, Any]]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        data = {"part": self.part, "shown": self.shown}
        return {MIME: data, "text/plain": f"The answer to {self.part}, for the judge."}


def read_challenge() -> int | None:
    """Read the challenge's seed, or None where nobody is grading or it can't be read."""
    if os.environ.get("NBGRADER_EXECUTION") != "autograde":
        return None
    import json  # only where somebody grades: a check's import is to be as light as numpy's
    from pathlib import Path

    try:
        seed = json.loads(Path(started_in(), CHALLENGE).read_text())["seed"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return seed if type(seed) is int and seed >= 0 else None


def forget_right(parts: Iterable[Part]) -> None:
    """Forget what is right of parts, in a process that runs submissions: the judge compares, and knows it by itself."""
    for statement in (each for part in parts for each in part.statements):
        vars(statement).update(right=_unknown, examples=tuple((given, None) for given, _ in statement.examples))


def _unknown(found: Any, inputs: Inputs, name: str) -> NoReturn:
    raise Wrong("What is right is not known where submissions run.")


def begin_grading(parts: Iterable[Part]) -> None:
    """Called as a unit is imported: in Jupyter's own kernels nothing else is, before student code runs at grading."""
    if (seed := read_challenge()) is not None:
        from lib.checking import randomness

        randomness.begin(seed)
        forget_right(parts)


def started_in() -> str:
    """Return the folder that the notebook's kernel was started in: its code may have changed the folder."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return shell.starting_dir if shell else os.curdir


def answer(
    part: Part, seed: int, given: tuple[Any, ...], run: Callable[..., list[Any]] = run_each
) -> dict[str, dict[str, Any]]:
    """Run a call's subjects on both draws, and write what they show. A failure is recorded, and other looks still run.

    The local checks' inputs come first: what code keeps from an earlier call then shows in the secret draw. Slow code
    has half of the time for each.
    """
    subjects, missing = find_subjects(part.subjects, given, at_desk=False)
    if missing:
        return {SECRET: {"": write_record(Failure("undefined", missing))}}
    budget = Budget(BUDGET / 2, patience=inf)
    at_desk = _show(part, attempt(lambda: part.at_desk), subjects, budget, run=run)
    budget.left = max(budget.left, 0) + BUDGET / 2
    secret = _show(part, attempt(lambda: part.secret_inputs(seed)), subjects, budget, late=find_late(at_desk), run=run)
    shown = {DESK: at_desk, SECRET: secret}
    return {name: {place: write_record(each) for place, each in of.items()} for name, of in shown.items()}


def _show(
    part: Part, inputs: Inputs | Failure, subjects: tuple[Any, ...], budget: Budget, **how: Any
) -> dict[str, Outcome]:
    return {"": inputs} if isinstance(inputs, Failure) else look_at(part, inputs, subjects, budget, **how)


class StandIn:
    """Stands for a function, a class or an object of a student's, and for all that it has."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Return the first argument."""
        return given[0] if given else self

    def __getattr__(self, name: str) -> "StandIn":
        if name.startswith("__"):  # Python and NumPy ask for these
            raise AttributeError(name)
        return self


def rehearse(part: Part) -> None:
    """Run a check once on stand-ins, and keep nothing of what they show: what a first run works out is there then."""
    answer(part, 0, (StandIn(),) * len(part.subjects), run=run_ours)


def call_on_others(part: Part, subjects: tuple[Any, ...], seconds: float = 1.0) -> None:
    """Run a part's looks on other inputs, and look at nothing that comes of it.

    What code keeps from an earlier call then shows in the next one.
    """
    if not part.repeated and not isinstance(others := attempt(lambda: part.other_inputs), Failure):
        look_at(part, others, subjects, Budget(seconds))


def write_record(outcome: Outcome) -> Any:
    """Write what came of a look as JSON data."""
    if isinstance(outcome, Failure):
        return {"failure": outcome.kind, "text": outcome.text, "line": outcome.line, "hint": outcome.hint}
    return to_json(outcome)


def read_record(data: object) -> Outcome:
    """Read what `write_record` wrote. Any other JSON data becomes a `Failure`."""
    if isinstance(data, Mapping) and "failure" in data:
        kind, text, line, hint = (clean(data.get(key))[:LONGEST] for key in ("failure", "text", "line", "hint"))
        return Failure(_KINDS.get(kind, "value"), text or "No reason was given.", line, hint=hint)
    try:
        return from_json(data)
    except ValueError as error:
        return Failure("value", f"The result is {error}.")


def read_shown(data: object) -> dict[str, Outcome]:
    """Read what was shown on one draw, whatever it is. A record without a place stands for all."""
    if not isinstance(data, Mapping):
        return {}
    return {clean(place): read_record(record) for place, record in data.items()}
