"""Downloads of Canvas and Moodle, sorted into `submitted/` by `nbgrader zip_collect`.

`Download` unpacks the files in `downloaded/<assignment>/archive/`, and `LmsNames` reads from their names which student
they belong to. Nothing in a zip is trusted: only notebooks that are ordinary files are extracted, into the folder of
their student and within limits. For each file that is refused a sentence says what to do, and the others are collected.
Each student's files come into `submitted/` as a whole, or not at all.
"""

import io
import re
import shutil
import stat
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from lzma import LZMAError
from pathlib import Path
from typing import IO, Any
from unicodedata import category, normalize
from zipfile import BadZipFile, ZipFile, ZipInfo

import orjson
from nbgrader.api import Gradebook, InvalidEntry, MissingEntry
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import ExtractorPlugin, FileNameCollectorPlugin
from sqlalchemy.exc import SQLAlchemyError
from traitlets import Integer, Unicode
from traitlets.config import Config

from lib.grading.door.handed_in import ARCHIVES, MOST_BYTES, NOTEBOOK, STAMP
from lib.grading.door.notebook import UnreadableError, strip_widgets
from lib.grading.door.walk import DEEPEST, walk
from lib.grading.errors import ConfigError
from lib.grading.files import folder_beside, is_file, put_in_place, write, write_whole
from lib.grading.machine_faults import FULL, sentence
from lib.grading.names import NoId, StudentId, parse_id, visible

MOODLE = re.compile(r"_(?P<number>\d+)_assignsubmission_[a-z]+(?=_|$)")
"""What Moodle puts behind a student's name; a file's name may follow."""
UNNAMED = re.compile(r"[\x00-\x1f&<>\"`|':\\/]")
"""What Moodle leaves out of a person's name where it makes a file's name of it (`clean_filename`)."""
CANVAS = re.compile(
    r"((?!late_)(?P<name>.+?)_)?((?P<late>late)_)?(?P<number>\d+)_\d+_(?P<file>.+)", re.DOTALL | re.IGNORECASE
)
PAIR = re.compile(r"(?=_\d+_\d+_.)", re.DOTALL)
"""Where Canvas' two numbers may stand: matches may overlap."""
CANVAS_PAGE = re.compile(
    r"((?!late_)(?P<name>.+?)_)?((?P<late>late)_)?(?P<number>\d+)_(?P<file>(text|link)\.html)",
    re.DOTALL | re.IGNORECASE,
)
"""What Canvas makes of a text that was typed into it, or of an address."""
ANONYMOUS = re.compile(
    r"((?P<late>LATE)_)?anon_(?P<number>[1-9A-HJ-NP-Za-km-z]{5})_(\d+_(?P<file>.+)|(?P<page>(text|link)\.html))",
    re.DOTALL,
)
"""Both, where nobody is to know whose work it is: letters and digits stand in the place of a number."""
COPY = re.compile(r"(?:[ _]?\((\d+)\)|-(\d+))$")
"""What a browser or an LMS adds to a name that it has seen before."""
BROKEN = (
    *(BadZipFile, EOFError, LZMAError, NotImplementedError, OSError, RuntimeError, ValueError, zlib.error),
    *(MemoryError, OverflowError),
)
"""What reading a zip raises that is cut short, damaged, or packed in a way of its own: it may also say that a file lies
beyond any place, or is packed with a dictionary of gigabytes."""
LATE_WITHOUT_TIME = timedelta(seconds=1)
"""How late a submission counts that Canvas calls late: it doesn't say by how much."""
LATE_WITH_MORE_TIME = "%s was late in Canvas, which doesn't say by how much, and has more time: look there."
NOT_COMPLETE = "Not all was collected. Once this is mended, collect again with --force before you grade."
INSTEAD = "Ask for the notebook itself."
MOST_FILES = 10**6
"""Files and folders in all downloads together."""
RENAME = "Name it like lastname_12345_1_NOTEBOOK.ipynb, with the number that the student has in the LMS."
TWO_WAYS = (
    "has a name that can be read in two ways: it may be another student's. Look in the LMS whose it is. " + RENAME
)


class Refused(Exception):
    """A file that is left out; the message says why and what to do."""


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
class Collected:
    """What `submitted/` doesn't show of a download: who was late according to Canvas, what was left out, and which
    numbers students have in Canvas, by their ids here."""

    late: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    canvas: Mapping[str, str] = field(default_factory=dict)


def collected_file(course: CourseDirectory, assignment: str, config: Config) -> Path:
    """Say where `zip_collect` notes this: beside the download, where no file of a student can be."""
    downloaded = config.get("ZipCollectApp", {}).get("downloaded_directory", "downloaded")
    return Path(course.root, downloaded, assignment, "collected.json")


def read_collected(course: CourseDirectory, assignment: str, config: Config) -> Collected:
    """Read what `zip_collect` has noted of an assignment; nothing where it wasn't used, or the note is damaged."""
    place = collected_file(course, assignment, config)
    if not is_file(place):
        return Collected()
    try:
        data = orjson.loads(place.read_bytes())
        left_out = tuple(LeftOut(*map(str, (left["student"], left["file"], left["why"]))) for left in data["left_out"])
        canvas = {str(student): str(number) for student, number in data["canvas"].items()}
        return Collected(tuple(map(str, data["late"])), left_out, canvas)
    except (AttributeError, KeyError, OSError, TypeError, ValueError):
        course.log.warning("%s is damaged and isn't used. Run `nbgrader zip_collect --force` again.", place)
        return Collected()


def numbers_in_canvas(course: CourseDirectory, assignments: Iterable[str], config: Config) -> dict[str, str]:
    """Give each student's number in Canvas, by the id here, as the downloads of all these assignments had it."""
    noted = (read_collected(course, each, config).canvas for each in assignments)
    return {id: number for numbers in noted for id, number in numbers.items()}


@dataclass(frozen=True)
class Owner:
    """Whose a file is, as its LMS names them; `file` is the file's own name, where it stands in the same name."""

    lms: str
    name: str
    number: str
    file: str = ""
    late: bool = False


def _moodle(part: str, is_file: bool) -> Owner | None:
    """Read a name that Moodle made. Students choose their own names and their files', and may write what Moodle adds.

    At a folder's end it is Moodle's own. In a file's name that has it twice nobody can tell.
    """
    found = list(MOODLE.finditer(part))
    if not found:
        return None
    last = found[-1]
    file = part[last.end() + 1 :]
    if is_file or file:
        other = (CANVAS.fullmatch(part) or ANONYMOUS.fullmatch(part)) if is_file else None
        if len(found) > 1 or other is not None:
            raise Refused(TWO_WAYS)
    return Owner("moodle", part[: last.start()], last["number"], file)


class LmsNames(FileNameCollectorPlugin):
    """Reads whose a file is from the names that Canvas and Moodle give.

    Canvas: `smithjane_LATE_12345_67890_NOTEBOOK-1.ipynb`, without `LATE` if it was on time; `smithjane_12345_text.html`
    for what was typed in, and `anon_x7Kd2_67890_NOTEBOOK.ipynb` where the assignment is anonymous.
    Moodle: `Jane Smith_12345_assignsubmission_file_/NOTEBOOK.ipynb`, or the same without the folder.
    The outermost name counts: what lies in a student's folder or zip is that student's, whatever it is called. A name
    that can be read in two ways is refused, since students choose their own names and their files'.
    """

    student_id = Unicode(
        "{name}_{number}",
        help="How a student's id is made of the name and the number in a file's name. Two students may share a name.",
    ).tag(config=True)

    def __init__(self, **options: Any) -> None:
        """Called by nbgrader as the command starts, and by what asks for an id."""
        super().__init__(**options)
        self._due: datetime | None = None
        self._roster: dict[str, tuple[str, str]] = {}  # by the LMS's number: the id, and the name as in a file's

    def collect(self, submitted_file: str) -> dict[str, Any] | None:
        """Called by nbgrader for each extracted file; None if it is no notebook, or nobody's."""
        path = Path(submitted_file).relative_to(self.parent._format_collect_path(self.parent.extracted_directory))
        try:
            owner = self.owner_of(path)
            id = self.id_of(owner) if owner else ""
        except Refused as refused:
            self.log.warning("%s is left out: it %s", visible(submitted_file)[:400], refused)
            return None
        if owner is None or path.suffix not in self.valid_ext:
            return None
        info = dict[str, Any](student_id=id, file_id=self._own_name(Path(owner.file or path.name)))
        if owner.late and (due := self._due):
            info["timestamp"] = due + LATE_WITHOUT_TIME
        return info

    def owner_of(self, path: Path) -> Owner | None:
        """Tell whose an extracted file is by the outermost name that says so.

        Raises Refused where that name can be read in two ways.
        """
        for part in path.parts:
            is_file = part == path.parts[-1] or part.lower().endswith(".zip")
            if owner := _moodle(part, is_file) or self._canvas(part, part == path.parts[-1]):
                return owner if part == path.parts[-1] else replace(owner, file="")
        return None

    def id_of(self, owner: Owner) -> StudentId:
        """Give a student's id: that of Canvas' number on the roster, else one made of the LMS's name and number.

        Raises Refused where it can't be one.
        """
        known, _ = self._roster.get(owner.number, ("", "")) if owner.lms == "canvas" else ("", "")
        name = re.sub(r"[^\w-]+", "_", owner.name or "student").strip("_")
        form = "{name}_{number}" if owner.lms == "anonymous" else self.student_id
        id = parse_id(known or form.format(name=name, number=owner.number))
        if isinstance(id, NoId):
            raise Refused(f"has a name of which no student's id can be made: {id.problem}. {RENAME}")
        return id

    def id_in(self, lms: str, name: str, number: str) -> str:
        """Make the id of somebody in Canvas or Moodle, as their files' names give it; "" if it is none."""
        with suppress(Refused):
            return self.id_of(Owner(lms, UNNAMED.sub("", name) if lms == "moodle" else name_in_canvas(name), number))
        return ""

    def is_a_groups(self, owner: Owner) -> bool:
        """Tell whether a file's name has another name in it than the roster for its number: a group has its own."""
        _, name = self._roster.get(owner.number, ("", "")) if owner.lms == "canvas" else ("", "")
        return name not in ("", owner.name.lower())

    def _canvas(self, part: str, is_file: bool) -> Owner | None:
        """Read a name that Canvas made. Two pairs of numbers are one too many, but for a title that was handed out."""
        if found := ANONYMOUS.fullmatch(part):
            return Owner("anonymous", "anon", found["number"], found["file"] or found["page"], bool(found["late"]))
        if found := CANVAS.fullmatch(part):
            if len(PAIR.findall(f"_{part}")) > 1 and not self._is_released(self._own_name(Path(found["file"]))):
                raise Refused(TWO_WAYS)
        elif not is_file or not (found := CANVAS_PAGE.fullmatch(part)):
            return None
        return Owner("canvas", found["name"] or "", found["number"], found["file"], bool(found["late"]))

    def _is_released(self, name: str) -> bool:
        course = self.parent.coursedir
        return Path(course.format_path(course.release_directory, ".", course.assignment_id), name).exists()

    def _own_name(self, file: Path) -> str:
        """Give the name under which a file was handed out: without the number of a copy, unless it belongs to it."""
        return file.name if self._is_released(file.name) else COPY.sub("", file.stem) + file.suffix

    def read_gradebook(self) -> None:
        """Read the roster, and when the assignment is due: Canvas says that a file came late, and not by how much."""
        course = self.parent.coursedir
        with Gradebook(course.db_url, course.course_id) as gradebook:
            with suppress(MissingEntry):
                self._due = gradebook.find_assignment(course.assignment_id).duedate
            for one in gradebook.students:
                name = name_in_canvas(f"{one.last_name or ''}{one.first_name or ''}")
                self._roster |= {one.lms_user_id: (one.id, name)} if one.lms_user_id else {}


def name_in_canvas(name: str) -> str:
    """Write a name, last name first, as Canvas writes it into the names of files."""
    return "".join(letter for letter in normalize("NFC", name) if letter == "_" or category(letter)[0] in "LMN").lower()


class Download(ExtractorPlugin):
    """Takes the students' notebooks out of a download: files, zips, and students' own zips in a zip of them all."""

    most = Integer(1_000, help="Files that one student's zip may hold.").tag(config=True)
    largest_zip = Integer(100_000_000, help="Bytes that one student's zip may unpack to.").tag(config=True)

    def __init__(self, **options: Any) -> None:
        """Called by nbgrader as the command starts, before it does anything."""
        super().__init__(**options)
        # By name, since nbgrader lets plugins of its own be chosen for this command, but no other class for itself.
        app = self.parent
        app.extract_archive_files = partial(_tell, app, app.extract_archive_files)
        app.process_extracted_files = partial(_tell, app, app.process_extracted_files)
        app._transfer_files = partial(_transfer, app)

    def extract(self, archive_path: str, extracted_path: str) -> None:
        """Called once by nbgrader, with the two folders."""
        self._names.read_gradebook()
        self._root = Path(extracted_path)
        self._collected: dict[tuple[str, str], Path] = {}
        self._owners: dict[tuple[str, str], set[Owner]] = defaultdict(set)
        self._late: set[str] = set()
        self._left_out: list[LeftOut] = []
        self._others: dict[str, list[str]] = defaultdict(list)
        self._older: Counter[tuple[str, str]] = Counter()
        for file in _latest_first(Path(archive_path)):
            with self._going_on(file.name), file.open("rb") as data:
                self._take(file.relative_to(archive_path), data, file.name)
        for (older, newer), count in self._older.items():
            both = f"{older or 'What lies there by itself'} is older than {newer or 'what lies there by itself'}"
            self.log.warning(
                f"{both}. Notebooks left out of it, since the other has them: {count}. If that is wrong, take one of"
                " the two out of the folder, and collect again with --force."
            )
        students = {id for kind, id in self._owners if kind == "id"}
        self._refuse_double_claims()
        for student, owner in sorted(self._owner_of_collected().items()):
            if self._names.is_a_groups(owner):
                why = (
                    f"it came under the name {owner.name}, which isn't {student}'s. If it is a group's, give its other"
                    " members the same points by hand."
                )
                self.log.warning("The work of %s: %s", student, why)
                self._left_out.append(LeftOut(student, "", why))
        for student in sorted(students - {student for student, _ in self._collected}):
            self.log.warning("No notebook of %s could be collected.", student)
            if not any(left.student == student for left in self._left_out):
                others = ", ".join(self._others[student]) or "an empty zip"
                self._leave_out(others, f"no notebook is among what {student} handed in. {INSTEAD}", student)
        self._note()

    def _note(self) -> None:
        """Write what `submitted/` doesn't show beside the download. Numbers that an earlier one gave are kept."""
        about = self.parent.coursedir, self.parent.coursedir.assignment_id, self.parent.config
        owners = self._owner_of_collected().items()
        canvas = {id: owner.number for id, owner in owners if owner.lms == "canvas"}
        noted = Collected(tuple(sorted(self._late)), tuple(self._left_out), {**read_collected(*about).canvas, **canvas})
        write_whole(collected_file(*about), orjson.dumps(noted))

    def _owner_of_collected(self) -> dict[str, Owner]:
        """Give whose work was collected, by the student's id; each has one owner, since others were refused."""
        collected = {student for student, _ in self._collected}
        return {id: owner for (kind, id), [owner, *_] in self._owners.items() if kind == "id" and id in collected}

    @property
    def _names(self) -> LmsNames:
        return self.parent.collector_plugin_inst

    def _refuse_double_claims(self) -> None:
        """Remove what came under two names for one student: one of them may be another student."""
        for owners in filter(lambda owners: len(owners) > 1, self._owners.values()):
            students = sorted({self._names.id_of(owner) for owner in owners})
            both = " and ".join(sorted(f"{owner.name} ({owner.number})" for owner in owners))
            why = f"{both} can't be told apart: both would be {' or '.join(students)}. Keep the right one's files, and"
            for key in [key for key in self._collected if key[0] in students]:
                (self._root / self._collected.pop(key)).unlink()
            for student in students:
                self._leave_out(student, f"{why} collect again.", student, "")

    def _leave_out(self, name: str, why: str, student: str, file: str | None = None) -> None:
        """Log what isn't collected, and note it for grading and the report."""
        self.log.warning("%s is left out: %s", name, visible(why)[:400])
        self._left_out.append(LeftOut(student, visible(name)[:120] if file is None else file, visible(why)[:400]))

    @contextmanager
    def _going_on(self, name: str, student: str = "") -> Iterator[None]:
        """Log a file that is refused or can't be read, and continue with the next."""
        self._student = student
        try:
            yield
        except Refused as refused:
            self._leave_out(name, f"it {refused}", self._student)
        except BROKEN as error:
            if isinstance(error, OSError) and error.errno in FULL:  # else a part of a file would pass for the whole
                self.parent.fail(f"{sentence(error)} {NOT_COMPLETE}")
            why = (error.strerror if isinstance(error, OSError) else None) or error
            advice = f"Download it again. If that doesn't help: {INSTEAD}"
            self._leave_out(name, f"it can't be unpacked ({why}). {advice}", self._student)

    def _take(self, name: Path, data: IO[bytes], shown: str, inside: str | None = None) -> None:
        """Collect the file `name` of the download; `inside` says in whose zip it is, "" being the download's own."""
        name = Path(normalize("NFC", str(name)))  # macOS takes letters and their accents apart where it packs anew
        kind = name.suffix.lower()
        student = self._student = self._whose(name)
        if kind in ARCHIVES - {".zip"}:
            raise Refused(f"is packed as {kind}, and only zips are opened here. {INSTEAD}")
        if kind != ".zip":
            self._keep(name, data, student)
        elif inside:
            raise Refused(f"is a zip in a student's zip. {INSTEAD}")
        elif student:  # the folder's name tells that it was a file's
            self._open(name, io.BytesIO(_read_bounded(data)), shown, student)
        elif inside is None:
            self._open(name.with_suffix(""), data, shown, "")
        else:
            raise Refused("is a zip in a zip, and its name doesn't say whose. Lay it beside the other.")

    def _open(self, folder: Path, data: IO[bytes], shown: str, student: str) -> None:
        """Collect the files in a zip: that of one `student`, within limits, or that of all."""
        with ZipFile(data) as archive:
            entries = [entry for entry in archive.infolist() if not entry.filename.endswith(("/", "\\"))]
            if student and len(entries) > self.most:
                raise Refused(f"holds {len(entries):,} files, more than {self.most:,}. {INSTEAD}")
            size = sum(entry.file_size for entry in entries)
            if student and size > self.largest_zip:
                megabytes = f"{size / 1e6:,.0f} MB, more than {self.largest_zip / 1e6:,.0f}"
                raise Refused(f"would unpack to {megabytes}. {INSTEAD}")
            for entry in entries:
                entry_shown = f"{visible(entry.filename)[:120]} in {shown}"
                with self._going_on(entry_shown, student):
                    parts = _safe_parts(entry)
                    # What macOS and Jupyter add by themselves: copies of notebooks are among it.
                    if any(part.startswith(".") or part == "__MACOSX" for part in parts):
                        continue
                    with archive.open(entry) as inner:
                        name = folder / parts[-1] if student else folder.joinpath(*parts)
                        self._take(name, inner, entry_shown, student)

    def _keep(self, name: Path, data: IO[bytes], student: str) -> None:
        """Write a notebook below the extracted folder, unless a later download has it.

        Of copies under one name the one with the highest number stays.
        Programs that don't know notebooks add `.json` or `.txt` to their names, and some write them in capitals.
        """
        name = name.with_name(NOTEBOOK.sub(".ipynb", name.name))
        if name.suffix != ".ipynb":
            self._others[student].append(name.name)
            return
        if not student:
            raise Refused(f"is nobody's by its name. {RENAME}")
        info = self._names.collect(str(self._root / name)) or {}
        key = (student, info["file_id"])
        earlier = self._collected.get(key)
        if earlier and (older := self._download(name)) != (newer := self._download(earlier)):
            self._older[older, newer] += 1
            return
        if earlier and _copy(name) <= _copy(earlier):
            advice = "If that is wrong, delete the other and collect again."
            self.log.warning("%s is left out: it gives way to %s. %s", name, earlier.name, advice)
            return
        try:
            content = strip_widgets(_read_bounded(data))
        except UnreadableError as error:
            raise Refused(f"{error}. Ask for it with its outputs cleared.") from error
        (self._root / name).parent.mkdir(parents=True, exist_ok=True)
        write(self._root / name, content)
        if earlier:
            (self._root / earlier).unlink()
            self.log.warning("%s is left out: it gives way to %s.", earlier, name.name)
        self._collected[key] = name

    def _download(self, name: Path) -> str:
        """Name the download that a file came with, a zip or a folder; "" for what lies there by itself."""
        owner = self._names.owner_of(Path(name.parts[0]))
        return "" if owner or len(name.parts) == 1 else name.parts[0]

    def _whose(self, name: Path) -> str:
        """Ask the collector whose a file of this name would be, were it a notebook, and note it; "" if nobody's."""
        owner = self._names.owner_of(name)
        if owner is None:
            return ""
        student = self._names.id_of(owner)
        for key in (("id", student), (owner.lms, owner.number)):
            self._owners[key].add(replace(owner, file="", late=False))
        if owner.late:
            self._late.add(student)
        return student


def _latest_first(archive: Path) -> list[Path]:
    """List the files of all downloads in a folder, those of the last download first.

    Each file or folder directly in it may be a download. The LMS writes no times into it that tell when it was made.
    """
    files = [entry for entry in walk(archive, most=MOST_FILES) if entry.is_file]
    files.sort(key=lambda entry: -(archive / entry.name.parts[0]).stat().st_mtime)
    return [entry.path for entry in files]


def _read_bounded(data: IO[bytes]) -> bytes:
    content = data.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Refused(f"has more than {MOST_BYTES // 10**6} MB. Ask for it with its outputs cleared.")
    return content


def _safe_parts(entry: ZipInfo) -> tuple[str, ...]:
    """Give the parts of an entry's name. Raises Refused where it leads elsewhere, or the entry is no file to read."""
    parts = tuple(part for part in re.split(r"[/\\]", entry.filename) if part != ".")
    if not parts or ".." in parts or "" in parts or ":" in parts[0]:
        raise Refused(f"has a name that leads out of its folder. {INSTEAD}")
    if len(parts) >= DEEPEST:
        raise Refused(f"lies {len(parts)} folders deep. {INSTEAD}")
    # Unix has the kind of file in the upper half; where a zip is from Windows, 0 is there.
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        raise Refused(f"is a link or a device, not a file. {INSTEAD}")
    # Bit 0 is set where an entry is encrypted.
    if entry.flag_bits & 1:
        raise Refused("is encrypted. Ask for it without a password.")
    return parts


def _copy(name: Path) -> int:
    """Read the number of a copy from its name; 0 for the first."""
    found = COPY.search(name.stem)
    return int(found[1] or found[2]) if found else 0


def _tell(app: Any, step: Callable[[], None]) -> None:
    """Carry out a step of the command; exits with 1, after a sentence, where it can't be done."""
    try:
        step()
    except (OSError, ConfigError, SQLAlchemyError, InvalidEntry) as error:
        app.fail("%s", f"{sentence(error)} {NOT_COMPLETE}")


def _transfer(app: Any, collected: Mapping[str, Mapping[str, Any]]) -> None:
    """Called by nbgrader with what it collected: by student, the files, their names, and a time if one is known."""
    course = app.coursedir
    for student, found in collected.items():
        place = Path(course.format_path(course.submitted_directory, student, course.assignment_id))
        if place.is_dir() and any(place.iterdir()) and not app.force:
            app.fail("%s", f"{place} is not empty. Give --force to replace what was collected before.")
        with folder_beside(place) as beside:
            (whole := beside / place.name).mkdir()
            for source, name in zip(found["src_files"], found["file_ids"], strict=True):
                (whole / name).parent.mkdir(parents=True, exist_ok=True)  # a collector may name a folder, too
                shutil.copy(source, whole / name)
            if found["timestamp"] is not None and STAMP not in found["file_ids"]:
                (whole / STAMP).write_text(found["timestamp"].isoformat(" "))
            put_in_place(whole, place)
        app.log.info("Collected: %s", place)
