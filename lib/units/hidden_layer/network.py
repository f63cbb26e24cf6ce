"""Statements about the network, a layer that is made of layers: forward in order, backward in reverse.

Test layers take the place of real ones. They record what they are given, and return arrays that were drawn: whatever
the network hands on, no shape can fail to fit.

A probe's right result is another in each draw: what is the same in all of them could be written down without a network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple

import numpy as np

from lib.checking.answers import run_once
from lib.checking.rebinding import inherit_own
from lib.checking.routes import hold_on_any, look_on_each
from lib.checking.values import Wrong, expect_close, numbers
from lib.unit import Array, ErrorHint, Example, ExampleStep, Inputs, Part, Probes, Statement
from lib.units.softmax_classifier.errors import IN_CODE, IN_LAYERS, explain_errors
from lib.units.softmax_classifier.inputs import copy_array, is_kept

LAYERS = 5
"""One more than the notebook's network has: a loop that is written out for that one does not fit."""
MOST_CALLS = 3 * LAYERS
"""Calls in a pass whose order is compared."""
SHAPE = (3, 7)
"""(units, batch) of everything that is handed on. There are more samples than layers: who divides by what shows."""


def draw(rng: np.random.Generator) -> Inputs:
    """Draw an input, an incoming gradient, a learning rate, what each test layer returns, and a number for each."""
    return {
        "input": rng.normal(size=SHAPE),
        "gradient": rng.normal(size=SHAPE),
        "learning_rate": np.array(rng.uniform(0.2, 0.9)),
        "outputs": rng.normal(size=(LAYERS, *SHAPE)),
        "input_gradients": rng.normal(size=(LAYERS, *SHAPE)),
        "numbers": rng.choice(np.arange(10, 100), LAYERS, replace=False),
    }


class Call(NamedTuple):
    """A call of a test layer: the method, the layer's number, what it was given, what it returned, and the rate.

    What can't be read as numbers of the right shape is kept as `Wrong`: the order of the calls may be right all the
    same.
    """

    method: str
    layer: int
    given: Array | Wrong
    returned: Array
    learning_rate: Array | Wrong


class RecordingLayer:
    """A test layer: it returns drawn arrays, and adds every call to a list that all layers share.

    It has the other methods of the student's Layer, too.
    """

    input: Any = None
    output: Any = None  # the student's may be a property

    def __init__(self, number: int, output: Array, input_gradient: Array, calls: list[Call]):
        self.number, self._output, self._input_gradient, self._calls = number, output, input_gradient, calls

    def forward(self, input: Any) -> Array:
        """Record the input, and return (and keep) the drawn output."""
        self.input = input
        self.output = output = self._output.copy()
        self._record("forward", input, self._output, 0.0)
        return output

    def backward(self, output_gradient: Any, learning_rate: Any = None) -> Array:
        """Record the gradient and the learning rate, and return the drawn gradient."""
        self._record("backward", output_gradient, self._input_gradient, learning_rate)
        return self._input_gradient.copy()

    def __deepcopy__(self, memo: object) -> RecordingLayer:
        """Add the calls of a copy to the same list: a network may work on copies of its layers."""
        return type(self)(self.number, self._output, self._input_gradient, self._calls)

    def _record(self, method: str, given: Any, returned: Array, learning_rate: Any) -> None:
        read = _read(given, SHAPE, f"What layer {self.number} is given")
        rate = _read(learning_rate, (), f"The learning rate that layer {self.number} is given")
        if learning_rate is None:
            hint = "Hand on the learning rate behind the gradient."
            rate = Wrong(f"Layer {self.number} got no learning rate.", hint=hint)
        self._calls.append(Call(method, self.number, read, returned, rate))


RecordingLayer.__name__ = RecordingLayer.__qualname__ = "Layer"  # as errors of student code are to name it


def _read(value: Any, shape: tuple[int, ...], what: str) -> Array | Wrong:
    try:
        return numbers(value, shape, what=what)
    except Wrong as wrong:
        return wrong


def _require(value: Array | Wrong) -> Array:
    if isinstance(value, Wrong):
        raise value
    return value


class Run(NamedTuple):
    """What a pass of the student's network did: the calls of its layers, in order, and what it returned and kept.

    `where` says so if it was not the first pass through that network; `every` has the calls of all passes. `given` is
    the array that the pass was given, as it was afterwards. No later pass can write into any of these.
    """

    calls: list[Call]
    returned: Any
    kept: Any
    where: str
    every: list[Call]
    given: Array

    @property
    def layers(self) -> list[int]:
        """The numbers of the layers in the order in which they were called."""
        return [call.layer for call in self.calls]


PASSES = {"": "", " again": "the second pass through the same network"}
"""How the probes of a network's first and second pass end, and where that is."""


def run_forward(Network: Any, inputs: Inputs, which: str = "") -> Run:
    """Run the student's forward on a network of test layers, once or, `again`, a second time."""
    network, calls = _make(Network, inputs)
    for _ in range(2 if which else 1):
        begin, given = len(calls), inputs["input"].copy()
        with explain_errors():
            returned = copy_array(network.forward(given))
    kept = copy_array(getattr(network, "output", None))
    return Run(_of("forward", calls[begin:]), returned, kept, PASSES[which], _of("forward", calls), given.copy())


def run_backward(Network: Any, inputs: Inputs, which: str = "", route: str = "own") -> Run:
    """Run the student's backward: after the student's own forward, or (`given`) with `input` and `output` set.

    `again` runs it once more, with the same network.
    """
    network, calls = _make(Network, inputs)
    for _ in range(2 if which else 1):
        begin, given = len(calls), inputs["gradient"].copy()
        with explain_errors():
            if route == "own":
                network.forward(inputs["input"].copy())
            else:
                network.input, network.output = inputs["input"].copy(), inputs["outputs"][-1].copy()
            returned = copy_array(network.backward(given, float(inputs["learning_rate"])))
    return Run(_of("backward", calls[begin:]), returned, None, PASSES[which], _of("backward", calls), given.copy())


def _make(Network: Any, inputs: Inputs) -> tuple[Any, list[Call]]:
    calls: list[Call] = []
    Layer = inherit_own(RecordingLayer, "Layer", Network)
    pairs = zip(inputs["outputs"], inputs["input_gradients"], strict=True)
    return Network([Layer(number, *arrays, calls) for number, arrays in enumerate(pairs)]), calls


def _of(method: str, calls: Sequence[Call]) -> list[Call]:
    return [call for call in calls if call.method == method]


def _order(inputs: Inputs, run: Run) -> Array:
    """Give the drawn numbers of the layers in the order in which they were called, and 0 behind the last call.

    Its shape is always the same: which layers were called is nothing whose shape a student could print.
    """
    _require_calls(run)
    called = inputs["numbers"][run.layers[:MOST_CALLS]]
    return np.pad(called, (0, MOST_CALLS - len(called)))


def _require_calls(run: Run) -> None:
    if not run.calls:
        raise Wrong("No layer was called.")


def _differences(run: Run, first: Array) -> Array:
    """Compare what each call was given with what the call before it returned (`first` for the first call).

    The differences are added up over the calls, so that it is SHAPE however many there are, and added to `first`, which
    is left where all are 0. That a second pass calls no layer is a matter of the order.
    """
    if not run.where:
        _require_calls(run)
    before = [first, *(call.returned for call in run.calls)]
    differences = (_require(call.given) - returned for call, returned in zip(run.calls, before, strict=False))
    return np.asarray(sum(differences, first))


def _require_kept(run: Run, first: Array, what: str) -> None:
    if not is_kept(first, run.given):
        raise Wrong(f"{what} is changed.", hint="Compute into a new array: other code may still need this one.")


def _last(run: Run, first: Array) -> Array:
    return run.calls[-1].returned if run.calls else first


INPUT, GRADIENT = "The input that forward is given", "The gradient that backward is given"
CHANGED = "Print self.layers before and after a pass: each pass needs all of them, in the same order."
NO_CALL = "Print something in your loop, to see whether it runs. In each turn the layer's {method} has to be called."


def _expect_order(run: Run, expected: list[int], method: str) -> None:
    if run.layers != expected:
        raise Wrong(
            f"The layers' {method} was not called once for each layer, in the right order.",
            where=run.where,
            found=f"layers {run.layers}" if run.layers else "no call",
            expected=f"layers {expected}",
            hint=CHANGED if run.where else _hint_for_order(run.layers, expected, method),
        )


def _hint_for_order(layers: list[int], expected: list[int], method: str) -> str:
    """Say what to try after wrong calls; nothing where it is about their order."""
    if not layers:
        return NO_CALL.format(method=method)
    is_in_order = layers == [layer for layer in expected if layer in layers]
    return "Run through all of self.layers, however many there are. Which ones are left out?" if is_in_order else ""


class LayersInOrder(Statement):
    text = "forward calls each layer's forward once, from the first layer to the last."
    hint = "Print the number of each layer in your loop. Which one should come first?"
    lines = r"for |forward\("

    def holds(self, inputs: Inputs, Network: Any) -> None:
        for which in PASSES:
            _expect_order(run_forward(Network, inputs, which), list(range(LAYERS)), "forward")

    def probes(self, inputs: Inputs, Network: Any) -> Probes:
        return _each_pass(inputs, Network, "order", partial(_order, inputs))


class OutputsGoUp(Statement):
    text = "The first layer gets the network's input; every other layer gets what the layer before it returned."
    depends_on = (LayersInOrder,)
    hint = "In each turn of the loop, keep what the layer returns. Give exactly that to the next layer."
    hint_fits_shapes = True
    lines = r"forward\("

    def holds(self, inputs: Inputs, Network: Any) -> None:
        for which in PASSES:
            run = run_forward(Network, inputs, which)
            _expect_handed_on(run, inputs["input"], "what the layer before it returned", "the network's input")

    def probes(self, inputs: Inputs, Network: Any) -> Probes:
        """The difference of the two, added up over the calls, and the network's input."""
        return _each_pass(inputs, Network, "differences", lambda run: _differences(run, inputs["input"]))


class LastOutput(Statement):
    text = "forward returns the output of the layer that it called last, and keeps it as self.output."
    depends_on = (LayersInOrder,)
    hint = "After the loop, assign the last layer's output to self.output, and return it."
    hint_fits_shapes = True
    kept_as: ClassVar = {"returned": "The result of forward", "kept": "self.output"}
    lines = r"output|return"

    def holds(self, inputs: Inputs, Network: Any) -> None:
        run = run_forward(Network, inputs)
        for name, what in self.kept_as.items():
            found = numbers(getattr(run, name), SHAPE, what=what)
            expect_close(found, _last(run, inputs["input"]), what=f"{what} is not the last layer's output.")
        _require_kept(run, inputs["input"], INPUT)

    def probes(self, inputs: Inputs, Network: Any) -> Probes:
        """The difference to the last layer's output, and the network's input."""
        first = inputs["input"]

        def difference(name: str) -> Array:
            run = run_once(inputs, ("forward", ""), partial(run_forward, Network, inputs))
            _require_kept(run, first, INPUT)
            return numbers(getattr(run, name), SHAPE, what=self.kept_as[name]) - _last(run, first) + first

        return {name: partial(difference, name) for name in self.kept_as}


class LayersReversed(Statement):
    text = "backward calls each layer's backward once, from the last layer to the first."
    points = 2
    hint = "The loss comes behind the last layer. So which layer can get its gradient first?"
    lines = r"for "

    def holds(self, inputs: Inputs, Network: Any) -> None:
        _on_either_route(inputs, Network, lambda run: _expect_order(run, list(reversed(range(LAYERS))), "backward"))

    def probes(self, inputs: Inputs, Network: Any) -> Probes:
        return _both_routes(inputs, Network, "order", partial(_order, inputs))


class GradientsGoDown(Statement):
    text = (
        "The first layer that is called gets the incoming gradient; every other one gets what the one before returned."
    )
    hint = "In each turn of the loop, keep what the layer's backward returns. Give exactly that to the next layer."
    hint_fits_shapes = True
    lines = r"backward\("

    def holds(self, inputs: Inputs, Network: Any) -> None:
        gradient = inputs["gradient"]

        def test(run: Run) -> None:
            if not run.calls and not run.where:
                raise Wrong("No layer's backward was called.")
            _expect_handed_on(run, gradient, "what the call before it returned", "the incoming gradient")

        _on_either_route(inputs, Network, test)

    def probes(self, inputs: Inputs, Network: Any) -> Probes:
        """The difference of the two, added up over the calls, and the incoming gradient."""
        return _both_routes(inputs, Network, "differences", lambda run: _differences(run, inputs["gradient"]))


class RateAndResult(Statement):
    text = "Every layer gets the learning rate, and backward returns what the layer that it called last returned."
    hint = "Hand the learning rate to every layer as it is. Return the gradient that is left after the loop."
    hint_fits_shapes = True
    lines = r"backward\(|return"

    def holds(self, inputs: Inputs, Network: Any) -> None:
        def test(run: Run) -> None:
            rates = _rates(run)
            expected = np.full(len(rates), float(inputs["learning_rate"]))
            what, layers = "A layer got another learning rate.", [call.layer for call in run.every]
            expect_close(rates, expected, what=what, where=lambda at: f"layer {layers[at[0]]}")
            found = numbers(run.returned, SHAPE, what="The result of backward")
            what = "The result of backward is not the gradient that the last call returned."
            expect_close(found, _last(run, inputs["gradient"]), what=what)
            _require_kept(run, inputs["gradient"], GRADIENT)

        _on_either_route(inputs, Network, test)

    def probes(self, inputs: Inputs, Network: Any) -> Probes:
        """The mean of the rates, and the difference of the results and the incoming gradient."""
        first = inputs["gradient"]

        def difference(run: Run) -> Array:
            _require_kept(run, first, GRADIENT)
            return numbers(run.returned, SHAPE, what="The result of backward") - _last(run, first) + first

        return {
            **_both_routes(inputs, Network, "rates", lambda run: np.mean(_rates(run)), [" again"]),
            **_both_routes(inputs, Network, "returned", difference, [""]),
        }


def _rates(run: Run) -> Array:
    """Give the learning rates of all calls, those of an earlier pass too."""
    if not run.every:
        raise Wrong("No layer's backward was called.")
    return np.array([float(_require(call.learning_rate)) for call in run.every])


def _expect_handed_on(run: Run, first: Array, what: str, at_first: str) -> None:
    before = [first, *(call.returned for call in run.calls)]
    for turn, (call, expected) in enumerate(zip(run.calls, before, strict=False)):
        expect_close(
            _require(call.given),
            expected,
            what=f"Layer {call.layer} was not given {what if turn else at_first}.",
            where=lambda at: f"unit {at[0]}, sample {at[1]}" + (f", in {run.where}" if run.where else ""),
        )


def _each_pass(inputs: Inputs, Network: Any, name: str, look: Callable[[Run], object]) -> Probes:
    def run(which: str) -> object:
        return look(run_once(inputs, ("forward", which), partial(run_forward, Network, inputs, which)))

    return {f"{name}{which}": partial(run, which) for which in PASSES}


def _on_either_route(inputs: Inputs, Network: Any, test: Callable[[Run], None]) -> None:
    def test_each_pass(route: str) -> None:
        for which in PASSES:
            test(run_backward(Network, inputs, which, route))

    def is_forward_right() -> bool:
        run = run_forward(Network, inputs)
        handed_on = np.allclose(_differences(run, inputs["input"]), inputs["input"])
        return handed_on and run.layers == list(range(LAYERS))

    hold_on_any(test_each_pass, is_forward_right)


def _both_routes(
    inputs: Inputs, Network: Any, name: str, look: Callable[[Run], object], passes: Iterable[str] = PASSES
) -> Probes:
    looks = {f"{name}{which}": (which, look) for which in passes}
    return look_on_each(inputs, partial(run_backward, Network, inputs), looks)


def example(Network: Any) -> Example:
    """Make an example with two layers whose results are whole numbers."""
    one = np.ones(SHAPE)
    inputs = {
        "input": one,
        "gradient": 10 * one,
        "learning_rate": np.array(0.5),
        "outputs": np.array([2 * one, 3 * one]),
        "input_gradients": np.array([20 * one, 30 * one]),
    }

    def given(run: Run) -> list[float]:
        return [float(_require(call.given)[0, 0]) for call in run.calls]

    return Example(
        "Two test layers, 0 and 1. The input is 1. forward of layer 0 returns 2, that of layer 1 returns 3."
        " The incoming gradient is 10. backward of layer 0 returns 20, that of layer 1 returns 30.",
        (
            ExampleStep("layers in the order of forward", [0, 1], lambda: run_forward(Network, inputs).layers),
            ExampleStep("what forward is given", [1.0, 2.0], lambda: given(run_forward(Network, inputs))),
            ExampleStep("layers in the order of backward", [1, 0], lambda: run_backward(Network, inputs).layers),
            ExampleStep("what backward is given", [10.0, 30.0], lambda: given(run_backward(Network, inputs))),
        ),
    )


IN_LOOPS_OVER_LAYERS = (
    ErrorHint(
        r"TypeError: 'NoneType' object is not iterable",
        "A list's method reverse changes the list itself and gives None. Go through the list from its end without"
        " changing it.",
        r"\.reverse\(",
    ),
    ErrorHint(r"TypeError: 'Layer' object is not iterable", "This is one layer. Loop over a list of layers."),
    ErrorHint(
        r"TypeError: 'Layer' object is not callable", "A layer is no function. Call its method forward or backward."
    ),
    ErrorHint(
        r"AttributeError: 'int' object has no attribute '(?:forward|backward)'",
        "The loop gives numbers. self.layers[number] is the layer with that number.",
    ),
    ErrorHint(
        r"AttributeError: 'numpy\.\w+' object has no attribute '(forward|backward)'",
        r"What stands before the dot is an array. \1 is a method of a layer.",
    ),
)
"""What to try after an error in a loop over layers."""


network_forward = Part(
    "check-network-forward",
    "Network, forward",
    ("Network",),
    (LayersInOrder(), OutputsGoUp(), LastOutput()),
    draw,
    code="Network.forward",
    example=example,
    error_hints=(*IN_CODE, *IN_LOOPS_OVER_LAYERS, *IN_LAYERS),
)
network_backward = Part(
    "check-network-backward",
    "Network, backward",
    ("Network",),
    (LayersReversed(), GradientsGoDown(), RateAndResult()),
    draw,
    code="Network.backward",
    example=example,
    error_hints=(*IN_CODE, *IN_LOOPS_OVER_LAYERS, *IN_LAYERS),
)
