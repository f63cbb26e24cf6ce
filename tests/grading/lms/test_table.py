"""Files of Canvas and Moodle as they may come: other columns, other signs, and files that are none."""

import pytest

from lib.grading.errors import ConfigError
from lib.grading.lms.table import Table

HEADS = "Student,ID,SIS Login ID,Section,Softmax classifier (12),Softmax-Classifier (34),12 (56),Final Score"
ROWS = '    Points Possible,,,,24,10,,(read only)\n"King, Ada",101,ada,1,,,,\nCher,102,,1,,,,\n'
PLAIN = f"{HEADS}\n{ROWS}"
FIRST_AND_LAST = (
    "LastName,FirstName,ID,SIS User ID,SIS Login ID,Integration ID,Section,A (1)\nKing,Ada,101,N-1,ada,,1,\n"
)
ADA, CHER = ("101", "King", "Ada", "ada", ""), ("102", "Cher", "", "", "")
MOODLE = "First name,Surname,Email address,Groups\nAda,King,ada@x.org,A\n", [("", "King", "Ada", "", "ada@x.org")]
SHEET = "Identifier;Username;Grade;Maximum Grade\nParticipant 7;ada;;7,50\n", [("7", "", "", "ada", "")]
FILES = {
    "as most have it": (PLAIN, [ADA, CHER]),
    "with semicolons, where numbers have a comma": (
        f"{HEADS.replace(',', ';')}\n    Points Possible;;;;24,00;10,00;;\nKing, Ada;101;ada;1;;;;\n",
        [ADA],
    ),
    "with first and last names apart": (FIRST_AND_LAST, [ADA]),
    "Moodle's participants": MOODLE,
    "Moodle's worksheet": SHEET,
    "with the student as whom the instructor looks": (f'{PLAIN}"Student, Test",9,x,1,,,,\n', [ADA, CHER]),
}
NONE = {
    "nothing": (b"", "found nothing"),
    "another table": (b"Name,Points\nAda,3\n", "has no columns ID and Section: found Name, Points"),
    "saved anew by a spreadsheet": ("Student,ID,Section\nBão,1,1\n".encode("latin-1"), "can't be read: 'utf-8' codec"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00", "can't be read"),
}
COLUMNS = {"12": 4, "34": 5, "Softmax classifier (12)": 4, "56": 6}
NO_COLUMN = {
    "softmax_classifier": "several columns for 'softmax_classifier': found 'Softmax classifier (12)', 'Softmax-Class",
    "essay": "no column for 'essay': found 'Softmax classifier (12)', 'Softmax-Classifier (34)', '12 (56)'. Choose one",
    "Final Score": "no column",
}


@pytest.mark.parametrize("kind", FILES)
def test_students_are_read_whatever_the_columns(tmp_path, kind):
    (file := tmp_path / "canvas.csv").write_text(FILES[kind][0], encoding="utf-8")
    read = Table.read(file, "canvas", "worksheet", "participants")
    found = [(one.number, one.last_name, one.first_name, one.login, one.email) for one, _ in read.people()]
    assert found == FILES[kind][1]
    if "Points Possible" in FILES[kind][0]:
        assert [read.maximum([], column) for column in (4, 5, 6)] == [24, 10, None]
    if ";" in FILES[kind][0]:
        assert read.decimal_sign == ","


def test_what_is_no_such_file_is_told_with_what_to_do(tmp_path):
    for content, why in NONE.values():
        (file := tmp_path / "canvas.csv").write_bytes(content)
        with pytest.raises(ConfigError, match="In Canvas, choose Grades, Export") as told:
            Table.read(file, "canvas")
        assert why in str(told.value)
    with pytest.raises(ConfigError, match="No such file"):
        Table.read(tmp_path / "no.csv", "canvas")


def test_a_column_is_found_by_title_or_number_if_there_is_one(tmp_path):
    (file := tmp_path / "canvas.csv").write_text(PLAIN)
    read = Table.read(file, "canvas")
    assert {asked: read.column(asked) for asked in COLUMNS} == COLUMNS
    for asked, why in NO_COLUMN.items():
        with pytest.raises(ConfigError) as told:
            read.column(asked)
        assert why in str(told.value)
