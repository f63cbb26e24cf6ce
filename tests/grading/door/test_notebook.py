"""Reading a notebook: in which encodings, under which names, and what is said where it can't be."""

import json
from pathlib import Path

import nbformat
import pytest

from lib.grading.door import notebook
from lib.grading.door.handed_in import HandedIn, Name
from lib.grading.door.notebook import UnreadableError, clean_cell, notebooks_beside, read_submission, strip_widgets
from lib.grading.names import parse_id
from tests.submissions import as_bytes
from tests.submissions.pages import WIDGETS

FILE = "homework.ipynb"
TEXT = "größer → 大きい"
NOTEBOOK = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(TEXT)])
WRITTEN = json.dumps(NOTEBOOK, ensure_ascii=False, indent=1).encode()


def handed_in(**files):
    return HandedIn(
        parse_id("ada"), Path("submitted/ada/homework"), {Name(name): files[name] for name in sorted(files)}
    )


def read(content):
    return read_submission(handed_in(**{FILE: content}), "homework")


def texts(submission):
    return [cell.source for cell in submission.notebook.cells]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", *(f"utf-{size}{order}" for size in (16, 32) for order in ("", "-le", "-be"))]
)
@pytest.mark.parametrize("start", ["", "\n  "])
def test_a_notebook_in_any_encoding_of_unicode_is_read(encoding, start):
    submission = read((start + WRITTEN.decode()).encode(encoding))
    assert (texts(submission), submission.runnable, submission.remarks) == ([TEXT], True, ())


def test_a_letter_in_another_encoding_is_shown_as_such_and_the_rest_is_read():
    assert texts(read(WRITTEN.decode().replace("→ 大きい", "x").encode("latin-1"))) == ["gr��er x"]


NEARLY = ["homework.IPYNB", "Homework.ipynb", "homework.ipynb.txt", "homework.ipynb.json", "homework (1).ipynb"]
NEARLY += ["homework-2.Ipynb", "inner/homework.ipynb", "inner/deeper/HOMEWORK.IPYNB"]


@pytest.mark.parametrize("name", NEARLY)
@pytest.mark.parametrize("notebooks", [(), ("homework",), ("homework", "lab")])
def test_a_notebook_under_nearly_its_name_is_graded_in_its_place(name, notebooks):
    submission = read_submission(handed_in(**{name: WRITTEN}), "homework", notebooks)
    assert texts(submission) == [TEXT]
    assert submission.remarks == (f"{FILE} was not in the submission; {name} was graded in its place.",)


@pytest.mark.parametrize("name", ["lab.ipynb", "LAB.ipynb", "lab.IPYNB", "lab-Copy1.ipynb", "lab 2 (1).ipynb"])
def test_no_other_notebook_of_the_assignment_nor_a_copy_stands_for_one_that_is_missing(name):
    submission = read_submission(handed_in(**{name: WRITTEN}), "homework", ("homework", "lab", "lab 2"))
    assert not submission.runnable
    assert submission.remarks == (f"{FILE} was not in the submission. Submit it beside {name}.",)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["homework.IPYNB", "draft.ipynb"], "homework.IPYNB"),
        (["draft.ipynb", "inner/homework.ipynb"], "draft.ipynb"),
        (["inner/homework.ipynb", "inner/draft.ipynb"], "inner/homework.ipynb"),
        (["a/homework.ipynb", ".ipynb_checkpoints/homework.ipynb"], "a/homework.ipynb"),
        (["homework.IPYNB", "Homework.ipynb"], None),
        (["a/homework.ipynb", "b/homework.ipynb"], None),
        (["homework (1).ipynb", "homework (2).ipynb"], None),
        ([".ipynb_checkpoints/homework-checkpoint.ipynb"], None),
        (["homework.txt"], None),
    ],
)
def test_of_several_notebooks_one_is_graded_only_where_it_is_certain(names, chosen):
    submission = read_submission(handed_in(**dict.fromkeys(names, WRITTEN)), "homework")
    assert submission.runnable is (chosen is not None)
    assert chosen is None or f"{chosen} was graded in its place" in submission.remarks[0]


@pytest.mark.parametrize(
    ("names", "graded", "told"),
    [
        ([FILE], "", ""),
        ([FILE, "homework-Copy1.ipynb", "final.IPYNB", "data.csv"], FILE, "final.IPYNB, homework-Copy1.ipynb"),
        ([FILE, ".ipynb_checkpoints/homework-checkpoint.ipynb", "old/homework.ipynb"], "", ""),
        (["draft.ipynb"], "", ""),
        ([FILE, *(f"{n}.ipynb" for n in range(7))], FILE, "0.ipynb, 1.ipynb, 2.ipynb, 3.ipynb, 4.ipynb and 2 more"),
        ([FILE, "lab.ipynb", "final.ipynb"], f"{FILE} and lab.ipynb", "final.ipynb"),
    ],
)
def test_what_lay_beside_the_notebooks_that_were_graded_is_told(names, graded, told):
    was, them = ("were", "them") if "and" in graded else ("was", "it")
    expected = [f"Only {graded} {was} graded, and not what lay beside {them}: {told}."] if told else []
    notebooks = ["homework", "lab"] if "lab.ipynb" in names else ["homework"]
    assert notebooks_beside(handed_in(**dict.fromkeys(names, WRITTEN)), notebooks) == expected


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
        ({"folder/mine.tar.gz": b""}, "mine.tar.gz is packed as .gz, and is not opened. Unpack it,"),
        ({"mine.RAR": b""}, "mine.RAR is packed as .rar, and is not opened."),
        ({"essay.txt": b""}, f"{FILE} was not in the submission: no notebook was there."),
        ({}, f"{FILE} was not in the submission: no notebook was there."),
    ],
)
def test_what_cannot_be_read_is_told_to_its_student(files, told):
    found = read_submission(handed_in(**files), "homework")
    assert told in found.remarks[0] and found.remarks[0] in texts(found)[0]
    assert not found.runnable
    assert found.empty is (files in ({}, {FILE: b""}))


def test_of_an_old_format_only_cells_are_converted(monkeypatch):
    """nbformat would take minutes, and gigabytes, for what nobody looks at."""
    cells = [("code", "input", ["x = 1\n", "y"]), ("markdown", "source", ["some\n", "text"]), ("raw", "source", "a")]
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}}
    outputs = [{"output_type": "stream", "text": "a"}] * 100_000
    made = [{"cell_type": kind, key: text, "metadata": {}, "outputs": []} for kind, key, text in cells]
    theirs = nbformat.convert(nbformat.from_dict({**old, "worksheets": [{"cells": made}]}), 4).cells
    monkeypatch.setattr(nbformat, "convert", None)
    made[0]["outputs"] = outputs
    found = read(as_bytes({**old, "worksheets": [{"cells": made}]})).notebook.cells
    assert [(cell.cell_type, cell.source) for cell in found] == [
        (each.cell_type, "".join(each.source)) for each in theirs
    ]


def test_of_a_cell_only_what_grading_needs_is_kept():
    evil = {"evil": "x"}
    picture, drawing = {"image/png": "iVBORw0KGgo="}, {"image/svg+xml": "PHN2Zy8+"}
    metadata = {"nbgrader": {"grade_id": "a", "points": 100}, "tags": ["skip-execution", "x"], "widgets": WIDGETS}
    cell = clean_cell(
        {**evil, "cell_type": "code", "source": ["a", 7], "metadata": {**evil, **metadata}, "outputs": [1]}
    )
    assert {**cell, "id": ""} == {
        "id": "",
        "cell_type": "code",
        "metadata": {"nbgrader": {"grade_id": "a"}, "tags": ["skip-execution"]},
        "source": "a",
        "execution_count": None,
        "outputs": [],
    }
    attached = {"attachments": {"a.png": {**picture, **drawing}, "b.png": {"image/png": '">x'}, "c": 7}}
    assert clean_cell(attached).attachments == {"a.png": picture, "b.png": {}, "c": {}}


DEEP = b'{"cells": [], "x": ' + b"[" * 700 + b"]" * 700 + b', "metadata": {"widgets": {}}}'


@pytest.mark.parametrize(
    "data",
    [
        as_bytes({**NOTEBOOK, "metadata": {"widgets": WIDGETS, "title": TEXT}}),
        as_bytes({**NOTEBOOK, "metadata": {"widgets": WIDGETS}}).replace(b'"widgets"', b'"\\u0077idgets"'),
        as_bytes(NOTEBOOK).replace(b'"metadata": {}', b'"metadata": {}, "metadata": {"widgets": 1}'),
        as_bytes({"nbformat": 3, "metadata": {"widgets": WIDGETS}, "worksheets": []}),
        WRITTEN.decode().replace('"metadata": {}', '"metadata": {"widgets": {}}').encode("utf-16"),
        as_bytes({"cells": [], "metadata": {"widgets": "\ud83d", "x": float("nan")}}),
        DEEP,
    ],
)
def test_what_a_notebook_keeps_of_widgets_is_taken_out_however_it_is_written(data):
    before, after = json.loads(data), json.loads(strip_widgets(data))
    del before["metadata"]["widgets"]
    assert "widgets" not in after["metadata"]
    assert json.dumps(after) == json.dumps(before)


@pytest.mark.parametrize("data", [WRITTEN, b"", b"{", b"\xff", b"[" * 100_000, b"[1]", b'{"metadata": 7}'])
def test_where_there_are_none_a_file_stays_as_it_is(data):
    assert strip_widgets(data) == data


def test_a_file_of_too_many_lists_is_not_searched_for_them():
    with pytest.raises(UnreadableError, match="more than 500,000 lists"):
        strip_widgets(b"[" * (notebook.MOST_PARTS + 1))
