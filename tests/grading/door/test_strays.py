"""Strays: what an instructor has laid beside the place where it is looked for."""

from lib.grading.submissions.strays import strays
from tests.course import ASSIGNMENT


def test_work_beside_its_place_is_found_and_nothing_else(tmp_path):
    found = ("fred.ipynb", "all.zip", f"emil/{ASSIGNMENT}.ipynb", f"gina/{ASSIGNMENT.title()}/work.ipynb")
    others = (
        "read_me.txt",
        ".best/ada/work.ipynb",
        f"ada/{ASSIGNMENT}/own.ipynb",
        f"ada/{ASSIGNMENT}.ipynb",  # a copy: hers is where it is looked for
        "ben/other_assignment/own.ipynb",
        "cleo/other_assignment.ipynb",
    )
    for name in (*found, *others):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    expected = {tmp_path / name for name in found[:3]} | {tmp_path / "gina" / ASSIGNMENT.title()}
    assert set(strays(tmp_path, ASSIGNMENT)) == expected
