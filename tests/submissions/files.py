"""What comes as a file: no notebook, another one, one under another name, and what can lie beside it."""

import os

import nbformat

from tests.submissions import EVERYTHING, FILE, NOTHING, as_bytes, cell, earns, right, table


def right_beside(name, content):
    def make(notebook, folder):
        (folder / name).write_bytes(content)
        return right(notebook)

    return make


WEAK = table(
    NOTHING,
    empty=lambda notebook, folder: b"",
    cut_short=lambda notebook, folder: as_bytes(right(notebook))[: len(as_bytes(notebook)) // 2],
    not_json=lambda notebook, folder: b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    nested_without_end=lambda notebook, folder: b"[" * 100_000,
    a_list=lambda notebook, folder: as_bytes(notebook.cells),
    cells_of_nothing=lambda notebook, folder: as_bytes(
        {**notebook, "cells": [None, 7, "cell", [], {"cell_type": 7, "source": {}, "metadata": 7}]}
    ),
    too_large=lambda notebook, folder: as_bytes(right(notebook)) + b" " * 20_000_000,
    another_notebook=lambda notebook, folder: nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("print('last week')")]
    ),
    # The first byte of a notebook, under a name in no encoding, as an old zip leaves one.
    name_without_letters=lambda notebook, folder: (folder / "\udcff.ipynb").write_bytes(b"{"),
    no_notebook=lambda notebook, folder: (folder / "essay.txt").write_text("I have thought about it."),
    nothing_at_all=lambda notebook, folder: None,
    # A link to the notebook of a student who has everything right.
    somebody_elses=lambda notebook, folder: (folder / FILE).symlink_to(
        folder.parents[1] / "honest" / folder.name / FILE
    ),
    device=lambda notebook, folder: (folder / FILE).symlink_to("/dev/zero"),
    pipe=lambda notebook, folder: os.mkfifo(folder / FILE),  # nobody writes into it: whoever opens it waits for ever
)
GOOD = table(
    EVERYTHING,
    # As a browser names a second download.
    another_name=lambda notebook, folder: (folder / "softmax_classifier (1).ipynb").write_bytes(
        as_bytes(right(notebook))
    ),
    # Saved by an editor that takes two bytes for each letter.
    wide_letters=lambda notebook, folder: as_bytes(right(notebook)).decode().encode("utf-16"),
    # Saved by a program of ten years ago.
    old_format=lambda notebook, folder: nbformat.writes(nbformat.convert(right(notebook), 3), 3).encode(),
    timestamp_garbled=right_beside("timestamp.txt", b"\xff\xfe the day before yesterday"),
    timestamp_huge=right_beside("timestamp.txt", b"9" * 100_000),
)


@earns(NOTHING)
def two_other_names(notebook, folder):
    (folder / "draft.ipynb").write_bytes(as_bytes(notebook))
    (folder / "final.ipynb").write_bytes(as_bytes(right(notebook)))


@earns(NOTHING)
def folder_for_a_notebook(notebook, folder):
    (folder / FILE).mkdir()
    (folder / FILE / "inner.ipynb").write_bytes(as_bytes(right(notebook)))


@earns(EVERYTHING)
def strange_company(notebook, folder):
    """Right, with pipes, links, devices, a thousand files, and names of the grader's own beside it."""
    os.mkfifo(folder / "timestamp.txt")
    os.mkfifo(folder / "pipe")
    (folder / "secret").symlink_to(folder.parents[2] / "judge_secret")
    (folder / "zero").symlink_to("/dev/zero")
    (folder / "gone").symlink_to("nowhere")
    (folder / "figures").write_text("a file where the course has a folder")
    for name in ("challenge.json", "verdict.json", "verdict.json.part"):
        (folder / name).mkdir()
        (folder / name / "inner").write_text("{}")
    (folder / "data").mkdir()
    for number in range(1000):
        (folder / "data" / f"{number}.csv").touch()
    return right(notebook)


@earns(EVERYTHING)
def said_twice(notebook, folder):
    """Right, with each cell's metadata said twice, the second time in an old schema."""
    twice = as_bytes(right(notebook)).replace(b'"schema_version": 3', b'"schema_version": 3, "schema_version": 1')
    return twice.replace(b'"nbformat": 4', b'"nbformat": 3, "nbformat": 4')


@earns(EVERYTHING)
def strange_letters(notebook, folder):
    """Right, with a byte order mark, null characters and halves of letters in the text."""
    cell(right(notebook), "loss").source += "\n# \ud83d and \x00".replace("\x00", "\\x00")
    notebook.cells.append(nbformat.v4.new_markdown_cell("\ud83d \x00 \u202e"))
    return b"\xef\xbb\xbf" + as_bytes(notebook)


@earns(EVERYTHING)
def strange_cells(notebook, folder):
    """Right, with ids, attachments and keys in its cells that no format knows, and names that a page might run."""
    evil = '"><script>alert(1)</script>'
    for found in right(notebook).cells:
        found.update({"id": evil, evil: evil, "attachments": {evil: {evil: evil}}, "execution_count": evil})
        found.metadata.setdefault("tags", []).append(evil)
    notebook.metadata = {"title": evil, "widgets": evil, "language_info": {"name": evil}, "kernelspec": evil}
    return notebook


@earns(EVERYTHING)
def nested_metadata(notebook, folder):
    """Right, with metadata so deep that a copy of it would break."""
    for found in (right(notebook), *notebook.cells):
        found.metadata["deep"] = 7
    return as_bytes(notebook).replace(b'"deep": 7', b'"deep": ' + b'{"a":' * 400 + b"7" + b"}" * 400)


@earns(EVERYTHING)
def own_names(notebook, folder):
    """Right, with files and folders beside it that bear the names of modules, `lib` too, and none of them works."""
    modules = "lib", "numpy", "matplotlib", "random", "json", "tensorflow", "IPython", "ipywidgets", "ast"
    for name in (*modules, "ipykernel_launcher"):  # the last would start no kernel
        (folder / f"{name}.py").write_text("raise RuntimeError('the student has a file of this name')")
    for name in ("keras", "scipy", "msgspec"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("")
    return right(notebook)


@earns(EVERYTHING)
def folder_for_a_page(notebook, folder):
    """Right; beside it lies a folder that is called as the feedback page will be."""
    (folder / "softmax_classifier.html").mkdir()
    (folder / "softmax_classifier.html" / "note.txt").write_text("a student's")
    return right(notebook)
