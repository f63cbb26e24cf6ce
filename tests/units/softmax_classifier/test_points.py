"""What code costs: the points of its own statements, in every draw, the same at the desk and at grading."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lib.answer_key import Mistake
from lib.grading.judge.challenge import drawn_for
from lib.grading.judge.comparison import outcomes, wrong_probes
from lib.grading.judge.judge import judge_statements
from lib.reference import Dense, Softmax, cce_gradient
from lib.unit import Part
from lib.units.softmax_classifier.closed import ANSWER_KEY
from tests.checking.desk import checked, states
from tests.grading.judge.test_judge import judged, part_of

SEEDS = range(0, 2**40, 2**40 // 8)
Code = dict[str, object]
IN = {"cce": "check-cce", "gradient": "check-cce-gradient", "forward": "check-softmax-forward"}
IN |= {"stable": "check-softmax-stable", "backward": "check-softmax-backward", "dense": "check-dense-backward"}


def loss(function: Callable[[Any, Any], Any]) -> Code:
    return {"cce": function}


def gradient(function: Callable[[Any, Any], Any]) -> Code:
    return {"cce_gradient": function}


def forward(output: Callable[[Any], Any]) -> Code:
    class Layer(Softmax):
        def forward(self, input: Any) -> Any:
            self.input = input
            self.output = output(input)
            return self.output

    return {"Softmax": Layer}


def shifted(shift: Callable[[Any], Any]) -> Code:
    """A softmax that subtracts something before the exponential."""

    def output(z: Any) -> Any:
        e = np.exp(z - shift(z))
        return e / e.sum(axis=0)

    return forward(output)


def backward(result: Callable[[Any, Any], Any]) -> Code:
    class Layer(Softmax):
        def backward(self, output_gradient: Any, learning_rate: Any = None) -> Any:
            return result(self, output_gradient)

    return {"Softmax": Layer}


def dense(step: Callable[[Any, Any], Any], returned: Callable[[Any, Any], Any] = lambda layer, g: g) -> Code:
    """A layer whose weights change by -learning_rate times a `step`; `returned` changes the incoming gradient first."""

    class Layer(Dense):
        def backward(self, output_gradient: Any, learning_rate: Any) -> Any:
            input_gradient = self.weights[:, :-1].T @ returned(self, output_gradient)
            self.weights = self.weights - learning_rate * step(self, output_gradient)
            return input_gradient

    return {"Dense": Layer}


def right_dense(g: Any, layer: Any) -> Any:
    return g @ layer.input.T


def summed(layer: Any, g: Any) -> Any:
    """The gradient with those of all earlier steps."""
    layer.sum = getattr(layer, "sum", 0) + g @ layer.input.T
    return layer.sum


def momentum(layer: Any, g: Any) -> Any:
    layer.speed = 0.9 * getattr(layer, "speed", 0) + g @ layer.input.T
    return layer.speed


def once(layer: Any, g: Any) -> Any:
    layer.first = g @ layer.input.T if not hasattr(layer, "first") else np.zeros_like(layer.weights)
    return layer.first


def jacobian_once(layer: Any, g: Any) -> Any:
    """The product with the Jacobians that the layer had first."""
    layer.first = getattr(layer, "first", layer.output)
    return layer.first * (g - (layer.first * g).sum(axis=0))


def in_place(layer: Any, g: Any) -> Any:
    g -= (layer.output * g).sum(axis=0)
    g *= layer.output
    return g


class ForwardOnceForAShape(Softmax):
    def forward(self, input: Any) -> Any:
        return self.output if np.shape(getattr(self, "output", 0)) == input.shape else super().forward(input)


class ForwardOnce(Softmax):
    def forward(self, input: Any) -> Any:
        if not hasattr(self, "kept"):
            self.kept = super().forward(input)
        self.output = self.kept
        return self.output


def softmax_in_place(z: Any) -> Any:
    z -= z.max(axis=0)
    e = np.exp(z)
    e /= e.sum(axis=0)
    if z.dtype.kind == "f":
        z[:] = e
    return e


def into_prediction(y: Any, yhat: Any) -> Any:
    np.divide(-y, yhat, out=yhat)
    return yhat


def loss_into_prediction(y: Any, yhat: Any) -> Any:
    np.log(yhat, out=yhat)
    return -np.sum(y * yhat) / y.shape[1]


def one_hot_of_largest(z: Any) -> Any:
    return (z == z.max(axis=0)).astype(float)


def mean_loss(p: Callable[[Any], Any]) -> Code:
    return loss(lambda y, yhat: -np.sum(y * np.log(p(yhat))) / y.shape[1])


def limited_norm(x: Any) -> Any:
    return x / max(1, np.linalg.norm(x))


FORWARD = {"ColumnsSumToOne", "RatiosFollowScores", "WholeNumbers"}
WRONG: dict[str, tuple[Code, dict[str, set[str]]]] = {
    "1e-5 is added": (mean_loss(lambda p: p + 1e-5), {"cce": {"OneSample", "BatchMean"}}),
    "clipped at 0.02": (mean_loss(lambda p: np.clip(p, 0.02, 1)), {"cce": {"OneSample", "BatchMean"}}),
    "largest": (
        loss(lambda y, p: np.mean(-np.log(p.max(axis=0)))),
        {"cce": {"OneSample", "BatchMean"}},
    ),
    "smallest": (
        loss(lambda y, p: np.mean(-np.log(p.min(axis=0)))),
        {"cce": {"OneSample", "BatchMean"}},
    ),
    "in a list": (loss(lambda y, p: [-np.sum(y * np.log(p)) / y.shape[1]]), {"cce": {"OneSample", "BatchMean"}}),
    "rounded": (loss(lambda y, p: round(-np.sum(y * np.log(p)) / y.shape[1], 2)), {"cce": {"OneSample", "BatchMean"}}),
    "rounded to 3": (loss(lambda y, p: round(-np.sum(y * np.log(p)) / y.shape[1], 3)), {"cce": {"BatchMean"}}),
    "yhat overwritten": (loss(loss_into_prediction), {"cce": {"BatchMean"}}),
    "yhat overwritten by the gradient": (gradient(into_prediction), {"gradient": {"OtherClasses"}}),
    "1e-5 in the gradient": (gradient(lambda y, p: -y / (p + 1e-5)), {"gradient": {"TrueClass", "OtherClasses"}}),
    "gradient clipped": (
        gradient(lambda y, p: np.clip(-y / p, -50, 50)),
        {"gradient": {"TrueClass", "OtherClasses"}},
    ),
    **{
        f"{extra} added to the sum": (
            forward(lambda z, extra=extra: np.exp(z - z.max(0)) / (extra + np.exp(z - z.max(0)).sum(axis=0))),
            {"forward": FORWARD},
        )
        for extra in (1, 0.1, 0.01)
    },
    "result rounded": (
        backward(lambda layer, g: np.round(Softmax.backward(layer, g), 2)),
        {"backward": {"OneSampleBack", "EachSampleItsOwn", "ColumnsSumToZero"}},
    ),
    "one-hot": (
        forward(one_hot_of_largest),
        {"forward": {"ColumnsSumToOne", "RatiosFollowScores", "WholeNumbers"}, "stable": {"LargeScores"}},
    ),
    "all alike": (
        forward(lambda z: np.ones(z.shape) / len(z)),
        {"forward": {"RatiosFollowScores", "WholeNumbers"}, "stable": {"LargeScores"}},
    ),
    "nothing": (
        forward(lambda z: z),
        {"forward": {"ColumnsSumToOne", "RatiosFollowScores", "WholeNumbers"}, "stable": {"LargeScores"}},
    ),
    **{
        f"probabilities rounded to {digits}": (
            forward(lambda z, digits=digits: np.round(Softmax().forward(z), digits)),
            {"forward": {"RatiosFollowScores"} if digits == 4 else FORWARD},
        )
        for digits in (2, 3, 4)
    },
    **{
        f"probabilities clipped at {least}": (
            forward(lambda z, least=least: np.clip(Softmax().forward(z), least, 1)),
            {"forward": FORWARD},
        )
        for least in (0.001, 0.005, 0.01)
    },
    "scores overwritten": (forward(softmax_in_place), {"forward": {"RatiosFollowScores"}}),
    "output of the first pass": ({"Softmax": ForwardOnce}, {"forward": {"RatiosFollowScores"}}),
    "output of the first pass with this shape": (
        {"Softmax": ForwardOnceForAShape},
        {"forward": {"RatiosFollowScores"}},
    ),
    "Jacobian of the first pass": (backward(jacobian_once), {"backward": {"EachSampleItsOwn"}}),
    "gradient overwritten": (backward(in_place), {"backward": {"EachSampleItsOwn"}}),
    "momentum": (dense(momentum), {"dense": {"WeightsMove", "BiasMoves"}}),
    "piled up": (dense(summed), {"dense": {"WeightsMove", "BiasMoves"}}),
    "learns once": (dense(once), {"dense": {"WeightsMove", "BiasMoves"}}),
}
for limit in (1, 5, 10):
    clip = lambda x, limit=limit: np.clip(x, -limit, limit)  # noqa: E731  # a name for each limit would say no more
    WRONG[f"backward clipped at {limit}"] = (
        backward(lambda layer, g, clip=clip: clip(Softmax.backward(layer, g))),
        {"backward": {"EachSampleItsOwn", "ColumnsSumToZero"}},
    )
    WRONG[f"step clipped at {limit}"] = (
        dense(lambda layer, g, clip=clip: clip(g @ layer.input.T)),
        {"dense": {"WeightsMove", "BiasMoves"}},
    )
WRONG["step of norm 1"] = (
    dense(lambda layer, g: limited_norm(g @ layer.input.T)),
    {"dense": {"WeightsMove", "BiasMoves"}},
)
SHIFTS: dict[str, Callable[[Any], Any]] = {
    "mean": lambda z: z.mean(axis=0),
    "smallest": lambda z: z.min(axis=0),
    "median": lambda z: np.median(z, axis=0),
    "first": lambda z: z[0],
    "last": lambda z: z[-1],
    "norm": lambda z: np.linalg.norm(z, axis=0),
    "largest of all": lambda z: z.max(),
    "mean of all": lambda z: z.mean(),
    "100": lambda z: 100,
    "nothing": lambda z: 0,
    "half": lambda z: z.max(axis=0) / 2,
    "middle": lambda z: (z.max(axis=0) + z.min(axis=0)) / 2,
}
WRONG |= {f"shift by {name}": (shifted(shift), {"stable": {"LargeScores"}}) for name, shift in SHIFTS.items()}

FORWARD_ALONE: dict[str, Callable[[Any], Any]] = {
    "rows": lambda z: np.exp(z - z.max(axis=0)) / np.exp(z - z.max(axis=0)).sum(axis=1, keepdims=True),
    "samples in rows": lambda z: (
        np.exp(z - z.max(axis=1, keepdims=True)) / np.exp(z - z.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True)
    ),
    "rows, shifted by the largest of all": lambda z: (
        np.exp(z - z.max()) / np.exp(z - z.max()).sum(axis=1, keepdims=True)
    ),
    "everything": lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "no exponential": lambda z: z / z.sum(axis=0),
    "scaled": lambda z: np.exp(z / z.max(axis=0)) / np.exp(z / z.max(axis=0)).sum(axis=0),
    "transposed": lambda z: Softmax().forward(z).T,
}
"""Wrong forwards in which nothing overflows."""


def right_code() -> dict[str, Code]:
    def asserts(y: Any, yhat: Any) -> Any:
        assert np.allclose(yhat.sum(axis=0), 1)
        return -np.sum(y * np.log(yhat)) / y.shape[1]

    def in_place_step(layer: Any, g: Any, rate: Any) -> Any:
        input_gradient = layer.weights[:, :-1].T @ g
        layer.weights -= rate * g @ layer.input.T
        return input_gradient

    class InPlace(Dense):
        def backward(self, output_gradient: Any, learning_rate: Any) -> Any:
            return in_place_step(self, output_gradient, learning_rate)

    def shift_in_place(z: Any) -> Any:
        z -= z.max(axis=0)
        return np.exp(z) / np.exp(z).sum(axis=0)

    return {
        "renormalises": mean_loss(lambda p: p / p.sum(axis=0)),
        "renormalises and clips, as Keras does": mean_loss(
            lambda p: np.clip(p / p.sum(axis=0), 1e-7, 1 - 1e-7),
        ),
        "asserts columns": loss(asserts),
        "array of one entry": loss(lambda y, p: np.mean(-np.sum(y * np.log(p), axis=0), keepdims=True)),
        **{f"{tiny:g} is added": mean_loss(lambda p, tiny=tiny: p + tiny) for tiny in (1e-6, 1e-8, 1e-12)},
        **{
            f"{tiny:g} is added in the gradient": gradient(lambda y, p, tiny=tiny: -y / (p + tiny))
            for tiny in (1e-6, 1e-8, 1e-12)
        },
        "indexed by the labels": gradient(
            lambda y, p: np.where(np.arange(len(y))[:, None] == y.argmax(axis=0), -1 / p, 0)
        ),
        "weights in place": {"Dense": InPlace},
        "scores shifted in place": forward(shift_in_place),
        "logsumexp": forward(lambda z: np.exp(z - np.logaddexp.reduce(np.asarray(z, dtype=float), axis=0))),
        "shifted twice": shifted(lambda z: z.min(axis=0) + (z - z.min(axis=0)).max(axis=0)),
        "a number above the largest": shifted(lambda z: z.max(axis=0) + 1),
    }


RIGHT = right_code()


def lost_at_desk(part: Part, code: Code) -> set[str]:
    report = checked(part, **code)
    return {found.statement.name for found in report.findings if found.state != "right" and found.statement.points}


def lost_at_grading(part: Part, code: Code, seed: int) -> set[str]:
    return {statement.name for statement in judged(part, code, seed).statements if statement.state != "right"}


def expected_losses(costs: dict[str, set[str]], code: Code) -> dict[str, set[str]]:
    parts = [part for part in ANSWER_KEY.parts if set(part.subjects) & set(code)]
    costs = {IN[name]: lost for name, lost in costs.items()}
    return {part.id: costs.get(part.id, set()) for part in parts}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_costs_its_statements_in_every_draw(name: str) -> None:
    code, costs = WRONG[name]
    for id, lost in expected_losses(costs, code).items():
        for seed in SEEDS:
            assert lost_at_grading(part_of(id), code, seed) == lost, (id, seed)


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_costs_the_same_at_the_desk(name: str) -> None:
    code, costs = WRONG[name]
    for id, lost in expected_losses(costs, code).items():
        if id in {IN[part] for part in costs}:
            assert lost_at_desk(part_of(id), code) == lost, id


@pytest.mark.parametrize("name", FORWARD_ALONE)
def test_a_wrong_forward_costs_nothing_for_large_scores(name: str) -> None:
    code = forward(FORWARD_ALONE[name])
    assert lost_at_desk(part_of(IN["stable"]), code) == set()
    for seed in SEEDS:
        assert lost_at_grading(part_of(IN["forward"]), code, seed) == lost_at_desk(part_of(IN["forward"]), code)
        assert lost_at_grading(part_of(IN["stable"]), code, seed) == set()


LAYERS = [part for part in ANSWER_KEY.parts if part.id != "check-train"]


def statements_lost(part: Part, subjects: tuple[object, ...], seed: int) -> set[str]:
    """What code loses at grading; quicker than a verdict, which also looks for the mistake."""
    drawn = drawn_for(part, seed)
    right, found = (outcomes(part, drawn, each) for each in (ANSWER_KEY.subjects(part), subjects))
    graded = [statement for statement in part.statements if statement.points]
    verdicts = judge_statements(graded, found, right, wrong_probes(graded, drawn, found, right))
    return {each.name for each in verdicts if each.state != "right"}


@pytest.mark.parametrize("part", LAYERS, ids=lambda part: part.id)
def test_a_mistake_of_the_catalogue_costs_the_same_in_every_draw_and_at_the_desk(part: Part) -> None:
    """Each mistake, in each way to write it, over draws of its own: together some thousand."""
    rng = np.random.default_rng(7)
    for mistake in (way for each in ANSWER_KEY.mistakes if each.part == part.id for way in each.ways):
        subjects = ANSWER_KEY.subjects(part, mistake)
        desk = lost_at_desk(part, dict(mistake.code))
        assert desk, mistake.name
        for seed in rng.integers(2**40, size=3):
            assert statements_lost(part, subjects, int(seed)) == desk, (mistake.name, int(seed))


def both(one: Mistake, other: Mistake) -> Code:
    """Code with two mistakes: in a layer's forward and its backward, or in two functions."""
    if "Softmax" not in one.code:
        return {**one.code, **other.code}
    backward = other.code["Softmax"].backward  # type: ignore[attr-defined]  # a layer
    return {"Softmax": type("Both", (one.code["Softmax"],), {"backward": backward})}  # type: ignore[arg-type]  # a class


def test_two_mistakes_cost_what_each_costs_in_every_draw_and_at_the_desk() -> None:
    """A mistake in forward and one in backward, or in the loss and its gradient, drawn at random."""
    rng = np.random.default_rng(11)
    of = {part.id: [each for each in ANSWER_KEY.mistakes if each.part == part.id] for part in LAYERS}
    for pair in [("forward", "backward"), ("stable", "backward"), ("cce", "gradient")] * 15:
        seed = int(rng.integers(2**40))
        mistakes = [of[IN[name]][rng.integers(len(of[IN[name]]))] for name in pair]
        code = both(*mistakes)
        for mistake in mistakes:
            part = part_of(mistake.part)
            alone = statements_lost(part, ANSWER_KEY.subjects(part, mistake), seed)
            subjects = tuple({**ANSWER_KEY.right, **code}[name] for name in part.subjects)
            names = [each.name for each in mistakes]
            assert statements_lost(part, subjects, seed) == alone, (names, seed)
            assert lost_at_desk(part, code) == alone, names


@pytest.mark.parametrize("name", RIGHT)
def test_right_code_keeps_all_points(name: str) -> None:
    code = RIGHT[name]
    for id in expected_losses({}, code):
        assert lost_at_desk(part_of(id), code) == set(), checked(part_of(id), **code)
        for seed in SEEDS:
            verdict = judged(part_of(id), code, seed)
            assert verdict.points == verdict.max_points
            assert verdict.mistake is None


def test_the_gradient_follows_a_loss_that_renormalises() -> None:
    code = {**RIGHT["renormalises"], "cce_gradient": cce_gradient}
    assert set(states(checked(part_of("check-cce-gradient"), **code)).values()) == {"right"}


def test_a_loss_of_earlier_calls_is_wrong_at_grading_as_at_the_desk() -> None:
    def code() -> Code:
        losses: list[float] = []

        def cce(y: Any, yhat: Any) -> Any:
            losses.append(-np.sum(y * np.log(yhat)) / y.shape[1])
            return np.mean(losses)

        return loss(cce)

    assert "wrong" in states(checked(part_of("check-cce"), **code())).values()
    assert judged(part_of("check-cce"), code()).points == 0


@pytest.mark.parametrize("off", [1.0002, 1.00003])
@pytest.mark.parametrize("kind", ["gradient", "backward", "dense"])
def test_the_desk_is_as_exact_as_the_judge(kind: str, off: float) -> None:
    code = {
        "gradient": gradient(lambda y, p: -off * y / p),
        "backward": backward(lambda layer, g: off * Softmax.backward(layer, g)),
        "dense": dense(lambda layer, g: off * g @ layer.input.T, lambda layer, g: off * g),
    }[kind]
    part = part_of(IN[kind])
    assert checked(part, **code).right == (off < 1.0001)
    for seed in SEEDS:
        assert (judged(part, code, seed).points == part.points) == (off < 1.0001)


def test_a_dense_layer_may_compute_in_float32_throughout() -> None:
    class Layer(Dense):
        def forward(self, input: Any) -> Any:
            self.weights = self.weights.astype(np.float32)  # type: ignore[assignment]  # what is tested
            self.input = np.vstack([input, np.ones((1, input.shape[1]))]).astype(np.float32)
            self.output = self.weights @ self.input
            return self.output

        def backward(self, output_gradient: Any, learning_rate: Any) -> Any:
            g = output_gradient.astype(np.float32)
            returned = self.weights[:, :-1].T.astype(np.float32) @ g
            self.weights = (self.weights - np.float32(learning_rate) * (g @ self.input.T)).astype(np.float32)
            return returned

    part = part_of("check-dense-backward")
    assert checked(part, Dense=Layer).right
    assert all(judged(part, {"Dense": Layer}, seed).points == part.points for seed in range(300))


class KeepsNoInput(Softmax):
    """Its backward reads self.input, which its forward, right as it is, doesn't set."""

    def forward(self, input: Any) -> Any:
        self.output = np.exp(input - input.max(axis=0)) / np.exp(input - input.max(axis=0)).sum(axis=0)
        return self.output

    def backward(self, output_gradient: Any, learning_rate: Any = None) -> Any:
        e = np.exp(self.input - self.input.max(axis=0))
        a = e / e.sum(axis=0)
        return a * (output_gradient - (a * output_gradient).sum(axis=0))


class KeepsTheInputWithoutOnes(Dense):
    def forward(self, input: Any) -> Any:
        self.input = input
        self.output = self.weights @ np.vstack([input, np.ones((1, input.shape[1]))])
        return self.output


class WithoutBias(Dense):
    """Its forward is wrong, and its backward right."""

    def forward(self, input: Any) -> Any:
        super().forward(input)
        self.output = self.weights[:, :-1] @ input
        return self.output


class RightForOneSample(Softmax):
    """Its forward raises an error for a batch."""

    def forward(self, input: Any) -> Any:
        self.input = input
        e = np.exp(input - max(input))
        self.output = e / e.sum(axis=0)
        return self.output


class OverwritesItsOutput(Softmax):
    def backward(self, output_gradient: Any, learning_rate: Any = None) -> Any:
        result = super().backward(output_gradient)
        self.output[:] = result
        return result


@pytest.mark.parametrize(
    ("kind", "code", "points"),
    [
        ("backward", {"Softmax": KeepsNoInput}, 0),
        ("backward", {"Softmax": RightForOneSample}, 3),
        ("backward", {"Softmax": OverwritesItsOutput}, 2),
        ("dense", {"Dense": KeepsTheInputWithoutOnes}, 0),
        ("dense", {"Dense": WithoutBias}, 4),
    ],
    ids=lambda value: next(iter(value.values())).__name__ if isinstance(value, dict) else None,
)
def test_what_a_right_forward_does_not_keep_costs_backward_at_the_desk_and_at_grading(
    kind: str, code: Code, points: int
) -> None:
    part = part_of(IN[kind])
    assert checked(part, **code).points == points
    for seed in SEEDS:
        assert judged(part, code, seed).points == points


def test_probabilities_that_vanish_for_large_scores_are_wrong_at_the_desk_as_at_grading() -> None:
    def output(z: Any) -> Any:
        e = np.exp(z - z.max(axis=0))
        return np.where(e.sum(axis=0) > 1, e / e.sum(axis=0), 0)

    part = part_of("check-softmax-stable")
    assert checked(part, **forward(output)).points == judged(part, forward(output)).points == 0


def that_keeps(part: str) -> Code:
    """Code that computes once for each shape, and gives the same ever after."""
    kept: dict[tuple[int, ...], Any] = {}

    class Forward(Softmax):
        def forward(self, input: Any) -> Any:
            self.input = input
            self.output = kept.setdefault(input.shape, Softmax().forward(input))
            return self.output

    class Backward(Softmax):
        def backward(self, output_gradient: Any, learning_rate: Any = None) -> Any:
            self.output = kept.setdefault(self.output.shape, self.output)
            return super().backward(output_gradient)

    codes: dict[str, Code] = {
        "check-cce": loss(lambda y, p: kept.setdefault(y.shape, -np.sum(y * np.log(p)) / y.shape[1])),
        "check-cce-gradient": gradient(lambda y, p: kept.setdefault(y.shape, -y / p)),
        "check-softmax-forward": {"Softmax": Forward},
        "check-softmax-backward": {"Softmax": Backward},
    }
    return codes[part]


@pytest.mark.parametrize("id", ["cce", "cce-gradient", "softmax-forward", "softmax-backward"])
def test_what_code_keeps_of_an_earlier_call_of_the_same_shape_shows(id: str) -> None:
    part = part_of(f"check-{id}")
    assert "wrong" in states(checked(part, **that_keeps(part.id))).values()
    for seed in SEEDS:
        assert judged(part, that_keeps(part.id), seed).points < part.points


@pytest.mark.parametrize(
    "code",
    [
        loss(lambda y, p: -sum(y[k] @ np.log(p[k]) for k in range(3)) / y.shape[1]),
        loss(lambda y, p: -sum(y[k] @ np.log(p[k]) for k in range(4)) / y.shape[1]),
        loss(lambda y, p: -np.sum(y * np.log(np.clip(p, 1e-9, 0.9))) / y.shape[1]),
        gradient(lambda y, p: np.vstack([-y[:4] / p[:4], 0 * y[4:]])),
        gradient(lambda y, p: -y / np.minimum(p, 0.9)),
        gradient(lambda y, p: -(y.T if len(y) == len(y.T) else y) / p),
    ],
)
def test_classes_that_are_left_out_and_probabilities_that_are_cut_off_show_in_every_draw(code: Code) -> None:
    part = part_of("check-cce" if "cce" in code else "check-cce-gradient")
    assert "wrong" in states(checked(part, **code)).values()
    for seed in SEEDS:
        assert judged(part, code, seed).points < part.points


def test_a_layer_that_keeps_its_first_batch_for_all_of_that_shape_is_wrong() -> None:
    class Layer(Softmax):
        def forward(self, input: Any) -> Any:
            self.first = getattr(self, "first", input)
            return super().forward(self.first if self.first.shape == input.shape else input)

    part = part_of("check-softmax-forward")
    assert checked(part, Softmax=Layer).points == judged(part, {"Softmax": Layer}).points < part.points
