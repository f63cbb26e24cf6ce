"""Reports: the findings of a check, written as plain text and as HTML for light and dark themes.

Each statement has a number, and its state as a word, a mark and a colour. The help follows in steps with titles, which
the student can open.
"""

from __future__ import annotations  # so that the types of the help needn't be imported

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lib.checking.findings import Finding
from lib.unit import Part

if TYPE_CHECKING:
    from lib.checking.fingerprints import Fingerprint
    from lib.checking.help import Help, WorkedExample  # loaded only after a check has failed

MARKS = {"right": "✓", "wrong": "✗", "open": "–", "not checked": "–", "note": "!"}
COLOURS = {
    "right": "var(--jp-success-color1, #2e7d32)",
    "wrong": "var(--jp-error-color1, #d32f2f)",
    **dict.fromkeys(("open", "not checked"), "var(--jp-border-color1, #8a8a8a)"),
    "note": "var(--jp-warn-color1, #e65100)",
}
WIDTH = 83
"""The length of a line of plain text: `nbgrader validate` truncates longer ones."""
TRY = "Try: "
"""The label of a hint, which comes last. The hint of a failed statement is part of the help."""
CODE = "Your "
"""The label of a line of the student's own code."""
MARK = "→"
"""The mark of a line of code to look at first."""
TITLES = ("Help 1: a hint", "Help 2: where to look in your code", "Help 3: an example by hand, next to your numbers")
"""The steps of the help after a failed check, in order."""
FITS = "Your results fit this mistake: "
PRAISE = "You have corrected this mistake: "
PRINTED = "Your code printed:"
WHY = "Why was it wrong? Say it in one sentence, as if to a friend."
SAME = "The same as in statement {}."
"""Replaces a reason that an earlier statement has as well."""


@dataclass(frozen=True)
class Report:
    """The report of a local check: one finding for each statement, in order.

    `note` is the reason if no statement could be checked. `help` has the steps that a student can open. `corrected` is
    the mistake that an earlier run of the check has named, if everything is right now. `printed` is the output of the
    code.
    """

    part: Part
    findings: tuple[Finding, ...]
    note: str = ""
    help: Help | None = None
    corrected: Fingerprint | None = None
    printed: str = ""

    @property
    def right(self) -> bool:
        """True if every statement with points holds."""
        return all(finding.state == "right" for finding in self.findings if finding.max_points)

    @property
    def points(self) -> float:
        """The points of the statements that hold."""
        return sum(finding.points for finding in self.findings)

    def __str__(self) -> str:
        return text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Called by IPython to display the report."""
        return html(self)


def text(report: Report) -> str:
    """Return a report as plain text, with the help below it, each step under a title."""
    lines = [heading(report)]
    for note in _notes(report):
        lines += _wrap(f"  {note}")
    for number, finding in enumerate(report.findings, 1):
        state = _state(finding)
        lines += _wrap(f"  {number} {MARKS[state]} {state}: {finding.heading}")
        for label, sentence in _shown(report, number):
            lines += _wrap(f"      {label}{sentence}")
    if report.printed.strip():
        lines += ["", f"  {PRINTED}", *(f"    {line}" for line in report.printed.splitlines())]
    for title, help_lines in _help_steps(report):
        lines += ["", f"  ---- {title} ----"]
        for line in help_lines:
            lines += [f"  {line.plain}"] if line.is_code else _wrap(f"  {line.plain}")
    return "\n".join(lines)


def html(report: Report) -> str:
    """Return a report as an HTML section: a list of statements, and the help below it, which the student can open."""
    items = ""
    for number, finding in enumerate(report.findings, 1):
        points, state = f" ({finding.max_points:g})" if finding.max_points else "", _state(finding)
        shown = ((label, escape(sentence)) for label, sentence in _shown(report, number))
        lines = "".join(indent(label + (f"<code>{text}</code>" if label == CODE else text)) for label, text in shown)
        items += item(state, state, finding.heading + points, lines)
    printed = f"<p>{PRINTED}</p><pre>{escape(report.printed)}</pre>" if report.printed.strip() else ""
    help = "".join(_fold(title, "".join(line.html for line in lines)) for title, lines in _help_steps(report))
    notes = "".join(f"<p>{escape(note)}</p>" for note in _notes(report))
    return section(heading(report), notes, items, printed + help)


def heading(report: Report) -> str:
    """Return the title of a report: the part, and its points."""
    part = report.part
    points = f": {report.points:g} of {part.points:g} point{'s' * (part.points != 1)}" if part.points else ""
    return f"{part.title}{points} ({part.id})"


def _notes(report: Report) -> Iterator[str]:
    if report.note:
        yield report.note
    if report.corrected:
        yield f"{PRAISE}{report.corrected.name}. {WHY}"


# ---- Statements


def _state(finding: Finding) -> str:
    return "note" if finding.state == "wrong" and not finding.max_points else finding.state


def details(finding: Finding) -> Iterator[tuple[str, str]]:
    """Yield the reason why a statement is not right, as pairs of a label and a sentence."""
    if (why := finding.why) is None:
        return
    from lib.checking.error_hints import explain, hint_for  # only after a failure: the rules take time to load

    if meaning := explain(why).text:
        yield "", meaning
    yield "", why.text
    if why.where:
        yield "Where: ", why.where
    if why.found:
        yield "Found ", why.found + (f", expected {why.expected}" if why.expected else "")
    if why.line:
        yield CODE, why.line
    if hint := hint_for(why):
        yield TRY, hint


def _shown(report: Report, number: int) -> Iterator[tuple[str, str]]:
    whys = [each.why for each in report.findings]
    finding, first = report.findings[number - 1], whys.index(whys[number - 1]) + 1
    if finding.why and finding.why.is_of_code and first < number:
        yield "", SAME.format(first)
        return
    for label, sentence in details(finding):
        if label != TRY or _state(finding) != "wrong":
            yield label, sentence


# ---- Help


class _Line(NamedTuple):
    """A line of the help as plain text and as HTML. A line of code is not wrapped."""

    plain: str
    html: str
    is_code: bool = False


def _paragraph(sentence: str) -> _Line:
    return _Line(sentence, f"<p>{escape(sentence)}</p>")


def _help_steps(report: Report) -> Iterator[tuple[str, list[_Line]]]:
    if (help := report.help) is None:
        return
    if hints := [*_hints(report, help)]:
        yield TITLES[0], hints
    if help.place:
        codes = [f"{MARK if is_marked else ' '} line {number}: {code}" for number, code, is_marked in help.place.lines]
        marked = [f'<div><code style="white-space: pre-wrap">{escape(code)}</code></div>' for code in codes]
        lines = [_Line(code, html, is_code=True) for code, html in zip(codes, marked, strict=True)]
        first = f", first at the lines marked {MARK}" if any(is_marked for *_, is_marked in help.place.lines) else ""
        yield TITLES[1], [_paragraph(f"Look at {help.place.function}{first}:"), *lines]
    if help.example:
        more = f"To see the inputs of the check itself, call check.{report.part.name}.example()."
        yield TITLES[2], [_paragraph(help.example.given), _table(help.example), _paragraph(more)]


def _hints(report: Report, help: Help) -> Iterator[_Line]:
    for mistake in help.mistakes:
        yield _Line(f"{FITS}{mistake.name}.", f"<p>{FITS}<b>{escape(mistake.name)}.</b></p>")
        yield _paragraph(TRY + mistake.hint)
    seen = set[str]()
    for number, finding in enumerate(report.findings, 1):
        hint = dict(details(finding)).get(TRY)
        if _state(finding) == "wrong" and hint and finding.name not in help.explained and hint not in seen:
            seen.add(hint)
            yield _paragraph(f"Statement {number}. {TRY}{hint}")


def _table(example: WorkedExample) -> _Line:
    cell = 'style="text-align: left; vertical-align: top; padding: 2px 10px 2px 0; white-space: normal"'
    head = "".join(f'<th scope="col" {cell}>{title}</th>' for title in ("Step", "By hand", "Your code", ""))
    plain, rows = "", ""
    for step in example.steps:
        by_hand, found, verdict = step.by_hand, step.found, "the same" if step.agrees else "differs"
        plain += f"* {step.text}\n  by hand: {by_hand}; your code: {found} ({verdict})\n"
        code = "".join(f"<td {cell}><code>{escape(each)}</code></td>" for each in (by_hand, found))
        rows += f"<tr><td {cell}>{escape(step.text)}</td>{code}<td {cell}>{verdict}</td></tr>"
    return _Line(plain.rstrip(), f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")


# ---- Writing


def escape(sentence: str) -> str:
    """Escape a text for HTML."""
    import html  # only to display a report: its table of entities is slow to import

    return html.escape(sentence)


def section(heading: str, opening: str, items: str, below: str = "") -> str:
    """Return an HTML section with a heading, the HTML `opening`, a numbered list of `items`, and the HTML `below`."""
    return (
        f'<section aria-label="{escape(heading)}" style="max-width: 46em"><p><b>{escape(heading)}</b></p>{opening}'
        f'<ol style="margin: 0; padding-left: 2em">{items}</ol>{below}</section>'
    )


def item(state: str, word: str, text: str, details: str) -> str:
    """Return the HTML of one statement: the mark and colour of its `state`, a `word` for it, its text and details."""
    return (
        f'<li style="border-left: 4px solid {COLOURS[state]}; padding: 2px 0 2px 10px; margin: 4px 0">'
        f'<span aria-hidden="true">{MARKS[state]}</span> <b>{escape(word)}:</b> {escape(text)}{details}</li>'
    )


def indent(html: str) -> str:
    """Return an indented line of details below a statement."""
    return f'<div style="margin-left: 1.6em">{html}</div>'


def _fold(title: str, html: str) -> str:
    # <details> works by mouse and keyboard, and without a kernel in a notebook that was closed and opened again.
    summary = f'<summary style="cursor: pointer">{escape(title)}</summary>'
    return f'<details style="margin: 4px 0 4px 2em">{summary}<div style="margin-left: 1.2em">{html}</div></details>'


def _wrap(lines: str) -> list[str]:
    margin = " " * (len(lines) - len(lines.lstrip()))
    wrapper = textwrap.TextWrapper(WIDTH, subsequent_indent=f"{margin}  ", break_long_words=False)
    return [part for line in lines.strip().split("\n") for part in wrapper.wrap(f"{margin}{line}") or [""]]
