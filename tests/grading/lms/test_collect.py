"""LMS downloads: `zerolayer collect` finds everybody's notebook in what Canvas and Moodle give, and no more."""

import io
import json
import os
import re
import stat
import struct
from datetime import datetime
from unicodedata import normalize
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory

from lib.grading.commands.demo import run
from lib.grading.commands.report import ReportApp
from lib.grading.submissions.collection_records import read_collection
from tests.course import ASSIGNMENT
from tests.grading.active import text_of
from tests.grading.conftest import QUICK
from tests.submissions import as_bytes, right
from tests.submissions.pages import WITH_WIDGETS, WITHOUT_WIDGETS

FILE = f"{ASSIGNMENT}.ipynb"
SECRET = "0123456789abcdef" * 4


def packed(*entries):
    """Make a zip of names, or whole entries, and what they hold."""
    data = io.BytesIO()
    with ZipFile(data, "w", ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return data.getvalue()


def link(name):
    entry = ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def encrypted(data):
    """Set the flag that says so in both of a zip's headers."""
    data = bytearray(data)
    data[data.index(b"PK\x03\x04") + 6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def damaged(data):
    """Change a byte in the middle of what is packed."""
    middle = data.index(b"PK\x01\x02") // 2
    return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]


def beyond(data):
    """Write into a zip's list that its file begins at the last byte that a number of 64 bits can name."""
    at, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    more = struct.pack("<HHQ", 1, 8, 2**64 - 1)
    entry, last = bytearray(data[at:end]), bytearray(data[end:])
    entry[30:32], entry[42:46] = struct.pack("<H", len(more)), b"\xff" * 4
    last[12:16] = struct.pack("<L", len(entry + more))
    return data[:at] + entry + more + last


WORK = as_bytes({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
"""What everybody hands in of whom only the name matters."""
OWN = packed((FILE, WORK))
MADE_UP = b"2020-01-01 00:00:00"
"""A time that a student writes, and that nobody reads."""

CANVAS = {
    "smithjane_12345_67890_softmax_classifier.ipynb": WORK,
    "lopezana_LATE_12346_67891_softmax_classifier-1.ipynb": WORK,
    "kimlee_late_12347_67892_softmax_classifier (2).IPYNB": WORK,
    "kimlee_late_12347_67893_timestamp.txt": MADE_UP,
    "o_neil_12348_67893_softmax_classifier.ipynb.json": WORK,
    "capital_12354_67903_softmax_classifier.IPYNB": WORK,
    "weiming_12349_67894_final.ipynb": WORK,
    "weiming_12349_67895_notes.pdf": b"%PDF",
    "__MACOSX/._smithjane_12345_67890_softmax_classifier.ipynb": b"\0",
    ".ipynb_checkpoints/smithjane_12345_67890_softmax_classifier-checkpoint.ipynb": b"{}",
    "twice_12351_67897_softmax_classifier-2.ipynb": b"2",
    "twice_12351_67898_softmax_classifier-10.ipynb": b"10",
    "twice_12351_67899_softmax_classifier.ipynb": b"0",
    "work\\backslash_12352_67901_softmax_classifier.ipynb": WORK,
    "12353_67902_softmax_classifier.ipynb": WORK,
    "widgets_12355_67904_softmax_classifier.ipynb": WITH_WIDGETS,
    "../../up_1_1_softmax_classifier.ipynb": WORK,
    "/etc/root_2_1_softmax_classifier.ipynb": WORK,
    "C:\\Users\\drive_3_1_softmax_classifier.ipynb": WORK,
    f"{'a/' * 2000}deep_4_1_softmax_classifier.ipynb": WORK,
    f"{'x' * 99}_12356_67905_softmax_classifier.ipynb": WORK,
}
MOODLE = {
    "Jane Smith_501_assignsubmission_file_/softmax_classifier.ipynb": WORK,
    "Jane Smith_501_assignsubmission_file_/timestamp.txt": MADE_UP,
    "Åsa Öberg-Łuk_502_assignsubmission_file/softmax_classifier.ipynb": WORK,
    "Participant_503_assignsubmission_file_/softmax_classifier.ipynb": WORK,
    "Li Wei_504_assignsubmission_file_softmax_classifier.ipynb": WORK,
    "Li Wei_505_assignsubmission_file_softmax_classifier.ipynb": WORK,
    normalize("NFD", "José Núñez_507_assignsubmission_file_/softmax_classifier.ipynb"): WORK,  # packed anew by macOS
    "Mary Lou_506_assignsubmission_onlinetext_/onlinetext.html": b"<p>see file</p>",
}
ALONE = """
    smithjane_12345 o_neil_12348 capital_12354 twice_12351 backslash_12352 student_12353 widgets_12355
    up_1 root_2 drive_3 deep_4 link_5
    lopezana_12346 kimlee_12347 byhand_77 folder_79 Jane_Smith_501 Åsa_Öberg-Łuk_502 Participant_503 Li_Wei_504
    Li_Wei_505 José_Núñez_507"""
COLLECTED = {
    **{student: {FILE} for student in ALONE.split()},
    "weiming_12349": {"final.ipynb"},
}
REFUSED = {
    "zip_6_1_work.zip": (
        OWN,
        "is an archive. Ask for the notebook itself. Or unpack it, and collect its notebook as zip_6_1",
    ),
    "tar_16_1_work.tar.gz": (b"\x1f\x8b", "is an archive"),
    "lists_20_1_work.ipynb": (b"[" * 500_001, "has more than 500,000 lists"),
    "big_11_1_work.ipynb": (b" " * 20_000_001, "has more than 20 MB"),
    f"long_15_1_{'x' * 3000}.ipynb": (WORK, "can't be unpacked"),
    "letter_17_1_\x1b[31m.zip": (OWN, r"letter_17_1_\x1b[31m"),
}
"""Files of students in a download."""
UNSAFE = {
    "key": (encrypted(packed((f"key_7_1_{FILE}", WORK))), "can't be unpacked"),
    "bad": (damaged(packed((f"bad_9_1_{FILE}", bytes(range(256)) * 9))), "can't be unpacked"),
    "beyond": (beyond(packed((f"beyond_18_1_{FILE}", WORK))), "can't be unpacked"),
    "cut": (OWN[: len(OWN) // 2], "can't be unpacked"),
}
"""Downloads of one file."""


def collect(course, files, *options, **how):
    """Collect these downloads in a course, each later than the one before."""
    (folder := course.root.parent / f"{course.root.name} downloads").mkdir(exist_ok=True)
    for day, (name, content) in enumerate(files.items(), 1):
        (folder / name).write_bytes(content)
        os.utime(folder / name, (day, day))
    return course.zerolayer("collect", ASSIGNMENT, *options, *(str(folder / name) for name in files), **how)


def notes(course):
    return json.loads((course.root / "downloaded" / ASSIGNMENT / "collected.json").read_text())


def there(course):
    return {file.parts[-3]: file.read_bytes() for file in course.root.glob("submitted/*/*/*")}


def set_due(course):
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.find_assignment(ASSIGNMENT).duedate = datetime(2026, 3, 1, 12)
        gradebook.db.commit()


@pytest.fixture
def course(new_course, tmp_path):
    return new_course(tmp_path / "course")


@pytest.fixture(scope="module")
def collected(new_course, tmp_path_factory):
    """A course into which a download of each kind was collected in one run of the command."""
    course = new_course(tmp_path_factory.mktemp("collect") / "course")
    (course.root / "judge_secret").write_text(SECRET)
    (unpacked := course.root.parent / "unpacked").mkdir()
    (unpacked / f"linked_78_1_{FILE}").symlink_to(course.root / "judge_secret")
    for name in ("folder", "._folder"):  # of the second kind macOS makes some
        (unpacked / f"{name}_79_1_{FILE}").write_bytes(WORK)
    refused = {name: data for name, (data, _) in REFUSED.items()}
    completed = as_bytes(right(nbformat.read(course.released(), as_version=4)))
    canvas = {
        **CANVAS,
        f"smithjane_12345_67890_{FILE}": completed,
        link(f"link_5_1_{FILE}"): "../judge_secret",
        **refused,
    }
    downloads = {
        "submissions.zip": packed(*canvas.items()),
        "Course-Softmax-99.zip": packed(*MOODLE.items()),
        **{f"{name}.zip": data for name, (data, _) in UNSAFE.items()},
        f"byhand_77_1_{FILE}": WORK,
        "nobody.ipynb": WORK,
    }
    course.before = set(course.root.rglob("*"))
    course.run = collect(course, downloads, str(unpacked))
    return course


def test_everybody_who_handed_in_is_there_and_nobody_else(collected):
    assert collected.run.returncode == 0, collected.run.stderr
    submitted = collected.root / "submitted"
    found = {folder.name: {path.name for path in (folder / ASSIGNMENT).iterdir()} for folder in submitted.iterdir()}
    assert found == COLLECTED
    late = {student for student, note in notes(collected)["notes"].items() if note["late"]}
    assert late == {"lopezana_12346", "kimlee_12347"}
    assert (
        f"{len(COLLECTED)} new; {len(REFUSED) + len(UNSAFE) + 3} need a person."
        in collected.run.stdout.splitlines()[-1]
    )


def test_what_is_refused_has_a_line_with_the_students_name_and_is_noted(collected):
    said, off = collected.run.stdout, []
    left_out = {left["student"]: left for left in notes(collected)["left_out"]}
    for name, (_, text) in REFUSED.items():
        student = "_".join(name.split("_")[:2])
        [line] = [line for line in said.splitlines() if f"{name.split('_')[0]} ({student}): " in line]
        left = left_out[student]
        off += [] if text in line and text in f"{left['file']} {left['why']}" and "sk for " in line else [(line, left)]
    assert not off
    why = "Mary_Lou_506 submitted no notebook. Ask for the notebook itself."
    assert f"Mary Lou (Mary_Lou_506): onlinetext.html: {why}" in said
    assert not [name for name, (_, text) in UNSAFE.items() if text not in said]
    assert "nobody.ipynb: it has a name that doesn't show its owner" in said
    assert "it has a name that can't be used as a student's id: it has 105 characters" in said


def test_saved_widgets_are_left_in_the_download(collected):
    """JupyterLab would restore them, and run their script, as it opens what was collected."""
    kept = json.loads((collected.root / "submitted" / "widgets_12355" / ASSIGNMENT / FILE).read_text())
    assert kept == WITHOUT_WIDGETS


def test_nothing_lands_outside_its_folders(collected):
    new = set(collected.root.rglob("*")) - collected.before
    places = [collected.root / "submitted", collected.root / "downloaded"]
    assert not [path for path in new if not any(path == place or place in path.parents for place in places)]
    assert not [path for path in new if path.is_symlink() or path.name.startswith(".")]
    assert not [path for path in new if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert there(collected)["twice_12351"] == b"10", "of several copies the last one"


@pytest.mark.parametrize("names", [("week 1", "week 2"), ("week 2", "week 1")], ids=" then ".join)
def test_of_two_downloads_the_later_one_counts(course, names):
    """Whatever they are called, in which order they come, and whatever number a browser gave a student's file."""
    moodle = "504_assignsubmission_file/softmax"
    first = packed((f"Li Wei_{moodle} (2).ipynb", b"1"), ("Zoë_505_assignsubmission_file/a.ipynb", b"1"))
    files = {f"{names[0]}.zip": first, f"{names[1]}.zip": packed((f"Li Wei_{moodle} (1).ipynb", b"2"))}
    for again in (files, {f"{names[0]}.zip": first}):
        assert collect(course, again).returncode == 0
        assert there(course) == {"Li_Wei_504": b"2", "Zoë_505": b"1"}


def test_newer_work_replaces_older_and_a_correction_by_hand_stays(course):
    """In Canvas a later file has a higher number, whenever its download was made."""
    first = packed((f"ada_1_10_{FILE}", b"old"), (f"bo_2_11_{FILE}", b"bo"))
    second = ((f"ada_LATE_1_12_{FILE}", b"new"), (f"bo_2_11_{FILE}", b"bo"))
    weeks = [(first, "2 new;"), (packed(*second), "1 replaced, 1 unchanged;"), (first, "1 unchanged, 1 older than")]
    for files, said in weeks:
        assert said in collect(course, {"submissions.zip": files}).stdout
    assert there(course) == {"ada_1": b"new", "bo_2": b"bo"}
    (course.root / "submitted" / "bo_2" / ASSIGNMENT / FILE).write_bytes(b"corrected")
    (theirs := course.root / "submitted" / "cy_3" / ASSIGNMENT).mkdir(parents=True)
    (theirs / FILE).write_bytes(b"from the exchange")
    done = collect(course, {"submissions.zip": packed(*second, (f"cy_3_9_{FILE}", b"cy"))})
    assert there(course) == {"ada_1": b"new", "bo_2": b"corrected", "cy_3": b"from the exchange"}
    assert "cy (cy_3): " in done.stdout and "already has work that was not collected here." in done.stdout


CANVAS_ROSTER = 'Student,ID,SIS Login ID,Section\n"Stone, Emil",1,emil,1\n"King, Ada",2,ada,1\n'


def students(course):
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        return {one.id for one in gradebook.students}


def test_anonymous_work_is_its_students_as_soon_as_canvas_shows_names(course):
    """By the number of the file. What a person has marked stays, and nobody counts twice."""
    (course.root / "canvas.csv").write_text(CANVAS_ROSTER)
    hidden = {f"anon_{number * 5}_{90 + int(number)}_{FILE}": WORK for number in "12"}
    roster = str(course.root / "canvas.csv")
    assert "2 new; 0 need a person." in collect(course, {"hidden.zip": packed(*hidden.items())}, roster).stdout
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.add_student("anon_11111")
        [notebook] = gradebook.add_submission(ASSIGNMENT, "anon_11111").notebooks
        notebook.grades[0].manual_score = 1.5
        gradebook.db.commit()
    shown = packed((f"stoneemil_1_91_{FILE}", WORK), (f"kingada_2_99_{FILE}", b"newer"))
    done = collect(course, {"shown.zip": shown})
    assert "anon_11111 is Stone, Emil (emil)." in done.stdout and "1 new, 1 unchanged; 1 need" in done.stdout
    assert "anon_22222: Canvas shows names now" in done.stdout.replace(" (anon_22222)", "")
    assert there(course) == {"emil": WORK, "ada": b"newer", "anon_22222": WORK}
    assert students(course) == {"ada", "emil"}
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        assert gradebook.find_submission(ASSIGNMENT, "emil").score == 1.5
    again = collect(course, {"hidden.zip": packed(*hidden.items())}).stdout
    assert "2 unchanged; 0 need a person." in again
    assert there(course).keys() == {"emil", "ada", "anon_22222"}


def test_a_worksheet_tells_moodles_namesakes_apart(course):
    people = "First name,Last name,Email address\nLi,Wei,a@x\nLi,Wei,b@x\nBo,Ng,bo@x\n"
    sheet = "Identifier,Full name,Email address,Grade\nParticipant 504,Li Wei,b@x,\nParticipant 505,Li Wei,a@x,\n"
    for name, text in (("people", people), ("sheet", sheet)):
        (course.root / f"{name}.csv").write_text(text)
    names = {"504": "Li Wei", "505": "Li Wei", "506": "Bo Ng"}
    files = [(f"{name}_{number}{MOODLES}/{FILE}", number.encode()) for number, name in names.items()]
    done = collect(course, {"all.zip": packed(*files)}, str(course.root / "people.csv"))
    told = "Li Wei (Li_Wei_504), Li Wei (Li_Wei_505) aren't on the roster (2). To find out who that is, collect again"
    assert told in done.stdout
    assert there(course) == {"Li_Wei_504": b"504", "Li_Wei_505": b"505", "bo@x": b"506"}
    done = collect(course, {"all.zip": packed(*files)}, str(course.root / "sheet.csv"))
    assert "Li_Wei_504 is Wei, Li (b@x)." in done.stdout and "3 unchanged" in done.stdout
    assert there(course) == {"b@x": b"504", "a@x": b"505", "bo@x": b"506"}


@pytest.mark.slow
def test_another_assignments_notebook_is_called_so_by_whatever_name_it_came(course):
    work = {"nbgrader": {"grade_id": "their-cell", "grade": True, "solution": False, "points": 1}}
    other = {"cell_type": "code", "metadata": work, "source": "", "outputs": [], "execution_count": None}
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.add_assignment("other")
        gradebook.add_notebook("other", "other")
        gradebook.add_source_cell("their-cell", "other", "other", cell_type="code")
    names = {f"ada_1_2_{FILE}": "ada_1", "bo_2_3_other.ipynb": "bo_2"}
    collect(course, dict.fromkeys(names, as_bytes({**json.loads(WORK), "cells": [other]})))
    graded = course.zerolayer("grade", ASSIGNMENT)
    assert graded.returncode == 3
    for student in names.values():
        assert re.search(f"{student} +.*may not be this assignment's notebook, but other's", graded.stdout)


MOODLES = "_assignsubmission_file_"
ELSE = f"Somebody Else_777{MOODLES}"
HONEST = {f"{ELSE}a.ipynb": WORK}
THEIRS = {"Somebody_Else_777": WORK}
CLAIMS = {
    "a display name with the marker": (
        {f"{ELSE}x_501{MOODLES}/{FILE}": b"forged", f"{ELSE}/{FILE}": WORK},
        {**THEIRS, f"Somebody_Else_777{MOODLES}x_501": b"forged"},
    ),
    "a file's name with the marker": ({f"Mallory_501{MOODLES}{ELSE}a.ipynb": b"forged", **HONEST}, THEIRS),
    "a file embedded in a text": (
        {f"Mallory_501_assignsubmission_onlinetext_/{ELSE}a.ipynb": b"forged", **HONEST},
        {**THEIRS, "Mallory_501": b"forged"},
    ),
    "Canvas: a name with two numbers": (
        {f"victim_777_888_x_12345_67890_{FILE}": b"forged", f"victim_777_900_{FILE}": WORK},
        {"victim_777": WORK},
    ),
    "Canvas: a file's name with Moodle's marker": (
        {
            f"mallory_LATE_666_67900_777{MOODLES}x.ipynb": b"forged",
            f"anon_x7Kd2_5{MOODLES}x.ipynb": b"forged",
            **HONEST,
        },
        THEIRS,
    ),
    "Canvas: a title that looks like Moodle's": ({f"mallory_666_67900_{ELSE}x.ipynb": b"forged", **HONEST}, THEIRS),
}


@pytest.mark.parametrize("case", CLAIMS)
def test_nobody_hands_in_for_somebody_else(course, case):
    """Names and files' names are the students' own; what could be two people's is nobody's."""
    files, right_ones = CLAIMS[case]
    done = collect(course, {"all.zip": packed(*files.items())})
    assert done.returncode == 0, done.stderr
    assert there(course) == right_ones
    assert (" 0 need a person." in done.stdout) == (b"forged" in right_ones.values())


def test_a_name_that_somebody_takes_on_later_is_not_theirs(course):
    """In Moodle students may change their names."""
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.add_student("jane", first_name="Jane", last_name="Smith")
    for number, content in ((501, b"hers"), (777, b"forged")):
        done = collect(course, {"a.zip": packed((f"Jane Smith_{number}{MOODLES}/{FILE}", content))})
        assert there(course) == {"jane": b"hers"}
    assert "Jane Smith (501) submitted under this id before." in done.stdout


def test_what_keeps_it_from_being_done_is_told_in_a_sentence(course):
    (course.root / "submitted").mkdir()
    (course.root / "submitted" / "bo_2").touch()
    (course.root / "other.csv").write_text("a,b\n")
    files = {f"{name}_4_{FILE}": WORK for name in ("ada_1", "bo_2", "cy_3")}
    told = {
        ("collect", ASSIGNMENT, "no.zip"): "no.zip: No such file or directory. Not everything was collected.",
        ("collect", ASSIGNMENT, "nbgrader_config.py"): "nothing was collected. Name the file that Canvas or Moodle",
        ("collect", ASSIGNMENT, "nbgrader_config.py", "other.csv"): "other.csv has no columns ID and Section",
        ("collect", ASSIGNMENT, "other.csv"): "other.csv is a table, which has no submissions. Name the download, too.",
        ("collect", ASSIGNMENT): "Name an assignment and the downloads",
        ("collect", "nosuch", "nbgrader_config.py"): "There is no assignment nosuch. There ",
    }
    for command, why in told.items():
        done = course.zerolayer(*command)
        assert (done.returncode, why in done.stderr, "Traceback" in done.stderr) == (1, True, False), done.stderr
    done = collect(course, files)
    assert done.returncode == 1 and "bo_2: File exists. Not everything was collected." in done.stderr
    (course.root / "submitted" / "bo_2").unlink()
    assert "2 new" in collect(course, files).stdout, "the same command goes on"
    assert there(course).keys() == {"ada_1", "bo_2", "cy_3"}


def test_the_report_lists_who_could_not_be_collected(collected):
    done = collected.zerolayer("grade", ASSIGNMENT, *QUICK)
    assert "could not be collected" not in done.stdout
    assert collected.verdict("smithjane_12345").points == 20
    set_due(collected)
    again = collected.zerolayer("grade", ASSIGNMENT, *QUICK)
    assert re.search("lopezana_12346 +according to Canvas, which gives no time", again.stdout), (
        "also by a later due date"
    )
    run(ReportApp, collected.root, ASSIGNMENT)
    page = text_of((collected.root / "reports" / f"{ASSIGNMENT}.html").read_text())
    left_out = read_collection(CourseDirectory(root=str(collected.root)), ASSIGNMENT).left_out
    assert f"Look at downloads: {len(left_out)}" in page and len(left_out) > len(REFUSED)
    assert all(
        text in page
        for text in (
            "is an archive",
            "tar_16",
            "key_7_1_",
            "nobody.ipynb: it has a name that doesn't show its owner",
            "Mary_Lou_506",
        )
    )
