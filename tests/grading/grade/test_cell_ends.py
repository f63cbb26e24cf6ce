"""How cells ended: a verdict says the error of the cell that was to define a name, and of no other."""

from typing import Any

import pytest
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from lib.blanks import OpenBlank
from lib.checking.answers import SECRET, write_record
from lib.checking.student_code import Failure
from lib.grading.grade import cell_ends
from lib.grading.grade.cell_ends import (
    VERSION,
    come_too_late,
    first_definitions,
    may_need_newer_python,
    missing_names,
)
from lib.grading.judge.judge import judge
from lib.grading.judge.verdict import PartVerdict
from lib.grading.pages.analysis import found_in, is_unknown, outcome
from lib.units.softmax_classifier.closed import ANSWER_KEY
from tests.grading.judge.test_judge import part_of

BROKEN = "def cce(y, yhat:\n    return 0\n\nclass Softmax(Layer):\n    pass\n\nrate = 1"
UNDEFINED = Failure("undefined", "cce is not defined.")


def cell(source: str, ename: str = "", evalue: str = "", id: str = "") -> NotebookNode:
    outputs = [new_output("error", ename=ename, evalue=evalue, traceback=[])] if ename else []
    metadata: dict[str, Any] = {"nbgrader": {"grade_id": id}} if id else {}
    return new_code_cell(source, outputs=outputs, metadata=metadata)


def judged(failure: Failure, missing: dict[str, Failure] | None = None, problem: str = "") -> PartVerdict:
    part = part_of("check-cce")
    return judge(
        ANSWER_KEY, part, 1, None if problem else {SECRET: {"": write_record(failure)}}, problem, missing or {}
    )


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
        cell("check.cce(cce)"),
        cell("class Layer:\n    def forward(self): pass\nx == 1"),
        cell("def cce(y, yhat): pass\nhelper = 2\nrate = 1"),
        cell("def broken(): pass", "ValueError", "no"),
    ]
    late = come_too_late(first_definitions(cells), 1)
    assert set(late) == {"Layer", "cce", "rate"}
    said = "A cell further down defines cce. Move it above this check: a check uses the cells above it."
    assert [(one.state, one.why) for one in judged(UNDEFINED, late).statements] == [("not checked", said)] * 2
    problem = "The check gave no answer. NameError: name 'cce' is not defined"
    assert judged(UNDEFINED, late, problem).problem == f"{problem}. {said}"
    assert not come_too_late(first_definitions(cells), 4)


def test_an_open_blank_stays_one() -> None:
    sentence = "Blank 1 of 1 on line 1 is still open: a number."
    missing = missing_names([cell("cce = ?", OpenBlank.__name__, sentence)])
    assert missing == {"cce": Failure("blank", sentence)}
    verdict = judged(UNDEFINED, missing)
    assert {one.state for one in verdict.statements} == {"open"} and outcome(verdict) == "left blank"


def test_the_verdict_says_why_a_name_is_missing() -> None:
    missing = missing_names([cell(BROKEN, "SyntaxError", "invalid syntax (9.py, line 1)", "loss")])
    verdict = judged(UNDEFINED, missing)
    said = "The cell loss ended in SyntaxError: invalid syntax (line 1)."
    first, second = verdict.statements
    assert (first.state, first.why, second.state, verdict.points) == ("wrong", said, "not checked", 0)
    assert is_unknown(verdict)
    assert found_in(first) == "“The cell loss ended in SyntaxError: invalid syntax (line …)”"


def test_a_name_that_is_nowhere_is_no_wrong_answer() -> None:
    verdict = judged(UNDEFINED, {"other": Failure("error", "The cell other ended in ValueError.")})
    assert {(one.state, one.why, one.points) for one in verdict.statements} == {
        ("not checked", "cce is not defined.", 0)
    }
    assert not is_unknown(verdict)
    assert outcome(verdict) == "no answer"


def test_a_name_error_has_the_error_of_its_cell_behind_it() -> None:
    missing = {"helper": Failure("error", "Cell 4 ended in ValueError: no.")}
    raised = Failure("error", "It raised NameError: name 'helper' is not defined", "line 3: return helper(y)")
    assert (
        judged(raised, missing)
        .statements[0]
        .why.endswith(
            "It raised NameError: name 'helper' is not defined. Your line 3: return helper(y)."
            " Cell 4 ended in ValueError: no."
        )
    )
    problem = "The check gave no answer. NameError: name 'helper' is not defined"
    assert judged(raised, missing, problem).problem == f"{problem}. Cell 4 ended in ValueError: no."
    assert judged(raised, {}, problem).problem == problem


NEWER = (
    'f"{", ".join(x)}"', "f'{d['a']}'", """f"{'\\n'.join(x)}\"""", 'f"""{x # c\n}"""', 'f"{d["a"]!r:>{w["b"]}}"',
)  # fmt: skip
"""What Python reads since 3.12."""


@pytest.mark.parametrize("source", NEWER)
@pytest.mark.skipif(VERSION >= (3, 12), reason="this Python reads it")
def test_what_only_a_newer_python_reads_may_need_one(source: str) -> None:
    with pytest.raises(SyntaxError) as found:
        compile(source, "", "exec")
    assert may_need_newer_python(cell(source, "SyntaxError", found.value.msg))


def test_no_other_error_asks_for_a_newer_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_ends, "VERSION", (3, 11))
    assert not may_need_newer_python(cell(BROKEN, "SyntaxError", "'(' was never closed (99.py, line 1)"))
    assert not may_need_newer_python(cell(NEWER[0], "ValueError", "f-string"))
    assert not may_need_newer_python(cell(NEWER[0]))
    monkeypatch.setattr(cell_ends, "VERSION", (3, 12))
    assert not may_need_newer_python(cell(NEWER[0], "SyntaxError", "f-string: expecting '}'"))
