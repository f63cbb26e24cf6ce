"""The kernel's shell: what it leaves out would have found nothing."""

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.async_helpers import _should_be_async
from IPython.core.inputtransformer2 import TransformerManager

from lib.grading.room.shell import AWAITS, Compiler, Shell, Transformers

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
    *("# await", "\\", "x \\", "é = 1", "lambda: 0", "@f", "x; y", "[x async for x in y]"),
)
cells = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=6).map("\n".join)


def transformed(transformers: TransformerManager, cell: str) -> str:
    with warnings.catch_warnings(action="ignore"):
        return transformers.transform_cell(cell)


@given(cells)
def test_a_cell_becomes_what_ipython_makes_of_it(cell: str) -> None:
    try:
        right = transformed(TransformerManager(), cell)
    except SyntaxError as error:  # with no magic in it the cell is left to Python, which says the same
        right = f"{error.msg}"
        with pytest.raises(SyntaxError, match=error.msg):
            compile(transformed(Transformers(), cell), "a cell", "exec")
        return
    assert transformed(Transformers(), cell) == right


@given(cells)
def test_what_awaits_something_has_its_letters(cell: str) -> None:
    with warnings.catch_warnings(action="ignore"):
        assert AWAITS.search(cell) or not _should_be_async(cell)


def test_ipykernel_finds_how_cells_are_run() -> None:
    from ipykernel.kernelbase import _accepts_parameters

    assert _accepts_parameters(Shell.run_cell_async, ["cell_id", "cell_meta", "other"]) == {
        "cell_id": True,
        "cell_meta": True,
        "other": False,
    }


def test_two_cells_have_two_names() -> None:
    one, other = (Compiler().get_code_name(cell, cell, 1) for cell in ("x", "\ud800"))
    assert one != other
    assert one == Compiler().get_code_name("x", "x", 2)
