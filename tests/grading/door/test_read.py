"""Reading what was handed in: in which encodings, under which names, and what is said where it can't be."""

import json
from pathlib import Path

import nbformat
import pytest

from lib.grading.submissions.read import notebooks_beside, read_submission

FILE = "homework.ipynb"
TEXT = "größer → 大きい"
WRITTEN = json.dumps(
    nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(TEXT)]), ensure_ascii=False, indent=1
)


def texts(submission):
    return [cell.source for cell in submission.notebook.cells]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", *(f"utf-{size}{order}" for size in (16, 32) for order in ("", "-le", "-be"))]
)
@pytest.mark.parametrize("start", ["", "\n  "])
def test_a_notebook_in_any_encoding_of_unicode_is_read(tmp_path, encoding, start):
    (tmp_path / FILE).write_bytes((start + WRITTEN).encode(encoding))
    submission = read_submission(tmp_path / FILE)
    assert texts(submission) == [TEXT]
    assert submission.runnable
    assert submission.remarks == ()


def test_a_letter_in_another_encoding_is_shown_as_such_and_the_rest_is_read(tmp_path):
    written = json.dumps(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1 # größer")]))
    (tmp_path / FILE).write_bytes(written.replace("\\u00f6", "ö").replace("\\u00df", "ß").encode("latin-1"))
    assert texts(read_submission(tmp_path / FILE)) == ["x = 1 # gr��er"]


@pytest.mark.parametrize(
    "name",
    [
        "homework.IPYNB",
        "Homework.ipynb",
        "homework.ipynb.txt",
        "homework.ipynb.json",
        "homework (1).ipynb",
        "homework-2.Ipynb",
        "inner/homework.ipynb",
        "inner/deeper/HOMEWORK.IPYNB",
    ],
)
def test_a_notebook_under_nearly_its_name_is_graded_in_its_place(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(WRITTEN, encoding="utf-8")
    for notebooks in ((), ("homework",), ("homework", "lab")):
        submission = read_submission(tmp_path / FILE, notebooks)
        assert texts(submission) == [TEXT]
        assert submission.remarks == (f"{FILE} was not in the submission; {name} was graded in its place.",)


@pytest.mark.parametrize("name", ["lab.ipynb", "LAB.ipynb", "lab.IPYNB", "lab-Copy1.ipynb", "lab 2 (1).ipynb"])
def test_no_other_notebook_of_the_assignment_nor_a_copy_stands_for_one_that_is_missing(tmp_path, name):
    (tmp_path / name).write_text(WRITTEN, encoding="utf-8")
    submission = read_submission(tmp_path / FILE, ("homework", "lab", "lab 2"))
    assert not submission.runnable
    assert submission.remarks == (f"{FILE} was not in the submission. Submit it beside {name}.",)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["homework.IPYNB", "draft.ipynb"], "homework.IPYNB"),
        (["draft.ipynb", "inner/homework.ipynb"], "draft.ipynb"),
        (["inner/homework.ipynb", "inner/draft.ipynb"], "inner/homework.ipynb"),
        (["inner/homework.ipynb", "__MACOSX/inner/._homework.ipynb"], "inner/homework.ipynb"),
        (["a/homework.ipynb", ".ipynb_checkpoints/homework.ipynb"], "a/homework.ipynb"),
        (["homework.IPYNB", "Homework.ipynb"], None),
        (["a/homework.ipynb", "b/homework.ipynb"], None),
        (["homework (1).ipynb", "homework (2).ipynb"], None),
        ([".ipynb_checkpoints/homework-checkpoint.ipynb"], None),
        (["homework.txt"], None),
    ],
)
def test_of_several_notebooks_one_is_graded_only_where_it_is_certain(tmp_path, names, chosen):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(WRITTEN, encoding="utf-8")
    submission = read_submission(tmp_path / FILE)
    assert submission.runnable is (chosen is not None)
    assert chosen is None or f"{chosen} was graded in its place" in submission.remarks[0]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([FILE], []),
        ([FILE, "homework-Copy1.ipynb", "final.IPYNB", "data.csv"], ["final.IPYNB, homework-Copy1.ipynb"]),
        ([FILE, ".ipynb_checkpoints/homework-checkpoint.ipynb", "old/homework.ipynb"], []),
        (["draft.ipynb"], []),
        ([FILE, *(f"{n}.ipynb" for n in range(7))], ["0.ipynb, 1.ipynb, 2.ipynb, 3.ipynb, 4.ipynb and 2 more"]),
    ],
)
def test_what_lay_beside_the_notebook_that_was_graded_is_told(tmp_path, names, told):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(WRITTEN, encoding="utf-8")
    expected = [f"Only {FILE} was graded, and not what lay beside it: {others}." for others in told]
    assert notebooks_beside(tmp_path, ["homework"]) == expected


def test_what_lay_beside_several_notebooks_is_told(tmp_path):
    for name in (FILE, "lab.ipynb", "final.ipynb"):
        (tmp_path / name).write_text(WRITTEN, encoding="utf-8")
    [told] = notebooks_beside(tmp_path, ["homework", "lab"])
    assert told == f"Only {FILE} and lab.ipynb were graded, and not what lay beside them: final.ipynb."


@pytest.mark.parametrize("name", ["mine.zip", "mine.RAR", "folder/mine.tar.gz"])
def test_a_packed_file_in_the_notebooks_place_says_what_it_is(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"PK")
    found = read_submission(tmp_path / "ps1.ipynb")
    kind = Path(name).suffix.lower()
    said = f"ps1.ipynb was not in the submission: {Path(name).name} is packed as {kind}, and is not opened."
    assert found.remarks == (f"{said} Unpack it, and submit the notebook itself.",)
    assert not found.runnable and not found.empty


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\n<!DOCTYPE html><html>Sign in</html>", "a web page"),
        (b"PK\x03\x04\x14\x00\x00", "a zip"),
        (b"Rar!\x1a\x07\x01\x00", "a rar archive"),
        (b"%PDF-1.7\n", "a PDF"),
    ],
)
def test_another_file_under_a_notebooks_name_is_called_what_it_is(tmp_path, content, kind):
    (tmp_path / FILE).write_bytes(content)
    [remark] = read_submission(tmp_path / FILE).remarks
    assert remark.startswith(f"{FILE} is {kind}, and has only a notebook's name. Submit the notebook itself")


@pytest.mark.parametrize("version", [2, 3])
def test_cells_of_an_old_format_are_read_as_nbformat_does(tmp_path, version):
    end = "\n" if version == 3 else ""
    code = {"cell_type": "code", "input": [f"x{end}", "y"], "language": "python", "outputs": [], "collapsed": False}
    texts = [{"cell_type": kind, "source": [f"some{end}", "text"]} for kind in ("markdown", "raw", "html")]
    headings = [{"cell_type": "heading", "level": level, "source": [f"a{end}", "title"]} for level in (1, 3)]
    cells = [{"metadata": {}, **cell} for cell in (code, *texts, *headings)]
    old = {"nbformat": version, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]}
    (tmp_path / "nb.ipynb").write_text(json.dumps(old))
    found = [(cell.cell_type, cell.source) for cell in read_submission(tmp_path / "nb.ipynb").notebook.cells]
    theirs = nbformat.convert(nbformat.reads(json.dumps(old), as_version=nbformat.NO_CONVERT), 4).cells
    assert found == [(cell.cell_type, "".join(cell.source)) for cell in theirs]


def test_of_an_old_format_only_cells_are_converted(tmp_path, monkeypatch):
    """nbformat would take minutes, and gigabytes, for what nobody looks at."""
    monkeypatch.setattr(nbformat, "convert", None)
    outputs = [{"output_type": "stream", "text": "a"}] * 100_000
    cell = {"cell_type": "code", "input": "x = 1", "outputs": outputs}
    (tmp_path / "nb.ipynb").write_text(json.dumps({"nbformat": 3, "worksheets": [{"cells": [cell]}]}))
    assert texts(read_submission(tmp_path / "nb.ipynb")) == ["x = 1"]
