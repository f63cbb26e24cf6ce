"""The student version: what is made of markers, which are refused, and what gives an answer away."""

from pathlib import Path
from typing import Any

import nbformat
from hypothesis import given
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbgrader.apps import NbGraderAPI
from traitlets.config import PyFileConfigLoader

from lib.authoring.markers import HiddenAnswer, student_source
from lib.authoring.rules.open_half import compress, gives_answer_away, shows
from lib.authoring.student_notebook import StudentVersion, make_student_version
from lib.blanks import open_blanks
from lib.grading.commands.demo import CHECKOUT
from lib.grading.execution.notebook import run_cells
from lib.grading.pipeline.course import BoundedExecute
from lib.unit import Unit
from tests.authoring.own_unit import flagged

SOLUTION = """\
## Dense layer class
class Dense:
    def __init__(self, weights):
        self.weights =  weights\t# two spaces before, a tab behind
    def forward(self, input):
        self.input = np.vstack([input, np.ones((1, input.shape[1]))])
        self.output= np.dot(self.weights, self.input)  #? self.output= np.dot(?, ?)  # the scores z

    def backward(self, output_gradient):
        weights_gradient = np.dot(
            output_gradient,  # first
            self.input.T,
        )  #? weights_gradient = ?  # shaped as the weights
        note = "#? not one"; first = order[0:4]   #? note = "#? not one"; first = ?[0:4]  # the order

        return(np.einsum('ij,jk->ik', weights_gradient, first)) #?return(np.einsum(?, weights_gradient, first)) # pairs
"""

STUDENT = """\
## Dense layer class
class Dense:
    def __init__(self, weights):
        self.weights =  weights\t# two spaces before, a tab behind
    def forward(self, input):
        self.input = np.vstack([input, np.ones((1, input.shape[1]))])
        self.output= np.dot(?, ?)  # the scores z

    def backward(self, output_gradient):
        weights_gradient = ?  # shaped as the weights
        note = "#? not one"; first = ?[0:4]  # the order

        return(np.einsum(?, weights_gradient, first)) # pairs
"""


WRITTEN = {"kind": "markdown", "grade": True, "points": 2}


def solution(source: str, name: str = "dense", **flags: Any) -> NotebookNode:
    return flagged(name, source, solution=True, **flags)


def prose(source: str) -> NotebookNode:
    return nbformat.v4.new_markdown_cell(source, id="prose")


def built(*cells: NotebookNode) -> StudentVersion:
    """What becomes of these cells in a notebook of a unit without parts."""
    notebook = nbformat.v4.new_notebook(cells=list(cells))
    before = nbformat.writes(notebook)
    made = make_student_version(notebook, Unit("unit", "Unit", ()), "unit.ipynb")
    assert nbformat.writes(notebook) == before, "the solution stays as it was"
    return made


def test_statements_become_their_templates_and_all_else_stays_to_the_byte(tmp_path: Path) -> None:
    """But outputs, hidden tests, and written answers, which are cleared as nbgrader does."""
    cell = solution(SOLUTION)
    cell.outputs = [nbformat.v4.new_output("stream", text="np.dot(output_gradient, self.input.T)")]
    hidden = "### BEGIN HIDDEN TESTS\nassert np.dot(output_gradient, self.input.T)\n### END HIDDEN TESTS"
    others = [
        prose("# Dense\n\n`#? not code` "),
        prose("x =  1 ;y=2"),
        flagged("check", f"check.dense(Dense)  # why? see above\n{hidden}", grade=True, locked=True, points=2),
        solution("Why?\n### BEGIN SOLUTION\nBecause.\n### END SOLUTION\n", "why", **WRITTEN),
        solution("All of it.", "how", **WRITTEN),
    ]
    source, release = (tmp_path / folder / "unit" / "unit.ipynb" for folder in ("solutions", "notebooks"))
    source.parent.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell, *others]), source)
    config = PyFileConfigLoader("nbgrader_config.py", str(CHECKOUT)).load_config()
    config.CourseDirectory.root = str(tmp_path)
    config.ClearSolutions.text_stub = "*Your answer.*"
    assert NbGraderAPI(config=config).generate_assignment("unit")["success"]
    student = nbformat.read(release, as_version=4)
    cleared = ["check.dense(Dense)  # why? see above", "Why?\n*Your answer.*\n", "*Your answer.*"]
    assert [cell.source for cell in student.cells] == [STUDENT, *(cell.source for cell in others[:2]), *cleared]
    assert student.cells[0].outputs == []
    assert student.cells[0].metadata.nbgrader.checksum


def test_its_blanks_complain_and_the_solution_runs() -> None:
    """In a kernel as it grades."""
    before = ["%load_ext lib.blanks\nimport numpy as np", "order = np.ones((3, 2))"]
    after = ["layer = Dense(np.ones((2, 3)))", "layer.forward(np.ones((2, 4)))", "layer.backward(np.ones((2, 4)))"]
    assert _run([*before, SOLUTION, *after]) == []
    assert _run([*before, built(solution(SOLUTION)).notebook.cells[0].source, *after]) == [
        f"A blank on line {line} is still open: {purpose}. Replace the ? with your code."
        for line, purpose in ((7, "the scores z"), (10, "shaped as the weights"))
    ]


def test_a_notebook_says_its_language_which_the_browser_edition_asks_students_for_otherwise() -> None:
    assert built(prose("No code yet.")).notebook.metadata["language_info"]["name"] == "python"


def _run(sources: list[str]) -> list[str]:
    """Run code cells; the sentence of each error."""
    cells = [{"cell_type": "code", "metadata": {}, "source": source} for source in sources]
    remarks = run_cells(cells, {}, BoundedExecute(sandbox=False).bounds)
    assert not remarks
    return [output["evalue"] for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]


MISMARKED = [
    ("x = f(z)  #? x = g(?)  # x", 1, "does not fit", "x = f(z)"),
    ("x = f(z)  #? x =  ?  # x", 1, "does not fit", "x = f(z)"),
    ("x = f(z)  #? x = ? ?  # x", 1, "does not fit", "x = f(z)"),
    ("return f(a - b)  #? return ? - ?  # x", 1, "does not fit", "return f(a - b)"),
    ("x = f(a, b)  #? x = f(?)  # x", 1, "does not fit", "x = f(a, b)"),
    ("x = f(a=1)  #? x = f(?)  # x", 1, "does not fit", "x = f(a=1)"),
    ("x = y[1:2]  #? x = y[?]  # x", 1, "does not fit", "x = y[1:2]"),
    ("x = (a) + (b)  #? x = (?)  # x", 1, "does not fit", "x = (a) + (b)"),
    ("x = 1\ny = f(\n  z)  #? y = f(?)  # y", 3, "does not fit", "y = f(\n  z)"),
    ("x = a + b + c  #? x = ? + ?  # x", 1, "more than one way", "x = a + b + c"),
    ("x = 1  #? x = 1  # x", 1, "without a ?", "#? x = 1  # x"),
    ("x = 1  #? x = '?'  # x", 1, "without a ?", "#? x = '?'  # x"),
    ("x = 1  #? x = ?", 1, "does not describe its ?", "#? x = ?"),
    ("x = 1  #? x = ?  #  ", 1, "does not describe its ?", "#? x = ?  #"),
    ("x = 1  #? x = ?  #? x = ?  # x", 1, "two markers after one statement", "#? x = ?  #? x = ?  # x"),
    ("x = 1\n#? x = ?  # x", 2, "not at the end of a statement", "#? x = ?  # x"),
    ("x = f(\n  1,  #? 1  # x\n  2)", 2, "not at the end of a statement", "#? 1  # x"),
    ("x = ?  # x", 1, "the solution itself has a ?", "x = ?  # x"),
    ("x = 1  #? x = ?  # x\ny = f(?)", 2, "the solution itself has a ?", "y = f(?)"),
    ("def f(): pass  #? def ?(): pass  # f", 1, "no expression", "def ?(): pass  # f"),
    ("x = f(z)", 0, "without a blank", ""),
]
"""Solutions that are refused: the code, the line that is named, what is wrong, and what was found."""


def test_a_marker_that_leaves_a_doubt_is_refused_with_its_place_what_was_found_expected_and_a_thing_to_try() -> None:
    for source, line, problem, found in MISMARKED:
        [fault] = built(solution(source)).faults
        [first, *_, last] = str(fault).split("\n")
        assert first.startswith("unit.ipynb, cell 'dense'" + (f", line {line}" if line else ": "))
        assert problem in first
        assert fault.found == found and "\nExpected: " in str(fault)
        assert last.startswith("Try:      ")


HIDDEN = "-np.sum(y * np.log(p['a']))"
UPDATE = "update(X, labels, C)"
SHOWS = {
    f"The loss is `{HIDDEN}`.": True,
    '> -np.sum(y*np.log( p["a"] ))': True,
    "# so loss = -np.sum(y *\n#   np.log(p['a']))\nx = 2": True,
    "-np.sum(y * np.log(p))": False,
}


def test_a_text_shows_an_answer_however_it_is_laid_out() -> None:
    assert {text: shows(compress(text), HIDDEN) for text in SHOWS} == SHOWS
    defined = f"def {UPDATE}:\n    return C"
    assert not shows(compress(defined), UPDATE), "students know how it is called"
    assert shows(compress(f"{defined}\n# C = {UPDATE}"), UPDATE)


def test_a_name_and_a_short_expression_are_no_secret() -> None:
    assert gives_answer_away(HIDDEN) and gives_answer_away(UPDATE)
    assert not any(map(gives_answer_away, ("learning_rate", "(1/B)*grad", "a_long_name_of_it")))


NAMES = st.sampled_from(["a", "self.b", "X[:, i]", "'x, y'", "(c, d)"])
EXPRESSIONS = st.recursive(
    NAMES,
    lambda parts: st.one_of(
        st.builds("f({}, {})".format, parts, parts),
        st.builds("{} + {}".format, parts, parts),
        st.builds("[{},\n {}]".format, parts, parts),
        st.builds("(lambda q: {})".format, parts),
    ),
    max_leaves=6,
)


@given(st.lists(EXPRESSIONS, min_size=1, max_size=3))
def test_arguments_are_told_apart_whatever_they_are(arguments: list[str]) -> None:
    """`g(?, ?)` hides one argument a `?`, commas inside them notwithstanding."""
    template = f"return(g({', '.join('?' * len(arguments))}))  # them"
    source = f"def h():\n    return(g({', '.join(arguments)}))  #? {template}\n"
    student, hidden = student_source(source, "cell")
    assert student == f"def h():\n    {template}\n"
    assert hidden == [HiddenAnswer(hidden[0].place, argument) for argument in arguments]
    assert len(open_blanks(student)) == len(arguments)
