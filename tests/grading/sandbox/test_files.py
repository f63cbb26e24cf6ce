"""What comes out of a sandbox: the named files alone, ordinary ones, no more than the limit, whatever lies there."""

import os

import pytest

from lib.grading import safe_files
from lib.grading.sandbox import files

MADE = {
    "plot.png": b"picture",
    "figures/loss.png": b"another",
    "large.bin": b"x" * 1000,
    "unnamed.txt": b"never asked for",
}


@pytest.fixture
def working(tmp_path):
    """A working directory as hostile code may leave it, and a descriptor of it."""
    folder = tmp_path / "work"
    for name, content in MADE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (tmp_path / "canary").write_text("outside")
    (folder / "link").symlink_to(tmp_path / "canary")
    (folder / "way").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    descriptor = os.open(folder, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)
    safe_files.remove(folder)


def collected(working, into, *patterns, limit=100):
    left_out = files.collect(working, patterns, into, limit)
    return {str(file.relative_to(into)): file.read_bytes() for file in into.rglob("*") if file.is_file()}, left_out


def test_named_files_come_out(working, tmp_path):
    out, left_out = collected(working, tmp_path / "out", "plot.png", "figures/loss.png")
    assert out == {"plot.png": b"picture", "figures/loss.png": b"another"}
    assert left_out == []


@pytest.mark.parametrize(
    "name", ["link", "way/*", "pipe", "figures", "../canary", "/etc/passwd", "figures/../link", "missing"]
)
def test_what_is_no_ordinary_file_in_there_stays(working, tmp_path, name):
    out, left_out = collected(working, tmp_path / "out", name, "plot.png")
    assert out == {"plot.png": b"picture"}
    assert left_out == []


def test_no_more_comes_out_than_the_limit(working, tmp_path):
    out, left_out = collected(working, tmp_path / "out", "*.png", "large.bin", limit=13)
    assert out == {"figures/loss.png": b"another"}
    assert left_out == ["large.bin", "plot.png"]


def test_files_are_found_by_patterns_as_deep_as_anybody_lays_them(working, tmp_path):
    out, _ = collected(working, tmp_path / "out", "*.png", "unnamed.*")
    assert sorted(out) == ["figures/loss.png", "plot.png", "unnamed.txt"]
    assert [*collected(working, tmp_path / "one", "figures/*")[0]] == ["figures/loss.png"]


def test_folders_a_thousand_deep_hold_nothing_up(working, tmp_path):
    deepest = os.dup(working)
    for _ in range(1500):
        os.mkdir("deeper", dir_fd=deepest)
        deeper = os.open("deeper", os.O_RDONLY, dir_fd=deepest)
        os.close(deepest)
        deepest = deeper
    os.close(os.open("deep.png", os.O_CREAT, dir_fd=deepest))
    os.close(deepest)
    assert sorted(collected(working, tmp_path / "out", "*.png")[0]) == ["figures/loss.png", "plot.png"]


def test_a_file_that_is_there_is_replaced_and_not_written_through(working, tmp_path):
    into = tmp_path / "out"
    into.mkdir()
    (into / "plot.png").symlink_to(tmp_path / "canary")
    out, _ = collected(working, into, "plot.png")
    assert out == {"plot.png": b"picture"}
    assert (tmp_path / "canary").read_text() == "outside"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read any file")
def test_a_file_that_cannot_be_read_replaces_nothing(working, tmp_path):
    into = tmp_path / "out"
    into.mkdir()
    (into / "plot.png").write_bytes(b"ours")
    (tmp_path / "work/plot.png").chmod(0)
    assert collected(working, into, "plot.png") == ({"plot.png": b"ours"}, ["plot.png"])


def test_nothing_is_written_through_a_link_in_the_folder_that_it_is_brought_to(working, tmp_path):
    into, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    into.mkdir(), elsewhere.mkdir()
    (into / "figures").symlink_to(elsewhere)
    out, left_out = collected(working, into, "figures/loss.png", "plot.png")
    assert left_out == ["figures/loss.png"]
    assert out == {"plot.png": b"picture"}
    assert not list(elsewhere.iterdir())


def test_files_outlive_the_kernel_that_made_them(sandbox):
    outcome = sandbox.run("open('note.txt', 'w').write('made inside')", brings=["note.txt", "/etc/passwd"])
    assert outcome.exit == 0
    assert outcome.brought == {"note.txt": "made inside"}
