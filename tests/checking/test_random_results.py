"""What is right of random code: whoever draws in another way is right, and what is wrong on average is wrong."""

import numpy as np
import pytest

from lib.answer_key import AnswerKey
from lib.authoring.make_fingerprints import of_part
from lib.authoring.rules.code import asks_for_other_results, right_code_is_right
from lib.authoring.trial import Trial
from lib.checking.findings import find
from lib.checking.looks import look_at_ours
from lib.checking.results import Wrong
from lib.checking.right import about, differ, repeat
from lib.unit import NamedResults, Part, Unit, statement
from tests.checking.little import mistakes_of
from tests.variants import written


@statement("Half of the entries stay.", about(lambda inputs: [0.5, 0.5], 0.05), of=("share",), hint="Print the mean.")
@statement("Each call draws anew.", differ, of=("fresh",), hint="Call it twice.")
@statement("What stays is as it was.", of=("values",), points=0)
def drops(inputs, f):
    out = repeat(lambda: f(inputs["x"]), 80)
    shares = [np.mean(half != 0) for half in np.split(out, 2)]
    return NamedResults(share=shares, fresh=[out[0], out[1]], values=bool(np.isin(out, [0, *inputs["x"]]).all()))


def draw(rng):
    return {"x": 1 + np.arange(30.0)}


RIGHT = "def f(x): return np.where(np.random.rand(x.size) < 0.5, x, 0)"
WAYS = {
    "one": RIGHT,
    "two": "def f(x): return x * np.random.default_rng().integers(0, 2, x.size)",
    "three": "import random\ndef f(x): return np.array([each * (random.random() > 0.5) for each in x])",
}
WRONG = {
    "A tenth stays": (RIGHT.replace("0.5", "0.1"), ["share"]),
    "Always the same": (RIGHT.replace("np.random", "np.random.RandomState(3)"), ["share", "fresh"]),
    "Nothing is dropped": ("def f(x): return x", ["share", "fresh"]),
}
PART = Part("check-f", "F", ("f",), draw, drops)


MISTAKES = mistakes_of({name: source for name, (source, _) in WRONG.items()})
KEY = AnswerKey(Unit("little", "Little", (PART,)), {"f": written(RIGHT)["f"]}, tuple(MISTAKES))


def lost(source, seed):
    inputs, right = PART.secret_inputs(seed), KEY.right["f"]
    known, shown = (look_at_ours(PART, inputs, (code,)) for code in (right, written(source)["f"]))
    return [each.name for each in find(PART, inputs, shown, known) if each.state != "right"]


@pytest.mark.parametrize("seed", range(3))
def test_each_right_way_is_right_and_each_wrong_one_loses_what_it_should(seed):
    assert [lost(source, seed) for source in WAYS.values()] == [[]] * len(WAYS)
    assert {name: lost(source, seed) for name, (source, _) in WRONG.items()} == {n: w for n, (_, w) in WRONG.items()}


def test_a_mistake_of_random_numbers_alone_has_no_name():
    ships = of_part(KEY, PART)
    assert [each.name for each in ships.mistakes] == ["Nothing is dropped", "Always the same"][::-1]
    assert [(mistake.name, why) for mistake, why in ships.notes] == [
        ("A tenth stays", "way 1: its result is random, and has no name")
    ]


def test_what_is_about_the_same_on_many_draws_is_no_fault(tmp_path):
    from traitlets.config import Configurable

    trial = Trial("little", tmp_path, {}, Configurable(), KEY, "the.KEY")
    assert [*right_code_is_right(trial), *asks_for_other_results(trial)] == []


@pytest.mark.parametrize("results", [[1.0, np.ones(2)], [None], ["text"]])
def test_repeat_says_what_is_no_number_or_has_another_shape(results):
    left = iter(results)
    with pytest.raises(Wrong):
        repeat(lambda: next(left), len(results))
