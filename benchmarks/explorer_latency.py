"""Claim: a key on the explorer's slider shows its complete picture as soon as a bare label shows its number.

All run in the same JupyterLab in the same headless Chromium, in turn, several times: a label, which is the floor, the
explorer cold, which begins at once with nothing trained ahead, and warm, after a rest of some seconds. Each gets 24 key
moves and a drag of 2 seconds. A picture counts when the frame that shows it has been painted; the explorer's counts
only if it says the learning rate of that key and all its epochs. 300 samples, 3 classes, 100 epochs, batch 16.

A second claim: after a jump, a typed rate which no place of the slider has, the first part of the picture comes within
the label's 95th percentile. Its training begins when it is typed, some 100 ms before Enter. The warm explorer gets 24
jumps too; the time to their whole picture is shown as well.

    python benchmarks/explorer_latency.py [--runs 3] [--plain]

`--plain` starts JupyterLab as it comes; without it, as `zerolayer lab` does. It takes some four minutes.
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from lib.jupyterlab import lab_environment
from tests.browser import box, chromium, jupyter_lab, readout, run_all, slider

PAGES = Path(__file__).with_name("pages")
KEYS = JUMPS = 24
SECONDS = 2.0  # of dragging
REST = 6.0  # seconds before a warm run


class Front(NamedTuple):
    """What is measured: a page, cold or warm."""

    page: str
    warm: bool = False

    def __str__(self):
        return "a bare label" if self.page == "floor" else f"the explorer, {'warm' if self.warm else 'cold'}"


class Measured(NamedTuple):
    """Milliseconds of each key, and of each jump to the first part and to the whole; and the pictures a second."""

    moves: list[float]
    jumps: list[tuple[float, float]]
    frames: float


FRONTS = (Front("floor"), Front("explorer"), Front("explorer", warm=True))

WATCH = """() => {
  const seen = window.seen = {inputs: [], pictures: []};
  const root = document.querySelector('.jp-CodeCell:last-of-type .jp-OutputArea');
  addEventListener('keydown', () => seen.inputs.push(performance.now()), true);
  const caption = () => root.querySelector('.zl-says')?.textContent ?? '';
  const painted = words => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => seen.pictures.push([performance.now(), words]);
    channel.port2.postMessage(0);
  });
  new MutationObserver(records => {
    const controls = '.widget-slider, .zl-sliders, .zl-live';
    const shown = records.filter(r => !(r.target.parentElement ?? root).closest(controls));
    if (shown.some(r => r.addedNodes.length || r.type === 'characterData')) painted(caption());
  }).observe(root, {childList: true, subtree: true, characterData: true});
}"""

# The slider moves once a frame, in the page: moves sent from outside would keep half of a small machine busy.
DRAG = """async (handle, seconds) => {
  const box = handle.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
  const native = handle.tagName === 'INPUT', first = native ? Number(handle.value) : 0;
  const point = (type, at, buttons) => handle.dispatchEvent(new MouseEvent(type,
    {clientX: at, clientY: y, buttons, bubbles: true, cancelable: true}));
  seen.pictures = [];
  if (!native) point('mousedown', x, 1);
  const begin = performance.now();
  for (let now = 0; now < seconds; now = (performance.now() - begin) / 1000) {
    const share = Math.abs((now * 2) % 2 - 1) - 1;
    if (native) {
      handle.value = first + 20 * share;
      handle.dispatchEvent(new Event('input', {bubbles: true}));
    } else {
      point('mousemove', x + 90 * share, 1);
    }
    await new Promise(requestAnimationFrame);
  }
  if (!native) point('mouseup', x, 0);
  return seen.pictures.map(([at]) => at);
}"""


def measure(lab, browser, front):
    """Open a page in a fresh kernel and measure it: return a `Measured`."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    lab.write("page.ipynb", (PAGES / f"{front.page}.py").read_text())
    lab.open(page, "page.ipynb")
    run_all(page)
    moves, handle = press_keys(page, front)
    jumps = [jump(page) for _ in range(JUMPS if front.warm else 0)]
    frames = count_frames(handle.evaluate(DRAG, SECONDS))
    page.close()
    lab.close_kernels()
    return Measured(moves, jumps, frames)


def press_keys(page, front):
    """Press keys on the slider, after a rest if it is warm; return their milliseconds, and the slider."""
    handle = slider(page, "Learning rate")
    handle.scroll_into_view_if_needed()
    page.wait_for_timeout(REST * 1000 if front.warm else 0)
    handle.focus()
    page.evaluate(WATCH)
    keys = ["ArrowLeft" if move % 20 < 10 else "ArrowRight" for move in range(KEYS)]
    return [press(page, handle, key, front) for key in keys], handle


def press(page, handle, key, front):
    """Press one key and return the milliseconds to the complete picture of its value."""
    forget_pictures(page)
    handle.press(key)
    return wait_for_pictures(page, "" if front.page == "floor" else f"rate {readout(page, 'Learning rate')},")[1]


def jump(page):
    """Type a learning rate and return the milliseconds to the first part of its picture, and to all of it."""
    field, rate = box(page, "Learning rate").get_by_role("textbox"), f"{10 ** random.uniform(-3.5, 1):.4g}"
    field.fill(rate)
    forget_pictures(page)
    field.press("Enter")
    return wait_for_pictures(page, f"rate {rate},")


def forget_pictures(page):
    """Begin anew with the next key, which comes at no certain time."""
    page.wait_for_timeout(random.uniform(60, 140))
    page.evaluate("() => { seen.inputs = []; seen.pictures = []; }")


def wait_for_pictures(page, words):
    """Return the milliseconds from a key to the first picture with these words, and to that of all epochs."""
    found = page.wait_for_function(
        """words => {
          const own = seen.pictures.filter(([, said]) => said.includes(words));
          const whole = own.find(([, said]) => !said.includes('still training'));
          return whole && [own[0], whole].map(([at]) => at - seen.inputs[0]);
        }""",
        arg=words,
        timeout=30_000,
    )
    return found.json_value()


def count_frames(pictures):
    """Return how many pictures a second there were, from their times; two within 4 ms are one frame."""
    return sum(b - a > 4 for a, b in zip([0, *pictures], pictures, strict=False)) / SECONDS


def p95(values):
    return sorted(values)[round(0.95 * (len(values) - 1))]


def describe(runs):
    """Return the median and the 95th percentile of some runs: of each run's, the median."""
    return " ".join(f"{statistics.median(map(of, runs)):8.0f}" for of in (statistics.median, p95))


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--plain", action="store_true", help="start JupyterLab as it comes")
    chosen = options.parse_args()
    random.seed(0)
    results = {front: [] for front in FRONTS}
    environment = dict(os.environ) if chosen.plain else lab_environment()
    with tempfile.TemporaryDirectory() as folder, jupyter_lab(folder, environment) as lab, chromium() as browser:
        for _ in range(chosen.runs):
            for front, found in results.items():
                found.append(measure(lab, browser, front))
    print(f"{'plain JupyterLab' if chosen.plain else 'zerolayer lab':24s} median ms   p95 ms   pictures/s")
    for front, found in results.items():
        moves, jumps, frames = zip(*found, strict=True)
        print(f"{front!s:24s} {describe(moves)} {statistics.median(frames):12.1f}", flush=True)
    first, whole = ([[each[part] for each in run] for run in jumps] for part in (0, 1))
    print(f"{'jumps, the first part':24s} {describe(first)}\n{'jumps, the whole':24s} {describe(whole)}")


if __name__ == "__main__":
    main()
