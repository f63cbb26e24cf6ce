"""Marking by question, in a real browser: 58 answers by keys, two people at once, and answers that attack the page."""

import shutil
from contextlib import ExitStack

import nbformat
import pytest
from nbgrader.api import Gradebook

from tests.browser import jupyter_lab
from tests.grading.conftest import Course
from tests.grading.pages.conftest import SERVER
from tests.submissions import as_bytes, cell

NAME = "essay"
SCHEME, MODEL = "One point for the square.", "The square grows faster."
HOSTILE = """<script>window.ran = 1; fetch("/api/terminals", {method: "POST"})</script>
<img src=x onerror="window.ran = 1"> <img src="http://example.org/a.png"> <svg onload="window.ran = 1"></svg>
<style>body { display: none } @import url(http://example.org/b.css);</style> <base href="http://example.org/">
<p style="position: fixed; inset: 0; background: url(http://example.org/c.png)">over all</p>
<link rel="prefetch" href="http://example.org/d"> <iframe src="http://example.org/e"></iframe>
<a href="javascript:window.ran = 1">run</a> <a href="/formgrader/api/status" autofocus>here</a>
<a href="https://example.org/f" ping="http://example.org/g">away</a> <button value="2.0">x</button>
</div></article></script><script>window.ran = 1</script> ![far](http://example.org/h.png)"""
TEXTS = {f"s{n:02}": f"Answer {n % 7} of mine: since $a^2$ grows, case {n}." for n in range(45)}
TEXTS |= {f"same{n}": "It grows faster." for n in range(5)} | {f"blank{n}": None for n in range(4)}
TEXTS |= {"hostile": HOSTILE, "long": "word " * 12_000, "code": "```\nfor x in y: pass\n```", "broken": None}
CARDS = len(TEXTS) - 4 - 3


def source():
    """The instructor's notebook: a written answer and one of nbgrader's tasks."""
    scheme, text = f"### BEGIN MARK SCHEME\n{SCHEME}\n### END MARK SCHEME", nbformat.v4.new_markdown_cell
    written = text(f"### BEGIN SOLUTION\n{MODEL}\n### END SOLUTION\n{scheme}")
    task = text(f"**Task.** Draw both.\n{scheme}")
    for marked, is_task, name in ((written, False, "why"), (task, True, "draw")):
        flags = {"grade": not is_task, "solution": not is_task, "locked": is_task, "task": is_task}
        marked.metadata["nbgrader"] = {**flags, "grade_id": name, "points": 2 + is_task, "schema_version": 3}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return nbformat.v4.new_notebook(cells=[text("Which grows faster?"), written, task, text("End.")], metadata=kernel)


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
    """A graded class, and a running server there."""
    course = Course(tmp_path_factory.mktemp("marking"))
    shutil.copy("nbgrader_config.py", course.root)
    (course.root / "solutions" / NAME).mkdir(parents=True)
    nbformat.write(source(), course.root / "solutions" / NAME / f"{NAME}.ipynb")
    assert course.nbgrader("generate_assignment", NAME).returncode == 0
    for student, text in TEXTS.items():
        hand_in(course, student, text)
    assert course.zerolayer("grade", NAME).returncode == 3, "one of them can't be read"
    with jupyter_lab(course.root, command=SERVER) as course.lab:
        yield course


@pytest.fixture
def open_page(browser, course):
    """Open a person's own page on a question; what it asks for is noted in `asked`."""
    with ExitStack() as opened:

        def open_one(question, **options):
            page, asked = browser.new_page(**options), []
            opened.callback(page.close)
            course.lab.log_in(page)
            page.on("request", lambda request: asked.append(request))
            page.goto(f"{course.lab.url}/formgrader/marking/{question}")
            page.asked = asked
            return page

        yield open_one


def press(page, *keys):
    """Press keys, and wait until what they change is saved."""
    for key in keys:
        page.keyboard.press(key)
    page.evaluate("queue.then(() => 0)")


def marks(course, question, student):
    """Read an answer's points, whether it waits, what it got besides, and the remark."""
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        grade = gradebook.find_grade(question, NAME, NAME, student)
        remark = gradebook.find_comment(question, NAME, NAME, student).manual_comment
        return grade.manual_score, grade.needs_manual_grade, grade.extra_credit or 0, remark


def test_answers_that_are_alike_are_one_card_and_what_could_not_be_read_is_apart(open_page):
    """Sorted by wording, without names at first, next to how they are to be marked."""
    page = open_page(f"{NAME}/{NAME}/why")
    assert page.locator("article").count() == CARDS
    aside = page.locator("aside").inner_text()
    assert all(text in aside for text in ("Which grows faster?", SCHEME, MODEL))
    heads = [" ".join(head.split()) for head in page.locator(".of").all_inner_texts()]
    assert [head.split(" ", 1)[1] for head in heads[-2:]] == [
        "could not be read or run notebook",
        "blank 4 alike notebook 2 3 4",
    ]
    assert "5 alike" in page.locator("article", has_text="It grows faster.").inner_text()
    texts = [text.casefold() for text in page.locator(".answer").all_text_contents()][2:-2]
    assert texts == sorted(texts) and len(texts[-1]) == 60_000
    assert "s07" not in page.locator("main").inner_text()
    press(page, "n")
    assert "s07" in page.locator("main").inner_text()


def test_58_answers_take_one_page_and_a_key_each(course, open_page):
    """A remark is written once, and given again by its letter. Blank answers have 0 points already."""
    page = open_page(f"{NAME}/{NAME}/why")
    students = page.evaluate("cards.map(card => rows(card).map(row => row.student))")
    assert page.locator("#done").inner_text() == "4 of 58"
    press(page, ".", "1", "2", "r", *"No proof.", "Escape", "0")
    press(page, "a", "1", "j", "k", "k", "Backspace", "k", "a")
    found = [marks(course, "why", student) for student, *_ in students[:4]]
    remark = "No proof."
    assert found == [(1.5, False, 0, None), (2, False, 0, None), (0, False, 0, None), (None, True, 0, remark)]
    press(page, *"12" * (CARDS // 2))
    assert page.locator("#done").inner_text() == "58 of 58"
    assert [sent.resource_type for sent in page.asked].count("document") == 1
    [same] = {marks(course, "why", student) for student in max(students, key=len)}
    assert same[0] in (1, 2) and marks(course, "why", "blank0") == (None, False, 0, None)
    press(page, "u")
    assert page.locator("article:visible").count() == 1, "the last one, which is still at hand"


def test_nothing_of_an_answer_runs_or_fetches_or_covers_the_page(open_page):
    page = open_page(f"{NAME}/{NAME}/why")
    card = page.locator("article", has_text="over all")
    card.scroll_into_view_if_needed()
    assert card.locator(".answer").evaluate("at => getComputedStyle(at).contain") == "paint"
    kinds = card.locator(".answer *").evaluate_all("all => all.map(each => each.tagName.toLowerCase())")
    assert set(kinds) <= {"p", "a", "em", "div"}
    links = card.locator(".answer a").evaluate_all("all => all.map(each => [...each.attributes].map(its => its.value))")
    assert links == [["noopener noreferrer"], ["noopener noreferrer"], ["https://example.org/f", "noopener noreferrer"]]
    assert "A picture is not shown here: look at the notebook." in card.inner_text()
    assert [sent.url for sent in page.asked] == [page.url]
    # And were the text put into the page as it is, the page's policy alone would stop it.
    page.evaluate("text => { document.querySelector('.answer').innerHTML = text; }", HOSTILE)
    page.wait_for_load_state("networkidle")
    assert {sent.failure for sent in page.asked[1:]} == {"csp"}
    assert not page.evaluate("window.ran")


def test_the_second_of_two_people_sees_the_mark_of_the_first(course, open_page):
    """It is replaced only by doing it again. Extra credit, which formgrader gives, stays."""
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.find_grade("draw", NAME, NAME, "s01").extra_credit = 0.5
        gradebook.db.commit()
    first, second = (open_page(f"{NAME}/{NAME}/draw") for _ in range(2))
    for page, key in ((first, "3"), (second, "1")):
        page.locator("article", has_text="drawn by s01").focus()
        press(page, key)
    assert marks(course, "draw", "s01") == (3, False, 0.5, None)
    card = second.locator("article", has_text="drawn by s01")
    assert card.locator("[aria-pressed=true]").inner_text() == "3"
    assert "Another person has marked it" in card.inner_text()
    card.focus()
    press(second, "1")
    assert marks(course, "draw", "s01") == (1, False, 0.5, None)
    assert second.locator("#failed").inner_text() == ""


def test_no_mark_is_given_for_a_text_that_has_been_replaced(course, open_page):
    page = open_page(f"{NAME}/{NAME}/why")
    page.locator("article", has_text="case 44").focus()
    before = marks(course, "why", "s44")
    hand_in(course, "s44", "Another text.")
    assert course.zerolayer("grade", NAME).returncode == 0
    press(page, "0")
    assert "Reload this page" in page.locator("article", has_text="case 44").inner_text()
    assert marks(course, "why", "s44")[0] == before[0]
    page.reload()
    assert page.locator("article", has_text="Another text.").count() == 1


def test_questions_are_listed_for_who_is_logged_in(course, open_page):
    page = open_page("")
    assert "draw in essay: " in page.locator("ul").inner_text()
    page.get_by_role("link", name="why").click()
    assert page.locator("h1").inner_text() == "why"
    assert page.goto(f"{course.lab.url}/formgrader/marking/{NAME}/{NAME}/where").status == 404
    assert "where is not a question that a person marks. Choose one of these." in page.locator("main").inner_text()
    page.goto(f"{course.lab.url}/formgrader/gradebook")
    page.get_by_role("link", name="Mark by Question").click()
    assert page.locator("h1").inner_text() == "Mark by question"
    page.context.clear_cookies()
    page.goto(f"{course.lab.url}/formgrader/marking/{NAME}/{NAME}/why")
    assert "/login" in page.url
