"""The catalogue, certified: every mistake is found by its numbers, gets its own hint, and costs its own part alone."""

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from lib.answer_key import Mistake
from lib.checking.answers import Outcome
from lib.checking.local_checks import examine
from lib.grading.judge.challenge import drawn_for
from lib.grading.judge.comparison import agree, outcomes
from lib.reference import Dense
from lib.unit import Part
from lib.units.softmax_classifier.closed import ANSWER_KEY
from lib.units.softmax_classifier.closed.training import change_loop, train
from tests.grading.judge.test_judge import judged, part_of
from tests.units.softmax_classifier.loops import LOOP
from tests.variants import written

SEEDS = (1, 2**47 + 11)
MISTAKES = ANSWER_KEY.mistakes
PARTS = pytest.mark.parametrize("part", ANSWER_KEY.parts, ids=lambda part: part.id)

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


def test_what_costs_no_points_is_found_at_the_desk() -> None:
    report = examine(part_of("check-cce"), (lambda y, p: -np.sum(y * np.log(p)) / y.shape[1],))
    assert [found.statement.name for found in report.findings if found.state == "advice"] == ["ZeroProbability"]
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


@PARTS
def test_a_mistake_of_another_part_costs_nothing_here(part: Part) -> None:
    others = [each for each in MISTAKES if each.part != part.id and set(each.code) & set(part.subjects)]
    costly = {each.name for each in others if judged(part, each.code).points < part.points}
    assert costly == (NOT_EVEN_SHIFTED if part.id == "check-softmax-stable" else set())


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
        both = [
            f"{each.name}, and {extra}" for each in MISTAKES if each.part == part.id for extra in each.together_with
        ]
        assert {*both} <= {*names}, "a mistake that comes together with another is in the catalogue with it"
    for mistake in MISTAKES:
        assert not mistake.name.endswith(".")
        assert mistake.hint.endswith((".", "?"))
        assert 10 < len(mistake.hint) < 140
        assert len(mistake.name) < 90


def test_the_loop_is_right_before_anything_is_changed_and_a_change_that_changes_nothing_is_refused() -> None:
    for loop in (train, change_loop()):
        assert judged(part_of("check-train"), {"train": loop}).points == 4
    with pytest.raises(ValueError, match="no 'nowhere' to change"):
        change_loop(("nowhere", "here"))


def loss(source: str) -> Mapping[str, object]:
    return written(f"def cce(y, p):\n    return {source}")


def dense(backward: Callable[..., Any]) -> Mapping[str, object]:
    return {"Dense": type("Dense", (Dense,), {"backward": backward})}


def softmax(forward: str, backward: str) -> Mapping[str, object]:
    """A layer with two mistakes of the catalogue."""
    wrong: Any = {mistake.name: mistake.code["Softmax"] for mistake in MISTAKES if "Softmax" in mistake.code}
    return {"Softmax": type("Softmax", (wrong[backward],), {"forward": wrong[forward].forward})}


def update_without_ones(self: Any, output_gradient: Any, learning_rate: Any) -> None:
    self.weights = self.weights - learning_rate * output_gradient.dot(self.input[:-1].T)


def update_by_another_shape(self: Any, output_gradient: Any, learning_rate: Any) -> None:
    self.weights = self.weights - np.zeros((2, 99))


def returns_another_shape(self: Any, output_gradient: Any, learning_rate: Any) -> Any:
    Dense.backward(self, output_gradient, learning_rate)
    return np.zeros((7, 1))


BOTH = softmax("The whole matrix sums to 1", "Only the diagonal of the Jacobian is used")
LOSSES_AS_TEXT = LOOP.replace("losses.append(loss)", "losses.append('%.3f' % loss)")
TWICE_WRONG = LOOP.replace("(1 / len(batch)) * ", "").replace("len(batch) / num_samples * ", "")


@pytest.mark.parametrize(
    ("id", "code", "name"),
    [
        # two in one part aren't taken for a third: both together may have a name, or one that explains more is named
        ("cce", loss("-np.sum(y * np.log2(p))"), "The logarithm has base 2, and it is summed, not averaged"),
        ("cce", loss("-np.sum(y * np.log2(p + 0.5)) / len(y)"), None),
        ("train", written(TWICE_WRONG), "1/B is missing"),
        # behind another part's mistake, which garbles what this one gives
        ("softmax-forward", BOTH, "The whole matrix sums to 1"),
        ("softmax-backward", BOTH, "Only the diagonal of the Jacobian is used"),
        # right for one batch, and wrong for another one: a mistake has to explain all that is wrong in a statement
        ("cce", loss("-np.sum(y * np.log(p)) / (y.shape[0] if y.shape[1] == 7 else 1)"), None),
        ("cce", loss("-np.sum(y.astype('f') * np.log2(p.astype('f'))) / y.shape[1]"), "The logarithm has base 2"),
        # an infinite loss may come from any mistake
        ("cce", loss("np.mean(np.sum(p * -np.log(y), axis=0))"), "y and yhat are swapped"),
        ("cce", loss("np.inf"), None),
        ("cce", loss("np.nan"), None),
        ("cce", loss("np.sum(p / y)"), None),
        ("cce", loss("-np.sum(y * np.log(p * 0)) / y.shape[1]"), None),
        ("cce", loss("-np.sum(np.log(y * p)) / y.shape[1]"), "y is inside the logarithm"),
        # an error tells a mistake if it is the same error about the same shapes
        ("dense-backward", dense(update_without_ones), "The row of ones is left out of the product"),
        ("dense-backward", dense(update_by_another_shape), None),
        ("cce", loss("1 / 0"), None),
        # a wrong shape or type isn't the name of a mistake with another one
        ("dense-backward", dense(returns_another_shape), None),
        ("train", written(LOSSES_AS_TEXT), None),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_a_mistake_is_named_only_where_it_explains_what_is_wrong(
    id: str, code: Mapping[str, object], name: str | None, seed: int
) -> None:
    verdict = judged(part_of(f"check-{id}"), code, seed)
    assert verdict.points < verdict.max_points
    assert (verdict.mistake and verdict.mistake.name) == name
