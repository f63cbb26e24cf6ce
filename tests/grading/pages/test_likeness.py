"""Like submissions: what somebody copied is found whatever its names, and nobody is suspected of a right answer."""

import re
from unittest.mock import Mock

import nbformat
from nbgrader.coursedir import CourseDirectory

from lib.grading.pages.class_data import StudentWork
from lib.grading.pages.likeness import find_like, like_works

COURSE = ["def loss(y, p):\n    return ?", "def loss(y, p):\n    return -np.mean(np.sum(y * np.log(p), axis=0))"]
HELPER = """def entropies(targets, guesses):
    # one number for each column, by the row of its class
    rows = np.argmax(targets, axis=0)
    picked = [guesses[row, column] for column, row in enumerate(rows)]
    total = 0.0
    for probability in picked:
        total -= np.log(max(probability, 1e-7))
    return total / len(picked)
"""
OTHER = """def entropies(targets, guesses):
    columns = np.einsum("ij,ij->j", targets, guesses)
    return float(np.where(columns > 0, -np.log(columns), 16).mean())
"""


def with_names(code, names):
    return re.sub("|".join(names), lambda found: names[found[0]], code)


RENAMED = with_names(
    HELPER, {"entropies": "h", "targets": "a", "guesses": "b", "rows": "c", "picked": "d", "total": "s"}
)


def groups(**codes):
    return [students for students, _ in find_like({name: {"loss": code} for name, code in codes.items()}, COURSE)]


def test_a_copy_is_found_whatever_its_names_and_comments_and_its_lines_are_shown():
    [(students, lines)] = find_like(
        {"ada": {"loss": HELPER}, "bo": {"x": RENAMED.replace("# one", "#")}, "cy": {"loss": OTHER}}, COURSE
    )
    assert students == ["ada", "bo"]
    assert "    rows = np.argmax(targets, axis=0)" in lines
    assert groups(ada=HELPER, bo=f"{OTHER}\n{HELPER}", cy=RENAMED) == [["ada", "bo", "cy"]]


def test_what_is_given_what_many_have_and_short_fillings_tell_nothing():
    right = "def loss(y, p):\n    return -np.mean(np.log((y * p).sum(axis=0)))"
    assert groups(ada=right, bo=right, cy=COURSE[1], di=COURSE[1], ed=OTHER) == []
    assert groups(**{f"s{number}": HELPER for number in range(4)}, **{f"t{number}": OTHER for number in range(9)}) == []
    assert groups(ada="def f(:", bo="def f(:", cy="'''", di="") == []


def test_the_same_file_of_two_students_is_told_but_not_the_one_that_all_were_given(tmp_path):
    works = [StudentWork(name, folder=tmp_path / name) for name in ("ada", "bo", "cy", "di")]
    for work in works[:2]:
        work.folder.mkdir()
        cell = nbformat.v4.new_code_cell(HELPER)
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), work.folder / "a.ipynb")
    verdicts = [Mock(notebook="a", points=min(at, 1), digest=str(at // 2)) for at in (2, 3, 0, 0)]
    classroom = Mock(graded=[*zip(works, verdicts, strict=True)])
    [(found, lines)] = like_works(classroom, CourseDirectory(root=str(tmp_path)))
    assert found == works[:2] and lines == []
