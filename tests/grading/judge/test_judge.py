"""The judge: right code earns everything in any style, garbage earns and stops nothing, parts stand apart."""

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.answer_key import AnswerKey
from lib.blanks import OpenBlank
from lib.checking.answers import answer, decode, encode, pack, unpack
from lib.checking.dispatch import Check
from lib.checking.error_hints import hint_for
from lib.checking.render import NOT_TESTED
from lib.checking.student_code import Failure
from lib.checking.values import FIND_NAN, FIND_SHAPE
from lib.grading.judge.challenge import challenge, drawn_for, seed_of
from lib.grading.judge.comparison import outcomes, right_outcomes
from lib.grading.judge.judge import Answers, judge
from lib.grading.judge.verdict import (
    DIFFERENT_SHAPE,
    NOT_FINITE,
    PartVerdict,
    StatementVerdict,
    html,
    items,
)
from lib.reference import Dense, Softmax, cce
from lib.unit import Part, Unit
from lib.units.hidden_layer.closed import ANSWER_KEY as HIDDEN_LAYER
from lib.units.softmax_classifier.closed import ANSWER_KEY, training
from lib.units.softmax_classifier.errors import IN_LOOPS, MEANINGS, Meaning, hints_of
from lib.units.softmax_classifier.loop.calls import calls
from tests.grading.relu_unit import ANSWER_KEY as RELU
from tests.units.softmax_classifier.loops import LOOP, loop
from tests.variants import BY_PART, released, written

parts = pytest.mark.parametrize("part", ANSWER_KEY.parts, ids=lambda part: part.id)
some = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


LOSSES_AS_TEXT = """
def train(X, y, learning_rate, batch_size, nepochs):
    dense, softmax, losses = Dense(len(X), len(y)), Softmax(), []
    for _ in range(nepochs):
        loss = 0
        for batch in generate_batch_indices(X.shape[1], batch_size):
            softmax.forward(dense.forward(X[:, batch]))
            loss += len(batch) / X.shape[1] * cce(y[:, batch], softmax.output)
            gradient = softmax.backward(cce_gradient(y[:, batch], softmax.output))
            dense.backward(gradient / len(batch), learning_rate)
        losses.append('%.3f' % loss)
    return dense, softmax, losses
"""


def _returning(base: type, result: Any) -> type:
    """A dense layer that moves its weights as it should, and returns something else."""

    class Layer(base):  # type: ignore[misc, valid-type]  # any layer
        def backward(self, output_gradient: Any, learning_rate: Any) -> Any:
            super().backward(output_gradient, learning_rate)
            return result(self, output_gradient)

    return Layer


def given_by(part: Part, code: Mapping[str, object], seed: int = 1, unit: AnswerKey = ANSWER_KEY) -> Answers:
    """What a notebook with `code` in it answers: both ways through JSON, as between the judge and a kernel."""
    laid = json.loads(json.dumps(challenge(unit, seed)))["parts"][part.id]
    drawn = {name: unpack(array) for name, array in laid.items()}
    objects = {**unit.right, **code}
    answered = answer(part, drawn, tuple(objects[name] for name in part.subjects))
    answers: Answers = json.loads(json.dumps(answered, allow_nan=False))
    return answers


def judged(part: Part, code: Mapping[str, object], seed: int = 1, unit: AnswerKey = ANSWER_KEY) -> PartVerdict:
    return judge(unit, part, seed, given_by(part, code, seed, unit))


def states(verdict: PartVerdict) -> dict[str, str]:
    return {statement.name: statement.state for statement in verdict.statements}


def part_of(id: str) -> Part:
    part = ANSWER_KEY.part(id)
    assert part is not None
    return part


@parts
@pytest.mark.parametrize("seed", range(20))
def test_what_is_known_of_right_code_is_what_comes_of_running_it(part: Part, seed: int) -> None:
    """To the last digit, and in the same order."""
    drawn = drawn_for(part, seed)
    known, found = right_outcomes(ANSWER_KEY, part, drawn), outcomes(part, drawn, ANSWER_KEY.subjects(part))
    for statement, probes in found.items():
        for probe, outcome in probes.items():
            np.testing.assert_array_equal(known[statement][probe], outcome)
    assert {name: [*probes] for name, probes in known.items()} == {name: [*probes] for name, probes in found.items()}


@parts
def test_the_reference_earns_everything(part: Part) -> None:
    verdict = judged(part, {})
    assert verdict.points == verdict.max_points == part.points
    assert verdict.mistake is None
    assert not verdict.problem


@parts
@some
@given(data=st.data(), seed=st.integers(0, 2**48 - 1))
def test_right_code_earns_everything_whatever_its_style(part: Part, data: st.DataObject, seed: int) -> None:
    verdict = judged(part, data.draw(BY_PART[part.id]), seed)
    assert verdict.points == verdict.max_points, verdict.statements
    assert verdict.mistake is None


KEYS = ["shape", "values", "failure", "text", "line", "hint", "", "blank", "time"]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["nan", "inf", "-inf", 10**400]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@parts
@some
@given(data=st.data())
def test_garbage_earns_nothing_and_raises_nothing(part: Part, data: st.DataObject) -> None:
    names = {
        statement.name: st.dictionaries(st.sampled_from(probes_of(part, statement.name)), JSON | records(), max_size=9)
        for statement in part.statements
    }
    garbage = data.draw(st.fixed_dictionaries({}, optional=names) | JSON)
    verdict = judge(ANSWER_KEY, part, 1, garbage)
    assert verdict.points == 0
    json.dumps(verdict.answer, allow_nan=False)


def records() -> st.SearchStrategy[Any]:
    """Records that look like arrays or failures, and are neither."""
    shape = st.lists(st.integers(-1, 10**7) | JSON, max_size=40)
    return (
        st.fixed_dictionaries({"shape": shape | JSON, "values": st.lists(JSON, max_size=9) | JSON})
        | st.fixed_dictionaries({"shape": shape | JSON, "float64": st.text() | JSON})
        | st.fixed_dictionaries({"failure": JSON, "text": JSON, "line": JSON, "hint": JSON})
    )


def probes_of(part: Part, statement: str) -> list[str]:
    found = next(each for each in part.statements if each.name == statement)
    return ["", "nonsense", *found.probes(drawn_for(part, 1), *ANSWER_KEY.subjects(part))]


@pytest.mark.parametrize(
    "record",
    [
        {"shape": [100_000] * 8, "values": []},
        {"shape": [10**30, 0], "values": []},
        {"shape": [True], "values": [1.0]},
        {"shape": [1], "values": [True]},
        {"shape": [1], "values": [10**400]},
        {"shape": [1], "values": [1e301]},
        {"shape": [1], "values": ["infinity"]},
        {"shape": [1], "values": [[1.0]]},
        {"shape": [200_000], "values": [0.0] * 200_000},
        {"shape": {"0": 1}, "values": "1"},
        {"shape": [1], "float64": "no letters of base64: \ud800"},
        {"shape": [1], "float64": "AAAA"},  # three bytes
        {"shape": [2], "float64": 2 * pack(np.ones(1))["float64"]},
        {"shape": [], "float64": pack(np.array(1e301))["float64"]},
        {"shape": [200_000], **pack(np.zeros(200_000))},
        {**pack(np.ones(1)), "shape": None},
        {"failure": "blank", "text": ["\ud800"] * 9, "line": {}, "hint": []},
        {"failure": "\ud800", "text": "\ud800" * 1000, "line": "\ud800", "hint": "\ud800"},
        "nan",
    ],
)
def test_a_record_that_is_no_array_is_worth_nothing_and_can_be_kept(record: object) -> None:
    part = part_of("check-cce")
    verdict = judge(ANSWER_KEY, part, 1, {"OneSample": {"loss": record}, "BatchMean": {"": record}})
    assert verdict.points == 0
    assert all(statement.why for statement in verdict.statements)
    assert len(json.dumps(verdict.answer)) < 3000
    verdict.statements[0].why.encode()


def test_deeply_nested_json_is_worth_nothing() -> None:
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]
    verdict = judge(
        ANSWER_KEY,
        part_of("check-cce"),
        1,
        {"OneSample": {"loss": {"shape": nested, "values": nested, "failure": nested}}},
    )
    assert verdict.points == 0


def test_a_forged_answer_must_be_right_to_win() -> None:
    part = part_of("check-cce")
    right, other = given_by(part, {}, seed=1), given_by(part, {}, seed=2)
    assert judge(ANSWER_KEY, part, 1, right).points == 2
    assert judge(ANSWER_KEY, part, 1, other).points == 0


SAME_IN_EVERY_DRAW = {"ColumnsSumToOne"}
"""A statement that code fulfils, too, which looks at nothing: it gives each class the same share."""


@pytest.mark.parametrize("key", [ANSWER_KEY, HIDDEN_LAYER], ids=lambda key: str(key.unit.name))
def test_what_was_right_in_one_draw_is_wrong_in_another(key: AnswerKey) -> None:
    """Else a notebook without any code of its own could show it: once for all, what it is stands in the check."""
    for part in key.parts:
        given = given_by(part, key.right, seed=1, unit=key)
        verdict = judge(key, part, 2, given)
        right = {each.name for each in verdict.statements if each.state == "right"}
        assert right <= SAME_IN_EVERY_DRAW, part.id


def test_no_answer_is_not_a_wrong_one() -> None:
    verdict = judge(ANSWER_KEY, part_of("check-cce"), 1, None, problem="The kernel died.")
    assert set(states(verdict).values()) == {"not checked"}
    assert (verdict.points, verdict.problem, verdict.mistake) == (0, "The kernel died.", None)
    assert judge(ANSWER_KEY, part_of("check-cce"), 1, None).problem == "The check gave no answer."


def test_trouble_is_told_with_the_students_line() -> None:
    code = written("def cce(y, yhat):\n    return y.reshape(99, 99)")
    first, second = judged(part_of("check-cce"), code).statements
    assert first.state == second.state == "wrong"
    assert "It raised ValueError" in first.why
    assert ". Your line 2: return y.reshape(99, 99)" in first.why


def test_what_to_try_is_said_where_no_mistake_has_a_name() -> None:
    """It is what the check says at the desk: the statement's own hint, or what fits the exception."""
    part = part_of("check-cce")
    unnamed = judged(part, {"cce": lambda y, yhat: 7.0})
    assert unnamed.mistake is None
    assert [each.hint for each in unnamed.statements] == [each.hint for each in part.statements if each.points]
    named = judged(part, written("def cce(y, yhat):\n    return -np.sum(y * np.log(yhat))"))
    assert named.mistake is not None and not named.hints, "the mistake has a hint of its own"
    failed = judged(part, written("def cce(y, yhat):\n    return (y @ yhat).mean()"))
    assert failed.hints[0] == hint_for(Failure("error", failed.statements[0].why.partition(" Your")[0]))


def test_where_numbers_are_nan_the_hint_is_about_nan_and_is_the_desks() -> None:
    """A statement's own hint is for numbers; of one that is about overflow it is for nan as well."""
    part = part_of("check-cce")
    code = {"cce": lambda y, yhat: np.sum(y * np.log(-yhat)) / y.shape[1]}
    verdict = judged(part, code)
    assert verdict.mistake is None and [each.hint for each in verdict.statements] == 2 * [FIND_NAN]
    desk = Check(part)(code["cce"])
    assert FIND_NAN in " ".join(str(desk).split()) and part.statements[0].hint not in " ".join(str(desk).split())

    class Lost(Softmax):
        def forward(self, input: Any) -> Any:
            self.output = input * np.nan
            return self.output

    forward = part_of("check-softmax-forward")
    assert set(judged(forward, {"Softmax": Lost}).hints) == {FIND_NAN}
    told = " ".join(str(Check(forward)(Lost)).split())
    assert "A column does not sum to 1." in told and FIND_NAN in told, "also where the desk knows a hint for numbers"

    class Overflows(Softmax):
        def forward(self, input: Any) -> Any:
            self.output = input * (np.inf if abs(input).max() > 500 else 1)
            return self.output

    stable = part_of("check-softmax-stable")
    assert judged(stable, {"Softmax": Overflows}).hints == [stable.statements[0].hint]


def test_where_a_shape_differs_the_hint_is_about_shapes() -> None:
    part = part_of("check-cce-gradient")
    code = {"cce_gradient": lambda y, yhat: np.stack([-y / yhat, yhat])}
    verdict = judged(part, code)
    assert verdict.mistake is None and verdict.hints == [FIND_SHAPE]
    assert part.statements[0].hint not in " ".join(str(Check(part)(code["cce_gradient"], cce)).split())


@pytest.mark.parametrize(
    ("id", "source", "hint"),
    [
        ("check-cce", "def cce(y, yhat):\n    return -np.sum(y * np.log(max(yhat, 1e-7)))", "np.maximum"),
        (
            "check-cce",
            "def cce(y, yhat):\n    return -np.sum(y * np.log(y_hat))",
            "Compare its spelling with the names",
        ),
        ("check-cce-gradient", "def cce_gradient(yhat):\n    return -1 / yhat", "Count the arguments"),
        (
            "check-softmax-forward",
            "class Softmax:\n    def forward(input):\n        return np.exp(input)",
            "Write self as the first parameter",
        ),
        ("check-train", loop(("X[:, batch]", "X[batch]")), "Columns are samples"),
        ("check-train", loop((", learning_rate)\n", ")\n")), "Compare the call with the first line of the function"),
        ("check-train", loop(("batch_indices:", "range(len(batch_indices)):")), "Print batch in the loop"),
    ],
)
def test_an_error_that_is_explained_has_one_thing_to_try_which_is_the_desks(id: str, source: str, hint: str) -> None:
    part = part_of(id)
    code = {name: written(source)[name] for name in part.subjects}
    verdict, desk = judged(part, code), Check(part)(*code.values())
    assert verdict.mistake is None and " Found " in verdict.statements[0].why
    assert hint in " ".join(str(desk).split()) and verdict.hints
    assert all(hint in each for each in verdict.hints)


@pytest.mark.parametrize("meaning", [*MEANINGS, *IN_LOOPS], ids=lambda meaning: meaning.what)
def test_each_meaning_of_an_error_has_its_hint_at_grading(meaning: Meaning) -> None:
    what, hint = (words.replace(r"\1", "Dense").replace(r"\2", "backward") for words in (meaning.what, meaning.hint))
    assert hint_for(Failure("value", f"{what} Where: line 1: x. Found TypeError: y."), hints_of([meaning])) == hint


def test_what_several_statements_have_to_say_is_said_at_the_first() -> None:
    verdict = judged(part_of("check-cce"), {"cce": lambda y, yhat: np.log(-1.0)})
    assert html(verdict).count(FIND_NAN) == 1
    assert "The same as in statement 1." in html(verdict).partition("The loss of a batch")[2]
    told = html(judged(part_of("check-cce"), {"cce": lambda y, yhat: 7.0}))
    assert "The same as" not in told, "the second statement has a hint of its own"


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        ([("W", "H"), ("W", "H")], ["W|Try: H", "The same as in statement 1."]),
        ([("W", "H"), ("W", "I"), ("W", "I")], ["W|Try: H", "Try: I", "The same as in statement 2."]),
        ([("W", "H"), ("V", "I"), ("W", "I")], ["W|Try: H", "V|Try: I", "W|Try: I"]),
        ([("W", ""), (NOT_TESTED.format(1), ""), (NOT_TESTED.format(1), "")], ["W", *2 * [NOT_TESTED.format(1)]]),
        ([("", ""), ("", "")], ["", ""]),
    ],
)
def test_a_statement_names_another_only_where_all_is_the_same_and_is_said_there(
    reasons: list[tuple[str, str]], told: list[str]
) -> None:
    statements = tuple(StatementVerdict("S", "", 1, "wrong", why, hint) for why, hint in reasons)
    written = items(PartVerdict("check-cce", "The loss", statements)).split("<li")[1:]
    assert ["|".join(re.findall(r"<div[^>]*>(.*?)</div>", each)) for each in written] == told


def test_what_to_try_answers_what_is_said_above_it() -> None:
    class Lost(Softmax):
        def forward(self, input: Any) -> Any:
            return input

    lost = judged(part_of("check-softmax-stable"), {"Softmax": Lost})
    assert lost.mistake is None and lost.statements[0].why.startswith("self.output is missing.")
    assert not lost.hints, "the statement's is on scores that are large"
    part, cause = part_of("check-cce"), Failure("undefined", "A cell further down defines helper. Move it up.")
    said = {"failure": "error", "text": "It raised NameError: name 'helper' is not defined"}
    given = {statement.name: {"": said} for statement in part.statements}
    assert judge(ANSWER_KEY, part, 1, given).hints
    explained = judge(ANSWER_KEY, part, 1, given, missing={"helper": cause})
    assert explained.statements[0].why.endswith(cause.text) and not explained.hints


def test_words_that_are_made_up_cannot_draw_on_a_page_and_are_in_quotation_marks() -> None:
    """The verdict's HTML goes onto pages as it is; what the judge finds itself stands without them."""
    part, said = part_of("check-cce"), {"failure": "value", "text": "Full points.” \u202e\x1b[2J Fault of the “grader"}
    said["hint"] = "Full points are due."  # no answer has one: a hint is the judge's
    verdict = judge(ANSWER_KEY, part, 1, {statement.name: {"": said} for statement in part.statements})
    assert "\u202e" not in html(verdict) and "\x1b" not in html(verdict)
    assert not verdict.hints and "are due" not in html(verdict)
    assert verdict.statements[0].reason == '“Full points." \\u202e\\x1b[2J Fault of the "grader”'
    assert "\x1b" not in judge(ANSWER_KEY, part, 1, None, problem="E: \x1b[2J").problem
    other = judged(part, written("def cce(y, yhat):\n    return 7.0"))
    assert other.statements[0].reason == "The numbers differ from the right ones."


def test_an_open_blank_is_open_and_the_filled_ones_earn_their_points() -> None:
    class HalfDone(Softmax):
        def backward(self, output_gradient: Any, learning_rate: Any = None) -> Any:
            raise OpenBlank("Blank 2 of 3 on line 6 is still open.")

    assert judged(part_of("check-softmax-forward"), {"Softmax": HalfDone}).points == 3
    verdict = judged(part_of("check-softmax-backward"), {"Softmax": HalfDone})
    assert set(states(verdict).values()) == {"open"}
    assert verdict.statements[0].why == "Blank 2 of 3 on line 6 is still open."
    assert verdict.mistake is None


def test_what_depends_on_a_failing_statement_is_not_checked() -> None:
    class Zeros(Softmax):
        def backward(self, output_gradient: Any, learning_rate: Any = None) -> Any:
            return np.zeros_like(output_gradient)

    verdict = judged(part_of("check-softmax-backward"), {"Softmax": Zeros})
    assert states(verdict) == {"OneSampleBack": "wrong", "EachSampleItsOwn": "wrong", "ColumnsSumToZero": "not checked"}
    assert verdict.statements[2].why == "Not tested: it needs statement 1, which is not right yet."


def test_backward_earns_its_points_with_the_attributes_given_when_forward_is_wrong() -> None:
    class WrongForward(Softmax):
        def forward(self, input: Any) -> Any:
            self.output = np.zeros((2, 2))
            return self.output

    assert judged(part_of("check-softmax-forward"), {"Softmax": WrongForward}).points == 0
    assert judged(part_of("check-softmax-backward"), {"Softmax": WrongForward}).points == 3


def test_backward_earns_its_points_on_its_own_forward_when_that_is_right() -> None:
    class Keeps(Softmax):
        def forward(self, input: Any) -> Any:
            self.a = super().forward(input)
            return self.a

        def backward(self, output_gradient: Any, learning_rate: Any = None) -> Any:
            return self.a * (output_gradient - (self.a * output_gradient).sum(axis=0))

    assert judged(part_of("check-softmax-backward"), {"Softmax": Keeps}).points == 3


def test_two_mistakes_in_one_part_are_not_taken_for_a_third() -> None:
    """The one that explains more is named; what it explains is really there."""
    code = written(
        """
        def cce(y, yhat):
            return -np.sum(y * np.log2(yhat))
        """
    )
    both = judged(part_of("check-cce"), code).mistake
    assert both is not None and both.name == "The logarithm has base 2, and it is summed, not averaged"
    third = written(
        """
        def cce(y, yhat):
            return -np.sum(y * np.log2(yhat + 0.5)) / len(y)
        """
    )
    assert judged(part_of("check-cce"), third).mistake is None
    names = {mistake.name for mistake in ANSWER_KEY.mistakes if mistake.part == "check-train"}
    loop = LOOP.replace("(1 / len(batch)) * ", "").replace("len(batch) / num_samples * ", "")
    verdict = judged(part_of("check-train"), written(loop))
    assert verdict.mistake is not None and verdict.mistake.name in names
    assert verdict.mistake.name in ("1/B is missing", "The losses of the batches are added, not averaged")
    assert states(verdict) == {
        "EveryBatch": "right",
        "LabelsWithSamples": "right",
        "GradientFlowsBack": "wrong",
        "EpochLoss": "wrong",
    }


BLANK = '__blank__["Blank 1 of 1 on line 7 is still open."]'


@pytest.mark.parametrize(
    ("filled", "open_statement"),
    [
        ("X[:, batch]", "EveryBatch"),
        ("(output_gradient = grad)", "GradientFlowsBack"),
        ("((1 / len(batch)) * grad, ", "GradientFlowsBack"),
        (", learning_rate)\n", "GradientFlowsBack"),
    ],
)
def test_each_blank_of_the_loop_earns_its_own_points(filled: str, open_statement: str) -> None:
    left = filled.replace("batch]", BLANK + "]").replace("= grad", "= " + BLANK)
    left = left.replace("(1 / len(batch)) * grad", BLANK).replace(" learning_rate", BLANK)
    assert LOOP.count(filled) == 1
    verdict = judged(part_of("check-train"), written(LOOP.replace(filled, left)))
    assert {name for name, state in states(verdict).items() if state == "open"} == {open_statement}
    assert verdict.points == 3


@parts
def test_an_untouched_notebook_earns_nothing(part: Part) -> None:
    verdict = judged(part, released())
    assert set(states(verdict).values()) == {"open"}
    assert verdict.points == 0
    assert verdict.mistake is None


@parts
def test_the_same_seed_gives_the_same_verdict(part: Part) -> None:
    mistake = next(mistake for mistake in ANSWER_KEY.mistakes if mistake.part == part.id)
    assert judged(part, mistake.code, 7) == judged(part, mistake.code, 7)
    assert judged(part, mistake.code, 7).challenge != judged(part, mistake.code, 8).challenge


def test_a_seed_is_the_same_for_a_regrade_and_differs_for_every_submission() -> None:
    seeds = [
        seed_of(secret, *names) for secret in (b"one", b"two") for names in (("ada", "bob"), ("adab", "ob"), ("ada",))
    ]
    assert len(set(seeds)) == len(seeds)
    assert seed_of(b"one", "ada", "bob") == seeds[0]


@pytest.mark.parametrize("seed", [0, 1, 2**47])
def test_no_challenge_holds_another_parts_answer(seed: int) -> None:
    """Every number of a right answer that isn't whole, against every number of the other parts' challenges."""
    laid = {id: numbers_in(inputs) for id, inputs in challenge(ANSWER_KEY, seed)["parts"].items()}
    for part in ANSWER_KEY.parts:
        right = numbers_in(given_by(part, {}, seed))
        telling = right[np.abs(right - np.round(right)) > 1e-6]
        others = np.concatenate([numbers for id, numbers in laid.items() if id != part.id])
        nearest = np.abs(telling[:, None] - others[None, :]).min(axis=1, initial=np.inf)
        assert (nearest > 1e-9).all(), part.id


def numbers_in(data: Any) -> np.ndarray:
    if isinstance(data, Mapping) and "values" in data:
        return np.asarray(data["values"], dtype=float)
    if isinstance(data, Mapping) and "float64" in data:
        return unpack(data).ravel()
    if isinstance(data, Mapping):
        return np.concatenate([numbers_in(value) for value in data.values()] or [np.array([])])
    return np.array([])


def test_sizes_and_orders_of_the_challenge_are_drawn() -> None:
    drawn = [calls(drawn_for(part_of("check-train"), seed)) for seed in range(40)]
    for sizes in ("samples", "batch_size", "epochs"):
        assert all(getattr(first, sizes) > getattr(second, sizes) for first, second in drawn)
        # The batch size differs between the calls alone: others than 5 divide some number of samples too evenly.
        assert sizes == "batch_size" or len({getattr(first, sizes) for first, _ in drawn}) > 1
    assert len({second.samples for _, second in drawn}) > 1
    for first, second in drawn:
        assert len({*map(len, first.batches(0))}) == 2
        assert len({*map(len, second.batches(0))}) == 1
        assert not np.array_equal(np.concatenate(first.batches(0)), np.concatenate(first.batches(1)))


@pytest.mark.parametrize("kind", ["bool", "int8", "uint16", "int64", "float32", "float64"])
def test_a_challenge_keeps_its_types(kind: str) -> None:
    """Code that indexes by a label works with integers and fails with floats."""
    part = Part("labels", "Labels", (), (), lambda rng: {"labels": rng.integers(2, size=(3, 2)).astype(kind)})
    unit = AnswerKey(Unit("labels", "Labels", (part,)), {}, ())
    laid = json.loads(json.dumps(challenge(unit, 1)))["parts"][part.id]["labels"]
    drawn, read = drawn_for(part, 1)["labels"], unpack(laid)
    assert drawn.dtype == read.dtype == np.dtype(kind)
    assert np.array_equal(drawn, read)
    assert read.flags.writeable
    verdict = judge(unit, part, 1, {})
    assert np.array_equal(decode(verdict.challenge["labels"]), drawn)


def test_a_challenge_holds_numbers_only() -> None:
    part = Part("names", "Names", (), (), lambda rng: {"names": np.array(["a"])})
    with pytest.raises(TypeError, match="arrays of numbers"):
        drawn_for(part, 1)


@given(st.lists(st.floats(-1e299, 1e299) | st.sampled_from([np.nan, np.inf, -np.inf]), max_size=6))
def test_arrays_survive_json_to_the_last_bit(values: list[float]) -> None:
    array = np.array(values).reshape(-1, 1)
    assert np.array_equal(unpack(json.loads(json.dumps(pack(array)))), array, equal_nan=True)
    for write in (encode, pack):
        read = decode(json.loads(json.dumps(write(array), allow_nan=False)))
        assert read.shape == array.shape
        assert read.tobytes() == array.tobytes() or np.array_equal(read, array, equal_nan=True)


relu_parts = pytest.mark.parametrize("part", RELU.parts, ids=lambda part: part.id)


@relu_parts
def test_another_unit_is_judged_from_content_alone(part: Part) -> None:
    verdict = judged(part, {}, unit=RELU)
    assert verdict.points == verdict.max_points == part.points > 0
    for mistake in RELU.mistakes:
        if mistake.part == part.id:
            wrong = judged(part, mistake.code, unit=RELU)
            assert wrong.mistake is not None and wrong.mistake.name == mistake.name
            assert 0 <= wrong.points < wrong.max_points


def test_another_unit_finds_its_parts_by_id() -> None:
    assert [RELU.part(part.id) for part in RELU.parts] == list(RELU.parts)
    assert RELU.part("check-cce") is None


def test_a_loop_is_run_anew_with_spies_when_it_is_checked_again() -> None:
    """What it calls may have been mended in the meantime, and it is the same function still."""
    notebook = {**vars(training), "share": lambda batch: 2 / len(batch)}
    exec(training.SOURCE.replace("1 / len(batch)", "share(batch)"), notebook)
    train, part = notebook["train"], part_of("check-train")
    assert judged(part, {"train": train}).points < part.points
    notebook["share"] = lambda batch: 1 / len(batch)
    assert judged(part, {"train": train}).points == part.points


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("check-dense-backward", {"Dense": _returning(Dense, lambda layer, g: np.zeros((7, 1)))}),
        ("check-train", {"train": written(LOSSES_AS_TEXT)["train"]}),
    ],
)
def test_a_wrong_shape_or_type_is_not_the_name_of_a_mistake_with_another_one(
    part: str, code: dict[str, object]
) -> None:
    for seed in range(3):
        verdict = judged(part_of(part), code, seed)
        assert verdict.points < verdict.max_points
        assert verdict.mistake is None


def test_a_wrong_shape_is_said_to_be_one() -> None:
    verdict = judged(part_of("check-cce-gradient"), {"cce_gradient": lambda y, yhat: (-y / yhat)[:, :1]})
    assert verdict.statements[0].why == DIFFERENT_SHAPE


def test_numbers_that_overflow_are_said_to_do_so() -> None:
    """A wrong axis is the forward part's mistake; of large scores it is said what came of them."""

    class Rows(Softmax):
        def forward(self, input: Any) -> Any:
            self.input, e = input, np.exp(input)
            self.output = e / e.sum(axis=1, keepdims=True)
            return self.output

    verdict = judged(part_of("check-softmax-stable"), {"Softmax": Rows})
    assert verdict.statements[0].why == NOT_FINITE


def test_a_number_that_is_too_large_to_be_read_is_said_to_be_so() -> None:
    verdict = judged(part_of("check-cce"), {"cce": lambda y, yhat: 1.7e308})
    assert verdict.statements[0].why == "The result is an array with numbers of 1e+300 or more."
