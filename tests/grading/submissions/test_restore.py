"""Restoring cells: whatever is done to a notebook, each cell of the course is there, once, where it can work.

Answers in doubt are left to a person.
"""

import copy

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.grading.execution.notebook import SKIPPED, is_skipped
from lib.grading.submissions.restore import ELSEWHERE, LOST, ReleasedCell, find_doubts, restore_cells
from lib.grading.submissions.restore import course_id as name
from lib.grading.submissions.restore import restore as restore_all
from lib.grading.submissions.submitted_notebook import CleanCell, Submission, clean_cell
from tests.submissions import right
from tests.variants import RELEASED

SOURCE = """
    given:setup text: given:layer solution:loss example: check:check-loss check:check-gradient solution:softmax
    check:check-softmax answer:explain given:batches solution:train text: check:check-train"""
"""What the cells of a course's source are, with their ids; texts and examples have none."""
ROLES = [word.split(":") for word in SOURCE.split()]


def cell_of(kind, source, **metadata):
    make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    return make(source, metadata=metadata)


def released():
    cells = []
    for at, (role, id) in enumerate(ROLES):
        cell = cell_of("markdown" if role in ("text", "answer") else "code", f"# {id or at}")
        if id:
            flags = {"grade": role in ("check", "answer"), "solution": role in ("solution", "answer"), "task": False}
            flags |= {"locked": role in ("check", "given"), "schema_version": 3, "grade_id": id}
            cell.metadata["nbgrader"] = {**flags, **({"points": 2} if flags["grade"] else {})}
        cells.append(cell)
    return cells


KNOWN = {id: cell for (_, id), cell in zip(ROLES, released(), strict=True) if id}
OF = {role: [id for own, id in ROLES if own == role] for role in ("given", "check", "solution", "answer")}
SOLUTIONS, LOCKED = [*OF["solution"], *OF["answer"]], [*OF["given"], *OF["check"]]


def restore(cells, known=KNOWN, given=None):
    return restore_cells([clean_cell(cell) for cell in cells], copy.deepcopy(known), given or {})


def ids(cells):
    return [name(cell) for cell in cells]


def as_pairs(cells):
    return [(cell.source, cell.metadata) for cell in cells]


NONSENSE = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.sampled_from(list(KNOWN)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["grade_id", "points", "x"]), inner),
    max_leaves=5,
)


@st.composite
def mangled(draw):
    """The released notebook with cells dropped, doubled, moved, rewritten, retyped, and with other metadata."""
    cells = released()
    taken = [copy.deepcopy(cells[at]) for at in draw(st.lists(st.sampled_from(range(len(cells))), max_size=25))]
    for cell in taken:
        match draw(st.integers(0, 7)):
            case 0:
                cell.source = draw(st.text(max_size=10))
            case 1:
                cell.metadata = draw(NONSENSE)
            case 2:
                cell.metadata["nbgrader"] = draw(NONSENSE)
            case 3:
                cell.cell_type = draw(st.sampled_from(["code", "markdown", "raw", "else"]))
            case 4:
                cell.metadata["tags"] = ["skip-execution"]
    return taken


@given(mangled())
@settings(max_examples=150)
def test_each_cell_of_the_course_is_there_once_as_the_course_has_it_and_where_it_can_work(cells):
    found, source = restore(cells), list(KNOWN)
    order, named = ids(found), [cell for cell in found if name(cell)]
    assert sorted(ids(named)) == sorted(KNOWN)
    for cell in named:
        master = KNOWN[name(cell)]
        assert (cell.metadata, cell.cell_type) == (master.metadata, master.cell_type)
        assert cell.source == master.source or name(cell) in SOLUTIONS
    for check in OF["check"]:
        assert all(order.index(id) < order.index(check) for id in source[: source.index(check)] if id in SOLUTIONS)
    for id in OF["given"]:
        assert all(order.index(id) < order.index(other) for other in source[source.index(id) + 1 :])
    assert as_pairs(restore(found)) == as_pairs(found)
    # What students wrote stays, in their order.
    for at, cell in enumerate(cells):
        cell.source = f"written {at}"
    written = [cell.source for cell in restore(cells) if cell.source.startswith("written")]
    assert written == sorted(written, key=lambda source: int(source.split()[1]))
    assert {cell.source for cell in map(clean_cell, cells) if name(cell) not in LOCKED} <= set(written)


def test_a_missing_cell_comes_back_where_it_was_and_the_others_stay_as_they_are():
    assert as_pairs(restore(released())) == as_pairs(released())
    for missing in KNOWN:
        found = restore([cell for cell in released() if name(cell) != missing])
        wanted = {**KNOWN, missing: cell_of("", "")} if missing in OF["solution"] else KNOWN
        assert [(name(cell), cell.source) for cell in found if name(cell)] == [
            (id, cell.source) for id, cell in wanted.items()
        ]


COPIES = {
    "a copy in front": ("loss", {3: "written"}, "written"),
    "a copy behind": ("loss", {4: "written"}, "written"),
    "a copy with other spaces": ("loss", {3: "written", 4: "# loss \r\n"}, "written"),
    "below the check": ("loss", {14: "below"}, "below"),
    "above and below the check": ("loss", {4: "above", 14: "below"}, "above"),
    "two, of an answer": ("explain", {9: "first", 14: "last"}, "last"),
    "two above the check": ("softmax", {7: "first", 8: "last"}, "last"),
}
"""By what was done: the cell, the texts of copies that were put in at these places, and the text that counts."""


@pytest.mark.parametrize("case", COPIES)
def test_of_copies_the_last_written_one_above_the_check_counts(case):
    id, copies, counts = COPIES[case]
    cells = released()
    for at, text in copies.items():
        cells.insert(at, cell_of(KNOWN[id].cell_type, text, nbgrader={"grade_id": id}))
    found = restore(cells)
    assert [cell.source for cell in found if name(cell) == id] == [counts]
    others = [text for text in copies.values() if text != counts and text.split() != KNOWN[id].source.split()]
    assert [cell.source for cell in found if cell.source in others] == others, "what else was written is still there"
    assert len(found) == len(ROLES) + len(others), "and no copy as released, whose blanks would replace the answer"


# What is added to locked cells and examples


CHANGED, GIVEN = "shown = 1\nhelper = 3", "shown = 1"


def changed(*ids):
    cells = released()
    for cell in cells:
        cell.source = CHANGED if name(cell) in ids else cell.source
    return cells


@pytest.mark.parametrize(
    ("id", "given", "place"), [("layer", "all = 1", -1), ("layer", GIVEN, 1), ("check-loss", GIVEN, -1)]
)
def test_a_changed_locked_cell_is_run_behind_the_courses_own_if_it_only_adds_to_a_given_one(id, given, place):
    found = restore(changed(id), given={id: given})
    at = ids(found).index(id)
    assert (found[at].source, found[at + place].source) == (KNOWN[id].source, CHANGED)
    assert len(found) == len(ROLES) + 1


def test_a_changed_example_is_run_and_others_are_not():
    cells = [clean_cell(cell_of("code", source, tags=[SKIPPED])) for source in (GIVEN, CHANGED)]
    found = restore_all(Submission(cells), {}, [ReleasedCell("", GIVEN, True)])
    assert [is_skipped(cell) for cell in found.cells] == [True, False]


def test_a_written_answer_keeps_its_pictures():
    cells = released()
    answer = cells[ids(cells).index("explain")]
    answer.source, answer.attachments = "![a](attachment:a.png)", {"a.png": {"image/png": "iVBORw0KGgo="}}
    [back] = [cell for cell in restore(cells) if name(cell) == "explain"]
    assert (back.source, back.attachments) == (answer.source, answer.attachments)


def test_what_is_written_into_one_submissions_cells_is_in_no_others():
    known = {id: CleanCell(cell) for id, cell in copy.deepcopy(KNOWN).items()}
    before, kept = copy.deepcopy(known), [clean_cell(cell) for cell in released() if name(cell) != "layer"]
    for cell in restore_cells(kept, known):
        cell.source = "another"
        cell.metadata.setdefault("nbgrader", {})["points"] = 100
        cell.metadata["tags"] = ["another"]
        cell.setdefault("outputs", []).append("said")
    assert known == before


# Lost ids, in the course's own notebook


WHOLE = nbformat.read(RELEASED, as_version=4)
COURSE = {name(cell): cell for cell in WHOLE.cells if name(cell)}
WRITTEN = [id for id in COURSE if id.startswith("explain-")]
OUTLINE = [ReleasedCell(name(cell), cell.source) for cell in WHOLE.cells]


def doubts(cells):
    return dict(find_doubts([clean_cell(cell) for cell in cells], COURSE, OUTLINE))


def test_written_answers_without_their_ids_are_left_to_a_person():
    cells = right(copy.deepcopy(WHOLE)).cells
    assert doubts(cells) == {}
    for cell in cells:
        cell.source = "It is y - 1." if name(cell) in WRITTEN else cell.source
        cell.metadata = {}
    assert doubts(cells) == dict.fromkeys(WRITTEN, LOST)
    assert doubts([]) == {}


def test_an_answer_beside_its_open_cell_is_for_a_person_to_read():
    cells = copy.deepcopy(WHOLE.cells)
    at = ids(cells).index(WRITTEN[1])
    cells.insert(at + 1, cell_of("markdown", "To 0.04."))
    assert doubts(cells) == {WRITTEN[1]: ELSEWHERE}
