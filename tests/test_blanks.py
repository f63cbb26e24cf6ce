"""What a student meets in a cell with open blanks, in a real IPython shell; `test_pasted` has a kernel, too."""

import ast
import builtins
import random
import types
import warnings
from collections.abc import Callable, Iterator

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from lib.blanks import OpenBlank, load_ipython_extension, masked, misplaced, open_blanks, runnable

Run = Callable[[str], tuple[BaseException | None, str]]


def test_blanks_are_counted_with_their_place_and_purpose() -> None:
    source = "x = 1\nT = np.dot(?, X[:, ??])  # the product\ny = ?  # the same?\n"
    found = [(blank.line, source[blank.start : blank.end]) for blank in open_blanks(source)]
    assert found == [(2, "?"), (2, "??"), (3, "?")]
    assert [blank.sentence for blank in open_blanks(source)[1:]] == [
        "A blank on line 2 is still open: the product. Replace the ? with your code.",
        "A blank on line 3 is still open: the same? Replace the ? with your code.",
    ]


PURPOSES = {
    "x = ?  # the mean: one number.": "the mean: one number",
    "# the mean\nx = ?": "the mean",
    "    ## the mean\n    return(?)": "the mean",
    "# above\nx = ?  # behind": "behind",
    "y = 2  # of y\nx = ?": "",
    "# too far\n\nx = ?": "",
    "x = f('#', ?)": "",
    "x = f(\n    1,  # one\n    ?,  # two\n)": "two",
    "x = ?  # what? that": "what? that",
}


def test_purpose_is_the_comment_behind_or_above() -> None:
    assert {source: open_blanks(source)[0].purpose for source in PURPOSES} == PURPOSES


OPEN = [
    "T=?", "return(?)", "return?", "x = y*?", "X[:, ?]", "f(\n  ?\n)", "? = 3", "?.T", "f'{?}'", "f'{x:{?}}'",
    "f'''\n{?}\n'''", "def f():\n  ?", "x = f(y?\n, z)", "%%time\nx = ?", "%%capture out\nx = ?", "x = 'a' + ?",
    "x = 1 \\\n  + ?", "cce?\nx = ?", "x = %time 3\ny = ?", "cce?  # help has no comment",
]  # fmt: skip
NONE = [
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
]  # fmt: skip


def test_each_that_stands_for_code_is_found_and_all_else_stays() -> None:
    assert not [source for source in OPEN if len(open_blanks(source)) != 1]
    assert not [source for source in NONE if open_blanks(source) or runnable(source) != source]
    assert runnable("cce?  \n") == "cce?\n", "help with spaces behind"


FRAGMENTS = st.sampled_from([*"? \n#'\"\\{}()[]fx=:%!.1,", "'''", '"""', "rb", "f'", "{x}"])
INNARDS = st.sampled_from([*"? #\\x:", "{x}", "{{", "}}", "{'?'}", '{"#"}', "\\n", "\n"])
STRINGS = st.builds(
    str.format,
    st.sampled_from(["x = {1}{0}{2}{0}  # ?\n", "f(\n{1}{0}{2}{0}\n)\n"]),
    st.sampled_from(["'", '"', "'''", '"""']),
    st.sampled_from(["", "b", "rB", "F", "fr", "u"]),
    st.lists(INNARDS, max_size=6).map("".join),
)
PROGRAM = '''\
class Softmax(Layer):
  about = """Columns are samples?"""
  def forward(self, input, *, axis=0):
    self.output = np.exp(input - input.max(axis=axis, keepdims=True))  # probabilities?
    return self.output

def train(X, y, rate):
  for batch in batches(X.shape[1], 16):
    loss, grad = cce(y[:, batch], softmax.output), -y if y is not None else [0]
    W[:, -1] -= rate * grad[0]
    names = {"a": 1, **others, "b": [i for i in range(3) if i]}
    del names["a"]
  while not done:
    try:
      with open(path) as log:
        print(f"{loss}?", *names, sep="")
    except (ValueError, TypeError):
      raise RuntimeError("no") from None
  return lambda q: (yield q)
T = np.dot(
    a,
    b.T,
)
'''


def parses(source: str) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"):
            ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return True


@given(st.lists(STRINGS, max_size=4).map("".join))
@example("f'{x!r:>{width}} ?'\n")
def test_what_python_reads_stays_to_the_byte(source: str) -> None:
    assume(parses(source))
    assert runnable(source) == source


@given(st.lists(FRAGMENTS, max_size=40).map("".join))
def test_lines_stay_and_no_blank_does(source: str) -> None:
    result = runnable(source)
    assert result.count("\n") == source.count("\n")
    assert open_blanks(result) == []
    assert len(masked(source)) == len(source)


def test_any_expression_can_be_a_blank() -> None:
    """Each expression of a program in turn, wherever it is read, assigned or deleted."""
    tree, lines = ast.parse(PROGRAM), PROGRAM.splitlines(keepends=True)
    strings = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    inside = {id(node) for each in strings for node in ast.walk(each)}  # an f-string, there may be none
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and not isinstance(node, ast.Starred) and id(node) not in inside:
            before = "".join(lines[: node.lineno - 1]) + lines[node.lineno - 1][: node.col_offset]
            line = (node.end_lineno or 0) - 1
            source = before + "?" + lines[line][node.end_col_offset :] + "".join(lines[line + 1 :])
            assert misplaced(source) is None, source
            assert parses(runnable(source)), source
            assert runnable(source).count("__blank__") == 1


@given(st.randoms(use_true_random=False), st.sampled_from(["?", " ? ", "??"]))
def test_python_never_trips_over_a_blank(rng: random.Random, blank: str) -> None:
    """Wherever a `?` falls into a program, Python's complaint, if there is one, is about another line."""
    at = rng.randrange(len(PROGRAM))
    source = PROGRAM[:at] + blank + PROGRAM[at + rng.randrange(3) :]
    try:
        with warnings.catch_warnings(action="ignore"):
            ast.parse(TransformerManager().transform_cell(runnable(source)))
    except SyntaxError as error:
        line = source.split("\n")[(error.lineno or 1) - 1]
        assert "?" not in masked(line)


@pytest.fixture(scope="module")
def student() -> Iterator[InteractiveShell]:
    """A shell with the extension loaded, apart from the process's own `__main__`."""
    config = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}})
    shell = InteractiveShell(user_module=types.ModuleType("student"), config=config)
    shell.run_line_magic("load_ext", "lib.blanks")
    yield shell
    shell.run_line_magic("unload_ext", "lib.blanks")


@pytest.fixture
def run(student: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a cell in a shell without names from other tests; give its error and what it shows."""
    student.reset(new_session=False)

    def run(cell: str) -> tuple[BaseException | None, str]:
        capsys.readouterr()
        ran = student.run_cell(cell)
        shown = capsys.readouterr()
        assert not shown.err
        return ran.error_before_exec or ran.error_in_exec, shown.out

    return run


REACHED = [
    # Where an expression may stand
    "? = 3", "?, a = 1, 2", "for ? in range(3):\n  pass", "del ?", "? += 1", "?: int = 3", "?[0] = 1",
    "?.T = 1", "[0 for ? in range(3)]", "f'{?}'", "print(f'''\n{?:.2f}\n''')", "a = b = ?", "@?\ndef f(): pass",
    "%%time\nx = ?", "%time x = ?", "await ?",
    # Where none may
    "def ?():\n  return 3", "class ?:\n  pass", "import ?", "from ? import x", "import numpy as ?",
    "lambda ?: 3", "def f(?):\n  return 3", "global ?", "np.?", "np.? + 1", "x? + 1", "np.dot(x?, 3)", "3 ?",
    "? 3", "a ? b", "x = 5 ? 3 : 2", "f(?=3)", "f(a=1,\n  ?)", "if ?\n  pass", "x == ? ?", "x = ?y", "'a'?",
    "f(x)?", "x['a']?", "with open(x) as f?:\n  pass", "(? := 3)", "match x:\n  case ?:\n    pass", "$?", "`?`",
    "???", "?!", "cce?;", "except ?:", "a, ?, = ?, ??b", ">>> ?", "  x = ?\n y = 2", "x = (?", "x = ?)",
    "cce?  # help", "return(?)", "yield ?", "class A:\n  return ?", "nonlocal x; x = ?", "x = ?; break",
]  # fmt: skip


def test_a_blank_complains_wherever_it_is_reached(run: Run) -> None:
    off = []
    for cell in REACHED:
        error, out = run(cell)
        if not isinstance(error, OpenBlank) or f"{error}\n" not in out or "Error" in out:
            off.append((cell, out))
    assert not off


LOSS = """\
## Define the loss function and its gradient
def cce(y, yhat):
  return(-y * yhat)

def cce_gradient(y, yhat):
  return(?)  # one sample's gradient, shaped as yhat.
"""


def test_filled_and_open_blanks_live_in_one_cell(run: Run, student: InteractiveShell) -> None:
    purpose = "one sample's gradient, shaped as yhat"
    assert run(LOSS) == (None, f"1 blank is still open in this cell: line 6 ({purpose}).\n")
    assert student.user_ns["cce"](2, 3) == -6
    sentence = f"A blank on line 6 is still open: {purpose}. Replace the ? with your code."
    error, out = run("cce_gradient(2, 3)")
    assert (str(error), out) == (sentence, f"{sentence}\n")
    with pytest.raises(OpenBlank):  # as where the explorer calls it: no cell runs, and IPython's builtins are gone
        student.user_ns["cce_gradient"](1, 1)


def test_how_many_are_open_is_said_also_after_an_error(run: Run) -> None:
    _, out = run("\n\nx = np.dot(?, ?)  # the product of two matrices, which is a long story\ny = ?\n")
    assert "NameError" in out and out.endswith(
        "3 blanks are still open in this cell: line 3 (the product of two matrices, which is a long…), line 4.\n"
    )
    error, out = run("x = ?\ny = )\n")  # a slip on another line is Python's to tell
    assert isinstance(error, SyntaxError) and "y = )" in out and "__blank__" not in out


def test_help_strings_and_shell_lines_still_work(run: Run, student: InteractiveShell) -> None:
    run('def cce(y):\n  """The mean loss."""\n  return "why?"  # is it so?\n')
    for line in ("cce?", "?cce", "loss = cce?", "cce?  "):
        error, out = run(line)
        assert error is None and "The mean loss." in out
    assert run("!echo ok?")[0] is None
    assert student.user_ns["cce"](1) == "why?"


def test_loaded_twice_and_unloaded(run: Run, student: InteractiveShell) -> None:
    student.run_line_magic("load_ext", "lib.blanks")
    load_ipython_extension(student)
    assert run("later = lambda: ?")[1].count("still open in this cell") == 1
    assert run("x = ?")[1].count("still open") == 1  # the error has named it
    transforms = len(student.input_transformers_cleanup)
    student.run_line_magic("unload_ext", "lib.blanks")
    assert len(student.input_transformers_cleanup) == transforms - 1
    assert not hasattr(builtins, "__blank__")
    error, out = run("x = ?")
    assert isinstance(error, SyntaxError) and "still open" not in out
    student.run_line_magic("load_ext", "lib.blanks")
