"""Collecting from an exchange in which any account can write: first what nbgrader's own does, then what ours does."""

import errno
import json
import os
import pwd
import re
import shutil
import subprocess
from contextlib import chdir
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from nbgrader.apps import CollectApp, ReleaseFeedbackApp
from nbgrader.exchange.default import ExchangeCollect
from nbgrader.utils import parse_utc

from lib.grading.sandbox import lockdown
from lib.grading.submissions.exchange import SafeCollect
from tests.submissions.pages import WITH_WIDGETS, WITHOUT_WIDGETS

ME = pwd.getpwuid(os.getuid()).pw_name
OTHER = "games" if ME != "games" else "daemon"
ANYONE = "--ExchangeCollect.check_owner=False"
SOON, LATER = "2026-03-01 12:00:00.000000 UTC", "2099-03-01 12:00:00.000000 UTC"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="Only root can submit for two accounts. Run this as root.")


class Exchange:
    """An exchange, and a course that collects `ps1` from it."""

    def __init__(self, root):
        self.root, self.course = root, root / "course"
        self.inbound = root / "exchange" / "zerolayer" / "inbound"
        self.inbound.mkdir(parents=True)
        self.inbound.parent.parent.chmod(0o777)
        self.course.mkdir()
        shutil.copy(Path(__file__).parents[3] / "nbgrader_config.py", self.course)

    def hand_in(self, student, text="honest", owner=None, stamp=SOON):
        """Lay a submission into `inbound/`, as the account `owner`."""
        folder = self.inbound / f"{os.fsdecode(student)}+ps1+{stamp}+random"
        folder.mkdir()
        (folder / "ps1.ipynb").write_text(text)
        if owner:
            for path in (folder, folder / "ps1.ipynb"):
                os.chown(path, pwd.getpwnam(owner).pw_uid, -1)
        return folder

    def collect(self, *options, kind=SafeCollect):
        """Collect with nbgrader's command, by this plugin; give what each student's notebook says."""
        plugin = f"--ExchangeFactory.collect={kind.__module__}.{kind.__name__}"
        self.run(CollectApp, plugin, "--CourseDirectory.db_url=sqlite://", "--log-level=WARN", *options)
        return {file.parent.parent.name: file.read_text() for file in self.course.glob("submitted/*/ps1/ps1.ipynb")}

    def run(self, app, *options):
        command = app()
        places = [f"--Exchange.root={self.root / 'exchange'}", f"--course-dir={self.course}"]
        command.initialize([*places, *options, "ps1"])
        command.start()

    def collect_without_ours(self):
        """Collect as nbgrader does by itself, and move that to `without ours`."""
        found = self.collect(kind=ExchangeCollect)
        (self.course / "submitted").rename(self.root / "without ours")
        return found


@pytest.fixture
def exchange(tmp_path):
    return Exchange(tmp_path)


def test_a_folder_counts_only_for_the_student_who_owns_it(exchange, capsys):
    exchange.hand_in(ME)
    exchange.hand_in("ada", "forged")
    assert "ada" in exchange.collect_without_ours()
    assert exchange.collect() == {ME: "honest"}
    said = capsys.readouterr().err
    assert f"it is named for ada, but {ME} owns it" in said
    assert "check_owner = False" in said


@as_root
def test_a_newer_forgery_replaces_nothing(exchange):
    exchange.hand_in(OTHER, owner=OTHER)
    exchange.hand_in(OTHER, "forged", stamp=LATER)
    assert exchange.collect_without_ours() == {OTHER: "forged"}
    assert exchange.collect() == {OTHER: "honest"}


def test_a_link_to_an_older_submission_of_the_same_student_is_no_submission(exchange, capsys):
    first = exchange.hand_in(ME, "old")
    exchange.hand_in(ME, "new", stamp="2026-04-01 12:00:00.000000 UTC")
    Path(exchange.inbound, f"{ME}+ps1+{LATER}+x").symlink_to(first)
    assert exchange.collect_without_ours() == {ME: "old"}
    assert exchange.collect() == {ME: "new"}
    assert "it is not a folder" in capsys.readouterr().err


def test_names_that_can_be_no_students_are_left_out_and_the_class_goes_on(exchange, capfd):
    odd = ["<img src=x onerror=alert(1)>", "a\nFake: 60 submissions graded", "a\x1b[2Jb", "*", b"a\xff\xfeb"]
    for student in (ME, "Jane Smith_12", *odd):
        exchange.hand_in(student)
    assert exchange.collect(ANYONE).keys() == {ME, "Jane Smith_12"}
    said = capfd.readouterr().err
    assert said.count(f"Ask its owner, {ME}, to submit again") == len(odd)
    assert all(letter.isprintable() or letter == "\n" for letter in re.sub("\x1b\\[[0-9;]*m", "", said))
    assert not any(line.startswith("Fake") for line in said.splitlines())


def test_a_name_without_a_time_stops_nothing_any_more(exchange, capsys):
    exchange.hand_in(ME)
    for stamp in ("tomorrow", "9" * 200, "", "2026-13-45 UTC"):
        (exchange.inbound / f"{ME}+ps1+{stamp}").mkdir()
    with pytest.raises(ValueError):
        exchange.collect_without_ours()
    assert exchange.collect() == {ME: "honest"}
    assert capsys.readouterr().err.count("its name isn't one that nbgrader gives") == 4


def test_only_ordinary_files_of_the_student_are_copied(exchange, capsys):
    folder, secret = exchange.hand_in(ME), exchange.root / "private" / "gradebook.db"
    secret.parent.mkdir()
    secret.write_text("all marks")
    (folder / "data.txt").symlink_to(secret)
    (folder / "outside").symlink_to(secret.parent)
    (folder / "more").mkdir()
    (folder / "more" / "notes.txt").write_text("mine")
    exchange.collect_without_ours()
    assert (exchange.root / "without ours" / ME / "ps1" / "data.txt").read_text() == "all marks"
    os.mkfifo(folder / "pipe")
    exchange.collect()
    submitted = exchange.course / "submitted" / ME / "ps1"
    found = {str(file.relative_to(submitted)) for file in submitted.rglob("*")}
    assert found == {"more", "more/notes.txt", "ps1.ipynb", "timestamp.txt"}
    assert "data.txt is not collected" in capsys.readouterr().err


@as_root
def test_a_hard_link_to_another_students_file_is_not_copied(exchange):
    hers = exchange.hand_in(OTHER, "her answer", owner=OTHER)
    mine = exchange.hand_in(ME)
    os.link(hers / "ps1.ipynb", mine / "answer.ipynb")
    exchange.collect()
    assert not (exchange.course / "submitted" / ME / "ps1" / "answer.ipynb").exists()


def test_saved_widgets_are_left_in_the_exchange(exchange):
    """JupyterLab would restore them, and run their script, as it opens what was collected."""
    (exchange.hand_in(ME) / "ps1.ipynb").write_bytes(WITH_WIDGETS)
    assert "_esm" in exchange.collect_without_ours()[ME]
    assert json.loads(exchange.collect()[ME]) == WITHOUT_WIDGETS


def deep(folder):
    with chdir(folder):
        for _ in range(1500):
            Path("deep").mkdir()
            os.chdir("deep")


FOLDERS = {
    "deep": deep,
    "too large": lambda folder: (folder / "more.bin").write_bytes(bytes(3000)),
    "full": lambda folder: (folder / "more.bin").write_bytes(bytes(2000 - len("honest"))),  # with no room for the note
    "a folder for the note": lambda folder: (folder / "timestamp.txt" / "in").mkdir(parents=True),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_one_students_folder_stops_no_class(exchange, case):
    FOLDERS[case](folder := exchange.hand_in(ME))
    exchange.hand_in("ada", hers := "hers" * 400)
    assert exchange.collect("--CourseDirectory.max_dir_size=2", ANYONE) == {ME: "honest", "ada": hers}
    assert stamp_of(exchange)
    subprocess.run(["rm", "-rf", folder], check=True)  # pytest could not


@pytest.mark.parametrize("how", ["full disk", "kill"])
def test_a_part_of_a_submission_does_not_count_as_collected(exchange, monkeypatch, capsys, how):
    """The note of the time may be the part that is there: then what is missing would be missing for good."""
    exchange.hand_in(ME)

    def copy_a_part(collect, source, place, log=None):
        Path(place).mkdir()
        shutil.copy(Path(source, "timestamp.txt"), place)
        raise KeyboardInterrupt if how == "kill" else OSError(errno.ENOSPC, "No space left on device", place)

    with monkeypatch.context() as patch:
        patch.setattr(ExchangeCollect, "do_copy", copy_a_part)
        with pytest.raises(KeyboardInterrupt if how == "kill" else SystemExit):
            exchange.collect("--update")
    assert how == "kill" or "Free some space there. What was collected is kept" in capsys.readouterr().err
    assert not (exchange.course / "submitted" / ME / "ps1").exists()
    assert exchange.collect("--update") == {ME: "honest"}
    assert [path.name for path in (exchange.course / "submitted" / ME).iterdir()] == ["ps1"]


FORGED = "2020-01-01 00:00:00.000000 UTC"


def stamp_of(exchange):
    return parse_utc((exchange.course / "submitted" / ME / "ps1" / "timestamp.txt").read_text())


def now():
    return datetime.now(UTC).replace(tzinfo=None)


@pytest.mark.parametrize("stamp", [FORGED, LATER])
def test_a_time_that_a_student_made_up_does_not_count(exchange, capsys, stamp):
    """Neither in the folder's name nor in a file, nor by setting the times that can be set."""
    before = now()
    folder = exchange.hand_in(ME, stamp=stamp)
    (folder / "timestamp.txt").write_text(FORGED)
    for path in (*folder.iterdir(), folder):
        os.utime(path, (0, 0))
    exchange.collect_without_ours()
    assert (exchange.root / "without ours" / ME / "ps1" / "timestamp.txt").read_text() == FORGED
    (folder / "timestamp.txt").unlink()  # none at all would be in time, too
    exchange.collect()
    assert before - timedelta(seconds=1) <= stamp_of(exchange) <= now()
    assert "claims another time" in capsys.readouterr().err


def test_a_change_after_the_deadline_changes_the_time(exchange, capsys):
    """Writing to a file changes no folder's time, but the file's."""
    folder = exchange.hand_in(ME, stamp=f"{now()} UTC")
    exchange.collect()
    assert "claims" not in capsys.readouterr().err
    folder.rename(folder.with_name(folder.name.replace(f"{now():%Y-%m-%d}", f"{now() - timedelta(days=1):%Y-%m-%d}")))
    (next(exchange.inbound.iterdir()) / "ps1.ipynb").write_text("better")
    assert exchange.collect("--update") == {ME: "better"}
    assert now() - stamp_of(exchange) < timedelta(hours=1)


@as_root
def test_a_file_system_that_a_student_has_mounted_is_not_collected(exchange, capsys):
    """It reports any time for its files, and so could be in time for ever."""
    folder = exchange.hand_in(OTHER, owner=OTHER)
    try:
        lockdown.mount("tmpfs", str(folder), "tmpfs", options=f"uid={pwd.getpwnam(OTHER).pw_uid}")
    except OSError:
        pytest.skip("Only a root that may mount file systems can try this. Run this as a machine's root.")
    try:
        assert exchange.collect() == {}
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    assert "a file system is mounted there" in capsys.readouterr().err


@pytest.mark.parametrize("options", [(), (ANYONE,)])
def test_a_time_that_is_true_or_that_the_course_believes_stays_as_it_is(exchange, capsys, options):
    """Where all were moved, the course may believe what they say. The note in the folder is never read."""
    stamp = parse_utc(FORGED) if options else now() - timedelta(minutes=2)
    (exchange.hand_in(ME, stamp=f"{stamp} UTC") / "timestamp.txt").write_text(LATER)
    exchange.collect(*options)
    assert stamp_of(exchange) == stamp
    assert "claims another time" not in capsys.readouterr().err


def test_one_students_files_keep_no_others_feedback(exchange, capsys):
    """Of a folder called like a page, and of a secret that is none, nbgrader's own made an end for all."""
    for student in ("ada", "bo", "cy", "di"):
        folder = exchange.course / "feedback" / student / "ps1"
        folder.mkdir(parents=True)
        (folder / "ps1.html").write_text(f"{student}'s page")
        (folder / "timestamp.txt").write_text(SOON)
        if student != "cy":  # whose work came by mail
            (folder / "submission_secret.txt").write_bytes(b"\xff" if student == "bo" else student.encode())
    (exchange.course / "feedback" / "ada" / "ps1" / "a.html").mkdir()
    with pytest.raises(SystemExit):
        exchange.run(ReleaseFeedbackApp)
    said = capsys.readouterr().err
    assert all(f"feedback/{student}/ps1 can't be released: " in said for student in ("ada", "bo"))
    released = {page.read_text() for page in (exchange.root / "exchange" / "zerolayer" / "feedback").iterdir()}
    assert "di's page" in released
    assert not {"bo's page", "cy's page"} & released
