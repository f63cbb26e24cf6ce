"""Reproducible random numbers: the same in each run of the same code, from any generator, with or without a seed.

The operating system seeds a generator that has no seed. NumPy, `secrets` and `uuid` call `os.urandom` or its other name
in `random`, and `random.Random` seeds itself in C. This module replaces these functions with a seeded source, and seeds
the global generators of NumPy and `random`.
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
"""The contexts that `begin` has entered, until the process ends."""
seeds = [0]
"""How often code has called `np.random.seed`."""
_spare: list[np.random.MT19937] = []
"""Generators for NumPy's functions that can be used again: to create one takes 0.2 ms."""


def begin(seed: int) -> None:
    """Make this process draw the same random numbers as any other process that begins with this seed."""
    _for_good.enter_context(reproducible(seed % 2**32))  # the largest seed that NumPy's global generator accepts
    if tensorflow := sys.modules.get("tensorflow"):  # its generators are in C++
        tensorflow.random.set_seed(seed % 2**32)


@contextmanager
def reproducible(seed: int) -> Iterator[Callable[[], None]]:
    """Make code draw the same random numbers in each run, within this context. Call its value to seed again."""
    source, seed_of_one = random.Random(seed), random.Random.seed

    def begin_anew() -> None:
        for generator in (source, random, mtrand._rand):
            generator.seed(seed)

    def seed_numpy(*args: Any, **kwargs: Any) -> None:
        seeds[0] += 1
        mtrand._rand.seed(*args, **kwargs)

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
            (np.random, "seed", seed_numpy),
        ):
            undo.callback(setattr, place, name, getattr(place, name))
            setattr(place, name, new)
        begin_anew()
        yield begin_anew


def seed_of(inputs: Mapping[str, Any]) -> int:
    """Return a seed that depends on the inputs: the same in each local check, and another one for each submission."""
    return zlib.crc32(b"".join(each.tobytes() for each in inputs.values() if isinstance(each, np.ndarray)))
