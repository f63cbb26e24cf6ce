"""The judge: right code earns everything, garbage earns and stops nothing, and a name comes from the desk's draw."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.answer_key import AnswerKey
from lib.authoring.make_fingerprints import build
from lib.blanks import OpenBlank
from lib.checking.challenges import DESK, SECRET, answer
from lib.checking.results import to_json
from lib.grading import unit_registry
from lib.grading.errors import ConfigError
from lib.grading.judge import judge as module
from lib.grading.judge import words
from lib.grading.judge.judge import Answers, judge
from lib.grading.judge.verdict import PartVerdict
from lib.grading.pipeline.stages import seed_of
from lib.grading.pipeline.verdict_html import html
from lib.mistakes import Mistake
from lib.unit import NamedResults, Part, Unit, statement
from tests.grading import relu_unit
from tests.grading.relu_unit import ReLU, loss, relu
from tests.variants import written

RIGHT, WRONG, OPEN, UNCHECKED = "right", "wrong", "open", "not checked"


# ---- A part of two results, and one of a result with others in it


def pair(x: Any) -> Any:
    """The right code: a sum, and a dict of what stands apart."""
    return x.sum(), {"first": x[0], "words": ["a", str(len(x))]}


def look(inputs: Any, pair: Any) -> NamedResults:
    (total, apart), (twice, _) = pair(inputs["x"]), pair(2 * inputs["x"])
    return NamedResults(total=[total, twice], apart=apart)


Total = statement("The sum comes first.", of=("total",), hint="Add.")(look)
Apart = statement("The rest stands in a dict.", of=("apart",), hint="Look.", points=2)(look)
Advice = statement("It is a tuple.", of=("total",), points=0)(look)
STATEMENTS = tuple(replace(each, name=name) for each, name in ((Total, "Total"), (Apart, "Apart"), (Advice, "Advice")))
PAIR = Part("check-pair", "A pair", ("pair",), lambda rng: {"x": rng.normal(size=rng.integers(3, 9))}, STATEMENTS)
SOURCE = "def pair(x):\n    return {}, {{'first': {}, 'words': ['a', str(len(x))]}}"
MEAN = Mistake(PAIR.id, "It is the mean", "Add.", (SOURCE.format("x.mean()", "x[0]"),))
LAST = Mistake(PAIR.id, "The last is taken", "Count.", (SOURCE.format("x.sum()", "x[-1]"),))
KEY = AnswerKey(
    Unit("small", "Small", (PAIR, relu, loss)),
    {"pair": pair, **relu_unit.RIGHT},
    (MEAN, LAST, *relu_unit.ANSWER_KEY.mistakes),
)


@pytest.fixture(autouse=True)
def _shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small unit has no folder: what would ship with it is built."""
    shipped = module.shipped
    monkeypatch.setattr(module, "shipped", lambda key: build(key) if key is KEY else shipped(key))


def given_by(part: Part, code: Mapping[str, object], seed: int = 1, key: AnswerKey = KEY) -> Answers:
    """What a notebook with `code` in it answers, through JSON, as between the judge and a kernel."""
    objects = {**key.right, **code}
    answered = answer(part, seed, tuple(objects[name] for name in part.subjects))
    answers: Answers = json.loads(json.dumps(answered, allow_nan=False))
    return answers


def judged(part: Part, code: Mapping[str, object], seed: int = 1) -> PartVerdict:
    return judge(KEY, part, seed, given_by(part, code, seed))


def both(total: str, first: str) -> dict[str, object]:
    return written("import numpy as np\n" + SOURCE.format(total, first))


@pytest.mark.parametrize("unit", [None, *unit_registry.find_all()], ids=str)
def test_what_was_right_in_one_draw_is_wrong_in_another(unit: str | None) -> None:
    """Else a notebook without any code of its own could show it: once for all, what it is stands in the check."""
    key = unit_registry.answer_key(unit) if unit else KEY
    for part in key.parts:
        shown = given_by(part, {}, 1, key)
        assert judge(key, part, 1, shown).points == part.points
        right = {each.name for each in judge(key, part, 2, shown).statements if each.state == RIGHT}
        assert right in (set(), {"ColumnsSumToOne"}, {"ColumnsSumToZero"}), part.id  # as of code that looks at nothing


def stays_open(*_: Any) -> None:
    raise OpenBlank("A blank on line 6 is still open.")


ZEROS = {"ReLU": type("ReLU", (ReLU,), {"backward": lambda self, g: 0 * g})}
TURNED = {"ReLU": type("ReLU", (ReLU,), {"forward": lambda self, x: ReLU.forward(self, -x)})}
HALF = {"ReLU": type("ReLU", (ReLU,), {"backward": stays_open})}
STATES = [
    (relu, {}, [RIGHT, RIGHT], ""),
    (relu, ZEROS, [RIGHT, WRONG], "The result is not the right one. Where: entry"),
    (relu, TURNED, [WRONG, WRONG], "Something else came out. Where: entry"),
    (relu, HALF, [RIGHT, OPEN], "A blank on line 6 is still open."),
    (loss, written("def mse(y, p):\n    return y.reshape(99)"), [WRONG], "line 2: return y.reshape(99)"),
    (loss, written("def mse(y, p):\n    return y.shape(1)"), [WRONG], "shape is not a function."),
    (loss, written("def mse(y, p):\n    return 1.7e308"), [WRONG], "Found inf"),
    (loss, written("def mse(y, p):\n    return 7.0"), [WRONG], "Where: x = [[0., 0.], [0., 0.]]"),
    (loss, written("def mse(y, p):\n    return [y]"), [WRONG], "Found shape (1, 2, 2)"),
    (PAIR, both("x.sum()", "np.nan"), [RIGHT, WRONG], "Where: first. Found nan"),
    (PAIR, written("def pair(x):\n    return x.sum()"), [WRONG, UNCHECKED], "It raised TypeError: cannot unpack"),
]


@pytest.mark.parametrize(("part", "code", "states", "why"), STATES)
def test_each_statement_is_judged_for_itself_and_says_why_but_not_what_is_expected(
    part: Part, code: Mapping[str, object], states: list[str], why: str
) -> None:
    verdict = judged(part, code)
    assert [each.state for each in verdict.statements] == states  # without advice
    assert verdict.points == sum(each.max_points for each in verdict.statements if each.state == RIGHT)
    assert why in next((words.reason(each) for each in verdict.statements if each.why), "")
    assert not [each for each in verdict.statements if "expected" in words.why(each)]


def test_two_mistakes_have_two_names_each_at_its_own_statement() -> None:
    two, one = judged(PAIR, both("x.mean()", "x[-1]")), judged(PAIR, both("7 * x.sum()", "x[-1]"))
    assert [each.mistake and each.mistake.name for each in two.statements] == [MEAN.name, LAST.name]
    assert [[each.name for each in verdict.mistakes] for verdict in (two, one)] == [[MEAN.name, LAST.name], [LAST.name]]
    assert [[words.hint(each) for each in verdict.statements] for verdict in (two, one)] == [["", ""], ["Add.", ""]]


def test_a_forged_draw_of_the_desk_changes_the_name_alone() -> None:
    code, others = both("x.mean()", "x[0]"), given_by(PAIR, both("x.sum()", "x[-1]"))
    shown = given_by(PAIR, code)
    true = judge(KEY, PAIR, 1, shown)
    for forged in (others[DESK], {}, None, [], {"look total": NESTED}, given_by(PAIR, {})[DESK]):
        verdict = judge(KEY, PAIR, 1, {**shown, DESK: forged})
        assert verdict.points == true.points == 2 and [each.name for each in true.mistakes] == [MEAN.name]
        assert MEAN.name not in [each.name for each in verdict.mistakes]
    assert judge(KEY, PAIR, 1, {DESK: given_by(PAIR, {})[DESK]}).points == 0


# ---- Whatever a kernel puts out


KEYS = ["shape", "floats", "dict", "failure", "text", "line", "hint", "", "blank", "look total", "look apart"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["nan", "-inf", 10**400]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
SHAPE = st.lists(st.integers(-1, 10**7) | JSON, max_size=40) | JSON
RECORDS = (
    st.fixed_dictionaries({"shape": SHAPE, "floats": st.text() | JSON})
    | st.fixed_dictionaries({"dict": JSON})
    | st.fixed_dictionaries({"failure": JSON, "text": JSON, "line": JSON, "hint": JSON})
)
"""Records that look like arrays, dicts or failures, and are none."""
PLACES = st.sampled_from(["", "nonsense", "look total", "look apart", "Rectifies", "StopsGradients"])
DRAW = st.dictionaries(PLACES, JSON | RECORDS, max_size=6) | JSON


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(garbage=st.fixed_dictionaries({}, optional={DESK: DRAW, SECRET: DRAW}))
def test_garbage_earns_nothing_and_raises_nothing(garbage: Any) -> None:
    for part in KEY.parts:
        verdict = judge(KEY, part, 1, garbage)
        assert (verdict.points, verdict.mistakes) == (0, [])


NESTED: Any = []
for _ in range(100_000):
    NESTED = [NESTED]
UNREADABLE: list[Any] = [
    *({"shape": shape, "floats": ""} for shape in ([100_000] * 8, [10**30, 0], [True], {"0": 1}, NESTED, None)),
    *({"shape": [1], "floats": floats} for floats in ("no letters of base64: \ud800", "AAAA", 1.0, [1.0], NESTED)),
    *({**to_json(array), "shape": shape} for array, shape in ((np.ones(1), [2]), (np.array(1e301), []))),
    to_json(np.zeros(200_000)),
    {"dict": NESTED},
    {"dict": []},
    *(NESTED, [0] * 100_000, "nan", "x" * 100_000),
    {"failure": "blank", "text": ["\ud800"] * 9, "line": {}, "hint": []},
    {"failure": "\ud800", "text": "\ud800" * 1000, "line": "\ud800", "hint": "\ud800"},
]


def test_a_record_that_is_no_result_is_worth_nothing() -> None:
    for record in UNREADABLE:
        verdict = judge(KEY, PAIR, 1, {SECRET: {"look total": record, "look apart": record}})
        assert verdict.points == 0 and all(words.why(each) for each in verdict.statements), str(record)[:60]
        words.why(verdict.statements[0]).encode()


def test_words_that_are_made_up_cannot_draw_on_a_page_and_are_in_quotation_marks() -> None:
    """The verdict's HTML goes onto pages as it is; what the judge finds itself stands without them."""
    said = {"failure": "value", "text": "Full points.” \u202e\x1b[2J Fault of the “grader", "hint": "Points are due."}
    verdict = judge(KEY, loss, 1, {SECRET: {"SquaredError": said, "SquaredError example 0 of SquaredError": said}})
    assert "\u202e" not in html(verdict) and "\x1b" not in html(verdict)
    assert words.reason(verdict.statements[0]) == '“Full points." \\u202e\\x1b[2J Fault of the "grader”'
    assert "\x1b" not in judge(KEY, loss, 1, None, problem="E: \x1b[2J").problem
    assert words.reason(judged(loss, {"mse": lambda y, p: 7.0}).statements[0]).startswith("The result is not")


# ---- Units that fail, and draws


@pytest.mark.parametrize(("broken", "why"), [(lambda x: 1 / 0, "ZeroDivisionError"), (lambda x: None, "NoneType")])
def test_where_the_units_own_code_fails_nobody_is_judged_by_it(broken: object, why: str) -> None:
    key = replace(KEY, right={**KEY.right, "pair": broken})
    for shown in (None, {}, given_by(PAIR, {}, key=key)):
        with pytest.raises(ConfigError, match=why):
            judge(key, PAIR, 1, shown)
    failing = replace(PAIR, draw=lambda rng: {"x": rng.nomral()})
    with pytest.raises(ConfigError, match=r"check-pair: .*nomral"):
        judge(KEY, failing, 1, given_by(failing, {}))


def test_a_seed_is_the_same_for_a_regrade_and_differs_for_every_submission() -> None:
    seeds = [seed_of(key, *names) for key in (b"one", b"two") for names in (("ada", "bob"), ("adab", "ob"), ("ada",))]
    assert len(set(seeds)) == len(seeds) and seed_of(b"one", "ada", "bob") == seeds[0]
    wrong = {"mse": lambda y, p: 7.0}
    assert judged(loss, wrong, 7) == judged(loss, wrong, 7)
