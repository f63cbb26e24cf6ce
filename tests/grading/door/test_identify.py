"""Cells whose ids are lost: found by their text and place, never wrongly, and answers in doubt left to a person."""

import copy
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lib
from lib.grading.door.cells import ELSEWHERE, LOST, Released, identify
from lib.grading.submissions.read import clean_cell
from tests.course import ASSIGNMENT
from tests.submissions import right

RELEASED = nbformat.read(Path(lib.__file__).parents[1] / "notebooks" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", as_version=4)
ANSWERS = {"explain-gradient": "It is y - 1.\n\nBecause of the chain rule.", "explain-random-labels": "Chance is 1/3."}
FIRST, SECOND = ANSWERS


def name(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


KNOWN = {name(cell): cell for cell in RELEASED.cells if name(cell)}
OUTLINE = [Released(name(cell), cell.cell_type, cell.source) for cell in RELEASED.cells]


def handed_in(answers=ANSWERS):
    """A completed notebook's cells; `truth` tells what each is."""
    cells = right(copy.deepcopy(RELEASED)).cells
    for cell in cells:
        cell.truth = name(cell)
        if cell.truth in ANSWERS:
            cell.source = answers.get(cell.truth, KNOWN[cell.truth].source)
    return cells


def text(source, kind="markdown"):
    make = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
    cell = make(source)
    cell.truth = ""
    return cell


def stripped(cells, which=lambda cell: True):
    for cell in cells:
        if which(cell):
            cell.metadata = {}
    return cells


def at(cells, id):
    return next(place for place, cell in enumerate(cells) if cell.truth == id)


def search(cells, outline=OUTLINE):
    found = identify([clean_cell(cell) for cell in cells], KNOWN, outline)
    return {cells[place].truth: id for place, id in found.ids.items()}, dict(found.doubts)


def themselves(ids):
    return {id: id for id in ids}


def test_without_any_metadata_every_cell_is_found():
    assert search(stripped(handed_in())) == (themselves(KNOWN), {})


def test_nothing_is_looked_for_where_nothing_is_lost():
    assert search(handed_in()) == ({}, {})


@pytest.mark.parametrize("answers", [{}, {FIRST: ANSWERS[FIRST]}, {SECOND: ANSWERS[SECOND]}])
def test_answers_that_were_left_open_are_found_as_such(answers):
    assert search(stripped(handed_in(answers))) == (themselves(KNOWN), {})


def test_ids_that_the_course_does_not_know_are_as_good_as_none():
    cells = handed_in()
    for cell in cells:
        if name(cell):
            cell.metadata.nbgrader["grade_id"] += "-1"
    assert search(cells) == (themselves(KNOWN), {})


@pytest.mark.parametrize("lost", KNOWN)
def test_a_single_cell_that_was_pasted_anew_is_found(lost):
    assert search(stripped(handed_in(), lambda cell: cell.truth == lost)) == ({lost: lost}, {})


def test_a_solution_written_from_scratch_is_found_by_its_place():
    cells = stripped(handed_in())
    cells[at(cells, "dense")].source = "Dense = make_dense()"
    assert search(cells) == (themselves(KNOWN), {})


def test_spaces_and_line_ends_do_not_matter():
    cells = stripped(handed_in())
    for cell in cells:
        cell.source = cell.source.replace("\n", " \r\n") + "\n\n"
    assert search(cells) == (themselves(KNOWN), {})


def test_cells_added_elsewhere_do_not_matter():
    cells = stripped(handed_in())
    for place in (len(cells), 70, 55, 33, 25, 10, 1):
        cells.insert(place, text(f"My note {place}"))
        cells.insert(place, text(f"print({place})", "code"))
    assert search(cells) == (themselves(KNOWN), {})


@pytest.mark.parametrize("further", [0, 1])
def test_of_two_texts_in_one_place_none_is_taken_and_a_person_looks(further):
    cells = stripped(handed_in())
    cells.insert(at(cells, FIRST) + further, text("Or is it 1 - y?"))
    assert search(cells) == (themselves(KNOWN.keys() - {FIRST}), {FIRST: LOST})


@pytest.mark.parametrize("changed", ["**Question.** Take one sample. In my own words: ...", None])
def test_a_question_that_was_changed_or_deleted_is_not_taken_for_the_answer(changed):
    cells = stripped(handed_in())
    question = at(cells, FIRST) - 1
    if changed is None:
        del cells[question]
    else:
        cells[question].source += "\n" + changed
    assert search(cells) == (themselves(KNOWN), {})


def test_an_answer_that_was_deleted_is_in_no_doubt_where_nothing_else_was_written():
    cells = stripped(handed_in())
    del cells[at(cells, FIRST)]
    assert search(cells) == (themselves(KNOWN.keys() - {FIRST}), {})


def test_an_answer_that_was_moved_is_for_a_person_to_find():
    cells = stripped(handed_in())
    cells.insert(3, cells.pop(at(cells, FIRST)))
    assert search(cells) == (themselves(KNOWN.keys() - {FIRST}), {FIRST: LOST})


def test_an_answer_beside_its_cell_is_for_a_person_to_read():
    cells = handed_in({})
    cells.insert(at(cells, SECOND) + 1, text("Chance is 1/3."))
    assert search(cells) == ({}, {SECOND: ELSEWHERE})


def test_a_question_in_which_the_answer_was_written_is_for_a_person_to_read():
    cells = handed_in({})
    cells[at(cells, SECOND) - 1].source += "\nChance is 1/3."
    assert search(cells) == ({}, {SECOND: ELSEWHERE})


def test_a_note_somewhere_else_leaves_an_open_answer_open():
    cells = handed_in({})
    cells.insert(5, text("My note"))
    assert search(cells) == ({}, {})


def test_without_the_released_notebook_code_is_found_and_answers_are_left_to_a_person():
    known_alone = [released for released in OUTLINE if released.id]
    found, doubts = search(stripped(handed_in()), known_alone)
    written = {name for name in KNOWN if name.startswith("explain-")}
    assert found == themselves(KNOWN.keys() - written)
    assert doubts == dict.fromkeys(written, LOST)


def test_in_another_notebook_nothing_is_found_and_what_is_written_is_for_a_person():
    assert search([text("x = 1", "code"), text("Last week's answer.")]) == (
        {},
        dict.fromkeys((name for name in KNOWN if name.startswith("explain-")), LOST),
    )
    assert search([text("x = 1", "code")]) == ({}, {})
    assert search([]) == ({}, {})


@st.composite
def changed(draw):
    """A completed notebook: some metadata lost, some given cells deleted, others moved, and cells added anywhere."""
    cells = handed_in(draw(st.sampled_from([ANSWERS, {FIRST: "a"}, {SECOND: "b"}, {}])))
    chance = draw(st.randoms(use_true_random=False))
    share = chance.choice([0.1, 0.5, 1])
    stripped(cells, lambda cell: chance.random() < share)
    for _ in range(chance.randrange(10)):
        place = chance.choice([place for place, cell in enumerate(cells) if not cell.truth])
        gone = cells.pop(place)
        if chance.random() < 0.3:
            cells.insert(chance.randrange(len(cells)), gone)
    for _ in range(chance.randrange(10)):
        kind = chance.choice(["markdown", "code"])
        cells.insert(chance.randrange(len(cells)), text(f"note = {chance.random()}", kind))
    return cells


@given(changed())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_no_cell_is_taken_for_another(cells):
    found, doubts = search(cells)
    assert found == themselves(found)
    lost = {cell.truth for cell in cells if cell.truth and not name(cell)}
    answered = {cell.truth for cell in cells if cell.truth in ANSWERS and cell.source != "YOUR ANSWER HERE"}
    assert (lost & answered) - found.keys() <= doubts.keys()
