"""Characters that come along with pasted code: what a student reads, in a real kernel."""

import re

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbclient import NotebookClient

from lib.blanks import masked, runnable
from lib.grading.pages.feedback import advise_on_error
from lib.pasted import FULL_WIDTH, TYPED, advise, find_pasted, refused_character

QUOTES = "the characters “ (left double quotation mark) and ” (right double quotation mark)"
OFTEN = "as pasted text often does."
UNSEEN = "It can't be seen, or shows as a red dot. Type this line anew."
CELLS = {
    # Visible ones: what to type is said.
    "print(“a”)": f'Line 1 has {QUOTES}, {OFTEN} Type " in their place.',
    "x = 1\ny = ‘a’": "Line 2 has the characters ‘ (left single quotation mark) and ’ (right single quotation mark), "
    f"{OFTEN} Type ' in their place.",
    "x = 3 − 1": f"Line 1 has the character − (minus sign), {OFTEN} Type - in its place.",
    "x = 3 – 1": f"Line 1 has the character – (en dash), {OFTEN} Type - in its place.",
    "x = 2 × 3": f"Line 1 has the character × (multiplication sign), {OFTEN} Type * in its place.",
    "print（3）": f"Line 1 has the character （ (fullwidth left parenthesis), {OFTEN} Type ( in its place. "
    "Line 1 has the character ） (fullwidth right parenthesis). Type ) in its place.",
    "x = [1， 2]": f"Line 1 has the character ， (fullwidth comma), {OFTEN} Type , in its place.",
    "x = {1： 2}": f"Line 1 has the character ： (fullwidth colon), {OFTEN} Type : in its place.",
    "x = １２": f"Line 1 has the character １ (fullwidth digit one), {OFTEN} Type 1 in its place.",
    "√x": f"Line 1 has the character √ (square root), {OFTEN} Python can't read it. Write this line without it.",
    # Those that nobody sees.
    "def f():\n\u00a0 x = 1\n \u00a0return x": f"Lines 2 and 3 have a no-break space, {OFTEN} It looks like a space."
    " Type the spaces of these lines anew.",
    "x\u3000= 1": f"Line 1 has an ideographic space, {OFTEN} It looks like a space. Type the spaces of this line anew.",
    "x\u200b = 1": f"Line 1 has a zero width space, {OFTEN} {UNSEEN}",
    "\ufeffx = 1": f"Line 1 has a zero width no-break space, {OFTEN} {UNSEEN}",
    # Where it stands
    "\n\n\nx = 3 − 1": f"Line 4 has the character − (minus sign), {OFTEN} Type - in its place.",
    "x = (3\n  − 1)": f"Line 2 has the character − (minus sign), {OFTEN} Type - in its place.",
    "%%time\nx = 3 − 1": f"Line 2 has the character − (minus sign), {OFTEN} Type - in its place.",
    "x = 1\n%time y = 3 − 1": f"Line 2 has the character − (minus sign), {OFTEN} Type - in its place.",
    "x = 1\ny = f'{3 − 1}'": f"Line 2 has the character − (minus sign), {OFTEN} Type - in its place.",
    "\n".join(["x = 3 − 1"] * 7): f"Lines 1, 2, 3, 4, 5 and 2 more have the character − (minus sign), {OFTEN}"
    " Type - in its place.",
    # Where Python's error is about something else
    "x = np.maximum(yhat, 1e−7)": f"Line 1 has the character − (minus sign), {OFTEN} Type - in its place.",
    "x = np.maximum(?, 1e−7)": f"Line 1 has the character − (minus sign), {OFTEN} Type - in its place.",
    "def f():\n    x = 1\n  \u00a0 return x": f"Line 3 has a no-break space, {OFTEN} It looks like a space."
    " Type the spaces of this line anew.",
    # A string that a curly quote was to end
    'print("a”)': f'Line 1 has the character ” (right double quotation mark), {OFTEN} Type " in its place.',
    "x = 1\nprint(f'it’s’)": f"Line 2 has the character ’ (right single quotation mark), {OFTEN} Type ' in its place.",
    'def f(x):\n    """Say “a”.\n\n    More.\n    """\n    print("a”)': "Line 6 has the character ” (right double"
    f' quotation mark), {OFTEN} Type " in its place.',
    # A symbol of a PDF's own font has no name.
    "x = 3 \uf02b 4": f"Line 1 has a U+F02B, {OFTEN} {UNSEEN}",
    # With open blanks: one thing at a time
    "def f():\n    x = 1\n  \u00a0 return ?": f"Line 3 has a no-break space, {OFTEN} It looks like a space."
    " Type the spaces of this line anew.",
    "x = ?\ny = 3 − 1": f"Line 2 has the character − (minus sign), {OFTEN} Type - in its place.",
    "x = 3 − ?": f"Line 1 has the character − (minus sign), {OFTEN} Type - in its place.",
    "print(“right?”)": f'Line 1 has {QUOTES}, {OFTEN} Type " in their place.',
    # Strings and comments may hold them
    "x = '“−\u00a0”'  # “ – ”\ny = 3 − 1": f"Line 2 has the character − (minus sign), {OFTEN} Type - in its place.",
}
"""Cells that Python refuses, each with all that is printed below the error."""
LEFT_ALONE = {
    "x = '“−\u00a0”'  # “ – ”\nprint(x)": "“−\u00a0”\n",
    "π = 3; ﬁ = 4": "",
    "x = )  # “": None,
    "x = 3a  # −": None,
    "  x = 3\n y = '\u00a0'": None,
    "print('it’s)": None,
    "exec('x = “a”')": None,
    "raise SyntaxError(\"invalid character 'x' (U+FFFFFF)\")": None,
}
"""Cells for which nothing is said, and what they print; None where they end in another error."""
BLANKS = ["x = 1e-?", "x = 1e?", "print(f'{?} a”)"]
"""Cells that Python could not read with a blank, which stops them."""


@pytest.fixture(scope="module")
def outputs():
    """The outputs of all cells, after the notebook's extension has been loaded."""
    cells = ["%load_ext lib.blanks", *CELLS, *LEFT_ALONE, *BLANKS]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    # A kernel may send a sentence and its line break apart.
    NotebookClient(notebook, kernel_name="python3", allow_errors=True, timeout=60, coalesce_streams=True).execute()
    return {cell.source: cell.outputs for cell in notebook.cells}


@pytest.mark.parametrize("cell", CELLS)
def test_below_pythons_error_stands_what_to_type(outputs, cell):
    error, said = outputs[cell]
    assert error.ename in ("SyntaxError", "IndentationError")
    assert "__blank__" not in "".join(error.traceback)
    assert (said.name, " ".join(said.text.split())) == ("stdout", CELLS[cell])
    assert all(len(line) <= 88 for line in said.text.splitlines())


@pytest.mark.parametrize("cell", LEFT_ALONE)
def test_what_is_no_such_error_is_left_alone(outputs, cell):
    text = "".join(output.text for output in outputs[cell] if output.output_type == "stream")
    errors = [output for output in outputs[cell] if output.output_type == "error"]
    assert (text, len(errors)) == ((LEFT_ALONE[cell], 0) if LEFT_ALONE[cell] is not None else ("", 1))


def test_feedback_says_the_same_after_grading():
    message = "The cell loss ended in SyntaxError: invalid character '−' (U+2212) (line 2)."
    assert advise_on_error(message) == CELLS["x = (3\n  − 1)"]
    hidden = "The cell loss ended in SyntaxError: invalid non-printable character U+200B (line 1)."
    assert advise_on_error(hidden) == CELLS["x\u200b = 1"]


@pytest.mark.parametrize(
    "message",
    [
        "invalid syntax (line 3)",
        "invalid character 'x' (U+D800) (line 3)",
        "invalid character 'x' (U+FFFFFF) (line 3)",
        "invalid character '−' (U+2212)",
        "invalid character of my own: U+2212 (line 3)",
        f"invalid character '−' (U+2212) (line {'9' * 5000})",
    ],
)
def test_a_message_that_a_student_made_up_is_no_trouble(message):
    assert advise_on_error(message) == ""


def test_what_is_typed_is_known_of_characters_that_python_refuses():
    for character in [*TYPED, *map(chr, FULL_WIDTH)]:
        # In full width, letters, digits and the low line are read as their ASCII ones in a name.
        assert refused_character(refusal(f"({character}")) == character or f"a{character}".isidentifier()
        [said] = advise({character: [1]})
        typed = re.search(r" Type (\S+) in its place\.", said)[1]
        assert typed.isascii() and typed != character


@pytest.mark.parametrize("cell", BLANKS)
def test_a_blank_without_a_pasted_character_is_reached(outputs, cell):
    assert [output.ename for output in outputs[cell] if output.output_type == "error"] == ["OpenBlank"]


PIECES = [*"ab=\n\"'#(){}f%?“”‘’−\u00a0\u200b（√", '"""', "f'{?}", "a(", " −"]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_any_cell_can_be_looked_through(source):
    if error := refusal(source) or refusal(runnable(source)):
        found = find_pasted(source, masked(source), error)
        assert all(1 <= line <= source.count("\n") + 1 for lines in found.values() for line in lines)
        assert all(sentence.endswith(".") for sentence in advise(found))


def refusal(source):
    """Give Python's message of the SyntaxError in a source, or nothing if there is none."""
    try:
        compile(source, "<cell>", "exec")
    except SyntaxError as error:
        return error.msg
    return ""
