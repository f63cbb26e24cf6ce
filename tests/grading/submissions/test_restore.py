"""Restoring cells: whatever is done to a notebook, each cell of the course is there, once, where it can work.

Lost ids are found by text and place, never wrongly, and answers in doubt are left to a person.
"""

import copy

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.grading.execution.notebook import ADDED_CODE, SKIPPED
from lib.grading.submissions import restore as restoring
from lib.grading.submissions.restore import (
    ELSEWHERE,
    LOST,
    ReleasedCell,
    added_to_locked,
    find_lost_ids,
    restore_cells,
    run_added_code,
)
from lib.grading.submissions.restore import course_id as name
from lib.grading.submissions.submission import CleanCell, clean_cell
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
@settings(max_examples=150, deadline=None, derandomize=True)
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


@pytest.mark.parametrize(("id", "places"), [("layer", (0, 1)), ("check-loss", (1, 0))])
def test_what_is_added_to_a_locked_cell_is_run_behind_it_and_in_front_of_a_check(id, places):
    cells = changed(id)
    found = restore(cells, given={id: GIVEN})
    own, added = (found[ids(cells).index(id) + place] for place in places)
    assert (name(own), own.source) == (id, KNOWN[id].source)
    assert "helper" in added.metadata[ADDED_CODE] and "shown" not in added.metadata[ADDED_CODE]
    assert len(found) == len(ROLES) + 1


ADDED = {
    "%run helpers.py": "get_ipython().run_line_magic('run', 'helpers.py')",
    "%time helper = 3": "get_ipython().run_line_magic('time', 'helper = 3')",
    "%%time\nhelper = 3": "helper = 3",
    "files = !ls\nhelper = 3": "helper = 3",
    "np.argmax?\n?np\nhelper = 3": "helper = 3",
    "helper = ('a %d'\n    % 3)": "helper = 'a %d' % 3",
    "helper = '''\n!important'''": "helper = '\\n!important'",
    "np.argmax?\nhelper = ('a %d'\n    % 3)": "helper = 'a %d' % 3",
    "np.argmax?\nhelper = '''\n!important'''": "helper = '\\n!important'",
    # Python reads it in no block.
    "helper = 3\nfrom __future__ import annotations": "pass\nfrom __future__ import annotations",
    # Those that define nothing: `%timeit` would take seconds, and `%reset` all that was defined.
    "%timeit shown\n%reset -f\n%who": "",
    # What Python can't write out again: too deep, and a number of too many digits.
    "x = a" + ".b" * 2500: "",
    "x = 0x" + "f" * 6000: "",
}


def test_what_is_added_may_hold_what_ipython_alone_reads():
    found = {added: added_to_locked(f"{added}\n{GIVEN}", GIVEN) for added in ADDED}
    assert not [added for added, code in ADDED.items() if code not in found[added] or bool(code) != bool(found[added])]


def test_of_changed_cells_and_examples_only_so_much_is_read(monkeypatch):
    """To read a million characters of tiny statements took the grader half a minute. The unchanged don't count."""
    monkeypatch.setattr(restoring, "MOST_CHANGED", len(CHANGED))
    given = {id: cell.source for id, cell in KNOWN.items()} | dict.fromkeys(("layer", "check-loss"), GIVEN)
    found = restore(changed("layer", "check-loss"), given=given)
    assert [ADDED_CODE in cell.metadata for cell in found].count(True) == 1
    run_added_code(cells := [clean_cell(cell_of("code", CHANGED, tags=[SKIPPED])) for _ in range(2)], {GIVEN})
    # An example beyond that is run as it is, until an error stops it.
    assert ["shown" in cell.metadata[ADDED_CODE] for cell in cells] == [False, True]


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
ANSWERS = {"explain-gradient": "It is y - 1.\n\nBecause of the chain rule.", "explain-rate-and-batch": "To 0.04."}
FIRST, SECOND = ANSWERS
COURSE = {name(cell): cell for cell in WHOLE.cells if name(cell)}
ALL, LOST_ANSWERS = set(COURSE), {id: LOST for id in COURSE if id.startswith("explain-")}
OUTLINE = [ReleasedCell(name(cell), cell.cell_type, cell.source) for cell in WHOLE.cells]


def completed(answers=ANSWERS):
    """A completed notebook's cells; `truth` tells what each is."""
    cells = right(copy.deepcopy(WHOLE)).cells
    for cell in cells:
        cell.truth = name(cell)
        if cell.truth in ANSWERS:
            cell.source = answers.get(cell.truth, COURSE[cell.truth].source)
    return cells


def own(source, kind="markdown"):
    cell = cell_of(kind, source)
    cell.truth = ""
    return cell


def stripped(cells, which=lambda cell: True):
    for cell in filter(which, cells):
        cell.metadata = {}
    return cells


def search(cells, outline=OUTLINE):
    """Give the ids that were found, each for the cell that had it, and the doubts."""
    found, doubts = find_lost_ids([clean_cell(cell) for cell in cells], COURSE, outline)
    assert {cells[place].truth: id for place, id in found.items()} == {id: id for id in found.values()}
    return {*found.values()}, doubts


def test_without_metadata_every_cell_is_found_and_so_is_one_that_was_pasted_anew():
    for answers in (ANSWERS, {}, {FIRST: ANSWERS[FIRST]}, {SECOND: ANSWERS[SECOND]}):
        assert search(stripped(completed(answers))) == (ALL, {})
        assert search(completed(answers)) == (set(), {}), "nothing is looked for where nothing is lost"
    for lost in COURSE:
        assert search(stripped(completed(), lambda cell, lost=lost: cell.truth == lost)) == ({lost}, {})


def at(cells, id):
    return next(place for place, cell in enumerate(cells) if cell.truth == id)


def answer_in_question(cells):
    place = at(cells, FIRST)
    cells[place - 1].source = cells.pop(place).source


def save_elsewhere(cells):
    """Change what some program changes as it saves a notebook: spaces, line ends, and ids."""
    for cell in cells:
        cell.update(source=cell.source.replace("\n", " \r\n") + "\n", metadata={"nbgrader": {"grade_id": "x"}})


CHANGES = {
    "saved elsewhere": (save_elsewhere, "", {}),
    "notes": (lambda cells: [cells.insert(n, own(f"note {n}")) for n in (len(cells), 70, 33, 25, 10, 1)], "", {}),
    # Beside a solution: it is run where it stands.
    "code": (lambda cells: cells.insert(at(cells, "train"), own("n = 1", "code")), "train", {}),
    "deleted": (lambda cells: cells.pop(at(cells, FIRST)), FIRST, {}),
    "moved": (lambda cells: cells.insert(3, cells.pop(at(cells, FIRST))), FIRST, {FIRST: LOST}),
    "two": (lambda cells: cells.insert(at(cells, FIRST), own("Or is it 1 - y?")), FIRST, {FIRST: LOST}),
    "answered in the question's cell": (answer_in_question, FIRST, {FIRST: LOST}),
}
"""How a notebook without metadata was changed, the cell that isn't found then, and what waits for a person."""


@pytest.mark.parametrize("case", CHANGES)
def test_what_is_found_without_metadata_and_what_waits_for_a_person(case):
    change, lost, doubts = CHANGES[case]
    change(cells := stripped(completed()))
    assert search(cells) == (ALL - {lost}, doubts)


def test_an_answer_beside_its_open_cell_is_for_a_person_to_read():
    place = at(completed({}), SECOND)
    for note in (slice(place + 1, place + 1), slice(place - 1, place), slice(5, 5)):  # the second over the question
        cells = completed({})
        cells[note] = [own("To 0.04.")]
        assert search(cells) == (set(), {} if note.start == 5 else {SECOND: ELSEWHERE})


def test_without_the_released_notebook_or_in_another_one_answers_are_left_to_a_person():
    found, doubts = search(stripped(completed()), [released for released in OUTLINE if released.id])
    assert found and not found & LOST_ANSWERS.keys() and doubts == LOST_ANSWERS
    others = [own("x = 1", "code"), own("Last week's answer.")]
    assert search(others) == (set(), LOST_ANSWERS)
    assert search(others[:1]) == search([]) == (set(), {})


@st.composite
def partly_lost(draw):
    """A completed notebook: some metadata lost, some given cells deleted, others moved, and cells added anywhere."""
    cells = completed(draw(st.sampled_from([ANSWERS, {FIRST: "a"}, {SECOND: "b"}, {}])))
    chance = draw(st.randoms(use_true_random=False))
    share = chance.choice([0.1, 0.5, 1])
    stripped(cells, lambda cell: chance.random() < share)
    for _ in range(chance.randrange(10)):
        gone = cells.pop(chance.choice([place for place, cell in enumerate(cells) if not cell.truth]))
        if chance.random() < 0.3:
            cells.insert(chance.randrange(len(cells)), gone)
    for _ in range(chance.randrange(10)):
        note = own(f"note = {chance.random()}", chance.choice(["markdown", "code"]))
        cells.insert(chance.randrange(len(cells)), note)
    return cells


@given(partly_lost())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_no_cell_is_taken_for_another(cells):
    found, doubts = search(cells)
    lost = {cell.truth for cell in cells if cell.truth and not name(cell)}
    answered = {cell.truth for cell in cells if cell.truth in ANSWERS and cell.source != "YOUR ANSWER HERE"}
    assert (lost & answered) - found <= doubts.keys()
