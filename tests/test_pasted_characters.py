"""Characters that come along with pasted code: what a student reads, in a real kernel."""

import re

import nbformat
from hypothesis import given
from hypothesis import strategies as st
from nbclient import NotebookClient

from lib.blanks import TYPED, advise, find_pasted, masked, refused_character, runnable

OFTEN = "Pasted text often has characters that Python can't read. Replace"
MINUS = f"{OFTEN} − (minus sign) by -."
SPACE = f"{OFTEN} each no-break space by a space."
CELLS = {
    **dict.fromkeys(
        (
            "x = 3 − 1",
            "x = (3\n  − 1)",
            "\n".join(["x = 3 − 1"] * 7),
            "%%time\nx = 3 − 1",
            "x = 1\n%time y = 3 − 1",
            "x = 1\ny = f'{3 − 1}'",
            # Where Python's error is about something else
            "x = np.maximum(yhat, 1e−7)",
            "x = np.maximum(?, 1e−7)",
            # With open blanks: one thing at a time
            "x = ?\ny = 3 − 1",
            "x = 3 − ?",
            # Strings and comments may hold them
            "x = '“−\u00a0”'  # “ – ”\ny = 3 − 1",
        ),
        MINUS,
    ),
    "print(“right?”)": f'{OFTEN} “ (left double quotation mark) by ", ” (right double quotation mark) by ".',
    "print（3）": f"{OFTEN} （ (fullwidth left parenthesis) by (, ） (fullwidth right parenthesis) by ).",
    "√x": f"{OFTEN} √ (square root) by what Python has for it.",
    "exec('x = “a')": f'{OFTEN} “ (left double quotation mark) by ".',
    # Those that nobody sees.
    "def f():\n\u00a0 x = 1\n \u00a0return x": SPACE,
    "def f():\n    x = 1\n  \u00a0 return x": SPACE,
    "def f():\n    x = 1\n  \u00a0 return ?": SPACE,
    "x\u3000= 1": f"{OFTEN} each ideographic space by a space.",
    "x\u200b = 1": f"{OFTEN} each zero width space by nothing.",
    "\ufeffx = 1": f"{OFTEN} each zero width no-break space by nothing.",
    "x = 3 \uf02b 4": f"{OFTEN} each U+F02B by nothing.",  # a symbol of a PDF's own font has no name
}
"""Cells that Python refuses, each with all that is printed below the error."""
LEFT_ALONE = {
    "x = '“−\u00a0”'  # “ – ”\nprint(x)": "“−\u00a0”\n",
    "π = 3; ﬁ = 4": "",
    "x = )  # “": None,
    "x = 3a  # −": None,
    "  x = 3\n y = '\u00a0'": None,
    "print('it’s)": None,
    "raise SyntaxError(\"invalid character 'x' (U+FFFFFF)\")": None,
}
"""Cells for which nothing is said, and what they print; None where they end in another error."""
BLANKS = ["x = 1e-?", "x = 1e?", "print(f'{?} a”)", "await ?", "def ?(): 3"]
"""Cells that a blank stops, with nothing pasted."""


def test_below_pythons_error_stands_what_to_type():
    """In one kernel, after the notebook's extension has been loaded."""
    cells = ["%load_ext lib.blanks", *CELLS, *LEFT_ALONE, *BLANKS]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    # A kernel may send a sentence and its line break apart.
    NotebookClient(notebook, kernel_name="python3", allow_errors=True, coalesce_streams=True).execute()
    off = []
    for cell in notebook.cells[1:]:
        errors = [output for output in cell.outputs if output.output_type == "error"]
        text = "".join(output.text for output in cell.outputs if output.get("name") == "stdout")
        names = {error.ename for error in errors}
        if cell.source in CELLS:
            is_so = " ".join(text.split()) == CELLS[cell.source] and names <= {"SyntaxError", "IndentationError"}
            is_so &= len(cell.outputs) == 2 and "__blank__" not in "".join(errors[0].traceback)
            is_so &= all(len(line) <= 88 for line in text.splitlines())
        elif cell.source in LEFT_ALONE:
            printed = LEFT_ALONE[cell.source]
            is_so = (text, len(errors)) == (("", 1) if printed is None else (printed, 0))
        else:
            is_so = (names, text) == ({"OpenBlank"}, "")
            is_so &= errors[0].traceback == ["A blank on line 1 is still open. Replace the ? with your code."]
        off += [] if is_so else [(cell.source, text, names)]
    assert not off


MESSAGES = {
    "The cell loss ended in SyntaxError: invalid character '−' (U+2212) (line 2).": MINUS,
    "SyntaxError: invalid non-printable character U+200B (line 1).": CELLS["x\u200b = 1"],
    # What is about something else, or a student made up
    "invalid syntax (line 3)": "",
    "invalid character 'x' (U+D800) (line 3)": "",
    "invalid character 'x' (U+FFFFFF) (line 3)": "",
    "invalid character of my own: U+2212 (line 3)": "",
}


def test_feedback_says_the_same_after_grading_and_no_message_is_trouble():
    assert {message: advise(refused_character(message)) for message in MESSAGES} == MESSAGES


def test_what_is_typed_is_known_of_characters_that_python_refuses():
    for character in TYPED:
        # In full width, letters, digits and the low line are read as their ASCII ones in a name.
        assert refused_character(refusal(f"({character}")) == character or f"a{character}".isidentifier()
        typed = re.search(r" by (\S+)\.$", advise(character))[1]
        assert typed.isascii() and typed != character


PIECES = [*"ab=\n\"'#(){}f%?“”‘’−\u00a0\u200b（√", '"""', "f'{?}", "a(", " −"]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_any_cell_can_be_looked_through(source):
    if error := refusal(source) or refusal(runnable(source)):
        found = find_pasted(masked(source), error)
        assert len(set(found)) == len(found) and bool(found) == bool(advise(found))


def refusal(source):
    """Return Python's message of the SyntaxError in a source, or nothing if there is none."""
    try:
        compile(source, "<cell>", "exec")
    except SyntaxError as error:
        return error.msg
    return ""
