"""The second unit's statements: right code in any style earns all, and each mistake costs its part and has its name."""

import copy
import warnings
from typing import Any, ClassVar

import numpy as np
import pytest

from lib.answer_key import Mistake
from lib.checking.dispatch import Check
from lib.checking.help import name_mistake
from lib.checking.render import Report
from lib.grading.commands.fingerprints import texts_of
from lib.grading.judge.challenge import drawn_for
from lib.reference import Dense, Network, ReLU, Softmax, cce, cce_gradient
from lib.unit import Part
from lib.units import hidden_layer
from lib.units.hidden_layer.closed import ANSWER_KEY
from lib.units.hidden_layer.closed.step import step
from lib.units.hidden_layer.network import LayersReversed
from tests.grading.judge.test_judge import judged
from tests.variants import written

Array = Any
PARTS = {part.id: part for part in ANSWER_KEY.parts}
BACKWARD = PARTS["check-network-backward"]
SEEDS = range(6)
parts = pytest.mark.parametrize("part", ANSWER_KEY.parts, ids=lambda part: part.id)
each = pytest.mark.parametrize("mistake", ANSWER_KEY.mistakes, ids=lambda mistake: f"{mistake.part}: {mistake.name}")


def checked(part: Part, code: Any) -> Report:
    report = Check(part, hidden_layer.__name__)(*({**ANSWER_KEY.right, **code}[name] for name in part.subjects))
    assert isinstance(report, Report)
    return report


class MaskFromOutput(ReLU):
    def backward(self, output_gradient, learning_rate=None):
        return np.where(self.output > 0, output_gradient, 0)


class InPlace(ReLU):
    def forward(self, input):
        self.mask = input > 0
        self.input, self.output = input, input * self.mask
        return self.output

    def backward(self, output_gradient, learning_rate=0.0):
        output_gradient[~self.mask] = 0
        return output_gradient


class EntryByEntry(ReLU):
    def forward(self, input):
        self.input = input
        self.output = np.array([[max(0, z) for z in row] for row in input])
        return self.output


class AtZeroToo(ReLU):
    """At exactly 0 either slope is right: no statement looks there."""

    def backward(self, output_gradient, learning_rate=None):
        return output_gradient * np.heaviside(self.input, 1)


class ByIndex(Network):
    def backward(self, output_gradient, learning_rate):
        for i in range(len(self.layers) - 1, -1, -1):
            output_gradient = self.layers[i].backward(output_gradient, learning_rate)
        return output_gradient


class ByKeyword(Network):
    def forward(self, input):
        self.input = input
        self.output = self.input
        for layer in self.layers:
            layer.forward(self.output)
            self.output = layer.output
        return self.output

    def backward(self, output_gradient, learning_rate):
        gradient = output_gradient
        for layer in self.layers[::-1]:
            gradient = layer.backward(output_gradient=gradient, learning_rate=learning_rate)
        return gradient


class Recursive(Network):
    def forward(self, input):
        def through(layers, values):
            return through(layers[1:], layers[0].forward(values)) if layers else values

        self.output = through(self.layers, input)
        return self.output


def loss_first(network, loss, loss_gradient, X, y, learning_rate):
    value = loss(y, network.forward(X))
    network.backward((1 / X.shape[1]) * loss_gradient(y, network.output), learning_rate)
    return value


def by_keyword(network, loss, loss_gradient, X, y, learning_rate):
    yhat = network.forward(X)
    network.backward(output_gradient=np.divide(loss_gradient(y, yhat), len(y.T)), learning_rate=learning_rate)
    return loss(y=y, yhat=yhat)


def that_prints_and_counts(network, loss, loss_gradient, X, y, learning_rate):
    """Calls the functions again, for a look at what they give."""
    yhat = network.forward(X)
    print(loss(y, yhat), np.abs(loss_gradient(y, yhat)).max(), loss(y, np.full(yhat.shape, 1 / 3)))
    network.backward(loss_gradient(y, yhat) / y.shape[1], learning_rate)
    print(loss(y, network.forward(X)))
    return loss(y, yhat)


def sample_by_sample(network, loss, loss_gradient, X, y, learning_rate):
    yhat, samples = network.forward(X), [[b] for b in range(X.shape[1])]
    gradient = np.hstack([loss_gradient(y[:, b], yhat[:, b]) for b in samples])
    network.backward(gradient / len(samples), learning_rate)
    return np.mean([loss(y[:, b], yhat[:, b]) for b in samples])


def layer_by_layer(network, loss, loss_gradient, X, y, learning_rate):
    yhat = network.forward(X)
    gradient = loss_gradient(y, yhat) / y.shape[1]
    for layer in reversed(network.layers):
        gradient = layer.backward(gradient, learning_rate)
    return loss(y, yhat)


class TurnedAndTurnedBack(Network):
    def backward(self, output_gradient, learning_rate):
        self.layers.reverse()
        for layer in self.layers:
            output_gradient = layer.backward(output_gradient, learning_rate)
        self.layers.reverse()
        return output_gradient


class WithOrderOfItsOwn(Network):
    def __init__(self, layers):
        self.layers, self.order = layers, layers[::-1]

    def backward(self, output_gradient, learning_rate):
        for layer in self.order:
            output_gradient = layer.backward(output_gradient, learning_rate)
        return output_gradient


LAYER_AND_NETWORK = """
class Layer:
    def __call__(self, input):
        return self.forward(input)

class Network(Layer):
    def __init__(self, layers):
        self._layers = layers

    @property
    def layers(self):
        return self._layers

    @property
    def output(self):
        return self.layers[-1].output

    def forward(self, input):
        assert all(isinstance(layer, Layer) for layer in self.layers)
        for layer in self.layers:
            input = layer(input)
        return input

    def backward(self, output_gradient, learning_rate):
        for layer in self.layers[::-1]:
            output_gradient = layer.backward(output_gradient, learning_rate)
        return output_gradient

    def fit_batch(self, loss, loss_gradient, X, y, learning_rate):
        yhat = self(X)
        self.backward(loss_gradient(y, yhat) / X.shape[1], learning_rate)
        return loss(y, self.output)

def step(network, *given):
    assert isinstance(network, Network)
    return network.fit_batch(*given)
"""
WITH_CALLS = written(LAYER_AND_NETWORK)


class CopiesItsLayers(Network):
    def __init__(self, layers):
        super().__init__(copy.deepcopy(layers))


class UsesArraysAgain(Network):
    """A pass writes into what an earlier one was given and gave, as code does that saves memory."""

    arrays: ClassVar[list[Array]] = []

    def forward(self, input):
        return self._noted(input, super().forward(input))

    def backward(self, output_gradient, learning_rate):
        return self._noted(output_gradient, super().backward(output_gradient, learning_rate))

    def _noted(self, *arrays):
        for array in self.arrays:
            array[:] = 0
        self.arrays[:] = arrays
        return arrays[-1]


class KeepsATape(ReLU):
    """What all layers were given, on one tape: backward takes the last off."""

    tape: ClassVar[list[Array]] = []

    def forward(self, input):
        self.tape.append(input > 0)
        return super().forward(input)

    def backward(self, output_gradient, learning_rate=None):
        return output_gradient * self.tape.pop()


RIGHT: list[dict[str, Any]] = [
    *({name: WITH_CALLS[name]} for name in ("Network", "step")),
    *({"ReLU": layer} for layer in (MaskFromOutput, InPlace, EntryByEntry, AtZeroToo, KeepsATape)),
    *({"Network": network} for network in (ByIndex, ByKeyword, Recursive, TurnedAndTurnedBack, WithOrderOfItsOwn)),
    *({"Network": network} for network in (CopiesItsLayers, UsesArraysAgain)),
    *(
        {"step": function}
        for function in (loss_first, by_keyword, that_prints_and_counts, sample_by_sample, layer_by_layer)
    ),
]


def step_on(batch, labels=lambda X, y: y):
    def step(network, loss, loss_gradient, X, y, learning_rate):
        yhat = network.forward(batch(X, y))
        network.backward(loss_gradient(y, yhat) / y.shape[1], learning_rate)
        return loss(labels(X, y), yhat)

    return step


def that_empties_its_data(network, loss, loss_gradient, X, y, learning_rate):
    value = step(network, loss, loss_gradient, X, y, learning_rate)
    X[:] = 0
    return value


def with_the_losses_before(network, loss, loss_gradient, X, y, learning_rate, losses=[]):  # noqa: B006  # the mistake
    losses.append(step(network, loss, loss_gradient, X, y, learning_rate))
    return np.mean(losses)


def without_a_rate(network, loss, loss_gradient, X, y, learning_rate):
    yhat = network.forward(X)
    network.backward(loss_gradient(y, yhat) / y.shape[1])
    return loss(y, yhat)


class EmptiesTheList(Network):
    def backward(self, output_gradient, learning_rate):
        while self.layers:
            output_gradient = self.layers.pop().backward(output_gradient, learning_rate)
        return output_gradient


class GoesOnFromBefore(Network):
    def forward(self, input):
        self.input, output = input, getattr(self, "output", input)
        for layer in self.layers:
            output = layer.forward(output)
        self.output = output
        return output


class AddsARow(Network):
    def forward(self, input):
        self.input = self.output = input
        for layer in self.layers:
            self.output = layer.forward(np.vstack([self.output, np.ones((1, self.output.shape[1]))]))
        return self.output


class NoRateForSome(Network):
    def backward(self, output_gradient, learning_rate):
        for layer in reversed(self.layers):
            rate = learning_rate if hasattr(layer, "weights") else None
            output_gradient = layer.backward(output_gradient, rate)
        return output_gradient


class WrittenOut(Network):
    """As many lines as the notebook's network has layers."""

    def forward(self, input):
        self.input, layers = input, self.layers
        self.output = layers[3].forward(layers[2].forward(layers[1].forward(layers[0].forward(input))))
        return self.output

    def backward(self, output_gradient, learning_rate):
        for layer in (self.layers[3], self.layers[2], self.layers[1], self.layers[0]):
            output_gradient = layer.backward(output_gradient, learning_rate)
        return output_gradient


class WritesIntoItsInput(Network):
    def forward(self, input):
        self.output = input
        for layer in self.layers:
            self.output[:] = layer.forward(self.output)
        return self.output


class WritesIntoTheGradient(Network):
    def backward(self, output_gradient, learning_rate):
        for layer in reversed(self.layers):
            output_gradient[:] = layer.backward(output_gradient, learning_rate)
        return output_gradient


class OneSlopeForAll(ReLU):
    def backward(self, output_gradient, learning_rate=None):
        return output_gradient * (self.input.mean() > 0)


class OverwritesItsInput(ReLU):
    def forward(self, input):
        self.input = self.output = input
        input *= input > 0
        return self.output


class KeepsNoInput(ReLU):
    def forward(self, input):
        self.output = np.maximum(input, 0)
        return self.output


class ReturnsItsInput(ReLU):
    def forward(self, input):
        super().forward(input)
        return input


def with_the_first_batchs_size(sizes):
    def step(network, loss, loss_gradient, X, y, learning_rate):
        yhat = network.forward(X)
        sizes.append(X.shape[1])
        network.backward(loss_gradient(y, yhat) / sizes[-2 if len(sizes) > 1 else 0], learning_rate)
        return loss(y, yhat)

    return step


def with_gradients_up_to_one(network, loss, loss_gradient, X, y, learning_rate):
    yhat = network.forward(X)
    network.backward(np.clip(loss_gradient(y, yhat) / y.shape[1], -1, 1), learning_rate)
    return loss(y, yhat)


class KeepsOneMaskForAShape(ReLU):
    masks: ClassVar[dict[tuple[int, ...], Array]] = {}

    def backward(self, output_gradient, learning_rate=None):
        return output_gradient * self.masks.setdefault(self.input.shape, self.input > 0)


class KeepsOneMask(ReLU):
    """Its mask is where all layers find it: right for one layer alone, and wrong in a network of two."""

    mask: ClassVar[Array] = None

    def forward(self, input):
        type(self).mask = input > 0
        return super().forward(input)

    def backward(self, output_gradient, learning_rate=None):
        return output_gradient * self.mask


def with_weights_that_decay(network, loss, loss_gradient, X, y, learning_rate):
    yhat = network.forward(X)
    network.backward(loss_gradient(y, yhat) / y.shape[1], learning_rate)
    for layer in network.layers:
        if hasattr(layer, "weights"):
            layer.weights -= learning_rate * 0.01 * layer.weights
    return loss(y, yhat)


def with_a_loss_that_counts_the_weights(network, loss, loss_gradient, X, y, learning_rate):
    yhat = network.forward(X)
    network.backward(loss_gradient(y, yhat) / y.shape[1], learning_rate)
    weights = [layer.weights for layer in network.layers if hasattr(layer, "weights")]
    return loss(y, yhat) + 0.01 * sum(np.sum(each**2) for each in weights)


LOSING: list[tuple[str, dict[str, Any], set[str]]] = [
    ("check-step", {"step": step_on(lambda X, y: X[::-1])}, {"BatchLoss"}),
    ("check-step", {"step": step_on(lambda X, y: y)}, {"BatchLoss"}),
    ("check-step", {"step": step_on(lambda X, y: X, labels=lambda X, y: X)}, {"BatchLoss"}),
    ("check-step", {"step": that_empties_its_data}, {"BatchLoss"}),
    ("check-step", {"step": with_the_losses_before}, {"BatchLoss"}),
    ("check-step", {"step": without_a_rate}, {"StepRate"}),
    ("check-step", {"step": with_the_first_batchs_size([])}, {"MeanGradient"}),
    ("check-step", {"step": with_gradients_up_to_one}, {"MeanGradient"}),
    ("check-step", {"step": with_a_loss_that_counts_the_weights}, {"BatchLoss"}),
    ("check-step", {"step": with_weights_that_decay}, {"MeanGradient"}),
    ("check-relu-backward", {"ReLU": OneSlopeForAll}, {"GradientPasses", "GradientStops"}),
    ("check-relu-backward", {"ReLU": KeepsOneMask}, {"GradientPasses", "GradientStops"}),
    ("check-relu-backward", {"ReLU": KeepsOneMaskForAShape}, {"GradientPasses", "GradientStops"}),
    ("check-network-forward", {"Network": GoesOnFromBefore}, {"OutputsGoUp"}),
    ("check-network-forward", {"Network": AddsARow}, {"OutputsGoUp"}),
    ("check-network-forward", {"Network": WritesIntoItsInput}, {"LastOutput"}),
    ("check-network-backward", {"Network": WritesIntoTheGradient}, {"RateAndResult"}),
    ("check-network-backward", {"Network": EmptiesTheList}, {"LayersReversed"}),
    ("check-network-backward", {"Network": WrittenOut}, {"LayersReversed"}),
    ("check-network-backward", {"Network": NoRateForSome}, {"RateAndResult"}),
    ("check-relu-forward", {"ReLU": OverwritesItsInput}, {"NegativesBecomeZero"}),
    ("check-relu-forward", {"ReLU": ReturnsItsInput}, {"NegativesBecomeZero"}),
    ("check-relu-backward", {"ReLU": KeepsNoInput}, {"GradientPasses", "GradientStops"}),
]
"""Wrong code, and the statement that it costs: what else a step or a loop does is right."""


@parts
@pytest.mark.parametrize("code", [{}, *RIGHT], ids=lambda code: next(iter(code.values())).__name__ if code else "right")
def test_right_code_earns_all_and_gets_no_name(part: Part, code: Any) -> None:
    report = checked(part, code)
    assert report.right and report.help is None
    for seed in SEEDS:
        verdict = judged(part, code, seed, ANSWER_KEY)
        assert (verdict.points, verdict.mistake) == (part.points, None)


@parts
def test_right_code_has_no_mistakes_fingerprint(part: Part) -> None:
    """Also where its check finds something by hand that the probes don't, such as digits that are rounded off."""
    assert name_mistake(part, ANSWER_KEY.subjects(part), hidden_layer.__name__) is None


@pytest.mark.parametrize(
    ("labels", "statement", "of", "found"),
    [
        (("y.T", "y"), "BatchLoss", "loss", "has the wrong shape. Found shape (5, 3), expected shape (3, 5)."),
        (
            ("y", "X"),
            "MeanGradient",
            "loss_gradient",
            "has the wrong shape. Found shape (7, 5), expected shape (3, 5).",
        ),
        (("None", "y"), "BatchLoss", "loss", "is missing. Found None, expected numbers."),
    ],
)
def test_arrays_that_do_not_fit_are_told_at_grading_as_at_the_desk(labels, statement, of, found):
    """They cost what they are used for: a loss of the wrong labels costs nothing of the gradient."""
    code = written(
        f"""
        def step(network, loss, loss_gradient, X, y, learning_rate):
            yhat = network.forward(X)
            value = loss({labels[0]}, yhat)
            network.backward(loss_gradient({labels[1]}, yhat) / X.shape[1], learning_rate)
            return value
        """
    )
    verdict = judged(PARTS["check-step"], {"step": code["step"]}, 1, ANSWER_KEY)
    whys = {each.name: each.why for each in verdict.statements if each.state != "right"}
    assert whys == {statement: f"What {of} gets as y {found}"}
    assert f"What {of} gets as y {found.partition('.')[0]}." in str(
        checked(PARTS["check-step"], {"step": code["step"]})
    )


def test_half_the_gradient_is_not_said_to_be_divided_by_a_fixed_number() -> None:
    def by_twice_the_batch_size(network, loss, loss_gradient, X, y, learning_rate):
        yhat = network.forward(X)
        network.backward(loss_gradient(y, yhat) / (2 * y.shape[1]), learning_rate)
        return loss(y, yhat)

    report = checked(PARTS["check-step"], {"step": by_twice_the_batch_size})
    assert not report.right and report.help is not None and report.help.mistake is None
    assert judged(PARTS["check-step"], {"step": by_twice_the_batch_size}, 1, ANSWER_KEY).mistake is None


STEP = """
def step(network, loss, loss_gradient, X, y, learning_rate):
    yhat = network.forward(X)
    grad = {gradient}
    back = network.backward(grad, learning_rate)
    return({returned})
"""
MEAN = "loss_gradient(y, yhat) / y.shape[1]"


@pytest.mark.parametrize(
    ("gradient", "returned", "name"),
    [
        (MEAN, "yhat", "A matrix is returned in place of the loss"),
        (MEAN, "grad", "A matrix is returned in place of the loss"),
        (MEAN, "back", "A matrix is returned in place of the loss"),
        ("loss_gradient(y, yhat) / len(X)", "loss(y, yhat)", "The gradient is divided by the number of features"),
        (
            "loss_gradient(yhat, y) / y.shape[1]",
            "loss(yhat, y)",
            "The arguments of the loss and of its gradient are swapped",
        ),
        (
            "loss(y, yhat) / y.shape[1]",
            "loss(y, yhat)",
            "The loss is handed to the network in place of its gradient",
        ),
        (
            "loss_gradient(y, yhat / y.shape[1])",
            "loss(y, yhat)",
            "The prediction is divided by B inside loss_gradient",
        ),
        (
            "loss_gradient(y, yhat) / X.size",
            "loss(y, yhat)",
            "The gradient is divided by the number of entries of X",
        ),
    ],
)
def test_the_name_is_true_of_what_is_written(gradient: str, returned: str, name: str) -> None:
    code = {"step": written(STEP.format(gradient=gradient, returned=returned))["step"]}
    report = checked(PARTS["check-step"], code)
    assert report.help is not None and report.help.mistake is not None
    assert report.help.mistake.name == name
    for seed in SEEDS:
        mistake = judged(PARTS["check-step"], code, seed, ANSWER_KEY).mistake
        assert mistake is not None and mistake.name == name


@each
def test_each_mistake_costs_points_and_has_its_name_at_the_desk_and_in_every_draw(mistake: Mistake) -> None:
    part = PARTS[mistake.part]
    for way in mistake.ways:
        report = checked(part, way.code)
        assert report.help is not None and report.help.mistake is not None
        assert report.help.mistake.name == mistake.name
        for seed in SEEDS:
            verdict = judged(part, way.code, seed, ANSWER_KEY)
            assert verdict.points == report.points < part.points
            assert verdict.mistake is not None and verdict.mistake.name == mistake.name


def test_mistakes_in_a_step_show_where_the_labels_of_a_batch_read_the_same_backward() -> None:
    part = PARTS["check-step"]
    drawn = {seed: drawn_for(part, seed)["y"] for seed in range(100)}
    seeds = [seed for seed, y in drawn.items() if np.array_equal(y, y[:, ::-1])]
    assert seeds
    for mistake in (each for each in ANSWER_KEY.mistakes if each.part == part.id):
        for seed in seeds[:3]:
            verdict = judged(part, mistake.code, seed, ANSWER_KEY)
            assert verdict.mistake is not None and verdict.mistake.name == mistake.name


@pytest.mark.parametrize(("part", "code", "lost"), LOSING, ids=lambda value: getattr(value, "__name__", None))
def test_one_mistake_costs_its_own_statement_at_the_desk_and_at_grading(part: str, code: Any, lost: set[str]) -> None:
    findings = [found for found in checked(PARTS[part], code).findings if found.statement.points]
    lost_at_desk = {found.statement.name for found in findings if found.state != "right"}
    assert lost_at_desk == lost
    assert all(found.why for found in findings if found.state == "wrong")
    for seed in SEEDS:
        statements = judged(PARTS[part], code, seed, ANSWER_KEY).statements
        assert {statement.name for statement in statements if statement.state != "right"} == lost


def test_a_network_that_calls_no_layer_is_not_said_to_leave_out_the_rate() -> None:
    class Idle(Network):
        def backward(self, output_gradient: Array, learning_rate: float) -> Array:
            return output_gradient

    assert judged(PARTS["check-network-backward"], {"Network": Idle}, 1, ANSWER_KEY).mistake is None


def test_a_division_by_the_number_of_layers_is_not_said_to_be_one_by_the_batch_size() -> None:
    class RateByDepth(Network):
        def backward(self, output_gradient: Array, learning_rate: float) -> Array:
            return super().backward(output_gradient, learning_rate / len(self.layers))

    class GradientByDepth(Network):
        def backward(self, output_gradient: Array, learning_rate: float) -> Array:
            for layer in reversed(self.layers):
                output_gradient = layer.backward(output_gradient / len(self.layers), learning_rate)
            return output_gradient

    for code in ({"Network": RateByDepth}, {"Network": GradientByDepth}):
        report, verdict = checked(BACKWARD, code), judged(BACKWARD, code, 1, ANSWER_KEY)
        assert not report.right and "batch size" not in str(report)
        assert verdict.mistake is None


def test_a_fixed_number_is_not_said_to_be_the_number_of_entries() -> None:
    code = {"step": written(STEP.format(gradient="loss_gradient(y, yhat) / 20", returned="loss(y, yhat)"))["step"]}
    assert judged(PARTS["check-step"], code, 1, ANSWER_KEY).mistake is None
    assert "entries" not in str(checked(PARTS["check-step"], code))


def test_a_network_without_a_loop_is_not_told_where_its_loop_ends() -> None:
    class LastAlone(Network):
        def backward(self, output_gradient: Array, learning_rate: float) -> Array:
            return self.layers[-1].backward(output_gradient, learning_rate)

    mistake = judged(BACKWARD, {"Network": LastAlone}, 1, ANSWER_KEY).mistake
    assert mistake is not None and mistake.name == "Only the last layer is called"


def test_a_prediction_that_is_changed_is_told_to_be_passed_on_as_it_is() -> None:
    report = checked(PARTS["check-step"], written(STEP.format(gradient=MEAN, returned="loss(y, np.round(yhat, 1))")))
    assert "Pass on what network.forward gave for X before the update, as it is." in " ".join(str(report).split())


@pytest.mark.parametrize(("order", "is_right"), [("reversed(network.layers)", True), ("network.layers", False)])
def test_a_step_may_call_the_layers_itself_in_the_right_order(order: str, is_right: bool) -> None:
    back = f"[grad := layer.backward(grad, learning_rate) for layer in {order}]"
    source = STEP.replace("network.backward(grad, learning_rate)", back)
    code = written(source.format(gradient=MEAN, returned="loss(y, yhat)"))
    assert checked(PARTS["check-step"], code).right == is_right
    assert (judged(PARTS["check-step"], code, 1, ANSWER_KEY).points == PARTS["check-step"].points) == is_right


@pytest.mark.parametrize("order", ["reversed(network.layers)", "network.layers"])
def test_a_step_that_gives_each_layer_the_gradient_of_the_loss_is_told_so(order: str) -> None:
    back = f"[layer.backward(grad, learning_rate) for layer in {order}]"
    source = STEP.replace("network.backward(grad, learning_rate)", back)
    code = written(source.format(gradient=MEAN, returned="loss(y, yhat)"))
    said = "The first layer's backward does not get what the layer above it returned."
    assert said in " ".join(str(checked(PARTS["check-step"], code)).split())
    verdict = judged(PARTS["check-step"], code, 1, ANSWER_KEY)
    assert [statement.state for statement in verdict.statements] == ["right", "wrong", "right"]
    assert said in verdict.statements[1].why


@pytest.mark.parametrize(
    ("slope", "name"),
    [
        (lambda z, a: 1 / (1 + np.exp(-z)) * (1 - 1 / (1 + np.exp(-z))), "The slope is that of a sigmoid"),
        (lambda z, a: 1 - np.tanh(z) ** 2, "The slope is that of the hyperbolic tangent"),
        (lambda z, a: 1 - a**2, "The slope is that of the hyperbolic tangent"),
        (lambda z, a: np.where(z > 0, 1, np.exp(z)), "The slope is that of an ELU"),
    ],
)
def test_the_slope_of_another_function_is_said_to_be_that(slope: Any, name: str) -> None:
    class Other(ReLU):
        def backward(self, output_gradient: Array, learning_rate: float | None = None) -> Array:
            return output_gradient * slope(self.input, self.output)

    report = checked(PARTS["check-relu-backward"], {"ReLU": Other})
    assert report.help is not None and report.help.mistake is not None
    assert report.help.mistake.name == name


def test_a_forward_that_returns_nothing_is_told_so() -> None:
    class Silent(ReLU):
        def forward(self, input: Array) -> None:  # type: ignore[override]  # what is tested
            super().forward(input)

    report = checked(PARTS["check-relu-forward"], {"ReLU": Silent})
    assert report.points == PARTS["check-relu-forward"].points
    assert "a network hands on what its layers return" in " ".join(str(report).split())


def test_the_committed_files_are_what_build_writes() -> None:
    for file, text in texts_of("hidden_layer", ANSWER_KEY).items():
        assert file.read_text(encoding="utf-8") == text, f"{file} is old. Run `zerolayer fingerprints`."


def test_a_wrong_forward_does_not_cost_the_backward() -> None:
    class Absolute(ReLU):
        def forward(self, input: Array) -> Array:
            self.input, self.output = input, np.abs(input)
            return self.output

    class NoForward(Network):
        def forward(self, input: Array) -> Array:
            raise NotImplementedError

    for part, code in (("check-relu-backward", {"ReLU": Absolute}), ("check-network-backward", {"Network": NoForward})):
        assert checked(PARTS[part], code).right
        assert judged(PARTS[part], code, 1, ANSWER_KEY).points == PARTS[part].points


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("check-relu-forward", {"ReLU": lambda: None}),
        ("check-relu-backward", {"ReLU": type("Nothing", (ReLU,), {"backward": lambda self, g, rate: None})}),
        ("check-network-forward", {"Network": type("Few", (Network,), {"forward": lambda self, x: x[:, :2]})}),
        ("check-network-backward", {"Network": type("None_", (Network,), {"backward": lambda self, g, rate: g})}),
        ("check-step", {"step": lambda *anything: 1.0}),
    ],
)
def test_what_fits_nothing_earns_nothing_and_says_what_is_wrong(part: str, code: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = checked(PARTS[part], code)
    assert report.points < PARTS[part].points
    assert all(finding.why for finding in report.findings if finding.state == "wrong")
    assert judged(PARTS[part], code, 1, ANSWER_KEY).points <= report.points


def the_loss_after(network, loss, loss_gradient, X, y, learning_rate):
    network.backward(loss_gradient(y, network.forward(X)) / y.shape[1], -learning_rate)
    return loss(y, network.forward(X))


def swapped(network, loss, loss_gradient, X, y, learning_rate):
    yhat = network.forward(X)
    network.backward(loss_gradient(yhat, y), learning_rate)
    return loss(yhat, y)


class CallsNothing(Network):
    def forward(self, input):
        self.output = self.layers[-1].output
        return self.output

    def backward(self, output_gradient, learning_rate):
        for layer in self.layers[:-1:-1]:
            output_gradient = layer.backward(output_gradient, learning_rate)
        return output_gradient


class EverySecond(Network):
    def backward(self, output_gradient, learning_rate):
        for layer in self.layers[::-2]:
            output_gradient = layer.backward(output_gradient, learning_rate)
        return output_gradient


def label_shares(network, loss, loss_gradient, X, y, learning_rate):
    yhat = network.forward(X)
    network.backward(loss_gradient(y / y.shape[1], yhat), learning_rate)
    return loss(y, yhat)


@pytest.mark.parametrize(
    ("part", "code", "hints"),
    [
        ("check-step", {"step": the_loss_after}, {"BatchLoss": "before the update"}),
        ("check-step", {"step": swapped}, {"BatchLoss": "comes first?", "MeanGradient": "comes first?"}),
        ("check-network-forward", {"Network": CallsNothing}, {"LayersInOrder": "forward has to be called"}),
        ("check-network-backward", {"Network": CallsNothing}, {"LayersReversed": "backward has to be called"}),
        (
            "check-network-backward",
            {"Network": EverySecond},
            {"LayersReversed": "Run through all of self.layers, however many there are. Which ones are left out?"},
        ),
        ("check-step", {"step": label_shares}, {"MeanGradient": "Pass on y as it is."}),
    ],
)
def test_a_hint_answers_what_was_found(part: str, code: Any, hints: dict[str, str]) -> None:
    found = {finding.statement.name: finding.why for finding in checked(PARTS[part], code).findings}
    for name, hint in hints.items():
        assert hint in found[name].hint


def test_grading_does_not_speak_of_a_result_where_layers_are_left_out() -> None:
    order, *_ = judged(BACKWARD, {"Network": EverySecond}, 1, ANSWER_KEY).statements
    assert (order.why, order.hint) == ("The numbers differ from the right ones.", LayersReversed.hint)


LOOP = """
class Network:
    def __init__(self, layers):
        self.layers = layers
    def forward(self, input):
        output = input
        for layer in self.layers:
            output = {}
        self.output = output
        return output
    def backward(self, output_gradient, learning_rate):
        for layer in {}:
            output_gradient = layer.backward(output_gradient, learning_rate)
        return output_gradient
"""


@pytest.mark.parametrize(
    ("part", "output", "layers", "hint"),
    [
        ("backward", "layer.forward(output)", "self.layers.reverse()", "reverse changes the list itself"),
        ("backward", "layer.forward(output)", "self.layers[-1]", "This is one layer."),
        ("backward", "layer.forward(output)", "range(len(self.layers))", "The loop gives numbers."),
        ("backward", "layer.forward(output)", "layers", "Write self. before the name."),
        ("forward", "layer(output)", "self.layers", "Call its method forward or backward."),
        ("forward", "output.forward(layer)", "self.layers", "What stands before the dot is an array."),
    ],
)
def test_an_error_in_a_loop_over_layers_gets_its_own_hint(part: str, output: str, layers: str, hint: str) -> None:
    report = checked(PARTS[f"check-network-{part}"], written(LOOP.format(output, layers)))
    assert hint in " ".join(str(report).split())


@pytest.mark.parametrize(
    ("part", "source", "hint"),
    [
        (
            "check-network-forward",
            LOOP.format("layer.forward(output.T)", "self.layers"),
            "keep what the layer returns.",
        ),
        (
            "check-network-backward",
            LOOP.format("layer.forward(output)", "self.layers[::-1]").replace(
                ", learning_rate)\n", ", [learning_rate])\n"
            ),
            "Hand the learning rate to every layer as it is.",
        ),
        (
            "check-step",
            STEP.format(gradient=MEAN, returned="[loss(y, yhat)]"),
            "Print what the loss function gives, and what step returns.",
        ),
    ],
)
def test_another_shape_has_the_hint_of_a_statement_about_what_is_handed_on(part: str, source: str, hint: str) -> None:
    report = " ".join(str(checked(PARTS[part], written(source))).split())
    assert "has the wrong shape. Found shape" in report
    assert hint in report.partition("Try: ")[2]


def test_beside_a_wrong_forward_the_mistake_of_backward_is_what_is_told() -> None:
    class Wrong(ReLU):
        def forward(self, input):
            raise TypeError("forward's own")

        def backward(self, output_gradient, learning_rate=None):
            return output_gradient

    fixed = LOOP.replace("learning_rate)\n        return", "0.1)\n        return").format(
        "layer(output)", "self.layers[::-1]"
    )
    for part, code in (("check-relu-backward", {"ReLU": Wrong}), ("check-network-backward", written(fixed))):
        report = checked(PARTS[part], code)
        assert not report.right
        for finding in report.findings:
            assert "forward's own" not in str(finding.why) and "not callable" not in str(finding.why)


@pytest.mark.parametrize("name", ["relu_forward", "relu_backward", "network_forward", "network_backward", "step"])
def test_the_worked_example_holds_for_right_code(name: str) -> None:
    part = next(part for part in ANSWER_KEY.parts if part.name == name)
    assert part.example is not None
    for worked in part.example(*ANSWER_KEY.subjects(part)).steps:
        np.testing.assert_allclose(np.asarray(worked.run(), dtype=float), np.asarray(worked.by_hand, dtype=float))


def test_a_right_step_moves_each_weight_by_the_slope_of_the_mean_loss() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2, 6)), np.eye(3)[:, [0, 1, 2, 0, 1, 2]]
    below, above = Dense(2, 4, rng), Dense(4, 3, rng)
    below.weights = rng.normal(size=below.weights.shape)
    network = Network([below, ReLU(), above, Softmax()])
    before = below.weights.copy()

    def loss_with(weights: Array) -> float:
        below.weights = weights
        return cce(y, network.forward(X))

    slopes = np.empty_like(before)
    for at in np.ndindex(*before.shape):
        nudge = np.zeros_like(before)
        nudge[at] = 1e-6
        slopes[at] = (loss_with(before + nudge) - loss_with(before - nudge)) / 2e-6
    expected = loss_with(before.copy())
    value = step(network, cce, cce_gradient, X, y, learning_rate=1)
    np.testing.assert_allclose(before - below.weights, slopes, atol=1e-7)
    assert value == expected


def test_a_wrong_output_that_is_returned_is_not_said_to_be_something_else() -> None:
    class Mask(ReLU):
        def forward(self, input: Array) -> Array:
            self.input, self.output = input, input > 0
            return self.output

    part = PARTS["check-relu-forward"]
    report = checked(part, {"ReLU": Mask})
    assert "something else" not in str(report)
    assert report.points == judged(part, {"ReLU": Mask}, 1, ANSWER_KEY).points == 1  # negative inputs become 0


def test_a_learning_rate_that_no_layer_got_is_not_said_to_be_0() -> None:
    class WithoutRate(Network):
        def backward(self, output_gradient: Array, learning_rate: float) -> Array:
            for layer in reversed(self.layers):
                output_gradient = layer.backward(output_gradient)
            return output_gradient

    part = PARTS["check-network-backward"]
    assert "Layer 4 got no learning rate." in str(checked(part, {"Network": WithoutRate}))
    verdict = judged(part, {"Network": WithoutRate}, 1, ANSWER_KEY)
    assert verdict.mistake is not None and verdict.mistake.name == "The learning rate is left out"
