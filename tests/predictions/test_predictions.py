"""Predictions without a page: what is stored, what is read of what a student may have written, and what is shown."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

from lib.grading.units import answer_key
from lib.predictions import Predict, render
from lib.predictions.form import Form
from lib.predictions.records import FOLDER, MIME, MOST_BYTES, predictions_in, recall, remember
from lib.unit import Question, Unit

FOUND = "Right code gives, with each seed from 0 to 9:"
ONE = Question("one", "Which <b>one</b>?", ("this", "that & more"), 1, "Because <i>so</i>.", FOUND)
TWO = Question("two", "And now?", ("yes", "no", "perhaps"), 0, "It is.")
QUESTIONS = (ONE, TWO)
UNIT = Unit("a_unit", "A unit", (), questions=QUESTIONS)


@pytest.fixture
def outputs(monkeypatch, tmp_path):
    """What is put out, in a folder of its own and without a notebook's name."""
    shown = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setattr(render, "show", lambda bundle: shown.append(bundle["text/plain"]))
    return shown


@pytest.fixture
def asked(monkeypatch, outputs):
    """The forms that a question shows, in a shell."""
    forms = []

    class Kept(Form):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            forms.append(self)

    monkeypatch.setattr("lib.predictions.form.Form", Kept)
    InteractiveShell.clear_instance()
    yield forms
    InteractiveShell.clear_instance()


def notebook(*records):
    return {"cells": [{"outputs": [{"data": {MIME: record}}]} for record in records]}


def record(question, choice):
    return {"question": question, "choice": choice}


def test_records_are_read_wherever_they_stand_and_the_first_counts():
    found = notebook(record("two", 2), record("one", 0), record("two", 1))
    assert predictions_in(found, QUESTIONS) == {"two": 2, "one": 0}
    assert predictions_in(json.loads(json.dumps(found)), [ONE]) == {"one": 0}


@pytest.mark.parametrize(
    "bad",
    [
        record("three", 0),
        record("one", 2),
        record("one", -1),
        record("one", 0.0),
        record("one", True),
        record("one", "0"),
        record("one", 10**400),
        record("one", None),
        record("one", [0]),
        record(["one"], 0),
        record({"one": 0}, 0),
        record(None, 0),
        {"question": "one"},
        {},
        "one",
        ["one", 0],
        None,
    ],
)
def test_what_is_no_choice_is_left_out_and_hides_no_other(bad):
    assert predictions_in(notebook(bad, record("one", 1)), QUESTIONS) == {"one": 1}


json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cells", "outputs", "data", MIME, "question", "choice", "one"]) | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=30,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(json_data)
def test_any_json_is_read_without_an_error(data):
    found = predictions_in(data, QUESTIONS)
    assert all(type(choice) is int for choice in found.values())


def test_what_was_predicted_is_remembered_beside_the_notebook(outputs, tmp_path):
    assert recall("a_unit", QUESTIONS) == {}
    remember("a_unit", {"one": 1})
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["a_unit.predictions.json"]
    assert recall("a_unit", QUESTIONS) == {"one": 1}
    assert recall("another", QUESTIONS) == {}


@pytest.mark.parametrize("content", ["", "[1]", '{"one": 5, "two": "0"}', "{", "[" * 100_000, '{"one": true}', "\x00"])
def test_a_damaged_file_is_as_none(content, outputs, tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "a_unit.predictions.json").write_text(content)
    assert recall("a_unit", QUESTIONS) == {}


def test_a_folder_that_cannot_be_written_is_no_trouble(outputs, tmp_path):
    (tmp_path / FOLDER).write_text("a file stands where the folder should be")
    remember("a_unit", {"one": 1})
    assert recall("a_unit", QUESTIONS) == {}


def test_a_notebook_that_came_alone_brings_its_predictions(outputs, tmp_path, monkeypatch):
    path = tmp_path / "moved.ipynb"
    path.write_text(json.dumps(notebook(record("one", 0), record("two", 2))))
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    assert recall("a_unit", QUESTIONS) == {"one": 0, "two": 2}
    remember("a_unit", {"one": 1})
    assert recall("a_unit", QUESTIONS) == {"one": 1, "two": 2}
    path.write_text(path.read_text() + " " * MOST_BYTES)
    assert recall("a_unit", QUESTIONS) == {"one": 1}


def test_nothing_is_revealed_before_a_prediction(outputs):
    unit = Predict(UNIT)
    assert not unit.given("one")
    unit.compare("one")
    assert len(outputs) == 2 and all(text.startswith("Predict first.") for text in outputs)
    assert not any(ONE.why in text or ONE.choices[1] in text for text in outputs)


def test_an_unknown_question_is_named_with_those_there_are(outputs):
    unit = Predict(UNIT)
    for call in (unit, unit.given, unit.compare):
        with pytest.raises(ValueError, match=r"There is no question called 'three'\. There are: one, two\."):
            call("three")


def test_a_prediction_is_given_once_and_stays(asked, outputs):
    unit = Predict(UNIT)
    unit("one")
    (form,) = asked
    assert form.button.disabled
    form.button.click()
    assert not unit.given("one"), "nothing was chosen"
    form.choices.index = 0
    assert not form.button.disabled
    assert not unit.given("one"), "chosen, and not given"
    form.button.click()
    assert form.choices.disabled
    form.choices.index = 1
    form.button.click()
    assert unit.given("one")
    outputs.clear()
    unit.compare("one")
    assert outputs == [
        "You predicted: this\n✗ It is otherwise.\nRight code gives, with each seed from 0 to 9: that & more\n"
        "Why: Because <i>so</i>."
    ]
    unit("one")
    assert len(asked) == 1 and outputs[-1] == "Question: Which <b>one</b>?\nYou predicted: this"
    assert Predict(UNIT).given("one"), "a new kernel knows it"


def test_a_second_form_of_the_same_question_changes_nothing(asked, outputs):
    unit, other_page = Predict(UNIT), Predict(UNIT)
    unit("one")
    unit("one")
    other_page("one")
    for form, choice in zip(asked, (1, 0, 0), strict=True):
        form.choices.index = choice
        form.button.click()
        assert form.choices.index == 1
    assert Predict(UNIT).given("one")
    assert recall("a_unit", QUESTIONS) == {"one": 1}


def test_pages_of_two_kernels_keep_each_others_predictions(asked, outputs):
    first, second = Predict(UNIT), Predict(UNIT)
    first("one")
    second("two")
    for form in asked:
        form.choices.index = 0
        form.button.click()
    assert recall("a_unit", QUESTIONS) == {"one": 0, "two": 0}


def test_what_is_shown_is_escaped_and_says_it_in_words():
    for bundle in (render.unanswered(ONE), render.prediction(ONE, 1), render.comparison(ONE, 0)):
        assert "<i>" not in bundle["text/html"] and "<b>one" not in bundle["text/html"]
    assert render.prediction(ONE, 1)[MIME] == record("one", 1)
    assert "✓ It is so." in render.comparison(ONE, 1)["text/plain"]
    assert MIME not in render.unanswered(ONE)


def test_the_import_loads_no_widgets():
    import subprocess
    import sys

    code = "import sys, lib.units.softmax_classifier; print([m for m in sys.modules if m in ('ipywidgets', 'IPython')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_how_it_was_found_is_said_only_where_the_question_says_so():
    """The questions of another unit need not be on seeds, or on code at all."""
    assert "\nWhat is so: yes\nWhy: It is." in render.comparison(TWO, 1)["text/plain"]
    found = {each.found for unit in ("softmax_classifier", "hidden_layer") for each in answer_key(unit).unit.questions}
    assert found == {FOUND, "Right code gives:"}
