"""Student code where there are no threads and no signals, as in a browser (WebAssembly): it still ends in time."""

import json
import subprocess
import sys

SYSTEM = '''
"""A process in which threads can't be started and there is no timer, as Pyodide has it; what comes of each code."""
import itertools, json, signal, sys, threading, warnings

def start(self):
    raise RuntimeError("can't start new thread")

threading.Thread.start = start
del signal.setitimer, signal.alarm

from lib.blanks import OpenBlank
from lib.checking.student_code import Failure, run_student_code, run_each

def loop():
    while True: pass

def comprehension():
    return [0 for _ in itertools.count()]

def generator():
    return sum(1 for _ in iter(int, 1))

def recursion():
    return recursion()

def branching(depth=100):
    return branching(depth - 1) + branching(depth - 1) if depth else 1

def stubborn():
    while True:
        try:
            while True: pass
        except BaseException: pass

def stubborn_below():
    while True:
        try:
            stubborn()
        except BaseException as error:
            print(error)

class Wordless(Exception):
    def __str__(self):
        while True: pass

def wordless():
    raise Wordless

def library():
    import functools
    return functools.reduce(lambda a, b: b, itertools.count())

def nested():
    return run_student_code(loop, 0.05).kind

def leaving():
    sys.exit(3)

def interrupted():
    raise KeyboardInterrupt

def blank():
    raise OpenBlank("Blank 1 of 1 on line 2 is still open.")

def failing():
    return [][1]

def printing():
    print("heard"); print("heard", file=sys.stderr); warnings.warn("heard"); return 1.5

'''
CODES = """
codes = [loop, comprehension, generator, recursion, branching, stubborn, stubborn_below, wordless, library,
         nested, leaving, interrupted, blank, failing, printing]
told = {}
for code in codes:
    outcome = run_student_code(code, 0.2)
    told[code.__name__] = [outcome.kind, outcome.text, outcome.line] if isinstance(outcome, Failure) else outcome
told["each"] = [getattr(outcome, "kind", outcome) for outcome in run_each([printing, loop, printing], 0.05)]
told["traced"] = sys.gettrace() is not None
print(json.dumps(told))
"""
EXPLORER = """
from lib.explorer.training import Network
from lib.explorer.widget import Explorer
from tests.explorer import student

class Endless(student.Softmax):
    def backward(self, output_gradient, learning_rate=None):
        stubborn()

captions = []
for Softmax in (student.Softmax, Endless):
    captions.append(Explorer(Network(student.Dense, Softmax, student.cce, student.cce_gradient), "blobs").caption)
print(json.dumps(captions))
"""
LATE = ["time", "It was still running after 0.2 seconds. Is there a loop that never ends?", ""]
TOLD = {
    **dict.fromkeys(("loop", "comprehension", "generator", "branching", "stubborn"), LATE),
    **dict.fromkeys(("stubborn_below", "wordless", "library"), LATE),
    "printing": 1.5,  # and nothing of what it printed, or there would be no JSON to read
    "nested": "time",
    "leaving": ["error", "It raised SystemExit: 3", ""],
    "interrupted": ["error", "It raised KeyboardInterrupt.", ""],
    "blank": ["blank", "Blank 1 of 1 on line 2 is still open.", ""],
    "each": [1.5, "time"],
    "traced": False,
}


def run(code: str) -> object:
    # Not as `-c`: from Python 3.13 on the lines of such a program are known.
    result = subprocess.run([sys.executable, "-"], input=SYSTEM + code, capture_output=True, text=True, timeout=300)
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout)


def test_code_that_never_ends_is_ended_and_other_code_gives_its_value_or_says_why_not() -> None:
    told = run(CODES)
    assert isinstance(told, dict)
    assert told.pop("recursion")[1].startswith("It raised RecursionError: maximum recursion depth exceeded")
    assert told.pop("failing")[:2] == ["error", "It raised IndexError: list index out of range"]
    assert told == TOLD


def test_the_explorer_works_and_says_what_never_ends() -> None:
    right, endless = run(EXPLORER)  # type: ignore[misc]  # a list of two
    assert right.startswith("Learning rate 0.1, batch size 16. After")
    assert "It was still running after 3 seconds. Is there a loop that never ends?" in endless
    assert "in stubborn" in endless
