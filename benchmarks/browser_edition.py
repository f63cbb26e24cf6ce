"""How soon a student can work in the browser edition, against plain JupyterLite with NumPy, which is the floor.

Both run in headless Chromium from loopback with the same files of JupyterLite and Pyodide, in turn, several times. A
visit begins with the page's address. *Ready* is when a cell with the number 1 has its result. *First check* is when the
check of a right loss has shown its points, after the set-up cell; at the floor it is when NumPy has added up an array.
The first visit finds an empty cache, the second one what the first has left.

*Slider to pixels* is the time from a key to the picture of all its epochs, against the same explorer in JupyterLab.

    python benchmarks/browser_edition.py [--runs 3] [--only visits|slider]

A run takes some two minutes for the visits and one for the slider.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import nbformat
from explorer_latency import Front, measure, press_keys

sys.path.insert(0, str(Path(__file__).parent.parent))

from lib.authoring.site import KERNEL, write_site
from lib.jupyterlab import lab_environment
from lib.units import softmax_classifier
from tests.browser import chromium, jupyter_lab, plain_server, put_pyodide_into
from tests.explorer import student
from tests.submissions import as_bytes, right

NOTEBOOK = "softmax_classifier/softmax_classifier.ipynb"
RELEASED = Path(__file__).parent.parent / "notebooks" / NOTEBOOK
PATIENCE = 300_000  # ms
SUM = ["1", "import numpy as np\nprint(np.ones(3).sum())"]
EXPLORE = f"""from lib.explorer import explore
{Path(student.__file__).read_text()}
explore(Dense, Softmax, cce, cce_gradient, data="blobs")"""
SHOWN = """() => {
  const cells = [...document.querySelectorAll('.jp-CodeCell')];
  return cells.length && cells.every(cell => /\\d/.test(cell.querySelector('.jp-InputPrompt').textContent));
}"""
READY = "() => /\\d/.test(document.querySelector('.jp-CodeCell .jp-InputPrompt')?.textContent)"


def first_cells():
    """Return the number 1 and the solution's cells up to the first check, without the examples between them."""
    solved = right(nbformat.read(RELEASED, as_version=4))
    cells = [cell.source for cell in solved.cells if cell.get("id") in ("setup", "loss", "check-cce")]
    return ["1", *cells]


def lay_out(folder):
    """Write the edition and the floor, each with a notebook that has but the cells that are timed."""
    ours, floor = folder / "ours", folder / "floor"
    write_site([(softmax_classifier.UNIT, RELEASED.parent)], ours)
    put_pyodide_into(ours)
    shutil.copytree(ours, floor)
    settings = json.loads((floor / "jupyter-lite.json").read_text())
    data = settings["jupyter-config-data"]
    del data["litePluginSettings"][KERNEL]["loadPyodideOptions"]
    data["federated_extensions"] = [each for each in data["federated_extensions"] if each["name"] in KERNEL]
    (floor / "jupyter-lite.json").write_text(json.dumps(settings))
    write_cells(ours, first_cells())
    write_cells(floor, SUM)
    return {"ours": ours, "floor": floor}


def write_cells(site, cells):
    """Have a site's notebook hold these cells and nothing else."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata["language_info"] = {"name": "python"}  # or JupyterLite asks which kernel it should be
    (site / "files" / NOTEBOOK).write_bytes(as_bytes(notebook))


def run_all(page, url):
    """Open the page, and run all cells."""
    page.goto(f"{url}/notebooks/index.html?path={NOTEBOOK}")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=PATIENCE)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def time_sliders(browser, url):
    """Return the milliseconds from a key on a slider to the picture, for each of some keys, after a rest."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    run_all(page, url)
    page.locator(".zl-live[role=status]").first.wait_for(state="attached", timeout=PATIENCE)
    moves, _ = press_keys(page, Front("explorer", warm=True))
    page.close()
    return moves


def visit(context, url):
    """Open the page, run all cells, and return the seconds to the first result and to the last."""
    page = context.new_page()
    begin = time.perf_counter()
    run_all(page, url)
    page.wait_for_function(READY, timeout=PATIENCE)
    ready = time.perf_counter() - begin
    page.wait_for_function(SHOWN, timeout=PATIENCE)
    shown = time.perf_counter() - begin
    page.close()
    return ready, shown


def measure_visits(browser, urls, runs):
    """Print how long the first and the second visit take, ours and the floor's."""
    times = {}
    for _ in range(runs):
        for site, url in urls.items():
            with browser.new_context() as context:
                for number in ("first", "second"):
                    for what, seconds in zip(("ready", "first check"), visit(context, url), strict=True):
                        times.setdefault((number, what), {}).setdefault(site, []).append(seconds)
    print(f"{'':28s} {'ours':>8s} {'floor':>8s} {'ratio':>7s}   seconds, median of {runs}")
    for (number, what), both in times.items():
        ours, floor = statistics.median(both["ours"]), statistics.median(both["floor"])
        print(f"{number + ' visit, ' + what:28s} {ours:8.1f} {floor:8.1f} {ours / floor:7.2f}", flush=True)


def measure_slider(browser, url, folder, runs):
    """Print how long a key on a slider takes, ours and JupyterLab's."""
    ours, theirs = [], []
    with jupyter_lab(folder, lab_environment()) as lab:
        for _ in range(runs):
            ours += time_sliders(browser, url)
            theirs += measure(lab, browser, Front("explorer", warm=True)).moves
    here, there = statistics.median(ours), statistics.median(theirs)
    print(f"slider to pixels: {here:.0f} ms, in JupyterLab {there:.0f} ms: {here / there:.2f} times")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", choices=("visits", "slider"), help="measure one of the two")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser, ExitStack() as servers:
        sites = lay_out(Path(folder))
        urls = {name: servers.enter_context(plain_server(site)) for name, site in sites.items()}
        if chosen.only != "slider":
            measure_visits(browser, urls, chosen.runs)
        if chosen.only != "visits":
            write_cells(sites["ours"], [EXPLORE])
            measure_slider(browser, urls["ours"], folder, chosen.runs)


if __name__ == "__main__":
    main()
