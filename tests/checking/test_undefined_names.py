"""Names that aren't defined yet: in a real IPython shell a check says so, and nothing raises."""

import json
import subprocess
import sys

import pytest

RELOAD = """
import sys
for name in [name for name in sys.modules if name.partition(".")[0] == "lib"]:
    del sys.modules[name]
from lib.units.softmax_classifier import check
"""
ALIVE = """
ran = []
class Meta(type):
    def __instancecheck__(cls, other):
        ran.append("a metaclass")
    @property
    def of_type(cls):
        ran.append("a metaclass's property")
class Queue(metaclass=Meta):
    @property
    def next(self):
        ran.append("the property")
        return print
    @property
    def __class__(self):
        ran.append("__class__")
        return type(check.cce)
    def __getattr__(self, name):
        ran.append(name)
        raise AttributeError(name)
    def __call__(self, *given):
        pass
class Descriptor:
    def __get__(self, *given):
        ran.append("a descriptor")
        return print
class Owner:
    said = Descriptor()
q = Queue()
"""
CALLS = """
if False:
    q.next(q), q.missing(q), q(q), q.next.next(q), Queue.of_type(q), Owner.said(q), Owner().said(q)
    [q][0].next(q), (lambda: q)()(q)
print(ran)
q.next()
print(ran)
"""
CELLS = {
    "import": "from lib.units.softmax_classifier import check; check_cce = check.cce",
    "undefined": "check.cce(cce)",
    "two undefined": "check.cce_gradient(cce_gradient, cce)",
    "bare name": "check_cce(nowhere)",
    "nested": "print(check.cce(cce).note)",
    "name of one's own": "def CCE(y, yhat):\n    return 0\ncheck.cce(CCE)",
    "other calls": "len(nowhere)",
    "defined": "from math import log\ndef cce(y, yhat):\n    return 0\ncheck.cce(cce)",
    "other code": "check.cce(CCE)",
    "no code": "loss = 0.5\ncheck.cce(loss)",
    "second subject": "def cce_gradient(y, yhat):\n    return 0\ncheck.cce_gradient(cce_gradient, CCE)",
    "same code": "Cce = cce\ncheck.cce(Cce)",
    "name taken away": "del cce_gradient",
    "one undefined": "check.cce_gradient(cce_gradient, cce)",
    "fails inside": "check.cce(cce, nowhere.attribute)",
    "other code after it": "check.cce(CCE)",
    "student objects": ALIVE + CALLS,
    "keyword": "check.cce(cce=nowhere)",
    "setting": "check.cce_gradient(cce, nowhere)",
    "other ways": "import lib.units.softmax_classifier as unit, types\nours = types.SimpleNamespace(check=check)",
    "in a namespace": "ours.check.cce(nowhere)",
    "dotted": "unit.check.cce(nowhere)",
    "own variable": "check = [0.1]",
    "own variable's cell": "check[0] = 1\ncheck.append(2)",
    "check of a variable": "check.cce(cce)",
    "own calls": "class Own:\n    def train(self, name):\n        return name\ncheck = Own()",
    "call of it": "check.train('own')",
    "name deleted": "del check",
    "check of nothing": "check.cce(cce)",
    "reset": "%reset -f",
    "import again": "from lib.units.softmax_classifier import check",
    "after reset": "check.cce(cce)",
    "reload": RELOAD,
    "after reload": "check.softmax_forward(Softmax)",
}
RUN = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
shell = InteractiveShell.instance()
said = {}
for name, cell in json.load(sys.stdin).items():
    with capture_output() as captured:
        result = shell.run_cell(cell)
    error = result.error_before_exec or result.error_in_exec
    said[name] = [repr(error) if error else "", captured.stdout, str(result.result)]
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said() -> dict[str, list[str]]:
    """For each cell its error, its output and its result, all run one after the other in one shell."""
    run = subprocess.run(
        [sys.executable, "-c", RUN], input=json.dumps(CELLS), capture_output=True, text=True, check=True
    )
    answers: dict[str, list[str]] = json.loads(run.stdout)
    return answers


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("undefined", "cce is not defined yet. Run the cell that defines cce first."),
        ("two undefined", "cce_gradient is not defined yet."),
        ("bare name", "nowhere is not defined yet. Run the cell that defines cce first."),
        ("one undefined", "cce_gradient is not defined yet."),
        ("keyword", "nowhere is not defined yet. Run the cell that defines cce first."),
        ("setting", "nowhere is not defined yet. Run the cell that defines cce first."),
        ("in a namespace", "nowhere is not defined yet."),
        ("dotted", "nowhere is not defined yet."),
        ("after reset", "cce is not defined yet."),
        ("after reload", "Softmax is not defined yet."),
    ],
)
def test_a_check_of_a_name_that_isnt_there_says_so(cell: str, sentence: str, said: dict[str, list[str]]) -> None:
    error, _, result = said[cell]
    assert error == ""
    assert sentence in result
    assert "wrong" not in result
    assert "not checked" in result


def test_it_works_inside_other_calls(said: dict[str, list[str]]) -> None:
    assert "cce is not defined yet." in said["nested"][1]


def test_other_calls_raise_as_ever(said: dict[str, list[str]]) -> None:
    assert "NameError" in said["other calls"][0]
    assert "NameError" in said["fails inside"][0]


def test_to_read_a_cell_runs_nothing_of_the_students(said: dict[str, list[str]]) -> None:
    """A property runs when the cell runs, and once."""
    assert said["student objects"][:2] == ["", "[]\n\n['the property']\n"]


def test_a_variable_called_check_is_told_where_a_check_is_called(said: dict[str, list[str]]) -> None:
    """Python's own error, that a list has no attribute `cce`, doesn't say what to do."""
    told = "check is now a variable or a function of your own. Give it another name"
    assert told in said["check of a variable"][1]
    assert "AttributeError" in said["check of a variable"][0]
    for cell in ("own variable's cell", "call of it", "check of nothing"):
        assert told not in said[cell][1]


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("name of one's own", "This is a check of CCE. Grading checks cce, and nothing has this name."),
        (
            "other code",
            "This is a check of CCE. Grading checks cce, and that is other code. Give your code the name cce",
        ),
        ("other code after it", "This is a check of CCE. Grading checks cce, and that is other code."),
        ("no code", "This is a check of loss. Grading checks cce: put this name in the call. 1 ✗"),
        ("second subject", "This is a check of CCE. Grading checks cce, and that is other code."),
    ],
)
def test_code_that_is_checked_by_another_name_is_told_what_is_graded(
    cell: str, sentence: str, said: dict[str, list[str]]
) -> None:
    error, _, result = said[cell]
    assert error == ""
    assert sentence in " ".join(result.split())
    assert "1 ✗ wrong" in result


@pytest.mark.parametrize("cell", ["defined", "same code", "one undefined"])
def test_of_code_that_is_graded_nothing_is_remarked(cell: str, said: dict[str, list[str]]) -> None:
    assert "Grading checks" not in said[cell][2]


def test_names_that_are_there_are_checked(said: dict[str, list[str]]) -> None:
    assert said["defined"][0] == ""
    assert "✗ wrong" in said["defined"][2]
