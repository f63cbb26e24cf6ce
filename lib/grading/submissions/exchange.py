"""Collecting from nbgrader's exchange, where every account of the machine can write into `inbound/`.

nbgrader takes the newest folder that is named for a student, whoever made it, and copies what its links lead to. Here
a folder counts only if the student whose name it bears owns it, and only that student's own ordinary files are copied.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from glob import escape
from pathlib import Path, PurePosixPath
from time import time
from typing import Any

from nbgrader.exchange.default import ExchangeCollect, ExchangeReleaseFeedback
from nbgrader.utils import notebook_hash, parse_utc
from traitlets import Bool, Float

from lib.grading.files import find_folders, folder_beside, is_file, lay_out, private, write
from lib.grading.machine_faults import is_of_a_file, sentence
from lib.grading.names import NoId, parse_id, visible
from lib.grading.submissions.submission import UnreadableError, strip_widgets
from lib.grading.submissions.submitted_files import NOTEBOOK, STAMP
from lib.grading.submissions.walk import last_change, walk

SERVICE = "Where one account hands in for all students, set c.ExchangeCollect.check_owner = False."
TOLERANCE = timedelta(minutes=10)
"""Between the time that a submission claims and the one that its files have: it is copied, and clocks differ."""
SECRET = "submission_secret.txt"
"""In a submission: whoever knows it can fetch the feedback."""
LONGEST_STAMP = 100
"""Bytes of the note of when a submission was made; it has some thirty."""
REFUSED: dict[str, Any] = {"username": None, "filename": "", "timestamp": datetime.min}
"""Stands for a folder that is left out: nbgrader's list has an entry for each that it found."""


class OwnedCollect(ExchangeCollect):
    """nbgrader's `collect`, for which a name proves nothing. `check_owner` refuses, where nbgrader's only warns."""

    src_records: list[dict[str, Any]]
    told: set[tuple[str, str]] | None = None
    """What was said of folders that are left out, for who collects again and again: nothing is said twice then."""

    check_time = Bool(
        True, help="Whether a submission counts as made when its files were last changed, if it claims another time."
    ).tag(config=True)

    settled = Float(
        0, help="Seconds for which a submission has to be as it is before it is collected: it is copied file by file."
    ).tag(config=True)

    def init_src(self) -> None:
        """Called by nbgrader: choose one folder for each student among those that may be collected."""
        # nbgrader lists all folders first, and has no way to leave one out.
        super().init_src()
        self.src_records = [record for record in self.src_records if record["username"] is not None]

    def _path_to_record(self, path: str) -> dict[str, Any]:
        """Read a folder's name, as nbgrader's own does; called for each before the newest of a student is chosen.

        So a forged folder that claims to be newer is out before it is compared.
        """
        try:
            why = self._refusal(path)
        except FileNotFoundError:  # taken away since it was listed
            return dict(REFUSED)
        except OSError as error:  # a mount of its owner's, for instance
            why = f"it can't be read: {error.strerror}. Delete it."
        if why:
            if (path, why) not in (self.told or ()):
                self.log.warning("%s is left out: %s", visible(path), why)
            if self.told is not None:
                self.told.add((path, why))
            return dict(REFUSED)
        changed = last_change(Path(path), is_theirs=True)
        if self.settled and abs(time() - changed) < self.settled:  # the clock may have been ahead
            return dict(REFUSED)
        # From the right: an account's name may have a + in it, what follows it has none.
        student, _, timestamp, *_ = Path(path).name.rsplit("+", 3)
        made = self._time(changed, parse_utc(timestamp))
        return {"username": student, "filename": Path(path).name, "timestamp": made}

    def _time(self, changed: float, claimed: datetime) -> datetime:
        """Give when a submission was made: as it says itself, unless the file system knows better.

        Name and `timestamp.txt` are written on the student's account, as are the times of change that `ls` shows. When
        an inode was last changed nobody can set, and to write into a file of a folder changes that file's.
        """
        if not self.check_time:
            return claimed
        found = datetime.fromtimestamp(changed, UTC).replace(tzinfo=None)
        return claimed if abs(found - claimed) <= TOLERANCE else found

    def _refusal(self, path: str) -> str:
        """Say why a folder in `inbound/` isn't collected and what to do, or nothing where it is."""
        parts = Path(path).name.rsplit("+", 3)
        if len(parts) < 3 or parts[1] != self.coursedir.assignment_id or not _is_time(parts[2]):
            return "nbgrader doesn't name a submission so. Delete it."
        if isinstance(student := parse_id(parts[0]), NoId):
            return f"its student's id can't be one: {student.problem}. Ask its owner, {_owner(path)}, to submit again."
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            return "it is no folder. Delete it."
        owner = _owner(path)
        if os.path.ismount(path):
            return f"a file system of its own is mounted there, which may say any time. Ask {owner} to submit again."
        if self.check_owner and owner != parts[0]:
            return f"it is named for {parts[0]}, but {owner} owns it. Ask {owner} what it is. {SERVICE}"
        if not os.access(path, os.R_OK | os.X_OK):
            return f"this account may not read it. Ask {owner} to submit again."
        return ""

    def copy_files(self) -> None:
        """Called by nbgrader to copy what was chosen; it warns where that is nothing, as in most rounds of many."""
        self.check_owner = False  # asked already: nbgrader asks once more, and fails where a folder is gone meanwhile
        try:
            if self.src_records or self.told is None:
                with private(self.coursedir.groupshared):
                    super().copy_files()
        except OSError as error:
            if self.told is not None:
                raise  # who collects again and again has words of its own
            self.fail(f"{sentence(error)} What was collected is kept. Once this is mended, collect again.")

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        """Copy a submission's ordinary files; called by nbgrader, whose own copy opens names anew and follows links."""
        src = os.path.normpath(src)
        try:
            self._copy_whole(src, Path(dest), log)
        except OSError as error:
            if error.filename != src:
                raise
            self.log.warning("%s is left out: %s. It was there a moment ago.", visible(src), error.strerror)

    def _copy_whole(self, src: str, place: Path, log: Any) -> None:
        """Copy a submission beside its place, and move it there as a whole.

        A part of it that has the time would count as collected for good, after a full disk or a kill.
        """
        claimed = parse_utc(Path(src).name.rsplit("+", 3)[2])
        with folder_beside(place) as beside:
            safe, whole = beside / "safe", beside / "whole"
            safe.mkdir()
            lay_out({str(name): content for name, content in self._own_files(src)}, safe)
            # Again: it may have been changed since it was chosen.
            found = self._time(last_change(Path(src), is_theirs=True), claimed)
            if found != claimed:
                self.log.warning(
                    f"{visible(src)} says that it was made {claimed}, but was last changed {found} UTC, and that"
                    " counts. If all were moved or restored, set c.OwnedCollect.check_time = False."
                )
            write(safe / STAMP, f"{found} UTC".encode())  # the student's own may say anything
            super().do_copy(str(safe), str(whole), log)
            whole.rename(place)

    def _own_files(self, folder: str) -> Iterator[tuple[PurePosixPath, bytes]]:
        """Give what may be copied, by its place in the folder, up to nbgrader's `max_dir_size`.

        A file of another's may lie there as a hard link, so each has to have the folder's owner.
        """
        # nbgrader counts in thousands of bytes, and the note of the time among them.
        left, owner = 1000 * self.coursedir.max_dir_size - LONGEST_STAMP, os.lstat(folder).st_uid
        for entry in walk(Path(folder), is_theirs=True):
            if entry.is_folder or entry.name.parts[0] == STAMP:
                continue
            size, is_own = entry.about.st_size, entry.is_file and entry.about.st_uid == owner
            try:
                content = entry.read(size) if is_own and size <= left else None
                if content is not None and NOTEBOOK.search(entry.name.name):
                    content = strip_widgets(content)
            except (OSError, UnreadableError):
                content = None
            if content is None:
                shown = visible(entry.path)
                self.log.warning("%s is left out: it is too large, can't be read, or is no file of its own.", shown)
                continue
            left -= len(content)
            yield entry.name, content


class EachRelease(ExchangeReleaseFeedback):
    """nbgrader's `release_feedback`, which stops for all where one student's page or secret can't be used."""

    src_path: str
    dest_path: str

    def copy_files(self) -> None:
        """Called by nbgrader: release each student's pages. Fails at the end where some can't be, and says why."""
        failed = []
        for folder in find_folders(self.src_path):
            if not is_file(Path(folder, SECRET)):
                self.log.info("%s did not come by the exchange: nothing of it is released.", visible(folder))
                continue
            self.src_path = escape(folder)
            try:
                super().copy_files()
                self._let_students_read(Path(folder))
            except (OSError, ValueError) as error:  # a folder may be called like a page, and a secret be any bytes
                if isinstance(error, OSError) and not is_of_a_file(error):
                    self.fail(f"{sentence(error)} What was released stays. Once this is mended, release again.")
                failed.append(why := visible(sentence(error)))
                self.log.error("%s can't be released: %s", visible(folder), why)
        if failed:
            self.fail(failed[0] if len(failed) == 1 else f"The feedback of {len(failed)} students was not released.")

    def _let_students_read(self, folder: Path) -> None:
        """Open what was released: nbgrader copies a page's rights, too. Its name tells only who has the secret."""
        secret = (folder / SECRET).read_text()
        for page in folder.glob("*.html"):
            name = notebook_hash(secret=secret, notebook_id=page.stem)
            Path(self.dest_path, f"{name}.html").chmod(0o644)


def _owner(path: str) -> str:
    """Name the account that owns what lies at `path`, by number where it has no name."""
    import pwd  # Windows hasn't got it, nor has nbgrader an exchange there: this module can be imported all the same

    uid = os.lstat(path).st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"account {uid}"


def _is_time(text: str) -> bool:
    with suppress(Exception):  # what a parser of dates raises has no end
        return parse_utc(text).tzinfo is None
    return False
