"""A unit of one's own: what `new` writes, with the second part of docs/authoring.md, as its author has followed it."""

import re

import nbformat

from lib.grading.commands.demo import CHECKOUT
from tests.grading.conftest import Course

UNIT = "linear_regression"
PAGE = (CHECKOUT / "docs" / "authoring.md").read_text()
BLOCKS = re.findall(r"```(?:ipython|python|toml)\n# ([\w/.]+)(, \w+ \w+ ?\w*)?\n(.*?)```", PAGE, re.DOTALL)
"""The files of the page: the path, whether the text comes to what is there, and the text."""
NOTEBOOK = f"solutions/{UNIT}/{UNIT}.ipynb"
OPEN, MISTAKES = (f"units/{UNIT}/{file}" for file in ("exercise.py", "closed/mistakes.toml"))
CELLS = ("gradient", "fit", "check-fit")
BLANKS = {"loss": "np.mean((y - yhat) ** 2)", "fit": "w - rate * gradient(w, X, y)"}


def succeeds(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def refused(course, *command):
    """Run a command that has to end with 1 and no traceback; return its output."""
    done = course.zerolayer(*command)
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "Traceback" not in said, (command, said)
    return said


def flagged(name, source, kind="code", **flags):
    """A cell with what Create Assignment writes into it: a check, a solution, or one that is given."""
    tested = name.startswith("check-")
    own = {"grade": tested, "solution": "#?" in source, "locked": tested, "task": False, "schema_version": 3}
    points = {"points": 0} if tested else {}
    metadata = {"nbgrader": {**own, **points, "grade_id": name, **flags}}
    new = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}[kind]
    return new(source, metadata=metadata, id=name)


def begin(root):
    """Run the page's commands and make its changes in a folder; return the course."""
    course = Course(root)
    succeeds(course.zerolayer("new", UNIT))
    for path, more, text in BLOCKS:
        if path.endswith(".ipynb"):
            made = text.rstrip().split("\n# ----\n")
            notebook = nbformat.read(root / path, as_version=4)
            notebook.cells += (
                [nbformat.v4.new_code_cell(each, id=name) for name, each in zip(CELLS, made, strict=True)]
                if more
                else []
            )
            nbformat.write(notebook, root / path)
        elif more:
            with (root / path).open("a") as file:
                file.write(f"\n\n{text}")
    return course
