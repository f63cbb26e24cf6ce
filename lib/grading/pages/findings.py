"""What the verdicts of a class have in common: mistakes, how notebooks ran, library calls, each with its students."""

import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from lib.answer_key import AnswerKey
from lib.grading.pages.classroom import Classroom, StudentWork

Item = TypeVar("Item", bound=Hashable)


@dataclass(frozen=True)
class ClassMistake:
    """One mistake, the hint that students got, and a sentence on what to teach again."""

    part: str
    name: str
    hint: str
    teach: str


def mistakes(classroom: Classroom, unit: AnswerKey | None) -> list[tuple[ClassMistake, list[StudentWork]]]:
    """Collect named mistakes from the verdicts; what to teach comes from today's catalogue, if it still has them."""
    teach = {(one.part, one.name): one.teach for one in (unit.mistakes if unit else ())}
    return group(
        (ClassMistake(part.title, found.name, found.hint, teach.get((part.id, found.name), "")), work)
        for work, verdict in classroom.graded
        for part in verdict.parts
        if (found := part.mistake) is not None
    )


def remarks(classroom: Classroom) -> list[tuple[str, list[StudentWork]]]:
    """Collect the remarks on how notebooks ran, whichever cell they are about."""
    anywhere = re.compile(r"^(The cell \S+|Cell \d+) ")
    return group(
        (anywhere.sub("A cell ", remark), work) for work, verdict in classroom.graded for remark in verdict.remarks
    )


def group(found: Iterable[tuple[Item, StudentWork]]) -> list[tuple[Item, list[StudentWork]]]:
    """Collect findings, each with its students once, the most frequent first."""
    groups: dict[Item, dict[str, StudentWork]] = {}
    for finding, work in found:
        groups.setdefault(finding, {})[work.student] = work
    pairs = [(finding, list(works.values())) for finding, works in groups.items()]
    return sorted(pairs, key=lambda pair: -len(pair[1]))
