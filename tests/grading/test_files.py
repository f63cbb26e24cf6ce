"""Safe files: whatever a run leaves in a folder goes, what was there stays, and nothing outside is touched."""

import errno
import os
from pathlib import Path

import pytest

from lib.grading.files import (
    copy,
    file_beside,
    files_in,
    find_folders,
    folder_beside,
    is_file,
    read_bounded,
    remove,
    tidy,
)


def deep(folder, levels):
    """Make a folder in a folder in a folder, deeper than a path can say."""
    home = Path.cwd()
    folder.mkdir()
    os.chdir(folder)
    for _ in range(levels):
        os.mkdir("d")  # noqa: PTH102  # no path is short enough
        os.chdir("d")
    os.chdir(home)


def test_a_folder_of_any_depth_is_removed(tmp_path):
    deep(tmp_path / "deep", 3000)
    remove(tmp_path / "deep")
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "elsewhere")
    remove(tmp_path / "folder")
    remove(tmp_path / "nothing there")
    assert (tmp_path / "elsewhere" / "file").exists()


def test_only_ordinary_files_are_found(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "in" / "file")
    (tmp_path / "round").symlink_to(tmp_path)
    deep(tmp_path / "deep", 100)
    assert list(files_in(tmp_path)) == [tmp_path / "in" / "file"]
    assert not is_file(tmp_path / "nothing there")


ENDLESS = Path("/dev/zero")
"""Says that it holds nothing, as a file can on a file system of a student's own."""


def test_no_more_is_read_of_a_file_than_is_asked_for(tmp_path):
    copy(ENDLESS, tmp_path / "copied", 2**20 + 5)
    assert (tmp_path / "copied").read_bytes() == bytes(2**20 + 5)
    assert read_bounded(ENDLESS, 1000) is None
    assert read_bounded(tmp_path / "copied", 2**20 + 5) == bytes(2**20 + 5)


def test_no_link_or_pipe_that_came_after_the_look_is_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(__file__)
    assert read_bounded(tmp_path / "pipe", 1000) == b""
    with pytest.raises(OSError, match="link") as error:
        read_bounded(tmp_path / "link", 1000)
    assert error.value.filename == str(tmp_path / "link")


def test_a_folder_of_many_names_is_not_listed_without_end(tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(30):
        (tmp_path / f"{number}").touch()
        (tmp_path / "in" / f"{number}").touch()
    assert len(list(files_in(tmp_path))) == 60
    assert len(list(files_in(tmp_path, 40))) <= 40


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


def test_tidying_keeps_what_was_there_before(tmp_path):
    (tmp_path / "data").mkdir()
    for name in ("data/kept", "data/replaced", "gone"):
        (tmp_path / name).touch()
    before = frozenset(files_in(tmp_path))
    (tmp_path / "gone").unlink()
    (tmp_path / "data" / "replaced").unlink()
    (tmp_path / "data" / "replaced").symlink_to("/")
    (tmp_path / "data" / "new").touch()
    deep(tmp_path / "new", 2000)
    tidy(tmp_path, before)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["data", "kept"]


def test_a_folder_that_became_something_else_is_a_folder_again(tmp_path):
    folder = tmp_path / "folder"
    folder.symlink_to("/")
    tidy(folder, frozenset())
    assert folder.is_dir()
    assert not folder.is_symlink()
    assert list(folder.iterdir()) == []


def test_a_file_is_written_as_a_whole_or_stays_as_it_was(tmp_path):
    file = tmp_path / "grades.csv"
    for text in ("first", "second"):
        with file_beside(file) as part:
            part.write_text(text)
        file.chmod(0o640)
    assert file.stat().st_mode & 0o777 == 0o640
    with pytest.raises(OSError, match="No space") as error, file_beside(file) as part, part.open("w") as half:
        half.write("thi")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert error.value.filename == str(file)
    assert file.read_text() == "second"
    assert file.stat().st_mode & 0o777 == 0o640, "who may read grades is not for us to say"
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_one_and_leads_to_what_was_written(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with file_beside(tmp_path / "link") as part:
        part.write_text("text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "text"


def test_an_error_about_another_file_names_that_one(tmp_path):
    with pytest.raises(FileNotFoundError) as error, file_beside(tmp_path / "file"):
        (tmp_path / "page.html").read_text()
    assert error.value.filename == str(tmp_path / "page.html")


def test_beside_a_folder_goes_what_a_kill_left_and_nothing_of_others(tmp_path):
    place, others = tmp_path / "site[1]", tmp_path / ".site[1].toml"
    others.write_text("settings")
    killed = folder_beside(place)
    left = killed.__enter__()
    with folder_beside(place) as beside:
        assert not left.exists()
        assert {*tmp_path.iterdir()} == {others, beside}
    killed.__exit__(None, None, None)
    assert [*tmp_path.iterdir()] == [others]
