"""How long from a slider's input to changed pixels: the explorer beside a bare label and beside plain `interact`.

All three train (or don't) in the same JupyterLab in the same headless Chromium, one after the other, several times:
300 samples, 2 features, 3 classes, 100 epochs, batch 16, loss and decision regions in view. Each gets 30 key moves and
a drag of 2 seconds. A picture counts when the frame that shows it has been painted; the explorer's counts only if it
says the learning rate of that key. "Cold" begins at once, with nothing trained ahead; "warm" after a rest of some
seconds, in which the explorer trains the settings near by. Partial curves are told apart from complete ones.

    python benchmarks/explorer_latency.py [--runs 3] [--plain]

`--plain` starts JupyterLab as it comes; without it, as `zerolayer lab` does.
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from lib.lab import lab_environment
from tests.browser import chromium, jupyter_lab, run_all, slider

PAGES = Path(__file__).with_name("pages")
KEYS = 30
SECONDS = 2.0  # of dragging
REST = 6.0  # seconds before a warm run

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


def measure(lab, browser, name, warm):
    """Open a page in a fresh kernel; return key latencies (first and complete picture, ms) and frames a second."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    lab.write(f"{name}.ipynb", (PAGES / f"{name}.py").read_text())
    lab.open(page, f"{name}.ipynb")
    run_all(page)
    handle = slider(page, "Learning rate")
    handle.scroll_into_view_if_needed()
    page.wait_for_timeout(REST * 1000 if warm else 0)
    handle.focus()
    page.evaluate(WATCH)
    moves = [press(page, handle, "ArrowLeft" if move % 20 < 10 else "ArrowRight") for move in range(KEYS)]
    frames = drag(page, handle)
    page.close()
    lab.close_kernels()
    return [first for first, _ in moves], [complete for _, complete in moves], frames


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
    pictures = handle.evaluate(DRAG, SECONDS)
    return sum(b - a > 4 for a, b in zip([0, *pictures], pictures, strict=False)) / SECONDS


def p95(values):
    return sorted(values)[round(0.95 * (len(values) - 1))]


def row(name, values, frames):
    median, tail = (statistics.median(map(of, values)) for of in (statistics.median, p95))
    print(f"{name:34s} {median:9.0f} {tail:8.0f} {statistics.median(frames):10.1f}", flush=True)
    return median, tail


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--plain", action="store_true", help="start JupyterLab as it comes")
    chosen = options.parse_args()
    random.seed(0)
    fronts = [("floor", False), ("interact", False), ("explorer", False), ("explorer", True)]
    results = {front: [] for front in fronts}
    environment = dict(os.environ) if chosen.plain else lab_environment()
    with tempfile.TemporaryDirectory() as folder, jupyter_lab(folder, environment) as lab, chromium() as browser:
        for _ in range(chosen.runs):
            for front in fronts:
                results[front].append(measure(lab, browser, *front))
    title = "plain JupyterLab" if chosen.plain else "zerolayer lab"
    print(f"{title:34s} median ms   p95 ms   frames/s")
    first, complete, frames = zip(*results["floor", False], strict=True)
    floor = row("floor: only a label", first, frames)
    first, complete, frames = zip(*results["interact", False], strict=True)
    peer = row("interact + inline matplotlib", first, frames)
    for warm in (False, True):
        first, complete, frames = zip(*results["explorer", warm], strict=True)
        kind = "warm" if warm else "cold"
        row(f"explorer, {kind}, first picture", first, frames)
        ours = row(f"explorer, {kind}, complete picture", complete, frames)
        print(
            f"    complete: {ours[0] / floor[0]:.2f} times the floor's median, {ours[1] / floor[1]:.2f} times its p95, "
            f"{peer[0] / ours[0]:.1f} times quicker than interact"
        )


if __name__ == "__main__":
    main()
