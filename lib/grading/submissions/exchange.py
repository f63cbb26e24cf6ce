"""Safe use of nbgrader's exchange, where every account of the machine can write to `inbound/`.

nbgrader collects the newest folder with a student's name, whoever owns it, and follows links in it. Here a folder
counts only if its owner is the student in its name, and only regular files that the student owns are copied.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from glob import escape
from pathlib import Path, PurePosixPath
from typing import Any

from nbgrader.exchange.default import ExchangeCollect, ExchangeReleaseFeedback
from nbgrader.utils import notebook_hash, parse_utc

from lib.grading.files import find_folders, is_file, private, temporary_sibling_folder, write, write_files
from lib.grading.machine_faults import is_file_fault, sentence
from lib.grading.safe_names import InvalidId, parse_id, visible
from lib.grading.submissions.submitted_files import NOTEBOOK, STAMP
from lib.grading.submissions.submitted_notebook import UnreadableError, strip_widgets
from lib.grading.submissions.walk import walk

SERVICE = "If one account submits for all students, set c.ExchangeCollect.check_owner = False."
TOLERANCE = timedelta(minutes=10)
"""Allowed difference between a submission's claimed time and its files': copying takes time, and clocks differ."""
SECRET = "submission_secret.txt"
"""A file of a submission. Anyone who knows its text can fetch the feedback."""
LONGEST_STAMP = 100
"""Bytes of `timestamp.txt`; it has about thirty."""
REFUSED: dict[str, Any] = {"username": None, "filename": "", "timestamp": datetime.min}
"""The record of a folder that isn't collected: nbgrader needs one for each folder that it found."""


class SafeCollect(ExchangeCollect):
    """nbgrader's `collect` with checks of owner, time and files. Without `check_owner`, folders' names are believed."""

    src_records: list[dict[str, Any]]

    def init_src(self) -> None:
        """Override nbgrader's choice of one folder for each student, to remove the refused ones."""
        # nbgrader lists all folders first, and has no way to leave one out.
        super().init_src()
        self.src_records = [record for record in self.src_records if record["username"] is not None]

    def _path_to_record(self, path: str) -> dict[str, Any]:
        """Override nbgrader's reading of a folder's name, to refuse folders before the newest one is chosen."""
        try:
            if not (why := self._refusal(path)):
                student, time = Path(path).name.rsplit("+", 3)[0], self._time(path)
                return {"username": student, "filename": Path(path).name, "timestamp": time}
        except FileNotFoundError:  # deleted since it was listed
            return dict(REFUSED)
        except OSError as error:
            why = f"it can't be read: {error.strerror}. Delete it."
        self.log.warning("%s is not collected: %s", visible(path), why)
        return dict(REFUSED)

    def _time(self, path: str) -> datetime | None:
        """Return the time of a submission: the one in its name, unless its files were last changed at another time.

        A student can choose the folder's name, `timestamp.txt` and the times that `ls` shows, but not inodes' times.
        """
        claimed = _claimed_time(path)
        if claimed is None or not self.check_owner:
            return claimed
        # Of every entry, because writing to a file doesn't change its folder's time.
        changes = (entry.status.st_ctime for entry in walk(Path(path), is_untrusted=True))
        changed = datetime.fromtimestamp(max(os.lstat(path).st_ctime, *changes, 0), UTC).replace(tzinfo=None)
        return claimed if abs(changed - claimed) <= TOLERANCE else changed

    def _refusal(self, path: str) -> str:
        """Return why a folder in `inbound/` isn't collected and what to do, or ""."""
        parts = Path(path).name.rsplit("+", 3)
        if len(parts) < 3 or parts[1] != self.coursedir.assignment_id or not _claimed_time(path):
            return "its name isn't one that nbgrader gives to submissions. Delete it."
        if isinstance(student := parse_id(parts[0]), InvalidId):
            return f"it names an invalid student id: {student.problem}. Ask its owner, {_owner(path)}, to submit again."
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            return "it is not a folder. Delete it."
        owner = _owner(path)
        if os.path.ismount(path):
            return f"a file system is mounted there, which may report any time. Ask {owner} to submit again."
        if self.check_owner and owner != parts[0]:
            return f"it is named for {parts[0]}, but {owner} owns it. Ask {owner} what it is. {SERVICE}"
        if not os.access(path, os.R_OK | os.X_OK):
            return f"this account may not read it. Ask {owner} to submit again."
        return ""

    def copy_files(self) -> None:
        """Override nbgrader's copying of the chosen submissions."""
        self.check_owner = False  # checked already; nbgrader would check again, and fail if a folder was deleted since
        try:
            with private(self.coursedir.groupshared):
                super().copy_files()
        except OSError as error:
            self.fail(f"{sentence(error)} What was collected is kept. Fix this, and collect again.")

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        """Override nbgrader's copying of one submission, which follows links."""
        src = os.path.normpath(src)
        try:
            self._copy_whole(src, Path(dest), log)
        except OSError as error:
            if error.filename != src:
                raise
            self.log.warning("%s is not collected: %s. It was there a moment ago.", visible(src), error.strerror)

    def _copy_whole(self, src: str, place: Path, log: Any) -> None:
        # By a temporary folder: after a full disk or a kill, an incomplete copy would count as collected.
        [time] = (each["timestamp"] for each in self.src_records if each["filename"] == Path(src).name)
        if time != _claimed_time(src):
            self.log.warning(
                f"{visible(src)} claims another time than {time} UTC, when it was last changed, which counts. If all"
                f" submissions were moved or restored, collect with --ExchangeCollect.check_owner=False."
            )
        with temporary_sibling_folder(place) as temporary:
            safe, whole = temporary / "safe", temporary / "whole"
            safe.mkdir()
            write_files({str(name): content for name, content in self._copyable_files(src)}, safe)
            write(safe / STAMP, f"{time} UTC".encode())  # the student's own file may contain any time
            super().do_copy(str(safe), str(whole), log)
            whole.rename(place)

    def _copyable_files(self, folder: str) -> Iterator[tuple[PurePosixPath, bytes]]:
        """Yield the files to copy, by their paths in the folder, up to nbgrader's `max_dir_size`."""
        # nbgrader's unit is a thousand bytes, and `timestamp.txt` counts.
        # A hard link may lead to another person's file, so each file must have the folder's owner.
        left, owner = 1000 * self.coursedir.max_dir_size - LONGEST_STAMP, os.lstat(folder).st_uid
        for entry in walk(Path(folder), is_untrusted=True):
            if entry.is_folder or entry.name.parts[0] == STAMP:
                continue
            size, is_own = entry.status.st_size, entry.is_file and entry.status.st_uid == owner
            try:
                content = entry.read(size) if is_own and size <= left else None
                if content is not None and NOTEBOOK.search(entry.name.name):
                    content = strip_widgets(content)
            except (OSError, UnreadableError):
                content = None
            if content is None:
                why = "it is too large, can't be read, or isn't a regular file of its owner"
                self.log.warning("%s is not collected: %s.", visible(entry.path), why)
                continue
            left -= len(content)
            yield entry.name, content


class SafeReleaseFeedback(ExchangeReleaseFeedback):
    """nbgrader's `release_feedback`, but one student's damaged page or secret doesn't stop the others."""

    src_path: str
    dest_path: str

    def copy_files(self) -> None:
        """Override nbgrader's copying: release each student's pages, and fail at the end if some can't be released."""
        failed = []
        for folder in find_folders(self.src_path):
            if not is_file(Path(folder, SECRET)):
                self.log.info("%s was not submitted by the exchange, so its feedback isn't released.", visible(folder))
                continue
            self.src_path = escape(folder)
            try:
                super().copy_files()
                # nbgrader copies a page's permissions. Others can't guess the released page's name without the secret.
                secret = Path(folder, SECRET).read_text()
                for page in Path(folder).glob("*.html"):
                    name = notebook_hash(secret=secret, notebook_id=page.stem)
                    Path(self.dest_path, f"{name}.html").chmod(0o644)
            except (OSError, ValueError) as error:  # a page may be a folder, and a secret may not be text
                if isinstance(error, OSError) and not is_file_fault(error):
                    self.fail(f"{sentence(error)} What was released stays. Fix this, and release again.")
                failed.append(why := visible(sentence(error)))
                self.log.error("%s can't be released: %s", visible(folder), why)
        if failed:
            self.fail(failed[0] if len(failed) == 1 else f"The feedback of {len(failed)} students was not released.")


def _owner(path: str) -> str:
    """Return the name of the account that owns `path`, or its number if it has no name."""
    import pwd  # not at the top: Windows has no such module

    uid = os.lstat(path).st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"account {uid}"


def _claimed_time(path: str) -> datetime | None:
    """Return the time in a folder's name. From the right: an account's name may contain a +, but not other parts."""
    with suppress(Exception):  # dateutil's parser may raise anything
        time: datetime = parse_utc(Path(path).name.rsplit("+", 3)[2])
        return time if time.tzinfo is None else None
    return None
