"""The mistakes of this class, most frequent first, each with its hint, its students and what to teach again."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lib.grading.report.classroom import Classroom, Work
from lib.unit import AnswerKey


@dataclass
class Made:
    """One mistake, the hint that students got, a sentence on what to teach again, and who made it."""

    part: str
    name: str
    hint: str
    teach: str
    works: list[Work] = field(default_factory=list)


def mistakes_made(classroom: Classroom, unit: AnswerKey | None) -> list[Made]:
    """Collect named mistakes from the verdicts; what to teach comes from today's catalogue, if it still has them."""
    teach: Mapping[tuple[str, str], str] = {(one.part, one.name): one.teach for one in (unit.mistakes if unit else ())}
    made: dict[tuple[str, str], Made] = {}
    for work, verdict in classroom.graded:
        for part in verdict.parts:
            if part.mistake:
                key = part.id, part.mistake.name
                new = Made(part.title, part.mistake.name, part.mistake.hint, teach.get(key, ""))
                made.setdefault(key, new).works.append(work)
    return sorted(made.values(), key=lambda one: -len(one.works))
