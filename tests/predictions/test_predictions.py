"""Predictions without a page: what is stored, what is read of what a student may have written, and what is shown."""

import json

import pytest
from IPython.core.interactiveshell import InteractiveShell

from lib.predictions import Predict, form, records
from lib.predictions.records import FOLDER, MIME, prediction, predictions_in, recall, remember
from lib.unit import Question, Unit

FOUND = "With right code, and each seed from 0 to 9, the answer is:"
ONE = Question("one", "Which <b>one</b>?", ("this", "that & more"), 1, "Because <i>so</i>.", FOUND)
TWO = Question("two", "And now?", ("yes", "no", "perhaps"), 0, "It is.")
QUESTIONS = (ONE, TWO)
UNIT = Unit("a_unit", "A unit", (), questions=QUESTIONS)
MISSING = "Predict first. Choose an answer above and press Predict. Then run this cell again."


@pytest.fixture
def outputs(monkeypatch, tmp_path):
    """What is put out as plain text, in a folder of its own."""
    shown = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setattr(records, "show", lambda output: shown.append(output["text/plain"]))
    return shown


@pytest.fixture
def forms(monkeypatch, outputs):
    """The forms that are asked, in a shell."""
    asked, made = [], form.Form
    monkeypatch.setattr(form, "Form", lambda *arguments: asked.append(made(*arguments)))
    InteractiveShell.clear_instance()
    InteractiveShell.instance()
    yield asked
    InteractiveShell.clear_instance()


def press(asked, choice):
    asked._handle_custom_msg(choice, [])


def notebook(*found):
    return {"cells": [{"outputs": [{"data": {MIME: each}}]} for each in found]}


def record(question, choice):
    return {"question": question, "choice": choice}


def test_the_first_choice_of_a_question_counts_and_what_is_none_is_left_out():
    for bad in (2, -1, 0.0, True, "0", 10**400, None, [0]):
        for first in (record("one", bad), record(bad, 0), bad):
            found = notebook(first, {"question": "one"}, record("two", 2), record("one", 1), record("two", 0))
            assert predictions_in(found, QUESTIONS) == {"one": 1, "two": 2}
    assert predictions_in(found, [ONE]) == {"one": 1}


def test_what_is_no_notebook_has_no_predictions():
    for outputs in (1, {}, "data", [None], [{"data": [MIME]}], [{"data": {MIME: 1}}], [{"data": MIME}]):
        for found in ({"cells": [{"outputs": outputs}]}, {"cells": outputs}, {"cells": None}, outputs):
            assert predictions_in(found, QUESTIONS) == {}


def test_a_damaged_file_is_as_none(outputs, tmp_path):
    (tmp_path / FOLDER).mkdir()
    for content in ("", "[1]", '{"one": 5, "two": "0"}', "{", "[" * 100_000, '{"one": true}', "\x00"):
        (tmp_path / FOLDER / "a_unit.predictions.txt").write_text(content)
        assert recall("a_unit", QUESTIONS) == {}


def test_where_nothing_can_be_written_a_kernel_still_knows_its_own(forms, tmp_path):
    (tmp_path / FOLDER).write_text("a file stands where the folder should be")
    predict = Predict(UNIT)
    predict("one")
    press(forms[0], 1)
    assert predict.given("one") and recall("a_unit", QUESTIONS) == {}


def test_a_notebook_that_came_alone_brings_its_predictions(outputs, tmp_path, monkeypatch):
    path = tmp_path / "moved.ipynb"
    path.write_text(json.dumps(notebook(record("one", 0), record("two", 2))))
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    assert recall("a_unit", QUESTIONS) == {"one": 0, "two": 2}
    remember("a_unit", {"one": 1})
    assert recall("a_unit", QUESTIONS) == {"one": 1, "two": 2} and recall("another", QUESTIONS) == {"one": 0, "two": 2}


def test_an_unknown_question_is_named_with_those_there_are(outputs):
    predict = Predict(UNIT)
    for call in (predict, predict.given, predict.compare):
        with pytest.raises(ValueError, match=r"There is no question called 'three'\. There are: one, two\."):
            call("three")


def test_a_prediction_is_given_once_and_only_then_is_anything_revealed(forms, outputs):
    predict = Predict(UNIT)
    predict("one")
    predict.compare("one")
    assert not predict.given("one") and outputs == [MISSING] * 2 and forms[0].given == -1
    press(forms[0], 0)
    press(forms[0], 1)
    assert forms[0].given == 0
    predict.compare("one")
    predict("one")
    assert len(forms) == 1 and outputs[2:] == [
        f"You predicted: this\n✗ Not what happens.\n{FOUND} that & more\nWhy: Because <i>so</i>.",
        "Question: Which <b>one</b>?\nYou predicted: this",
    ]
    assert Predict(UNIT).given("one"), "a new kernel knows it"
    for html in (prediction(ONE, 1)["text/html"], forms[0].html):
        assert "Which &lt;b&gt;one&lt;/b&gt;?" in html and "that &amp; more" in html


def test_forms_of_several_kernels_keep_the_first_prediction_on_each_question(forms, outputs):
    first, second = Predict(UNIT), Predict(UNIT)
    for predict, question in ((first, "one"), (first, "one"), (second, "one"), (second, "two")):
        predict(question)
    for asked, choice in zip(forms, (1, 0, 0, 0), strict=True):
        press(asked, choice)
    assert [asked.given for asked in forms] == [1, 1, 1, 0] and recall("a_unit", QUESTIONS) == {"one": 1, "two": 0}
    second.compare("two")  # which doesn't say how it was found
    assert outputs == ["You predicted: yes\n✓ This is what happens.\nThe result: yes\nWhy: It is."]
