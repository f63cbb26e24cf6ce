"""SVG: the few elements that the views are made of, and colours that colour-blind people can tell apart too.

Pictures are text. A browser draws 10 kB of it in a few milliseconds, in the page's own font and theme, and never shows
half of one. Coordinates are whole tenths of a pixel: short to write, and finer than a screen.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points: TypeAlias = NDArray[np.float64]

STRAIGHT = 0.1  # pixels: how far a point may be from a line and still count as on it

CLASS_COLOURS = (
    *("#0072b2", "#d55e00", "#009e73", "#b8569a", "#8a6d00"),
    *("#3a9bd9", "#b07800", "#555555", "#7b4fb5", "#a3373d"),
)
"""The colours of the classes in the light theme; classes beyond start over."""

# `:has` hides the still picture, the next output of the cell, as long as the explorer above it is alive.
STYLE = """<style>
.zl-explorer { --zl-ink: var(--jp-ui-font-color1, #222); --zl-soft: var(--jp-ui-font-color2, #666);
  --zl-line: var(--jp-border-color2, #ddd); --zl-paper: var(--jp-layout-color0, #fff);
  --zl-train: #0072b2; --zl-validate: #c84b00; --zl-kept: #7a7a7a; --zl-plus: #c84b00; --zl-minus: #0072b2;
  CLASS_COLOURS }
[data-jp-theme-light="false"] .zl-explorer { --zl-train: #56b4e9; --zl-validate: #f5a742; --zl-kept: #a0a0a0;
  --zl-plus: #f08c3a; --zl-minus: #56b4e9; --zl-0: #56b4e9; --zl-1: #f08c3a; --zl-2: #2fc59b; --zl-3: #dd8fc4;
  --zl-4: #e6d44a; --zl-5: #8fc8ee; --zl-6: #f0b429; --zl-7: #bbb; --zl-8: #b79ae6; --zl-9: #ef8a8f; }
.zl-explorer { color: var(--zl-ink); max-width: 1080px; }
.zl-explorer .widget-html-content { line-height: 1.45; height: auto; width: 100%; }
.zl-pictures { display: grid; gap: 8px 20px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 290px), 1fr)); }
.zl-pictures svg { display: block; width: 100%; max-width: 520px; height: auto; overflow: visible; }
.zl-pictures path, .zl-shapes path { vector-effect: non-scaling-stroke; fill: none;
  stroke-linejoin: round; stroke-linecap: round; }
.zl-pictures text, .zl-shapes text { font: 11px var(--jp-ui-font-family, sans-serif); fill: var(--zl-soft); }
.zl-pictures .t { font-size: 13px; font-weight: 600; fill: var(--zl-ink); }
.zl-pictures .i { fill: var(--zl-ink); }
.zl-pictures .m { text-anchor: middle; } .zl-pictures .e { text-anchor: end; }
.zl-pictures .h { font-size: 14px; font-weight: 600; text-anchor: middle; fill: var(--zl-validate);
  paint-order: stroke; stroke: var(--zl-paper); stroke-width: 4px; }
.zl-pictures .o { paint-order: stroke; stroke: var(--zl-paper); stroke-width: 3px; }
.zl-pictures .g { stroke: var(--zl-line); stroke-width: 1; }
.zl-pictures .guess { stroke: var(--zl-soft); stroke-width: 1; stroke-dasharray: 1 4; }
.zl-pictures .noise { stroke: var(--zl-train); stroke-width: 1; opacity: .38; }
.zl-pictures .train { stroke: var(--zl-train); stroke-width: 2.4; }
.zl-pictures .validate { stroke: var(--zl-validate); stroke-width: 2; stroke-dasharray: 6 4; }
.zl-pictures .dots { stroke: var(--zl-validate); stroke-width: 6; }
.zl-pictures .kept { stroke: var(--zl-kept); stroke-width: 1.8; }
.zl-pictures .stop { stroke: var(--zl-validate); stroke-width: 3; }
.jp-OutputArea-child:has(.zl-explorer) + .jp-OutputArea-child:has(.jp-RenderedImage) { display: none; }
.zl-says { margin: 2px 0 6px; min-height: 4.4em; font-size: var(--jp-ui-font-size1, 13px); max-width: 100ch; }
@media (max-width: 1000px) { .zl-says { min-height: 6em; } }
.zl-says b { font-weight: 600; } .zl-says pre { margin: 2px 0 0; padding: 2px 8px; display: inline-block;
  background: var(--jp-layout-color2, #eee); color: var(--zl-ink); border-left: 3px solid var(--zl-validate); }
.zl-kept { list-style: none; margin: 4px 0 0; padding: 0; font-size: var(--jp-ui-font-size1, 13px); }
.zl-kept svg { width: 36px; height: 12px; }
.zl-kept path { fill: none; stroke: var(--zl-kept); stroke-width: 1.8; }
.zl-aside { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
</style>""".replace("CLASS_COLOURS", " ".join(f"--zl-{label}: {each};" for label, each in enumerate(CLASS_COLOURS)))


def tenths(values: ArrayLike) -> NDArray[np.int64]:
    """Return pixels as whole tenths."""
    return np.rint(np.multiply(values, 10.0, dtype=np.float64)).astype(np.int64)


def line(x: ArrayLike, y: ArrayLike) -> str:
    """Return path data, in tenths, of a line through points given in pixels."""
    pairs = np.column_stack([tenths(x), tenths(y)])
    return "M" + " ".join(map(str, pairs.ravel().tolist())) if len(pairs) else ""


def rings(points: Points, offsets: ArrayLike) -> str:
    """Return path data of closed rings: `points` (n, 2) in pixels, cut at `offsets`."""
    at = np.asarray(offsets, dtype=int).tolist()
    return "".join(strokes(points[a:b]) + "z" for a, b in pairwise(at))


def strokes(points: Points) -> str:
    """Return path data of a line through `points` (n, 2), without those that it would pass through anyway."""
    for _ in range(4):
        if len(points) < 4:
            break
        odd = points[1:-1:2]
        (dx, dy), (ex, ey) = (points[2::2] - points[:-2:2][: len(odd)]).T, (odd - points[:-2:2][: len(odd)]).T
        keep = np.ones(len(points), dtype=bool)
        keep[1:-1:2] = np.abs(dx * ey - dy * ex) > STRAIGHT * np.hypot(dx, dy)
        points = points[keep]
    return line(points[:, 0], points[:, 1])


def path(data: str, name: str = "", **attributes: str) -> str:
    """Return a path element with path data in tenths, a class name and further attributes."""
    if not data:
        return ""
    named = {"class": name, **attributes} if name else attributes
    return f'<path d="{data}" transform="scale(.1)"{_attributes(named)} />'


def text(x: float, y: float, words: str, name: str = "", **attributes: str) -> str:
    """Return a text element at a point in pixels; `name` holds its classes: t title, i ink, m middle, e end."""
    return f'<text x="{x:g}" y="{y:g}" class="{name}"{_attributes(attributes)}>{escape(words)}</text>'


def _attributes(attributes: dict[str, str]) -> str:
    return "".join(f' {key.replace("_", "-")}="{value}"' for key, value in attributes.items())


def picture(width: float, height: float, title: str, *parts: str) -> str:
    """Return an SVG element of a fixed shape, named for those who hear it."""
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(title)}">'
        f"{text(4, 14, title, 't')}{''.join(parts)}</svg>"
    )


def shape(name: str, parts: str) -> str:
    """Return an invisible element that keeps `parts` for pictures to refer to by name."""
    # The class is on the group: where it is referred to, rules see the group but not what is around it here.
    group = f'<g id="{name}" class="zl-shapes">{parts}</g>'
    return f'<svg width="0" height="0" class="zl-aside" aria-hidden="true">{group}</svg>'


def marks(x: Points, y: Points, label: int, size: float) -> str:
    """Return path data of one marker a point: a disc, a triangle, a square or a diamond, by class."""
    r = round(size * 10)
    shape = (
        f"m{-r} 0a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0",
        f"m0 {-r * 5 // 4}l{r * 6 // 5} {2 * r}h{-2 * (r * 6 // 5)}z",
        f"m{-r * 9 // 10} {-r * 9 // 10}h{2 * r}v{2 * r}h{-2 * r}z",
        f"m0 {-r * 4 // 3}l{r * 4 // 3} {r * 4 // 3}l{-r * 4 // 3} {r * 4 // 3}l{-r * 4 // 3} {-r * 4 // 3}z",
    )[label % 4]
    return "".join(f"M{a} {b}{shape}" for a, b in zip(tenths(x).tolist(), tenths(y).tolist(), strict=True))


def colour(label: int) -> str:
    """Return the CSS colour of a class."""
    return f"var(--zl-{label % len(CLASS_COLOURS)})"


def escape(words: str) -> str:
    """Make words safe inside markup."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def short(value: float) -> str:
    """Return a number to three digits, as it is said everywhere in the explorer."""
    return f"{value:.3g}"
