"""Ready statements: at the desk without a right answer, and for the judge, whatever kind of answer it is."""

import json
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import lib.units
from lib.answer_key import AnswerKey
from lib.checking.answers import answer, encode, pack, unpack
from lib.checking.dispatch import Checks
from lib.checking.fingerprints import Fingerprint
from lib.checking.render import TRY, details
from lib.checking.statements import Invariant, Loop, Spies, expect_equal
from lib.checking.values import FIND_NAN, SEVERAL, TEXT, Wrong, read_answer, read_array, several_of, text_of
from lib.grading import units
from lib.grading.commands.fingerprints import write_files
from lib.grading.errors import UnitFailsError
from lib.grading.judge.challenge import challenge, drawn_for
from lib.grading.judge.judge import judge, judge_statements
from lib.grading.judge.verdict import DIFFERENT, NOT_FINITE, PartVerdict
from lib.grading.pages.evidence import probes
from lib.unit import Statement

OPEN = """
from typing import Any

import numpy as np

from lib.checking.dispatch import Checks
from lib.checking.statements import Equals, Gradient, HasShape, Invariant, Loop
from lib.unit import Part, Unit


class Words(Equals):
    text = "The longest word."
    hint = "Compare lengths."
    examples = (({"words": ["a", "bcd"]}, "bcd"),)

    def result(self, inputs, longest):
        return longest(inputs["words"])


class Both(Equals):
    text = "Whether the number is even, and its divisors."

    def result(self, inputs, divide):
        return divide(inputs["n"])


class Mixed(Equals):
    text = "A word and a number."

    def result(self, inputs, count):
        return count(inputs["words"], inputs["n"])


class Pair(Equals):
    text = "All numbers doubled, and their sum."
    examples = (({"x": np.array([1.0, 2.0])}, (np.array([2.0, 4.0]), 3.0)),)

    def result(self, inputs, pair):
        return pair(inputs["x"])


class Slopes(Gradient):
    text = "Slopes."
    point = "x"

    def function(self, point, inputs, slope, f):
        return f(point)

    def gradient(self, point, inputs, slope, f):
        return slope(point)


class Shape(HasShape):
    text = "One for each."

    def result(self, inputs, normalise):
        return normalise(inputs["x"])

    def shape(self, inputs):
        return inputs["x"].shape


class SumsToOne(Invariant):
    text = "The sum is 1."

    def sides(self, inputs, normalise):
        return normalise(inputs["x"]).sum(), 1


class Named(Equals):
    text = "The mean, and of what it is."

    def result(self, inputs, describe):
        return describe(inputs["x"])


class Limits(Equals):
    text = "The sum, and what it is below."
    hint = "Which of the two has an end?"

    def result(self, inputs, limits):
        return limits(inputs["x"])


class Doubles(Invariant):
    text = "Twice the numbers give twice the table."
    hint = "Which numbers have no end?"
    is_about_overflow = True

    def sides(self, inputs, table):
        return table(2 * inputs["x"]), 2 * table(inputs["x"])


class Calls(Loop):
    text = "first, then second, n times each."

    def run(self, spies, inputs, loop):
        first, second = lambda x: x + 1, lambda x: 2 * x
        return loop(spies("first", first), spies("second", second), inputs["n"]), inputs["x"]

    def counts(self, inputs):
        return {"first": inputs["n"]}


def draw(rng):
    words = [["ab", "c", "defg", "hij"][i] for i in rng.permutation(4)]
    return {"words": words, "n": int(rng.integers(6, 20)), "x": rng.uniform(1, 2, size=4)}


UNIT = Unit(
    "ready",
    "Ready",
    (
        Part("check-words", "Words", ("longest",), (Words(),), draw),
        Part("check-both", "Both", ("divide",), (Both(),), draw),
        Part("check-mixed", "Mixed", ("count",), (Mixed(),), draw),
        Part("check-pair", "Pair", ("pair",), (Pair(),), draw),
        Part("check-slope", "Slope", ("slope", "f"), (Slopes(),), draw),
        Part("check-normal", "Normal", ("normalise",), (Shape(), SumsToOne()), draw),
        Part("check-named", "Named", ("describe",), (Named(),), draw),
        Part("check-limits", "Limits", ("limits",), (Limits(),), draw),
        Part("check-table", "Table", ("table",), (Doubles(),), draw),
        Part("check-loop", "Loop", ("loop",), (Calls(),), draw),
    ),
)
check = Checks(UNIT.parts, __name__)
"""
CLOSED = """
import numpy as np

from lib.answer_key import AnswerKey, MistakeCatalog

from .. import UNIT

shortest = MistakeCatalog("check-words", "longest")


@shortest("The shortest word", "Compare lengths again.")
def _shortest(words):
    return min(words, key=len)


def loop(first, second, n):
    x = 0
    for _ in range(n):
        x = second(first(x))
    return x


once = MistakeCatalog("check-loop", "loop")


@once("There is one step, whatever n is", "What does n count?")
def _once(first, second, n):
    return second(first(0))


ANSWER_KEY = AnswerKey(
    UNIT,
    {
        "longest": lambda words: max(words, key=len),
        "divide": lambda n: [n % 2 == 0, *(d for d in range(1, n + 1) if n % d == 0)],
        "count": lambda words, n: [words[0], n],
        "pair": lambda x: (2 * x, x.sum()),
        "slope": lambda x: 2 * x,
        "f": lambda x: (x**2).sum(),
        "normalise": lambda x: x / x.sum(),
        "describe": lambda x: {"mean": x.mean(), "many": x.size, "of": ["x", x[0]]},
        "limits": lambda x: [x.sum(), np.inf],
        "table": lambda x: np.outer(x, [1, 2]),
        "loop": loop,
    },
    (*shortest.mistakes, *once.mistakes),
)
"""


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnswerKey]:
    course = tmp_path_factory.mktemp("course")
    folder = course / "units" / "ready"
    (folder / "closed").mkdir(parents=True)
    (folder / "__init__.py").write_text(OPEN)
    (folder / "closed" / "__init__.py").write_text(CLOSED)
    lib.units.enter(str(course))
    write_files("ready", units.answer_key("ready"))
    yield units.answer_key("ready")
    lib.units.enter(str(Path.cwd()))


@pytest.fixture
def check(key: AnswerKey) -> Checks:
    found: Checks = import_module("lib.units.ready").check
    return found


def judged(key: AnswerKey, id: str, *subjects: Any, seed: int = 7) -> bool:
    """Whether the judge gives all points."""
    verdict = verdict_on(key, id, *subjects, seed=seed)
    return verdict.points == verdict.max_points


def verdict_on(key: AnswerKey, id: str, *subjects: Any, seed: int = 7) -> PartVerdict:
    """Judge by way of the records that cross from kernel to judge."""
    part = key.part(id)
    assert part is not None
    packed = json.loads(json.dumps(challenge(key, seed)))["parts"][id]
    given = json.loads(json.dumps(answer(part, {name: unpack(data) for name, data in packed.items()}, subjects)))
    return judge(key, part, seed, given)


def _swapped(first: Any, second: Any, n: int) -> None:
    x = 0
    for _ in range(n):
        x = first(second(x))


def _step(x: int) -> int:
    return x


def _two_steps(x: int) -> int:
    return _step(_step(x))


def _once_less(first: Any, second: Any, n: int) -> None:
    x = 0
    for _ in range(n - 1):
        x = second(first(x))


def _first_alone(first: Any, second: Any, n: int) -> Any:
    return [first(0) for _ in range(n)][-1]


def _until_done(first: Any, second: Any, n: int) -> Any:
    x = second(first(0))
    return x if n == 1 else [x := second(first(x)) for _ in range(n - 1)][-1]


RIGHT = {
    "words": (lambda words: sorted(words, key=len)[-1],),
    "both": (lambda n: (n % 2 == 0, *[d for d in range(1, n + 1) if not n % d]),),
    "mixed": (lambda words, n: (words[0], n),),
    "pair": (lambda x: [x + x, x @ np.ones(4) if len(x) == 4 else sum(x)],),
    "loop": (_until_done,),
    "slope": (lambda x: x + x, lambda x: x @ x),
    "normal": (lambda x: np.float32(x) / np.float32(x).sum(),),
    "named": (lambda x: {"of": ("x", x[0]), "many": np.float64(len(x)), np.str_("mean"): sum(x[::-1] / len(x))},),
    "limits": (lambda x: np.array([sum(x), 1 / np.float64(0)]),),
}
HOLDING = (lambda x: np.outer([1, 2], x), lambda x: 3 * x, lambda x: x.sum())
WRONG = {
    "named": (
        lambda x: {"mean": 1.001 * x.mean(), "many": x.size, "of": ["x", x[0]]},
        lambda x: {"mean": x.mean(), "many": x.size + 1, "of": ["x", x[0]]},
        lambda x: {"mean": x.mean(), "many": x.size, "of": ["y", x[0]]},
        lambda x: {"mean": x.mean(), "many": x.size, "of": {"x"}},
    ),
    "limits": (lambda x: [x.sum(), 3.0], lambda x: [x.sum(), -np.inf], lambda x: [x.sum(), np.nan]),
    "table": (lambda x: x + 1, lambda x: x**2, lambda x: x * np.nan),
    "words": (lambda words: words[0][::-1], lambda words: None, lambda words: 4, lambda words: [max(words, key=len)]),
    "both": (lambda n: [n % 2 == 1, *(d for d in range(1, n + 1) if n % d == 0)], lambda n: n % 2 == 0, lambda n: "no"),
    "mixed": (lambda words, n: [words[0], n + 1], lambda words, n: [words[1], n], lambda words, n: words[0]),
    "pair": (lambda x: (2 * x, x.mean()), lambda x: (x.sum(), 2 * x), lambda x: 2 * x, lambda x: (2 * x,)),
    "normal": (lambda x: x, lambda x: 1.0, lambda x: x / x.sum() * 1.001, lambda x: x * np.nan),
    "loop": (_swapped, _once_less, lambda first, second, n: None),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_code_in_other_words_is_right_at_the_desk_and_at_grading(key: AnswerKey, check: Any, name: str) -> None:
    report = getattr(check, name)(*RIGHT[name])
    assert report.right, report
    assert all(judged(key, f"check-{name}", *RIGHT[name], seed=seed) for seed in range(20))


@pytest.mark.parametrize("code", HOLDING)
def test_an_invariant_holds_in_any_shape_at_both(key: AnswerKey, check: Any, code: Any) -> None:
    assert check.table(code).right
    assert judged(key, "check-table", code)


@pytest.mark.parametrize(("name", "number"), [(name, n) for name, codes in WRONG.items() for n in range(len(codes))])
def test_wrong_code_is_wrong_at_both(key: AnswerKey, check: Any, name: str, number: int) -> None:
    code = WRONG[name][number]
    assert not getattr(check, name)(code).right
    assert not any(judged(key, f"check-{name}", code, seed=seed) for seed in range(5))


NO_ARRAY = (lambda x: "abc", lambda x: [x, 1.0], lambda x: {"sum": 1})
"""As numbers they have shapes of their own, which are nobody's: a text of three letters would have the shape (6,)."""


@pytest.mark.parametrize("code", NO_ARRAY)
def test_what_is_no_array_has_no_shape_and_no_gradient(key: AnswerKey, check: Any, code: Any) -> None:
    for report in (check.normal(code), check.slope(code, lambda x: x.sum()), check.slope(lambda x: x, code)):
        assert "is not one array of numbers." in str(report)
        assert "shape" not in str(report)
    assert not judged(key, "check-normal", code)
    part = key.part("check-normal")
    assert part is not None
    six = replace(part, id="check-six", draw=lambda rng: {"x": np.ones(6)})
    verdict = judge(key, six, 1, json.loads(json.dumps(answer(six, drawn_for(six, 1), (code,)))))
    assert verdict.statements[0].state == "wrong"


def test_another_shape_is_called_so_at_grading(key: AnswerKey) -> None:
    part = key.part("check-normal")
    assert part is not None
    given = json.loads(json.dumps(answer(part, drawn_for(part, 1), (lambda x: x[:1],))))
    assert judge(key, part, 1, given).statements[0].why == "The result has another shape than the right one."


def test_results_of_another_kind_are_shown_as_they_are(check: Any) -> None:
    assert 'Found [2., [3.]], expected "bcd"' in str(check.words(lambda words: [2, [3]]))
    assert 'Found "abc", expected [[2., 4.], 3.]' in str(check.pair(lambda x: "abc"))


def test_the_desk_has_a_hint_for_nan_and_the_statements_own_for_an_infinity_that_may_be_right(check: Any) -> None:
    def hint(code: Any, of: str = "limits") -> str:
        [finding] = getattr(check, of)(code).findings
        return dict(details(finding, getattr(check, of).part))[TRY]

    assert hint(lambda x: np.array([np.nan, np.inf])) == FIND_NAN
    assert hint(lambda x: np.array([x.sum() + 1, np.inf])) == "Which of the two has an end?"
    assert hint(lambda x: x * np.nan, of="table") == "Which numbers have no end?", "it is about overflow"


def test_a_line_of_the_unit_is_not_called_the_students(check: Any) -> None:
    report = str(check.normal(3))
    assert "It raised TypeError: 'int' object is not callable" in report
    assert "Your line" not in report


def test_where_right_code_fails_there_is_no_verdict(key: AnswerKey) -> None:
    broken = replace(key, right={**key.right, "normalise": lambda x: x / [1, 2]})
    with pytest.raises(UnitFailsError, match="in check-normal: It raised ValueError: operands could not be broadcast"):
        judged(broken, "check-normal", lambda x: x / x.sum())


def test_a_wrong_gradient_is_held_against_the_students_own_function_at_the_desk(key: AnswerKey, check: Any) -> None:
    assert check.slope(lambda x: 3 * x**2, lambda x: (x**3).sum()).right
    assert not check.slope(lambda x: x, lambda x: (x**2).sum()).right
    assert not check.slope(lambda x: 2 * x, lambda x: x**2).right  # not one number
    assert not judged(key, "check-slope", lambda x: 3 * x**2, lambda x: (x**3).sum())


def test_an_example_by_hand_is_shown_where_it_fails(check: Any) -> None:
    report = str(check.words(lambda words: words[0]))
    assert "words = ['a', 'bcd']" in report
    assert 'Found "a", expected "bcd"' in report


def test_the_desk_names_a_mistake_whose_answer_is_text(check: Any) -> None:
    assert "The shortest word" in str(check.words(lambda words: min(words, key=len)))


def test_a_loop_says_how_often_it_should_have_called(check: Any) -> None:
    assert "first is not called as often as expected." in str(check.loop(_once_less))


def test_a_loop_says_what_was_called_in_place_of_all_calls_as_numbers(key: AnswerKey, check: Any) -> None:
    part = key.part("check-loop")
    assert part is not None
    n = part.desk_inputs()["n"]
    found = " ".join(str(check.loop(_first_alone)).split())
    assert "The calls or the result are not the right ones. Where: on the inputs" in found
    assert f"Found {n} calls of first, 0 calls of second, and the result [1.," in found
    given = json.loads(json.dumps(answer(part, drawn_for(part, 1), (_first_alone,))))
    assert judge(key, part, 1, given).statements[0].why == "The calls or the result differ from the right ones."


@pytest.mark.parametrize(
    ("loop", "name"),
    [(lambda first, second, n: second(first(1)), "There is one step, whatever n is"), (_once_less, ""), (None, "")],
    ids=["one", "one less", "none"],
)
def test_a_wrong_number_of_calls_is_another_mistakes_only_if_it_is_the_same_number(
    key: AnswerKey, check: Any, loop: Any, name: str
) -> None:
    loop = loop or (lambda first, second, n: 0)
    part = key.part("check-loop")
    assert part is not None
    for seed in range(5):
        given = json.loads(json.dumps(answer(part, drawn_for(part, seed), (loop,))))
        mistake = judge(key, part, seed, given).mistake
        assert (mistake.name if mistake else "") == name
    assert ("There is one step" in str(check.loop(loop))) == bool(name)


def test_a_spy_that_is_handed_to_a_loop_by_name_notes_each_call_once() -> None:
    spies = Spies()
    assert spies.within(_two_steps, _step=spies("step", lambda x: x + 1))(0) == 2
    assert [name for name, _ in spies.calls] == ["step", "step"]
    assert spies.names == ["step"]


def test_a_loop_that_uses_up_its_inputs_is_told_the_calls_that_it_made(monkeypatch: pytest.MonkeyPatch) -> None:
    class Each(Loop):
        def run(self, spies: Any, inputs: Any, use_up: Any) -> object:
            return use_up(spies("first", float), inputs["numbers"])

    monkeypatch.setattr("lib.checking.statements.right_digests", lambda statement: [Fingerprint("", "", "", "")])
    with pytest.raises(Wrong) as told:
        Each().holds({"numbers": [1, 2, 3]}, lambda first, numbers: [first(numbers.pop()) for _ in range(3)][-1])
    assert "3 calls of first, and the result 1" in told.value.sentence


def test_what_ships_has_no_right_result(key: AnswerKey) -> None:
    file = units.place_of("ready").folder / "fingerprints.json"  # type: ignore[union-attr]  # it is there
    shipped = json.loads(file.read_text())
    assert {"check-words.Words", "check-both.Both", "check-loop.Calls"} <= set(shipped)
    for digests in (shipped["check-words.Words"], shipped["check-both.Both"]):
        assert set(digests[0]["digest"]) <= set("0123456789abcdef")
    assert "defg" not in file.read_text()


# ---- Inputs and answers


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    )
)
def test_inputs_that_json_can_hold_keep_their_types(value: Any) -> None:
    read = unpack(json.loads(json.dumps(pack(value))))
    assert read == value and type(read) is type(value)


@pytest.mark.parametrize("value", [np.float64(0.3), np.int64(4), np.bool_(True), np.array(0.3), np.array([1, 2])])
def test_inputs_of_numpy_keep_theirs(value: Any) -> None:
    read = unpack(json.loads(json.dumps(pack(value))))
    assert type(read) is type(value) and read.dtype == value.dtype
    assert np.array_equal(read, value)


def test_a_draw_of_tuples_is_refused_since_grading_would_give_lists(key: AnswerKey) -> None:
    part = replace(key.parts[0], draw=lambda rng: {"words": ("a", "b")})
    with pytest.raises(TypeError, match="Draw lists, not tuples"):
        drawn_for(part, 1)


@given(st.text(max_size=40))
def test_text_reads_back(text: str) -> None:
    assert json.loads(text_of(read_answer(text)) or "") == text.encode(errors="replace").decode()


@given(st.lists(st.floats(allow_nan=False), max_size=5))
def test_numbers_are_no_text(numbers: list[float]) -> None:
    assume(numbers[:1] != [TEXT])  # hypothesis also tries the constants of the code
    assert text_of(read_answer(numbers)) is None


def test_an_example_of_several_results_says_which_is_wrong(check: Any) -> None:
    report = str(check.pair(lambda x: (2 * x, x.mean())))
    assert "x = [1., 2.], result 2" in report and "Found 1.5, expected 3" in report


def test_an_instructor_sees_several_results_as_a_list(key: AnswerKey) -> None:
    part = key.part("check-pair")
    assert part is not None
    given = answer(part, drawn_for(part, 7), (lambda x: (np.arange(2.0), 0.5),))
    [probe] = probes(judge(key, part, 7, given), "Pair")
    assert probe.answer.words == "[[0., 1.], 0.5]"
    assert probe.expected.words.startswith("[[")


ARRAYS = arrays(float, array_shapes(min_dims=0, max_dims=3, min_side=0), elements=st.floats(-1e9, 1e9))


@given(st.lists(ARRAYS, min_size=2, max_size=4))
def test_results_of_several_shapes_read_back(each: list[Any]) -> None:
    several = several_of(read_answer(tuple(each)))
    if len({array.shape for array in each}) == 1:
        assert several is None
    else:
        assert several is not None and all(map(np.array_equal, several, each))
        assert [array.shape for array in several] == [array.shape for array in each]


@given(st.lists(st.floats() | st.integers(-3, 9).map(float), max_size=6))
def test_numbers_that_only_begin_as_several_results_do_are_numbers(numbers: list[float]) -> None:
    array = np.array([SEVERAL, *numbers])
    several = several_of(array)
    if several is not None and len(several) > 1 and len({each.shape for each in several}) > 1:
        assert np.array_equal(read_answer(several), array)


def test_what_is_neither_is_refused() -> None:
    for value in ({"a": {1, 2}}, ["a", object()], "x" * 20_000):
        with pytest.raises(Wrong):
            read_answer(value)


@pytest.mark.parametrize(
    ("found", "expected", "said"),
    [
        ([True, True], [True, False], "Where: entry 1. Found True, expected False."),
        (1, np.bool_(False), "Found True, expected False."),
        ([0, 5], np.array([False, True]), "Where: entry 1. Found 5, expected True."),
        ((False, [1.0]), (True, [1.0]), "Where: result 1. Found False, expected True."),
        ([1, 0], [1, 1], "Where: entry 1. Found 0, expected 1."),
        (["yes"], [True], 'Found ["yes"], expected [ True].'),
    ],
)
def test_truth_values_are_told_as_such(found: object, expected: object, said: str) -> None:
    with pytest.raises(Wrong) as wrong:
        expect_equal(read_answer(found), expected)
    assert wrong.value.sentence == f"The result is not the expected one. {said}"


def test_an_invariant_names_the_entry_alone() -> None:
    class Stays(Invariant):
        def sides(self, inputs: Any, *subjects: Any) -> tuple[object, object]:
            return np.array([1.0, 3.0]), np.array([1.0, 2.0])

    with pytest.raises(Wrong) as wrong:
        Stays().holds({})
    assert wrong.value.where == "entry 1"


def test_where_text_may_be_due_a_missing_result_is_not_said_to_be_numbers() -> None:
    for read, expected in ((read_answer, "a value"), (read_array, "numbers")):
        with pytest.raises(Wrong) as wrong:
            read(None)
        assert wrong.value.sentence == f"The result is missing. Found None, expected {expected}."


@pytest.mark.parametrize(
    ("part", "code", "number", "why"),
    [
        ("words", lambda words: 3, 0, "The result is not text as it should be."),
        ("words", lambda words: "?", 0, "The text differs from the right one."),
        ("pair", lambda x: "yes", 0, "The result has text in it, and the right one has none."),
        ("normal", lambda x: x, 1, "Two results that should agree differ."),
        ("normal", lambda x: x * np.nan, 1, f"{NOT_FINITE} {FIND_NAN}"),
        ("normal", lambda x: 1.0, 0, "The result has another shape than the right one."),
        ("normal", lambda x: x[1:], 0, "The result has another shape than the right one."),
    ],
)
def test_the_judge_says_what_kind_of_thing_differs(key: AnswerKey, part: str, code: Any, number: int, why: str) -> None:
    statement = verdict_on(key, f"check-{part}", code).statements[number]
    assert why in (statement.why, f"{statement.why} {statement.hint}")


def test_of_a_right_text_beside_a_wrong_number_the_number_is_said_to_differ() -> None:
    class Two(Statement):
        text = "A word and its length."

    right = {"Two": {"word": read_answer("abc"), "length": np.array(3.0)}}
    found = {"Two": {**right["Two"], "length": np.array(2.0)}}
    [verdict] = judge_statements([Two()], found, right, {("Two", "length")})
    assert verdict.why == DIFFERENT


def test_an_appeal_shows_numbers_beside_a_text_and_a_shape_without_numbers(key: AnswerKey) -> None:
    [number] = probes(verdict_on(key, "check-words", lambda words: 3), "Words")
    assert (number.answer.caption, number.answer.rows) == ("answer, one number", [[("3", True)]])
    [shape] = probes(verdict_on(key, "check-normal", lambda x: 1.0), "Shape")
    assert (shape.answer.caption, shape.answer.words) == ("answer, 0 instead of 1", "no numbers")
    answers, right = ({"It": {"result": encode(np.array(each))}} for each in ([3.0], 2.0))
    [list_of_one] = probes(PartVerdict("check-it", "It", (), answer=answers, expected=right), "It")
    assert list_of_one.answer.caption == "answer, 1 instead of one number"


def _divide(n: int) -> float:
    return n / 0


def test_an_appeal_shows_an_error_apart_from_the_line(key: AnswerKey) -> None:
    [failed] = probes(verdict_on(key, "check-both", _divide), "Both")
    line = _divide.__code__.co_firstlineno + 1
    assert failed.answer.words == f"“It raised ZeroDivisionError: division by zero. Your line {line}: return n / 0”"


def test_what_to_try_after_an_error_asks_for_no_arrays_where_inputs_are_text(check: Checks) -> None:
    report = " ".join(str(check.words(lambda words: int(words[0]))).split())
    assert "Try: Call your code in a new cell on a small example: Python then shows the whole error." in report
