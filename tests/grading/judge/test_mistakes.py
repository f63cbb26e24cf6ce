"""The catalogue, certified: every mistake is found by its numbers, gets its own hint, and costs its own part alone."""

from itertools import combinations

import numpy as np
import pytest

from lib.answer_key import Mistake
from lib.checking.answers import Outcome
from lib.checking.local_checks import examine
from lib.data import blobs, standardise
from lib.grading.judge.challenge import drawn_for
from lib.grading.judge.comparison import agree, outcomes
from lib.grading.judge.judge import judge
from lib.unit import Part
from lib.units.softmax_classifier import cce, data
from lib.units.softmax_classifier.closed import ANSWER_KEY
from lib.units.softmax_classifier.closed.training import change_loop, train
from tests.grading.judge.test_judge import judged, part_of

SEEDS = (1, 2**47 + 11)
MISTAKES = ANSWER_KEY.mistakes
each = pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake.part}: {mistake.name}")

NAMED: dict[int, tuple[str, ...]] = {
    1: ("The sum runs over axis 1: each row sums to 1, not each column",),
    2: ("The whole matrix sums to 1",),
    3: ("The sum runs over axis 1, without keepdims",),
    4: ("Large scores overflow",),
    5: ("The output is written into an array of integers",),
    6: ("The output is the sigmoid of each score, not softmax",),
    7: ("Softmax is applied twice",),
    8: ("The exponential is missing",),
    9: ("The minus sign is missing",),
    10: ("The loss is the mean over all entries of the matrix",),
    11: ("The loss is the sum over the batch, not its mean",),
    12: ("The loss is divided by the number of classes",),
    13: ("The logarithm has base 2", "The logarithm has base 10"),
    14: ("y and yhat are swapped",),
    15: ("A matrix product mixes the classes", "A matrix product mixes the samples"),
    17: ("The gradient has the wrong sign",),
    18: ("The gradient is y - yhat",),
    19: ("The gradient is yhat - y, which belongs to the scores, not to yhat",),
    20: ("The one-hot y is missing: every class gets a gradient",),
    21: ("Only the diagonal of the Jacobian is used",),
    22: ("The Jacobian is computed from the layer's input, not from its output",),
    23: ("backward returns the incoming gradient unchanged",),
    24: ("The off-diagonal entries of the Jacobian have the wrong sign",),
    25: ("The result is 0 everywhere, as if the sum ran over the wrong axis of the Jacobian",),
    26: (
        "The sum runs over the samples too: the result is one column",
        "The sum runs over the samples too, and every sample gets the same column",
    ),
    28: ("All samples use one Jacobian, averaged over the batch",),
    29: ("The product is the transpose of the weights' gradient",),
    30: (
        "The factors are multiplied entry by entry",
        "The Jacobian is multiplied entry by entry, and nothing is summed",
    ),
    31: (
        "The gradient is divided by the batch size",
        "The result is divided by the batch size",
        "The step is divided by the batch size",
        "1/B is missing",
        "1/B is applied twice",
    ),
    32: ("The weights are updated before the input's gradient is computed",),
    33: ("The bias never changes", "The bias is left out of the update"),
    37: (
        "The labels always come from the first columns of y",
        "The loss gets the labels of the first columns",
        "The loss gradient gets the labels of the first columns",
    ),
    38: ("The short last batch is left out", "1/B uses batch_size, also for the short last batch"),
    41: (
        "The loss is not reset between epochs",
        "All batches count the same in the epoch's loss, also the short one",
        "The epoch's loss is divided by the batch size",
        "The epoch's loss is divided by the number of full batches",
    ),
    42: ("There is one epoch too many", "There is one epoch too few"),
}
"""What people are known to get wrong, by its number in the list that the catalogue began with, and its names there."""

X = standardise(blobs(num_samples=90, seed=1)[0])
Y = np.eye(3)[blobs(num_samples=90, seed=1)[1]].T  # as `one_hot` gives it, without TensorFlow
SHUFFLED = X[:, np.random.default_rng(0).permutation(90)]
AT_THE_DESK: dict[str, tuple[Part, tuple[object, ...], str]] = {
    "16, the logarithm of 0": (cce, (lambda y, p: -np.sum(y * np.log(p)) / y.shape[1],), "ZeroProbability"),
    "34, samples in rows": (data, (X, Y.T), "Columns"),
    "36, X and y shuffled apart": (data, (SHUFFLED, Y), "LabelsDependOnFeatures"),
    "39, a batch larger than the data": (data, (X, Y, 91), "SettingsCanLearn"),
    "43, too small a rate": (data, (X, Y, 16, 1e-6), "SettingsCanLearn"),
    "43, too large a rate": (data, (X, Y, 16, 1e4), "SettingsCanLearn"),
}
"""Those that cost no points, in the same list: a check at the desk says so."""

NOT_EVEN_SHIFTED = {
    "The output is 1 for the largest score, and 0 elsewhere",
    "The output is the number of the largest class",
    "The output is the scores",
    "The exponential is missing in the numerator",
    "The exponentials are divided by the sum of the scores",
    "The sum is taken before the exponential",
    "The sigmoids of the scores are normalised, not their exponentials",
    "The scores are normalised by row before the exponential",
    "The largest score is subtracted in the numerator only",
    "The largest score is subtracted in the denominator only",
    "The largest score is subtracted from the exponentials, not from the scores",
    "Only one sample's probabilities are kept",
    "self.output is missing",
}
"""These overflow when a sample's scores are shifted, or are no exponentials: they cost the large scores as well."""
PARTS = pytest.mark.parametrize("part", ANSWER_KEY.parts, ids=lambda part: part.id)


@pytest.mark.parametrize("number", NAMED)
def test_every_known_mistake_is_found_by_its_name(number: int) -> None:
    for name in NAMED[number]:
        [*mistakes] = [mistake for mistake in MISTAKES if mistake.name == name]
        assert mistakes, f"{name} is not in the catalogue"
        for mistake in mistakes:
            found = judged(part_of(mistake.part), mistake.code).mistake
            assert found is not None and found.name in {name, *mistake.same_as}


@pytest.mark.parametrize(("part", "subjects", "statement"), AT_THE_DESK.values(), ids=AT_THE_DESK)
def test_what_costs_no_points_is_found_at_the_desk(part: Part, subjects: tuple[object, ...], statement: str) -> None:
    report = examine(part, subjects)
    assert [found.statement.name for found in report.findings if found.state == "advice"] == [statement]
    assert report.right


def ways_of(part: Part) -> list[Mistake]:
    """The mistakes of a part, each in every way of writing it."""
    return [way for mistake in MISTAKES if mistake.part == part.id for way in mistake.ways]


@PARTS
def test_each_gets_its_own_hint(part: Part) -> None:
    for number, mistake in enumerate(ways_of(part)):
        verdict = judged(part, mistake.code, number * 7919)
        assert verdict.points < verdict.max_points, mistake.name
        assert verdict.mistake is not None, mistake.name
        if mistake.same_as:
            assert verdict.mistake.name in mistake.same_as
        else:
            assert (verdict.mistake.name, verdict.mistake.hint) == (mistake.name, mistake.hint)


@each
def test_it_costs_once(mistake: Mistake) -> None:
    for part in ANSWER_KEY.parts:
        if part.id == mistake.part or not set(mistake.code) & set(part.subjects):
            continue
        if part.id == "check-softmax-stable" and mistake.name in NOT_EVEN_SHIFTED:
            continue
        verdict = judged(part, mistake.code)
        assert verdict.points == verdict.max_points, part.id
        assert verdict.mistake is None


@PARTS
def test_those_with_the_same_numbers_say_so(part: Part) -> None:
    ours = ways_of(part)
    prints = [fingerprint(mistake) for mistake in ours]
    same = {(mistake.name, name) for mistake in ours for name in mistake.same_as}
    found = set()
    for (second, its), (first, others) in combinations(reversed([*zip(ours, prints, strict=True)]), 2):
        if first.name != second.name and all(agree(a, b, alike=True) for a, b in zip(its, others, strict=True)):
            found.add((second.name, first.name))
    assert found == same


def fingerprint(mistake: Mistake) -> list[Outcome]:
    """What the mistaken code gives for two challenges, on every probe."""
    part = part_of(mistake.part)
    runs = [outcomes(part, drawn_for(part, seed), ANSWER_KEY.subjects(part, mistake)) for seed in SEEDS]
    return [outcome for run in runs for probes in run.values() for outcome in probes.values()]


def test_names_and_hints_are_sentences_for_a_student() -> None:
    for part in ANSWER_KEY.parts:
        names = [mistake.name for mistake in MISTAKES if mistake.part == part.id]
        assert len(set(names)) == len(names) > 3
    for mistake in MISTAKES:
        assert not mistake.name.endswith(".")
        assert mistake.hint.endswith((".", "?"))
        assert 10 < len(mistake.hint) < 140
        assert len(mistake.name) < 90


def test_a_mistake_that_comes_together_with_another_is_in_the_catalogue_with_it() -> None:
    names = {mistake.name for mistake in MISTAKES}
    assert any(mistake.together_with for mistake in MISTAKES)
    for mistake in MISTAKES:
        assert {f"{mistake.name}, and {extra}" for extra in mistake.together_with} <= names


def test_the_loop_is_right_before_anything_is_changed() -> None:
    assert judged(part_of("check-train"), {"train": train}).points == 4
    assert judged(part_of("check-train"), {"train": change_loop()}).points == 4


def test_a_change_that_changes_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no 'nowhere' to change"):
        change_loop(("nowhere", "here"))


def test_a_mistake_is_found_behind_another_parts_mistake() -> None:
    """Softmax's wrong forward garbles what its wrong backward gives; on the given attributes it shows all the same."""
    wrong = {mistake.name: mistake.code["Softmax"] for mistake in MISTAKES if "Softmax" in mistake.code}

    class Both(wrong["Only the diagonal of the Jacobian is used"]):
        forward = wrong["The whole matrix sums to 1"].forward

    for id, name in (
        ("check-softmax-forward", "The whole matrix sums to 1"),
        ("check-softmax-backward", "Only the diagonal of the Jacobian is used"),
    ):
        verdict = judged(part_of(id), {"Softmax": Both})
        assert verdict.mistake is not None and verdict.mistake.name == name


def test_a_mistake_is_found_in_float32_too() -> None:
    code = {"cce": lambda y, yhat: -np.sum(y.astype(np.float32) * np.log2(yhat.astype(np.float32))) / y.shape[1]}
    verdict = judged(part_of("check-cce"), code)
    assert verdict.mistake is not None and verdict.mistake.name == "The logarithm has base 2"


def test_an_error_about_shapes_tells_a_mistake_if_it_is_the_same_error() -> None:
    right = ANSWER_KEY.right["Dense"]

    class NoBias(right):
        def backward(self, output_gradient, learning_rate):
            self.weights = self.weights - learning_rate * output_gradient.dot(self.input[:-1].T)

    class Mixed(right):
        def backward(self, output_gradient, learning_rate):
            self.weights = self.weights - np.zeros((2, 99))

    found = judged(part_of("check-dense-backward"), {"Dense": NoBias}).mistake
    assert found is not None and found.name == "The row of ones is left out of the product"
    assert judged(part_of("check-dense-backward"), {"Dense": Mixed}).mistake is None


def test_errors_alone_name_no_mistake() -> None:
    code = {"cce": lambda y, yhat: 1 / 0}
    assert judged(part_of("check-cce"), code).mistake is None
    garbage = {"OneSample": {"": {"failure": "error"}}, "BatchMean": {"": {"failure": "error"}}}
    assert judge(ANSWER_KEY, part_of("check-cce"), 1, garbage).mistake is None


@pytest.mark.parametrize(
    "code",
    [
        lambda y, p: -np.sum(np.log(y * p)) / y.shape[1],
        lambda y, p: -np.sum(y * np.log(p * 0)) / y.shape[1],
        lambda y, p: np.inf,
        lambda y, p: np.sum(p / y),
        lambda y, p: np.nan,
    ],
)
def test_an_infinite_loss_is_not_taken_for_swapped_arguments(code) -> None:
    mistake = judged(part_of("check-cce"), {"cce": code}).mistake
    assert mistake is None or "swapped" not in mistake.name


def test_swapped_arguments_are_found_though_the_loss_is_infinite() -> None:
    verdict = judged(part_of("check-cce"), {"cce": lambda y, p: np.mean(np.sum(p * -np.log(y), axis=0))})
    assert verdict.mistake is not None and verdict.mistake.name == "y and yhat are swapped"


def test_a_mistake_explains_all_that_is_wrong_in_a_statement() -> None:
    """Right for one batch and wrong for another one: the mistake that is wrong for both isn't named."""
    code = {"cce": lambda y, p: -np.sum(y * np.log(p)) / (y.shape[0] if y.shape[1] == 7 else 1)}
    assert judged(part_of("check-cce"), code).mistake is None
