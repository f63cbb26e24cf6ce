"""The same random numbers in each run of the same code, whichever generator it uses, and whether it seeds it or not.

A generator without a seed is seeded by the operating system: NumPy's, `secrets` and `uuid` ask `os.urandom` for that,
under one of its two names, and `random.Random` asks in C. In their place stands a source of our own. NumPy's own global
generator and that of `random` begin anew.
"""

import os
import random
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np
from numpy.random import mtrand

_for_good = ExitStack()
"""What `begin` has entered: it is left only where the process ends."""
_spare: list[np.random.MT19937] = []
"""Generators for NumPy's functions, to be used again: one takes 0.2 ms to make."""


def begin(seed: int) -> None:
    """Have this process draw the same numbers from now on as each other one that begins with this seed."""
    _for_good.enter_context(reproducible(seed % 2**32))  # NumPy takes no larger seed
    if tensorflow := sys.modules.get("tensorflow"):  # it seeds its own in C++
        tensorflow.random.set_seed(seed % 2**32)


@contextmanager
def reproducible(seed: int) -> Iterator[Callable[[], None]]:
    """Have code draw the same numbers in each run, until this context ends. Its value is called to begin anew."""
    source, seed_of_one = random.Random(seed), random.Random.seed

    def begin_anew() -> None:
        for generator in (source, random, np.random):
            generator.seed(seed)

    def seed_one(generator: random.Random, seed: Any = None, version: int = 2) -> None:
        seed_of_one(generator, source.getrandbits(64) if seed is None else seed, version)

    outside, state = mtrand.get_bit_generator(), random.getstate()  # a copy of NumPy's state takes 0.1 ms
    ours = _spare.pop() if _spare else np.random.MT19937()
    mtrand.set_bit_generator(ours)
    with ExitStack() as undo:
        undo.callback(_spare.append, ours)
        undo.callback(mtrand.set_bit_generator, outside)
        undo.callback(random.setstate, state)
        for place, name, new in (
            *((os, "urandom", source.randbytes), (random, "_urandom", source.randbytes)),
            *((random.Random, "seed", seed_one), (random, "seed", partial(seed_one, random._inst))),
        ):
            undo.callback(setattr, place, name, getattr(place, name))
            setattr(place, name, new)
        begin_anew()
        yield begin_anew


def seed_of(inputs: Mapping[str, Any]) -> int:
    """Return a seed that follows from what was drawn: the same at each desk, and another one for each submission."""
    drawn = [each.tobytes() for each in inputs.values() if isinstance(each, np.ndarray)]
    return zlib.crc32(b"".join(drawn))
