"""The course's secret: made once and whole, and what can't be one is refused."""

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lib.grading.errors import ConfigError
from lib.grading.judge.secret import make_secret, read_secret

WHOLE = b"0123456789abcdef" * 4


def test_a_secret_is_made_for_its_owner_alone_and_read_back(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_secret(tmp_path / "judge_secret")
    made = make_secret(tmp_path / "judge_secret")
    assert read_secret(tmp_path / "judge_secret") == made
    assert stat.S_IMODE((tmp_path / "judge_secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["judge_secret"]
    assert len({make_secret(tmp_path / str(number)) for number in range(20)}) == 20


def test_who_makes_it_at_once_with_others_gets_theirs(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        made = set(pool.map(lambda _: make_secret(tmp_path / "judge_secret"), range(64)))
    assert made == {read_secret(tmp_path / "judge_secret")}
    assert [path.name for path in tmp_path.iterdir()] == ["judge_secret"]


def test_an_empty_short_or_damaged_one_is_refused_and_left_as_it_is(tmp_path):
    place = tmp_path / "judge_secret"
    for written in (b"", b"\0" * 64, WHOLE[:63], WHOLE + b"0", WHOLE.upper(), b"<<<< HEAD\n" + WHOLE):
        place.write_bytes(written)
        with pytest.raises(ConfigError, match="64 hexadecimal digits; found"):
            read_secret(place)
        assert place.read_bytes() == written
    place.write_bytes(WHOLE + b"\r\n")
    assert read_secret(place) == WHOLE, "an editor may have added an end of line"


def test_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "elsewhere").write_bytes(WHOLE)
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("elsewhere")
    (tmp_path / "link to nothing").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "link", "link to nothing", "pipe"):
        with pytest.raises(ConfigError, match="must be a file"):
            read_secret(tmp_path / name)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_leaves_no_secret_behind(tmp_path, monkeypatch):
    full = os.open("/dev/full", os.O_WRONLY)

    def on_a_full_disk(prefix, dir):
        (tmp_path / "part").touch()
        return full, str(tmp_path / "part")

    monkeypatch.setattr("lib.grading.judge.secret.mkstemp", on_a_full_disk)
    with pytest.raises(ConfigError, match=os.strerror(errno.ENOSPC)):
        make_secret(tmp_path / "judge_secret")
    assert list(tmp_path.iterdir()) == []
