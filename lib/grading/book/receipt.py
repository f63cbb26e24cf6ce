"""A graded notebook's receipt: of what it was made, and why a person has to look at it.

It is in the notebook's own file, so that it comes to its place together with what it is about. Only `grade.one` writes
it, last of all: nothing on the way to points reads it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import orjson

KEY = "zerolayer"
"""Under this name it stands in the notebook's metadata, which are made anew for each submission."""
TO_DECIDE = "The notebook is from before this was added to the unit: give points as you decide for the class."


@dataclass(frozen=True)
class Receipt:
    """The digest of what was handed in, the reasons of the whole, and each cell that waits for a person, with why."""

    handed_in: str = ""
    reasons: list[str] = field(default_factory=list)
    waits: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Self:
        """Read it from a notebook's metadata; an empty one where it isn't there, or was damaged since."""
        found = metadata.get(KEY)
        try:
            return cls(str(found["handed_in"]), [*map(str, found["reasons"])], dict(found["waits"]))  # type: ignore[index]
        except (LookupError, TypeError, ValueError):
            return cls()

    @classmethod
    def in_file(cls, path: Path) -> Self:
        """Read it from a graded notebook's file."""
        try:
            return cls.of(orjson.loads(path.read_bytes())["metadata"])
        except (ValueError, LookupError, TypeError, AttributeError):
            return cls()

    def as_metadata(self) -> dict[str, Any]:
        """Give what a notebook's metadata have of it."""
        return {KEY: asdict(self)}
