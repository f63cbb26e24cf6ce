"""Records of predictions: what is stored of one, and how it is read from where a student could have written anything.

A record stands in an output of the notebook, so that it goes wherever the notebook goes. Outputs are gone once a cell
runs again, and a new kernel can't see them, so a file beside the notebook holds the same. It lies in the folder in
which Jupyter keeps its own copies, which is neither released to students nor handed in.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeGuard

from lib.checking.answers import started_in
from lib.unit import Question

MIME = "application/vnd.zerolayer.prediction+json"
FOLDER = ".ipynb_checkpoints"
MOST_BYTES = 20_000_000
"""Bytes of a file that is read."""
Predictions = dict[str, int]
"""For each question's id, the choice, counted from 0."""


def record(question: Question, choice: int) -> dict[str, Any]:
    """Write a prediction as plain data."""
    return {"question": question.id, "choice": choice}


def predictions_in(notebook: object, questions: Iterable[Question]) -> Predictions:
    """Read the predictions in the outputs of a notebook, which may be any JSON; of several on a question the first.

    What is no choice of a question is left out.
    """
    known = {question.id: question for question in questions}
    found: Predictions = {}
    for each in _records(notebook):
        id, choice = each.get("question"), each.get("choice")
        if isinstance(id, str) and id in known and _is_choice(choice, known[id]):
            found.setdefault(id, choice)
    return found


def remember(unit: str, given: Mapping[str, int]) -> None:
    """Store predictions beside the notebook for kernels to come; where nothing can be written, the output has to do."""
    path = _file_of(unit)
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        part.write_text(json.dumps(given))
        part.replace(path)


def recall(unit: str, questions: Iterable[Question]) -> Predictions:
    """Read the predictions of earlier kernels: from the notebook as it was last saved, and from the file beside it."""
    questions = tuple(questions)
    stored = _read_json(_file_of(unit))
    stored = stored if isinstance(stored, dict) else {}
    kept = {each.id: stored[each.id] for each in questions if _is_choice(stored.get(each.id), each)}
    # Jupyter's servers name the notebook to its kernel. It may have come from another computer, without the file.
    notebook = os.environ.get("JPY_SESSION_NAME")
    return {**(predictions_in(_read_json(Path(notebook)), questions) if notebook else {}), **kept}


def _file_of(unit: str) -> Path:
    return Path(started_in(), FOLDER, f"{unit}.predictions.json")


def _read_json(path: Path) -> object:
    with suppress(OSError, ValueError, RecursionError):
        if path.is_file() and path.stat().st_size <= MOST_BYTES:
            return json.loads(path.read_bytes())
    return None


def _is_choice(choice: object, question: Question) -> TypeGuard[int]:
    return type(choice) is int and 0 <= choice < len(question.choices)


def _records(notebook: object) -> Iterator[dict[str, Any]]:
    """Give what looks like a record, wherever it stands among the outputs."""
    for cell in _list(notebook, "cells"):
        for output in _list(cell, "outputs"):
            data = output.get("data") if isinstance(output, dict) else None
            found = data.get(MIME) if isinstance(data, dict) else None
            if isinstance(found, dict):
                yield found


def _list(data: object, key: str) -> list[Any]:
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, list) else []
