"""The kernel's shell: what it leaves out would have found nothing."""

import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.async_helpers import _should_be_async
from IPython.core.inputtransformer2 import TokenTransformBase, TransformerManager

from lib.grading.kernel.shell import AWAITS, Transformers

PIECES = """
x = 1|x|f(x)|def f(x):|    return x|if x:|	x|# a remark|'text'|\"\"\"|x = (|)||@f|x; y|é = 1|lambda: 0|\\|x \\
%matplotlib inline|%%time|x = %pwd|!ls|x = !ls|?x|x?|x.y??|x = '%d' % 3|x != 1|,f a b|;f a b|/f a b|  ,f a
>>> x|In [1]: x|... x|await x|async def f(): pass|# await|[x async for x in y]
"""
pieces = st.sampled_from(["# remark\x0b,f a", *PIECES.strip().replace("\n", "|").split("|")])
cells = st.lists(pieces | st.text(max_size=5), max_size=6).map("\n".join)


def transformed(transformers: TransformerManager, cell: str) -> str:
    with warnings.catch_warnings(action="ignore"):
        return transformers.transform_cell(cell)


def complaint(code: str) -> str:
    """Tell what Python itself says first of code that it can't read: of several slips IPython may name another."""
    try:
        compile(code, "a cell", "exec")
    except SyntaxError as error:
        return error.msg
    return ""


@given(cells)
def test_a_cell_becomes_what_ipython_makes_of_it(cell: str) -> None:
    try:
        right = transformed(TransformerManager(), cell)
    except SyntaxError as error:  # with no magic in it the cell is left to Python, which says the same
        with pytest.raises(SyntaxError) as found:
            compile(transformed(Transformers(), cell), "a cell", "exec")
        assert found.value.msg in (error.msg, complaint(cell))
        return
    assert transformed(Transformers(), cell) == right


@given(cells)
def test_what_awaits_something_has_its_letters(cell: str) -> None:
    with warnings.catch_warnings(action="ignore"):
        assert AWAITS.search(cell) or not _should_be_async(cell)


def test_a_transformer_that_a_notebook_adds_is_asked_of_every_cell() -> None:
    class Last(TokenTransformBase):
        @classmethod
        def find(cls, tokens_by_line: Any) -> Any:
            return cls((1, 0)) if tokens_by_line[0][0].string == "x" else None

        def transform(self, lines: list[str]) -> list[str]:
            return ["y\n"]

    transformers = Transformers()
    transformers.token_transformers = [*transformers.token_transformers, Last]
    assert transformers.transform_cell("x") == "y\n"
