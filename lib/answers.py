"""Answers: the arrays that student code gives for a judge's challenge, as plain data.

At grading a file `challenge.json` lies beside the notebook: inputs that the judge drew, for each part. The check's call runs
the student's code on them and shows an answer. Nothing here knows what is right; the judge does, in another process.
"""

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lib.desk import Undefined
from lib.guard import PATIENCE, Trouble, guarded
from lib.statements import Array, Drawn, numbers

if TYPE_CHECKING:
    from lib.parts import Part

CHALLENGE = Path.cwd() / "challenge.json"
"""Where the challenge lies, known before student code can change the folder."""
MIME = "application/vnd.zerolayer.answer+json"
BUDGET = 10.0
"""Seconds that all the probes of one part may take together."""
LARGEST = 100_000
"""Numbers in one array; the right answers have a few hundred."""


@dataclass(frozen=True)
class Answer:
    """What a check shows at grading: for each statement, its probes' arrays or the trouble they met."""

    part: str
    statements: dict[str, dict[str, Any]]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        data = {"part": self.part, "statements": self.statements}
        return {MIME: data, "text/plain": f"The answer to {self.part}, for the judge."}


def laid_challenge(part: str) -> Drawn | None:
    """Read the challenge for `part`, or None where nobody is grading or it can't be read."""
    if os.environ.get("NBGRADER_EXECUTION") != "autograde":
        return None
    try:
        challenge = json.loads(CHALLENGE.read_text())["parts"][part]
        return {name: decoded(data) for name, data in challenge.items()}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def answer(part: "Part", drawn: Drawn, subjects: tuple[Any, ...]) -> dict[str, dict[str, Any]]:
    """Run every probe of `part` on `subjects`; what fails becomes a record of its trouble, and the rest goes on."""
    for subject in subjects:
        if isinstance(subject, Undefined):
            missing = _record(Trouble("undefined", f"{subject.name} is not defined."))
            return {statement.name: {"": missing} for statement in part.statements}
    deadline = time.monotonic() + BUDGET
    answers: dict[str, dict[str, Any]] = {}
    for statement in part.statements:
        probes = guarded(lambda statement=statement: statement.probes(_copied(drawn), *subjects))
        if isinstance(probes, Trouble):
            answers[statement.name] = {"": _record(probes)}
            continue
        answers[statement.name] = {name: _record(_answered(probe, deadline)) for name, probe in probes.items()}
    return answers


def _answered(probe: Callable[[], object], deadline: float) -> Array | Trouble:
    left = deadline - time.monotonic()
    if left <= 0:
        return Trouble("time", "What came before in this part took all the time there is.")
    return guarded(lambda: numbers(probe()), min(PATIENCE, left))


def encoded(array: Array) -> dict[str, Any]:
    """Write an array as plain data that reads back exactly; nan and infinities become words (JSON has no such numbers)."""
    flat = [x if math.isfinite(x) else str(x) for x in array.ravel().tolist()]
    return {"shape": list(array.shape), "values": flat}


def decoded(data: object) -> Array:
    """Read plain data as an array. Raises ValueError on anything that `encoded` doesn't write."""
    if (
        not isinstance(data, Mapping)
        or not isinstance(data.get("shape"), list)
        or not isinstance(data.get("values"), list)
    ):
        raise ValueError("not an array: expected a shape and values")
    shape, values = data["shape"], data["values"]
    if len(values) > LARGEST or len(shape) > 8 or not all(type(n) is int and 0 <= n <= LARGEST for n in shape):
        raise ValueError("an array larger than a challenge asks for")
    if math.prod(shape) != len(values) or not all(_number(x) for x in values):
        raise ValueError("an array whose values don't fit its shape")
    return np.array([float(x) for x in values], dtype=np.float64).reshape(shape)


def _number(x: object) -> bool:
    return type(x) in (int, float) and abs(x) < 1e300 or x in ("nan", "inf", "-inf")  # type: ignore[arg-type]  # int or float here


def _record(outcome: Array | Trouble) -> dict[str, Any]:
    if isinstance(outcome, Trouble):
        return {"trouble": outcome.kind, "says": outcome.says, "line": outcome.line}
    if outcome.size > LARGEST:
        return {"trouble": "value", "says": f"It gave {outcome.size} numbers, far more than asked for.", "line": ""}
    return encoded(outcome)


def _copied(drawn: Drawn) -> Drawn:
    return {name: np.array(value) for name, value in drawn.items()}
