"""Challenges: the inputs of every part, drawn for one submission from a seed that nobody can guess."""

import hashlib
import hmac
import zlib
from functools import lru_cache
from typing import Any

import numpy as np

from lib.answer_key import AnswerKey
from lib.checking.answers import pack
from lib.unit import Array, Inputs, Part

DIGITS = 9
"""Behind the point of what is drawn: enough for any comparison, and half as long in a verdict as all of them."""


def seed_of(secret: bytes, *names: str) -> int:
    """Derive a submission's seed: the same for a regrade, not to be guessed without the course's secret."""
    return int.from_bytes(hmac.digest(secret, "\0".join(names).encode(), hashlib.sha256)[:6], "big")


@lru_cache(1000)
def drawn_for(part: Part, seed: int) -> Inputs:
    """Draw the inputs of one part, floats to nine digits; parts draw apart, so none holds what another asks for.

    They are drawn to pose a challenge and looked at again to judge it, so they are kept for a while, for reading only.
    """
    drawn = part.draw(np.random.default_rng([seed, zlib.crc32(part.id.encode())]))
    rounded = {name: _round(value) for name, value in drawn.items()}
    for array in rounded.values():
        array.setflags(write=False)
    return rounded


def _round(value: Array) -> Array:
    """Copy an array, to nine digits if it holds floats. Its type stays what it is at the desk.

    Raises TypeError unless it holds numbers or truth values.
    """
    array = np.array(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"A part's `draw` gave an array of {array.dtype}, but a challenge holds only numbers.")
    return np.asarray(np.round(array, DIGITS)) if array.dtype.kind == "f" else array


def challenge(key: AnswerKey, seed: int) -> dict[str, Any]:
    """Write all parts' inputs as the plain data that is laid beside the notebook."""
    laid = {part.id: drawn_for(part, seed) for part in key.parts}
    return {"parts": {id: {name: pack(array) for name, array in drawn.items()} for id, drawn in laid.items()}}
