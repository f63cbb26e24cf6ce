"""Placeholders: values of open blanks that don't stop student code until the code reads them.

So the other lines of a loop with an open blank can still be checked.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from lib.blanks import OpenBlank
from lib.checking.spies import spied

BLANK = "__blank__"
"""The name with which `lib.blanks` replaces a `?`."""


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
    """Replace the open blanks of code in this namespace with placeholders."""

    def reach(original: object, blank: object, sentence: str, *value: object) -> Placeholder:
        return Placeholder(sentence)

    blank = namespace.get(BLANK, vars(builtins).get(BLANK))
    with spied({"Blank": type(blank) if blank else None}, {"Blank.__getitem__": reach}):
        yield
