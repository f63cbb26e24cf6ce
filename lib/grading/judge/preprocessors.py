"""Judging inside nbgrader's conversion: pose the challenge before a notebook runs, write the verdict after it.

Both are ordinary nbgrader preprocessors, so `nbgrader autograde`, formgrader's button and `zerolayer grade` judge
alike. The verdict takes the place of whatever a graded cell put out, and nbgrader reads its points from there.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Dict, Unicode
from traitlets.utils.importstring import import_item

from lib.checking.answers import CHALLENGE, MIME
from lib.grading.judge.challenge import challenge, seed_of
from lib.grading.judge.judge import Answers, judge
from lib.grading.judge.library_calls import borrowed
from lib.grading.judge.verdict import FILE, PartVerdict, Verdict, html
from lib.grading.running.execute import FILES, REMARKS
from lib.grading.safe_files import files_in, is_file, remove, tidy
from lib.unit import AnswerKey

POSED = "zerolayer_posed"
STAMP = "timestamp.txt"
"""nbgrader's note of when a submission was made; a later one is graded anew."""
OURS = (CHALLENGE, FILE, f"{FILE}.part")
"""Names in a submission's folder that are not a student's to use."""


@dataclass(frozen=True)
class Posed:
    """What stood before a run: the challenge's seed, the files in the submission's folder, and its timestamp."""

    seed: int
    files: frozenset[Path]
    stamp: bytes


class Judging(NbGraderPreprocessor):
    """What posing and judging share: which unit an assignment is, and a submission's seed."""

    units = Dict(
        {"softmax_classifier": "lib.units.softmax_classifier.closed.ANSWER_KEY"},
        help="For each assignment that is judged, the import string of its AnswerKey.",
    ).tag(config=True)
    secret_file = Unicode(
        "judge_secret", help="Where the course keeps the secret from which seeds are derived; made at first need."
    ).tag(config=True)

    def unit(self, resources: dict[str, Any]) -> AnswerKey | None:
        """Find the unit of the assignment, or None for one that nbgrader grades by itself."""
        name = self.units.get(resources["nbgrader"]["assignment"])
        return import_item(name) if name else None

    def seed(self, resources: dict[str, Any]) -> int:
        """Derive the seed of this submission; a later submission of the same student has another."""
        names, key = resources["nbgrader"], secret(Path(self.secret_file))
        return seed_of(key, names["assignment"], names["notebook"], names["student"], _stamp(resources)[:100].hex())


class Pose(Judging):
    """Lay the challenge beside the notebook, just before it is run."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Called by nbgrader's Autograde; leaves for `Judge` what a run must not change."""
        unit, folder = self.unit(resources), _folder(resources)
        if unit is not None:
            for name in OURS:
                remove(folder / name)
            posed = Posed(self.seed(resources), frozenset(files_in(folder)), _stamp(resources))
            resources[POSED] = posed
            laid = orjson.dumps(challenge(unit, posed.seed))
            if FILES in resources:
                resources[FILES][CHALLENGE] = laid
            else:
                (folder / CHALLENGE).write_bytes(laid)
        return nb, resources


class Judge(Judging):
    """Judge the answers in the graded cells' outputs, put the verdicts in their place, and store them."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Called by nbgrader's Autograde after the notebook was run."""
        unit = self.unit(resources)
        if unit is None:
            return nb, resources
        posed: Posed = resources[POSED]
        folder = _folder(resources)
        tidy(folder, posed.files)
        if posed.stamp:
            remove(folder / STAMP)
            (folder / STAMP).write_bytes(posed.stamp)
        remarks, verdicts = tuple(resources.get(REMARKS, ())), []
        for cell in nb.cells:
            part = unit.part(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
            if part is None or cell.cell_type != "code":
                continue
            given = answers_in(cell, part.id)
            verdict = judge(unit, part, posed.seed, given, problem=_problem(cell, remarks))
            cell.outputs = [_shown(verdict, float(cell.metadata.nbgrader["points"]))]
            verdicts.append(verdict)
        names = resources["nbgrader"]
        Verdict(
            names["assignment"],
            names["notebook"],
            names["student"],
            posed.seed,
            tuple(verdicts),
            remarks,
            borrowed(nb.cells),
        ).save(folder)
        return nb, resources


def answers_in(cell: NotebookNode, part: str) -> Answers | None:
    """Find the answer among a graded cell's outputs: the last one for this part, whoever put it there."""
    for output in reversed(cell.outputs):
        data = output.get("data", {}).get(MIME) if output.output_type in ("execute_result", "display_data") else None
        if isinstance(data, dict) and data.get("part") == part and isinstance(data.get("statements"), dict):
            statements: Answers = data["statements"]
            return statements
    return None


def secret(path: Path) -> bytes:
    """Read the course's secret, making it if there is none yet; only its owner can read it."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32))
    return path.read_bytes()


def _problem(cell: NotebookNode, remarks: tuple[str, ...]) -> str:
    """Say why a graded cell has no answer: the error that it ended with, or what happened to the run."""
    for output in cell.outputs:
        if output.output_type == "error":
            return f"The check gave no answer. {output.ename}: {output.evalue}"[:300]
    return " ".join(("The check gave no answer.", *remarks))


def _shown(verdict: PartVerdict, worth: float) -> NotebookNode:
    """Make the output that nbgrader reads as points (text) and people as a verdict (HTML)."""
    scale = worth / verdict.max_points if verdict.max_points else 0.0
    points = min(worth, round(verdict.points * scale, 4))
    shown = NotebookNode({"text/plain": str(points), "text/html": html(verdict, scale)})
    return NotebookNode(output_type="execute_result", data=shown, metadata=NotebookNode(), execution_count=None)


def _stamp(resources: dict[str, Any]) -> bytes:
    stamp = _folder(resources) / STAMP
    return stamp.read_bytes() if is_file(stamp) else b""


def _folder(resources: dict[str, Any]) -> Path:
    return Path(resources["metadata"]["path"])
