"""Challenges: the inputs of every part, drawn for one submission from a seed that nobody can guess."""

import hashlib
import hmac
import json
import zlib
from functools import lru_cache
from typing import Any

import numpy as np

from lib.answer_key import AnswerKey
from lib.checking.answers import pack
from lib.grading.errors import UnitFailsError
from lib.grading.units import describe
from lib.unit import Inputs, Part

DIGITS = 9
"""Behind the point of what is drawn: enough for any comparison, and half as long in a verdict as all of them."""
KINDS = "a challenge holds arrays of numbers, and what JSON can hold"


def seed_of(secret: bytes, *names: str) -> int:
    """Derive a submission's seed: the same for a regrade, not to be guessed without the course's secret."""
    return int.from_bytes(hmac.digest(secret, "\0".join(names).encode(), hashlib.sha256)[:6], "big")


@lru_cache(1000)
def drawn_for(part: Part, seed: int) -> Inputs:
    """Draw the inputs of one part, floats to nine digits; parts draw apart, so none holds what another asks for.

    They are drawn to pose a challenge and looked at again to judge it, so they are kept for a while, for reading only.
    """
    drawn = part.draw(np.random.default_rng([seed, zlib.crc32(part.id.encode())]))
    if not isinstance(drawn, dict):
        raise TypeError(f"A part's `draw` gave a {type(drawn).__name__}, but a dict holds the inputs by name.")
    rounded = {name: _round(value, name) for name, value in drawn.items()}
    for value in rounded.values():
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
    return rounded


def _round(value: Any, name: str) -> Any:
    """Copy an input, floats to nine digits. Its type stays what it is at the desk.

    Raises TypeError unless it is an array or a number of NumPy's, or what JSON reads back as it was: text, numbers and
    truth values of Python's own, and lists and dicts of them.
    """
    if not isinstance(value, np.ndarray | np.generic):
        return _round_plain(value, name)
    if value.dtype.kind not in "biuf":
        raise TypeError(f"A part's `draw` gave an array of {value.dtype} as {name!r}, but {KINDS}.")
    array = np.array(value)
    rounded = np.asarray(np.round(array, DIGITS)) if array.dtype.kind == "f" else array
    return rounded[()] if isinstance(value, np.generic) else rounded


def _round_plain(value: Any, name: str) -> Any:
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"A part's `draw` gave a {type(value).__name__} as {name!r}, but {KINDS}: {error}.") from error
    if json.loads(text) != value:
        raise TypeError(
            f"A part's `draw` gave {value!r:.80} as {name!r}, which JSON changes to {text:.80}. Draw lists, not tuples,"
            " and dicts whose keys are text."
        )
    return json.loads(text, parse_float=lambda number: round(float(number), DIGITS))


def challenge(key: AnswerKey, seed: int) -> dict[str, Any]:
    """Write all parts' inputs as plain data, to lie beside the notebook. Raises UnitFailsError where `draw` fails."""
    laid = {}
    for part in key.parts:
        try:
            laid[part.id] = drawn_for(part, seed)
        except Exception as error:  # whatever a unit's own code may raise
            raise UnitFailsError(part.id, describe(error)) from error
    return {"parts": {id: {name: pack(array) for name, array in drawn.items()} for id, drawn in laid.items()}}
