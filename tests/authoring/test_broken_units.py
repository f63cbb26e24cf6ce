"""Each broken unit is told of, by what is wrong first, in a sentence that names the place; and only that."""

import shutil

import pytest

from tests.authoring.broken import BROKEN
from tests.authoring.own_unit import UNIT, begin, refused, succeeds
from tests.grading.conftest import Course


@pytest.fixture(scope="module")
def course(tmp_path_factory, lockable_here):
    """A unit without a fault."""
    course = begin(tmp_path_factory.mktemp("broken"))
    assert f"{UNIT} has no fault" in succeeds(course.zerolayer("check", UNIT, "--quick")).stdout
    return course


@pytest.fixture
def break_it(course, tmp_path):
    """Give `break_it(name)`, which gives a copy of the course with its unit broken."""

    def copy(name):
        left_out = shutil.ignore_patterns("__pycache__")
        other = Course(shutil.copytree(course.root, tmp_path / "course", ignore=left_out))
        BROKEN[name].change(other.root)
        return other

    return copy


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_told_and_what_would_follow_is_not(break_it, name):
    broken, other = BROKEN[name], break_it(name)
    said = refused(other, "check", UNIT, "--quick", *([f"--part={broken.part}"] if broken.part else []))
    assert [each for each in (broken.says, *broken.also) if each not in said] == [], said
    assert said.count("\nTry: ") == broken.faults, said
    assert said.count("Warning only: the release goes ahead.") == (not broken.held) + (name == "two faults"), said


@pytest.mark.parametrize("name", ["two faults", "a mistake is lucky", "statement without a hint"])
def test_build_says_all_that_is_wrong_and_refuses_what_touches_points_or_answers(break_it, name):
    broken, other = BROKEN[name], break_it(name)
    built = other.zerolayer("build", UNIT)
    assert broken.says in built.stdout
    assert built.stdout.count("\nTry: ") == broken.faults
    assert (built.returncode == 1) == broken.held == (not (other.root / "notebooks").exists())
    of = {"two faults": "1 of 2 faults", "a mistake is lucky": "a fault"}.get(name, "")
    assert (f"is not built, because of {of}. Nothing was changed." in built.stderr) == broken.held
