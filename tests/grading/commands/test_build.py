"""The student version: what the build's own steps make of a notebook, and what they refuse."""

from copy import deepcopy
from pathlib import Path

import nbformat
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbgrader.apps import NbGraderAPI
from traitlets.config import PyFileConfigLoader

from lib.blanks import open_blanks
from lib.grading.commands.build import Blanks, CannotBuild, Hidden, NoLeak, student_source
from lib.grading.commands.demo import CHECKOUT
from lib.grading.run.notebook import Bounds, run_cells

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


def solution(source: str, name: str = "dense", kind: str = "code") -> NotebookNode:
    return _cell(source, name, kind, solution=True, grade=kind == "markdown", locked=False)


def graded(source: str, name: str = "check") -> NotebookNode:
    return _cell(source, name, solution=False, grade=True, locked=True)


def given_code(source: str, **more: object) -> NotebookNode:
    cell = _cell(source, "given", solution=False, grade=False, locked=True)
    for key, value in more.items():
        cell[key].update(value) if isinstance(value, dict) else cell.update({key: value})
    return cell


def prose(source: str, **more: object) -> NotebookNode:
    return nbformat.v4.new_markdown_cell(source, id="prose", **more)


def _cell(source: str, name: str, kind: str = "code", **flags: bool) -> NotebookNode:
    cell: NotebookNode = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}[kind](source)
    points = {"points": 2} if flags["grade"] else {}
    cell.metadata["nbgrader"] = {"schema_version": 3, "task": False, "grade_id": name, **flags, **points}
    return cell


def built(*cells: NotebookNode, folder: str = "", **metadata: str) -> NotebookNode:
    """What the build's two steps alone make of these cells, in a notebook with this metadata."""
    notebook = nbformat.v4.new_notebook(cells=list(cells), metadata=metadata)
    resources = {"unique_key": "unit", "metadata": {"path": folder}}
    for step in (Blanks(), NoLeak()):
        notebook, resources = step(notebook, resources)
    return notebook


def test_statements_become_their_templates_and_all_else_stays_to_the_byte(tmp_path: Path) -> None:
    """But outputs, hidden tests, and written answers, which are cleared as nbgrader does."""
    cell = solution(SOLUTION)
    cell.outputs = [nbformat.v4.new_output("stream", text="np.dot(output_gradient, self.input.T)")]
    hidden = "### BEGIN HIDDEN TESTS\nassert np.dot(output_gradient, self.input.T)\n### END HIDDEN TESTS"
    others = [
        prose("# Dense\n\n`#? not code` "),
        given_code("x =  1 ;y=2"),
        graded(f"check.dense(Dense)  # why? see above\n{hidden}"),
        solution("Why?\n### BEGIN SOLUTION\nBecause.\n### END SOLUTION\n", "why", "markdown"),
        solution("All of it.", "how", "markdown"),
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
    assert _run([*before, built(solution(SOLUTION)).cells[0].source, *after]) == [
        f"Blank {index} of 5 on line {line} is still open: {purpose}. Replace the ? with your code."
        for index, line, purpose in ((1, 7, "the scores z"), (3, 10, "shaped as the weights"))
    ]


def test_a_notebook_says_its_language_which_the_browser_edition_asks_students_for_otherwise() -> None:
    assert built(prose("No code yet.")).metadata["language_info"]["name"] == "python"


def _run(sources: list[str]) -> list[str]:
    """Run code cells; the sentence of each error."""
    cells = [{"cell_type": "code", "metadata": {}, "source": source} for source in sources]
    ran, remarks = run_cells(orjson.dumps(cells), {}, Bounds(locked=False))
    assert not remarks
    return [output["evalue"] for cell in ran for output in cell["outputs"] if output["output_type"] == "error"]


MISMARKED = [
    ("x = f(z)  #? x = g(?)  # x", 1, "does not fit", "x = f(z)"),
    ("x = f(z)  #? x =  ?  # x", 1, "does not fit", "x = f(z)"),
    ("x = f(a, b)  #? x = f(?)  # x", 1, "does not fit", "x = f(a, b)"),
    ("x = f(a=1)  #? x = f(?)  # x", 1, "does not fit", "x = f(a=1)"),
    ("x = y[1:2]  #? x = y[?]  # x", 1, "does not fit", "x = y[1:2]"),
    ("x = (a) + (b)  #? x = (?)  # x", 1, "does not fit", "x = (a) + (b)"),
    ("x = 1\ny = f(\n  z)  #? y = f(?)  # y", 3, "does not fit", "y = f(\n  z)"),
    ("x = a + b + c  #? x = ? + ?  # x", 1, "more than one way", "x = a + b + c"),
    ("x = 1  #? x = 1  # x", 1, "without a ?", "#? x = 1  # x"),
    ("x = 1  #? x = '?'  # x", 1, "without a ?", "#? x = '?'  # x"),
    ("x = 1  #? x = ?", 1, "says nothing about what the ? is for", "#? x = ?"),
    ("x = 1  #? x = ?  #  ", 1, "says nothing about what the ? is for", "#? x = ?  #"),
    ("x = 1  #? x = ?  #? x = ?  # x", 1, "two markers behind one statement", "#? x = ?  #? x = ?  # x"),
    ("x = 1\n#? x = ?  # x", 2, "not at the end of a statement", "#? x = ?  # x"),
    ("x = f(\n  1,  #? 1  # x\n  2)", 2, "not at the end of a statement", "#? 1  # x"),
    ("x = ?  # x", 1, "? stands in the solution itself", "x = ?  # x"),
    ("x = 1  #? x = ?  # x\ny = f(?)", 2, "? stands in the solution itself", "y = f(?)"),
    ("def f(): pass  #? def ?(): pass  # f", 1, "no expression", "def ?(): pass  # f"),
    ("x = f(z)", 0, "without a blank", "no marker"),
]
"""Solutions that are refused: the code, the line that is named, what is wrong, and what was found."""


def test_a_marker_that_leaves_a_doubt_is_refused_with_its_place_what_was_found_expected_and_a_thing_to_try() -> None:
    for source, line, problem, found in MISMARKED:
        with pytest.raises(CannotBuild) as caught:
            built(solution(source))
        [first, *_, last] = str(caught.value).split("\n")
        assert first.startswith("unit.ipynb, cell 'dense'" + (f", line {line}" if line else ": "))
        assert problem in first
        assert f"\nFound:    {found}\nExpected: " in str(caught.value)
        assert last.startswith("Try:      ")


HIDDEN = "-np.sum(y * np.log(p['a']))"
HIDING = solution(f"x = 1\nloss = {HIDDEN}  #? loss = ?  # one number")
UPDATE = "def update(X, labels, C):\n    return C"
UPDATING = solution("C = update(X, labels, C)  #? C = ?  # the new centres")
SHOWN = nbformat.v4.new_output("display_data", data={"text/html": f"<b>{HIDDEN}</b>"})
AN_ATTACHMENT = {"loss.txt": {"text/plain": HIDDEN}}
SAME = solution(f"{HIDING.source}\n# that is {HIDDEN}")
REFUSED = [
    ("'given', line 2: a marker in a cell that is not a", HIDING, given_code("x = 1\ny = 2  #? y = ?  # y")),
    ("'check', line 1: a marker in a cell that is not a", HIDING, graded("check()  #? check(?)  # y")),
    ("'given', line 1: a solution region", HIDING, given_code("### BEGIN SOLUTION\nx = 1\n### END SOLUTION")),
    ("'x', line 2: a solution region in code", HIDING, solution("x = 1  #? x = ?  # x\n### END SOLUTION", "x")),
    ("'prose': it shows", HIDING, prose(f"The loss is `{HIDDEN}`.")),
    ("'prose': it shows", HIDING, prose('> -np.sum(y*np.log( p["a"] ))')),
    ("'given': it shows", HIDING, given_code("# so loss = -np.sum(y *\n#   np.log(p['a']))\nx = 2")),
    ("'check': it shows", HIDING, graded(f"check({HIDDEN})")),
    ("'other': it shows", HIDING, solution(f"# {HIDDEN}\nx = 1  #? x = ?  # x", "other")),
    ("'given', metadata: it shows", HIDING, given_code("show()", metadata={"history": [{"was": HIDDEN}]})),
    ("'given', outputs: it shows", HIDING, given_code("show()", outputs=[SHOWN])),
    ("'prose', attachments: it shows", HIDING, prose("A text.", attachments=AN_ATTACHMENT)),
    ("'dense': it shows", SAME, prose("")),
    ("'given': it shows", UPDATING, given_code(f"{UPDATE}\n# C = update(X, labels, C)")),
]
"""Beside a solution cell another one is refused: for a blank of its own, or since it shows what that one hides."""


def test_whatever_a_blank_hides_must_not_be_readable_elsewhere_in_what_students_get(tmp_path: Path) -> None:
    for problem, hiding, cell in REFUSED:
        with pytest.raises(CannotBuild, match=f"^unit.ipynb, cell {problem}"):
            built(*deepcopy([cell, hiding]))
    with pytest.raises(CannotBuild, match=r"^unit\.ipynb, metadata: it shows what the blank at unit.ipynb, cell 'den"):
        built(deepcopy(HIDING), title=HIDDEN)
    for folder in (".ipynb_checkpoints", "old"):  # the first isn't released
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "loss.txt").write_text(HIDDEN)
    with pytest.raises(CannotBuild, match=r"^old/loss\.txt: it shows what the blank"):
        built(deepcopy(HIDING), folder=str(tmp_path))


def test_a_name_a_short_expression_and_the_line_that_defines_a_function_are_no_secret() -> None:
    hiding = "dense.backward((1/B)*grad, learning_rate)  #? dense.backward(?, ?)  # of the batch"
    built(solution(hiding), prose("The learning_rate and (1/B)*grad."))
    built(given_code(UPDATE), deepcopy(UPDATING))


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
    assert hidden == [Hidden(hidden[0].place, argument) for argument in arguments]
    assert len(open_blanks(student)) == len(arguments)
