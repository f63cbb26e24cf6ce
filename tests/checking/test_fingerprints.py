"""Fingerprints: wrong code gets its mistake's name at the desk and at grading, and the file tells nothing else."""

import json
from typing import Any

import numpy as np
import pytest

from lib.answer_key import AnswerKey
from lib.authoring.make_fingerprints import build
from lib.checking import fingerprints
from lib.checking.fingerprints import Measurement, Seal
from lib.checking.student_code import Failure
from lib.unit import Inputs, NamedResults, Statement, Unit
from tests.checking.little import desk_and_judge, mistakes_of, one, part_of


def look(inputs: Inputs, f: Any) -> NamedResults:
    both = inputs["x"], 3 * inputs["x"]  # a name needs two numbers
    return NamedResults(sum=lambda: [f(x, np.sum) for x in both], max=lambda: [f(x, np.max) for x in both])


def first(x: Any, inputs: Inputs, name: str) -> Any:
    result = inputs["x"].sum() if name == "sum" else inputs["x"].max()
    return x, [result, 3 * result]


PART = part_of(*(Statement(name, f"{name}.", look, first, of=(name,)) for name in ("sum", "max")))
MISTAKES = mistakes_of(
    {
        "All is twice as large": "def f(x, g): return 2 * g(x)",
        "The sum is the mean": "def f(x, g): return g(x) / (len(x) if g.__name__ == 'sum' else 1)",
        "The largest is the smallest": "def f(x, g): return -g(-x) if g.__name__ == 'max' else g(x)",
        "The largest has the wrong sign": "def f(x, g): return -g(x) if g.__name__ == 'max' else g(x)",
        "The arrays don't fit": "def f(x, g): return g(x[:2] + x[:3])",
        "Nothing is returned": "def f(x, g): return 0 * g(x)",
    }
)
NAMED = [
    (lambda x, g: g(x), []),
    (lambda x, g: np.float32(2) * g(x), ["All is twice as large"]),
    (lambda x, g: np.mean(x) if g is np.sum else max(x), ["The sum is the mean"]),
    (lambda x, g: np.mean(x) if g is np.sum else min(x), ["The sum is the mean", "The largest is the smallest"]),
    (lambda x, g: np.mean(x) if g is np.sum else 3.3, ["The sum is the mean"]),
    (lambda x, g: 2 * g(x) if g is np.sum else 3.3, []),  # one number of two, and the other one is another
    (lambda x, g: 2.1 * g(x), []),
    (lambda x, g: g(x[:2] + x[:3]), []),  # an error alone has many causes
    (lambda x, g: g(x[:1, None] @ x[None, :3] @ x), []),
    (lambda x, g: 0.0, ["Nothing is returned"]),
    (lambda x, g: np.nan, []),
    (lambda x, g: None, []),
]


def test_desk_and_judge_give_the_same_names_and_none_to_other_code() -> None:
    off = []
    for row, (code, names) in enumerate(NAMED):
        _, at_desk, verdict = desk_and_judge(PART, lambda x, g: g(x), code, *MISTAKES)
        judged = [each.mistake.name for each in verdict.statements if each.mistake]
        off += [] if at_desk == names == [*dict.fromkeys(judged)] else [(row, at_desk, judged)]
    assert not off


def test_what_code_keeps_from_an_earlier_call_is_named_wherever_it_shows() -> None:
    kept = "seen = []\ndef f(x):\n    seen.append(x)\n    return np.sum(seen, axis=0)"
    mistakes = mistakes_of({"Earlier calls count, too": kept})
    for calls_before in (0, 1):
        space: dict[str, Any] = {"np": np}
        exec(kept, space)
        for _ in range(calls_before):
            space["f"](one().other_inputs["x"])
        _, names, _ = desk_and_judge(one(), lambda x: 1 * x, space["f"], *mistakes)
        assert names == (["Earlier calls count, too"] if calls_before else [])


@pytest.mark.parametrize("seed", range(50))
def test_near_numbers_have_one_fingerprint_and_far_ones_another(seed: int) -> None:
    rng = np.random.default_rng(seed)
    array = 10 ** rng.uniform(-1, 3) * rng.normal(size=(4, 7))
    seal = Seal.of(Measurement({"f": array}))
    for near in (array.astype(np.float32).astype(float), array * (1 + 1e-4)):
        assert seal.is_of(Measurement({"f": near}))
    with_nan = np.where(array == array[0, 0], np.nan, array)
    for far in (1.05 * array, array.T, with_nan, array[:, :6], "text", Failure("error", "It raised ValueError.")):
        assert not seal.is_of(Measurement({"f": far}))
    assert not seal.is_of(Measurement({"g": array}))


def test_an_error_is_told_by_its_message_only_where_nothing_else_tells() -> None:
    def raised(shape: str) -> Measurement:
        return Measurement({"f": Failure("error", f"It raised ValueError: shapes {shape} and (4,4)", "line 2: a @ b")})

    assert Seal.of(raised("(28,28)"), by_message=True).is_of(raised("(28,28)"))
    assert not Seal.of(raised("(28,28)"), by_message=True).is_of(raised("(7,7)"))
    assert Seal.of(raised("(28,28)")).is_of(raised("(7,7)"))


def test_the_file_holds_words_digests_and_right_results_alone_and_may_be_missing() -> None:
    own = Statement("Own", "Own.", lambda inputs, f: f(np.zeros(2), np.sum))
    key = AnswerKey(Unit("little", "Little", (part_of(*PART.statements, own),)), {"f": lambda x, g: g(x)}, ())
    at_desk = build(key)
    data = json.loads(fingerprints.write(at_desk))
    assert set(data) == {"right", "hints", "mistakes"} and set(data["right"]["check-f"]) == {"<lambda>"}
    assert set(data["right"]["check-f"]["<lambda>"]) == {"shape", "floats"}
    assert fingerprints.read("lib.units").mistakes == fingerprints.read("no.such.package").mistakes == {}
