"""Formgrader's page of a notebook has the same room as a feedback page."""

import nbformat

from lib.grading.door.markup import NO_PICTURE, NO_TEXT
from lib.grading.pages.formgrader import BoundPage

DATA = "A" * 4_000_000


def test_outputs_of_a_notebook_share_the_budget_too():
    picture = nbformat.v4.new_output("display_data", {"image/png": DATA, "text/plain": "x"})
    drawn = nbformat.v4.new_output("display_data", {"text/html": f'<img src="data:image/png;base64,{DATA}">'})
    words = nbformat.v4.new_output("stream", text="b" * 900_000)
    cell = nbformat.v4.new_code_cell(outputs=[picture] * 4 + [words, picture, picture, words, words])
    html = nbformat.v4.new_code_cell(outputs=[drawn] * 6)
    rows = (cell, ["x"] * 4 + [None, "x", NO_PICTURE, None, NO_TEXT]), (html, [NO_TEXT] * 5 + [NO_PICTURE])
    for each, expected in rows:
        shown, _ = BoundPage().preprocess(nbformat.v4.new_notebook(cells=[each]), {})
        assert [output.get("data", {}).get("text/plain") for output in shown.cells[0].outputs] == expected
