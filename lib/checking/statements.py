"""Statements for the usual cases: a unit's author derives from one, and says in a few lines what student code is asked.

| class | what it says of student code |
|---|---|
| `Equals` | it gives what the right code gives, on inputs that are drawn |
| `Gradient` | it gives the slopes of the student's own function, by central differences |
| `HasShape` | its result has a certain shape |
| `Invariant` | two results that have to agree do so |
| `Loop` | it calls what it is given as often, in the order, and with what the right code does |

    class Mean(Equals):
        text = "The loss is the mean over all samples."
        hint = "Divide by the number of samples."
        examples = (({"y": np.array([1.0, 3.0])}, 2.0),)

        def result(self, inputs, loss):
            return loss(inputs["y"])

At grading the judge compares with the right code, which is in the unit's closed half. At the desk there is none: there
`Equals` and `Loop` compare a digest of the result with that of the right one, which only confirms a guess. `zerolayer
build` writes the digests beside the mistakes' fingerprints. A result of a single number can be found by trying many
digests: that tells a student the result on the inputs of the desk, as an example by hand does, and no code.
"""

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain
from typing import Any, ClassVar

import numpy as np

from lib.checking import fingerprints
from lib.checking.answers import Copy
from lib.checking.fingerprints import Fingerprint, Measurement
from lib.checking.rebinding import rebind
from lib.checking.values import (
    FIND_NAN,
    Wrong,
    central_difference,
    expect_close,
    read_answer,
    read_array,
    readable,
    require_shape,
    several_of,
    show,
)
from lib.unit import Array, Inputs, Probes, Statement

PROBE, SHAPE = "result", "shape"
MAX_CALLS = 10_000
"""The most calls that a `Loop` records."""
SLACK = 100
"""How many times the judge's own rounding an invariant may be off: both sides come from student code."""


class Equals(Statement):
    """The result equals that of the right code: numbers, text, truth values, arrays, or lists and tuples of them.

    `examples` are shown when they fail: inputs that replace drawn ones, and what comes of them, known by hand.
    """

    what: ClassVar[str] = "The result is not the right one."
    examples: ClassVar[tuple[tuple[Mapping[str, object], object], ...]] = ()

    def result(self, inputs: Any, *subjects: Any) -> object:
        """Run student code on inputs. Each unit says how."""
        raise NotImplementedError(f"{self.name} has no `result`")

    def holds(self, inputs: Inputs, *subjects: Any) -> None:
        """Compare examples with what is known of them, and the digest of the result with the right one's."""
        for given, expected in self.examples:
            where = ", ".join(f"{name} = {show(value)}" for name, value in given.items())
            expect_equal(self._ask({**inputs, **given}, subjects), expected, where=where)
        found = self._ask(Copy(inputs), subjects)  # to show what was found, a loop is run once more
        known = right_digests(self)
        if not known:
            raise LookupError(f"{self.name} has no digest of the right result. Run `zerolayer fingerprints`")
        if not any(self.measure(found).fits(each) for each in known):
            where = "on the inputs of this check, which its .example() shows"
            shown = self.shown(found, inputs, subjects)
            is_nan = isinstance(shown, np.ndarray) and np.isnan(shown).any()  # infinity may be right
            raise Wrong(self.what, found=shown, where=where, hint=FIND_NAN if is_nan else self.hint)

    def probes(self, inputs: Inputs, *subjects: Any) -> Probes:
        return {PROBE: partial(self._ask, inputs, subjects)}

    def measure(self, result: Array) -> Measurement:
        """See a result as a digest does."""
        return Measurement([{self.name: {PROBE: result}}])

    def shown(self, found: Array, inputs: Inputs, subjects: tuple[Any, ...]) -> object:
        """Give what a student reads of a result that is not the right one."""
        return found

    def _ask(self, inputs: Any, subjects: tuple[Any, ...]) -> Array:
        return read_answer(self.result(inputs, *subjects))


def right_digests(statement: Statement) -> list[Fingerprint]:
    """Find the digest of the right result, one for each part with this statement, in the folder of the unit."""
    package = sys.modules[type(statement).__module__].__package__ or ""
    while package:
        if known := fingerprints.read(package):
            return [each for key, all in known.items() if key.partition(".")[2] == statement.name for each in all]
        package = package.rpartition(".")[0]
    return []


def expect_equal(found: Array, expected: Any, *, hint: str = "", where: str = "") -> None:
    """Raise `Wrong` unless a result, as `read_answer` reads it, is the expected one."""
    right = read_answer(expected)
    several, wanted = several_of(found), several_of(right)
    if several is not None and wanted is not None and len(several) == len(wanted):
        for number, pair in enumerate(zip(several, expected, strict=True), 1):
            expect_equal(*pair, hint=hint, where=f"{where}, result {number}" if where else f"result {number}")
    elif readable(found) is None and readable(right) is None:
        what = "The result is not the expected one."
        expect_close(found, expected, what=what, hint=hint, where=lambda at: _entry(where, at))
    elif not np.array_equal(found, right):
        shown = np.asarray(expected) if readable(right) is None else right  # truth values stay what they are
        raise Wrong("The result is not the expected one.", found=found, expected=shown, where=where, hint=hint)


def _entry(where: str, at: tuple[int, ...]) -> str:
    """Name a place and the entry there; a single number needs no entry."""
    return ", ".join(filter(None, [where, f"entry {', '.join(map(str, at))}" if at else ""]))


class Gradient(Statement):
    """A gradient agrees with central differences of the student's own function.

    `point` names the input by which both are differentiated. Where the function is wrong, its slopes are those of the
    wrong one: let the part depend on the part with the function.
    """

    point: ClassVar[str]
    step: ClassVar[float] = 1e-3

    def function(self, point: Array, inputs: Any, *subjects: Any) -> Any:
        """Run the student's function at a point: one number. Each unit says how."""
        raise NotImplementedError(f"{self.name} has no `function`")

    def gradient(self, point: Array, inputs: Any, *subjects: Any) -> object:
        """Run the student's gradient at a point: the shape of the point. Each unit says how."""
        raise NotImplementedError(f"{self.name} has no `gradient`")

    def holds(self, inputs: Inputs, *subjects: Any) -> None:
        def function(at: Array) -> float:
            value = read_array(self.function(at.copy(), inputs, *subjects), what="The function's result")
            if value.size != 1:
                raise Wrong("The function's result is not one number.", found=f"shape {value.shape}")
            return float(value.item())

        slopes = central_difference(function, self._point(inputs), self.step)
        what = "The gradient differs from central differences of your own function."
        found = self._gradient(inputs, subjects)
        rounding = 1e-4 * max(1e-2, float(np.abs(slopes).max()))
        expect_close(found, slopes, what=what, where=partial(_entry, self.point), atol=rounding)

    def probes(self, inputs: Inputs, *subjects: Any) -> Probes:
        return {"gradient": partial(self._gradient, inputs, subjects)}

    def _gradient(self, inputs: Inputs, subjects: tuple[Any, ...]) -> Array:
        return read_array(self.gradient(self._point(inputs), inputs, *subjects), what="The gradient")

    def _point(self, inputs: Inputs) -> Array:
        return np.array(inputs[self.point], dtype=np.float64)


class HasShape(Statement):
    """The result has a certain shape; a number has the shape ()."""

    hint_fits_shapes = True

    def result(self, inputs: Any, *subjects: Any) -> object:
        """Run student code on inputs. Each unit says how."""
        raise NotImplementedError(f"{self.name} has no `result`")

    def shape(self, inputs: Any) -> tuple[int, ...]:
        """Give the shape that is expected. Each unit says which."""
        raise NotImplementedError(f"{self.name} has no `shape`")

    def holds(self, inputs: Inputs, *subjects: Any) -> None:
        found, expected = self._shape(inputs, subjects), self.shape(inputs)
        if found != expected:
            what = "The result has the wrong shape."
            raise Wrong(what, found=f"shape {found}", expected=f"shape {expected}", hint=self.hint)

    def probes(self, inputs: Inputs, *subjects: Any) -> Probes:
        return {SHAPE: partial(self._shape, inputs, subjects)}

    def _shape(self, inputs: Inputs, subjects: tuple[Any, ...]) -> tuple[int, ...]:
        return np.shape(read_array(self.result(inputs, *subjects)))


class Invariant(Statement):
    """Two results that have to agree do so, such as the sums of columns and 1, or f(x) and f(x + 2π)."""

    what: ClassVar[str] = "Two results that should agree differ."

    def sides(self, inputs: Any, *subjects: Any) -> tuple[object, object]:
        """Give what is found, and what it has to be. Each unit says both."""
        raise NotImplementedError(f"{self.name} has no `sides`")

    def holds(self, inputs: Inputs, *subjects: Any) -> None:
        found, expected, scale = self._read_sides(inputs, subjects)
        where, atol = partial(_entry, ""), 1e-6 * SLACK * scale
        expect_close(found, expected, what=self.what, where=where, rtol=0, atol=atol)

    def probes(self, inputs: Inputs, *subjects: Any) -> Probes:
        """By how much the two differ at most, measured by the larger one: a number, whatever shape they have."""
        return {"difference": partial(self._difference, inputs, subjects)}

    def size(self, probe: str, inputs: Inputs) -> float:
        """The judge is as patient as the desk."""
        return SLACK

    def _difference(self, inputs: Inputs, subjects: tuple[Any, ...]) -> float:
        found, expected, scale = self._read_sides(inputs, subjects)
        require_shape(found, expected.shape, what=self.what)
        return float(np.abs((found - expected) / scale).max(initial=0))

    def _read_sides(self, inputs: Inputs, subjects: tuple[Any, ...]) -> tuple[Array, Array, float]:
        """Read both sides, and how large they are. A single number expected stands for as many as were found."""
        found, expected = map(read_answer, self.sides(inputs, *subjects))
        if readable(found) != readable(expected):  # one of them at least is text, or several results
            raise Wrong(self.what, found=found, expected=expected, hint=self.hint)
        expected = np.full(found.shape, expected) if expected.ndim == 0 else expected
        return found, expected, max(1.0, float(np.abs(expected).max(initial=0)))


class Spies:
    """Records calls: `spies("step", function)` is called as `function` is, and notes with what."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.calls: list[tuple[str, list[Array]]] = []
        self._spies: list[Callable[..., Any]] = []

    def __call__(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Make a spy that stands for a function."""
        self.names.append(name)

        def spy(*given: Any, **named: Any) -> Any:
            if len(self.calls) >= MAX_CALLS:
                raise Wrong(f"{name} is called far more often than expected.", found=f"{MAX_CALLS:,} calls")
            values = [*given, *(named[key] for key in sorted(named))]
            self.calls.append((name, [read_answer(value, what=f"What {name} is given") for value in values]))
            return function(*given, **named)

        self._spies.append(spy)
        return spy

    def within(self, code: Any, **functions: Callable[..., Any]) -> Any:
        """Copy student code so that it calls spies where it would call its own functions of these names.

        What is a spy already notes its calls under the name that it has.
        """
        spies = {name: one if one in self._spies else self(name, one) for name, one in functions.items()}
        return rebind(code, spies)


class Loop(Equals):
    """A loop calls what it is given, or its own functions, as the right loop does, and returns what that returns."""

    what = "The calls or the result are not the right ones."

    def run(self, spies: Spies, inputs: Any, *subjects: Any) -> object:
        """Run student code with spies, and give what it returns, or 0. Each unit says how."""
        raise NotImplementedError(f"{self.name} has no `run`")

    def counts(self, inputs: Any) -> Mapping[str, int]:
        """Give how often each spy is called, as far as students are told."""
        return {}

    def result(self, inputs: Any, *subjects: Any) -> object:
        """Write all calls and what was returned as numbers, in order."""
        spies = Spies()
        ran = self.run(spies, inputs, *subjects)
        for name, expected in self.counts(inputs).items():
            if (found := sum(called == name for called, _ in spies.calls)) != expected:
                raise Wrong(f"{name} is not called as often as expected.", found=found, expected=expected)
        returned = read_answer(ran)  # after the calls are counted: a loop that is wrong often returns nothing
        numbers = [[[spies.names.index(name)], *map(np.ravel, values)] for name, values in spies.calls]
        return np.concatenate([*chain(*numbers), returned.ravel()])

    def shown(self, found: Array, inputs: Inputs, subjects: tuple[Any, ...]) -> str:
        """Say how often each spy was called, and what was returned: all calls as numbers tell a student nothing."""
        spies = Spies()
        returned = read_answer(self.run(spies, inputs, *subjects))
        called = Counter(dict.fromkeys(spies.names, 0))
        called.update(name for name, _ in spies.calls)
        calls = [f"{count:,} call{'s' * (count != 1)} of {name}" for name, count in called.items()]
        return f"{', '.join(calls)}, and the result {show(returned)}"
