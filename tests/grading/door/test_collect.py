"""LMS downloads: `nbgrader zip_collect` finds everybody's notebook in what Canvas and Moodle give, and no more."""

import io
import json
import os
import re
import stat
import struct
import sys
from datetime import datetime
from functools import partial
from unicodedata import normalize
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import nbformat
import pytest
from nbgrader.api import Gradebook

from lib.grading.commands.demo import copy_course, run
from lib.grading.commands.report import ReportApp
from tests.course import ASSIGNMENT
from tests.grading.active import text_of
from tests.grading.conftest import QUICK, Course
from tests.submissions import as_bytes, right
from tests.submissions.pages import WIDGETS

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
    """Say in a zip's list that its file begins at the last byte that a number of 64 bits can say."""
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
WITH_WIDGETS = as_bytes({**json.loads(WORK), "metadata": {"title": "mine", "widgets": WIDGETS}})

CANVAS = {
    "smithjane_12345_67890_softmax_classifier.ipynb": WORK,
    "lopezana_LATE_12346_67891_softmax_classifier-1.ipynb": WORK,
    "kimlee_late_12347_67892_a.zip": packed(("a/softmax_classifier (2).IPYNB", WORK), ("a/timestamp.txt", MADE_UP)),
    "o_neil_12348_67893_softmax_classifier.ipynb.json": WORK,
    "capital_12354_67903_softmax_classifier.IPYNB": WORK,
    "weiming_12349_67894_final.ipynb": WORK,
    "weiming_12349_67895_notes.pdf": b"%PDF",
    "zoubi_12350_67896_work.zip": packed(
        ("mine/softmax_classifier.ipynb", WORK),
        ("__MACOSX/mine/._softmax_classifier.ipynb", b"\0"),
        ("mine/.ipynb_checkpoints/softmax_classifier-checkpoint.ipynb", b"{}"),
        ("mine/timestamp.txt", MADE_UP),
    ),
    "twice_12351_67897_softmax_classifier-2.ipynb": b"2",
    "twice_12351_67898_softmax_classifier-10.ipynb": b"10",
    "twice_12351_67899_softmax_classifier.ipynb": b"0",
    "mallory_666_67900_work.zip": packed(("smithjane_12345_1_softmax_classifier.ipynb", b"not Jane's")),
    "backslash_12352_67901_work.zip": packed(("work\\softmax_classifier.ipynb", WORK)),
    "12353_67902_softmax_classifier.ipynb": WORK,
    "widgets_12355_67904_softmax_classifier.ipynb": WITH_WIDGETS,
    f"{'x' * 99}_12356_67905_softmax_classifier.ipynb": WORK,
}
MOODLE = {
    "Jane Smith_501_assignsubmission_file_/softmax_classifier.ipynb": WORK,
    "Jane Smith_501_assignsubmission_file_/timestamp.txt": MADE_UP,
    "Åsa Öberg-Łuk_502_assignsubmission_file/softmax_classifier.ipynb": WORK,
    "Participant_503_assignsubmission_file_/all.zip": OWN,
    "Li Wei_504_assignsubmission_file_softmax_classifier.ipynb": WORK,
    "Li Wei_505_assignsubmission_file_softmax_classifier.ipynb": WORK,
    normalize("NFD", "José Núñez_507_assignsubmission_file_/softmax_classifier.ipynb"): WORK,  # packed anew by macOS
    "Mary Lou_506_assignsubmission_onlinetext_/onlinetext.html": b"<p>see file</p>",
}
ALONE = """
    smithjane_12345 o_neil_12348 capital_12354 zoubi_12350 twice_12351 backslash_12352 student_12353 widgets_12355
    Jane_Smith_501 Åsa_Öberg-Łuk_502 Participant_503 Li_Wei_504 Li_Wei_505 José_Núñez_507 byhand_77"""
COLLECTED = {
    **{student: {FILE} for student in ALONE.split()},
    **{student: {FILE, "timestamp.txt"} for student in ("lopezana_12346", "kimlee_12347")},
    "weiming_12349": {"final.ipynb"},
    "mallory_666": {"smithjane_12345_1_softmax_classifier.ipynb"},
}
REFUSED = {
    "out_1_1_up.zip": (packed((f"../../{FILE}", WORK)), "leads out of its folder"),
    "out_2_1_root.zip": (packed((f"/etc/{FILE}", WORK)), "leads out of its folder"),
    "out_3_1_drive.zip": (packed((f"C:\\Users\\{FILE}", WORK)), "leads out of its folder"),
    "link_5_1_work.zip": (packed((link(FILE), "../../../judge_secret")), "is a link or a device"),
    "inner_6_1_work.zip": (packed(("inner.zip", OWN)), "is a zip in a student's zip"),
    "key_7_1_work.zip": (encrypted(OWN), "is encrypted"),
    "cut_8_1_work.zip": (OWN[: len(OWN) // 2], "can't be unpacked"),
    "bad_9_1_work.zip": (damaged(packed((FILE, bytes(range(256)) * 9))), "can't be unpacked"),
    "beyond_18_1_work.zip": (beyond(OWN), "can't be unpacked"),
    "lists_20_1_work.ipynb": (b"[" * 500_001, "has more than 500,000 lists"),
    "big_11_1_work.zip": (packed((FILE, b" " * 20_000_001)), "has more than 20 MB"),
    "bomb_12_1_work.zip": (packed(*((f"{n}.ipynb", b" " * 19_000_000) for n in range(6))), "would unpack to 114 MB"),
    "many_13_1_work.zip": (packed(*((f"{n}.ipynb", b"") for n in range(1001))), "holds 1,001 files"),
    "deep_14_1_work.zip": (packed(("a/" * 2000 + FILE, WORK)), "2001 folders deep"),
    "long_15_1_work.zip": (packed(("x" * 3000 + ".ipynb", WORK)), "can't be unpacked"),
    "tar_16_1_work.tar.gz": (b"\x1f\x8b", "only zips are opened"),
    "letter_17_1_work.zip": (packed(("\x1b[31m\n/../x.ipynb", WORK)), r"\x1b[31m\n/../x.ipynb in"),
}


def collect(root, files, *options, **how):
    """Lay these downloads into a course, each later than the one before, and collect what is there."""
    if not (root / "nbgrader_config.py").exists():
        copy_course(root)
        (root / "notebooks" / ASSIGNMENT).mkdir(parents=True, exist_ok=True)
    (archive := archive_in(root)).mkdir(parents=True, exist_ok=True)
    for day, (name, content) in enumerate(files.items()):
        (archive / name).write_bytes(content)
        os.utime(archive / name, (day, day))
    return Course(root).nbgrader("zip_collect", ASSIGNMENT, *options, **how)


def archive_in(root):
    return root / "downloaded" / ASSIGNMENT / "archive"


def set_due(course):
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.find_assignment(ASSIGNMENT).duedate = datetime(2026, 3, 1, 12)
        gradebook.db.commit()


def completed(course):
    return as_bytes(right(nbformat.read(course.released(), as_version=4)))


@pytest.fixture(scope="module")
def collected(new_course, tmp_path_factory):
    """A course into which a download of each kind was collected in one run of the command."""
    course = new_course(tmp_path_factory.mktemp("collect") / "course")
    set_due(course)
    (course.root / "judge_secret").write_text(SECRET)
    archive_in(course.root).mkdir(parents=True)
    (archive_in(course.root) / f"linked_78_1_{FILE}").symlink_to(course.root / "judge_secret")
    refused = {name: data for name, (data, _) in REFUSED.items()}
    canvas = {**CANVAS, f"smithjane_12345_67890_{FILE}": completed(course), **refused}
    downloads = {
        "submissions.zip": packed(*canvas.items()),
        "Course-Softmax-99.zip": packed(*MOODLE.items()),
        "broken.zip": packed(*CANVAS.items())[:500],
        f"byhand_77_1_{FILE}": WORK,
        "nobody.ipynb": WORK,
    }
    course.before = set(course.root.parent.rglob("*"))
    course.run = collect(course.root, downloads)
    course.notes = json.loads((course.root / "downloaded" / ASSIGNMENT / "collected.json").read_text())
    return course


@pytest.mark.gives(f"nbgrader zip_collect {ASSIGNMENT}")
def test_everybody_who_handed_in_is_there_and_nobody_else(collected):
    """What Canvas says came late is so by the least bit: it doesn't say when it came."""
    assert collected.run.returncode == 0, collected.run.stderr
    submitted = collected.root / "submitted"
    found = {folder.name: {path.name for path in (folder / ASSIGNMENT).iterdir()} for folder in submitted.iterdir()}
    assert found == COLLECTED
    stamps = {stamp.parts[-3]: stamp.read_text() for stamp in submitted.rglob("timestamp.txt")}
    assert stamps == dict.fromkeys(("lopezana_12346", "kimlee_12347"), "2026-03-01 12:00:01")
    assert set(collected.notes["late"]) == stamps.keys()


def test_what_is_refused_is_told_in_a_sentence_with_its_name_and_noted(collected):
    said, off = collected.run.stderr, []
    left_out = {left["student"]: left for left in collected.notes["left_out"]}
    for name, (_, text) in REFUSED.items():
        [told, *_] = [line for line in said.splitlines() if name[:100] in line and "left out" in line]
        left = left_out[student := "_".join(name.split("_")[:2])]
        is_noted = text in f"{left['file']} {left['why']}"
        is_told = text in told and "sk for " in told and f"No notebook of {student} could be collected." in said
        off += [] if is_told and is_noted else [(name, told, left)]
    assert not off
    left = left_out["Mary_Lou_506"]
    assert left["file"] == "onlinetext.html"
    assert left["why"] == "no notebook is among what Mary_Lou_506 handed in. Ask for the notebook itself."
    assert f"onlinetext.html is left out: {left['why']}" in said
    assert "broken.zip is left out: it can't be unpacked" in said
    assert "nobody.ipynb is left out: it is nobody's by its name" in said
    assert "it has a name of which no student's id can be made: it has 105 characters" in said


def test_saved_widgets_are_left_in_the_download(collected):
    """JupyterLab would restore them, and run their script, as it opens what was collected."""
    kept = json.loads((collected.root / "submitted" / "widgets_12355" / ASSIGNMENT / FILE).read_text())
    assert kept == {**json.loads(WORK), "metadata": {"title": "mine"}}


def test_nothing_lands_outside_its_folders(collected):
    new = set(collected.root.parent.rglob("*")) - collected.before
    downloaded = archive_in(collected.root).parent
    places = [collected.root / "submitted", downloaded / "extracted", downloaded / "collected.json"]
    outside = [path for path in new if not any(path == place or place in path.parents for place in places)]
    assert {path.parent for path in outside} == {archive_in(collected.root)} and len(outside) == 5, "as laid there"
    assert not [path for path in new if path.is_symlink()]
    assert not [path for path in new if path.is_file() and SECRET.encode() in path.read_bytes()]


def test_of_several_copies_the_last_one_counts(collected):
    assert (collected.root / "submitted" / "twice_12351" / ASSIGNMENT / FILE).read_bytes() == b"10"
    assert "softmax_classifier.ipynb gives way" not in collected.run.stderr
    assert "gives way to twice_12351_67898_softmax_classifier-10.ipynb" in collected.run.stderr
    assert "twice_12351" not in {left["student"] for left in collected.notes["left_out"]}


@pytest.mark.parametrize("names", [("week 1", "week 2"), ("week 2", "week 1")], ids=" then ".join)
def test_of_two_downloads_the_later_one_counts(tmp_path, names):
    """Whatever they are called, and whatever number a browser gave a student's file."""
    first = {"Li Wei_504_assignsubmission_file/softmax (2).ipynb": b"1", "Zoë_505_assignsubmission_file/a.ipynb": b"1"}
    second = {"Li Wei_504_assignsubmission_file/softmax (1).ipynb": b"2"}
    done = collect(tmp_path, {f"{names[0]}.zip": packed(*first.items()), f"{names[1]}.zip": packed(*second.items())})
    assert f"{names[0]} is older than {names[1]}. Notebooks left out of it, since the other has them: 1." in done.stderr
    found = {file.parts[-3]: file.read_bytes() for file in tmp_path.glob("submitted/*/*/*")}
    assert found == {"Li_Wei_504": b"2", "Zoë_505": b"1"}


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
    "a zip's name with the marker": ({f"Mallory_501{MOODLES}{ELSE}.zip": packed((FILE, b"forged")), **HONEST}, THEIRS),
    "a file embedded in a text": (
        {f"Mallory_501_assignsubmission_onlinetext_/{ELSE}a.ipynb": b"forged", **HONEST},
        {**THEIRS, "Mallory_501": b"forged"},
    ),
    "two names for one number": (
        {f"Mallory_777{MOODLES}/a.ipynb": b"forged", **HONEST, f"Li Wei_504{MOODLES}/{FILE}": WORK},
        {"Li_Wei_504": WORK},
    ),
    "two names that become one id": (
        {f"Li.Wei_504{MOODLES}/{FILE}": b"forged", f"Li Wei_504{MOODLES}/{FILE}": WORK},
        {},
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
def test_nobody_hands_in_for_somebody_else(tmp_path, case):
    """Names and files' names are the students' own; what could be two people's is nobody's."""
    files, right_ones = CLAIMS[case]
    done = collect(tmp_path, {"all.zip": packed(*files.items())})
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    found = [(file.parts[-3], file.read_bytes()) for file in tmp_path.glob("submitted/*/*/*")]
    assert sorted(found) == sorted(right_ones.items())
    assert ("left out" in done.stderr) == (b"forged" not in right_ones.values())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limits on a file's size")
def test_a_disk_without_room_is_no_students_fault(new_course, tmp_path):
    """A part of a file would pass for the whole, and lose its points."""
    import resource

    new_course(tmp_path)
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (20_000, 20_000))
    done = collect(tmp_path, {f"wongsam_12_34_{FILE}": bytes(50_000)}, preexec_fn=limit)
    assert done.returncode == 1
    assert "Free some space there. Not all was collected." in done.stderr
    assert "Ask for" not in done.stderr
    assert not (tmp_path / "submitted").exists()


def test_a_place_that_cannot_be_filled_stops_nbgraders_command_with_a_sentence(tmp_path):
    (submitted := tmp_path / "submitted").mkdir()
    (submitted / "bo_2").touch()
    done = collect(tmp_path, {f"{name}_4_{FILE}": WORK for name in ("ada_1", "bo_2", "cy_3")})
    assert done.returncode == 1
    assert f"{submitted / 'bo_2'}: File exists. Not all was collected." in done.stderr
    assert "Traceback" not in done.stderr
    (submitted / "bo_2").unlink()
    done = collect(tmp_path, {}, "--force")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in submitted.iterdir()) == ["ada_1", "bo_2", "cy_3"]
    (archive_in(tmp_path).parent / "extracted").rename(tmp_path / "earlier")
    again = collect(tmp_path, {})
    assert again.returncode == 1
    assert "is not empty. Give --force to replace what was collected before." in again.stderr


def test_numbers_of_canvas_are_noted_and_kept(collected, tmp_path):
    """By them the export names students to Canvas; a number of Moodle's is none, nor one that two students claim."""
    canvas = collected.notes["canvas"]
    assert canvas.keys() == {student for student in COLLECTED if student.islower()}  # as Canvas writes names
    assert canvas["smithjane_12345"] == "12345"
    for name in ("ada_1_4", "bo_2_5"):
        assert collect(tmp_path, {f"{name}_{FILE}": WORK}, "--force").returncode == 0
        (archive_in(tmp_path) / f"{name}_{FILE}").unlink()
    notes = json.loads((archive_in(tmp_path).parent / "collected.json").read_text())
    assert notes["canvas"] == {"ada_1": "1", "bo_2": "2"}


def test_the_report_and_grading_tell_who_could_not_be_collected(collected):
    done = collected.zerolayer("grade", ASSIGNMENT, *QUICK)
    assert done.returncode == 3
    assert collected.verdict("smithjane_12345").points == 20
    assert re.search("tar_16 +could not be collected: tar_16_1_work.tar.gz in submissions.zip", done.stdout)
    assert re.search("nobody.ipynb +could not be collected: it is nobody's by its name", done.stdout)
    run(ReportApp, collected.root, ASSIGNMENT)
    page = text_of((collected.root / "reports" / f"{ASSIGNMENT}.html").read_text())
    assert f"notcollected{len(REFUSED) + 1}" in "".join(page.split())
    assert all(text in page for text in ("is packed as .gz", "tar_16", "key_7", "Mary_Lou_506"))


def test_canvas_late_counts_also_where_the_due_date_comes_later(new_course, tmp_path):
    course = new_course(tmp_path / "course")
    files = dict.fromkeys((f"lea_LATE_1_1_{FILE}", f"kim_2_2_{FILE}"), completed(course))
    assert collect(course.root, files).returncode == 0
    assert course.zerolayer("grade", ASSIGNMENT).returncode == 0
    assert not [*course.root.glob("submitted/*/*/timestamp.txt")]
    set_due(course)
    again = course.zerolayer("grade", ASSIGNMENT)
    assert "1 of 2 submissions graded" in again.stdout
    assert "lea_1 is late: Canvas says so, and not by how much" in again.stderr
    assert "seconds late" not in again.stderr
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        late = [gradebook.find_submission(ASSIGNMENT, student).total_seconds_late for student in ("lea_1", "kim_2")]
        assert late == [1, 0]
