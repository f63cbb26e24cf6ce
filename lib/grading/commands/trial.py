"""A trial verdict, for a unit's author: what the judge would say of the code in a notebook, with the files as they are.

`zerolayer lab` adds a call of `verdict` to the author's copy of a student notebook. No sandbox and no gradebook take
part, and the closed half is loaded into the author's own kernel: it is never called where students' code is graded.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from lib.checking.answers import answer
from lib.grading import units
from lib.grading.judge.judge import judge
from lib.grading.judge.verdict import PartVerdict, html

CELL = """\
# For you as the author: what the judge says of what is defined above. Students don't have this cell.
# After a change in the unit's files, restart the kernel.
from lib.grading.commands.trial import verdict

verdict({name!r}, globals())
"""


@dataclass(frozen=True)
class TrialVerdict:
    """The verdict on each part whose code is there, and what the others lack. Shown as students read it."""

    parts: tuple[PartVerdict, ...]
    missing: Mapping[str, str]

    def __repr__(self) -> str:
        return "\n".join([*map(_line, self.parts), *self.missing.values()])

    def _repr_html_(self) -> str:
        """Called by IPython to show it."""
        return "".join([*map(html, self.parts), *(f"<p>{escape(text)}</p>" for text in self.missing.values())])


def verdict(unit: str, namespace: Mapping[str, Any]) -> TrialVerdict:
    """Judge a notebook's objects on inputs that are drawn anew. Raises KeyError where there is no such unit."""
    key, seed = units.answer_key(unit), secrets.randbits(32)
    lacking = {part.id: [name for name in part.subjects if name not in namespace] for part in key.parts}
    judged = (part for part in key.parts if not lacking[part.id])
    return TrialVerdict(
        tuple(judge(key, part, seed, answer(part, seed, tuple(map(namespace.get, part.subjects)))) for part in judged),
        {id: f"{id}: not judged. Not defined yet: {', '.join(names)}." for id, names in lacking.items() if names},
    )


def _line(part: PartVerdict) -> str:
    why = [each.name for each in part.mistakes] or [one.why for one in part.statements if one.why]
    return ". ".join([f"{part.title}: {part.points:g} of {part.max_points:g} points", *why])
