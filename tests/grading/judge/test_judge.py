"""The judge: right code earns everything in any style, garbage earns and stops nothing, parts stand apart."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
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
from lib.grading.judge.verdict import DIFFERENT_SHAPE, NOT_FINITE, PartVerdict, StatementVerdict, html, items
from lib.reference import Softmax
from lib.unit import Part, Unit
from lib.units.hidden_layer.closed import ANSWER_KEY as HIDDEN_LAYER
from lib.units.softmax_classifier.closed import ANSWER_KEY, training
from lib.units.softmax_classifier.errors import IN_LOOPS, MEANINGS, hints_of
from lib.units.softmax_classifier.loop.calls import calls
from tests.units.softmax_classifier.loops import LOOP, loop
from tests.variants import BY_PART, written

parts = pytest.mark.parametrize("part", ANSWER_KEY.parts, ids=lambda part: part.id)
some = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


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


def part_of(id: str) -> Part:
    part = ANSWER_KEY.part(id)
    assert part is not None
    return part


def softmax(**methods: Callable[..., Any]) -> dict[str, object]:
    """A right softmax layer but for these methods."""
    return {"Softmax": type("Softmax", (Softmax,), methods)}


def stays_open(*_: Any) -> None:
    raise OpenBlank("Blank 2 of 3 on line 6 is still open.")


def outputs(change: Callable[[Any], Any]) -> Callable[..., Any]:
    """A forward that gives what `change` makes of its input."""

    def forward(self: Any, input: Any) -> Any:
        self.input, self.output = input, change(input)
        return self.output

    return forward


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
@some
@given(data=st.data(), seed=st.integers(0, 2**48 - 1))
def test_right_code_earns_everything_whatever_its_style(part: Part, data: st.DataObject, seed: int) -> None:
    verdict = judged(part, data.draw(st.just({}) | BY_PART[part.id]), seed)
    assert verdict.points == verdict.max_points == part.points, verdict.statements
    assert (verdict.mistake, verdict.problem) == (None, "")


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
SHAPE = st.lists(st.integers(-1, 10**7) | JSON, max_size=40) | JSON
RECORDS = (
    st.fixed_dictionaries({"shape": SHAPE, "values": st.lists(JSON, max_size=9) | JSON})
    | st.fixed_dictionaries({"shape": SHAPE, "float64": st.text() | JSON})
    | st.fixed_dictionaries({"failure": JSON, "text": JSON, "line": JSON, "hint": JSON})
)
"""Records that look like arrays or failures, and are neither."""


@parts
@some
@given(data=st.data())
def test_garbage_earns_nothing_and_raises_nothing(part: Part, data: st.DataObject) -> None:
    asked = outcomes(part, drawn_for(part, 1), ANSWER_KEY.subjects(part))
    names = {
        name: st.dictionaries(st.sampled_from(["", "nonsense", *probes]), JSON | RECORDS, max_size=9)
        for name, probes in asked.items()
    }
    garbage = data.draw(st.fixed_dictionaries({}, optional=names) | JSON)
    verdict = judge(ANSWER_KEY, part, 1, garbage)
    assert (verdict.points, verdict.mistake) == (0, None)
    json.dumps(verdict.answer, allow_nan=False)


NESTED: Any = []
for _ in range(100_000):
    NESTED = [NESTED]


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
        {"shape": NESTED, "values": NESTED, "failure": NESTED},
        {"failure": "blank", "text": ["\ud800"] * 9, "line": {}, "hint": []},
        {"failure": "\ud800", "text": "\ud800" * 1000, "line": "\ud800", "hint": "\ud800"},
        "nan",
    ],
    ids=lambda record: str([*record])[:40],
)
def test_a_record_that_is_no_array_is_worth_nothing_and_can_be_kept(record: object) -> None:
    part = part_of("check-cce")
    verdict = judge(ANSWER_KEY, part, 1, {"OneSample": {"loss": record}, "BatchMean": {"": record}})
    assert verdict.points == 0
    assert all(statement.why for statement in verdict.statements)
    assert len(json.dumps(verdict.answer)) < 3000
    verdict.statements[0].why.encode()


SAME_IN_EVERY_DRAW = {"ColumnsSumToOne"}
"""A statement that code fulfils, too, which looks at nothing: it gives each class the same share."""


@pytest.mark.parametrize("key", [ANSWER_KEY, HIDDEN_LAYER], ids=lambda key: str(key.unit.name))
def test_what_was_right_in_one_draw_is_wrong_in_another(key: AnswerKey) -> None:
    """Else a notebook without any code of its own could show it: once for all, what it is stands in the check."""
    for part in key.parts:
        given = given_by(part, key.right, seed=1, unit=key)
        assert judge(key, part, 1, given).points == part.points
        right = {each.name for each in judge(key, part, 2, given).statements if each.state == "right"}
        assert right <= SAME_IN_EVERY_DRAW, part.id


BLANK = '__blank__["Blank 1 of 1 on line 7 is still open."]'
ZEROS = softmax(backward=lambda self, g, rate=None: np.zeros_like(g))
OWN_BACKWARD = softmax(backward=lambda self, g, rate=None: self.output * (g - (self.output * g).sum(axis=0)))
HALF_DONE = softmax(backward=stays_open)
WRONG_FORWARD = softmax(forward=outputs(lambda input: np.zeros((2, 2))))
TWICE_WRONG = LOOP.replace("(1 / len(batch)) * ", "").replace("len(batch) / num_samples * ", "")
RIGHT, WRONG, OPEN, UNCHECKED = "right", "wrong", "open", "not checked"


@pytest.mark.parametrize(
    ("id", "code", "states"),
    [
        # a blank that is open, and the filled ones earn their points
        ("check-softmax-forward", HALF_DONE, [RIGHT, RIGHT, RIGHT]),
        ("check-softmax-backward", HALF_DONE, [OPEN, OPEN, OPEN]),
        ("check-train", written(loop(("X[:, batch]", f"X[:, {BLANK}]"))), [OPEN, RIGHT, RIGHT, RIGHT]),
        ("check-train", written(loop(("= grad)", f"= {BLANK})"))), [RIGHT, RIGHT, OPEN, RIGHT]),
        ("check-train", written(loop(("(1 / len(batch)) * grad", BLANK))), [RIGHT, RIGHT, OPEN, RIGHT]),
        ("check-train", written(loop((", learning_rate)\n", f",{BLANK})\n"))), [RIGHT, RIGHT, OPEN, RIGHT]),
        # what depends on a statement that fails
        ("check-softmax-backward", ZEROS, [WRONG, WRONG, UNCHECKED]),
        ("check-train", written(TWICE_WRONG), [RIGHT, RIGHT, WRONG, WRONG]),
        # backward earns its points with the attributes given where forward is wrong, and on its own where that is right
        ("check-softmax-forward", WRONG_FORWARD, [WRONG, WRONG, WRONG]),
        ("check-softmax-backward", WRONG_FORWARD, [RIGHT, RIGHT, RIGHT]),
        ("check-softmax-backward", OWN_BACKWARD, [RIGHT, RIGHT, RIGHT]),
    ],
)
def test_each_statement_is_judged_for_itself(id: str, code: Mapping[str, object], states: list[str]) -> None:
    verdict = judged(part_of(id), code)
    assert [each.state for each in verdict.statements] == states
    assert verdict.points == sum(each.max_points for each in verdict.statements if each.state == RIGHT)
    said = {UNCHECKED: "Not tested: it needs statement 1, which is not right yet.", RIGHT: ""}
    for each in verdict.statements:
        assert each.why == said.get(each.state, each.why)
        assert each.state != OPEN or re.fullmatch(r"Blank \d of \d on line \d is still open\.", each.why)


OWN = "the statement's own"


@pytest.mark.parametrize(
    ("id", "code", "why", "hint"),
    [
        ("check-cce", {"cce": lambda y, p: 7.0}, "The numbers differ from the right ones.", OWN),
        ("check-cce", {"cce": lambda y, p: np.sum(y * np.log(-p))}, NOT_FINITE, FIND_NAN),
        ("check-cce", {"cce": lambda y, p: 1.7e308}, "The result is an array with numbers of 1e+300 or more.", ""),
        ("check-cce-gradient", {"cce_gradient": lambda y, p: np.stack([-y / p, p])}, DIFFERENT_SHAPE, FIND_SHAPE),
        ("check-softmax-forward", softmax(forward=outputs(lambda z: z * np.nan)), NOT_FINITE, FIND_NAN),
        # A hint on overflow is for nan too, and none on large scores for what has nothing to do with them.
        (
            "check-softmax-stable",
            softmax(forward=outputs(lambda z: z * (np.inf if z.max() > 500 else 1))),
            NOT_FINITE,
            OWN,
        ),
        ("check-softmax-stable", softmax(forward=lambda self, z: z), "self.output is missing.", ""),
        # an error, with the student's line
        ("check-cce", "return y.reshape(99, 99)", "It raised ValueError", "Call your code in a new cell"),
        ("check-cce", "return y.reshape(99, 99)", ". Your line 2: return y.reshape(99, 99)", "Call your code"),
        ("check-cce", "return -np.sum(y * np.log(max(p, 1e-7)))", " Found ", "np.maximum"),
        ("check-cce", "return -np.sum(y * np.log(y_hat))", " Found ", "Compare its spelling with the names"),
        ("check-train", loop(("X[:, batch]", "X[batch]")), " Found ", "Columns are samples"),
        ("check-train", loop((", learning_rate)\n", ")\n")), " Found ", "Compare the call with the first line"),
    ],
)
def test_where_nothing_has_a_name_it_is_said_what_is_found_and_what_to_try_as_at_the_desk(
    id: str, code: dict[str, object] | str, why: str, hint: str
) -> None:
    part = part_of(id)
    if isinstance(code, str):
        code = written(code if code.startswith("\n") else f"def cce(y, p):\n    {code}")
    verdict = judged(part, code)
    own = [each.hint for each in part.statements if each.points]
    desk = " ".join(str(Check(part)(*({**ANSWER_KEY.right, **code}[name] for name in part.subjects))).split())
    assert verdict.mistake is None and why in verdict.statements[0].why
    if hint == OWN:
        assert [each.hint for each in verdict.statements] == own
    elif hint:
        assert verdict.hints and all(hint in each for each in verdict.hints)
        assert (hint in desk or hint == FIND_SHAPE) and own[0] not in desk  # the desk says both shapes
    else:
        assert not verdict.hints


def test_each_meaning_of_an_error_has_its_hint_at_grading() -> None:
    for meaning in (*MEANINGS, *IN_LOOPS):
        what, hint = (
            words.replace(r"\1", "Dense").replace(r"\2", "backward") for words in (meaning.what, meaning.hint)
        )
        failure = Failure("value", f"{what} Where: line 1: x. Found TypeError: y.")
        assert hint_for(failure, hints_of([meaning])) == hint


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


def test_why_a_name_is_not_defined_is_said_and_then_there_is_nothing_else_to_try() -> None:
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


def test_a_seed_is_the_same_for_a_regrade_and_differs_for_every_submission() -> None:
    seeds = [
        seed_of(secret, *names) for secret in (b"one", b"two") for names in (("ada", "bob"), ("adab", "ob"), ("ada",))
    ]
    assert len(set(seeds)) == len(seeds)
    assert seed_of(b"one", "ada", "bob") == seeds[0]
    part, code = part_of("check-cce"), {"cce": lambda y, p: 7.0}
    assert judged(part, code, 7) == judged(part, code, 7)
    assert judged(part, code, 7).challenge != judged(part, code, 8).challenge


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
    if isinstance(data, Mapping) and "shape" in data:
        return (decode if "values" in data else unpack)(data).ravel()
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
    with pytest.raises(TypeError, match="arrays of numbers"):
        drawn_for(replace(part, draw=lambda rng: {"labels": np.array(["a"])}), 1)


@given(st.lists(st.floats(-1e299, 1e299) | st.sampled_from([np.nan, np.inf, -np.inf]), max_size=6))
def test_arrays_survive_json_to_the_last_bit(values: list[float]) -> None:
    array = np.array(values).reshape(-1, 1)
    for write, read in ((pack, unpack), (pack, decode), (encode, decode)):
        back = read(json.loads(json.dumps(write(array), allow_nan=False)))
        assert back.shape == array.shape
        assert back.tobytes() == array.tobytes() or np.array_equal(back, array, equal_nan=True)


def test_a_loop_is_run_anew_with_spies_when_it_is_checked_again() -> None:
    """What it calls may have been mended in the meantime, and it is the same function still."""
    notebook = {**vars(training), "share": lambda batch: 2 / len(batch)}
    exec(training.SOURCE.replace("1 / len(batch)", "share(batch)"), notebook)
    train, part = notebook["train"], part_of("check-train")
    assert judged(part, {"train": train}).points < part.points
    notebook["share"] = lambda batch: 1 / len(batch)
    assert judged(part, {"train": train}).points == part.points
