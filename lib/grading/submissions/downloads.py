"""Downloads of Canvas and Moodle, opened with care: which notebooks are whose.

Nothing in a zip is trusted: its notebooks are read within limits, and written under numbers of our own. For each file
that is refused a sentence says what to do, and the others are taken.
"""

import io
import os
import re
import stat
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO
from unicodedata import normalize
from zipfile import BadZipFile, ZipFile, ZipInfo

from lib.grading.files import write
from lib.grading.machine_faults import FULL
from lib.grading.names import visible
from lib.grading.submissions.lms_names import RENAME, Owner, Refused, Roster, own_name, owner_of
from lib.grading.submissions.submission import HIDDEN, UnreadableError, strip_widgets
from lib.grading.submissions.submitted_files import ARCHIVES, MOST_BYTES, NOTEBOOK
from lib.grading.submissions.walk import DEEPEST, walk

BROKEN = (
    *(BadZipFile, EOFError, LZMAError, NotImplementedError, OSError, RuntimeError, ValueError, zlib.error),
    *(MemoryError, OverflowError),
)
"""What reading a zip raises that is cut short, damaged, or packed in a way of its own: it may also say that a file lies
beyond any place, or is packed with a dictionary of gigabytes."""
INSTEAD = "Ask for the notebook itself."
MOST_FILES = 10**6
"""Files and folders in a folder that was unpacked from a download."""
MOST_PACKED, LARGEST_ZIP = 1_000, 100_000_000
"""Files that one student's zip may hold, and bytes that it may unpack to."""
LONGEST_NAME = 200
"""Bytes of a notebook's name: file systems take 255."""


@dataclass(frozen=True)
class LeftOut:
    """What a download had and `submitted/` hasn't: whose it is, "" if nobody knows, its name if it is one file, why."""

    student: str
    file: str
    why: str

    @property
    def reason(self) -> str:
        """Which file it is, and why it was left out."""
        return ": ".join(filter(None, (self.file, self.why)))


@dataclass(frozen=True)
class Found:
    """A student's notebook: the number of its copy, the downloaded file that it came in, and where it was unpacked."""

    owner: Owner
    copy: int
    downloaded: str
    place: Path


class Download:
    """What files that were downloaded together have: `found` by student and own name, and what was left out."""

    def __init__(self, roster: Roster, released: Collection[str], place: Path):
        """Read whose the files are by the roster; their notebooks are unpacked into `place`."""
        self._roster, self._released, self._place, self._count, self._student = roster, released, place, 0, ""
        self._others = defaultdict[str, list[str]](list)
        self._claims = defaultdict[tuple[str, str], set[tuple[str, str]]](set)
        self.owners = dict[str, Owner]()
        """Who handed in anything, by id; late if any of it was."""
        self.found = defaultdict[str, dict[str, Found]](dict)
        self.left_out = list[LeftOut]()

    def add(self, path: Path) -> None:
        """Take a file that was downloaded, or a folder that was unpacked from one. Raises OSError where it isn't there,
        or the disk is full."""
        entries = [entry for entry in walk(path, most=MOST_FILES) if entry.is_file] if path.is_dir() else []
        seen = [entry for entry in entries if not any(map(HIDDEN.match, entry.name.parts))]
        files = [(entry.path, PurePosixPath(path.name, entry.name)) for entry in seen]
        for file, name in files if path.is_dir() else [(path, PurePosixPath(path.name))]:
            with file.open("rb") as data, self._going_on(name.name):
                self._take(name, data, name.name, is_download=True)

    def finish(self) -> None:
        """Leave out what two could have handed in, and list who handed in no notebook."""
        for claims in [claims for claims in self._claims.values() if len(claims) > 1]:
            students = sorted({id for id in self.owners if (self.owners[id].name, self.owners[id].number) in claims})
            both = " and ".join(sorted(f"{name} ({number})" for name, number in claims))
            for student in students:
                self.found[student] = {}
                why = f"{both} can't be told apart: both would be {' or '.join(students)}. Keep the right one's files"
                self._leave_out(student, "", f"{why}, and collect again.")
        named = {left.student for left in self.left_out}
        for student in self.owners.keys() - {id for id in self.found if self.found[id]} - named:
            others = ", ".join(self._others[student]) or "an empty zip"
            self._leave_out(student, others, f"no notebook is among what {student} handed in. {INSTEAD}")

    def _leave_out(self, student: str, file: str, why: str) -> None:
        self.left_out.append(LeftOut(student, visible(file)[:120], visible(why)[:400]))

    @contextmanager
    def _going_on(self, shown: str) -> Iterator[None]:
        """Leave out a file that is refused or can't be read, and continue with the next."""
        try:
            yield
        except Refused as refused:
            self._leave_out(self._student, shown, f"it {refused}")
        except BROKEN as error:
            if isinstance(error, OSError) and error.errno in FULL:  # else a part of a file would pass for the whole
                raise
            why = (error.strerror if isinstance(error, OSError) else None) or error
            again = f"Download it again. If that doesn't help: {INSTEAD}"
            self._leave_out(self._student, shown, f"it can't be unpacked ({why}). {again}")

    def _take(
        self, name: PurePosixPath, data: IO[bytes], shown: str, owner: Owner | None = None, is_download: bool = False
    ) -> None:
        """Take a file; one in a student's zip is its `owner`'s, whatever it is called."""
        kind, is_inner = name.suffix.lower(), owner is not None
        owner = owner or self._whose(PurePosixPath(normalize("NFC", str(name))))  # macOS takes accents apart
        if kind in ARCHIVES - {".zip"}:
            raise Refused(f"is packed as {kind}, and only zips are opened here. {INSTEAD}")
        if kind != ".zip":
            self._keep(name, data, owner, shown if is_inner else name.name)
        elif is_inner:
            raise Refused(f"is a zip in a student's zip. {INSTEAD}")
        elif owner:
            self._open(io.BytesIO(_read_bounded(data)), shown, owner)
        elif is_download:
            self._open(data, shown, None)
        else:
            raise Refused("is a zip in a zip, and its name doesn't say whose. Collect it by itself.")

    def _open(self, data: IO[bytes], shown: str, owner: Owner | None) -> None:
        """Take the files in a zip: that of a student, within limits, or that of all."""
        with ZipFile(data) as archive:
            entries = [entry for entry in archive.infolist() if not entry.filename.endswith(("/", "\\"))]
            if owner and len(entries) > MOST_PACKED:
                raise Refused(f"holds {len(entries):,} files, more than {MOST_PACKED:,}. {INSTEAD}")
            size = sum(entry.file_size for entry in entries)
            if owner and size > LARGEST_ZIP:
                raise Refused(f"would unpack to {size / 1e6:,.0f} MB, more than {LARGEST_ZIP / 1e6:,.0f}. {INSTEAD}")
            student = self._student if owner else ""
            for entry in entries:
                self._student = student
                with self._going_on(f"{visible(entry.filename)[:120]} in {shown}"):
                    parts = _safe_parts(entry)
                    # What macOS and Jupyter add by themselves: copies of notebooks are among it.
                    if not any(map(HIDDEN.match, parts)):
                        with archive.open(entry) as inner:
                            self._take(PurePosixPath(*parts), inner, shown if owner else parts[-1], owner)

    def _keep(self, name: PurePosixPath, data: IO[bytes], owner: Owner | None, downloaded: str) -> None:
        """Write a notebook to its place; of copies under one name the one with the highest number stays.

        Programs that don't know notebooks add `.json` or `.txt` to their names, and some write them in capitals.
        """
        file = owner.file if owner and owner.file and downloaded == name.name else name.name
        if not NOTEBOOK.search(file):
            self._others[self._student].append(name.name)
            return
        if owner is None:
            raise Refused(f"is nobody's by its name. {RENAME}")
        file = NOTEBOOK.sub(".ipynb", file)
        own, copy = own_name(file, self._released)
        if len(os.fsencode(own)) > LONGEST_NAME:
            raise Refused(f"can't be unpacked: its name has {len(own):,} characters. {INSTEAD}")
        earlier = self.found[self._student].get(own)
        if earlier and copy <= earlier.copy:
            return
        try:
            content = strip_widgets(_read_bounded(data))
        except UnreadableError as error:
            raise Refused(f"{error}. Ask for it with its outputs cleared.") from error
        self._count += 1
        place = self._place / str(self._count)
        write(place, content)
        self.found[self._student][own] = Found(owner, copy, downloaded, place)

    def _whose(self, name: PurePosixPath) -> Owner | None:
        """Return the owner that the outermost name tells, and note the student: what is in a folder is its owner's."""
        self._student = ""
        for part in name.parts:
            is_last = part == name.parts[-1]
            owner = owner_of(part, is_last or part.lower().endswith(".zip"), self._released)
            if owner and (is_last or owner.lms == "moodle"):
                self._student = student = self._roster.id_of(owner)
                for key in (("id", student), (owner.lms, owner.number)):
                    self._claims[key].add((owner.name, owner.number))
                if student not in self.owners or owner.late:
                    self.owners[student] = owner
                return owner
        return None


def _read_bounded(data: IO[bytes]) -> bytes:
    content = data.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Refused(f"has more than {MOST_BYTES // 10**6} MB. Ask for it with its outputs cleared.")
    return content


def _safe_parts(entry: ZipInfo) -> tuple[str, ...]:
    """Return the parts of an entry's name. Raises Refused where it leads elsewhere, or the entry is no file to read."""
    parts = tuple(part for part in re.split(r"[/\\]", entry.filename) if part != ".")
    if not parts or ".." in parts or "" in parts or ":" in parts[0]:
        raise Refused(f"has a name that leads out of its folder. {INSTEAD}")
    if len(parts) >= DEEPEST:
        raise Refused(f"lies {len(parts)} folders deep. {INSTEAD}")
    # Unix has the kind of file in the upper half; where a zip is from Windows, 0 is there.
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        raise Refused(f"is a link or a device, not a file. {INSTEAD}")
    if entry.flag_bits & 1:
        raise Refused("is encrypted. Ask for it without a password.")
    return parts
