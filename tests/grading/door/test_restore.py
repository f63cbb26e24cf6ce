"""RestoreCells by itself: whatever is done to a notebook, each cell of the course is there, once, where it can work."""

import copy

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.grading.run.settings import ADDED_CODE, SKIPPED
from lib.grading.door.added_code import added_to_locked, run_added_code
from lib.grading.submissions.read import clean_cell
from lib.grading.door.cells import restore_cells

# (id, kind, what it is) as in a course's source; unnamed cells are text and examples.
SOURCE = [
    ("setup", "code", "given"),
    ("", "markdown", ""),
    ("layer", "code", "given"),
    ("loss", "code", "solution"),
    ("", "code", ""),
    ("check-loss", "code", "check"),
    ("check-gradient", "code", "check"),
    ("softmax", "code", "solution"),
    ("check-softmax", "code", "check"),
    ("explain", "markdown", "answer"),
    ("batches", "code", "given"),
    ("train", "code", "solution"),
    ("", "markdown", ""),
    ("check-train", "code", "check"),
]


def released():
    """The notebook as students get it."""
    cells = []
    for at, (id, kind, role) in enumerate(SOURCE):
        make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
        cell = make(f"# {id or at}")
        if id:
            grade, solution = role in ("check", "answer"), role in ("solution", "answer")
            locked = role in ("check", "given")
            flags = {"grade": grade, "solution": solution, "locked": locked, "task": False, "schema_version": 3}
            cell.metadata["nbgrader"] = {"grade_id": id, **flags, **({"points": 2} if grade else {})}
        cells.append(cell)
    return cells


KNOWN = {id: cell for (id, _, _), cell in zip(SOURCE, released(), strict=True) if id}
SOLUTIONS = [id for id, _, role in SOURCE if role in ("solution", "answer")]
CHECKS = [id for id, _, role in SOURCE if role == "check"]
GIVEN = [id for id, _, role in SOURCE if role == "given"]


def restore(cells):
    return restore_cells([clean_cell(cell) for cell in cells], copy.deepcopy(KNOWN))


def ids(cells):
    return [cell.metadata.get("nbgrader", {}).get("grade_id", "") for cell in cells]


NONSENSE = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.sampled_from(list(KNOWN)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["grade_id", "points", "x"]), inner),
    max_leaves=5,
)


@st.composite
def mangled(draw):
    """The released notebook with cells dropped, doubled, moved, rewritten, retyped, and with other metadata."""
    cells = released()
    picked = draw(st.lists(st.sampled_from(range(len(cells))), max_size=25))
    taken = [copy.deepcopy(cells[at]) for at in picked]
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
@settings(max_examples=100, deadline=None)
def test_each_cell_of_the_course_is_there_once_with_the_courses_metadata(cells):
    found = restore(cells)
    named = [cell for cell in found if ids([cell]) != [""]]
    assert sorted(ids(named)) == sorted(KNOWN)
    for cell in named:
        master = KNOWN[cell.metadata.nbgrader.grade_id]
        assert cell.metadata == master.metadata
        assert cell.cell_type == master.cell_type
        if ids([cell])[0] not in SOLUTIONS:
            assert cell.source == master.source


@given(mangled())
@settings(max_examples=100, deadline=None)
def test_checks_stand_behind_their_solutions_and_given_cells_before_what_follows_them(cells):
    order, source = ids(restore(cells)), list(KNOWN)
    for check in CHECKS:
        for solution in SOLUTIONS:
            if source.index(solution) < source.index(check):
                assert order.index(solution) < order.index(check)
    for name in GIVEN:
        assert all(order.index(name) < order.index(other) for other in source[source.index(name) + 1 :])


@given(mangled())
@settings(max_examples=100, deadline=None)
def test_what_students_wrote_stays_in_their_order(cells):
    for at, cell in enumerate(cells):
        cell.source = f"written {at}"
    locked = [*CHECKS, *GIVEN]
    written = [cell.source for cell in restore(cells) if cell.source.startswith("written")]
    assert written == sorted(written, key=lambda source: int(source.split()[1]))
    own = [cell.source for cell in map(clean_cell, cells) if ids([cell])[0] not in locked]
    assert set(own) <= set(written)


@given(mangled())
@settings(max_examples=100, deadline=None)
def test_restoring_twice_changes_nothing_more(cells):
    once = restore(cells)
    assert [(cell.source, cell.metadata) for cell in restore(once)] == [(cell.source, cell.metadata) for cell in once]


def test_the_released_notebook_stays_as_it_is():
    assert [(cell.source, cell.metadata) for cell in restore(released())] == [
        (cell.source, cell.metadata) for cell in released()
    ]


@pytest.mark.parametrize("missing", KNOWN)
def test_a_missing_cell_comes_back_where_it_was(missing):
    found = restore([cell for cell in released() if ids([cell]) != [missing]])
    assert [id for id in ids(found) if id] == list(KNOWN)
    [back] = [cell for cell in found if ids([cell]) == [missing]]
    assert back.source == ("" if missing in ("loss", "softmax", "train") else KNOWN[missing].source)


@pytest.mark.parametrize("further", [0, 1])
def test_of_two_copies_the_one_that_was_written_counts(further):
    cells = released()
    at = ids(cells).index("loss")
    written = copy.deepcopy(cells[at])
    written.source = "written"
    cells.insert(at + further, written)
    found = restore(cells)
    assert [cell.source for cell in found if ids([cell]) == ["loss"]] == ["written"]
    assert len(found) == len(SOURCE)


def test_a_copy_below_the_check_counts_only_if_none_above_is_written():
    cells = released()
    below = copy.deepcopy(cells[ids(cells).index("loss")])
    below.source = "below"
    cells.append(below)
    assert [cell.source for cell in restore(cells) if ids([cell]) == ["loss"]] == ["below"]
    cells[ids(cells).index("loss")].source = "above"
    found = restore(cells)
    assert [cell.source for cell in found if ids([cell]) == ["loss"]] == ["above"]
    assert [id for id in ids(found) if id] == list(KNOWN)
    assert found[-1].source == "below"


@pytest.mark.parametrize("id", ["softmax", "explain", "train"])
def test_of_two_written_copies_without_a_check_below_the_last_counts_wherever_other_cells_stand(id):
    without = {"check-softmax", "check-train"}
    known = {name: cell for name, cell in KNOWN.items() if name not in without}
    cells = [cell for cell in released() if not without & {*ids([cell])}]
    cells.append(copy.deepcopy(cells[ids(cells).index(id)]))
    for text, at in (("first", ids(cells).index(id)), ("last", -1)):
        cells[at].source = text
    found = restore_cells([clean_cell(cell) for cell in cells], known)
    assert [cell.source for cell in found if ids([cell]) == [id]] == ["last"]


def test_a_copy_with_other_spaces_is_as_it_was_released():
    cells = released()
    at = ids(cells).index("loss")
    further = copy.deepcopy(cells[at])
    cells[at].source, further.source = "written", f"{further.source} \r\n"
    cells.insert(at + 1, further)
    found = restore(cells)
    assert [cell.source for cell in found if ids([cell]) == ["loss"]] == ["written"]
    assert len(found) == len(SOURCE)


@pytest.mark.parametrize(("id", "places"), [("layer", (0, 1)), ("check-loss", (1, 0))])
def test_what_is_added_to_a_locked_cell_is_run_behind_it_and_in_front_of_a_check(id, places):
    cells = [clean_cell(cell) for cell in released()]
    at = ids(cells).index(id)
    cells[at].source = "shown = 1\nhelper = 3"
    found = restore_cells(cells, KNOWN, {id: "shown = 1"})
    own, added = (found[at + place] for place in places)
    assert (ids([own]), own.source) == ([id], KNOWN[id].source)
    assert "helper" in added.metadata[ADDED_CODE] and "shown" not in added.metadata[ADDED_CODE]
    assert len(found) == len(SOURCE) + 1


def test_copies_of_a_locked_cell_are_read_once_for_what_is_added():
    """Reading takes the grader's own time, and all but the one that counts are run as a student's own cells."""
    cells = [clean_cell(cell) for cell in released()]
    at = ids(cells).index("layer")
    cells[at].source = "shown = 1\nhelper = 3"
    cells += [copy.deepcopy(cells[at]) for _ in range(3)]
    found = restore_cells(cells, KNOWN, {"layer": "shown = 1"})
    assert [ADDED_CODE in cell.metadata for cell in found].count(True) == 1
    assert [cell.source for cell in found].count("shown = 1\nhelper = 3") == 4
    assert ids(found).count("layer") == 1


@pytest.mark.parametrize(
    ("added", "is_run"),
    [
        ("%run helpers.py", "get_ipython().run_line_magic('run', 'helpers.py')"),
        ("%time helper = 3", "get_ipython().run_line_magic('time', 'helper = 3')"),
        ("%%time\nhelper = 3", "helper = 3"),
        ("files = !ls\nhelper = 3", "helper = 3"),
        ("np.argmax?\n?np\nhelper = 3", "helper = 3"),
        ("helper = ('a %d'\n    % 3)", "helper = 'a %d' % 3"),
        ("helper = '''\n!important'''", "helper = '\\n!important'"),
        ("np.argmax?\nhelper = ('a %d'\n    % 3)", "helper = 'a %d' % 3"),
        ("np.argmax?\nhelper = '''\n!important'''", "helper = '\\n!important'"),
    ],
)
def test_what_is_added_may_hold_what_ipython_alone_reads(added, is_run):
    assert is_run in added_to_locked(f"{added}\nshown = 1", "shown = 1")


def test_magics_that_define_nothing_are_left_out():
    """`%timeit` would take the seconds of a helper below it, and `%reset` all that was defined."""
    assert not added_to_locked("%timeit shown\n%reset -f\n%who\nshown = 1", "shown = 1")


def test_of_changed_cells_only_so_much_is_read(monkeypatch):
    """To read a million characters of tiny statements took the grader half a minute."""
    changed = "shown = 1\nhelper = 3"
    cells = [clean_cell(cell) for cell in released()]  # what is unchanged counts nothing
    for id in ("layer", "check-loss"):
        cells[ids(cells).index(id)].source = changed
    monkeypatch.setattr("lib.grading.door.cells.MOST_CHANGED", len(changed))
    given = {id: cell.source for id, cell in KNOWN.items()} | dict.fromkeys(("layer", "check-loss"), "shown = 1")
    found = restore_cells(cells, KNOWN, given)
    assert [ADDED_CODE in cell.metadata for cell in found].count(True) == 1


def test_of_changed_examples_only_so_much_is_read(monkeypatch):
    """What is more is run as it is, until an error stops it."""
    changed = "shown = 1\nhelper = 3"
    cells = [clean_cell(nbformat.v4.new_code_cell(changed, metadata={"tags": [SKIPPED]})) for _ in range(2)]
    monkeypatch.setattr("lib.grading.door.added_code.MOST_CHANGED", len(changed))
    run_added_code(cells, {"shown = 1"})
    assert ["shown" in cell.metadata[ADDED_CODE] for cell in cells] == [False, True]


@pytest.mark.parametrize("odd", ["x = a" + ".b" * 2500, "x = 0x" + "f" * 6000], ids=["too deep", "too many digits"])
def test_what_cannot_be_written_out_is_not_added(odd):
    cells = [clean_cell(cell) for cell in released()]
    cells[ids(cells).index("layer")].source = f"shown = 1\n{odd}"
    assert ids(restore_cells(cells, KNOWN, {"layer": "shown = 1"})) == ids(released())


def test_a_written_answer_keeps_its_pictures():
    cells = released()
    answer = cells[ids(cells).index("explain")]
    answer.source, answer.attachments = "![a](attachment:a.png)", {"a.png": {"image/png": "iVBORw0KGgo="}}
    [back] = [cell for cell in restore(cells) if ids([cell]) == ["explain"]]
    assert (back.source, back.attachments) == (answer.source, answer.attachments)


def test_what_a_run_does_to_a_cell_is_not_in_what_is_made_of_it_next():
    first = clean_cell({"cell_type": "code", "source": "x", "metadata": {"nbgrader": {"grade_id": "loss"}}})
    second = clean_cell(first)
    assert second == first
    second.outputs.append("said")
    del second.metadata["nbgrader"]
    assert clean_cell(first).outputs == []
    assert ids([clean_cell(first)]) == ["loss"]


def test_what_is_written_into_one_submissions_cells_is_in_no_others():
    known = {id: clean_cell(cell) for id, cell in KNOWN.items()}
    for id, cell in known.items():
        cell.metadata["nbgrader"] = copy.deepcopy(KNOWN[id].metadata["nbgrader"])
    before = copy.deepcopy(known)
    kept = [clean_cell(cell) for cell in released() if ids([cell]) != ["layer"]]
    for cell in restore_cells(kept, known):
        cell.source = "another"
        cell.metadata.setdefault("nbgrader", {})["points"] = 100
        cell.metadata["tags"] = ["another"]
        cell.setdefault("outputs", []).append("said")
    assert known == before
