"""Tries: what each student has handed in of a watched assignment, when it was graded, and when the next may be.

They are kept in a file, which is written as a whole after each step: a run that is stopped at any moment goes on from
there. A try is known by the contents of its folder, so that nothing is graded twice.
"""

import errno
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from time import time

from lib.grading import safe_files
from lib.grading.machine_faults import FULL
from lib.grading.safe_files import file_beside, files_in, pieces_of, remove

MOST_READ = 2**27
"""Bytes of a folder's files that are read; what is beyond them is left out of grading, and known by its size alone."""

Score = Mapping[str, float]
"""Points by the cell that has them. What counts against them, such as a penalty, is below 0."""


def total(score: Score, by_hand: Score) -> float:
    """Give the points of a try: a person's mark for a cell stands before what grading gave it, in every try alike."""
    return sum({**score, **by_hand}.values())


@dataclass
class Tries:
    """One student's tries, as digests: those that were graded, in order, with the time of the last.

    `best` is the digest of the one with most points, and `best_score` what grading gave it; `told` is the one whose
    page the student has.
    """

    graded: list[str] = field(default_factory=list)
    at: float = 0.0
    best: str = ""
    best_score: Score = field(default_factory=dict)
    told: str = ""

    def note(self, digest: str, at: float, score: Score, by_hand: Score) -> None:
        """Note that a try was graded, at a time in seconds since 1970; marks `by_hand` count for every try."""
        self.graded.append(digest)
        self.at = at
        if not self.best or total(score, by_hand) > total(self.best_score, by_hand):
            self.best, self.best_score = digest, dict(score)

    def due(self, waits: Sequence[float]) -> float:
        """Give the time from which the next try may be graded; `waits` are seconds after the first, the second, …."""
        if not self.graded or not waits:
            return 0.0
        return self.at + waits[min(len(self.graded), len(waits)) - 1]


def load(file: Path) -> dict[str, Tries]:
    """Read the tries of all students, none where there is no file. Raises ValueError where it can't be read."""
    if not file.exists():
        return {}
    try:
        return {str(student): Tries(**found) for student, found in json.loads(file.read_text()).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{file} is damaged: {error}. Delete it: then what is graded counts as the first try."
        ) from error


def save(file: Path, tries: Mapping[str, Tries]) -> None:
    """Write the tries of all students, whole or not at all."""
    with file_beside(file) as part, part.open("w") as target:
        json.dump({student: asdict(found) for student, found in tries.items()}, target)
        target.flush()
        os.fsync(target.fileno())


def digest(folder: Path) -> str:
    """Tell what was handed in apart from any other: by names and contents of the files."""
    found, left = blake2b(digest_size=16), MOST_READ
    for file in sorted(files_in(folder)):
        try:
            size = file.stat().st_size
            is_read = size <= left
            left -= size if is_read else 0
            inner = _digest_of(file, size) if is_read else str(size).encode()
        except OSError as error:  # what can't be read may be readable later
            inner = str(error.errno).encode()
        found.update(f"{file.relative_to(folder)}\n{len(inner)}\n".encode(errors="surrogateescape") + inner)
    return found.hexdigest()


def _digest_of(file: Path, size: int) -> bytes:
    found = blake2b()
    for piece in pieces_of(file, size):
        found.update(piece)
    return found.digest()


def copy(folder: Path, target: Path) -> None:
    """Make `target` a copy with the same digest: ordinary files alone, and a hole in the place of what isn't read.

    What can't be copied is left out: the digest is another one then, and the copy is never graded. Raises OSError where
    there is no room.
    """
    remove(target)
    target.mkdir(parents=True)
    left = MOST_READ
    for file in sorted(files_in(folder)):
        place = target / file.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            if (size := file.stat().st_size) <= left:
                left -= size
                safe_files.copy(file, place, size)
            else:
                with place.open("wb") as hole:
                    hole.truncate(size)
        except OSError as error:
            if error.errno in FULL - {errno.EFBIG}:
                raise


def last_change(folder: Path) -> float:
    """Give when something in a folder was last changed, in seconds since 1970; students can't set this time.

    What is gone since it was listed was changed just now; of what can't be looked at, that isn't known.
    """
    try:
        return max(path.lstat().st_ctime for path in (folder, *files_in(folder)))
    except OSError as error:
        return time() if isinstance(error, FileNotFoundError) else 0.0


def unchanged(folder: Path) -> float:
    """Give for how many seconds nothing in a folder was changed. Where the clock was ahead, it doesn't wait for it."""
    return abs(time() - last_change(folder))
