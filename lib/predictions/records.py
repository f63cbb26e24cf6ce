"""Records of predictions: what is stored of one, how it is read from where a student wrote anything, and how it shows.

A record stands in an output of the notebook, so that it goes wherever the notebook goes. Outputs are gone once a cell
runs again, and a new kernel can't see them, so a file beside the notebook holds the same. It lies in the folder in
which Jupyter keeps its own copies, which is neither released to students nor handed in.
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
"""For each question's id, the choice, counted from 0."""

# What is saved stands in an output of its own, after the live form, and shows only where there is no live form. The
# class names are JupyterLab's and Notebook's; where they differ, both outputs show, and the form works.
STYLE = """<style>
.jp-OutputArea-child:has(.zl-predict) + .jp-OutputArea-child:has(.zl-saved) { display: none; }
.jp-OutputArea-child:not(:has(.zl-predict)):has(+ .jp-OutputArea-child .zl-saved) { display: none; }
</style>"""


def predictions_in(notebook: object, questions: Sequence[Question]) -> Predictions:
    """Read the choices of questions in a notebook's outputs, which may be any JSON; of several the first one counts."""
    found: Predictions = {}
    for output in (output for cell in _list(notebook, "cells") for output in _list(cell, "outputs")):
        with suppress(KeyError, TypeError):  # it holds no record
            record = output["data"][MIME]
            found = {**_choices({record["question"]: record["choice"]}, questions), **found}
    return found


def remember(unit: str, given: Mapping[str, int]) -> None:
    """Store predictions beside the notebook for kernels to come; where nothing can be written, the output has to do."""
    path = _file_of(unit)
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(given))


def recall(unit: str, questions: Sequence[Question]) -> Predictions:
    """Read the predictions of other kernels: from the notebook as it was last saved, and from the file beside it."""
    # Jupyter's servers name the notebook to its kernel. It may have come from another computer, without the file.
    notebook = os.environ.get("JPY_SESSION_NAME")
    saved = predictions_in(_read_json(Path(notebook)), questions) if notebook else {}
    return {**saved, **_choices(_read_json(_file_of(unit)), questions)}


def _file_of(unit: str) -> Path:
    # Not ".json": JupyterLite reads such a file while it is empty, and Python waits for its answer for ever.
    return Path(started_in(), FOLDER, f"{unit}.predictions.txt")


def _read_json(path: Path) -> object:
    with suppress(OSError, ValueError, RecursionError):
        return json.loads(path.read_bytes())
    return None


def _choices(found: object, questions: Sequence[Question]) -> Predictions:
    """Take over what is a choice of a question."""
    given = found if isinstance(found, dict) else {}
    most = {question.id: len(question.choices) for question in questions}
    return {id: given[id] for id in most if type(given.get(id)) is int and 0 <= given[id] < most[id]}


def _list(data: Any, key: str) -> list[Any]:
    with suppress(KeyError, TypeError):
        return list(data[key])
    return []


def prediction(question: Question, choice: int) -> dict[str, Any]:
    """Write an output that shows a prediction and holds its record."""
    lines = ("Question:", question.text), ("You predicted:", question.choices[choice])
    return {**bundle(*lines, saved=True), MIME: {"question": question.id, "choice": choice}}


def bundle(*lines: tuple[str, str], saved: bool = False) -> dict[str, Any]:
    """Write an output, by its MIME types. Each line has what is bold in it first."""
    html = "".join(f'<p style="margin: 0.3em 0"><b>{escape(bold)}</b> {escape(text)}</p>' for bold, text in lines)
    style, name = (STYLE, ' class="zl-saved"') if saved else ("", "")
    return {
        "text/html": f'{style}<div{name} style="max-width: 46em">{html}</div>',
        "text/plain": "\n".join(fill(" ".join(line), 84) for line in lines),
    }


def show(output: dict[str, Any]) -> None:
    """Put out an output: Jupyter picks what it can show."""
    from IPython.display import display  # only in a notebook; graders read records elsewhere

    display(output, raw=True)
