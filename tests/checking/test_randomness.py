"""The same random numbers in each run of the same code, from whichever generator."""

import os
import random
import secrets
import uuid
from typing import Any

import numpy as np

from lib.checking.challenges import answer
from lib.checking.looks import look_at
from lib.checking.randomness import reproducible
from tests.checking.little import of_x, one
from tests.variants import written

WAYS = """
np.random.rand()
np.random.default_rng().random()
np.random.RandomState().rand()
np.random.Generator(np.random.Philox()).random()
np.random.SeedSequence().entropy
(np.random.seed(), np.random.rand())[1]
random.random()
random.Random().random()
random.SystemRandom().random()
(random.seed(), random.random())[1]
secrets.randbelow(10**9)
uuid.uuid4()
os.urandom(8)
"""


def draw() -> list[Any]:
    names = {"np": np, "os": os, "random": random, "secrets": secrets, "uuid": uuid}
    return [eval(way, names) for way in WAYS.strip().splitlines()]


def test_all_generators_begin_anew_and_go_on_from_their_own_state_afterwards() -> None:
    np.random.seed(1)
    random.seed(1)
    expected = np.random.rand(), random.random()
    np.random.seed(1)
    random.seed(1)
    with reproducible(3) as begin_anew:
        first = draw()
        with reproducible(5):
            other = draw()
        assert (np.random.rand(), random.random()) != expected
        begin_anew()
        assert draw() == first
    assert (np.random.rand(), random.random()) == expected
    assert not [way for way, one, another in zip(WAYS.split("\n"), first, other, strict=False) if one == another]
    assert not [one for one, another in zip(draw(), draw(), strict=True) if one == another]


CODE = """
import random
from numpy.random import default_rng, rand
own = default_rng(4)
def f(x):
    return [rand(), default_rng().random(), random.random()]
"""


def test_code_without_a_seed_shows_the_same_at_each_desk_and_in_each_grading_of_a_submission() -> None:
    part, code = one(of_x), (written(CODE)["f"],)
    at_desk, again = (look_at(part, part.desk_inputs(), code)["of_x"] for _ in range(2))
    assert at_desk.tolist() == again.tolist()
    first, same, another = (answer(part, seed, code) for seed in (5, 5, 6))
    assert first == same
    assert first["desk"] == another["desk"] != first["secret"] != another["secret"]
