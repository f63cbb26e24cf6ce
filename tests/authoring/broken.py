"""Broken units: each a copy of a unit that works, with one thing made wrong, and what its author is told first.

`held` says whether it holds a release up. What is found has no traceback and nothing that would only follow.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import nbformat

from tests.authoring.own_unit import MISTAKES, NOTEBOOK, OPEN, UNIT, flagged

Change = Callable[[Path], object]
ANSWER = "w - rate * gradient(w, X, y)"
LOSS = "return np.mean((y - yhat) ** 2)"


class Broken(NamedTuple):
    """What is changed, what is said of it, whether it holds a release up, how many faults are told, and what else is.

    Of what can't be imported none is: one sentence says so.
    """

    change: Change
    says: str
    held: bool = True
    faults: int = 1
    also: tuple[str, ...] = ()
    part: str = ""
    """The one part to check: another case breaks the same law, and shows what follows from it in the notebook."""


def text(file: str, old: str, new: str) -> Change:
    def change(course: Path) -> None:
        path = course / file
        before = path.read_text()
        assert old in before, (file, old)
        path.write_text(before.replace(old, new, 1))

    return change


def code(old: str, new: str) -> Change:
    return text(NOTEBOOK, json.dumps(old)[1:-1], json.dumps(new)[1:-1])


def cells(change: Callable[[nbformat.NotebookNode], object]) -> Change:
    """Change the notebook as data: nbformat would mend or refuse what authors' tools may write."""

    def changed(course: Path) -> None:
        notebook = nbformat.read(course / NOTEBOOK, as_version=4)
        change(notebook)
        (course / NOTEBOOK).write_text(json.dumps(notebook))

    return changed


def own(nb: nbformat.NotebookNode, id: str) -> nbformat.NotebookNode:
    return next(cell for cell in nb.cells if cell.id == id)


def flags(id: str, **changed: object) -> Change:
    """Write into a cell what Create Assignment does, with changes."""

    def change(nb: nbformat.NotebookNode) -> None:
        own(nb, id).metadata.setdefault("nbgrader", flagged(id, "").metadata.nbgrader).update(changed)

    return cells(change)


def more(source: str, id: str = "more", **metadata: object) -> Change:
    return cells(lambda nb: nb.cells.append(nbformat.v4.new_markdown_cell(source, id=id, metadata=metadata)))


def both(*changes: Change) -> Change:
    return lambda course: [change(course) for change in changes]


def attach(nb: nbformat.NotebookNode) -> None:
    cell = nbformat.v4.new_markdown_cell("Look.", id="look")
    cell.attachments = {"a.txt": {"text/plain": ANSWER}}
    nb.cells.append(cell)


def give_away(nb: nbformat.NotebookNode) -> None:
    """Define the loss in a cell before its check, where a reader of right code doesn't look."""
    source = "exec('def loss(y, yhat): return np.square(yhat - y).mean()')"
    nb.cells.insert(nb.cells.index(own(nb, "check-loss")), nbformat.v4.new_code_cell(source))


def write(file: str, content: str) -> Change:
    def change(course: Path) -> None:
        (course / file).parent.mkdir(parents=True, exist_ok=True)
        (course / file).write_text(content)

    return change


CHECK = "'check-loss'"
LEAKS = tuple(
    f"{place}: it shows the answer to the blank"
    for place in (
        f"{NOTEBOOK}, cell 'tip'",
        f"solutions/{UNIT}/figures/plot.svg:2",
        "cell 'more', metadata",
        "cell 'look', attachments",
        f"{NOTEBOOK}, metadata",
        f"{OPEN}:8",
        f"units/{UNIT}/.notes:1",
    )
)
BROKEN = {
    # the notebook
    "missing check cell": Broken(
        cells(lambda nb: nb.cells.remove(own(nb, "check-fit"))), "a Part without its own cell"
    ),
    "a check cell twice": Broken(
        cells(lambda nb: nb.cells.append(flagged("check-fit", "check.fit()"))),
        f"{NOTEBOOK}, cell 'check-fit': several cells with the same id.\nFound:    2 of them",
    ),
    "part id without cell": Broken(
        both(
            text(OPEN, 'Part("check-loss"', 'Part("check-los"'),
            text(MISTAKES, "[check-loss]", "[check-los]"),
            text(MISTAKES, "[[check-loss.", "[[check-los."),
            text(MISTAKES, "[[check-loss.", "[[check-los."),
        ),
        "such as 'check-los'",
        faults=2,
    ),
    "mistakes of no part": Broken(
        text(OPEN, 'Part("check-loss"', 'Part("check-los"'),
        "mistakes.toml, check-loss: there is no such part (units/linear_regression/closed/mistakes.toml:3)",
        faults=0,
    ),
    "other points in the cell": Broken(flags("check-loss", points=5), "other points than the Part's.\nFound:    5"),
    "a text as points": Broken(flags("check-loss", points="3"), "points that are not a number.\nFound:    '3'"),
    "a check that a person grades": Broken(
        flags("check-loss", solution=True, points=2), "is not one that only tests grade", faults=2
    ),
    "marker misspelt": Broken(code("#? return ?", "# ? return ?"), "cell 'loss', line 2: a misspelt marker"),
    "marker in a check cell": Broken(
        code("check.fit()", "check.fit()  #? check.fit(?)  # x"), "a marker in a cell that is not a solution"
    ),
    "region in code": Broken(
        code("check.fit()", "### BEGIN SOLUTION\ncheck.fit()\n### END SOLUTION"), "a solution region in code"
    ),
    "no notebook": Broken(
        lambda course: (course / NOTEBOOK).unlink(), "a unit without its solution notebook", faults=0
    ),
    "a kernel that dies": Broken(
        code("%load_ext lib.blanks", "%load_ext lib.blanks\nimport os; os._exit(3)"), "can't be run as submissions are"
    ),
    "a solution that is wrong": Broken(
        code("check.loss()", "del np\ncheck.loss()"),
        f"{NOTEBOOK}, cell 'check-loss': the solution does not earn its points",
    ),
    "an untouched notebook earns points": Broken(cells(give_away), "the unchanged student notebook earns points"),
    # what students get
    "leaks everywhere": Broken(
        both(
            more(f"Hint: `{ANSWER}`", "tip"),
            write(f"solutions/{UNIT}/figures/plot.svg", f"<svg>\n<text>{ANSWER}</text></svg>"),
            more("Look.", note=ANSWER),
            cells(attach),
            cells(lambda nb: nb.metadata.update(title=ANSWER)),
            text(OPEN, "def draw(rng)", f"# {ANSWER}\ndef draw(rng)"),
            write(f"units/{UNIT}/.notes", ANSWER),
        ),
        LEAKS[0],
        faults=len(LEAKS),
        also=LEAKS[1:],
    ),
    "right code in the open half": Broken(
        text(
            OPEN,
            "def draw(rng)",
            "def helper(w, X, y, rate, steps):\n    for _ in range(steps):\n        w = w - rate * gradient(w, X, y)\n"
            "    return w\n\n\ndef draw(rng)",
        ),
        f"{OPEN}:10: it shows the answer to the blank at",
    ),
    "open half imports the closed one": Broken(
        text(OPEN, "def draw(rng)", "def peek():\n    from .closed import right\n\n\ndef draw(rng)"),
        f"{OPEN}: a file for students that imports answers",
    ),
    "open half imports the reference": Broken(
        text(OPEN, "import numpy as np", "import numpy as np\nfrom lib.reference import Dense"),
        "that imports answers.\nFound:    lib.reference.Dense",
    ),
    "a package that students may not have": Broken(
        text(OPEN, "import numpy as np", "import numpy as np\nimport tqdm"),
        f"{OPEN}: tqdm is imported, which students may not have",
    ),
    "a package that isn't installed": Broken(
        text(OPEN, "PARTS = ", 'PACKAGES = ("nosuch>=2",)\nPARTS = '),
        f"{OPEN}: a unit that needs nosuch>=2.\nFound:    it is not installed here",
    ),
    "no right code": Broken(
        code("def loss", "def los"),
        f"LookupError: no cell of a notebook in solutions/{UNIT} defines loss, the subject of a check",
        faults=0,
    ),
    # right code, draws and statements
    "right code at random": Broken(
        code(LOSS, f"{LOSS} + np.random.default_rng().normal()"),
        "mean: right code is wrong, of 'check-loss'",
        part="loss",
    ),
    "right code that fails": Broken(
        code(LOSS, f"{LOSS} + nothing"),
        f"the right code of {UNIT}: {LOSS} + nothing: the unit's own code fails, of 'check-loss', on the inputs",
    ),
    "a draw on which right code fails": Broken(
        text(
            OPEN,
            'return {"y": y',
            'y = y if y[0] < 1.9 else None\n    return {"y": y',
        ),
        f"{OPEN}:12: the unit's own code fails, of 'check-loss', drawn from seed 4",
        part="loss",
    ),
    "a draw that isn't of its seed": Broken(
        text(OPEN, "rng.uniform(0.5, 3", "np.random.uniform(0.5, 3"),
        f"{OPEN}:8: the draw of 'check-loss' returns other inputs each time",
    ),
    "a draw that fails": Broken(
        text(OPEN, "int(rng.integers(4, 9))", "int(rng.integer(4, 9))"),
        "the unit's own code fails, of 'check-loss', on the inputs of the local check.\nFound:    AttributeError",
        part="loss",
    ),
    "a look that fails": Broken(
        text(OPEN, 'loss(inputs["y"]', 'loss(inputs["z"]'), f"{OPEN}:22: the unit's own code fails", part="loss"
    ),
    "a look that returns a dict": Broken(
        both(
            text(OPEN, "    points=2,", '    points=2,\n    of=("value",),'),
            text(OPEN, 'loss(inputs["y"], inputs["yhat"])', '{"value": loss(inputs["y"], inputs["yhat"])}'),
        ),
        "The check returned no value. To mend it, return NamedResults(value=…) of lib.unit.",
        part="loss",
    ),
    "the same on many draws": Broken(
        text(OPEN, "    y = rng", "    rng = np.random.default_rng(rng.integers(3))\n    y = rng"),
        f"the part {CHECK} has the same right results on many draws",
    ),
    "an example is wrong": Broken(
        text(OPEN, "4.5),)", "5.5),)"), "mean: right code is wrong, of 'check-loss', on the", part="loss"
    ),
    # mistakes
    "a mistake earns points": Broken(
        text(MISTAKES, "'np.mean' = 'np.sum'", "'np.mean' = '1 * np.mean'"),
        f"{MISTAKES}:9: the mistake 'The squared differences are summed, not averaged' of 'check-loss': a mistake that"
        " earns all points.",
    ),
    "a mistake is lucky": Broken(
        text(MISTAKES, "'np.mean' = 'np.sum'", "'np.mean(' = 'np.divide(1, 1 if y[0] < 1.2 else 2) * np.mean('"),
        "a mistake that earns all points in some draws",
        part="loss",
    ),
    "a mistake can't be run": Broken(
        text(MISTAKES, "'np.mean' = 'np.sum'", "'np.mean(' = 'averag('"),
        "changed code that can't be run.\nFound:    It raised NameError: name 'averag' is not defined",
        part="loss",
    ),
    "a mistake that nothing tells": Broken(
        text(MISTAKES, "'np.mean' = 'np.sum'", "'np.mean(' = 'np.summ('"),
        "a mistake without results of its own",
        held=False,
        also=("Found:    way 1: other code has the same results",),
    ),
    "two faults": Broken(
        both(more(f"Hint: `{ANSWER}`", "tip"), text(MISTAKES, "'np.mean' = 'np.sum'", "'np.mean(' = 'np.summ('")),
        "cell 'tip': it shows the answer to the blank at",
        faults=2,
    ),
}
