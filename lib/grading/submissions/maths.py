"""Formulas: TeX in a notebook as MathML, which browsers show by themselves: no script is fetched, on any page.

latex2mathml reads the TeX. What it gives is written anew here, from a list of MathML's elements and attributes: it lets
`\\text{<script>}` through as it is, and `\\href` and `\\style` as attributes. `mpadded` is not in the list:
with it `\\smash` and `\\raise` lay words over those of others.
"""

import re
from functools import lru_cache
from html import escape, unescape
from xml.etree.ElementTree import Element

from lib.grading.untrusted_names import escape_turns

LONGEST_FORMULA = 2_000
"""Characters of one formula: one that is read has some hundred."""
_ELEMENTS = """
    math mrow mi mn mo ms mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover mmultiscripts
    mprescripts none mtable mtr mlabeledtr mtd mphantom mstyle menclose merror"""
_ATTRIBUTES = """
    accent accentunder align columnalign columnlines columnspacing depth display displaystyle fence height largeop
    linebreak linethickness lspace mathsize mathvariant maxsize minsize movablelimits notation rowlines rowspacing
    rspace scriptlevel separator stretchy symmetric width"""
ELEMENTS, ATTRIBUTES = frozenset(_ELEMENTS.split()), frozenset(_ATTRIBUTES.split())
ROW_SPACING = re.compile(r"\\\\\s*\[\s*-?[\d.]+\s*(ex|em|pt|px|mm|cm|in|mu)\s*\]")
"""A row's end with the room below it, which latex2mathml takes for text of the next row."""
FUNCTION = re.compile(r"\\(log|ln|exp|max|min)(?![A-Za-z])\s*(?=[A-Za-z0-9]|\\(?!left|right|big|quad)[A-Za-z])")
"""A function's name before what it is of, where no bracket divides them: TeX leaves room there."""
UNNUMBERED = re.compile(r"\\(begin|end)\{(align|equation|gather)\}")


@lru_cache(maxsize=4096)  # one course's formulas are the same in each of a class's pages
def mathml(tex: str, block: bool) -> str:
    """Write a formula as MathML, and as its own text where it can't be read."""
    if len(tex) <= LONGEST_FORMULA:
        try:
            from latex2mathml.converter import convert_to_element  # where pages are made: grading seldom needs it

            spaced = FUNCTION.sub(r"\\\1\\,", ROW_SPACING.sub(r"\\\\", tex))
            starred = UNNUMBERED.sub(r"\\\1{\2*}", spaced)  # nothing in a notebook refers to a number of an equation
            return _written(convert_to_element(starred, display="block" if block else "inline"))
        except Exception:  # a student's TeX may be anything, and so may what a parser raises on it
            pass
    return f"<code>{escape(tex)}</code>"


def _written(element: Element) -> str:
    inside = _text(element.text) + "".join(_written(child) + _text(child.tail) for child in element)
    if element.tag not in ELEMENTS:
        return inside
    kept = "".join(f' {name}="{escape(value)}"' for name, value in element.attrib.items() if name in ATTRIBUTES)
    return f"<{element.tag}{kept}>{inside}</{element.tag}>"


def _text(text: str | None) -> str:
    return escape(escape_turns(unescape(text or "")))
