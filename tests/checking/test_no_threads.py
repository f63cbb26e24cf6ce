"""Student code where there are no threads and no signals, as in a browser (WebAssembly): it still ends in time."""

import json
import subprocess
import sys

import pytest

SYSTEM = '''
"""A process in which threads can't be started and there is no timer, as Pyodide has it; what comes of each code."""
import functools, itertools, json, signal, sys, threading, warnings

def start(self):
    raise RuntimeError("can't start new thread")

threading.Thread.start = start
del signal.setitimer, signal.alarm

from lib.checking.student_code import Failure, run_student_code, run_each
from lib.explorer import runs
from lib.explorer.samples import BUILT_IN, load
from lib.explorer.runs import Network
from lib.explorer.widget import Explorer
from tests.explorer import student

def loop():
    while True: pass

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
    return functools.reduce(lambda a, b: b, itertools.count())

def nested():
    return run_student_code(loop, 0.05).kind

def interrupted():
    raise KeyboardInterrupt

def printing():
    print("heard"); print("heard", file=sys.stderr); warnings.warn("heard"); return 1.5

class Endless(student.Softmax):
    def backward(self, output_gradient, learning_rate=None):
        stubborn()

class Watching(student.Dense):
    traced = []

    def forward(self, input):
        self.traced.append(sys.gettrace() is not None)
        super().forward(input)

runs.TRACED = True  # as in a browser
network = Network(Watching, student.Softmax, student.cce, student.cce_gradient)
run = runs.Run(runs.Recipe(network), load(BUILT_IN["blobs"]), runs.Setting(0.1, 240))
for epochs in 1, 3:
    run.advance(epochs, seconds=60)

told = {"forward is traced": Watching.traced}
for code in loop, recursion, branching, stubborn_below, wordless, library, nested, interrupted, printing:
    outcome = run_student_code(code, 0.2)
    told[code.__name__] = [outcome.kind, outcome.text, outcome.line] if isinstance(outcome, Failure) else outcome
told["each"] = [getattr(outcome, "kind", outcome) for outcome in run_each([printing, loop, printing], 0.05)]
told["traced"] = sys.gettrace() is not None
told["explorer"] = Explorer(Network(student.Dense, Endless, student.cce, student.cce_gradient), "blobs").caption
print(json.dumps(told))
'''
LATE = ["time", "It was still running after 0.2 seconds. Is there a loop that never ends?", ""]
TOLD = {
    "forward is traced": [True] * 3 + [False] * 4,  # in the first epoch, and the look at shapes before it
    **dict.fromkeys(("loop", "branching", "stubborn_below", "wordless", "library"), LATE),
    "printing": 1.5,  # and nothing of what it printed, or there would be no JSON to read
    "nested": "time",
    "interrupted": ["error", "It raised KeyboardInterrupt.", ""],
    "each": [1.5, "time"],
    "traced": False,
}


@pytest.mark.slow
def test_code_that_never_ends_is_ended_and_other_code_gives_its_value_or_says_why_not() -> None:
    # Not as `-c`: from Python 3.13 on the lines of such a program are known.
    result = subprocess.run([sys.executable, "-"], input=SYSTEM, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    told = json.loads(result.stdout)
    assert told.pop("recursion")[1].startswith("It raised RecursionError: maximum recursion depth exceeded")
    explored = told.pop("explorer")
    assert "after 3 seconds. Is there a loop that never ends? That was" in explored and "in stubborn" in explored
    assert told == TOLD
