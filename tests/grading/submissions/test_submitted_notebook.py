"""Reading a notebook: in which encodings, under which names, and what is said where it can't be."""

import json
from itertools import product
from pathlib import Path

import nbformat
import pytest

from lib.grading.safe_names import parse_id
from lib.grading.submissions.submitted_files import Name, SubmittedFiles
from lib.grading.submissions.submitted_notebook import (
    MOST_PARTS,
    UnreadableError,
    clean_cell,
    read_submission,
    remark_on_other_notebooks,
    strip_widgets,
)
from tests.submissions import as_bytes
from tests.submissions.pages import WIDGETS

FILE = "homework.ipynb"
TEXT = "größer → 大きい"
NOTEBOOK = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(TEXT)])
WRITTEN = json.dumps(NOTEBOOK, ensure_ascii=False, indent=1).encode()


def handed_in(**files):
    found = {Name(name): content for name, content in sorted(files.items())}
    return SubmittedFiles(parse_id("ada"), Path("submitted/ada/homework"), found)


def read(content):
    return read_submission(handed_in(**{FILE: content}), "homework")


def texts(submission):
    return [cell.source for cell in submission.cells]


def test_a_notebook_in_any_encoding_of_unicode_is_read_and_another_letter_is_shown_as_such():
    encodings = ["utf-8", "utf-8-sig", *(f"utf-{size}{order}" for size in (16, 32) for order in ("", "-le", "-be"))]
    for encoding, start in product(encodings, ("", "\n  ")):
        submission = read((start + WRITTEN.decode()).encode(encoding))
        assert (texts(submission), submission.runnable, submission.remarks) == ([TEXT], True, ()), encoding
    assert texts(read(WRITTEN.decode().replace("→ 大きい", "x").encode("latin-1"))) == ["gr��er x"]


IDS = {"homework": ("loss", "softmax"), "lab": ("relu", "loss"), "lab 2": ("step",)}


def of(*ids):
    cells = [nbformat.v4.new_code_cell("", metadata={"nbgrader": {"grade_id": id}}) for id in ids]
    return as_bytes(nbformat.v4.new_notebook(cells=cells))


OWN, LAB = of("loss", "softmax"), of("relu")
MISNAMED = [
    *(({name: WRITTEN}, name) for name in ("homework.IPYNB", "homework.ipynb.txt", "a (1).ipynb", "in/deep/x.IPYNB")),
    ({"final.ipynb": OWN, "draft.ipynb": WRITTEN}, "final.ipynb"),
    ({"final.ipynb": OWN, "lab.ipynb": OWN, "lab (1).ipynb": LAB}, "final.ipynb"),
    ({"draft.ipynb": OWN, "in/homework.ipynb": OWN}, "draft.ipynb"),
    ({"a/homework.ipynb": OWN, ".ipynb_checkpoints/homework.ipynb": OWN}, "a/homework.ipynb"),
    ({"a.ipynb": OWN, "b.ipynb": OWN}, None),
    ({"a.ipynb": WRITTEN, "b.ipynb": WRITTEN}, None),
    ({"lab-Copy1.ipynb": LAB}, None),
    ({"lab.ipynb": OWN}, None),
    ({".ipynb_checkpoints/homework-checkpoint.ipynb": OWN}, None),
    ({"homework.txt": OWN}, None),
]


@pytest.mark.parametrize(("files", "chosen"), MISNAMED)
def test_a_notebook_with_the_assignments_cells_is_the_assignment_whatever_its_name(files, chosen):
    submission = read_submission(handed_in(**files), "homework", IDS)
    said = f"{FILE} was not in the submission; {chosen} was graded in its place. Submit it under its own name."
    assert submission.runnable is bool(chosen)
    assert ([each.text for each in submission.remarks] == [said]) is bool(chosen)


def test_another_notebook_of_the_assignment_stands_for_none_that_is_missing():
    submission = read_submission(handed_in(**{"lab.ipynb": LAB}), "homework", IDS)
    [remark] = submission.remarks
    assert remark.text == f"{FILE} was not in the submission. Submit it together with lab.ipynb."


MORE = [f"{number}.ipynb" for number in range(7)]
BESIDE = [
    ([FILE, "homework-Copy1.ipynb", "final.IPYNB", "data.csv"], FILE, "final.IPYNB, homework-Copy1.ipynb"),
    ([FILE, *MORE], FILE, "0.ipynb, 1.ipynb, 2.ipynb, 3.ipynb, 4.ipynb and 2 more"),
    ([FILE, "lab.ipynb", "final.ipynb"], f"{FILE} and lab.ipynb", "final.ipynb"),
    ([FILE, ".ipynb_checkpoints/homework-checkpoint.ipynb", "old/homework.ipynb"], "", ""),
    (["draft.ipynb"], "", ""),
]


RENAME = "If you meant one of them, submit it under its original name."


@pytest.mark.parametrize(("names", "graded", "others"), BESIDE)
def test_other_notebooks_are_named_in_a_remark(names, graded, others):
    was = "were" if "and" in graded else "was"
    expected = [f"Only {graded} {was} graded. These other notebooks were not: {others}. {RENAME}"] if others else []
    notebooks = ["homework", "lab"] if "lab.ipynb" in names else ["homework"]
    assert remark_on_other_notebooks(handed_in(**dict.fromkeys(names, WRITTEN)), notebooks) == expected


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({FILE: b""}, f"{FILE} is empty."),
        ({FILE: b"<html>Sign in</html>"}, f"{FILE} is not a notebook: it can't be read as JSON."),
        ({FILE: b"[" * 100_000}, f"{FILE} is not a notebook: it can't be read as JSON."),
        ({FILE: b"[1]"}, f"{FILE} is JSON, but not a notebook."),
        ({FILE: b"[" + b"[]," * 500_000 + b"1]"}, f"{FILE} has more than 500,000 lists."),
        ({FILE: as_bytes({"cells": [{}] * 1001})}, f"{FILE} has more than 1,000 cells."),
        ({FILE: as_bytes({"cells": [{"source": "a" * 1_000_001}]})}, f"{FILE} has cells with more than 1 million"),
        ({"folder/mine.tar.gz": b""}, "mine.tar.gz is a .gz archive, which is not opened. Unpack it,"),
        ({"mine.RAR": b""}, "mine.RAR is a .rar archive, which is not opened."),
        ({"essay.txt": b""}, f"{FILE} was not in the submission: found no notebook."),
        ({}, f"{FILE} was not in the submission: found no notebook."),
    ],
)
def test_what_cannot_be_read_is_told_to_its_student(files, told):
    found = read_submission(handed_in(**files), "homework")
    assert told in found.remarks[0].text and found.remarks[0].text in texts(found)[0]
    assert not found.runnable
    assert found.empty is (files in ({}, {FILE: b""}))


def test_of_an_old_format_only_cells_are_converted(monkeypatch):
    """nbformat would take minutes, and gigabytes, for what nobody looks at."""
    cells = [("code", "input", ["x = 1\n", "y"]), ("markdown", "source", ["some\n", "text"]), ("raw", "source", "a")]
    outputs = [{"output_type": "stream", "text": "a"}] * 100_000
    made = [{"cell_type": kind, key: text, "metadata": {}, "outputs": outputs} for kind, key, text in cells]
    monkeypatch.setattr(nbformat, "convert", None)
    found = read(as_bytes({"nbformat": 3, "metadata": {"name": ""}, "worksheets": [{"cells": made}]})).cells
    assert [(cell.cell_type, cell.source) for cell in found] == [(kind, "".join(text)) for kind, _, text in cells]


def test_of_a_cell_only_what_grading_needs_is_kept():
    picture, drawing = {"image/png": "iVBORw0KGgo="}, {"image/svg+xml": "PHN2Zy8+"}
    metadata = {"nbgrader": {"grade_id": "a", "points": 100}, "tags": ["skip-execution", "x"], "widgets": WIDGETS}
    cell = clean_cell({"evil": "x", "cell_type": "code", "source": ["a", 7], "metadata": metadata, "outputs": [1]})
    kept = {"nbgrader": {"grade_id": "a"}, "tags": ["skip-execution"]}
    assert cell.pop("id")
    assert cell == {"cell_type": "code", "metadata": kept, "source": "a", "execution_count": None, "outputs": []}
    attached = {"attachments": {"a.png": {**picture, **drawing}, "b.png": {"image/png": '">x'}, "c": 7}}
    assert clean_cell(attached).attachments == {"a.png": picture, "b.png": {}, "c": {}}


WITH_WIDGETS = [
    as_bytes({**NOTEBOOK, "metadata": {"widgets": WIDGETS, "title": TEXT}}),
    as_bytes({**NOTEBOOK, "metadata": {"widgets": WIDGETS}}).replace(b'"widgets"', b'"\\u0077idgets"'),
    as_bytes(NOTEBOOK).replace(b'"metadata": {}', b'"metadata": {}, "metadata": {"widgets": 1}'),
    as_bytes({"nbformat": 3, "metadata": {"widgets": WIDGETS}, "worksheets": []}),
    WRITTEN.decode().replace('"metadata": {}', '"metadata": {"widgets": {}}').encode("utf-16"),
    as_bytes({"cells": [], "metadata": {"widgets": "\ud83d", "x": float("nan")}}),
    b'{"cells": [], "x": ' + b"[" * 700 + b"]" * 700 + b', "metadata": {"widgets": {}}}',
]


@pytest.mark.parametrize("data", WITH_WIDGETS)
def test_what_a_notebook_keeps_of_widgets_is_taken_out_however_it_is_written(data):
    before, after = json.loads(data), json.loads(strip_widgets(data))
    del before["metadata"]["widgets"]
    assert json.dumps(after) == json.dumps(before)


def test_where_there_are_no_widgets_a_file_stays_as_it_is_and_too_many_lists_are_not_searched():
    for data in (WRITTEN, b"", b"{", b"\xff", b"[" * 100_000, b"[1]", b'{"metadata": 7}'):
        assert strip_widgets(data) == data
    with pytest.raises(UnreadableError, match="more than 500,000 lists"):
        strip_widgets(b"[" * (MOST_PARTS + 1))
