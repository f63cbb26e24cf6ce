"""Outputs of student code: reduced to what nbformat allows, and limited in size."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from lib.checking import results
from lib.checking.challenges import MIME
from lib.checking.results import clean

OUTPUTS = ("stream", "display_data", "execute_result", "error")
PRINTS = " Usually that is a print inside a loop. Take it out once you have seen what you wanted."
TOO_MUCH = f"produced more output than is kept; the rest was dropped.{PRINTS}"
DEEPEST = 5 + 2 * (results.DEEPEST + 1)
"""Levels of lists and objects in an answer: two for each level of a result, and five around it and in its arrays."""
BYTES_OF = {b"{": 430, b"[": 64, b",": 32}
"""Measured bytes of memory for the parts of an output, besides its text: an object, a list, a further number."""
FLOOD = 20
"""A cell is stopped after it has dropped this many times what is kept of it."""
MISSING = re.compile(r"^No module named '(\w{1,80})'$")
"""Python's message about a missing package. For a missing module of an existing package the name has dots."""


class OutputRoom:
    """The memory for the outputs of each cell and of the notebook. Answers of checks have as much again.

    So other output costs no points. When something is dropped, `say` is called with what the cell did.
    """

    def __init__(self, of_cell: int, of_notebook: int, say: Callable[[str], None]):
        """Set the limits in bytes."""
        self._of_cell, self._of_notebook, self._say = of_cell, of_notebook, say
        self._held, self._full = Counter[str](), set[str]()
        self.begin_cell()

    def begin_cell(self) -> None:
        """Start to count the outputs of the next cell."""
        self._kept = Counter[str]()
        self.dropped = 0
        """Bytes of this cell's messages that were dropped."""

    def clear(self) -> None:
        """Forget this cell's outputs, since they are cleared."""
        self._held.subtract(self._kept)
        self._kept.clear()

    def accepts(self, content: dict[str, Any], words: bytes, is_new: bool) -> bool:
        """Count a new output, or more text of the last one; return True if it is within the limits.

        `words` is the message with it. Many small objects take far more memory than their text.
        """
        kind = "answers" if MIME in content.get("data", {}) else "outputs"
        size = len(words) + sum(bytes * words.count(part) for part, bytes in BYTES_OF.items() if is_new)
        if self._kept[kind] + size > self._of_cell:
            self._say(TOO_MUCH)
        elif self._held[kind] + size <= self._of_notebook:
            self._held[kind] += size
            self._kept[kind] += size
            return True
        elif kind not in self._full:
            self._full.add(kind)
            self._say(f"exceeded the limit on all {kind} of the notebook; some were dropped.")
        self.drop(len(words))
        return False

    def drop(self, size: int) -> None:
        """Count `size` dropped bytes. Even an empty message counts, so that very many of them are a flood."""
        self.dropped += max(size, BYTES_OF[b"{"])


def is_graded(cell: Mapping[str, Any]) -> bool:
    """True if a cell has points."""
    return bool(cell["metadata"].get("nbgrader", {}).get("grade"))


def is_needed(kind: str, content: dict[str, Any], cell: Mapping[str, Any]) -> bool:
    """True if nbgrader reads a graded cell's points from an output, so that it must be kept in spite of the limits.

    Otherwise a cell that first prints a lot would earn full points for a failure. Errors are in the reply, too.
    """
    if not (is_graded(cell) and _gives_points(kind, content)):
        return False
    return not any(_gives_points(output["output_type"], output) for output in cell["outputs"])


def plain_output(kind: str, content: dict[str, Any], cell: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return an output's content with only the fields and types that nbformat allows, and answers in graded cells."""
    match kind:
        case "stream":
            return {"name": "stderr" if content["name"] == "stderr" else "stdout", "text": clean(content["text"])}
        case "error":
            lines = [clean(line) for line in content["traceback"]]
            return {"ename": clean(content["ename"]), "evalue": clean(content["evalue"]), "traceback": lines}
    data = {clean(mime): clean(value) for mime, value in content["data"].items() if isinstance(value, str)}
    if is_graded(cell) and _is_shallow(content["data"].get(MIME), DEEPEST):
        data[MIME] = content["data"][MIME]
    counted = {"execution_count": number} if kind == "execute_result" else {}
    return {"data": data, "metadata": {}, **counted}


def answer_in(cell: Mapping[str, Any], part: str) -> dict[str, Any] | None:
    """Return the last answer for this part in a graded cell's outputs, if any. It is untrusted."""
    for output in reversed(cell["outputs"]):
        data = output.get("data", {}).get(MIME) if output["output_type"] in ("execute_result", "display_data") else None
        if isinstance(data, dict) and data.get("part") == part and isinstance(data.get("shown"), dict):
            shown: dict[str, Any] = data["shown"]
            return shown
    return None


def read_json(words: bytes | str) -> Any:
    """Read JSON by msgspec, which is fast, or else by Python's own reader, which also accepts NaN."""
    try:
        return msgspec.json.decode(words)
    except (msgspec.DecodeError, UnicodeError):
        return json.loads(words)


def _gives_points(kind: str, content: dict[str, Any]) -> bool:
    # nbgrader takes the points from a result, and gives none for output on stderr.
    return kind == "execute_result" or (kind == "stream" and content["name"] == "stderr")


def shorten(content: dict[str, Any]) -> dict[str, Any]:
    """Return an output with only the beginning of its text, which is enough for a number of points."""
    if "text" in content:
        return {**content, "text": content["text"][:1000]}
    text = content["data"].get("text/plain", "")[:1000]
    return {**content, "data": {"text/plain": text}}


def missing_packages(cells: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the packages that the student's cells tried to import and that are missing."""
    found = dict[str, None]()
    for cell in cells:
        if cell["metadata"].get("nbgrader", {}).get("solution", True):
            for output in cell.get("outputs", ()):
                if output["output_type"] == "error" and output["ename"] == "ModuleNotFoundError":
                    found |= dict.fromkeys(MISSING.findall(output["evalue"]))
    return list(found)


def _is_shallow(value: object, depth: int) -> bool:
    """True if `value` is an object or list of at most `depth` levels: copying deeper ones could exceed a limit."""
    level = [value] if isinstance(value, (dict, list)) else []
    is_one = bool(level)
    while level and depth >= 0:
        items = (each.values() if type(each) is dict else each for each in level)
        level = [item for each in items for item in each if type(item) is dict or type(item) is list]
        depth -= 1
    return is_one and not level
