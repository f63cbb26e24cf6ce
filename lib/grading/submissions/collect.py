"""What comes from an LMS: downloads of Canvas and Moodle, sorted into `submitted/` by `nbgrader zip_collect`.

`Download` unpacks what was laid in `downloaded/<assignment>/archive/`, and `LmsNames` reads from the names whose file
it is. Nothing in a zip is trusted: only notebooks that are ordinary files come out, below the folder of their student
and within limits. What is refused is told in a sentence with what to do, and the others go on.
"""

import io
import re
import stat
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from lzma import LZMAError
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile, ZipFile, ZipInfo

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins import ExtractorPlugin, FileNameCollectorPlugin
from traitlets import Integer, Unicode

from lib.grading.safe_files import DEEPEST, files_in
from lib.grading.submissions.read import LARGEST

MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_file(_(?P<file>.*))?", re.DOTALL)
CANVAS = re.compile(
    r"((?!late_)(?P<name>.+?)_)?((?P<late>late)_)?(?P<number>\d+)_\d+_(?P<file>.+)", re.DOTALL | re.IGNORECASE
)
COPY = re.compile(r"(?:[ _]?\((\d+)\)|-(\d+))$")
"""What a browser or an LMS adds to a name that it has seen before."""
NOTEBOOK = ".ipynb"
OTHER_ARCHIVES = {".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz"}
BROKEN = (BadZipFile, EOFError, LZMAError, NotImplementedError, OSError, RuntimeError, ValueError, zlib.error)
"""What reading a zip raises that is cut short, damaged, or packed in a way of its own."""
INSTEAD = "Ask for the notebook itself."


class Refused(Exception):
    """A file that is left out; the message says why and what to do."""


class LmsNames(FileNameCollectorPlugin):
    """Reads whose a file is from the names that Canvas and Moodle give.

    Canvas: `smithjane_LATE_12345_67890_softmax_classifier-1.ipynb`, without `LATE` if it was on time.
    Moodle: `Jane Smith_12345_assignsubmission_file_/softmax_classifier.ipynb`, or the same without the folder.
    The outermost name counts: what lies in a student's folder or zip is that student's, whatever it is called.
    """

    student_id = Unicode(
        "{name}_{number}",
        help="How a student's id is made of the name and the number in a file's name. Two students may share a name.",
    ).tag(config=True)

    def collect(self, submitted_file: str) -> dict[str, Any] | None:
        """Called by nbgrader for each extracted file; None if it is no notebook, or nobody's."""
        app = self.parent
        path = Path(submitted_file).relative_to(app._format_collect_path(app.extracted_directory))
        parts = ((part, MOODLE.fullmatch(part) or CANVAS.fullmatch(part)) for part in path.parts)
        part, found = next(((part, found) for part, found in parts if found), ("", None))
        if found is None or path.suffix not in self.valid_ext:
            return None
        name = re.sub(r"[^\w-]+", "_", found["name"] or "student").strip("_")
        info: dict[str, Any] = {
            "student_id": self.student_id.format(name=name, number=found["number"]),
            "file_id": self._own_name(Path(found["file"] if part == path.name else path.name)),
        }
        if found.groupdict().get("late") and (due := self._due()):
            info["timestamp"] = due + timedelta(seconds=1)
        return info

    def _own_name(self, file: Path) -> str:
        """Give the name under which a file was handed out: without the number of a copy, unless it belongs to it."""
        course = self.parent.coursedir
        released = Path(course.format_path(course.release_directory, ".", course.assignment_id))
        return file.name if (released / file.name).exists() else COPY.sub("", file.stem) + file.suffix

    def _due(self) -> datetime | None:
        """Ask the gradebook when the assignment was due: Canvas says that a file came late, but not by how much."""
        course = self.parent.coursedir
        with Gradebook(course.db_url, course.course_id) as gradebook:
            try:
                due: datetime | None = gradebook.find_assignment(course.assignment_id).duedate
                return due
            except MissingEntry:
                return None


class Download(ExtractorPlugin):
    """Takes the students' notebooks out of a download: files, zips, and students' own zips in a zip of them all."""

    most = Integer(1_000, help="Files that one student's zip may hold.").tag(config=True)
    largest_zip = Integer(100_000_000, help="Bytes that one student's zip may unpack to.").tag(config=True)

    def extract(self, archive_path: str, extracted_path: str) -> None:
        """Called once by nbgrader, with the two folders."""
        self._root = Path(extracted_path)
        self._kept: dict[tuple[str, str], Path] = {}
        self._files: Counter[str] = Counter()
        for file in sorted(files_in(Path(archive_path))):
            with self._going_on(file.name), file.open("rb") as data:
                self._take(file.relative_to(archive_path), data, file.name)
        for student in sorted(self._files.keys() - {student for student, _ in self._kept}):
            self.log.warning("No notebook of %s could be collected.", student)

    @contextmanager
    def _going_on(self, told: str) -> Iterator[None]:
        """Tell of a file that is refused or can't be read, and go on with the next."""
        try:
            yield
        except Refused as refused:
            self.log.warning("%s is left out: it %s", told, refused)
        except BROKEN as error:
            why = (error.strerror if isinstance(error, OSError) else None) or error
            self.log.warning(
                "%s is left out: it can't be unpacked (%s). Download it again. If that doesn't help: %s",
                told,
                why,
                INSTEAD,
            )

    def _take(self, name: Path, data: IO[bytes], told: str, inside: str | None = None) -> None:
        """Take in what lies at `name` in the download; `inside` says in whose zip, "" being the download's own."""
        kind = name.suffix.lower()
        student = self._whose(name)
        if student:
            self._files[student] += 1
        if kind in OTHER_ARCHIVES:
            raise Refused(f"is packed as {kind}, and only zips are opened here. {INSTEAD}")
        if kind != ".zip":
            self._keep(name, data, student)
        elif inside:
            raise Refused(f"is a zip in a student's zip. {INSTEAD}")
        elif student:
            self._open(name.with_suffix(""), io.BytesIO(_read(data)), told, student)
        elif inside is None:
            self._open(name.with_suffix(""), data, told, "")
        else:
            raise Refused("is a zip in a zip, and its name doesn't say whose. Lay it beside the other.")

    def _open(self, folder: Path, data: IO[bytes], told: str, student: str) -> None:
        """Take in what a zip holds: that of one `student` within limits, or of all."""
        with ZipFile(data) as archive:
            entries = [entry for entry in archive.infolist() if not entry.filename.endswith(("/", "\\"))]
            if student and len(entries) > self.most:
                raise Refused(f"holds {len(entries):,} files, more than {self.most:,}. {INSTEAD}")
            size = sum(entry.file_size for entry in entries)
            if student and size > self.largest_zip:
                megabytes = f"{size / 1e6:,.0f} MB, more than {self.largest_zip / 1e6:,.0f}"
                raise Refused(f"would unpack to {megabytes}. {INSTEAD}")
            for entry in entries:
                entry_told = f"{_shown(entry.filename)} in {told}"
                with self._going_on(entry_told):
                    parts = _safe_parts(entry)
                    if any(part.startswith(".") or part == "__MACOSX" for part in parts):
                        continue
                    with archive.open(entry) as inner:
                        name = folder / parts[-1] if student else folder.joinpath(*parts)
                        self._take(name, inner, entry_told, student)

    def _keep(self, name: Path, data: IO[bytes], student: str) -> None:
        """Write a notebook below the extracted folder. Of copies under one name the one with the highest number stays.

        Programs that don't know notebooks add `.json` or `.txt` to their names, and some write them in capitals.
        """
        name = name.with_name(re.sub(r"\.ipynb(\.json|\.txt)?$", NOTEBOOK, name.name, flags=re.IGNORECASE))
        if name.suffix != NOTEBOOK:
            return
        if not student:
            raise Refused("is nobody's by its name. Name it like lastname_1_1_softmax_classifier.ipynb.")
        info = self.parent.collector_plugin_inst.collect(str(self._root / name))
        key = (student, info["file_id"])
        earlier = self._kept.get(key)
        if earlier and _copy(name) <= _copy(earlier):
            raise Refused(f"gives way to {earlier.name}. If that is wrong, delete the other and collect again.")
        content = _read(data)
        (self._root / name).parent.mkdir(parents=True, exist_ok=True)
        (self._root / name).write_bytes(content)
        if earlier:
            (self._root / earlier).unlink()
            self.log.warning("%s is left out: it gives way to %s.", earlier.name, name.name)
        self._kept[key] = name

    def _whose(self, name: Path) -> str:
        """Ask the collector whose a file of this name would be, were it a notebook; "" if nobody's."""
        info = self.parent.collector_plugin_inst.collect(str(self._root / name.with_suffix(NOTEBOOK)))
        return info["student_id"] if info else ""


def _read(data: IO[bytes]) -> bytes:
    content = data.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise Refused(f"has more than {LARGEST // 10**6} MB. Ask for it with its outputs cleared.")
    return content


def _safe_parts(entry: ZipInfo) -> tuple[str, ...]:
    """Give the parts of an entry's name. Raises Refused where it leads elsewhere, or the entry is no file to read."""
    parts = tuple(part for part in re.split(r"[/\\]", entry.filename) if part != ".")
    if not parts or ".." in parts or "" in parts or ":" in parts[0]:
        raise Refused(f"has a name that leads out of its folder. {INSTEAD}")
    if len(parts) >= DEEPEST:
        raise Refused(f"lies {len(parts)} folders deep. {INSTEAD}")
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        raise Refused(f"is a link or a device, not a file. {INSTEAD}")
    if entry.flag_bits & 1:
        raise Refused("is encrypted. Ask for it without a password.")
    return parts


def _copy(name: Path) -> int:
    """Read the number of a copy from its name; 0 for the first."""
    found = COPY.search(name.stem)
    return int(found[1] or found[2]) if found else 0


def _shown(name: str) -> str:
    """Write a name that somebody else chose for a log: short, and of letters that show."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:120]
