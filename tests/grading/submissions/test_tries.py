"""Tries of a watched assignment: what is kept of them, and when the next one may be graded."""

import json

import pytest

from lib.grading.submissions.tries import Tries, digest, load, save

MINUTES = (0, 15, 60)


@pytest.mark.parametrize(("tries", "minutes"), [(1, 0), (2, 15), (3, 60), (4, 60)])
def test_a_second_try_is_due_at_once_and_others_at_widening_intervals(tries, minutes):
    found = Tries()
    assert found.due([60 * wait for wait in MINUTES]) == 0
    for number in range(tries):
        found.note(f"try {number}", 1000.0, number)
    assert found.due([60 * wait for wait in MINUTES]) == 1000 + 60 * minutes
    assert found.due([]) == 0


def test_the_best_try_stays_the_best():
    found = Tries()
    for name, points in (("a", 3), ("b", 7), ("c", 5), ("d", 7)):
        found.note(name, 0, points)
    assert (found.best, found.best_points, found.graded[-1]) == ("b", 7, "d")


def test_tries_are_kept_and_damage_is_told(tmp_path):
    file = tmp_path / "tries.json"
    assert load(file) == {}
    found = {"ada": Tries(["a"], 1.5, 20, "a", 20, "a"), "Bảo": Tries()}
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
