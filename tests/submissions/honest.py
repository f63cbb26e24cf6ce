"""What becomes of whole notebooks: open blanks, and cells whose outputs, metadata or texts are changed."""

import sys

import nbformat

from tests.submissions import EVERYTHING, NOTHING, before, but, cell, earns, replaced, right, table

HELPERS = """
import numpy
print(numpy.argmax(y))
def samples_in(y):
    return y.shape[1]
largest = lambda z: numpy.max(z, axis=0)
"""
JULIA = {"name": "julia-1.9", "display_name": "Julia", "language": "julia"}
FLAGS = ("grade", "solution", "locked", "task")


def _with_helpers(notebook):
    """Have the loss and the softmax layer take a step each from a helper."""
    replaced(right(notebook), "loss", "y.shape[1]", "samples_in(y)")
    return replaced(notebook, "softmax", "input.max(axis=0)", "largest(input)")


def in_each_cell(change):
    """Right, with a change in each of the course's cells, which is given with what nbgrader knows of it."""

    def make(notebook, folder):
        for found in right(notebook).cells:
            if "nbgrader" in found.metadata:
                change(found, found.metadata.nbgrader)
        return notebook

    return make


UNTOUCHED = table(NOTHING, untouched=lambda notebook, folder: notebook)


@earns(NOTHING)
def outputs_saved(notebook, folder):
    """The outputs of a better notebook are saved with the checks, and the kernel dies before any of them runs."""
    for found in notebook.cells:
        if found.source.startswith("check."):
            found.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "4.0"}, execution_count=1)]
    return before(notebook, "setup", "import os; os._exit(0)")


@earns(but("softmax-forward", "softmax-stable", "softmax-backward", "train"))
def blanks_open(notebook, folder):
    """The softmax layer and the training loop as they were released."""
    released = {id: cell(notebook, id).source for id in ("softmax", "train")}
    right(notebook)
    for id, source in released.items():
        cell(notebook, id).source = source
    return notebook


@earns(EVERYTHING)
def metadata_missing(notebook, folder):
    """Right, through a program that keeps no metadata but tags."""
    for found in right(notebook).cells:
        found.metadata = {"tags": found.metadata.get("tags", [])}
    notebook.metadata = {}
    return notebook


@earns(EVERYTHING)
def answer_doubled(notebook, folder):
    """Right, through a program that keeps no metadata, with two texts where the first answer was to be."""
    at = notebook.cells.index(cell(notebook, "explain-gradient"))
    metadata_missing.make(notebook, folder).cells.insert(at, nbformat.v4.new_markdown_cell("Or is it $1 - y$?"))
    return notebook


@earns(EVERYTHING)
def answer_beside(notebook, folder):
    """Right, with the first answer in a cell below the one that was meant for it."""
    answer = cell(right(notebook), "explain-gradient")
    notebook.cells.insert(notebook.cells.index(answer) + 1, nbformat.v4.new_markdown_cell(answer.source))
    answer.source = "YOUR ANSWER HERE"
    return notebook


@earns(EVERYTHING)
def metadata_mangled(notebook, folder):
    """Right, with metadata of every wrong type."""
    wrong = [None, "nbgrader", 7, [], {"grade_id": 7}, {"grade_id": ["loss"]}, {"grade_id": None, "points": "many"}]
    for at, found in enumerate(right(notebook).cells):
        found.metadata["nbgrader"] = wrong[at % len(wrong)]
        found.metadata.setdefault("tags", wrong[-at % len(wrong)])
    return notebook


@earns(EVERYTHING)
def helper_in_an_example(notebook, folder):
    """Right, with helpers behind the statements of an example that grading skips: it needs data of another one."""
    example = next(cell for cell in _with_helpers(notebook).cells if cell.get("id") == "one-hot")
    example.source = (
        f"y = np.eye(num_labels)[:, labels]\n{HELPERS}"  # without TensorFlow, which takes seconds to import
    )
    return notebook


@earns(EVERYTHING)
def locked_cells_with_magics(notebook, folder):
    """Right, with helpers in a file that the setup runs, between lines that IPython reads and Python doesn't."""
    (folder / "helpers.py").write_text(HELPERS.replace("print(numpy.argmax(y))", ""))
    cell(_with_helpers(notebook), "setup").source += "\nfiles = !ls\n%run helpers.py\nnp.argmax?"
    return notebook


@earns(EVERYTHING)
def locked_cells_rewritten(notebook, folder):
    """Right, with a method more in a given class, and a wrong function for a given one: the course's stays in force."""
    cell(right(notebook), "layer").source += "\n\n    def __call__(self, input):\n        return self.forward(input)"
    replaced(notebook, "train", "dlayer.forward(X[:, batch])", "dlayer(X[:, batch])")
    cell(notebook, "batch-indices").source = "def generate_batch_indices(num_samples, batch_size):\n    return []"
    return notebook


@earns(EVERYTHING)
def stopped_at_the_top(notebook, folder):
    """Right, but the cells begin with what is there for the student alone: a package, a magic, an example's data."""
    right(notebook)
    tops = {"loss": "import missing_package", "softmax": "%load_ext missing_package", "dense": "print(X.shape)"}
    for id, top in tops.items():
        cell(notebook, id).source = f"{top}\n{cell(notebook, id).source}"
    cell(notebook, "train").source += "\n1 / 0  # what follows is old\ntrain = None"
    return notebook


@earns(EVERYTHING)
def examples_slow_or_wrong(notebook, folder):
    """Right, with each example changed: some never end, some end in an error, and some can't be read."""
    changes = ("while True:\n    __import__('time').sleep(1)", "missing.thing()", "def half(:")
    examples = [found for found in right(notebook).cells if "skip-execution" in found.metadata.get("tags", ())]
    for at, found in enumerate(examples):
        found.source += "\n" + changes[at % 3 if at < 6 else 1]
    return notebook


@earns(EVERYTHING if sys.version_info >= (3, 12) else but("cce", "cce-gradient"))
def newer_python(notebook, folder):
    """Right, with an f-string that Python reads since 3.12."""
    cell(right(notebook), "loss").source += """\nprint(f'{', '.join("ab")}')"""
    return notebook


GOOD = table(
    EVERYTHING,
    honest=lambda notebook, folder: right(notebook),
    checks_deleted=lambda notebook, folder: (
        right(notebook) | {"cells": [cell for cell in notebook.cells if not cell.source.startswith("check.")]}
    ),
    checks_changed=in_each_cell(lambda found, own: found.update(source="2.0") if own.locked else None),
    reversed_order=lambda notebook, folder: right(notebook) | {"cells": notebook.cells[::-1]},
    types_changed=in_each_cell(
        lambda found, own: found.update(cell_type="raw" if own.solution else ("code", "markdown")[own.grade])
    ),
    flags_flipped=in_each_cell(lambda found, own: own.update({flag: not own[flag] for flag in FLAGS}, points=1000)),
    ids_renamed=in_each_cell(lambda found, own: own.update(grade_id=f"{own.grade_id}-1")),
    # As nbgrader wrote it years ago, or will in years to come.
    schema_old=in_each_cell(
        lambda found, own: found.metadata.update(
            nbgrader={"grade_id": own.grade_id, "schema_version": (1, 99)[len(found.source) % 2]}
        )
    ),
    other_kernel=lambda notebook, folder: right(notebook) | {"metadata": notebook.metadata | {"kernelspec": JULIA}},
    # A longer comment than anybody would write who has nothing to hide there.
    much_commented=lambda notebook, folder: before(right(notebook), "loss", "#" * 30_000),
)
