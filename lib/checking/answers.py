"""Answers: the arrays that student code gives for a judge's challenge, as plain data.

At grading a file `challenge.json` lies beside the notebook: inputs that the judge drew, for each part. The check's call
runs the student's code on them and shows an answer. This module does not know the right answers: the judge compares
them in another process.
"""

import copy
import math
import os
import time
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, TypeVar, get_args

import numpy as np

from lib.checking.arguments import argument_error, order_arguments
from lib.checking.student_code import TIME_LIMIT, Failure, Kind, attempt, run_each
from lib.checking.values import Wrong, numbers
from lib.unit import Array, Inputs, Part, Probes, Statement

T = TypeVar("T")
Outcome = Array | Failure
"""The result of one probe."""
Outcomes = Mapping[str, Mapping[str, Outcome]]
"""For each statement's name, what came of each probe."""

CHALLENGE = "challenge.json"
"""The name of the challenge's file, which lies in the folder where the kernel was started."""
MIME = "application/vnd.zerolayer.answer+json"
BUDGET = 10.0
"""Seconds that all the probes of one part may take together."""
MAX_NUMBERS = 100_000
"""Numbers in one array; the right answers have a few hundred."""
HUGE = 1e300
"""Larger than any number that is read."""
FLOATS = "float64"
"""The key under which `pack` writes an array of floats."""
PLAIN = "plain"
"""The key under which an input that is no array stands in a challenge."""
NO_NUMBERS = "an array with entries that are not numbers"
TOO_LARGE = f"an array with numbers of {HUGE:g} or more"
_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}


@dataclass(frozen=True)
class Answer:
    """What a check shows at grading: for each statement, its probes' arrays or failures."""

    part: str
    statements: dict[str, dict[str, Any]]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        data = {"part": self.part, "statements": self.statements}
        return {MIME: data, "text/plain": f"The answer to {self.part}, for the judge."}


def read_challenge(part: str) -> Inputs | None:
    """Read the challenge for `part`, or None where nobody is grading or it can't be read."""
    if os.environ.get("NBGRADER_EXECUTION") != "autograde":
        return None
    from pathlib import Path  # only where somebody grades: a check's import is to be as light as numpy's

    try:
        challenge = _parse_json(Path(started_in(), CHALLENGE).read_text())["parts"][part]
        return {name: unpack(data) for name, data in challenge.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


@lru_cache(maxsize=1)
def _parse_json(text: str) -> Any:
    """Read JSON, once for all parts: each asks for the same text."""
    import json

    return json.loads(text)


def started_in() -> str:
    """Return the folder that the notebook's kernel was started in: its code may have changed the folder."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return shell.starting_dir if shell else os.curdir


def answer(
    part: Part, inputs: Inputs, given: tuple[Any, ...], named: Mapping[str, Any] = {}
) -> dict[str, dict[str, Any]]:
    """Run every probe of `part` on a call's arguments. A failure is recorded, and the other probes still run."""
    if missing := argument_error(part, given, named, at_desk=False):
        return {statement.name: {"": record(Failure("undefined", missing))} for statement in part.statements}
    ran = run_probes(part, inputs, order_arguments(part, given, named))
    return {
        statement: {name: send(outcome) for name, outcome in outcomes.items()} for statement, outcomes in ran.items()
    }


def run_probes(
    part: Part, inputs: Inputs, subjects: tuple[Any, ...], budget: float = BUDGET
) -> dict[str, dict[str, Outcome]]:
    """Run every probe of `part` within `budget` seconds: for each statement, what came of each of its probes.

    It runs on other inputs first, as `call_on_others` does. A failure is an outcome too, and the other probes still
    run. Where a statement's probes can't even be listed, the failure stands under the name "".
    """
    call_on_others(part, subjects, budget / 10)
    outcomes: dict[str, dict[str, Outcome]] = {}
    asked: list[_Asked] = []
    for statement, probes in _list_probes(part, inputs, subjects).items():
        if isinstance(probes, Failure):
            outcomes[statement] = {"": probes}
        else:
            outcomes[statement] = {}
            asked += [_Asked(statement, name, probe) for name, probe in probes.items()]
    for one, outcome in _run_asked(asked, budget):
        outcomes[one.statement][one.name] = outcome
    return outcomes


def call_on_others(part: Part, subjects: tuple[Any, ...], seconds: float = 1.0) -> None:
    """Run a part's probes on other inputs of the same shapes, and look at nothing that comes of it.

    What code keeps from an earlier call, for the same shape or for ever, then shows in the next one. Parts whose probes
    call code with several inputs anyway need none of it: one draw is enough to name a mistake there.
    """
    if part.naming_draws == 1:
        return
    others = draw_others(part)
    if isinstance(others, Failure):
        return
    # Probes of one name call the code alike, whatever their statements read of what comes back: once is enough.
    probes: dict[str, Callable[[], object]] = {}
    for listed in _list_probes(part, others, subjects).values():
        probes |= {} if isinstance(listed, Failure) else listed
    list(_run_asked([_Asked("", *probe) for probe in probes.items()], seconds))


def draw_others(part: Part) -> Inputs | Failure:
    """Draw the inputs on which a part's code is called first, or say why they can't be drawn."""
    return attempt(lambda: part.other_inputs)


def _list_probes(part: Part, inputs: Inputs, subjects: tuple[Any, ...]) -> dict[str, Probes | Failure]:
    """List the probes of each statement, or say why they can't be listed."""
    copies = copies_for(part.statements, inputs)
    return {each.name: attempt(partial(each.probes, copied, *subjects)) for each, copied in copies}


def read_result(value: object) -> Array:
    """Read what a probe gave, and raise `Wrong` where the judge would not read it."""
    array = numbers(value)
    if _has_huge(array):
        raise Wrong(f"The result is {TOO_LARGE}.")
    return array


def _has_huge(array: Array) -> bool:
    return bool((np.isfinite(array) & (abs(array) >= HUGE)).any())


@dataclass(frozen=True)
class _Asked:
    """One probe of a statement."""

    statement: str
    name: str
    probe: Callable[[], object]

    def __call__(self) -> Array:
        return read_result(self.probe())


def _run_asked(asked: list[_Asked], budget: float) -> Iterator[tuple[_Asked, Outcome]]:
    """Run one part's probes within their time. A route on which a probe did not end is not tried again."""
    until = time.monotonic() + budget
    while asked and time.monotonic() < until:
        ran = run_each(asked, TIME_LIMIT, until)
        yield from zip(asked, ran, strict=False)
        last, asked = asked[len(ran) - 1], asked[len(ran) :]
        stuck = [one for one in asked if route_of(one.name) == route_of(last.name)] if time.monotonic() < until else []
        yield from ((one, ran[-1]) for one in stuck)
        asked = [one for one in asked if one not in stuck]
    yield from (
        (one, Failure("time", "Not run: the tests before it used all the time for this part.")) for one in asked
    )


def route_of(probe: str) -> str:
    """Return the part of a probe's name before the `/`; probes without a `/` share the route ""."""
    return probe.partition("/")[0] if "/" in probe else ""


class Copy(dict[str, Array]):
    """A copy of the inputs for code that may write into them. `of` is the original, by which copies are compared.

    `shared` is what probes have worked out so far that are listed together, by any key.
    """

    def __init__(self, inputs: Inputs, shared: dict[Hashable, Any] | None = None):
        super().__init__({name: _copy(value) for name, value in inputs.items()})
        self.of, self.shared = inputs, {} if shared is None else shared


def copies_for(statements: Iterable[Statement], inputs: Inputs) -> Iterator[tuple[Statement, Copy]]:
    """Give each statement a copy of the inputs, from which it lists its probes."""
    shared: dict[Hashable, Any] = {}
    return ((statement, Copy(inputs, shared)) for statement in statements)


def run_once(inputs: Inputs, key: Hashable, run: Callable[[], T]) -> T:
    """Run student code for all probes that are listed together and ask for the same `key`; elsewhere each time.

    What raises is run again for the next one that asks.
    """
    shared = inputs.shared if isinstance(inputs, Copy) else {}
    if key not in shared:
        shared[key] = run()
    result: T = shared[key]
    return result


def _copy(value: Any) -> Any:
    """Copy an input: an array, which may be locked, or other data."""
    return np.array(value) if isinstance(value, np.ndarray) else copy.deepcopy(value)


def record(outcome: Outcome, write: Callable[[Array], dict[str, Any]] | None = None) -> dict[str, Any]:
    """Write the result of a probe as plain data; its numbers as `write` does, or else `encode`."""
    if isinstance(outcome, Failure):
        return {"failure": outcome.kind, "text": outcome.text, "line": outcome.line}
    if outcome.size > MAX_NUMBERS:
        return record(Failure("value", f"The result has {outcome.size:,} numbers, far more than expected."))
    return (write or encode)(outcome)


def send(outcome: Outcome) -> dict[str, Any]:
    """Write the result of a probe on its way to the judge: numbers as bytes.

    It is read and written four times on that way. As digits its numbers would take a twentieth of all grading.
    """
    return record(outcome, pack)


def read_record(data: object) -> Outcome:
    """Read what `record` or `send` wrote. Any other JSON data becomes a `Failure`."""
    if isinstance(data, Mapping) and "failure" in data:
        kind, text, line = (plain(data.get(key))[:400] for key in ("failure", "text", "line"))
        return Failure(_KINDS.get(kind, "value"), text or "No reason was given.", line)
    try:
        return decode(data)
    except ValueError as error:
        return Failure("value", f"The result is {error}.")


def encode(array: Array) -> dict[str, Any]:
    """Write an array as plain data that reads back exactly; nan and infinities, which JSON lacks, become words."""
    flat: list[Any] = array.ravel().tolist()
    if not np.isfinite(array).all():
        flat = [x if math.isfinite(x) else str(x) for x in flat]
    return {"shape": list(array.shape), "values": flat}


def decode(data: object) -> Array:
    """Read plain data as an array. Raises ValueError on anything that `encode`, or `pack` of floats, doesn't write."""
    if not isinstance(data, Mapping):
        raise ValueError("not an array")
    shape, values = data.get("shape"), data.get("values")
    if isinstance(packed := data.get(FLOATS), str):
        values = _read_bytes(packed)
    if not isinstance(shape, list) or not isinstance(values, list | np.ndarray):
        raise ValueError("not an array")
    if len(values) > MAX_NUMBERS or len(shape) > 8 or not all(type(n) is int and 0 <= n <= MAX_NUMBERS for n in shape):
        raise ValueError("an array that is larger than expected")
    if math.prod(shape) != len(values):
        raise ValueError("an array whose number of values does not match its shape")
    return (_read_numbers(values) if isinstance(values, list) else values).reshape(shape)


def pack(value: Any) -> dict[str, Any]:
    """Write an array as bytes in base64, under its type's name: a challenge is read anew for each notebook.

    The type is kept because code that indexes by a label works with integers and fails with floats. A single number of
    NumPy's has no shape. What is neither is plain data already.
    """
    if not isinstance(value, np.ndarray | np.generic):
        return {PLAIN: value}
    swapped = value.astype(value.dtype.newbyteorder("<"))
    shape = list(value.shape) if isinstance(value, np.ndarray) else None
    return {"shape": shape, _name_of(value.dtype): b2a_base64(swapped.tobytes(), newline=False).decode()}


@lru_cache(maxsize=32)
def _name_of(dtype: np.dtype[Any]) -> str:
    """Name a type of numbers: NumPy puts the name together anew each time."""
    return dtype.name


def unpack(data: Any) -> Any:
    """Read what `pack` wrote; an array can be written to. Raises ValueError or TypeError on anything else."""
    if PLAIN in data:
        return data[PLAIN]
    shape = data["shape"]
    [name] = data.keys() - {"shape"}
    kind = np.dtype(name)
    read = np.frombuffer(a2b_base64(data[name]), kind.newbyteorder("<")).astype(kind)
    return read[0] if shape is None else np.asarray(read.reshape(shape))


def plain(text: object) -> str:
    """Return a text without lone surrogates, which a file can't hold, or "" for anything but a text."""
    if not isinstance(text, str):
        return ""
    return text if text.isascii() else text.encode(errors="replace").decode()


def _read_bytes(text: str) -> Array:
    """Read the floats that `pack` wrote."""
    if len(text) > 11 * MAX_NUMBERS:  # letters of base64 for eight bytes
        raise ValueError("an array that is larger than expected")
    try:
        array = np.frombuffer(a2b_base64(text), "<f8").astype(np.float64)
    except ValueError:
        raise ValueError("not an array") from None
    if _has_huge(array):
        raise ValueError(TOO_LARGE)
    return array


def _read_numbers(values: list[object]) -> Array:
    """Read a list: at once where every entry is a number with a point, as `encode` writes most arrays."""
    if {*map(type, values)} != {float}:
        return np.array([_read_number(x) for x in values], dtype=np.float64)
    array = np.array(values, dtype=np.float64)
    if not (abs(array) < HUGE).all():
        raise ValueError(TOO_LARGE if np.isfinite(array).all() else NO_NUMBERS)
    return array


def _read_number(x: object) -> float:
    if isinstance(x, int | float) and not isinstance(x, bool) and abs(x) < HUGE:
        return float(x)
    if isinstance(x, str) and x in ("nan", "inf", "-inf"):
        return float(x)
    raise ValueError(NO_NUMBERS)
