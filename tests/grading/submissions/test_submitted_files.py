"""What was handed in: read once, ordinary files alone, and bounded whatever they say."""

import errno
import os
from pathlib import Path

import pytest

from lib.grading.safe_names import parse_id
from lib.grading.submissions import submitted_files, walk
from lib.grading.submissions.submitted_files import (
    PAGE,
    FileBounds,
    Name,
    NoAccessError,
    run_files,
)

ADA = parse_id("ada")


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode())


def read(folder, **files):
    write(folder, files)
    return submitted_files.read(folder, ADA)


def test_only_ordinary_files_are_read_and_none_of_others(tmp_path):
    """A link or a pipe would be read for ever, or be somebody else's."""
    (tmp_path / "secret").write_text("theirs")
    write(folder := tmp_path / "handed in", {"b.txt": "2", "a/c.txt": "1", "a.txt": "3", f"{'d/' * 12}deep": "4"})
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "others").symlink_to(tmp_path)
    (folder / "endless").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe")
    found = submitted_files.read(folder, ADA)
    contents = {str(name): content for name, content in found.files.items()}
    assert contents == {"a/c.txt": b"1", "a.txt": b"3", "b.txt": b"2"}
    assert [*found.files] == sorted(found.files)
    assert found.has("pipe") and found.has("link") and found.has("b.txt") and not found.has("c.txt")


def test_a_file_without_end_is_read_as_far_as_it_says(tmp_path):
    """On a file system of a student's own a file can say that it is short, and go on for ever."""
    random = Path("/proc/sys/kernel/random")
    assert (random / "uuid").read_bytes() and read(random).content(Name("uuid")) == b""
    with (tmp_path / "hole").open("wb") as hole:
        hole.truncate(2**40)
    first = read(tmp_path, notebook="{}")
    assert first.content(Name("hole")) is None and first.is_too_large(Name("hole"))
    os.truncate(tmp_path / "hole", 2**40 + 1)
    digests = {first.digest, read(tmp_path, notebook="{}").digest, read(tmp_path, notebook="[]").digest}
    assert len(digests) == 3, "a file that is too large is known by its size"


def test_a_folder_of_many_names_is_not_listed_without_end(tmp_path, monkeypatch):
    write(tmp_path, {f"{place}{number}": "" for place in ("", "in/") for number in range(30)})
    assert len(read(tmp_path).files) == 60
    monkeypatch.setattr(submitted_files, "walk", lambda folder: walk.walk(folder, most=40))
    assert len(read(tmp_path).files) <= 40


def test_what_is_put_in_a_files_place_meanwhile_is_not_read(tmp_path):
    """Between the look and the reading the owner may change anything."""
    (outside := tmp_path / "outside").mkdir()
    write(outside, {"file": "theirs"})
    write(folder := tmp_path / "handed in", {"file": "mine", "in/file": "mine"})
    for entry in walk.walk(folder, is_untrusted=True):
        if entry.is_file:
            entry.path.rename(folder / "moved")
            put = entry.path.symlink_to if entry.name == Name("file") else entry.path.hardlink_to
            put(outside / "file")
            with pytest.raises(OSError) as error:
                entry.read(10)
            assert error.value.filename == str(entry.path)
    (tmp_path / "linked").symlink_to(outside)
    assert [entry.path.name for entry in walk.walk(tmp_path / "linked")] == ["file"]
    with pytest.raises(OSError, match="linked"):
        list(walk.walk(tmp_path / "linked", is_untrusted=True))


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_what_cant_be_read_makes_another_digest_and_is_told_where_it_is_used(tmp_path, monkeypatch, number):
    before, real = read(tmp_path, a="a", b="b"), os.open

    def only_b(path, *more, **options):
        if str(path) == "a":
            raise OSError(number, os.strerror(number), path)
        return real(path, *more, **options)

    monkeypatch.setattr(os, "open", only_b)
    if number == errno.EACCES:
        with pytest.raises(NoAccessError, match=str(tmp_path / "a")):
            read(tmp_path)
        return
    found = read(tmp_path)
    assert found.digest != before.digest and found.content(Name("b")) == b"b"
    with pytest.raises(OSError) as error:
        found.content(Name("a"))
    assert error.value.filename == str(tmp_path / "a")


LAID = "data.csv in/data.csv data/verdict.json.part lab.html"
LEFT_OUT = """
    verdict.json verdict.json.part challenge.json/x old.ipynb in/old.IPYNB lab.html/x own.csv/x own x.pyc large many
    mine.svg MINE.SVG own.svg"""


@pytest.mark.parametrize("name", [*LAID.split(), *LEFT_OUT.split()])
def test_what_lies_beside_a_notebook_in_its_run(tmp_path, name):
    """What reaches the kernel is what is graded, and changes the challenge: no name is left out of one alone."""
    write(tmp_path, {name: "1"})
    own = {"own.csv": b"", "own/inner": b"", "own.svg": b"the course's: a drawing may take a browser gigabytes"}
    bounds = {"large": FileBounds(2 * PAGE - 1, 4), "many": FileBounds(2 * PAGE, 3)}.get(name, FileBounds(2 * PAGE, 4))
    laid, remarks = run_files(submitted_files.read(tmp_path, ADA), own, ["*.pyc"], bounds)
    assert laid == {**own, **({name: b"1"} if name in LAID.split() else {})}
    assert bool(remarks) is (name in ("large", "many"))
