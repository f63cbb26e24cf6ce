"""Marking by question, in a real browser: 58 answers by keys, two people at once, and answers that attack the page."""

import shutil

import nbformat
import pytest
from nbgrader.api import Gradebook

from tests.browser import PATIENCE, jupyter_lab
from tests.grading.conftest import Course
from tests.submissions import as_bytes, cell

NAME = "essay"
SCHEME, MODEL = "One point for the square.", "The square grows faster."
HOSTILE = """<script>window.ran = 1; fetch("/api/terminals", {method: "POST"})</script>
<img src=x onerror="window.ran = 1"> <img src="http://example.org/pixel.png"> <svg onload="window.ran = 1"></svg>
<style>body { display: none } @import url(http://example.org/a.css);</style>
<p style="position: fixed; inset: 0; background: url(http://example.org/b.png)">over all</p>
<link rel="prefetch" href="http://example.org/c"> <iframe src="http://example.org/d"></iframe>
<a href="javascript:window.ran = 1">run</a> <a href="/formgrader/api/status" autofocus>here</a> <base href="//example.org">
<a href="https://example.org/e" ping="http://example.org/f">away</a> <form action="/api"><button value="2.0">x</button></form>
<textarea>x</textarea></div></article></script><script>window.ran = 1</script>

![far](http://example.org/g.png)"""
TEXTS = {f"s{n:02}": f"Answer {n % 7} of mine: since $a^2$ grows, case {n}." for n in range(45)}
TEXTS |= {f"same{n}": "It grows faster." for n in range(5)} | {f"blank{n}": None for n in range(4)}
TEXTS |= {"hostile": HOSTILE, "long": "word " * 12_000, "code": "```\nfor x in y: pass\n```", "broken": None}
CARDS = len(TEXTS) - 4 - 3


def source():
    """The instructor's notebook: a written answer and one of nbgrader's tasks."""

    def make(cell, name, points, **flags):
        own = {"grade": True, "solution": True, "locked": False, "task": False, "schema_version": 3}
        cell.metadata["nbgrader"] = {**own, "grade_id": name, "points": points, **flags}
        return cell

    text, scheme = nbformat.v4.new_markdown_cell, f"### BEGIN MARK SCHEME\n{SCHEME}\n### END MARK SCHEME"
    cells = [
        text("**Question.** Which grows faster?"),
        make(text(f"### BEGIN SOLUTION\n{MODEL}\n### END SOLUTION\n{scheme}"), "why", 2),
        make(text(f"**Task.** Draw both.\n{scheme}"), "draw", 3, grade=False, solution=False, locked=True, task=True),
        text("The end."),
    ]
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python"}})


def hand_in(course, student, text):
    """Hand in a notebook with a text, and with a cell for the task; with neither, or one that isn't a notebook."""
    notebook = nbformat.read(course.root / "notebooks" / NAME / f"{NAME}.ipynb", as_version=4)
    if text is not None:
        cell(notebook, "why").source = text
        notebook.cells.insert(3, nbformat.v4.new_code_cell(f"print('drawn by {student}')"))
    folder = course.root / "submitted" / student / NAME
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.ipynb").write_bytes(b"{no notebook" if student == "broken" else as_bytes(notebook))


@pytest.fixture(scope="module")
def course(tmp_path_factory, lockable_here):
    course = Course(tmp_path_factory.mktemp("marking"))
    shutil.copy("nbgrader_config.py", course.root)
    (course.root / "solutions" / NAME).mkdir(parents=True)
    nbformat.write(source(), course.root / "solutions" / NAME / f"{NAME}.ipynb")
    assert course.nbgrader("generate_assignment", NAME).returncode == 0
    for student, text in TEXTS.items():
        hand_in(course, student, text)
    assert course.zerolayer("grade", NAME).returncode == 3, "one of them can't be read"
    return course


@pytest.fixture(scope="module")
def lab(course):
    with jupyter_lab(course.root) as running:
        yield running


@pytest.fixture
def open_page(browser, lab):
    """Open a person's own page on a question; what it fetches is noted."""
    people = []

    def open_one(question, **options):
        people.append(person := browser.new_context(**options))
        page = person.new_page()
        lab.log_in(page)
        page.fetched = []
        page.on("request", lambda sent: page.fetched.append(sent))
        page.goto(f"{lab.url}/formgrader/marking/{question}", timeout=PATIENCE)
        return page

    yield open_one
    for person in people:
        person.close()


def press(page, *keys):
    """Press keys, and wait until what they change is saved."""
    for key in keys:
        page.keyboard.press(key)
    page.evaluate("queue.then(() => 0)")


def card_of(page, text):
    return page.locator("article").filter(has_text=text)


def marks(course, question, student):
    """Read an answer's points, whether it waits, what it got besides, and the remark."""
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        grade = gradebook.find_grade(question, NAME, NAME, student)
        remark = gradebook.find_comment(question, NAME, NAME, student).manual_comment
        return grade.manual_score, grade.needs_manual_grade, grade.extra_credit, remark


def test_answers_that_are_alike_are_one_card_and_what_could_not_be_read_is_apart(course, open_page):
    """Sorted by wording, without names at first, next to how they are to be marked."""
    page = open_page(f"{NAME}/{NAME}/why")
    assert page.locator("article").count() == CARDS
    aside = page.locator("aside").inner_text()
    assert all(text in aside for text in ("Which grows faster?", SCHEME, MODEL))
    heads = [" ".join(head.split()) for head in page.locator(".of").all_inner_texts()]
    assert [head.split(" ", 1)[1] for head in heads[-2:]] == [
        "could not be read or run notebook",
        "blank 4 alike notebook notebook notebook notebook",
    ]
    assert "5 alike" in card_of(page, "It grows faster.").inner_text()
    texts = [text.casefold() for text in page.locator(".answer").all_text_contents()][2:-2]
    assert texts == sorted(texts) and len(texts[-1]) == 60_000
    assert "s07" not in page.locator("main").inner_text()
    press(page, "n")
    assert "s07" in page.locator("main").inner_text()


def test_58_answers_take_one_page_and_a_key_each(course, open_page):
    """A remark is written once, and given again by its letter. Blank answers have 0 points already."""
    page = open_page(f"{NAME}/{NAME}/why")
    assert page.locator("#done").inner_text() == "4 of 58"
    press(page, ".", "1", "2", "r", *"No proof.", "Escape", "0", "j", "k", "k", "Backspace", ".", "0")
    press(page, "k", "a", "1")
    assert marks(course, "why", "hostile") == (1.5, False, None, None)
    press(page, *"12" * (CARDS // 2))
    assert page.locator("#done").inner_text() == "58 of 58"
    assert [sent.resource_type for sent in page.fetched].count("document") == 1
    assert {marks(course, "why", f"same{n}")[1] for n in range(5)} == {False}
    assert len({marks(course, "why", f"same{n}") for n in range(5)}) == 1
    assert marks(course, "why", "blank0") == (None, False, None, None)
    press(page, "u")
    assert page.locator("article:visible").count() == 1, "the last one, which is still at hand"


def test_nothing_of_an_answer_runs_or_fetches_or_covers_the_page(course, open_page, lab):
    page = open_page(f"{NAME}/{NAME}/why")
    card = card_of(page, "over all")
    card.scroll_into_view_if_needed()
    assert card.locator(".answer").evaluate("at => getComputedStyle(at).contain") == "paint"
    kinds = card.locator(".answer *").evaluate_all("all => all.map(each => each.tagName.toLowerCase())")
    assert set(kinds) <= {"p", "a", "em", "div"}
    links = card.locator(".answer a").evaluate_all("all => all.map(each => [...each.attributes].map(its => its.value))")
    assert links == [["noopener noreferrer"], ["noopener noreferrer"], ["https://example.org/e", "noopener noreferrer"]]
    assert "A picture is not shown here: look at the notebook." in card.inner_text()
    assert [sent.url for sent in page.fetched] == [page.url]
    # And were the text put into the page as it is, the page's policy alone would stop it.
    page.evaluate("text => { document.querySelector('.answer').innerHTML = text; }", HOSTILE)
    page.wait_for_load_state("networkidle")
    assert {sent.failure for sent in page.fetched[1:]} == {"csp"}
    assert not page.evaluate("window.ran")


def test_the_second_of_two_people_sees_the_mark_of_the_first(course, open_page):
    """It is replaced only by doing it again. Extra credit, which formgrader gives, stays."""
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.find_grade("draw", NAME, NAME, "s01").extra_credit = 0.5
        gradebook.db.commit()
    first, second = (open_page(f"{NAME}/{NAME}/draw") for _ in range(2))
    for page, key in ((first, "3"), (second, "1")):
        card_of(page, "drawn by s01").focus()
        press(page, key)
    assert marks(course, "draw", "s01") == (3, False, 0.5, None)
    card = card_of(second, "drawn by s01")
    assert card.locator("[aria-pressed=true]").inner_text() == "3"
    assert "Another person has marked it" in card.inner_text()
    card.focus()
    press(second, "1")
    assert marks(course, "draw", "s01") == (1, False, 0.5, None)
    assert second.locator("#failed").inner_text() == ""


def test_no_mark_is_given_for_a_text_that_has_been_replaced(course, open_page):
    page = open_page(f"{NAME}/{NAME}/why")
    card_of(page, "case 44").focus()
    before = marks(course, "why", "s44")
    hand_in(course, "s44", "Another text.")
    assert course.zerolayer("grade", NAME).returncode == 3
    press(page, "0")
    assert "reload this page" in card_of(page, "case 44").inner_text()
    assert marks(course, "why", "s44")[0] == before[0]
    page.reload()
    assert card_of(page, "Another text.").count() == 1


def test_a_task_is_answered_by_the_cells_below_it(course, open_page):
    page = open_page(f"{NAME}/{NAME}/draw")
    assert "Draw both." in page.locator("aside").inner_text()
    card = card_of(page, "print('drawn by s02')")
    assert card.locator(".output").inner_text().strip() == "drawn by s02"
    assert "blank 4 alike" in " ".join(page.locator("article").last.inner_text().split())


def test_a_phone_shows_it_whole_and_marks_by_clicks(course, open_page):
    page = open_page(f"{NAME}/{NAME}/draw", viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [390, 390]
    card_of(page, "drawn by s03").get_by_role("button", name="2½").tap()
    press(page)
    assert marks(course, "draw", "s03") == (2.5, False, None, None)


def test_questions_are_listed_for_who_is_logged_in(course, open_page, browser, lab):
    page = open_page("")
    assert "draw in essay: " in page.locator("ul").inner_text()
    page.get_by_role("link", name="why").click()
    assert page.locator("h1").inner_text() == "why"
    page.goto(f"{lab.url}/formgrader/marking/{NAME}/{NAME}/where")
    assert "where is no question that a person marks. These are." in page.locator("main").inner_text()
    page.goto(f"{lab.url}/formgrader/gradebook")
    page.get_by_role("link", name="Mark by Question").click()
    assert page.locator("h1").inner_text() == "Mark by question"
    stranger = browser.new_page()
    stranger.goto(f"{lab.url}/formgrader/marking/{NAME}/{NAME}/why")
    assert "/login" in stranger.url
    stranger.close()
