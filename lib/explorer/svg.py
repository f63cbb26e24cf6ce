"""SVG: the few elements that the views are made of, and colours that colour-blind people can tell apart too.

Pictures are text. A browser draws 10 kB of it in a few milliseconds, in the page's own font and theme, and never shows
half of one. Path data are straight lines alone, in whole tenths of a pixel: short to write, finer than a screen, and
easy to read for `still`, which draws the same picture where SVG of a student is not allowed.
"""

from collections.abc import Iterable
from html import escape
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points: TypeAlias = NDArray[np.float64]

WIDTH, HEIGHT = 420, 330  # of every picture, so that nothing jumps
LEFT, RIGHT, TOP, BOTTOM = 40, 410, 44, 296  # the axes within it
STRAIGHT = 1e-6  # square pixels between three points of a line: what rounding makes of nothing

# Name, colour in the light theme, colour in the dark one. The first classes, and blue for a weight that raises a score,
# are as in the notebook's plots. Classes beyond 9 start over.
PALETTE = """
0 #0072b2 #56b4e9, 1 #d55e00 #f08c3a, 2 #009e73 #2fc59b, 3 #b8569a #dd8fc4, 4 #8a6d00 #e6d44a, 5 #3a9bd9 #8fc8ee,
6 #b07800 #f0b429, 7 #555555 #bbbbbb, 8 #7b4fb5 #b79ae6, 9 #a3373d #ef8a8f, train #0072b2 #56b4e9,
validate #c84b00 #f5a742, plus #0072b2 #56b4e9, minus #c84b00 #f08c3a, kept #7a7a7a #a0a0a0,
ink #222222 #e0e0e0, soft #666666 #aaaaaa, line #dddddd #555555, paper #ffffff #111111"""
COLOURS = {name: themes for name, *themes in map(str.split, PALETTE.split(","))}
FROM_JUPYTER = {"ink": "ui-font-color1", "soft": "ui-font-color2", "line": "border-color2", "paper": "layout-color0"}
LINES = {
    "g": "stroke: var(--zl-line)",
    "guess": "stroke: var(--zl-soft); stroke-dasharray: 1 4",
    "noise": "stroke: var(--zl-train); opacity: .38",
    "train": "stroke: var(--zl-train); stroke-width: 2.4",
    "validate": "stroke: var(--zl-validate); stroke-width: 2; stroke-dasharray: 6 4",
    "kept": "stroke: var(--zl-kept); stroke-width: 1.8",
    "stop": "stroke: var(--zl-validate); stroke-width: 3",
    "ring": "stroke: var(--zl-ink); stroke-width: 2",
}


def _variables(theme: int) -> str:
    """Define the colours of one theme; Jupyter's own come first where it has them."""
    values = {name: pair[theme] for name, pair in COLOURS.items()}
    values |= {name: f"var(--jp-{theirs}, {values[name]})" for name, theirs in FROM_JUPYTER.items()}
    return " ".join(f"--zl-{name}: {value};" for name, value in values.items())


# Sliders stay in sight while pictures scroll, so nothing around the explorer may clip it. `:has` hides the still
# picture and its words, the next two outputs of the cell, as long as the explorer above them is alive. Notebook 7, and
# the browser edition with it, puts a long output into a low box of its own: of many views none would be in sight.
STYLE = f"""<style>
.zl-explorer {{ {_variables(0)} }}
[data-jp-theme-light="false"] .zl-explorer {{ {_variables(1)} }}
{
    '''
'''.join(f".zl-pictures .{name} {{ {look} }}" for name, look in LINES.items())
}
.jp-OutputArea-child:has(.zl-explorer) + .jp-OutputArea-child,
.jp-OutputArea-child:has(.zl-explorer) + .jp-OutputArea-child + .jp-OutputArea-child {{ display: none; }}
:is(.jp-OutputArea, .jp-OutputArea-child, .jp-OutputArea-output):has(.zl-explorer),
.zl-explorer, .zl-explorer .widget-box {{ overflow: visible; }}
.jp-CodeCell.jp-mod-outputsScrolled .jp-Cell-outputArea:has(.zl-explorer) {{
  max-height: none; overflow: visible; margin-left: 0; resize: none; }}
.jp-CodeCell.jp-mod-outputsScrolled .jp-Cell-outputArea:has(.zl-explorer)::after {{ content: none; }}
@media (pointer: coarse) {{ .zl-explorer {{ --jp-widgets-slider-handle-size: 24px; }} }}
.zl-explorer {{ color: var(--zl-ink); max-width: 1280px; container-type: inline-size; }}
.zl-layout {{ flex-flow: row; align-items: flex-start; gap: 16px; }}
.zl-controls .widget-inline-hbox {{ width: auto; max-width: calc(100% - 4px); }}
.zl-controls .widget-label {{ width: 92px; }}
.zl-controls .widget-button, .zl-controls .widget-toggle-button {{ width: auto; }}
.zl-controls .widget-hbox {{ flex-flow: row wrap; column-gap: 4px; }}
.zl-controls {{ flex: 0 0 300px; position: sticky; top: 0; }}
.zl-shown {{ flex: 1 1 0; min-width: 0; }}
@container (max-width: 590px) {{
  .zl-layout {{ flex-flow: column; align-items: stretch; gap: 0; }}
  .zl-controls {{ display: contents; }}
  .zl-sliders {{ position: sticky; top: 0; z-index: 2; background: var(--zl-paper); }}
  .zl-more {{ order: 1; }}
  .zl-shown {{ flex: none; }}
}}
.zl-explorer .widget-html-content {{ line-height: 1.45; height: auto; width: 100%; }}
.zl-pictures {{ display: grid; gap: 8px 20px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); }}
.zl-pictures svg {{ display: block; width: 100%; max-width: 520px; height: auto; overflow: visible;
  max-height: max(200px, calc(100vh - 260px)); }}
.zl-pictures path, .zl-shapes path {{ vector-effect: non-scaling-stroke; stroke-linecap: round; }}
.zl-pictures text, .zl-shapes text {{ font: 11px var(--jp-ui-font-family, sans-serif); fill: var(--zl-soft); }}
.zl-pictures .t {{ font-size: 13px; font-weight: 600; fill: var(--zl-ink); }}
.zl-pictures .i {{ fill: var(--zl-ink); }}
.zl-pictures .m {{ text-anchor: middle; }} .zl-pictures .e {{ text-anchor: end; }}
.zl-pictures .h {{ font-size: 14px; font-weight: 600; fill: var(--zl-validate); }}
.zl-pictures .o, .zl-pictures .h {{ paint-order: stroke; stroke: var(--zl-paper); stroke-width: 3px; }}
.zl-pictures svg[data-keys] {{ cursor: crosshair; touch-action: none;
  user-select: none; }}
.zl-pictures svg[data-keys]:focus-visible {{ outline: 2px solid var(--zl-ink); }}
.zl-mark {{ display: none; }}
.zl-tick {{ position: absolute; top: 100%; transform: translateX(-50%); font-size: 10px; line-height: 1;
  white-space: nowrap; pointer-events: none; color: var(--zl-ink); }}
.zl-tick::before {{ content: "▲"; display: block; text-align: center; font-size: 8px; }}
.zl-says {{ margin: 2px 0 6px; min-height: 7.3em; font-size: var(--jp-ui-font-size1, 13px); max-width: 100ch; }}
.zl-says pre {{ margin: 2px 0 0; padding: 2px 8px; display: inline-block;
  background: var(--jp-layout-color2, #eee); color: var(--zl-ink); border-left: 3px solid var(--zl-validate); }}
.zl-kept {{ list-style: none; margin: 4px 0 0; padding: 0; font-size: var(--jp-ui-font-size1, 13px); }}
.zl-kept svg {{ width: 36px; height: 12px; }}
.zl-kept path {{ fill: none; stroke: var(--zl-kept); stroke-width: 1.8; }}
.zl-aside {{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }}
</style>"""


def within(x: float, y: float, top: float = TOP, bottom: float = BOTTOM) -> tuple[float, float]:
    """Return the nearest point that lies in a picture's frame."""
    return min(max(x, LEFT), RIGHT), min(max(y, top), bottom)


def tenths(values: ArrayLike) -> NDArray[np.int64]:
    """Return pixels as whole tenths."""
    return np.rint(np.multiply(values, 10.0, dtype=np.float64)).astype(np.int64)


def line(x: ArrayLike, y: ArrayLike) -> str:
    """Return path data, in tenths, of a line through points given in pixels."""
    pairs = np.column_stack([tenths(x), tenths(y)])
    return "M" + " ".join(map(str, pairs.ravel().tolist())) if len(pairs) else ""


def rings(polygons: Iterable[Points], offsets: Iterable[Iterable[int]]) -> str:
    """Return path data of closed rings: each of `polygons` (n, 2) in pixels, cut at its `offsets`."""
    pairs = zip(polygons, offsets, strict=True)
    return "".join(strokes(points[a:b]) + "z" for points, at in pairs for a, b in pairwise(at))


def strokes(points: Points) -> str:
    """Return path data of a line through `points` (n, 2), without those that it would pass through anyway."""
    dx, dy = np.diff(points, axis=0).T
    turns = np.abs(dx[:-1] * dy[1:] - dy[:-1] * dx[1:]) > STRAIGHT
    x, y = points[np.concatenate([[True], turns, [True]])].T
    return line(x, y)


def boxes(x: ArrayLike, y: ArrayLike, width: float, height: float) -> str:
    """Return path data of rectangles of one size, whose upper left corners are given in pixels."""
    return _repeat(np.array([[0, 0], [width, 0], [width, height], [0, height]]), x, y)


def cells(
    shades: NDArray[np.int64], left: float, top: float, wide: float, high: float, colour: str | int, deepest: int
) -> str:
    """Return a table's cells of one size, those of one shade in one path; a cell whose shade is below 1 has none."""
    parts = []
    for shade in np.unique(shades[shades > 0]).tolist():
        row, column = np.nonzero(shades == shade)
        parts.append(area(boxes(left + wide * column, top + high * row, wide, high), colour, shade / deepest))
    return "".join(parts)


def marks(x: ArrayLike, y: ArrayLike, label: int, size: float) -> str:
    """Return path data of one marker a point: a disc, a triangle, a square or a diamond, by class."""
    corners, stretch = ((16, 1.0), (3, 1.3), (4, 1.2), (4, 1.3))[label % 4]
    turn = 2 * np.pi * (np.arange(corners) / corners + (label % 4 == 2) / 8)
    return _repeat(size * stretch * np.column_stack([np.sin(turn), -np.cos(turn)]), x, y)


def _repeat(shape: Points, x: ArrayLike, y: ArrayLike) -> str:
    """Return path data of a closed shape, (corners, 2), at each of the points given in pixels."""
    places = np.stack([np.atleast_1d(x), np.atleast_1d(y)], axis=-1)[:, None, :] + shape
    return "".join(
        "M" + " ".join(map(str, each)) + "z" for each in tenths(places).reshape(len(places), shape.size).tolist()
    )


def path(data: str, name: str = "", fill: str = "none", **attributes: str) -> str:
    """Return a path element with path data in tenths, a name in `LINES` and further attributes."""
    more = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in attributes.items())
    return f'<path d="{data}" class="{name}" fill="{fill}" transform="scale(.1)"{more} />' if data else ""


def cross(x: float, y: float) -> str:
    """Return the cross that keys move, at a point in pixels, with an outline that keeps it apart from lines."""
    lines = line([x - 9, x + 9], [y, y]) + line([x, x], [y - 9, y + 9])
    outline = path(lines, stroke=var("paper"), stroke_width="5")
    return outline + path(lines, stroke=var("ink"), stroke_width="2")


def area(data: str, colour: str | int, opacity: float = 1, **attributes: str) -> str:
    """Return a path element that is filled with one of `COLOURS`, by name or by class."""
    return path(data, fill=var(colour), fill_opacity=f"{opacity:.2f}", **attributes)


def var(colour: str | int) -> str:
    """Return one of `COLOURS`, by name or by class, as CSS."""
    return f"var(--zl-{colour % 10 if isinstance(colour, int) else colour})"


def text(x: float, y: float, words: str, name: str = "") -> str:
    """Return a text element at a point in pixels; `name` holds its classes.

    These are t title, i ink, m middle, e end, h said loudly, o with an outline that keeps it apart from lines.
    """
    return f'<text x="{x:g}" y="{y:g}" class="{name}">{escape(words)}</text>'


def picture(title: str, *parts: str, keys: Iterable[str] = (), help: str = "") -> str:
    """Return an SVG element, named for those who hear it.

    One with `keys` answers to these and to the pointer, and `help` says how.
    """
    role = 'role="img"'
    if keys:
        role = f'role="application" tabindex="0" data-keys="{" ".join(keys)}" aria-description="{escape(help)}"'
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" {role} aria-label="{escape(title)}">'
        f"{text(4, 14, title, 't')}{''.join(parts)}</svg>"
    )


def shape(name: str, parts: str) -> str:
    """Return an invisible element that keeps `parts` for pictures to refer to by name."""
    # The class is on the group: where it is referred to, rules see the group but not what is around it here.
    group = f'<g id="{name}" class="zl-shapes">{parts}</g>'
    return f'<svg width="0" height="0" class="zl-aside" aria-hidden="true">{group}</svg>'


def use(name: str) -> str:
    """Return an element that refers to a shape."""
    return f'<use href="#{name}" />'


def note(picture: str, words: str) -> str:
    """Write words across the foot of a picture."""
    return picture.replace("</svg>", text((LEFT + RIGHT) / 2, HEIGHT - 38, words, "h m") + "</svg>")


def short(value: float) -> str:
    """Return a number to three digits, with a real minus sign, as it is said everywhere in the explorer."""
    return f"{value:.3g}".replace("-", "−") if value < 0 else f"{value:.3g}"


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with what it counts: "1 epoch", "1,080 iterations"; without `many` the plural ends in s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
