"""`zerolayer report` on real graded classes: the page says what grading stored, leads to it, and runs nothing."""

import re
from itertools import pairwise
from urllib.parse import unquote

import pytest
from nbgrader.api import Gradebook

from lib.grading.commands.demo import run
from lib.grading.commands.feedback import FeedbackApp
from lib.grading.commands.grade import NEEDS_A_PERSON
from lib.grading.judge.verdict import FILE, Verdict
from tests.course import ASSIGNMENT
from tests.grading.active import elements, text_of
from tests.grading.pages.conftest import FILLINGS
from tests.sample_class import RIGHT

pytestmark = pytest.mark.xdist_group("a graded class")


@pytest.fixture(scope="session")
def page(small_class):
    return small_class.report()


def words(html):
    """The text of a page or a piece of one, with single spaces."""
    return text_of(html.replace("<", " <"))


def section(html, id):
    """The text of one section."""
    [inner] = re.findall(rf'<section id="{id}".*?</section>', html, re.DOTALL)
    return words(inner)


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


SAYS = {
    "person": [
        "Grade 1 submission : zerolayer grade softmax_classifier",
        "nils",
        "Mark 22 answers : explain-gradient : 11 of 11 explain-rate-and-batch : 11 of 11",
        "Look at 1 notebook : lars ✎ : could not be read or run",
        "Missing: 1 Missing, Mona mona",
    ],
    "again": [
        "The loss is the mean over all entries of the matrix 18 % , 2 of 11 · The loss",
        "Compute the loss of a batch of two samples",
        "alert('E')",
    ],
    "scores": [
        "Scores: median 19, code (20)",
        "Points for code (20). Points for all (24) follow when all written answers are marked.",
    ],
    "parts": [
        "The loss was the hardest, with 64 % of its points",
        "The loss (2) 64 % 5 4 1 – 1",
        "Softmax for large scores (1) 82 % 9 – – 1 1",
    ],
    "everyone": ["all (24) code (20) The loss (2)", "King, Ada ada ✎ to mark 20", "11 graded submissions"],
    "author": [
        "3 groups of wrong answers without a name",
        "The loss: 2 students The loss of one sample is not -log of its true class's probability.",
        "The code of finn",
        "The code of gail",
        "“The cell loss ended in SyntaxError",
    ],
}


def test_it_says_what_to_do_first_and_who_did_what(small_class, page):
    assert re.search(r"Made .* UTC\. Due 01 March 2026, 12:00 UTC\. 12 of 13 submitted, 11 graded, 1 late", words(page))
    told = {id: section(page, id) for id in SAYS}
    assert [(id, text) for id, texts in SAYS.items() for text in texts if text not in told[id]] == []
    assert re.findall(r'<section id="(\w+)"', page)[:2] == ["person", "again"]
    assert "Nguyễn, Dr., Bảo bao ✎ 1 d 3 h" in words(page)
    emma = small_class.verdict("emma").parts[0].mistake
    assert told["again"].index(emma.name) < told["again"].index("1/B is missing"), "the most frequent first"
    assert emma.hint in told["again"] and "finn" not in told["again"]
    assert "not defined" not in told["person"] and "emma" not in told["person"]


def test_a_notebook_needs_a_look_until_the_student_submits_another(small_class, tmp_path):
    """Marks end no alarm, and a run that skips the notebook doesn't list it."""
    course = small_class.copy(tmp_path)
    course.marks({("lars", cell): 2 for cell in ("explain-gradient", "explain-rate-and-batch")})
    listed = "lars  could not be read or run"
    skipped = course.zerolayer("grade", ASSIGNMENT, "--student=lars")
    assert (skipped.returncode, skipped.stdout.count(listed)) == (0, 0)
    assert f"{ASSIGNMENT}.html covers 11 graded submissions." in skipped.stdout, "the report is written, too"
    assert "lars" in section(course.report(), "person")
    (course.root / "submitted" / "lars" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").write_text("{still no notebook")
    again = course.zerolayer("grade", ASSIGNMENT)
    assert (again.returncode, again.stdout.count(listed)) == (NEEDS_A_PERSON, 1)
    course.hand_in("lars", RIGHT)
    assert course.zerolayer("grade", ASSIGNMENT).returncode == 0
    assert "lars" not in section(course.report(), "person")


def test_names_lead_to_the_cell_in_feedback_and_to_formgrader(small_class, page):
    with Gradebook(f"sqlite:///{small_class.root}/gradebook.db") as gradebook:
        ids = {one: gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, one).id for one in ("ada", "emma")}
    links = {element.attrib["href"] for element in elements(page) if element.tag == "a" and "href" in element.attrib}
    assert {f"http://localhost:8888/formgrader/submissions/{id}" for id in ids.values()} <= links
    feedback = {link for link in links if link.startswith("..")}
    assert len({link.partition("#")[0] for link in feedback}) == 1  # only ada's has been written
    written = (small_class.root / "reports" / unquote(feedback.copy().pop().partition("#")[0])).resolve().read_text()
    there = {element.get("id") for element in elements(written)}
    cells = {link.partition("#")[2] for link in feedback}
    assert "check-cce" in there and cells <= there | {""}
    assert f"http://localhost:8888/formgrader/marking/{ASSIGNMENT}/{ASSIGNMENT}/explain-gradient" in links
    assert "https://hub.example/formgrader/" in small_class.report("--server=https://hub.example/")


def test_what_people_wrote_is_text(small_class, page):
    assert risks(page) == []
    assert "<script>alert('E')</script>" in text_of(page)


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
    assert len([one for one in pictures if one.attrib.get("role") == "img"]) == 8
    ids = [one.attrib["id"] for one in found if "id" in one.attrib]
    assert len(ids) == len(set(ids))
    assert {one.attrib["href"][1:] for one in found if one.attrib.get("href", "").startswith("#")} <= set(ids)


def test_grading_again_changes_the_next_report(small_class, tmp_path):
    course = small_class.copy(tmp_path)
    assert "1/B is missing" in section(course.report(), "again")
    course.hand_in("ines", RIGHT)
    assert course.zerolayer("grade", ASSIGNMENT, "--student=ines", "--force").returncode == 0
    assert "1/B is missing" not in course.report()


def test_a_class_with_every_kind_of_submission_has_a_report(graded):
    done = graded.zerolayer("report", ASSIGNMENT)
    assert done.returncode == 0, done.stderr
    page = (graded.root / "reports" / f"{ASSIGNMENT}.html").read_text()
    verdicts = [Verdict.load(file.parent) for file in graded.root.glob(f"autograded/*/*/{FILE}")]
    assert f"submitted, {len(verdicts)} graded" in words(page)
    to_look_at = [verdict for verdict in verdicts if verdict.reasons]
    assert f"Look at {len(to_look_at)} notebooks" in section(page, "person")
    assert risks(page) == []
    assert "Missing students are listed only with a roster" in section(page, "person")
    unnamed = section(page, "author")
    assert "The loss of one sample is not -log of its true class" in unnamed
    assert "still open" not in unnamed and not re.search(r"\w is not defined", unnamed)
    assert "http" not in re.sub(r"http://localhost:8888", "", page).replace('http-equiv="Content', "")


def test_what_was_marked_and_graded_again_is_marked(small_class, tmp_path):
    """nbgrader asks for a person's eye once more; the points are there, and every page has the same."""
    course = small_class.copy(tmp_path)
    thirds = {"explain-gradient": 4 / 3, "explain-rate-and-batch": 0.1}
    students = (*FILLINGS, "lars")
    course.marks({(student, cell): points for student in students for cell, points in thirds.items()}, again=True)
    points = "21.4333"
    page = text_of(course.report().replace("<", " <"))
    assert "Check 22 marks : these answers were graded again after they were marked." in page
    assert re.search(rf"King, Ada ada ✎ {re.escape(points)} 20", page)
    run(FeedbackApp, course.root, ASSIGNMENT)
    assert f"{points} of 24 points" in text_of(course.feedback("ada"))
