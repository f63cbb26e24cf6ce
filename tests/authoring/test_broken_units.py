"""Each broken unit is told of, by what is wrong first, in a sentence that names the place; and only that."""

import shutil

import pytest

from tests.authoring.broken import BROKEN
from tests.authoring.own_unit import UNIT, begin, succeeds
from tests.grading.conftest import Course


@pytest.fixture(scope="module")
def course(tmp_path_factory, lockable_here):
    """A unit without a fault."""
    course = begin(tmp_path_factory.mktemp("broken"))
    assert f"{UNIT} has no fault" in succeeds(course.zerolayer("check", UNIT, "--quick")).stdout
    return course


@pytest.fixture
def break_it(course, tmp_path):
    """Return `break_it(name)`, which returns a copy of the course with its unit broken."""

    def copy(name):
        left_out = shutil.ignore_patterns("__pycache__")
        other = Course(shutil.copytree(course.root, tmp_path / "course", ignore=left_out))
        BROKEN[name].change(other.root)
        return other

    return copy


DEFAULT = ("missing check cell", "a kernel that dies", "leaks everywhere", "two faults")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in DEFAULT)) for name in BROKEN]
)
def test_what_is_wrong_is_told_and_what_would_follow_is_not(break_it, name):
    broken, other = BROKEN[name], break_it(name)
    done = other.zerolayer("check", UNIT, "--quick", *([f"--part={broken.part}"] if broken.part else []))
    said = done.stdout + done.stderr
    assert done.returncode == broken.held and "Traceback" not in said, said
    assert [each for each in (broken.says, *broken.also) if each not in said] == [], said
    assert said.count("\nTry: ") == broken.faults, said
    assert said.count("Warning only: the release goes ahead.") == (not broken.held) + (name == "two faults"), said


@pytest.mark.parametrize("name", ["leaks everywhere", "a solution that is wrong"])
def test_build_says_what_is_wrong_and_refuses_what_touches_points_or_answers(break_it, name):
    broken, other = BROKEN[name], break_it(name)
    built = other.zerolayer("build", UNIT)
    assert broken.says in built.stdout
    assert built.stdout.count("\nTry: ") == broken.faults
    assert built.returncode == 1 and not (other.root / "notebooks").exists()
    many = "a fault" if broken.faults == 1 else f"{broken.faults} of {broken.faults} faults"
    assert f"is not built, because of {many}. Nothing was changed." in built.stderr
