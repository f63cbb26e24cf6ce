"""`zerolayer report` on real graded classes: the page says what grading stored, leads to it, and runs nothing."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from urllib.parse import unquote

import numpy as np
import pytest
from nbgrader.api import Gradebook

from lib.checking.answers import encode
from lib.grading.commands.demo import run
from lib.grading.commands.report import ReportApp
from lib.grading.judge.verdict import FILE, Verdict
from lib.grading.pages.evidence import challenge_arrays
from lib.grading.pages.templates import duration
from lib.units.softmax_classifier.closed.sample_class import RIGHT
from tests.course import ASSIGNMENT
from tests.grading.active import elements, text_of
from tests.grading.pages.conftest import FILLINGS


@pytest.fixture(scope="session")
def page(small_class):
    return small_class.report()


def section(html, id):
    """The text of one section, with single spaces."""
    [inner] = re.findall(rf'<section id="{id}".*?</section>', html, re.DOTALL)
    return text_of(inner.replace("<", " <"))


def figures(html):
    """The numbers at the top, by name."""
    pairs = re.findall(r"<div><dt>(.*?)</dt><dd>(.*?)</dd></div>", html)
    return {name: re.sub("<.*?>", "", value) for name, value in pairs}


def risks(html):
    """What of a page might run, or fetch anything."""
    found = []
    for element in elements(html):
        tag = str(element.tag)
        if tag in ("script", "iframe", "object", "embed", "form", "img", "link", "base"):
            found.append(tag)
        for name, value in element.attrib.items():
            fetches = str(name) in ("src", "srcset", "action", "data") or (str(name) == "href" and tag != "a")
            runs = str(name).startswith("on") or value.strip().lower().startswith(("javascript:", "data:"))
            found += [(tag, str(name), value)] if fetches or runs else []
    return found + re.findall(r"@import|url\((?!#)", html)


def test_it_counts_who_did_what(page):
    assert figures(page) == {
        "submitted": "12 of 13",
        "graded": "11",
        "failed to run": "1",
        "late": "1",
        "missing": "1",
        "median score": "19 of 21",
    }


def test_the_median_and_the_picture_are_of_the_verdicts(small_class, page):
    scores = [small_class.verdict(student).points for student in (*FILLINGS, "lars")]
    assert sorted(scores)[5] == 19
    rows = re.findall(r'<tr><th scope="row">(\d+)</th><td>(\d+)</td></tr>', page)
    assert {float(score): int(count) for score, count in rows} == {score: scores.count(score) for score in scores}
    assert "written answers wait to be marked" in section(page, "scores")


def test_each_part_has_its_figures(small_class, page):
    parts = [small_class.verdict(student).parts for student in (*FILLINGS, "lars")]
    body = re.search(r"<caption>Each part in numbers.*?</table>", page, re.DOTALL)[0]
    rows = re.findall(r'<th scope="row">(.*?) <small>.*?</th>(.*?)</tr>', body, re.DOTALL)
    assert len(rows) == 8
    for (title, rest), found in zip(rows, zip(*parts, strict=True), strict=True):
        cells = re.findall(r"<td>(.*?)</td>", rest, re.DOTALL)
        success = sum(part.points for part in found) / sum(part.max_points for part in found)
        assert found[0].title == title
        assert cells[0] == f"{100 * success:.0f} %"
        assert sum(int(cell) for cell in cells[1:6] if cell != "–") == len(parts)
        blank = sum(any(one.state == "open" for one in part.statements) for part in found)
        assert cells[4] == (str(blank) if blank else "–")


def test_mistakes_come_most_frequent_first_with_hint_students_and_what_to_teach(small_class, page):
    said = section(page, "mistakes")
    mistake = small_class.verdict("emma").parts[0].mistake
    assert said.index(mistake.name) < said.index("1/B is missing")
    entry = said[said.index(mistake.name) : said.index("1/B is missing")]
    assert "2 students of 11" in entry
    assert mistake.hint in entry
    assert "Teach again: Compute the loss of a batch of two samples" in entry
    assert "emma" in entry and "alert('E')" in entry and "finn" not in entry


def test_alike_answers_without_a_name_are_one_group_with_their_code(page):
    said = section(page, "person")
    assert "The loss: 2 students" in said and "3 times the right number" in said
    assert re.search(r"The code of finn.*?3 \* \(-np\.sum", said)
    assert "The code of gail" in said  # other code, same numbers
    assert "The cell loss ended in SyntaxError" in said
    assert "not defined" not in said


def test_what_waits_for_a_person_is_named(page):
    said = section(page, "person")
    assert "explain-gradient : 11 answers" in said
    assert "can't be read as JSON" in said
    assert "scipy.special.softmax : 1 student hana" in said
    assert "Handed in and not graded" in said and said.rstrip(" ✎").endswith("nils")


def test_late_and_missing_are_named(page):
    said = section(page, "absent")
    assert "Nguyễn, Dr., Bảo" in said and "1 d 3 h" in said
    assert "Missing: 1 student" in said and "Missing, Mona" in said


def test_less_than_a_minute_is_no_minute():
    """Canvas says LATE and no time, which is kept as a second."""
    assert duration(timedelta(seconds=1)) == "Canvas doesn't say"
    assert duration(timedelta(seconds=59)) == "less than a minute"
    assert duration(timedelta(minutes=61)) == "1 h 1 min"


def test_nobody_needs_to_read_what_it_prints(small_class):
    command = [sys.executable, "-u", "-m", "lib.grading", "report", ASSIGNMENT]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        command, cwd=small_class.root, stdout=write, stderr=subprocess.PIPE, text=True, check=False, timeout=300
    )
    os.close(write)
    assert done.returncode == 0
    assert "can't be written" not in done.stderr


def test_names_lead_to_feedback_and_formgrader(small_class, page):
    with Gradebook(f"sqlite:///{small_class.root}/gradebook.db") as gradebook:
        ids = {one: gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, one).id for one in ("ada", "emma")}
    links = [element.attrib["href"] for element in elements(page) if element.tag == "a" and "href" in element.attrib]
    for id in ids.values():
        assert f"http://localhost:8888/formgrader/submissions/{id}" in links
    feedback = {link for link in links if link.startswith("..")}
    assert len(feedback) == 1  # only ada's has been written
    assert (small_class.root / "reports" / unquote(feedback.pop())).resolve().is_file()
    assert "https://hub.example/formgrader/" in small_class.report("--server=https://hub.example/")


def test_what_people_wrote_is_text(small_class, page):
    assert risks(page) == []
    assert "<script>alert('E')</script>" in text_of(page)
    small_class.report("--student=emil")
    assert risks((small_class.root / "reports" / ASSIGNMENT / "emil.html").read_text()) == []


def test_headings_tables_and_pictures_can_be_heard(page):
    found = elements(page)
    levels = [int(str(one.tag)[1]) for one in found if re.fullmatch(r"h[1-6]", str(one.tag))]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for table in (one for one in found if one.tag == "table"):
        assert "".join(table.find("caption").itertext()).strip()
        assert all("scope" in head.attrib for head in table.iter("th"))
    pictures = [one for one in found if str(one.tag).endswith("svg")]
    assert all(one.attrib.get("aria-label") or one.attrib.get("aria-hidden") for one in pictures)
    assert len([one for one in pictures if one.attrib.get("role") == "img"]) == 9
    ids = [one.attrib["id"] for one in found if "id" in one.attrib]
    assert len(ids) == len(set(ids))
    targets = {one.attrib["href"][1:] for one in found if one.attrib.get("href", "").startswith("#")}
    assert targets <= set(ids)


def test_for_an_appeal_a_students_page_has_every_number(small_class):
    html = small_class.report("--student=finn")
    assert f'href="{ASSIGNMENT}/finn.html"' in html
    own = (small_class.root / "reports" / ASSIGNMENT / "finn.html").read_text()
    loss = small_class.verdict("finn").parts[0]
    [answer], [expected] = (side["BatchMean"]["batch"]["values"] for side in (loss.answer, loss.expected))
    assert answer == pytest.approx(3 * expected)
    assert f"<mark>≠&nbsp;{answer:.6g}</mark>" in own
    assert f"<td>{expected:.6g}</td>" in own
    assert f"{loss.challenge['yhat_batch']['values'][0]:.6g}" in own
    pairs = [
        (np.ravel(loss.answer[statement][probe]["values"]), np.ravel(right["values"]))
        for statement in (shown.name for shown in loss.statements)
        for probe, right in loss.expected[statement].items()
    ]
    assert own.count("≠") == sum(int((~np.isclose(found, right)).sum()) for found, right in pairs)


def test_grading_again_changes_the_next_report(small_class, page):
    """The students' pages that were asked for, too."""
    small_class.report("--student=ines")
    own = small_class.root / "reports" / ASSIGNMENT / "ines.html"
    assert "20 of 21 points" in text_of(own.read_text())
    assert "1/B is missing" in section(page, "mistakes")
    small_class.hand_in("ines", RIGHT)
    assert small_class.zerolayer("grade", ASSIGNMENT, "--student=ines", "--force").returncode == 0
    assert "1/B is missing" not in small_class.report()
    assert "21 of 21 points" in text_of(own.read_text())


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "Name one assignment"),
        (("another",), "doesn't know another"),
        ((ASSIGNMENT, "--student=nobody"), "no verdict on a student called nobody"),
        ((ASSIGNMENT, "--CourseDirectory.autograded_directory=elsewhere"), "Run `zerolayer grade"),
    ],
)
def test_where_there_is_nothing_to_report_it_says_what_to_do(small_class, capsys, arguments, text):
    with pytest.raises(SystemExit) as ended:
        run(ReportApp, small_class.root, *arguments)
    assert ended.value.code == 1
    assert text in capsys.readouterr().err


def test_a_class_with_every_kind_of_submission_has_a_report(graded):
    done = graded.zerolayer("report", ASSIGNMENT)
    assert done.returncode == 0, done.stderr
    page = (graded.root / "reports" / f"{ASSIGNMENT}.html").read_text()
    verdicts = [Verdict.load(file.parent) for file in graded.root.glob(f"autograded/*/*/{FILE}")]
    unrun = sum(all(part.problem for part in verdict.parts) for verdict in verdicts)
    assert figures(page)["graded"] == str(len(verdicts))
    assert figures(page)["failed to run"] == str(unrun)
    assert risks(page) == []
    said = section(page, "person")
    unnamed = said.partition("Wrong answers without a name")[2].partition("How notebooks ran")[0]
    assert ", where this was asked:" in unnamed
    assert "still open" not in unnamed and not re.search(r"\w is not defined", unnamed)
    for remark in {remark for verdict in verdicts for remark in verdict.remarks}:
        assert " ".join(re.sub(r"^(The cell \S+|Cell \d+)", "A cell", remark).split()) in said
    assert "http" not in re.sub(r"http://localhost:8888", "", page).replace('http-equiv="Content', "")


def test_a_zero_is_shown_without_a_sign(small_class):
    part = Verdict.load(small_class.root / "autograded" / "finn" / ASSIGNMENT).parts[0]
    [table] = challenge_arrays(replace(part, challenge={"z": encode(np.array([-0.0, -1.0]))}))
    assert [shown for shown, _ in table.rows[0]] == ["0", "-1"]


def test_a_verdict_without_its_evidence_is_the_same_but_for_the_arrays(small_class):
    folder = small_class.root / "autograded" / "finn" / ASSIGNMENT
    whole, light = Verdict.load(folder), Verdict.load(folder, evidence=False)
    assert (light.points, light.remarks, light.library_calls) == (whole.points, whole.remarks, whole.library_calls)
    for part, without in zip(whole.parts, light.parts, strict=True):
        assert part.answer and part.challenge and part.expected
        assert not (without.answer or without.challenge or without.expected)
        assert (without.statements, without.mistake) == (part.statements, part.mistake)
