"""Help below a failed check: a hint, the student's own lines, a worked example; and a question once it is right."""

import re
from collections.abc import Mapping

import pytest

from lib.answer_key import AnswerKey
from lib.authoring.make_fingerprints import build
from lib.checking import fingerprints, help
from lib.checking.dispatch import Check
from lib.checking.render import TITLES, WHY, Report
from lib.checking.student_code import Budget
from lib.mistakes import Mistake
from lib.unit import Part, Unit
from tests.checking.desk import KEYS
from tests.checking.little import LAYER, LOSS, SLOPE, check
from tests.variants import written

RIGHT = "def loss(x):\n    return (x ** 2).mean()"
SUM = "def loss(x):\n    # add them up\n    squares = x ** 2\n\n    return squares.sum()"
HALF = "def loss(x):\n    return (x ** 2).mean() - (x.dtype == int)"
MISTAKES = (
    Mistake(LOSS.id, "The squares are summed", "Divide by how many there are.", (SUM,)),
    Mistake(LOSS.id, "Whole numbers are one less", "Leave them as they are.", (HALF,)),
)
EXAMPLES = {
    "names": "x = np.array([1, 3])",
    LOSS.id: {
        "given": "Two numbers,\n1 and 3.",
        "names": "y = x[:1]",
        "steps": [{"text": "1", "by_hand": 1, "code": "loss(y)"}, {"text": "2", "by_hand": [5], "code": "[loss(x)]"}],
    },
    LAYER.id: {
        "given": "A column.",
        "steps": [{"text": "it", "by_hand": [1, 3], "code": "column(Layer().forward(x[:, None]), 0)"}],
    },
}


@pytest.fixture(autouse=True)
def unit(monkeypatch: pytest.MonkeyPatch) -> None:
    right = {"loss": written(RIGHT)["loss"], "slope": None, "Layer": None}
    at_desk = build(AnswerKey(Unit("little", "Little", (LOSS,)), right, MISTAKES))
    monkeypatch.setattr(fingerprints, "read", lambda package: at_desk)
    monkeypatch.setattr(help, "read_examples", lambda package: EXAMPLES)


def report(source: str, part: Part = LOSS) -> Report:
    code = written(source)
    found = Check(part, "little")(*(code[name] for name in part.subjects))
    assert isinstance(found, Report)
    return found


def steps(source: str, part: Part = LOSS) -> list[tuple[str, bool]]:
    """What the worked example shows of code: what is found, and whether it agrees with the result by hand."""
    found = report(source, part).help
    assert found and found.example
    return [(step.found, step.agrees) for step in found.example.steps]


def words(report: Report) -> str:
    return " ".join(str(report).split())


def test_the_steps_of_help_come_in_order_and_are_closed() -> None:
    before, *behind = re.split(r"<details[^>]*><summary[^>]*>", report(SUM)._repr_html_())
    assert [each.partition("</summary>")[0] for each in behind] == [*TITLES]
    assert "<details open" not in before and "expected 0.49635" in before
    for word, each in zip(("The squares are summed", "return squares.sum()", "by hand"), behind, strict=True):
        assert word.lower() in each.lower() and word not in before


def test_what_is_right_open_or_not_run_has_no_help() -> None:
    blank = report("from lib.blanks import OpenBlank\ndef loss(x):\n    raise OpenBlank('Blank 1.')")
    for each in (report(RIGHT), blank, check.loss()):
        assert "<details" not in each._repr_html_() and "----" not in str(each)


def test_each_mistake_is_named_and_what_none_explains_has_the_statements_hint() -> None:
    fits = "Your results fit this mistake: "
    both = words(report(SUM))
    assert f"{fits}The squares are summed. Try: Divide" in both
    two = words(report("def loss(x):\n    return 2 * (x ** 2).mean() if x.dtype == float else (x ** 2).mean() - 1"))
    assert f"{fits}Whole numbers are one less. Try: Leave" in two
    assert "Statement 1. Try: Square by hand." in two and "Statement 4" not in two
    none = words(report("def loss(x):\n    return 7.7"))
    assert fits not in none and "Statement 1. Try: Square by hand. Statement 4. Try: Leave" in none


def test_a_corrected_mistake_is_told_once_with_a_question_to_answer_for_oneself() -> None:
    own, right, wrong = Check(LOSS, "little"), written(RIGHT)["loss"], written(SUM)["loss"]
    none = written("def loss(x):\n    return 0.0")["loss"]
    assert "corrected" not in str(own(right)) + str(own(wrong)) + str(own(none))
    corrected = own(right)
    assert "You have corrected this mistake: The squares are summed." in words(corrected)
    assert WHY in words(corrected) and "<details" not in corrected._repr_html_()
    assert "corrected" not in str(own(right))


LONG = "def loss(x):\n    a = 1\n    b = 2\n    c = x.mean()\n    {}\n    return c"
PLACES = {
    # Code, the numbers of the lines that are shown, and of those that are marked: what the failed statement is about
    SUM: ([1, 3, 5], [5]),
    "def loss(x):\n    a = x\n    return a": ([1, 2, 3], []),
    LONG.format("d = a"): ([1, 2, 3, 4, 5, 6], [4]),
    LONG.format("d = nowhere"): ([1, 2, 3, 4, 5, 6], [5]),  # that it raised an error is certain
    "def loss(x): return x": ([1], []),
    "import numpy as np\nloss = np.dot": ([], []),
    "def loss(x):\n" + "    x = x + 1\n" * 20 + "    return x.mean()": ([*range(1, 23)], [22]),
    "def loss(x):\n    def of_one(each):\n        return each\n    return [of_one(each) for each in x]": (
        [1, 2, 3, 4],
        [],
    ),
}
KEEPS = """class Layer:
    def __init__(self):
        self.factor = 2

    def forward(self, input):
        return self.factor * input"""


def test_all_lines_are_shown_and_those_marked_that_the_failed_statement_is_about() -> None:
    for source, (numbers, marked) in PLACES.items():
        place = getattr(report(source).help, "place", None)
        lines = place.lines if place else ()
        assert ([n for n, *_ in lines], [n for n, _, is_marked in lines if is_marked]) == (numbers, marked), source
        assert not place or place.function == "loss"
    layer = report(KEEPS, LAYER).help
    assert layer and layer.place and layer.place.function == "Layer.forward"
    assert [number for number, *_ in layer.place.lines] == [2, 3, 5, 6]


LAYER_OF = "class Layer:\n    def forward(self, input):\n        return "
NOT_REAL = "The result is not an array of real numbers."
FOUND = {
    SUM: [("1", True), ("[10.0]", False)],
    "def loss(x):\n    raise ValueError('<b>no</b>')": [("It raised ValueError: <b>no</b>", False)] * 2,
    "def loss(x):\n    return None": [
        ("The result is missing. Found None, expected numbers.", False),
        (f"{NOT_REAL} Found list, expected a NumPy array of numbers.", False),
    ],
    "def loss(x):\n    return x * 1e308 * 10": [("inf", False), ("[[inf, inf]]", False)],
    "def loss(x):\n    x += 1\n    return x.mean() - 1": [("1", True), ("[2.0]", False)],
    f"{LAYER_OF}input.ravel()": [("The result is not a matrix. Found shape (2,).", False)],
    f"{LAYER_OF}1.7e308 + 0 * input": [("[1.7e+308, 1.7e+308]", False)],
}


@pytest.mark.filterwarnings("error")
def test_a_worked_example_shows_the_students_numbers_or_why_there_are_none() -> None:
    found = {source: steps(source, LAYER if source.startswith("class") else LOSS) for source in FOUND}
    assert found == FOUND


def test_a_part_without_an_example_has_none_and_an_authors_slip_costs_no_report(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = report(f"{RIGHT}\ndef slope(x):\n    return x", SLOPE).help
    assert found and found.example is None
    monkeypatch.setattr(help, "read_examples", lambda package: {LOSS.id: {"given": "No steps."}})
    assert "Statement 1." in words(report("def loss(x):\n    return 7.7"))


OF_UNITS = help.read_examples


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.unit.name)
def test_a_units_examples_agree_with_right_code_and_show_what_two_samples_can_show(
    key: AnswerKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a rounded result, an overwritten argument, or the second step of a layer."""
    monkeypatch.setattr(help, "read_examples", OF_UNITS)
    package = f"lib.units.{key.unit.name}"
    assert {*OF_UNITS(package)} - {"names"} <= {part.id for part in key.parts}

    def agrees(part: Part, code: Mapping[str, object]) -> bool:
        subjects = tuple({**key.right, **code}[name] for name in part.subjects)
        found = help.work_example(part, subjects, package, Budget(20))
        assert found
        return all(step.agrees for step in found.steps)

    for part in (part for part in key.parts if part.id in OF_UNITS(package)):
        ours = [each for each in key.mistakes if each.part == part.id and not each.is_generic]
        hidden = [each.name for each in ours if agrees(part, next(each.objects(key.right)))]
        assert agrees(part, {})
        assert len(hidden) <= 0.2 * len(ours), (part.id, hidden)
