"""The still picture: the live picture as a PNG, for pages without a kernel.

It is a PNG because SVG of a student is refused in feedback, as a few kilobytes of it can fill a browser's memory. It is
drawn from the SVG itself, of which `svg` makes only straight paths and text.
"""

import io
import math
import xml.etree.ElementTree as ET  # our own markup, nobody else's
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D
from PIL import Image

from lib.explorer.svg import COLOURS, HEIGHT, LINES, WIDTH

DPI = 100
POINT = 72 / DPI  # a pixel in matplotlib's points


def draw(pictures: Sequence[str]) -> Iterator[bytes]:
    """Draw SVG elements, two in a row, in the colours of the light theme; yield a PNG at last.

    Before that it yields nothing after each path and each text, so that a slider which moves meanwhile needn't wait.
    """
    rows, columns = math.ceil(len(pictures) / 2), min(2, len(pictures))
    figure = Figure(figsize=(columns * WIDTH / DPI, rows * HEIGHT / DPI), dpi=DPI, facecolor="white")
    artists: list[Artist] = [figure.patch]
    for number, each in enumerate(pictures):
        row, column = divmod(number, 2)
        place = Affine2D().scale(1, -1).translate(column * WIDTH, (rows - row) * HEIGHT)  # matplotlib counts upwards
        for element in ET.fromstring(each).iter():
            if element.tag == "path":
                artists.append(figure.add_artist(_patch(element.attrib, place)))
            elif element.tag == "text":
                artists.append(figure.add_artist(_text(element, place)))
    canvas = FigureCanvasAgg(figure)
    for artist in sorted(artists, key=Artist.get_zorder):
        artist.draw(canvas.get_renderer())
        yield b""
    image, file = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB"), io.BytesIO()
    # It is saved in the notebook: 256 colours take a quarter of the room, and nobody sees the difference.
    image.quantize(method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(file, "png")
    yield file.getvalue()


def _patch(attributes: Mapping[str, str], place: Affine2D) -> PathPatch:
    """Return a path as matplotlib draws it, with the look that its name and its attributes give it."""
    look = dict(rule.split(": ") for rule in LINES.get(attributes["class"], "d: ").split("; ")) | {**attributes}
    width = float(look.get("stroke-width", 1))
    dashes = [float(each) / width for each in look.get("stroke-dasharray", "").split()]  # matplotlib's are in widths
    return PathPatch(
        _read(look["d"]),
        facecolor=_colour(look["fill"], look.get("fill-opacity", "1")),
        edgecolor=_colour(look.get("stroke", "none"), look.get("opacity", "1")),
        linewidth=width * POINT,
        linestyle=(0, dashes or None),
        capstyle="round",
        transform=place,
    )


def _colour(css: str, opacity: str) -> tuple[str, float]:
    return ("none", 0) if css == "none" else (COLOURS[css.removeprefix("var(--zl-")[:-1]][0], float(opacity))


def _read(data: str) -> Path:
    """Read path data of straight lines, in tenths."""
    pieces = []
    for piece in data.split("M")[1:]:
        points = np.array(piece.rstrip("z").split(), dtype=float).reshape(-1, 2) / 10
        pieces.append(Path(np.vstack([points, points[:1]]) if piece.endswith("z") else points, closed=piece[-1] == "z"))
    return Path.make_compound_path(*pieces)


def _text(element: ET.Element, place: Affine2D) -> Text:
    """Return a text element as matplotlib writes it."""
    looks = set(element.attrib["class"].split())
    return Text(
        float(element.attrib["x"]),
        float(element.attrib["y"]),
        (element.text or "").replace("$", r"\$"),  # which would begin a formula
        size=POINT * (13 if looks & {"t", "h"} else 11),
        color=COLOURS["validate" if "h" in looks else "ink" if looks & {"t", "i"} else "soft"][0],
        ha="center" if "m" in looks else "right" if "e" in looks else "left",
        weight="bold" if looks & {"t", "h"} else "normal",
        transform=place,
    )
