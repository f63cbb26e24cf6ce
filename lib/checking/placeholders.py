"""Open blanks that don't stop student code: a `Placeholder` raises `OpenBlank` only where its value is read.

So a loop with a blank in one line shows what its other lines do.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from lib.blanks import OpenBlank
from lib.checking.spies import Spy, spied

BLANK = "__blank__"
"""The name that `lib.blanks` puts in the place of a ?."""


class Placeholder(NDArrayOperatorsMixin):
    """The value of an open blank: arithmetic returns it unchanged, and reading it raises `OpenBlank`."""

    def __init__(self, sentence: str):
        self.sentence = sentence

    def __array_ufunc__(self, *_: Any, **__: Any) -> Placeholder:
        return self

    def read(self, *_: Any) -> NoReturn:
        """Raise `OpenBlank`."""
        raise OpenBlank(self.sentence)

    __array__ = __len__ = __iter__ = __float__ = __index__ = __bool__ = __getitem__ = __call__ = read


class DataArray(np.ndarray[Any, np.dtype[np.float64]]):
    """A data matrix that returns the placeholder if one is used as an index. Otherwise it is an ordinary array."""

    def __getitem__(self, key: Any) -> Any:
        for each in key if isinstance(key, tuple) else (key,):
            if isinstance(each, Placeholder):
                return each
        return super().__getitem__(key)


@contextmanager
def placeholders(namespace: dict[str, Any]) -> Iterator[None]:
    """Have the open blanks of code that looks up its names here become placeholders."""
    blank = namespace.get(BLANK, vars(builtins).get(BLANK))
    reach: Spy = lambda _, blank, sentence, *__: Placeholder(sentence)  # noqa: E731
    with spied({"Blank": type(blank) if blank else None}, {"Blank.__getitem__": reach}):
        yield
