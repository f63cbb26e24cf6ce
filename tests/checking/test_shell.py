"""In a real IPython shell a check says which name isn't there, whose cell has failed, and what grading would check.

One table: the cells that a student runs, and what the last of them shows; "no ..." is what it must not show.
"""

import json
import subprocess
import sys
from typing import Any

RIGHT = "def loss(x):\n    return (x ** 2).mean()"
OTHER = RIGHT.replace("loss", "mine")
NO_COLON, NO_INDENT = RIGHT.replace("):", ")"), RIGHT.replace("    return", "return")
QUOTES = RIGHT.replace("    return", "    print(“loss”)\n    return")
MINUS = RIGHT.replace("    return", "    y = 1 − 2\n    return")
LAYER = "class Layer:\n    def forward(self, input):\n        self.output = input"
CHECK = "check.loss()"
FINE = ["4 of 4 points", "no not defined", "no Not tested"]
GONE = ["0 of 4", "loss is not defined yet. Run the cell that defines it first.", "no wrong", "not checked"]
AGAIN = "Correct that cell, run it, and run this check again."
FAILED = ["0 of 4", "Not tested: the last run of the cell that defines loss failed", AGAIN]
NEVER = ["0 of 4", "loss is not defined: the last run of the cell that defines loss failed (", "no has the old"]
NEVER += ["Correct that cell, and run it."]
TAKEN = "check is now a variable or a function of your own. Give it another name"
RELOAD = """import sys
for name in [name for name in sys.modules if name.partition('.')[0] == 'lib' or name == 'tests.checking.little']:
    del sys.modules[name]
from tests.checking.little import check
from lib.checking.subjects import watch
watch()"""
VALIDATE = "import os\nos.environ['NBGRADER_EXECUTION'] = 'validate'"
SCALED = RIGHT.replace("(x ** 2)", "scale * (x ** 2)")
MINE = ("b", "loss = mine")
UNIT = "%load_ext lib.blanks\nfrom lib.units.softmax_classifier import check"
OPEN = "prediction_limit = ?"
AT_A_BLANK = "prediction_limit is not defined: a blank in its cell is still open. Correct that cell, and run it."
GUESS, LIMIT = "prediction_limit = 2", "check.prediction_limit()"
PASTED = [*FAILED, 'Replace “ (left double quotation mark) by ", ” (right']

SHOWN: dict[str, tuple[list[Any], list[str]]] = {
    # Names that aren't there
    "undefined": ([CHECK], GONE),
    "one undefined": ([RIGHT, "check.slope()"], ["slope is not defined yet."]),
    "a check by a bare name": (["mine = check.loss", "mine()"], GONE),
    "inside another call": (["print(check.loss().note)"], ["loss is not defined yet."]),
    "after a reset": (["%reset -f", "from tests.checking.little import check", CHECK], GONE),
    "another call": (["len(nowhere)"], ["NameError"]),
    "given": ([RIGHT, "check.loss(loss)"], FINE),
    "other code": ([f"{RIGHT}\nmine = lambda x: loss(x)\ncheck.loss(mine)"], FINE),
    "too many": ([f"{RIGHT}\ncheck.loss(loss, 3)"], ["This check takes loss. It got 2 arguments."]),
    # A student's own variable called check
    "a list": (["check = [1]"], [TAKEN]),
    "a list's own methods": (["check = [1]", "check[0] = 1\ncheck.append(2)"], [f"no {TAKEN}"]),
    "deleted": (["del check", CHECK], [f"no {TAKEN}", "NameError"]),
    # Names of example cells, which grading doesn't run
    "of an example": (
        [("example", "scale = 1.0"), ("b", SCALED), ("c", CHECK)],
        ["0 of 4", "Nothing is called scale here"],
    ),
    "of another cell": ([("a", "scale = 1.0"), ("b", SCALED), ("c", CHECK)], FINE),
    "of a cell, then of an example": ([("a", "scale = 1.0"), ("example", "scale = 7"), SCALED, CHECK], FINE),
    "of an example, then of a cell": ([("example", "scale = 7"), ("a", "scale = 1.0"), SCALED, CHECK], FINE),
    "and it is still there": ([("example", "scale = 7"), SCALED, CHECK, "print('scale', scale)"], ["scale 7"]),
    # Cells that have failed
    "a colon": (
        [RIGHT, NO_COLON, CHECK],
        [*FAILED, "SyntaxError: expected ':', line 1 of the cell", "has the old loss"],
    ),
    "the indentation is lost": ([RIGHT, NO_INDENT, CHECK], [*FAILED, "IndentationError"]),
    "an error above the function": ([RIGHT, f"nowhere\n{RIGHT}", CHECK], [*FAILED, "(NameError)"]),
    "quotes were pasted": ([RIGHT, QUOTES, CHECK], PASTED),
    "never ran: a colon": ([NO_COLON, CHECK], [*NEVER, "SyntaxError"]),
    "never ran: an error above": ([f"nowhere\n{RIGHT}", CHECK], [*NEVER, "NameError"]),
    "never ran: a minus": ([MINUS, CHECK], [*NEVER, "Replace − (minus sign) by -."]),
    "broken beyond its def": ([("a", RIGHT), ("a", RIGHT.replace("def loss", "dfe los")), CHECK], FAILED),
    "defines it no more": ([("a", RIGHT), ("a", OTHER), CHECK], ["the cell that defined loss was run again"]),
    "failed, then without it": ([("a", NO_COLON), ("a", OTHER), CHECK], GONE),
    "a layer": ([LAYER, LAYER.replace("t):", "t)"), "check.layer()"], ["the cell that defines Layer failed"]),
    "runs again": ([RIGHT, RIGHT.replace(":", ""), RIGHT, CHECK], FINE),
    "moved to another cell": ([("a", RIGHT), ("a", "def"), ("b", RIGHT), CHECK], FINE),
    "run twice": ([("a", RIGHT), ("a", RIGHT), CHECK], FINE),
    "fails below the function": ([f"{RIGHT}\nnowhere", CHECK], FINE),
    "another cell fails": ([("a", RIGHT), ("b", "nowhere"), CHECK], FINE),
    "a cell that names it fails": ([RIGHT, "if loss == 3\n    pass", CHECK], FINE),
    "assigned by another cell": ([("a", f"{RIGHT}\nmine = loss"), MINE, MINE, CHECK], FINE),
    # A guess that is still open
    "an open guess": ([UNIT, OPEN, "prediction_limit # first"], [AT_A_BLANK, "no Traceback", "no comes from"]),
    "an open guess, checked": ([UNIT, OPEN, LIMIT], [AT_A_BLANK, "no Batch size"]),
    # A number is the same object in other cells too
    "a guess, failed": ([UNIT, GUESS, GUESS.replace("2", "("), LIMIT], ["Not tested: the last run of the cell that"]),
    "a guess elsewhere, failed": (
        [UNIT, GUESS, ("a", "prediction_epochs = 2"), ("a", "prediction_epochs = ("), LIMIT],
        ["✓ right", "no Not tested"],
    ),
    # nbgrader's validate shows the errors of checks alone, so these say it all.
    "under validate": ([VALIDATE, RIGHT, QUOTES, CHECK], ["CheckFailed", *PASTED]),
    # What is loaded anew stays for all rows below
    "after a reload": ([RELOAD, "check.layer()"], ["Layer is not defined yet."]),
}
RUN = """
import contextlib, io, json, os, sys
from types import SimpleNamespace
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
from lib.checking.subjects import watch
shown, quick = {}, Config(HistoryManager={"enabled": False})
for name, cells in json.load(sys.stdin).items():
    InteractiveShell.clear_instance()
    os.environ.pop("NBGRADER_EXECUTION", None)
    shell = InteractiveShell.instance(config=quick)
    sent = lambda: {"metadata": {"tags": ["skip-execution"] if id == "example" else []}}
    shell.kernel = SimpleNamespace(get_parent=sent)
    watch()  # as the import of a unit does in a kernel
    for id, cell in cells:
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
            ran = shell.run_cell(cell, store_history=True, cell_id=id)
    shown[name] = f"{ran.error_before_exec or ran.error_in_exec or ''!r}\\n{out.getvalue()}\\n{ran.result}"
print(json.dumps(shown))
"""
FIRST = "import numpy as np\nfrom tests.checking.little import check"


def test_the_last_cell_shows_what_is_so() -> None:
    given = {
        name: [(None, cell) if isinstance(cell, str) else cell for cell in (FIRST, *cells)]
        for name, (cells, _) in SHOWN.items()
    }
    ran = subprocess.run([sys.executable, "-c", RUN], input=json.dumps(given), capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    off = []
    for name, shown in json.loads(ran.stdout.splitlines()[-1]).items():
        words = " ".join(shown.split())
        for expected in SHOWN[name][1]:
            absent, fragment = expected.startswith("no "), " ".join(expected.removeprefix("no ").split())
            off += [(name, expected, words)] if (fragment in words) == absent else []
    assert not off, "\n".join(map(str, off))
