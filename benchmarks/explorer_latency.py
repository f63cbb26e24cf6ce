"""How long from a slider's input to changed pixels: the explorer beside a bare label and beside plain `interact`.

All train (or don't) in the same JupyterLab in the same headless Chromium, one after the other, several times: 300
samples, 2 features, 3 classes, 100 epochs, batch 16. Each gets 30 key moves and a drag of 2 seconds. A picture counts
when the frame that shows it has been painted; the explorer's counts only if it says the learning rate of that key.
"Cold" begins at once, with nothing trained ahead; "warm" after a rest of some seconds, in which the explorer trains the
settings near by. Partial curves are told apart from complete ones: a cold explorer is judged by its first picture,
because the student's code alone takes longer than the reach for all epochs, and a warm one by the complete picture.
The floor is measured anew beside each page, so that what else the machine does weighs on both.

The explorer is measured with two views open: in the pairs below, or in all pairs with `--all-pairs`. Batch size 1, the
slowest to train, is judged by its first picture. With the map in view, "cold" is while it fills in. At last a
point of the data is dragged. The pages of settings near by lie ready in the browser, which a warm explorer has from the
start and a cold one after its first moves. A run takes 8 minutes.

    python benchmarks/explorer_latency.py [--runs 3] [--plain] [--all-pairs]

`--plain` starts JupyterLab as it comes; without it, as `zerolayer lab` does.
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from lib.explorer.controls import VIEWS
from lib.lab import lab_environment
from tests.browser import chromium, jupyter_lab, run_all, slider

PAGES = Path(__file__).with_name("pages")
KEYS = 30
SECONDS = 2.0  # of dragging
REST = 6.0  # seconds before a warm run
PAIRS = [("Loss", "Regions"), ("Path", "Map"), ("Weights", "Gradients"), ("Regions", "One sample")]
MEDIAN, TAIL_WARM, TAIL_COLD, FRAMES = 1.6, 1.3, 2.0, 25  # the reach: times the floor's, and frames a second


class Front(NamedTuple):
    """What is measured: a page, cold or warm, with which views and which batch size, or a point that is dragged."""

    page: str
    warm: bool = False
    views: tuple[str, ...] = ("Loss", "Regions")
    batch: int = 16

    def __str__(self):
        return f"{' + '.join(self.views)}, {'warm' if self.warm else 'cold'}, batch {self.batch}"


WATCH = """() => {
  const seen = window.seen = {inputs: [], pictures: []};
  const root = document.querySelector('.jp-CodeCell:last-of-type .jp-OutputArea');
  const note = event => seen.inputs.push(performance.now());
  addEventListener('keydown', note, true);
  const caption = () => root.querySelector('.zl-says')?.textContent ?? '';
  const painted = words => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => seen.pictures.push([performance.now(), words]);
    channel.port2.postMessage(0);
  });
  new MutationObserver(async records => {
    const ours = records.filter(r => !(r.target.parentElement ?? root).closest('.widget-slider, .zl-live'));
    if (!ours.some(r => r.addedNodes.length || r.type === 'characterData')) return;
    const image = root.querySelector('img[src^="data:image"]');
    if (image && !caption()) await image.decode().catch(() => 0);
    painted(caption());
  }).observe(root, {childList: true, subtree: true, characterData: true});
}"""

# The pointer moves once a frame, in the page: moves sent from outside would keep half of a small machine busy.
DRAG = """async (handle, seconds) => {
  const box = handle.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
  const point = (type, at, buttons) => handle.dispatchEvent(new MouseEvent(type,
    {clientX: at, clientY: y, buttons, bubbles: true, cancelable: true}));
  seen.pictures = [];
  point('mousedown', x, 1);
  const begin = performance.now();
  for (let now = 0; now < seconds; now = (performance.now() - begin) / 1000) {
    point('mousemove', x - 60 + 60 * Math.abs((now * 2) % 2 - 1), 1);
    await new Promise(requestAnimationFrame);
  }
  point('mouseup', x, 0);
  return seen.pictures.map(([at]) => at);
}"""


# A point is dragged from the middle of the picture, where it was added.
DRAG_POINT = """async (picture, seconds) => {
  const name = picture.ariaLabel, now = () => document.querySelector(`svg[aria-label="${name}"]`);
  const box = picture.getBoundingClientRect(), y = box.y + box.height / 8;
  const point = (type, at) => now().dispatchEvent(new PointerEvent(type,
    {clientX: at, clientY: y, button: 0, buttons: 1, bubbles: true, cancelable: true}));
  seen.pictures = [];
  const left = box.x + box.width / 6;
  point('pointerdown', left);
  const begin = performance.now();
  for (let time = 0; time < seconds; time = (performance.now() - begin) / 1000) {
    point('pointermove', left + box.width / 2 * Math.abs((time * 2) % 2 - 1));
    await new Promise(requestAnimationFrame);
  }
  point('pointerup', left);
  return seen.pictures.map(([at]) => at);
}"""


def measure(lab, browser, front):
    """Open a page in a fresh kernel; return key latencies (first and complete picture, ms) and frames a second."""
    page = show(lab, browser, front)
    handle = slider(page, "Learning rate")
    handle.scroll_into_view_if_needed()
    page.wait_for_timeout(REST * 1000 if front.warm else 0)
    handle.focus()
    page.evaluate(WATCH)
    moves = [press(page, handle, "ArrowLeft" if move % 20 < 10 else "ArrowRight") for move in range(KEYS)]
    frames = drag(page, handle)
    page.close()
    lab.close_kernels()
    return [first for first, _ in moves], [complete for _, complete in moves], frames


def show(lab, browser, front):
    """Open a page, with the views and the batch size of a front."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    lab.write("page.ipynb", (PAGES / f"{front.page}.py").read_text())
    lab.open(page, "page.ipynb")
    run_all(page)
    if front.page == "explorer":
        page.locator(".zl-live[role=status]").first.wait_for(state="attached")
        for name in VIEWS:
            button = page.get_by_role("button", name=name, exact=True)
            if ("mod-active" in button.get_attribute("class")) != (name in front.views):
                button.click()
        if front.batch != 16:
            page.get_by_role("button", name=f"rate 0.1, batch {front.batch}", exact=True).click()
        page.wait_for_function(
            "many => document.querySelectorAll('.zl-pictures svg').length === many", arg=len(front.views)
        )
    return page


def drag_point(lab, browser, front):
    """Return how many pictures a second were painted while a point of the data was dragged."""
    page = show(lab, browser, front)
    page.get_by_role("button", name="Change points").click()
    picture = page.get_by_role("application", name="Decision regions")
    picture.scroll_into_view_if_needed()
    page.evaluate(WATCH)
    frames = count_frames(picture.evaluate(DRAG_POINT, SECONDS))
    page.close()
    lab.close_kernels()
    return frames


def press(page, handle, key):
    """Press one key and return the milliseconds to the first and to the complete picture of its value."""
    page.wait_for_timeout(random.uniform(60, 140))
    page.evaluate("() => { seen.inputs = []; seen.pictures = []; }")
    handle.press(key)
    value = page.locator(".widget-readout").first.inner_text()
    page.wait_for_function(
        """value => seen.pictures.some(([_, words]) =>
             !words || words.includes(`rate ${Number(value)},`) && !words.includes('still training'))""",
        arg=value,
        timeout=30_000,
    )
    start, pictures = page.evaluate("() => [seen.inputs[0], seen.pictures]")
    own = [(at, words) for at, words in pictures if not words or f"rate {float(value):.3g}," in words]
    complete = next(at for at, words in own if "still training" not in words)
    return own[0][0] - start, complete - start


def drag(page, handle):
    """Drag the handle to and fro, and return how many pictures a second were painted."""
    return count_frames(handle.evaluate(DRAG, SECONDS))


def count_frames(pictures):
    """Return how many frames a second there were, from the times of pictures."""
    return sum(b - a > 4 for a, b in zip([0, *pictures], pictures, strict=False)) / SECONDS


def p95(values):
    return sorted(values)[round(0.95 * (len(values) - 1))]


def row(name, values, frames):
    median, tail = (statistics.median(map(of, values)) for of in (statistics.median, p95))
    print(f"{name:44s} {median:9.0f} {tail:8.0f} {statistics.median(frames):10.1f}", flush=True)
    return median, tail


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--plain", action="store_true", help="start JupyterLab as it comes")
    options.add_argument("--all-pairs", action="store_true", help="measure every two views, which takes an hour")
    chosen = options.parse_args()
    random.seed(0)
    pairs = list(combinations(VIEWS, 2)) if chosen.all_pairs else PAIRS
    floor, peer = Front("floor"), Front("interact")
    ours = [Front("explorer", warm, pair) for pair in pairs for warm in (False, True)]
    ours += [Front("explorer", warm, PAIRS[0], batch=1) for warm in (False, True)]
    results = {front: [] for front in (peer, *ours)}
    floors = {front: [] for front in results}
    points = []
    environment = dict(os.environ) if chosen.plain else lab_environment()
    with tempfile.TemporaryDirectory() as folder, jupyter_lab(folder, environment) as lab, chromium() as browser:
        for _ in range(chosen.runs):
            for front, found in results.items():
                floors[front].append(measure(lab, browser, floor))
                found.append(measure(lab, browser, front))
            points.append(drag_point(lab, browser, ours[0]))
    title = "plain JupyterLab" if chosen.plain else "zerolayer lab"
    print(f"{title:44s} median ms   p95 ms   frames/s")
    for front, found in results.items():
        first, _, frames = zip(*floors[front], strict=True)
        base = row("floor: only a label", first, frames)
        first, complete, frames = zip(*found, strict=True)
        if front == peer:
            row("interact + inline matplotlib", first, frames)
            continue
        begun = row(f"{front}, first", first, frames)
        done = row(f"{front}, complete", complete, frames)
        judged_by_first = front.batch == 1 or not front.warm
        judge(front, begun if judged_by_first else done, base, statistics.median(frames))
    print(f"{'a point of the data dragged':64s} {statistics.median(points):10.1f}")


def judge(front, ours, floor, frames):
    """Say how a front compares with the floor, and what of the reach it misses."""
    median, tail = ours[0] / floor[0], ours[1] / floor[1]
    bounds = {"median": (median, MEDIAN), "p95": (tail, TAIL_WARM if front.warm else TAIL_COLD)}
    missed = [name for name, (found, bound) in bounds.items() if found > bound] + ["frames"] * (frames < FRAMES)
    said = f"misses {', '.join(missed)}" if missed else "within reach"
    print(f"    {median:.2f} times the floor's median, {tail:.2f} times its p95: {said}", flush=True)


if __name__ == "__main__":
    main()
