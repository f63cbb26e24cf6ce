"""How cells ended: a verdict says the error of the cell that was to define a name, and of no other."""

from typing import Any

import pytest
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from lib.blanks import OpenBlank
from lib.checking.challenges import SECRET, write_record
from lib.checking.student_code import Failure
from lib.grading.judge import words
from lib.grading.judge.judge import judge
from lib.grading.judge.verdict import PartVerdict
from lib.grading.pages.analysis import is_unknown, outcome
from lib.grading.pipeline import cell_results
from lib.grading.pipeline.cell_results import (
    VERSION,
    defined_below,
    first_definitions,
    may_need_newer_python,
    missing_names,
)
from tests.checking.desk import PARTS
from tests.sample_class import ANSWER_KEY

BROKEN = "def cce(y, yhat:\n    return 0\n\nclass Softmax(Layer):\n    pass\n\nrate = 1"
UNDEFINED = Failure("undefined", "cce is not defined.")


def cell(source: str, ename: str = "", evalue: str = "", id: str = "") -> NotebookNode:
    outputs = [new_output("error", ename=ename, evalue=evalue, traceback=[])] if ename else []
    metadata: dict[str, Any] = {"nbgrader": {"grade_id": id}} if id else {}
    return new_code_cell(source, outputs=outputs, metadata=metadata)


def judged(failure: Failure, missing: dict[str, Failure] | None = None, problem: str = "") -> PartVerdict:
    answers = None if problem else {SECRET: {"": write_record(failure)}}
    return judge(ANSWER_KEY, PARTS["check-cce"], 1, answers, problem, missing or {})


def test_all_that_a_cell_was_to_define_is_missing_for_its_error() -> None:
    found = missing_names([
        new_markdown_cell("def text(): pass"),
        cell("def fine(): pass"),
        cell(BROKEN, "SyntaxError", "'(' was never closed (99.py, line 1)", "loss"),
        cell("def helper(): pass\ndef cce(): pass", "ValueError", "no"),
    ])  # fmt: skip
    said = Failure("error", "The cell loss ended in SyntaxError: '(' was never closed (line 1).")
    assert found == {
        **dict.fromkeys(("cce", "Softmax", "rate"), said),
        "helper": Failure("error", "Cell 4 ended in ValueError: no."),
    }


def test_the_verdict_says_that_a_name_is_defined_too_late() -> None:
    cells = [
        cell("def helper(): pass"),
        cell("check.cce()"),
        cell("class Layer:\n    def forward(self): pass\nx == 1"),
        cell("def cce(y, yhat): pass\nhelper = 2\nrate = 1"),
        cell("def broken(): pass", "ValueError", "no"),
    ]
    late = defined_below(first_definitions(cells), 1)
    assert set(late) == {"Layer", "cce", "rate"}
    said = "A cell below this check defines cce. Move that cell above this check: a check uses the cells above it."
    assert [(one.state, words.why(one)) for one in judged(UNDEFINED, late).statements] == [("not checked", said)] * 2
    problem = "The check gave no answer. NameError: name 'cce' is not defined"
    assert judged(UNDEFINED, late, problem).problem == f"{problem}. {said}"
    assert not defined_below(first_definitions(cells), 4)


OPEN = "A blank on line 1 is still open: a number."
ENDED = "The cell loss ended in SyntaxError: invalid syntax (line 1)."
SAID = [
    (cell("cce = ?", OpenBlank.__name__, OPEN), ("open", OPEN, "open"), "left blank"),
    (
        cell(BROKEN, "SyntaxError", "invalid syntax (9.py, line 1)", "loss"),
        ("wrong", ENDED, "not checked"),
        "no points",
    ),
    (cell("def other(): pass", "E"), ("not checked", "cce is not defined.", "not checked"), "no answer"),
]


@pytest.mark.parametrize(("ended", "said", "came_to"), SAID, ids=["a blank", "an error", "nowhere"])
def test_the_verdict_says_why_a_name_is_missing(ended: NotebookNode, said: tuple[str, ...], came_to: str) -> None:
    verdict = judged(UNDEFINED, missing_names([ended]))
    first, second = verdict.statements
    assert (first.state, words.why(first), second.state) == said
    assert (verdict.points, outcome(verdict), is_unknown(verdict)) == (0, came_to, came_to == "no points")


def test_a_name_error_has_the_error_of_its_cell_behind_it() -> None:
    missing = {"helper": Failure("error", "Cell 4 ended in ValueError: no.")}
    raised = Failure("error", "It raised NameError: name 'helper' is not defined", "line 3: return helper(y)")
    statement = judged(raised, missing).statements[0]
    assert words.why(statement).endswith("not defined. Cell 4 ended in ValueError: no.")
    assert words.line(statement) == "line 3: return helper(y)"
    alone, explained = (
        [words.hint(each) for each in judged(*case).statements] for case in ((raised,), (raised, missing))
    )
    assert any(alone) and not any(explained), "there is nothing else to try"
    problem = "The check gave no answer. NameError: name 'helper' is not defined"
    assert judged(raised, missing, problem).problem == f"{problem}. Cell 4 ended in ValueError: no."
    assert judged(raised, {}, problem).problem == problem


NEWER = (
    'f"{", ".join(x)}"', "f'{d['a']}'", """f"{'\\n'.join(x)}\"""", 'f"""{x # c\n}"""', 'f"{d["a"]!r:>{w["b"]}}"',
)  # fmt: skip
"""What Python reads since 3.12."""


def test_only_what_a_newer_python_reads_may_need_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for source in NEWER if VERSION < (3, 12) else ():
        with pytest.raises(SyntaxError) as found:
            compile(source, "", "exec")
        assert may_need_newer_python(cell(source, "SyntaxError", found.value.msg))
    monkeypatch.setattr(cell_results, "VERSION", (3, 11))
    for error in (("SyntaxError", "'(' was never closed (99.py, line 1)"), ("ValueError", "f-string"), ()):
        assert not may_need_newer_python(cell(NEWER[0], *error))
    monkeypatch.setattr(cell_results, "VERSION", (3, 12))
    assert not may_need_newer_python(cell(NEWER[0], "SyntaxError", "f-string: expecting '}'"))
