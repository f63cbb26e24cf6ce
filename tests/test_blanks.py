"""What a student meets in a cell with open blanks, in a real IPython shell and in a real kernel."""

import ast
import builtins
import random
import types
import warnings
from collections.abc import Callable, Iterator

import nbformat
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from nbclient import NotebookClient
from traitlets.config import Config

from lib.blanks import OpenBlank, load_ipython_extension, masked, misplaced, open_blanks, runnable

LOSS = """\
## Define the loss function and its gradient
def cce(y, yhat):
  return(-y * yhat)

def cce_gradient(y, yhat):
  return(?)  # one sample's gradient, shaped as yhat.
"""
SENTENCE = "Blank 1 of 1 on line 6 is still open: one sample's gradient, shaped as yhat. Replace the ? with your code."


@pytest.fixture(scope="module")
def student() -> Iterator[InteractiveShell]:
    """A shell with the extension loaded, apart from the process's own `__main__`."""
    config = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}})
    shell = InteractiveShell(user_module=types.ModuleType("student"), config=config)
    shell.run_line_magic("load_ext", "lib.blanks")
    yield shell
    shell.run_line_magic("unload_ext", "lib.blanks")


@pytest.fixture
def run(student: InteractiveShell) -> Callable[[str], ExecutionResult]:
    """Run a cell in a shell without names from other tests."""
    student.reset(new_session=False)
    return student.run_cell


class TestReadingACell:
    """`open_blanks` finds each `?` that stands for code, and what it is for."""

    def test_counts_lines_and_blanks_from_one(self) -> None:
        blanks = open_blanks("x = 1\nT = np.dot(?, ?)  # the product\ny = ??\n")
        assert [(blank.line, blank.index, blank.of, blank.purpose) for blank in blanks] == [
            (2, 1, 3, "the product"),
            (2, 2, 3, "the product"),
            (3, 3, 3, ""),
        ]

    def test_says_where_in_the_source(self) -> None:
        source = "T = np.dot(?, X[:, ??])"
        assert [source[blank.start : blank.end] for blank in open_blanks(source)] == ["?", "??"]

    @pytest.mark.parametrize(
        ("source", "purpose"),
        [
            ("x = ?  # the mean: one number.", "the mean: one number"),
            ("# the mean\nx = ?", "the mean"),
            ("    ## the mean\n    return(?)", "the mean"),
            ("# above\nx = ?  # behind", "behind"),
            ("y = 2  # of y\nx = ?", ""),
            ("# too far\n\nx = ?", ""),
            ("x = f('#', ?)", ""),
            ("x = f(\n    1,  # one\n    ?,  # two\n)", "two"),
            ("x = ?  # what? that", "what? that"),
        ],
    )
    def test_purpose_is_the_comment_behind_or_above(self, source: str, purpose: str) -> None:
        assert open_blanks(source)[0].purpose == purpose

    @pytest.mark.parametrize(
        "source",
        [
            "T = ?", "T=?", "self.output = ?", "return(?)", "return ?", "return?", "x = y * ?", "x = y*?", "X[:, ?]",
            "f(a, ?)", "f(\n  ?\n)", "? = 3", "?.T", "f'{?}'", "f'{x:{?}}'", "f'''\n{?}\n'''", "def f():\n  ?",
            "x = f(y?\n, z)", "%%time\nx = ?", "%%capture out\nx = ?", "x = 'a' + ?", "x = {'a': ?}", "x = 1 \\\n  + ?",
            "cce?\nx = ?", "x = %time 3\ny = ?", "cce?  # help has no comment",
        ],
    )  # fmt: skip
    def test_finds(self, source: str) -> None:
        assert len(open_blanks(source)) == 1

    @pytest.mark.parametrize(
        "source",
        [
            # Help, as IPython reads it
            "cce?", "cce??", "?cce", "??cce", "? cce", "np.*load*?", "*int*?", "obj.attr?", "x[0]?", "x[-1].T??",
            "%time?", "a = 1\n  cce?\nb = 2", "a = 1; cce?", "loss = cce?", "?np.exp", "None?", "?", "??", "%%time?",
            # Strings
            "'?'", '"?"', "'''\n?\n'''", 'r"\\?"', "b'?'", "Rb'?'", "'it\\'s ?'", "'a' '?'", "f'?'", "f'{x} ?'",
            "f'{{?}}'", "f'{x:?}'", "f'{x[\"?\"]}'", 'rf"{x}\\{y}?"', "f'''{\nx\n} ?'''", "f'{\"#\"} ?'", "x = 'half ?",
            "f'{f\"{x}?\"}?'", "f'{d['?']}'",
            # Comments
            "# ?", "x = 1  # why?", "x = (1,  # ?\n  2)",
            # Magics, shells and cells that are not Python
            "%time f(?)", "!ls ?", "files = !ls *.t?t", "x = %time f(?)", "  !echo it's ?\nx = 'y'", "!ls \\\n ?",
            "%%bash\nls ?", "\n%%html\n<p>?</p>", "%%writefile f.py\nx = ?",
        ],
    )  # fmt: skip
    def test_leaves_alone(self, source: str) -> None:
        assert open_blanks(source) == []
        assert runnable(source) == source

    def test_help_with_spaces_behind_is_help(self) -> None:
        assert runnable("cce?  \n") == "cce?\n"


FRAGMENTS = st.sampled_from([*"? \n#'\"\\{}()[]fx=:%!.1,", "'''", '"""', "rb", "f'", "{x}"])
INNARDS = st.sampled_from([*"? #\\x:", "{x}", "{{", "}}", "{'?'}", '{"#"}', "\\n", "\n"])
STRINGS = st.builds(
    "{1}{0}{2}{0}".format,
    st.sampled_from(["'", '"', "'''", '"""']),
    st.sampled_from(["", "b", "rB", "F", "fr", "u"]),
    st.lists(INNARDS, max_size=6).map("".join),
)
PROGRAMS = st.lists(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["x = ", "f(\n", ""]),
        STRINGS,
        st.sampled_from(["\n", "  # ?\n", "\n)\n", "[0]\n"]),
    ),
    max_size=4,
).map("".join)


class TestMadeRunnable:
    """What Python gets to see."""

    @given(PROGRAMS)
    @example("f'{x!r:>{width}} ?'\n")
    def test_what_python_reads_stays_to_the_byte(self, source: str) -> None:
        assume(_parses(source))
        assert runnable(source) == source

    @given(st.lists(FRAGMENTS, max_size=40).map("".join))
    def test_lines_stay_and_no_blank_does(self, source: str) -> None:
        result = runnable(source)
        assert result.count("\n") == source.count("\n")
        assert open_blanks(result) == []
        assert len(masked(source)) == len(source)

    def test_any_expression_can_be_a_blank(self) -> None:
        """Each expression of a program in turn, wherever it is read, assigned or deleted."""
        for start, end in _expressions(PROGRAM):
            source = PROGRAM[:start] + "?" + PROGRAM[end:]
            assert misplaced(source) is None, source
            assert _parses(runnable(source)), source
            assert runnable(source).count("__blank__") == 1

    @given(st.randoms(use_true_random=False), st.sampled_from(["?", " ? ", "??"]))
    def test_python_never_trips_over_a_blank(self, rng: random.Random, blank: str) -> None:
        """Wherever a `?` falls into a program, Python's complaint, if there is one, is about another line."""
        at = rng.randrange(len(PROGRAM))
        source = PROGRAM[:at] + blank + PROGRAM[at + rng.randrange(3) :]
        try:
            with warnings.catch_warnings(action="ignore"):
                ast.parse(TransformerManager().transform_cell(runnable(source)))
        except SyntaxError as error:
            line = source.split("\n")[(error.lineno or 1) - 1]
            assert "?" not in masked(line)


class TestAtTheDesk:
    """A cell with open blanks, run."""

    def test_filled_and_open_blanks_live_in_one_cell(
        self, run: Callable[[str], ExecutionResult], student: InteractiveShell, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(LOSS).success
        assert student.user_ns["cce"](2, 3) == -6
        with pytest.raises(OpenBlank) as caught:
            student.user_ns["cce_gradient"](2, 3)
        assert caught.value.sentence == str(caught.value) == SENTENCE
        assert capsys.readouterr().out == (
            "1 blank is still open in this cell: line 6 (one sample's gradient, shaped as yhat).\n"
        )

    def test_reaching_one_shows_its_sentence_alone(
        self, run: Callable[[str], ExecutionResult], capsys: pytest.CaptureFixture[str]
    ) -> None:
        run(LOSS)
        capsys.readouterr()
        assert not run("cce_gradient(2, 3)").success
        assert capsys.readouterr() == (SENTENCE + "\n", "")

    def test_says_how_many_are_open_also_after_an_error(
        self, run: Callable[[str], ExecutionResult], capsys: pytest.CaptureFixture[str]
    ) -> None:
        run("\n\nx = np.dot(?, ?)  # the product of two matrices, which is a long story\ny = ?\n")
        out = capsys.readouterr().out
        assert out.startswith("Blank 1 of 3 on line 3 is still open") or "NameError" in out
        assert out.endswith(
            "3 blanks are still open in this cell: line 3 (the product of two matrices, which is a long…), line 4.\n"
        )

    @pytest.mark.parametrize(
        "source",
        [
            "? = 3", "?, a = 1, 2", "for ? in range(3):\n  pass", "del ?", "? += 1", "?: int = 3", "?[0] = 1",
            "?.T = 1", "[0 for ? in range(3)]", "f'{?}'", "print(f'''\n{?:.2f}\n''')", "a = b = ?", "@?\ndef f(): pass",
            "%%time\nx = ?", "%time x = ?", "await ?",
        ],
    )  # fmt: skip
    def test_a_blank_complains_wherever_it_is_reached(
        self, run: Callable[[str], ExecutionResult], capsys: pytest.CaptureFixture[str], source: str
    ) -> None:
        run(source)
        out, err = capsys.readouterr()
        assert "is still open. Replace the ? with your code." in out
        assert not err

    @pytest.mark.parametrize(
        "source",
        [
            "def ?():\n  return 3", "class ?:\n  pass", "import ?", "from ? import x", "import numpy as ?",
            "lambda ?: 3", "def f(?):\n  return 3", "global ?", "np.?", "np.? + 1", "x? + 1", "np.dot(x?, 3)", "3 ?",
            "? 3", "a ? b", "x = 5 ? 3 : 2", "f(?=3)", "f(a=1,\n  ?)", "if ?\n  pass", "x == ? ?", "x = ?y", "'a'?",
            "f(x)?", "x['a']?", "with open(x) as f?:\n  pass", "(? := 3)", "match x:\n  case ?:\n    pass", "$?", "`?`",
            "???", "?!", "cce?;", "except ?:", "a, ?, = ?, ??b", ">>> ?", "  x = ?\n y = 2", "x = (?", "x = ?)",
            "cce?  # help", "return(?)", "yield ?", "class A:\n  return ?", "nonlocal x; x = ?", "x = ?; break",
        ],
    )  # fmt: skip
    def test_where_no_expression_may_stand_too(
        self, run: Callable[[str], ExecutionResult], capsys: pytest.CaptureFixture[str], source: str
    ) -> None:
        assert isinstance(run(source).error_in_exec, OpenBlank)
        out, err = capsys.readouterr()
        assert out.startswith("Blank ")
        assert "Error" not in out
        assert not err

    def test_a_slip_on_another_line_is_pythons_to_tell(
        self, run: Callable[[str], ExecutionResult], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert isinstance(run("x = ?\ny = )\n").error_before_exec, SyntaxError)
        out = capsys.readouterr().out
        assert "y = )" in out
        assert "__blank__" not in out

    def test_help_strings_and_shell_lines_still_work(
        self, run: Callable[[str], ExecutionResult], student: InteractiveShell, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run('def cce(y):\n  """The mean loss."""\n  return "why?"  # is it so?\n')
        for line in ("cce?", "?cce", "loss = cce?", "cce?  "):
            assert run(line).success
            assert "The mean loss." in capsys.readouterr().out
        assert run("!echo ok?").success
        assert student.user_ns["cce"](1) == "why?"

    def test_survives_a_reset(self, run: Callable[[str], ExecutionResult], student: InteractiveShell) -> None:
        student.run_line_magic("reset", "-f")
        assert isinstance(run("x = ?").error_in_exec, OpenBlank)

    def test_a_blank_raises_between_cells_too(
        self, run: Callable[[str], ExecutionResult], student: InteractiveShell
    ) -> None:
        """The explorer calls student code when no cell runs, and IPython's own builtins are gone then."""
        run("def cce(y, yhat):\n    return ?")
        with pytest.raises(OpenBlank):
            student.user_ns["cce"](1, 1)

    def test_loaded_twice_and_unloaded(
        self, student: InteractiveShell, run: Callable[[str], ExecutionResult], capsys: pytest.CaptureFixture[str]
    ) -> None:
        student.run_line_magic("load_ext", "lib.blanks")
        load_ipython_extension(student)
        capsys.readouterr()
        run("x = ?")
        assert capsys.readouterr().out.count("still open in this cell") == 1
        transforms = len(student.input_transformers_cleanup)
        student.run_line_magic("unload_ext", "lib.blanks")
        assert len(student.input_transformers_cleanup) == transforms - 1
        assert not hasattr(builtins, "__blank__")
        assert isinstance(run("x = ?").error_before_exec, SyntaxError)
        assert "still open" not in capsys.readouterr().out
        student.run_line_magic("load_ext", "lib.blanks")


def test_in_a_kernel() -> None:
    """What the notebook shows: functions defined, one sentence for an error, one line of count."""
    cells = ["%load_ext lib.blanks", LOSS, "cce(2, 3)", "cce_gradient(2, 3)", "x = ?\ny = 2", "await ?", "def ?(): 3"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    # A kernel may send a sentence and its line break apart.
    NotebookClient(notebook, kernel_name="python3", allow_errors=True, timeout=60, coalesce_streams=True).execute()
    load, loss, filled, reached, outright, awaited, misplaced_ = (cell.outputs for cell in notebook.cells)
    assert load == []
    assert [output.text for output in loss] == [
        "1 blank is still open in this cell: line 6 (one sample's gradient, shaped as yhat).\n"
    ]
    assert filled[0].data["text/plain"] == "-6"
    assert (reached[0].ename, reached[0].evalue, reached[0].traceback) == ("OpenBlank", SENTENCE, [SENTENCE])
    sentence = "Blank 1 of 1 on line 1 is still open. Replace the ? with your code."
    for outputs in (outright, awaited, misplaced_):
        error = next(output for output in outputs if output.output_type == "error")
        count = next(output for output in outputs if output.output_type == "stream")
        assert error.traceback == [sentence]
        assert (count.name, count.text) == ("stdout", "1 blank is still open in this cell: line 1.\n")


PROGRAM = '''\
class Softmax(Layer):
  """Columns are samples?"""
  def forward(self, input, *, axis=0):
    e = np.exp(input - input.max(axis=axis, keepdims=True))
    self.output = e / e.sum(0)  # probabilities?
    return self.output

def train(X, y, rate, nepochs):
  for epoch in range(nepochs):
    for batch in batches(X.shape[1], 16):
      loss, grad = cce(y[:, batch], softmax.output), -y if y is not None else [0]
      W[:, -1] -= rate * grad[0]
      names = {"a": 1, **others, "b": [i for i in range(3) if i]}
      print("epoch", epoch, "?", *names, sep="")
      del names["a"]
      with open(path) as log:
        log.write(f"{loss}?")
  while not done:
    try:
      assert loss < 3, "too large"
    except (ValueError, TypeError):
      raise RuntimeError(f"no") from None
  return lambda q: (yield q)
T = np.dot(
    a,
    b.T,
)
'''


def _expressions(program: str) -> Iterator[tuple[int, int]]:
    """Where each expression of a program starts and ends, but those that a `?` can't be: starred, or in an f-string."""
    starts = [0]
    for line in program.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    tree = ast.parse(program)
    inside = {id(node) for text in ast.walk(tree) if isinstance(text, ast.JoinedStr) for node in ast.walk(text)}
    for node in ast.walk(tree):
        docstring = isinstance(node, ast.Constant) and "Columns" in str(node.value)
        if (
            isinstance(node, ast.expr)
            and not isinstance(node, ast.Starred)
            and id(node) not in inside
            and not docstring
        ):
            assert node.end_lineno is not None
            assert node.end_col_offset is not None
            yield starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset


def _parses(source: str) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"):
            ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return True


def test_a_purpose_that_is_a_question_ends_as_one() -> None:
    [blank] = open_blanks("if ?:  # has the cluster points?")
    assert blank.sentence == (
        "Blank 1 of 1 on line 1 is still open: has the cluster points? Replace the ? with your code."
    )
