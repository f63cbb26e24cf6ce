"""The answer key of the softmax classifier, and its sample class: each student's fillings of all cells."""

from functools import partial

from lib.grading.unit_registry import answer_key

ANSWER_KEY = answer_key("softmax_classifier")
ANSWERS = ANSWER_KEY.sample_class.answers
RIGHT = ANSWER_KEY.sample_class.students["ada"]
fill = partial(dict[str, tuple[str, ...]], RIGHT)
"""Gives the right fillings with some cells replaced."""
STUDENTS = {student: fill(**cells) for student, cells in ANSWER_KEY.sample_class.students.items()}
