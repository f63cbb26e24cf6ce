"""What comes as a file: no notebook, another one, one under another name, and what can lie beside it."""

import os

import nbformat

from tests.submissions import EVERYTHING, FILE, NOTHING, as_bytes, cell, earns, right


@earns(NOTHING)
def empty(notebook, folder):
    """A file of no bytes."""
    return b""


@earns(NOTHING)
def cut_short(notebook, folder):
    """The first half of a right notebook."""
    whole = as_bytes(right(notebook))
    return whole[: len(whole) // 2]


@earns(NOTHING)
def not_json(notebook, folder):
    """A picture with the notebook's name."""
    return b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@earns(NOTHING)
def nested_without_end(notebook, folder):
    """JSON, but a list in a list in a list..."""
    return b"[" * 100_000


@earns(NOTHING)
def a_list(notebook, folder):
    """JSON, but a list of cells."""
    return as_bytes(notebook.cells)


@earns(NOTHING)
def cells_of_nothing(notebook, folder):
    """JSON, with cells that aren't any."""
    return as_bytes({**notebook, "cells": [None, 7, "cell", [], {"cell_type": 7, "source": {}, "metadata": 7}]})


@earns(NOTHING)
def too_large(notebook, folder):
    """Twenty million bytes, nearly all of them spaces."""
    return as_bytes(right(notebook)) + b" " * 20_000_000


@earns(NOTHING)
def another_notebook(notebook, folder):
    """The right name, and last week's exercise inside."""
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print('last week')")])


@earns(EVERYTHING)
def another_name(notebook, folder):
    """A right notebook as a browser names a second download."""
    (folder / "softmax_classifier (1).ipynb").write_bytes(as_bytes(right(notebook)))


@earns(EVERYTHING)
def wide_letters(notebook, folder):
    """Right, saved by an editor that takes two bytes for each letter."""
    return as_bytes(right(notebook)).decode().encode("utf-16")


@earns(EVERYTHING)
def name_in_capitals(notebook, folder):
    """Right, under the name as an old system writes it, with a draft beside it."""
    (folder / "SOFTMAX_CLASSIFIER.IPYNB").write_bytes(as_bytes(right(notebook)))
    (folder / "draft.ipynb").write_bytes(as_bytes(notebook)[:100])


@earns(EVERYTHING)
def in_a_folder(notebook, folder):
    """Right, in a folder in the submission, with what JupyterLab keeps beside it."""
    (folder / "my work" / ".ipynb_checkpoints").mkdir(parents=True)
    (folder / "my work" / ".ipynb_checkpoints" / "softmax_classifier-checkpoint.ipynb").write_bytes(as_bytes(notebook))
    (folder / "my work" / FILE).write_bytes(as_bytes(right(notebook)))


@earns(NOTHING)
def two_other_names(notebook, folder):
    """Two notebooks, neither of them under the assignment's name."""
    (folder / "draft.ipynb").write_bytes(as_bytes(notebook))
    (folder / "final.ipynb").write_bytes(as_bytes(right(notebook)))


@earns(NOTHING)
def name_without_letters(notebook, folder):
    """The first byte of a notebook, under a name in no encoding, as an old zip leaves one."""
    (folder / "\udcff.ipynb").write_bytes(b"{")


@earns(NOTHING)
def no_notebook(notebook, folder):
    """A text about the exercise."""
    (folder / "essay.txt").write_text("I have thought about it.")


@earns(NOTHING)
def nothing_at_all(notebook, folder):
    """An empty folder."""


@earns(NOTHING)
def folder_for_a_notebook(notebook, folder):
    """A folder with the notebook's name."""
    (folder / FILE).mkdir()
    (folder / FILE / "inner.ipynb").write_bytes(as_bytes(right(notebook)))


@earns(NOTHING)
def somebody_elses(notebook, folder):
    """A link to the notebook of a student who has everything right."""
    (folder / FILE).symlink_to(folder.parents[1] / "honest" / folder.name / FILE)


@earns(NOTHING)
def device(notebook, folder):
    """A link to a file that has no end."""
    (folder / FILE).symlink_to("/dev/zero")


@earns(NOTHING)
def pipe(notebook, folder):
    """A pipe that nobody writes into: whoever opens it waits for ever."""
    os.mkfifo(folder / FILE)


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
def timestamp_garbled(notebook, folder):
    """Right, handed in at no time that there is."""
    (folder / "timestamp.txt").write_bytes(b"\xff\xfe the day before yesterday")
    return right(notebook)


@earns(EVERYTHING)
def timestamp_huge(notebook, folder):
    """Right, with a timestamp of a hundred thousand digits."""
    (folder / "timestamp.txt").write_text("9" * 100_000)
    return right(notebook)


@earns(EVERYTHING)
def old_format(notebook, folder):
    """A right notebook, saved by a program of ten years ago."""
    return nbformat.writes(nbformat.convert(right(notebook), 3), 3).encode()


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
def own_launcher(notebook, folder):
    """Right, with a file beside it that Python would take for Jupyter's own, and start no kernel with."""
    (folder / "ipykernel_launcher.py").write_text("raise SystemExit(1)")
    return right(notebook)


@earns(NOTHING)
def own_library(notebook, folder):
    """Nothing written, and a `lib` of the student's own whose checks are always content."""
    (folder / "lib").mkdir()
    content = "type('checks', (), {'__getattr__': lambda *names: lambda *subjects: 4.0})()"
    (folder / "lib" / "__init__.py").write_text(f"checks = {content}")
    (folder / "lib" / "blanks.py").write_text("def load_ipython_extension(ip): pass")
    (folder / "lib" / "data.py").write_text("def __getattr__(name): return None")
    return notebook


@earns(EVERYTHING)
def own_names(notebook, folder):
    """Right, with files and folders beside it that bear the names of libraries, and none of them works."""
    for name in ("lib", "numpy", "matplotlib", "random", "json", "tensorflow", "IPython", "ipywidgets", "ast"):
        (folder / f"{name}.py").write_text("raise RuntimeError('the student has a file of this name')")
    for name in ("keras", "scipy", "orjson"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("")
    return right(notebook)


@earns(EVERYTHING)
def folder_for_a_page(notebook, folder):
    """Right; beside it lies a folder that is called as the feedback page will be."""
    (folder / "softmax_classifier.html").mkdir()
    (folder / "softmax_classifier.html" / "note.txt").write_text("a student's")
    return right(notebook)
