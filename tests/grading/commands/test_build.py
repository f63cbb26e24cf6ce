"""The student version, as real `nbgrader generate_assignment` builds it with the repository's own configuration."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config, PyFileConfigLoader

from lib.blanks import open_blanks
from lib.grading.commands.build import Blanks, CannotBuild, Hidden, NoLeak, student_source
from lib.grading.run.notebook import Bounds, run_cells

ROOT = Path(__file__).parents[3]

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

Build = Callable[..., NotebookNode]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Build an assignment of these cells; what stops nbgrader is raised with its log."""

    def build(*cells: NotebookNode, **settings: Any) -> NotebookNode:
        source, release = (tmp_path / folder / "unit" / "unit.ipynb" for folder in ("solutions", "notebooks"))
        source.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=list(cells)), source)
        config: Config = PyFileConfigLoader("nbgrader_config.py", str(ROOT)).load_config()
        config.CourseDirectory.root = str(tmp_path)
        config.merge(Config(settings))
        result = NbGraderAPI(config=config).generate_assignment("unit")
        if not result["success"]:
            assert not release.exists()
            raise RuntimeError(result["log"])
        return nbformat.read(release, as_version=4)

    return build


def solution(source: str, name: str = "dense", kind: str = "code") -> NotebookNode:
    return _cell(source, name, kind, solution=True, grade=kind == "markdown", locked=False)


def graded(source: str, name: str = "check") -> NotebookNode:
    return _cell(source, name, solution=False, grade=True, locked=True)


def given_code(source: str, name: str = "given") -> NotebookNode:
    return _cell(source, name, solution=False, grade=False, locked=True)


def prose(source: str) -> NotebookNode:
    return nbformat.v4.new_markdown_cell(source)


def _cell(source: str, name: str, kind: str = "code", **flags: bool) -> NotebookNode:
    cell: NotebookNode = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}[kind](source)
    points = {"points": 2} if flags["grade"] else {}
    cell.metadata["nbgrader"] = {"schema_version": 3, "task": False, "grade_id": name, **flags, **points}
    return cell


class TestBuilding:
    """The student version."""

    def test_statements_become_their_templates_and_all_else_stays_to_the_byte(self, build: Build) -> None:
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
        student = build(cell, *others, ClearSolutions={"text_stub": "*Your answer.*"})
        cleared = ["check.dense(Dense)  # why? see above", "Why?\n*Your answer.*\n", "*Your answer.*"]
        assert [cell.source for cell in student.cells] == [STUDENT, *(cell.source for cell in others[:2]), *cleared]
        assert student.cells[0].outputs == []
        assert student.cells[0].metadata.nbgrader.checksum

    def test_its_blanks_complain_and_the_solution_runs(self, build: Build) -> None:
        """In a kernel as it grades."""
        before = ["%load_ext lib.blanks\nimport numpy as np", "order = np.ones((3, 2))"]
        after = ["layer = Dense(np.ones((2, 3)))", "layer.forward(np.ones((2, 4)))", "layer.backward(np.ones((2, 4)))"]
        student = build(solution(SOLUTION)).cells[0].source
        errors = [_run([*before, source, *after]) for source in (SOLUTION, student)]
        assert errors[0] == []
        assert errors[1] == [
            f"Blank {index} of 5 on line {line} is still open: {purpose}. Replace the ? with your code."
            for index, line, purpose in ((1, 7, "the scores z"), (3, 10, "shaped as the weights"))
        ]


def _run(sources: list[str]) -> list[str]:
    """Run code cells; the sentence of each error."""
    cells = [{"cell_type": "code", "metadata": {}, "source": source} for source in sources]
    ran, remarks = run_cells(orjson.dumps(cells), {}, Bounds(locked=False))
    assert not remarks
    return [output["evalue"] for cell in ran for output in cell["outputs"] if output["output_type"] == "error"]


class TestRefusing:
    """What can't be built says where, what was found, what is expected and one thing to try."""

    def test_stops_nbgrader_and_releases_nothing(self, build: Build) -> None:
        with pytest.raises(RuntimeError) as caught:
            build(solution("x = f(z)\ny = g(x)  #? y = h(?)  # the score", "loss"))
        assert (
            "CannotBuild: unit.ipynb, cell 'loss', line 2: a marker that does not fit. "
            "Found: y = g(x) "
            "Expected: y = h(?), with one expression for each ? "
            "Try: copy the statement again, and put in the ? alone. "
        ) in " ".join(str(caught.value).split())

    @pytest.mark.parametrize(
        ("source", "line", "problem", "found"),
        [
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
            ("x = f(z)", None, "without a blank", "no marker"),
        ],
    )
    def test_a_solution(self, source: str, line: int | None, problem: str, found: str) -> None:
        with pytest.raises(CannotBuild) as caught:
            built(solution(source))
        message = str(caught.value)
        assert message.startswith("unit.ipynb, cell 'dense'" + (f", line {line}" if line else ": "))
        assert problem in message.split("\n")[0]
        assert f"\nFound:    {found}\nExpected: " in message
        assert message.split("\n")[-1].startswith("Try:      ")

    @pytest.mark.parametrize(
        ("cell", "problem"),
        [
            (given_code("x = 1\ny = 2  #? y = ?  # y"), "'given', line 2: a marker in a cell that is not a solution"),
            (graded("check()  #? check(?)  # y"), "'check', line 1: a marker in a cell that is not a solution"),
            (given_code("### BEGIN SOLUTION\nx = 1\n### END SOLUTION"), "'given', line 1: a solution region in code"),
            (solution("x = 1  #? x = ?  # x\n### END SOLUTION", "x"), "'x', line 2: a solution region in code"),
        ],
    )
    def test_another_cell(self, cell: NotebookNode, problem: str) -> None:
        with pytest.raises(CannotBuild, match=f"unit.ipynb, cell {problem}"):
            built(solution(SOLUTION), cell)


HIDDEN = "-np.sum(y * np.log(p['a']))"
HIDING = f"x = 1\nloss = {HIDDEN}  #? loss = ?  # one number"
UPDATE = "def update(X, labels, C):\n    return C"
UPDATING = "C = update(X, labels, C)  #? C = ?  # the new centres"


def noted() -> NotebookNode:
    cell = given_code("show()")
    cell.metadata["history"] = [{"was": HIDDEN}]
    return cell


def attached() -> NotebookNode:
    cell = prose("A text.")
    cell.attachments = {"loss.txt": {"text/plain": HIDDEN}}
    return cell


class TestLeaks:
    """Whatever a blank hides must not be readable elsewhere in what students get."""

    @pytest.mark.parametrize(
        ("hiding", "cell", "place"),
        [
            (HIDING, prose(f"The loss is `{HIDDEN}`."), "cell '[0-9a-f]{8}'"),
            (HIDING, prose('> -np.sum(y*np.log( p["a"] ))'), "cell '[0-9a-f]{8}'"),
            (HIDING, given_code("# so loss = -np.sum(y *\n#   np.log(p['a']))\nx = 2"), "cell 'given'"),
            (HIDING, graded(f"check({HIDDEN})"), "cell 'check'"),
            (HIDING, solution(f"# {HIDDEN}\nx = 1  #? x = ?  # x", "other"), "cell 'other'"),
            (HIDING, noted(), "cell 'given', metadata"),
            (HIDING, attached(), "cell '[0-9a-f]{8}', attachments"),
            (f"{HIDING}\n# that is {HIDDEN}", prose(""), "cell 'dense'"),
            (UPDATING, given_code(f"{UPDATE}\n# C = update(X, labels, C)"), "cell 'given'"),
        ],
    )
    def test_in_a_cell(self, hiding: str, cell: NotebookNode, place: str) -> None:
        with pytest.raises(CannotBuild, match=f"^unit.ipynb, {place}: it shows what the blank at unit.ipynb, cell 'de"):
            built(cell, solution(hiding))

    def test_a_name_a_short_expression_and_the_line_that_defines_a_function_are_no_secret(self) -> None:
        hiding = "dense.backward((1/B)*grad, learning_rate)  #? dense.backward(?, ?)  # of the batch"
        built(solution(hiding), prose("The learning_rate and (1/B)*grad."))
        built(given_code(UPDATE), solution(UPDATING))

    def test_in_the_notebooks_own_metadata(self) -> None:
        with pytest.raises(CannotBuild, match=r"unit\.ipynb, metadata: it shows what the blank"):
            built(solution(HIDING), title=HIDDEN)

    def test_in_an_output_that_is_left(self, build: Build) -> None:
        cell = given_code("show()")
        cell.outputs = [nbformat.v4.new_output("display_data", data={"text/html": f"<b>{HIDDEN}</b>"})]
        with pytest.raises(RuntimeError, match="cell 'given', outputs: it shows what the blank"):
            build(solution(HIDING), cell, ClearOutput={"enabled": False})

    def test_in_a_file_beside_the_notebook_that_is_released(self, build: Build, tmp_path: Path) -> None:
        for folder in (".ipynb_checkpoints", "old"):
            beside = tmp_path / "solutions" / "unit" / folder
            beside.mkdir(parents=True)
            (beside / "loss.txt").write_text(HIDDEN)
            if folder != "old":
                build(solution(HIDING))
                shutil.rmtree(tmp_path / "notebooks")
        with pytest.raises(RuntimeError, match=r"old/loss\.txt: it shows what the blank"):
            build(solution(HIDING))


def test_a_notebook_says_its_language_which_the_browser_edition_asks_students_for_otherwise() -> None:
    assert built(prose("No code yet.")).metadata["language_info"]["name"] == "python"


def built(*cells: NotebookNode, **metadata: str) -> NotebookNode:
    """What the two preprocessors alone make of these cells, in a notebook with this metadata."""
    notebook, resources = nbformat.v4.new_notebook(cells=list(cells), metadata=metadata), {"unique_key": "unit"}
    for step in (Blanks(), NoLeak()):
        notebook, resources = step(notebook, resources)
    return notebook


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
