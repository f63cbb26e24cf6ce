"""Records of predictions: how they are stored, read and shown.

A record is in an output of the notebook, so that it stays with the notebook. An output is lost when its cell runs
again, and a new kernel can't read it. So a file in `.ipynb_checkpoints`, in the notebook's folder, stores the same.
That folder is neither released to students nor submitted. A student can edit both, so every read allows for any
content.
"""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from html import escape
from pathlib import Path
from textwrap import fill
from typing import Any

from lib.checking.challenges import started_in
from lib.unit import Question

MIME = "application/vnd.zerolayer.prediction+json"
FOLDER = ".ipynb_checkpoints"
Predictions = dict[str, int]
"""The choice for each question's id, counted from 0."""

# The record is a separate output after the form, and is hidden as long as the form works. The class names are those of
# JupyterLab and Notebook. Where they differ, both outputs are visible, and the form still works.
STYLE = """<style>
.jp-OutputArea-child:has(.zl-predict) + .jp-OutputArea-child:has(.zl-saved) { display: none; }
.jp-OutputArea-child:not(:has(.zl-predict)):has(+ .jp-OutputArea-child .zl-saved) { display: none; }
</style>"""


def predictions_in(notebook: object, questions: Sequence[Question]) -> Predictions:
    """Return the choices in a notebook's outputs, which may be any JSON. The first choice of a question counts."""
    found: Predictions = {}
    for output in (output for cell in _list(notebook, "cells") for output in _list(cell, "outputs")):
        with suppress(KeyError, TypeError):  # it holds no record
            record = output["data"][MIME]
            found = {**_choices({record["question"]: record["choice"]}, questions), **found}
    return found


def remember(unit: str, given: Mapping[str, int]) -> None:
    """Store predictions for later kernels. Where the folder is read-only, only the notebook's output has them."""
    path = _file_of(unit)
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(given))


def recall(unit: str, questions: Sequence[Question]) -> Predictions:
    """Return the predictions from other kernels: those in the saved notebook, and those in the file."""
    # Jupyter's server sets this variable. The notebook may come from another computer, without the file.
    notebook = os.environ.get("JPY_SESSION_NAME")
    saved = predictions_in(_read_json(Path(notebook)), questions) if notebook else {}
    return {**saved, **_choices(_read_json(_file_of(unit)), questions)}


def _file_of(unit: str) -> Path:
    # Not ".json": JupyterLite parses such a file while it is still empty, and Python then waits for ever.
    return Path(started_in(), FOLDER, f"{unit}.predictions.txt")


def _read_json(path: Path) -> object:
    with suppress(OSError, ValueError, RecursionError):
        return json.loads(path.read_bytes())
    return None


def _choices(found: object, questions: Sequence[Question]) -> Predictions:
    """Return the entries that are choices of these questions."""
    given = found if isinstance(found, dict) else {}
    counts = {question.id: len(question.choices) for question in questions}
    return {id: given[id] for id in counts if type(given.get(id)) is int and 0 <= given[id] < counts[id]}


def _list(data: Any, key: str) -> list[Any]:
    with suppress(KeyError, TypeError):
        return list(data[key])
    return []


def prediction(question: Question, choice: int) -> dict[str, Any]:
    """Return an output that shows a prediction and contains its record."""
    lines = ("Question:", question.text), ("You predicted:", question.choices[choice])
    return {**bundle(*lines, saved=True), MIME: {"question": question.id, "choice": choice}}


def bundle(*lines: tuple[str, str], saved: bool = False) -> dict[str, Any]:
    """Return an output as a MIME bundle. Each line is a pair of its bold part and the rest."""
    html = "".join(f'<p style="margin: 0.3em 0"><b>{escape(bold)}</b> {escape(text)}</p>' for bold, text in lines)
    style, name = (STYLE, ' class="zl-saved"') if saved else ("", "")
    return {
        "text/html": f'{style}<div{name} style="max-width: 46em">{html}</div>',
        "text/plain": "\n".join(fill(" ".join(line), 84) for line in lines),
    }


def show(output: dict[str, Any]) -> None:
    """Display a MIME bundle."""
    from IPython.display import display  # not at the top: graders read records without IPython

    display(output, raw=True)
