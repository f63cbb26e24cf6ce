"""The course's secret: made once, and what can't be one is refused."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.grading.errors import ConfigError
from lib.grading.judge.secret import make_secret, read_secret

WHOLE = b"0123456789abcdef" * 4


def test_a_secret_is_made_once_for_its_owner_alone(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_secret(tmp_path / "judge_secret")
    made = make_secret(tmp_path / "judge_secret")
    assert read_secret(tmp_path / "judge_secret") == make_secret(tmp_path / "judge_secret") == made
    assert stat.S_IMODE((tmp_path / "judge_secret").stat().st_mode) == 0o600
    assert make_secret(tmp_path / "another", is_shared=True) != made
    assert stat.S_IMODE((tmp_path / "another").stat().st_mode) == 0o660
    assert sorted(each.name for each in tmp_path.iterdir()) == ["another", "judge_secret"]


def test_processes_that_make_it_at_the_same_time_have_one(tmp_path):
    for number in range(20):
        with ThreadPoolExecutor(4) as pool:
            made = [pool.submit(make_secret, tmp_path / f"{number}") for _ in range(4)]
        assert len({each.result() for each in made}) == 1


def test_what_can_be_no_secret_is_refused_and_left_as_it_is(tmp_path):
    place = tmp_path / "judge_secret"
    for written in (b"", b"\0" * 64, WHOLE[:63], WHOLE + b"0", WHOLE.upper(), b"<<<< HEAD\n" + WHOLE):
        place.write_bytes(written)
        with pytest.raises(ConfigError, match="64 hexadecimal digits"):
            read_secret(place)
        assert place.read_bytes() == written
    place.write_bytes(WHOLE + b"\r\n")
    assert read_secret(place) == WHOLE, "an editor may have added an end of line"
    (tmp_path / "link").symlink_to(place)
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "link", tmp_path / "pipe"):
        with pytest.raises(ConfigError):
            read_secret(path)
