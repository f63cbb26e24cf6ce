"""Parsing of students' cells as Python, within limits and without running them.

IPython's magics, shell commands and help are no Python, and are removed first if necessary.
"""

import ast
import re
import warnings
from collections.abc import Iterable

LONGEST = 20_000
"""The most characters of a cell that is parsed. A completed one has some hundred."""

_SPACE = r"[^\S\n]*+"
NOT_RUN = (
    (re.compile(rf"(?m)={_SPACE}[!%].*$"), "= None"),
    (re.compile(rf"(?m)^({_SPACE})(?:\?.*|[\w.*]+\?\??;?{_SPACE})$"), r"\1pass"),
)
"""IPython's syntax and its replacements for parsing: magics and shell commands with a result, and help."""


class Allowance:
    """The number of characters that may still be parsed: a million takes many seconds."""

    def __init__(self, characters: int):
        self._left = characters

    def take(self, source: str) -> bool:
        """Return True, and count the cell, if it may be parsed, too."""
        if len(source) > min(self._left, LONGEST):
            return False
        self._left -= len(source)
        return True


def replace_all(source: str, patterns: Iterable[tuple[re.Pattern[str], str]]) -> str:
    """Apply replacements one after the other."""
    for pattern, instead in patterns:
        source = pattern.sub(instead, source)
    return source


def parse(source: str) -> ast.Module | None:
    """Parse a cell, without its magics if necessary; None if it isn't Python, or is too long or too deep."""
    # First unchanged, since a line of a string or formula may begin with %, too.
    return parse_python(source) or parse_python(re.sub(r"^[^\S\n]*+[%!].*$", "", source, flags=re.MULTILINE))


def parse_python(source: str) -> ast.Module | None:
    """Parse pure Python code; None if it isn't Python, or is too long or too deep."""
    if len(source) > LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return None
