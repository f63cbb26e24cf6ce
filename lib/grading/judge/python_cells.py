"""Python cells: a student's cell read as Python, and never run, within bounds.

Not all that stands in a cell is Python: IPython reads magics, shell lines and help, too.
"""

import ast
import re
import warnings
from collections.abc import Iterable

LONGEST = 20_000
"""Characters of a cell that is read: a completed one has some hundred."""

_SPACE = r"[^\S\n]*+"
NOT_RUN = (
    (re.compile(rf"(?m)={_SPACE}[!%].*$"), "= None"),
    (re.compile(rf"(?m)^({_SPACE})(?:\?.*|[\w.*]+\?\??;?{_SPACE})$"), r"\1pass"),
)
"""What IPython reads and Python doesn't, and what stands for it where it need not be run: magics
and shell lines for a result, and help."""


class Allowance:
    """How many characters of a notebook's cells may still be read as Python: to read a million takes many seconds."""

    def __init__(self, characters: int):
        self._left = characters

    def take(self, source: str) -> bool:
        """True if a cell may be read, too; it is counted then."""
        if len(source) > min(self._left, LONGEST):
            return False
        self._left -= len(source)
        return True


def replace_all(source: str, patterns: Iterable[tuple[re.Pattern[str], str]]) -> str:
    """Replace what each of the patterns finds, one after the other."""
    for pattern, instead in patterns:
        source = pattern.sub(instead, source)
    return source


def parse(source: str) -> ast.Module | None:
    """Read a cell as Python, without its magics; None where it isn't any, or is too long or too deep to be read."""
    # First as it is: a line of a longer text or formula may begin with % as well.
    return parse_python(source) or parse_python(re.sub(r"^[^\S\n]*+[%!].*$", "", source, flags=re.MULTILINE))


def parse_python(source: str) -> ast.Module | None:
    """Read what is Python alone; None for anything else, and where it is too long or too deep to be read."""
    if len(source) > LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return None
