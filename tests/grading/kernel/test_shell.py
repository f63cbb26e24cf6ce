"""The kernel's shell: what it leaves out would have found nothing."""

import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipykernel import zmqshell
from IPython.core.async_helpers import _should_be_async
from IPython.core.inputtransformer2 import TokenTransformBase, TransformerManager

from lib.grading.kernel.shell import AWAITS, Compiler, Transformers, ZMQInteractiveShell

PIECES = (
    *(
        "x = 1",
        "x",
        "f(x)",
        "def f(x):",
        "    return x",
        "if x:",
        "\tx",
        "# a remark",
        "'text'",
        '"""',
        "x = (",
        ")",
        "",
    ),
    *("%matplotlib inline", "%%time", "x = %pwd", "!ls", "x = !ls", "?x", "x?", "x.y??", "x = '%d' % 3", "x != 1"),
    *(",f a b", ";f a b", "/f a b", "  ,f a", ">>> x", "In [1]: x", "... x", "await x", "async def f(): pass"),
    "# remark\x0b,f a",
    *("# await", "\\", "x \\", "é = 1", "lambda: 0", "@f", "x; y", "[x async for x in y]"),
)
cells = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=6).map("\n".join)


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


def test_ipykernel_finds_how_cells_are_run() -> None:
    from ipykernel.kernelbase import _accepts_parameters

    assert _accepts_parameters(ZMQInteractiveShell.run_cell_async, ["cell_id", "cell_meta", "other"]) == {
        "cell_id": True,
        "cell_meta": True,
        "other": False,
    }


def test_two_cells_have_two_names() -> None:
    one, other = (Compiler().get_code_name(cell, cell, 1) for cell in ("x", "\ud800"))
    assert one != other
    assert one == Compiler().get_code_name("x", "x", 2)


def test_the_environment_may_name_all_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYKERNEL_CELL_NAME", "a cell")
    assert Compiler().get_code_name("x", "x", 1) == "a cell"


def test_by_its_name_programs_know_that_they_are_in_a_notebook() -> None:
    assert ZMQInteractiveShell.__name__ == zmqshell.ZMQInteractiveShell.__name__


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
