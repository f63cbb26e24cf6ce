"""Pictures in the report: SVG of bars whose places are percentages, so that they stretch and their words don't.

What a colour says, a pattern says too, and the table beside each picture says in numbers.
"""

from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup, escape

from lib.grading.report.item_analysis import OUTCOMES, Bin, Outcome

HEIGHT, TOP, FLOOR = 170, 18, 146
"""Of the histogram in pixels: all of it, where the highest bar may begin, and where bars stand."""
CLASSES: dict[Outcome, str] = {outcome: outcome.replace(" ", "-") for outcome in OUTCOMES}

PATTERNS = Markup("""<svg class="patterns" aria-hidden="true" width="0" height="0"><defs>
<pattern id="stripes" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect class="ground" width="7" height="7"/><rect class="ink" width="3.5" height="7"/></pattern>
<pattern id="dots" width="6" height="6" patternUnits="userSpaceOnUse">
<rect class="paper" width="6" height="6"/><circle class="dot" cx="3" cy="3" r="1.3"/></pattern>
</defs></svg>""")


def histogram(bins: Sequence[Bin], described: str) -> Markup:
    """Draw how many students have which score; `described` says it to those who don't see it."""
    most = max((one.count for one in bins), default=0) or 1
    width = 100 / max(1, len(bins))
    every = next(step for step in (1, 2, 5, 10, 25) if len(bins) / step <= 11)
    drawn = [Markup('<line class="axis" x1="0" x2="100%" y1="{0}" y2="{0}"/>').format(FLOOR + 0.5)]
    for at, one in enumerate(bins):
        middle, high = (at + 0.5) * width, one.count / most * (FLOOR - TOP)
        if one.count:
            drawn.append(
                Markup('<rect class="bar" x="{:.2f}%" y="{:.1f}" width="{:.2f}%" height="{:.1f}"/>').format(
                    at * width + 0.1 * width, FLOOR - high, 0.8 * width, high
                )
            )
            drawn.append(_text(middle, FLOOR - high - 5, one.count))
        if at % every == 0:
            drawn.append(_text(middle, FLOOR + 17, f"{one.low:g}"))
    return Markup('<svg role="img" aria-label="{}" class="histogram" width="100%" height="{}">{}</svg>').format(
        described, HEIGHT, Markup("").join(drawn)
    )


def outcome_bar(counts: Counter[Outcome]) -> Markup:
    """Draw one part's outcomes as the pieces of one bar."""
    total, at, drawn = sum(counts.values()) or 1, 0.0, []
    for outcome in OUTCOMES:
        share = 100 * counts[outcome] / total
        if share:
            drawn.append(
                Markup('<rect class="{}" x="{:.2f}%" width="{:.2f}%" y="1" height="20"/>').format(
                    CLASSES[outcome], at, share
                )
            )
            at += share
    said = ", ".join(f"{outcome} {counts[outcome]}" for outcome in OUTCOMES if counts[outcome])
    return Markup('<svg role="img" aria-label="{}" class="outcomes" width="100%" height="22">{}</svg>').format(
        said, Markup("").join(drawn)
    )


def swatch(outcome: Outcome) -> Markup:
    """Draw a legend's little square."""
    return Markup(
        '<svg aria-hidden="true" class="swatch" width="18" height="14">'
        '<rect class="{}" x="1" y="1" width="16" height="12"/></svg>'
    ).format(CLASSES[outcome])


def share_bar(share: float) -> Markup:
    """Draw a share of the class, 0 to 1, behind its number."""
    return Markup(
        '<svg aria-hidden="true" class="share" width="100%" height="8">'
        '<rect class="bar" width="{:.1f}%" height="8"/></svg>'
    ).format(100 * share)


def _text(x: float, y: float, words: object) -> Markup:
    return Markup('<text x="{:.2f}%" y="{:.1f}">{}</text>').format(x, y, escape(words))
