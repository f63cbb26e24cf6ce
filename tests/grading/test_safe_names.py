"""Names that somebody else chose: shown as text wherever they are shown, and left out where they can't be an id."""

import logging
import os

from lib.grading.commands.grade import NEEDS_A_PERSON
from lib.grading.safe_names import InvalidId, VisibleNames, escape_formula, parse_id, visible
from tests.course import ASSIGNMENT
from tests.grading.conftest import SUBMISSIONS

NOT_PRINTED = ["\x1b", "\r", "\n", "\x00", "\x7f", "\x9b", "\u202e", "\u2066", "\u200b", "\u2028", "\ufeff", "\udcff"]


IDS = ["ada", "jane.smith@example.org", "Jane Smith_12", "Bảo_7", "o'brien", "李明", "a+b-c", "a" * 100]
NO_IDS = ["<b>", "a&b", 'a"b', "a/b", "..", ".a", "a\\b", "*", "[a]", " a", "a ", "", "a" * 101]


def test_what_is_not_printed_is_shown_as_text():
    assert not [letter for letter in NOT_PRINTED if not visible(f"a{letter}b").isprintable()]
    assert [visible(id) for id in IDS] == IDS


def test_what_means_something_to_a_page_a_path_a_pattern_or_a_terminal_is_no_id():
    assert [parse_id(id) for id in IDS] == IDS
    for name in (*NO_IDS, *(f"a{letter}b" for letter in NOT_PRINTED)):
        found = parse_id(name)
        assert isinstance(found, InvalidId) and found.name == name and found.problem.startswith("it ")


FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", " =1+1", "\t=1+1", "\r=1+1", "\n=1+1", '"=1+1', "'=1+1", "\u200b=1+1", "-1x",
    "\u00a0=1+1", "＝1+1", "＋1", "－1+1", "＠SUM(A1)", "\t1", "=", "-2+3+cmd|' /C calc'!A0", "--1", "-1;2",
]  # fmt: skip
HARMLESS = [
    "-1,5", "Ada", "O'Neil", "Bảo", "", "a=b", "ada@example.org", "77", "-3.5", "-1e-05", "-", "    Points Possible",
    "2-1",
]  # fmt: skip


def test_what_reads_as_a_formula_is_made_text():
    assert [escape_formula(each) for each in FORMULAS + HARMLESS] == [*(f"'{each}" for each in FORMULAS), *HARMLESS]


def test_a_log_message_shows_what_is_in_a_name_whoever_wrote_it(caplog):
    logger = logging.getLogger("test_names")
    logger.addFilter(VisibleNames())
    name = "a\x1b[31m\u202e\udcff\rb"
    logger.warning("Found %s", name)
    logger.warning(f"Found {name}")
    try:
        raise ValueError(name)
    except ValueError:
        logger.exception("Failed")
    assert caplog.text.count(r"a\x1b[31m\u202e\udcff\rb") == 3
    assert all(letter.isprintable() or letter == "\n" for letter in caplog.text)


def test_a_folder_whose_name_can_be_no_id_is_left_out_of_grading(new_course, tmp_path, lockable_here):
    course = new_course(tmp_path)
    SUBMISSIONS["honest"].hand_in(course.released(), tmp_path / "submitted" / "ada" / ASSIGNMENT)
    names = ["<img src=x onerror=alert(1)>", "a\nFake: 1 of 1 submissions graded", "a\x1b[2Jb", os.fsdecode(b"a\xffb")]
    for name in names:
        (tmp_path / "submitted" / name / ASSIGNMENT).mkdir(parents=True)
    done = course.zerolayer("grade", ASSIGNMENT)
    assert done.returncode == NEEDS_A_PERSON, done.stderr
    assert "1 of 5 submissions graded" in done.stdout
    assert done.stdout.count("its folder's name can't be a student's id") == len(names)
    assert all(letter.isprintable() or letter == "\n" for letter in done.stdout)
    assert not any(line.startswith("Fake") for line in done.stdout.splitlines())
    assert sorted(folder.name for folder in (tmp_path / "autograded").glob("[!.]*")) == ["ada"]
    reported = course.zerolayer("report", ASSIGNMENT)
    assert reported.returncode == 0, reported.stderr
