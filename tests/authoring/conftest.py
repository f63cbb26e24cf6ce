"""What the tests of authors' tools share with those of grading: a course that is built, and a machine's means."""

from tests.grading.conftest import lockable_here, new_course, small_course

__all__ = ["lockable_here", "new_course", "small_course"]
