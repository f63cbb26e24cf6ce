"""Tries of a watched assignment: what is kept of them, and when the next one may be graded."""

import errno
import json
import os
from pathlib import Path

import pytest
from nbgrader.coursedir import CourseDirectory

from lib.grading.door import files as safe_files
from lib.grading.submissions import folders, read, tries
from lib.grading.submissions.tries import Tries, copy, digest, load, save

MINUTES = (0, 15, 60)


@pytest.mark.parametrize(("number", "minutes"), [(1, 0), (2, 15), (3, 60), (4, 60)])
def test_a_second_try_is_due_at_once_and_others_at_widening_intervals(number, minutes):
    found = Tries()
    assert found.due([60 * wait for wait in MINUTES]) == 0
    for at in range(number):
        found.note(f"try {at}", 1000.0, {"loss": at}, {})
    assert found.due([60 * wait for wait in MINUTES]) == 1000 + 60 * minutes
    assert found.due([]) == 0


def test_the_best_try_stays_the_best():
    found = Tries()
    for name, points in (("a", 3), ("b", 7), ("c", 5), ("d", 7)):
        found.note(name, 0, {"loss": points}, {})
    assert (found.best, found.best_score, found.graded[-1]) == ("b", {"loss": 7}, "d")


@pytest.mark.parametrize(
    ("by_hand", "best"),
    [
        ({"text": 5}, "first"),  # counts for both, whichever was there when it was given
        ({"dense": 2}, "second"),  # stands in place of what grading gave in either
        ({"loss": 0}, "first"),
    ],
)
def test_a_persons_marks_count_for_every_try_alike(by_hand, best):
    found = Tries()
    found.note("first", 0, {"loss": 2, "dense": 3, "text": 0, "late": 0}, {})
    found.note("second", 0, {"loss": 4, "dense": 1, "text": 0, "late": -1}, by_hand)
    assert found.best == best


def test_a_clock_that_was_ahead_keeps_nobody_waiting(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    now = (tmp_path / "file").stat().st_ctime
    for clock, waits in ((now - 3600, 3600), (now + 5, 5)):
        monkeypatch.setattr(tries, "time", lambda clock=clock: clock)
        assert tries.unchanged(tmp_path) == pytest.approx(waits, abs=1)


def test_tries_are_kept_and_damage_is_told(tmp_path):
    file = tmp_path / "tries.json"
    assert load(file) == {}
    found = {"ada": Tries(["a"], 1.5, "a", {"loss": 20}, "a"), "Bảo": Tries()}
    save(file, found)
    assert load(file) == found
    for damage in (file.read_text()[:-5], json.dumps([1]), json.dumps({"ada": {"unknown": 1}})):
        file.write_text(damage)
        with pytest.raises(ValueError, match="is damaged"):
            load(file)


def test_a_try_is_known_by_names_and_contents(tmp_path):
    def folder(name, **files):
        (tmp_path / name).mkdir()
        for file, text in files.items():
            (tmp_path / name / file).write_text(text)
        return digest(tmp_path / name)

    assert folder("one", a="x", b="y") == folder("two", a="x", b="y")
    others = [folder("renamed", a="x", c="y"), folder("changed", a="x", b="z"), folder("moved", a="xb", b="")]
    assert len({folder("three", a="x", b="y"), *others}) == 4


def test_a_file_without_end_is_known_by_its_size(tmp_path):
    """It costs nothing to make, and reading it would take an evening; the notebook beside it counts as ever."""
    huge, notebook = tmp_path / "data.csv", tmp_path / "work.ipynb"
    notebook.write_text("{}")
    found = []
    for size, text in ((2**40, "{}"), (2**40 + 1, "{}"), (2**40, "[]")):
        notebook.write_text(text)
        with huge.open("wb") as file:
            file.truncate(size)
        found.append(digest(tmp_path))
    assert len(set(found)) == 3


def test_a_copy_has_the_same_digest_and_only_ordinary_files(tmp_path, monkeypatch):
    """A link or a pipe would be read for ever, or be somebody else's; a hole would fill the disk."""
    monkeypatch.setattr(tries, "MOST_READ", 100)
    folder, secret = tmp_path / "handed in", tmp_path / "secret"
    secret.write_text("theirs")
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "a.txt").write_text("mine")
    (folder / "link").symlink_to(secret)
    (folder / "others").symlink_to(tmp_path)
    (folder / "endless").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe")
    with (folder / "hole").open("wb") as hole:
        hole.truncate(10**9)
    for _ in range(2):  # the second time in the place of the first
        copy(folder, tmp_path / "copy")
    assert digest(tmp_path / "copy") == digest(folder)
    found = sorted(str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*"))
    assert found == ["data", "data/a.txt", "hole"]
    assert (tmp_path / "copy" / "hole").stat().st_blocks == 0


def test_a_file_without_end_is_read_as_far_as_it_says(tmp_path, monkeypatch):
    """On a file system of a student's own a file can say that it is short, and go on for ever; so does a device."""
    endless = Path("/dev/zero")
    for module in (tries, folders):
        monkeypatch.setattr(module, "files_in", lambda folder: [endless])
    monkeypatch.setattr(read, "is_file", lambda path: True)
    assert digest(endless.parent) == digest(endless.parent)
    copy(endless.parent, tmp_path / "best")
    assert (tmp_path / "best" / "zero").read_bytes() == b""
    bounds = folders.Bounds(size=1000, files=1)
    assert folders.fill(tmp_path / "made", endless.parent, {}, CourseDirectory(), bounds) == []
    assert (tmp_path / "made" / "zero").read_bytes() == b""
    with pytest.raises(read.UnreadableError, match="more than 20 MB"):
        read.notebook_in(endless)


@pytest.mark.parametrize("number", [errno.EIO, errno.EFBIG])
def test_what_cant_be_copied_makes_another_digest_and_stops_nothing(tmp_path, monkeypatch, number):
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    real = safe_files.pieces_of

    def pieces_of(file, most):
        if file.name == "a":
            raise OSError(number, os.strerror(number), str(file))
        return real(file, most)

    monkeypatch.setattr(safe_files, "pieces_of", pieces_of)
    copy(tmp_path, tmp_path.with_name("best"))
    assert (tmp_path.with_name("best") / "b").read_text() == "b"
    assert digest(tmp_path.with_name("best")) != digest(tmp_path)
