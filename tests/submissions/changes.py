"""What students change in a few places: in a cell of the course, or by cells of their own. changes.txt has them all."""

import re
from functools import partial
from pathlib import Path

import nbformat

from tests.submissions import EVERYTHING, NOTHING, Submission, before, but, replaced, right

KERNEL = """
kernel = get_ipython().kernel
parent = kernel.get_parent()
def send(kind, content):
    kernel.session.send(kernel.iopub_socket, kind, content, parent=parent)
"""
FORGER = """
from lib.checking.challenges import MIME
class Forger:
    def __getattr__(self, name):
        return lambda *subjects: display({MIME: payload(name, subjects), 'text/plain': '4.0'}, raw=True)
real, check = check, Forger()
"""
MISSING = "\n".join(["1 / 0", *(f"a{each} = missing" for each in range(3000))])


def behind_all(notebook, code):
    notebook.cells.append(nbformat.v4.new_code_cell(code))
    return notebook


def read(text):
    for each in re.split(r"(?m)^== ", re.sub(r"(?m)^# .*\n", "", text))[1:]:
        head, *steps = re.split(r"(?m)^-- ", each)
        name, earned, *more = head.partition("\n")[0].split(" | ")
        how, *parts = earned.split()
        few = {part: int(points or 0) for part, _, points in (each.partition("=") for each in parts)}
        found = {"all": EVERYTHING, "none": NOTHING, "but": but(*few)}[how]
        yield Submission(name, partial(change, steps=steps, is_untouched=bool(more)), found, few)


def change(notebook, folder, steps, is_untouched):
    notebook = notebook if is_untouched else right(notebook)
    for step in steps:
        where, _, text = step.strip("\n").partition("\n")
        where, _, snippet = where.partition(" | with ")
        how, *places = where.split()
        if how == "in":
            old_and_new = where.partition(": ")[2].split(" -> ")
            replaced(notebook, places[0].removesuffix(":"), *old_and_new)
        elif how == "beside":
            (folder / places[0]).write_text(text)
        elif how == "behind":
            behind_all(notebook, text)
        else:
            for id in places:
                before(notebook, id, globals().get(snippet, "") + text)
    return notebook


CHANGED = [*read(Path(__file__).with_suffix(".txt").read_text())]
