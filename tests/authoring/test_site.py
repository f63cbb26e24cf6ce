"""The browser edition in a real browser that has no network: a student opens the link, works, and hands the file in.

One page is opened for all tests, and its Python started once: both take many seconds.
"""

import json
import re
import shutil
from zipfile import ZipFile

import nbformat
import pytest

from lib.authoring.site import KERNEL
from lib.grading.commands.demo import CHECKOUT, copy_course
from tests.authoring.own_unit import succeeds
from tests.authoring.test_bundle import earns_all, refuse_answers, unpacked
from tests.browser import PATIENCE, plain_server, put_pyodide_into, pyodide_parts, slider, wait_for
from tests.course import ASSIGNMENT, UNPROVED
from tests.grading.conftest import Course
from tests.submissions import FILE, POINTS, as_bytes, right
from tests.submissions.pages import WIDGETS
from tests.test_desk_in_lab import cell_with, said_by, type_over

pytestmark = pytest.mark.slow

NOTEBOOK = CHECKOUT / "notebooks" / ASSIGNMENT
SLOW = 4 * PATIENCE  # ms: Python starts, and trains, in a browser


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course in which the command has written the site, for any web server."""
    course = Course(tmp_path_factory.mktemp("course"))
    copy_course(course.root)
    succeeds(course.zerolayer("site", ASSIGNMENT, UNPROVED))
    return course


@pytest.fixture(scope="module")
def site(course):
    return course.root / "dist" / "site"


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# What is in it


def test_no_answer_and_nothing_of_the_closed_half_is_in_it(site):
    refuse_answers(dict(unpacked(files(site))))


def test_the_notebook_and_its_figures_are_the_released_ones_and_the_icon_that_browsers_ask_for_is_there(site):
    assert files(site / "files" / ASSIGNMENT) == files(NOTEBOOK)
    assert '<link rel="icon" href="favicon.ico">' in (site / "index.html").read_text()
    assert (site / "favicon.ico").read_bytes() == (site / "static" / "favicons" / "favicon.ico").read_bytes()


def test_it_names_the_version_of_pyodide_that_is_tried_here(site):
    with ZipFile(pyodide_parts()) as parts:
        [script] = [parts.read(name).decode() for name in parts.namelist() if name.endswith("/pyodide.js")]
    [version] = set(re.findall(r'"(\d+\.\d+\.\d+)"', script))
    settings = json.loads((site / "jupyter-lite.json").read_text())["jupyter-config-data"]["litePluginSettings"]
    assert settings[KERNEL]["pyodideUrl"] == f"https://cdn.jsdelivr.net/pyodide/v{version}/full/pyodide.js"


# A student at work. The tests of this part go on from one another, as a student does.

LIMIT = """from lib.checking import student_code
from lib.explorer import widget
print("limit", student_code.TIME_LIMIT * student_code.BROWSER)
student_code.BROWSER = 1.0
widget.AHEAD = 0"""
"""A shorter limit for the endless loop, each second of which is one of a processor; nothing is trained in advance."""
SECOND_UNIT = (
    *("setup", "layer", "own-loss", "own-softmax", "own-dense", "rings-data", "relu", "network", "make-network"),
    "width",
)
OPEN_GUESS = "prediction-limit"
SHORTER = {", 20)": ", 2)", "range(20)": "range(2)", "[10, 50, 250]": "[1, 2]"}
"""Fewer epochs, in the file that is put back in, for experiments whose results other tests look at."""
SECOND_SOLUTION = CHECKOUT / "solutions" / "hidden_layer" / "hidden_layer.ipynb"


def of_second_unit():
    """Return the second unit's cells up to its explorer as one, without the plot, which would load matplotlib."""
    cells = {cell.id: cell.source for cell in nbformat.read(SECOND_SOLUTION, as_version=4).cells}
    cells["rings-data"] = cells["rings-data"].partition("\n")[0]
    cells["width"] = cells["width"].splitlines()[1]  # without the guess, which comes first
    explored = "explore_width(make_network, cce, cce_gradient, data={'three rings': (X_rings, labels_rings)})"
    loaded = "import sys\nprint('plots:', 'matplotlib' in sys.modules)"
    loaded += "\nfrom lib.checking import subjects\nprint('examples:', 'widget' in subjects._watching.before_examples)"
    looked = ["display(check.relu_forward())", loaded, explored]
    # An editor has only the lines near the view in the page, so the first line has what the cell is found by.
    return "\n\n".join(["# Up to explore_width()", *(cells[name] for name in SECOND_UNIT), *looked])


def half_done(notebook):
    """Fill all blanks but those of the loss and one guess, and add two cells of a student's own.

    The last one put out scripts, and all cells say that they are trusted, as somebody else's file may.
    """
    released = {cell.id: cell.source for cell in notebook.cells}
    solved = right(notebook)
    for cell in solved.cells:
        if cell.id == "loss":
            cell.source = released[cell.id]
        if cell.id.startswith("prediction-") and cell.id != OPEN_GUESS:
            cell.source = cell.source.replace("?", "1")
        if "skip-execution" in cell.metadata.get("tags", ()):
            for epochs, fewer in SHORTER.items():
                cell.source = cell.source.replace(epochs, fewer)
        cell.metadata["trusted"] = True
    limit = nbformat.v4.new_code_cell(LIMIT, metadata={"tags": ["skip-execution"]})
    solved.cells += [limit, nbformat.v4.new_code_cell(of_second_unit())]
    pages = {"text/html": "<b>a fellow student's page</b><script>window.ran = 1</script><img src=x onerror='ran = 2'>"}
    pages["text/html"] += f"<img src={ELSEWHERE}>"
    scripts = {"application/javascript": "window.ran = 3"}
    solved.cells[-1].outputs = [nbformat.v4.new_output("display_data", each) for each in (scripts, pages)]
    solved.metadata["widgets"] = WIDGETS
    return solved


ELSEWHERE = "https://example.org/seen.png"
PYTHON = "**/static/pyodide/*"
"""What isn't sent while a test doesn't need it: the start of Python takes long."""


@pytest.fixture(scope="module")
def page(browser, site, tmp_path_factory):
    """The notebook, opened from the start page. Whatever it asks for beyond the site would fail, and be noticed."""
    context = browser.new_context(viewport={"width": 768, "height": 1400}, accept_downloads=True)
    page = context.new_page()
    page.asked, page.errors, page.refused = [], [], []
    page.on("pageerror", lambda error: page.errors.append(error))
    context.on("request", lambda request: page.asked.append(request.url))
    context.on("requestfailed", lambda request: page.refused.append(request.url) if request.failure == "csp" else None)
    context.route(PYTHON, lambda route: route.abort())
    served = shutil.copytree(site, tmp_path_factory.mktemp("served") / "site")
    put_pyodide_into(served)
    with plain_server(served) as page.home:
        page.goto(page.home)
        page.get_by_role("link", name="Softmax classifier").click()
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        yield page
        context.close()


def test_python_that_cannot_be_fetched_is_told(page):
    """Here from the site itself; from elsewhere it is the same address in the settings."""
    host = page.home.removeprefix("http://")
    page.get_by_role("alert").filter(has_text=f"Python can't be fetched from {host}.").wait_for()


def test_a_second_tab_has_what_was_saved_and_doesnt_overwrite_it(page):
    said = page.get_by_text("Saved in this browser")
    for earlier in said.all():
        earlier.evaluate("earlier => { earlier.textContent = '' }")  # what counts is said after the change
    type_over(
        page, cell_with(page, "def cce_gradient"), "def cce_gradient(y, yhat):", "def cce_gradient(y, yhat): # mine"
    )
    said.wait_for()
    second = page.context.new_page()
    second.goto(page.url)
    second.get_by_text("This notebook is open in another tab").wait_for()
    assert "# mine" in cell_with(second, "def cce_gradient").inner_text()
    second.close()


def test_start_over_asks_first(page):
    start_over = page.get_by_role("button", name="Start over")
    start_over.click()
    page.get_by_role("button", name="Cancel").click()
    assert "# mine" in cell_with(page, "def cce_gradient").inner_text()
    start_over.click()
    with page.expect_navigation():
        page.get_by_role("button", name="Delete my work").click()
    text = cell_with(page, "def cce_gradient").inner_text()
    assert "return(?)" in text and "# mine" not in text


def put_in(page, file):
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Put a file back in").click()
    chooser.value.set_files(file)


def test_a_file_is_put_back_in_if_it_is_a_copy_of_this_notebook(page, tmp_path):
    (tmp_path / "other.ipynb").write_bytes(as_bytes(nbformat.v4.new_notebook()))
    put_in(page, tmp_path / "other.ipynb")
    page.get_by_text("other.ipynb isn't a copy of this notebook.").wait_for()
    page.get_by_role("button", name="Close", exact=True).click()

    (tmp_path / FILE).write_bytes(as_bytes(half_done(nbformat.read(NOTEBOOK / FILE, as_version=4))))
    put_in(page, tmp_path / FILE)
    page.context.unroute(PYTHON)
    with page.expect_navigation():
        page.get_by_role("button", name="Replace").click()
    page.locator(".jp-OutputArea-output", has_text="a fellow student's page").wait_for()
    assert page.evaluate("window.ran") is None, "a file may be somebody else's, and say that it is trusted"
    assert "?" in cell_with(page, "def cce_gradient").inner_text()
    assert "?" not in cell_with(page, "class Softmax").inner_text()
    again = downloaded(page, tmp_path / "again.ipynb")
    assert "widgets" not in again.metadata, "their scripts would run as it is opened"


def run_cell(page, cell):
    """Run a cell and wait for it: a kernel that is still coming takes what it is given."""
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    wait_for(page, "cell => /\\d/.test(cell.querySelector('.jp-InputPrompt').textContent)", cell.element_handle(), SLOW)


def choose(page, menu, item):
    page.get_by_role("menuitem", name=menu, exact=True).click()
    page.get_by_role("menuitem", name=item).first.click()  # its name may have a key behind it


def test_before_set_up_a_missing_name_says_which_section_to_run(page):
    check = cell_with(page, "check.cce()")
    run_cell(page, check)
    said_by(check, "check comes from “1. Setup”. Run the cells of that section first.")


def test_blanks_hints_and_points_are_those_of_the_desk(page):
    run_cell(page, cell_with(page, "%load_ext lib.blanks"))
    loss, check = cell_with(page, "def cce_gradient"), cell_with(page, "check.cce()")
    run_cell(page, loss)
    said_by(loss, "2 blanks are still open")
    run_cell(page, check)
    assert "Traceback" not in said_by(check, "still open")
    type_over(page, loss, "?", "-np.sum(y * np.log(yhat))")
    run_cell(page, loss)
    run_cell(page, check)
    said_by(check, "1 of 2 points")
    check.get_by_text("Help 1: a hint").focus()
    page.keyboard.press("Enter")
    assert "Try:" in said_by(check, "The loss is the sum over the batch, not its mean")
    type_over(page, loss, "np.log(yhat))", "np.log(yhat)) / y.shape[1]")
    run_cell(page, loss)
    run_cell(page, check)
    said_by(check, "2 of 2 points")
    assert page.locator(".zl-work [role=alert]").inner_text() == ""  # Python was found


ENDLESS = "[0 for _ in iter(int, 1)]"


def test_an_endless_loop_in_a_check_ends_in_the_usual_sentence_and_the_page_lives_on(page):
    limit = cell_with(page, "student_code.BROWSER")
    run_cell(page, limit)
    said_by(limit, "limit 20.0")
    loss = cell_with(page, "def cce_gradient")
    type_over(page, loss, "?", ENDLESS)
    run_cell(page, loss)
    check = cell_with(page, "check.cce_gradient()")
    run_cell(page, check)
    said_by(check, "It was still running after 5 seconds. Is there a loop that never ends?")
    again = cell_with(page, "check.cce()")
    run_cell(page, again)
    said_by(again, "2 of 2 points")


def test_the_second_unit_runs_there_with_its_explorer_before_matplotlib_is_loaded(page):
    cell = cell_with(page, "explore_width(")
    run_cell(page, cell)
    said_by(cell, "ReLU, forward: 2 of 2 points")
    said_by(cell, "plots: False")
    said_by(cell, "examples: True")
    cell.locator(".zl-pictures svg").first.wait_for(timeout=SLOW)
    for own in ("explore_width(", "student_code.BROWSER"):
        cell_with(page, own).locator(".cm-content").click()
        choose(page, "Edit", "Delete Cell")
        assert not page.locator(".cm-content").filter(has_text=own).count()


@pytest.fixture(scope="module")
def handed_in(page, tmp_path_factory):
    """The file that the student downloads after all cells of the solved notebook have run, sliders included."""
    type_over(page, cell_with(page, "def cce_gradient"), ENDLESS, "-y / yhat")
    choose(page, "Run", "Run All Cells")
    explorer = cell_with(page, "explore(Dense")
    explorer.locator(".zl-pictures svg").first.wait_for(timeout=SLOW)
    handle = slider(page, "Learning rate")
    handle.focus()
    page.keyboard.press("ArrowRight")
    words = explorer.locator(".zl-live").filter(has_text="Learning rate 0.126, batch size 16. After 100 epochs")
    words.first.wait_for(state="attached", timeout=SLOW)
    file = tmp_path_factory.mktemp("downloads") / FILE
    return downloaded(page, file), file


def downloaded(page, file):
    with page.expect_download() as download:
        page.get_by_role("button", name="Download my work to hand in").click()
    assert download.value.suggested_filename == FILE
    download.value.save_as(file)
    return nbformat.read(file, as_version=4)


def test_every_cell_of_the_solution_runs_there_and_what_comes_back_is_graded_to_full_points(handed_in, course):
    notebook, file = handed_in
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    errors = {cell.id for cell in notebook.cells for each in cell.get("outputs", []) if each.output_type == "error"}
    assert errors == {OPEN_GUESS, "run-limit"}, "the experiment needs the guess, and no other cell does"
    words = "".join(output.get("data", {}).get("text/plain", "") + output.get("text", "") for output in outputs)
    assert words.count("TensorFlow is not installed. The notebook goes on without it") == 1
    assert notebook.metadata.kernelspec.name == "python"
    released = nbformat.read(NOTEBOOK / FILE, as_version=4)
    assert [cell.id for cell in notebook.cells] == [cell.id for cell in released.cells]

    earns_all(course, file)
    for part in POINTS:
        assert f"{POINTS[part]} of {POINTS[part]} point{'s' * (POINTS[part] != 1)} (check-{part})" in words


def test_no_script_failed_and_nothing_was_asked_of_any_other_server(page):
    assert not page.errors
    assert len(page.asked) > 100
    elsewhere = {asked for asked in page.asked if not asked.startswith((f"{page.home}/", "data:", "blob:"))}
    assert elsewhere == {ELSEWHERE} and elsewhere <= {*page.refused}
