"""Characters that come along with pasted code: what a student reads, in a real kernel."""

import re

import nbformat
from hypothesis import given
from hypothesis import strategies as st
from nbclient import NotebookClient

from lib.blanks import masked, runnable
from lib.grading.pages.feedback_page import advise_on_error
from lib.pasted import FULL_WIDTH, TYPED, advise, find_pasted, refused_character

OFTEN = "as pasted text often does."
UNSEEN = "It can't be seen, or shows as a red dot. Type this line anew."
MINUS = f"{{}} the character − (minus sign), {OFTEN} Type - in its place."
SPACE = f"Line 3 has a no-break space, {OFTEN} It looks like a space. Type the spaces of this line anew."
LINES_OF_MINUS = {
    "x = 3 − 1": 1,
    "\n\n\nx = 3 − 1": 4,
    "x = (3\n  − 1)": 2,
    "%%time\nx = 3 − 1": 2,
    "x = 1\n%time y = 3 − 1": 2,
    "x = 1\ny = f'{3 − 1}'": 2,
    # Where Python's error is about something else
    "x = np.maximum(yhat, 1e−7)": 1,
    "x = np.maximum(?, 1e−7)": 1,
    # With open blanks: one thing at a time
    "x = ?\ny = 3 − 1": 2,
    "x = 3 − ?": 1,
    # Strings and comments may hold them
    "x = '“−\u00a0”'  # “ – ”\ny = 3 − 1": 2,
}
CELLS = {
    **{cell: MINUS.format(f"Line {line} has") for cell, line in LINES_OF_MINUS.items()},
    "\n".join(["x = 3 − 1"] * 7): MINUS.format("Lines 1, 2, 3, 4, 5 and 2 more have"),
    "print(“right?”)": "Line 1 has the characters “ (left double quotation mark) and ” (right double quotation mark), "
    f'{OFTEN} Type " in their place.',
    "print（3）": f"Line 1 has the character （ (fullwidth left parenthesis), {OFTEN} Type ( in its place. "
    "Line 1 has the character ） (fullwidth right parenthesis). Type ) in its place.",
    "√x": f"Line 1 has the character √ (square root), {OFTEN} Python can't read it. Write this line without it.",
    # Those that nobody sees.
    "def f():\n\u00a0 x = 1\n \u00a0return x": f"Lines 2 and 3 have a no-break space, {OFTEN} It looks like a space."
    " Type the spaces of these lines anew.",
    "def f():\n    x = 1\n  \u00a0 return x": SPACE,
    "def f():\n    x = 1\n  \u00a0 return ?": SPACE,
    "x\u3000= 1": f"Line 1 has an ideographic space, {OFTEN} It looks like a space. Type the spaces of this line anew.",
    "x\u200b = 1": f"Line 1 has a zero width space, {OFTEN} {UNSEEN}",
    "\ufeffx = 1": f"Line 1 has a zero width no-break space, {OFTEN} {UNSEEN}",
    "x = 3 \uf02b 4": f"Line 1 has a U+F02B, {OFTEN} {UNSEEN}",  # a symbol of a PDF's own font has no name
    # A string that a curly quote was to end
    "x = 1\nprint(f'it’s’)": f"Line 2 has the character ’ (right single quotation mark), {OFTEN} Type ' in its place.",
    'def f(x):\n    """Say “a”.\n\n    More.\n    """\n    print("a”)': "Line 6 has the character ” (right double"
    f' quotation mark), {OFTEN} Type " in its place.',
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
BLANKS = ["x = 1e-?", "x = 1e?", "print(f'{?} a”)", "await ?", "def ?(): 3"]
"""Cells that a blank stops, with nothing pasted."""


def test_below_pythons_error_stands_what_to_type():
    """In one kernel, after the notebook's extension has been loaded."""
    cells = ["%load_ext lib.blanks", *CELLS, *LEFT_ALONE, *BLANKS]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    # A kernel may send a sentence and its line break apart.
    NotebookClient(notebook, kernel_name="python3", allow_errors=True, timeout=60, coalesce_streams=True).execute()
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
            is_so = names == {"OpenBlank"} and text == "1 blank is still open in this cell: line 1.\n"
            is_so &= errors[0].traceback == ["Blank 1 of 1 on line 1 is still open. Replace the ? with your code."]
        off += [] if is_so else [(cell.source, text, names)]
    assert not off


MESSAGES = {
    "The cell loss ended in SyntaxError: invalid character '−' (U+2212) (line 2).": MINUS.format("Line 2 has"),
    "SyntaxError: invalid non-printable character U+200B (line 1).": CELLS["x\u200b = 1"],
    # What is about something else, or a student made up
    "invalid syntax (line 3)": "",
    "invalid character 'x' (U+D800) (line 3)": "",
    "invalid character 'x' (U+FFFFFF) (line 3)": "",
    "invalid character '−' (U+2212)": "",
    "invalid character of my own: U+2212 (line 3)": "",
    f"invalid character '−' (U+2212) (line {'9' * 5000})": "",
}


def test_feedback_says_the_same_after_grading_and_no_message_is_trouble():
    assert {message: advise_on_error(message) for message in MESSAGES} == MESSAGES


def test_what_is_typed_is_known_of_characters_that_python_refuses():
    for character in [*TYPED, *map(chr, FULL_WIDTH)]:
        # In full width, letters, digits and the low line are read as their ASCII ones in a name.
        assert refused_character(refusal(f"({character}")) == character or f"a{character}".isidentifier()
        [said] = advise({character: [1]})
        typed = re.search(r" Type (\S+) in its place\.", said)[1]
        assert typed.isascii() and typed != character


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
