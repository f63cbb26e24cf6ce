"""Outputs of student code: made plain, of the types that nbformat says, and no more of them than there is room for."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lib.checking import results
from lib.checking.challenges import MIME
from lib.checking.results import clean

OUTPUTS = ("stream", "display_data", "execute_result", "error")
PRINTS = " Usually that is a print inside a loop. Take it out once you have seen what you wanted."
TOO_MUCH = f"put out more than is kept; the rest was dropped.{PRINTS}"
DEEPEST = 5 + 2 * (results.DEEPEST + 1)
"""Levels of lists and objects in an answer: two for each level of a result, and five around it and in its arrays."""
BYTES_OF = {"{": 430, "[": 64, ",": 32}
"""What the parts of an answer take in memory beside their letters, measured: an object, a list, another number."""
BYTES_OF_A_TEXT = 100
"""Likewise for each line of a traceback, and each kind in which an output is given."""
MISSING = re.compile(r"^No module named '(\w{1,80})'$")
"""What Python says of a package that isn't there. Of a module in one that is, it says a name with dots."""


class OutputRoom:
    """The room for a notebook's outputs, in each cell and in all together. Answers of checks have room of their own.

    So noise around an answer costs no points. `say` is told what the cell that runs did, where something is dropped.
    """

    def __init__(self, of_cell: int, messages: int, of_notebook: int, say: Callable[[str], None]):
        """Set the limits: characters and outputs of a cell, and bytes of memory of all cells."""
        self._of_cell, self._messages, self._of_notebook, self._say = of_cell, messages, of_notebook, say
        self._held, self._full = Counter[str](), set[str]()
        self.begin_cell()

    def begin_cell(self) -> None:
        """Begin to count another cell's."""
        self._kept, self._held_of_cell = Counter[str](), Counter[str]()
        self.dropped = 0
        """Characters that were not kept of this cell."""

    def clear(self) -> None:
        """Give back what this cell has taken: its outputs are cleared."""
        self._held.subtract(self._held_of_cell)
        self._kept, self._held_of_cell = Counter(), Counter()

    def takes(self, content: dict[str, Any], is_new: bool) -> bool:
        """Count an output, or more text of the last one, and tell whether there is room for it; say so if not."""
        text, kind = json.dumps(content), "answers" if MIME in content.get("data", {}) else "outputs"
        self._kept[kind] += len(text)
        self._kept["messages"] += is_new and kind == "outputs"
        bytes = _bytes(content, text) if is_new else len(text)
        if self._kept[kind] > self._of_cell or (kind == "outputs" and self._kept["messages"] > self._messages):
            self._say(TOO_MUCH)
        elif self._held[kind] + bytes <= self._of_notebook:
            self._held[kind] += bytes
            self._held_of_cell[kind] += bytes
            return True
        elif kind not in self._full:
            self._full.add(kind)
            self._say(f"made the notebook's {kind} more than is kept of all; some were dropped.")
        self.drop(len(text))
        return False

    def drop(self, size: int) -> None:
        """Count what isn't kept of a cell, in characters; an output counts for its share of all at least."""
        self.dropped += max(size, self._of_cell // self._messages)


def is_graded(cell: Mapping[str, Any]) -> bool:
    """Tell whether a cell has points."""
    return bool(cell["metadata"].get("nbgrader", {}).get("grade"))


def is_needed(kind: str, content: dict[str, Any], cell: Mapping[str, Any]) -> bool:
    """Tell whether nbgrader reads a graded cell's points from an output, however much came before it.

    Without it a cell that prints enough first would earn full points for a failure. An error is in the reply, too.
    """
    if not (is_graded(cell) and _gives_points(kind, content)):
        return False
    return not any(_gives_points(output["output_type"], output) for output in cell["outputs"])


def plain_output(kind: str, content: dict[str, Any], cell: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Take from an output of the cell that is run as this number what nbformat knows, of the type that nbformat says.

    Answers are taken where the cell is graded.
    """
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


def _gives_points(kind: str, content: dict[str, Any]) -> bool:
    """Tell whether nbgrader would read points from an output: from a result, or none from what is on stderr."""
    return kind == "execute_result" or (kind == "stream" and content["name"] == "stderr")


def shorten(content: dict[str, Any]) -> dict[str, Any]:
    """Keep of an output only the beginning of its text, which is enough for a number."""
    if "text" in content:
        return {**content, "text": content["text"][:1000]}
    text = content["data"].get("text/plain", "")[:1000]
    return {**content, "data": {"text/plain": text}}


def missing_packages(cells: Iterable[Mapping[str, Any]]) -> list[str]:
    """Name the packages for want of which cells ended in an error, but for cells that are the course's own."""
    found = dict[str, None]()
    for cell in cells:
        if cell["metadata"].get("nbgrader", {}).get("solution", True):
            for output in cell.get("outputs", ()):
                if output["output_type"] == "error" and output["ename"] == "ModuleNotFoundError":
                    found |= dict.fromkeys(MISSING.findall(output["evalue"]))
    return list(found)


def _bytes(content: dict[str, Any], text: str) -> int:
    """Estimate what an output, in JSON `text`, takes in memory: its parts may take far more than its letters."""
    data = content.get("data", {})
    if MIME in data:
        return len(text) + sum(bytes * text.count(part) for part, bytes in BYTES_OF.items())
    return len(text) + BYTES_OF["{"] + BYTES_OF_A_TEXT * len(data or content.get("traceback", ()))


def _is_shallow(value: object, depth: int) -> bool:
    """Tell whether `value` is an object or a list of at most `depth` levels: deeper ones can break what copies them."""
    if not isinstance(value, (dict, list)):
        return False
    items = value.values() if isinstance(value, dict) else value
    inner = [item for item in items if isinstance(item, (dict, list))]
    return depth > 0 and all(_is_shallow(item, depth - 1) for item in inner)
