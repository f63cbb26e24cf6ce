"""Downloads from Canvas and Moodle: unpacking them safely, and finding the owner of each notebook.

Notebooks are read within limits and written under numbers, so that no name in a zip leads to a file. A file that is
refused gets a message that says what to do, and doesn't stop the others.
"""

import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO
from unicodedata import normalize
from zipfile import ZipFile

from lib.grading.files import write
from lib.grading.lms.names import RENAME, Owner, RefusedError, own_name, owner_of
from lib.grading.lms.students import Students
from lib.grading.machine_faults import FULL
from lib.grading.safe_names import visible
from lib.grading.submissions.collection_records import Refusal
from lib.grading.submissions.submitted_files import ARCHIVES, MOST_BYTES, NOTEBOOK
from lib.grading.submissions.submitted_notebook import HIDDEN, UnreadableError, strip_widgets
from lib.grading.submissions.walk import walk

INSTEAD = "Ask for the notebook itself."
MOST_FILES = 10**6
"""Files and folders in an unpacked download."""
LONGEST_NAME = 200
"""Bytes of a notebook's name; file systems allow 255."""


@dataclass(frozen=True)
class DownloadedNotebook:
    """A student's notebook: the number of its copy, the downloaded file's name, and its unpacked path."""

    owner: Owner
    copy: int
    downloaded: str
    place: Path


class Download:
    """Files that were downloaded together: the notebooks `found`, by student and file name, and the refusals."""

    def __init__(self, students: Students, released: Collection[str], place: Path):
        """Find owners among the students, and unpack notebooks into `place`."""
        self._students, self._released, self._place, self._count, self._student = students, released, place, 0, ""
        self._others = defaultdict[str, list[str]](list)
        self.owners = dict[str, Owner]()
        """Everyone who submitted a file, by id; marked late if any of their files was."""
        self.found = defaultdict[str, dict[str, DownloadedNotebook]](dict)
        self.left_out = list[Refusal]()

    def add(self, path: Path) -> None:
        """Add a downloaded file, or an unpacked download. Raises OSError if it can't be read or the disk is full."""
        entries = [entry for entry in walk(path, most=MOST_FILES) if entry.is_file] if path.is_dir() else []
        seen = [entry for entry in entries if not any(map(HIDDEN.match, entry.name.parts))]
        files = [(entry.path, PurePosixPath(path.name, entry.name)) for entry in seen]
        for file, name in files if path.is_dir() else [(path, PurePosixPath(path.name))]:
            with file.open("rb") as data, self._collect_refusal(name.name):
                if name.suffix.lower() == ".zip" and self._find_owner(name) is None:
                    self._open(data)
                else:
                    self._add_file(name, data)

    def finish(self) -> None:
        """Refuse everyone who submitted no notebook."""
        named = {left.student for left in self.left_out}
        for student in self.owners.keys() - self.found.keys() - named:
            others = ", ".join(self._others[student]) or "an empty zip"
            self._refuse(student, others, f"{student} submitted no notebook. {INSTEAD}")

    def _refuse(self, student: str, file: str, why: str) -> None:
        self.left_out.append(Refusal(student, visible(file)[:120], visible(why)[:400]))

    @contextmanager
    def _collect_refusal(self, shown: str) -> Iterator[None]:
        """Add a refusal if the file in the block is refused or can't be unpacked."""
        try:
            yield
        except RefusedError as refused:
            self._refuse(self._student, shown, f"it {refused}")
        except Exception as error:  # zipfile raises many types for a truncated, damaged or unusual zip
            if isinstance(error, OSError) and error.errno in FULL:  # a partly written file must not be collected
                raise
            why = (error.strerror if isinstance(error, OSError) else None) or error
            again = f"Download it again. If that doesn't help: {INSTEAD}"
            self._refuse(self._student, shown, f"it can't be unpacked ({why}). {again}")

    def _open(self, data: IO[bytes]) -> None:
        """Add the files in a download."""
        with ZipFile(data) as archive:
            for entry in archive.infolist():
                if entry.filename.endswith(("/", "\\")):
                    continue
                self._student, parts = "", re.split(r"[/\\]", entry.filename)
                # macOS and Jupyter add hidden files, among them copies of notebooks.
                if not any(HIDDEN.match(part) and part not in (".", "..") for part in parts):
                    # Without the download's name, which differs from week to week.
                    with self._collect_refusal(visible(entry.filename)[:120]), archive.open(entry) as inner:
                        self._add_file(PurePosixPath(*parts), inner)

    def _add_file(self, name: PurePosixPath, data: IO[bytes]) -> None:
        """Unpack a notebook. Of several copies of one file, keep the one with the highest number."""
        name = PurePosixPath(normalize("NFC", str(name)))  # macOS writes accents as NFD
        owner = self._find_owner(name)
        if name.suffix.lower() in ARCHIVES:
            other = name.with_suffix(".ipynb")
            raise RefusedError(f"is an archive. {INSTEAD} Or unpack it, and collect its notebook as {other}.")
        file = owner.file if owner and owner.file else name.name
        if not NOTEBOOK.search(file):
            self._others[self._student].append(name.name)
            return
        if owner is None:
            raise RefusedError(f"has a name that doesn't show its owner. {RENAME}")
        own, copy = own_name(NOTEBOOK.sub(".ipynb", file), self._released)
        if len(os.fsencode(own)) > LONGEST_NAME:
            raise RefusedError(f"can't be unpacked: its name has {len(own):,} characters. {INSTEAD}")
        earlier = self.found[self._student].get(own) if self._student in self.found else None
        if earlier and copy <= earlier.copy:
            return
        try:
            content = strip_widgets(_read_bounded(data))
        except UnreadableError as error:
            raise RefusedError(f"{error}. Ask for it with its outputs cleared.") from error
        self._count += 1
        place = self._place / str(self._count)
        write(place, content)
        self.found[self._student][own] = DownloadedNotebook(owner, copy, name.name, place)

    def _find_owner(self, name: PurePosixPath) -> Owner | None:
        """Return the owner that the outermost possible part of a path names, and set the current student."""
        self._student = ""
        for part in name.parts:
            is_last = part == name.parts[-1]
            owner = owner_of(part, is_last, self._released)
            if owner and (is_last or owner.lms == "moodle"):
                self._student = student = self._students.id_of(owner.lms, owner.number, owner.name)
                if student not in self.owners or owner.late:
                    self.owners[student] = owner
                return owner
        return None


def _read_bounded(data: IO[bytes]) -> bytes:
    content = data.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise RefusedError(f"has more than {MOST_BYTES // 10**6} MB. Ask for it with its outputs cleared.")
    return content
