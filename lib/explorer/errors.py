"""Faults: what went wrong in student code, said in a sentence with the student's own line."""

from __future__ import annotations

import linecache
import traceback
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from lib.explorer.timeout import OutOfTime

OURS = str(Path(__file__).parent)
PYTHON = str(Path(traceback.__file__).parent)


class WrongShape(Exception):
    """An array of student code doesn't have the shape that the next step needs."""

    def __init__(self, place: str, what: str, found: tuple[int, ...] | None, expected: tuple[int, ...]) -> None:
        tip = ". Try .T: columns are samples" if found == expected[::-1] and found != expected else ""
        seen = "there is none" if found is None else f"its shape is {found}"
        super().__init__(f"{place}: {what} should be {expected}, but {seen}{tip}.")


def explain(error: BaseException) -> str:
    """Return one sentence on what happened and, on a second line, the student's own line if one was running."""
    if isinstance(error, WrongShape):
        return str(error)
    where = _own_line(error.__traceback__)
    if isinstance(error, OutOfTime):
        return f"Your code had not returned when its time was up{where}"
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}{': ' + said[0] if said else ''}{where}"


def _own_line(trace: TracebackType | None) -> str:
    """Say where the deepest frame of student code was, and quote its line."""
    own = [(frame, line) for frame, line in traceback.walk_tb(trace) if _is_own(frame)]
    if not own:
        return "."
    frame, line = own[-1]
    code = linecache.getline(frame.f_code.co_filename, line, frame.f_globals).strip()
    return f", in {frame.f_code.co_qualname}, {_cell(frame.f_code.co_filename)}line {line}:\n{code}"


def _is_own(frame: FrameType) -> bool:
    """Whether a frame runs student code: not ours, not an installed package, not Python's."""
    file = frame.f_code.co_filename
    return not file.startswith((OURS, PYTHON, "<frozen")) and "site-packages" not in file


def _cell(file: str) -> str:
    """Name the notebook cell that a file name stands for, as IPython counts them."""
    shell: Any = None
    try:
        from IPython import get_ipython

        shell = get_ipython()
        kind, name = shell.compile.format_code_name(file)
    except (ImportError, AttributeError, TypeError):
        return ""
    return f"{kind.lower()} {name}, "
