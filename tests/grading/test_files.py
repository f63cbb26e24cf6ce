"""Safe files: whatever a run leaves in a folder goes, what was there stays, and nothing outside is touched."""

import errno
import os
from pathlib import Path

import pytest

from lib.grading.files import (
    file_below,
    find_folders,
    read_bounded,
    remove,
    temporary_sibling_file,
)


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path):
    for name in ("folder", "elsewhere"):
        (tmp_path / name).mkdir()
    (tmp_path / "elsewhere" / "file").touch()
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "elsewhere")
    remove(tmp_path / "folder")
    remove(tmp_path / "nothing there")
    assert {*tmp_path.rglob("*")} == {tmp_path / "elsewhere", tmp_path / "elsewhere" / "file"}


def test_no_link_or_pipe_that_came_after_the_look_is_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(__file__)
    (tmp_path / "file").write_bytes(bytes(1000))
    assert read_bounded(tmp_path / "pipe", 1000) == b""
    assert read_bounded(tmp_path / "file", 1000) == bytes(1000)
    assert read_bounded(tmp_path / "file", 999) is read_bounded(Path("/dev/zero"), 1000) is None
    with pytest.raises(OSError, match="link") as error:
        read_bounded(tmp_path / "link", 1000)
    assert error.value.filename == str(tmp_path / "link")


def test_a_name_that_somebody_chose_leads_nowhere_else(tmp_path):
    (folder := tmp_path / "folder" / "in").mkdir(parents=True)
    (tmp_path / "outside").touch()
    (folder / "a").touch()
    (folder.parent / "link").symlink_to(tmp_path / "outside")
    (folder.parent / "away").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    elsewhere = ("in", "../outside", "/etc/passwd", "link", "away/outside", "in/pipe", "\0", "x" * 5000)
    assert not [name for name in elsewhere if file_below(folder.parent, name)]
    assert file_below(folder.parent, "in/a") == file_below(folder.parent, "in/../in/./a") == folder / "a"


def test_a_folder_that_cant_be_looked_at_is_found(tmp_path, monkeypatch):
    for name in ("ada", "eve", "bo", ".best"):
        (tmp_path / name / "ps1").mkdir(parents=True)
    (tmp_path / "file").touch()
    (tmp_path / "bo" / "ps1").rmdir()
    broken, real = str(tmp_path / "eve" / "ps1"), os.stat

    def stat(path, **options):
        if str(path) == broken:
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected", path)
        return real(path, **options)

    monkeypatch.setattr(os, "stat", stat)
    assert find_folders(f"{tmp_path}/*/ps1") == [str(tmp_path / "ada" / "ps1"), broken]
    assert find_folders(f"{tmp_path}/eve/*") == [broken]


def test_a_file_is_written_as_a_whole_or_stays_as_it_was(tmp_path):
    (file := tmp_path / "grades.csv").write_text("first")
    file.chmod(0o640)
    with temporary_sibling_file(file) as part:
        part.write_text("second")
    with (
        pytest.raises(OSError, match="No space") as error,
        temporary_sibling_file(file) as part,
        part.open("w") as half,
    ):
        half.write("thi")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert error.value.filename == str(file)
    with pytest.raises(FileNotFoundError) as error, temporary_sibling_file(file):
        (tmp_path / "another.html").read_text()
    assert error.value.filename == str(tmp_path / "another.html")
    assert file.read_text() == "second"
    assert file.stat().st_mode & 0o777 == 0o640, "who may read grades is not for us to say"
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_one_and_leads_to_what_was_written(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with temporary_sibling_file(tmp_path / "link") as part:
        part.write_text("text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "text"
