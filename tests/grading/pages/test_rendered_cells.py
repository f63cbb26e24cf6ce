"""Cells that are rendered once: what they are remembered by, and which of them stay on their page."""

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell

from lib.grading.pages.rendered_cells import CellsOfPage, RenderedCells, finish
from lib.grading.submissions.page_budget import Budget

WHOLE = ["<div><p>a &amp; b</p></div>", "text", "<img src=x>", "<p>a<br>b</p>", "<div>\n\n </div>", "<i>a</i>"]
BROKEN = ["</div>", "</div>x<div>", "<b>", "<i>", "a</body>", "</div></body><body><div>", "<!-- never closed"]


@pytest.mark.parametrize("html", WHOLE)
def test_a_cell_comes_out_as_on_a_whole_page(html):
    page = BeautifulSoup(f"<html><body><div>{html}</div></body></html>", features="html.parser")
    for picture in page.select("img"):
        picture.attrs["alt"] = "No description has been provided for this image"
    assert f"<html><body><div>{finish(html)}</div></body></html>" == str(page)


@pytest.mark.parametrize("html", BROKEN)
def test_a_cell_that_does_not_end_in_itself_stays_where_it_is(html):
    assert finish(html) is None


class Pages:
    """Pages of one class, each with a folder and a budget of its own."""

    def __init__(self):
        self.known = RenderedCells()

    def render(self, cell, html, folder, budget=None):
        """Give the page with this cell alone, and whether it had to be rendered."""
        page = CellsOfPage(self.known, budget or Budget(), folder)
        mark = page.find(cell)
        is_new = mark is None
        return page.filled(f"[{page.keep(html) if mark is None else mark}]"), is_new


def test_a_cell_is_rendered_once_whatever_its_id_is(tmp_path):
    pages = Pages()
    for number, id in enumerate(("one", "two")):
        cell = new_code_cell("1 + 1", id=id)
        html = f' <div id="cell-id={id}">1 + 1</div>\n'
        assert pages.render(cell, html, tmp_path) == (f"[{html}]", number == 0)


@pytest.mark.parametrize("change", [{"source": "2"}, {"execution_count": 2}, {"metadata": {"nbgrader": {"score": 1}}}])
def test_a_cell_that_differs_is_another(tmp_path, change):
    pages = Pages()
    pages.render(new_code_cell("1"), "<p>1</p>", tmp_path)
    assert pages.render(new_code_cell(**{"source": "1", **change}), "<p>2</p>", tmp_path) == ("[<p>2</p>]", True)


@pytest.mark.parametrize("source", ["![a](own.png)", "![a][ref]\n\n[ref]: own.png", "![a](<own.png>)"])
def test_a_picture_is_each_students_own(tmp_path, source):
    pages = Pages()
    for student in ("ada", "emil"):
        (tmp_path / student).mkdir()
        (tmp_path / student / "own.png").write_text(student)
        page, _ = pages.render(new_markdown_cell(source), f"<p>{student}</p>", tmp_path / student)
        assert page == f"[<p>{student}</p>]"


@pytest.mark.parametrize("address", ["/proc/self/mem", "../pipe.png", "folder/../../pipe.png"])
def test_a_picture_elsewhere_is_not_read(tmp_path, address):
    """Whoever reads there may wait for ever, or fail as if the machine did. No page shows what lies there."""
    (tmp_path / "home" / "folder").mkdir(parents=True)
    (tmp_path / "pipe.png").symlink_to("/proc/self/mem")
    pages, cell = Pages(), new_markdown_cell(f"![a]({address})")
    assert [pages.render(cell, "<p>a</p>", tmp_path / "home")[1] for _ in range(2)] == [True, False]


def test_what_a_page_had_no_room_for_is_rendered_again_for_the_next(tmp_path):
    pages, cell = Pages(), new_markdown_cell("long")
    poor = Budget(characters=1)
    page = CellsOfPage(pages.known, poor, tmp_path)
    assert page.find(cell) is None
    assert not poor.take(2)
    page.keep("<p>left out</p>")
    assert pages.render(cell, "<p>long</p>", tmp_path) == ("[<p>long</p>]", True)


def test_what_is_shown_again_counts_again(tmp_path):
    """So a page doesn't grow by copies of one cell."""
    pages, cell, budget = Pages(), new_markdown_cell("x"), Budget(characters=25)
    page = CellsOfPage(pages.known, budget, tmp_path)
    page.find(cell)
    budget.take(10)
    page.keep("<p>x</p>")
    assert page.find(cell) is not None
    assert budget.characters == 5
    assert page.find(cell) is None


@pytest.mark.parametrize("shown", ["<p>{}</p>", "of raw cell {}", "x &gt; {}", "<i>a</i> {}", ""])
def test_spaces_between_cells_come_out_as_on_a_whole_page(tmp_path, shown):
    page = CellsOfPage(RenderedCells(), Budget(), tmp_path)
    frame, whole = "", ""
    for number, spaces in enumerate((" ", " \n\n ", "\t\t", "", "\n")):
        page.find(new_code_cell(str(number)))
        html = f"{spaces}{shown.format(number)}{spaces}"
        frame += page.keep(html) + spaces
        whole += html + spaces
    frame, whole = (str(BeautifulSoup(f"<div>{each}</div>", features="html.parser")) for each in (frame, whole))
    assert page.filled(frame) == whole


def test_sections_of_a_summary_come_out_as_on_a_whole_page_and_are_remembered(tmp_path):
    summary = "<h1>1 of 2</h1>\n<section class='part'>\n<p>a &#39;b&#39;<br></p></section> \n <section>c</section>"
    pages = Pages()
    for _ in range(2):
        page = CellsOfPage(pages.known, Budget(), tmp_path)
        frame = str(BeautifulSoup(page.keep_sections(summary), features="html.parser"))
        assert "<section" not in frame
        assert page.filled(frame) == str(BeautifulSoup(summary, features="html.parser"))
    assert pages.known.find("<section>c</section>") is not None
