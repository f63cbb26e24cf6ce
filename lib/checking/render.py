"""Reports: the findings of a check, written as plain text and as HTML for light and dark themes.

Each statement has a number, and its state as a word and a mark; the colour repeats it.
"""

from __future__ import annotations  # or the help's types would have to be loaded

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lib.checking.findings import Finding
from lib.checking.student_code import Failure
from lib.checking.values import Wrong
from lib.unit import Part

if TYPE_CHECKING:
    from lib.checking.fingerprints import Fingerprint
    from lib.checking.help import Help, Place, WorkedExample  # loaded only after a check has failed

MARKS = {"right": "✓", "wrong": "✗", "open": "–", "not checked": "–", "advice": "!"}
COLOURS = {
    "right": "var(--jp-success-color1, #2e7d32)",
    "wrong": "var(--jp-error-color1, #d32f2f)",
    **dict.fromkeys(("open", "not checked"), "var(--jp-border-color1, #8a8a8a)"),
    "advice": "var(--jp-warn-color1, #e65100)",
}

WIDTH = 83
"""The longest line of plain text: `nbgrader validate` cuts the end off longer ones."""
TRY = "Try: "
"""The label of a hint, which comes last. A failed statement's hint is for the student to open."""
TITLES = ("Help 1: a hint", "Help 2: where to look in your code", "Help 3: an example by hand, beside your numbers")
"""What is to be opened after a failed check, in order."""


@dataclass(frozen=True)
class Report:
    """What a local check shows: one finding for each statement, in order.

    `note` says why no statement could be checked, if that is so. `help` is for a student to open, step by step.
    `remark` says what grading checks in place of the code in this call, if that is other code. `corrected` is the
    mistake that an earlier run of the check has named, if this one is right.
    """

    part: Part
    findings: tuple[Finding, ...]
    note: str = ""
    help: Help | None = None
    corrected: Fingerprint | None = None
    remark: str = ""

    @property
    def right(self) -> bool:
        """Whether every statement that earns points holds."""
        return all(finding.state == "right" for finding in self.findings if finding.statement.points)

    @property
    def points(self) -> float:
        """The points of the statements that hold."""
        return sum(finding.statement.points for finding in self.findings if finding.state == "right")

    def __str__(self) -> str:
        return text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Called by IPython to show it."""
        return html(self)


def text(report: Report, width: int = WIDTH) -> str:
    """Write a report as plain text; the help stands below it, each step under a title."""
    lines = [heading(report)]
    for note in filter(None, (report.note, report.remark)):
        lines += _wrap(f"  {note}", width)
    for number, finding in enumerate(report.findings, 1):
        state = _state(finding)
        lines += _wrap(f"  {number} {MARKS[state]} {state}: {finding.statement.text}", width)
        for label, sentence in _shown(finding):
            lines += _wrap(f"      {label}{sentence}", width)
    if corrected := report.corrected:
        lines += _wrap(f"  {PRAISE}{corrected.name}. {WHY} A reason: {corrected.hint}", width)
    for title, help in _help(report):
        lines += ["", f"  ---- {title} ----"]
        for line in help:
            lines += [f"  {line.code}"] if line.code else _wrap(f"  {line.plain}", width)
    return "\n".join(lines)


def escape(sentence: str) -> str:
    """Escape a text for HTML."""
    import html  # only where a report is shown: its table of entities takes a while to import

    return html.escape(sentence)


def html(report: Report) -> str:
    """Write a report as an HTML section with a list of statements, and the help to be opened below it."""
    note = "".join(f"<p>{escape(each)}</p>" for each in (report.note, report.remark) if each)
    items = "".join(_item(finding) for finding in report.findings)
    below = ""
    if corrected := report.corrected:
        below = f"<p>{PRAISE}{escape(corrected.name)}.</p>"
        below += _fold(WHY, f"<p>A reason: {escape(corrected.hint)}</p>")
    for title, help in _help(report):
        below += _fold(title, "".join(line.html for line in help))
    return section(heading(report), note, items, below)


class _Line(NamedTuple):
    """A line of help: plain text, and HTML; or a line of the student's code."""

    plain: str
    html: str
    code: str = ""


FITS = "What was seen fits this mistake: "
PRAISE = "You have corrected this mistake: "
WHY = "Why was it wrong? Say it in one sentence, as if to a friend."


def _help(report: Report) -> Iterator[tuple[str, list[_Line]]]:
    """Give each step of the help under its title."""
    help = report.help
    if help is None:
        return
    if hints := [*_hints(report, help.mistakes)]:
        yield TITLES[0], hints
    if help.place:
        yield TITLES[1], [*_place(help.place)]
    if help.example:
        yield TITLES[2], [*_example(help.example, report.part)]


def _hints(report: Report, mistakes: Sequence[Fingerprint]) -> Iterator[_Line]:
    for mistake in mistakes:
        yield _Line(f"{FITS}{mistake.name}.", f"<p>{FITS}<b>{escape(mistake.name)}.</b></p>")
        yield _Line(TRY + mistake.hint, f"<p>{TRY}{escape(mistake.hint)}</p>")
    for number, finding in enumerate(report.findings, 1):
        hint = dict(details(finding)).get(TRY)
        if finding.state == "wrong" and finding.statement.points and hint and not mistakes:
            line = f"Statement {number}. {TRY}{hint}"
            yield _Line(line, f"<p>{escape(line)}</p>")


def _place(place: Place) -> Iterator[_Line]:
    yield _Line(f"Look at {place.function}:", f"<p>Look at {escape(place.function)}:</p>")
    for number, code in place.lines:
        line = f"line {number}: {code}"
        yield _Line(line, f'<div><code style="white-space: pre-wrap">{escape(line)}</code></div>', line)


def _example(example: WorkedExample, part: Part) -> Iterator[_Line]:
    yield _Line(example.given, f"<p>{escape(example.given)}</p>")
    for step in example.steps:
        verdict = "the same" if step.agrees else "differs"
        yield _Line(f"* {step.text}", "")
        yield _Line(f"  by hand: {step.by_hand}; your code: {step.found} ({verdict})", "")
    more = f"To follow the check itself: check.{part.name}.example() gives its inputs."
    yield _Line(more, f"{_table(example)}<p>{escape(more)}</p>")


def _table(example: WorkedExample) -> str:
    """Write the steps of a worked example as a table."""
    cell = 'style="text-align: left; vertical-align: top; padding: 2px 10px 2px 0; white-space: normal"'
    head = "".join(f'<th scope="col" {cell}>{title}</th>' for title in ("Step", "By hand", "Your code", ""))
    rows = "".join(
        f"<tr><td {cell}>{escape(step.text)}</td><td {cell}><code>{escape(step.by_hand)}</code></td>"
        f"<td {cell}><code>{escape(step.found)}</code></td>"
        f"<td {cell}>{'the same' if step.agrees else '<b>differs</b>'}</td></tr>"
        for step in example.steps
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _fold(title: str, html: str) -> str:
    """Write what a student opens: by mouse or keyboard, also in a notebook that was closed and opened again."""
    summary = f'<summary style="cursor: pointer">{escape(title)}</summary>'
    return f'<details style="margin: 4px 0 4px 2em">{summary}<div style="margin-left: 1.2em">{html}</div></details>'


def heading(report: Report) -> str:
    """Say which part this is and how many of its points hold."""
    part = report.part
    return f"{part.title}: {report.points:g} of {part.points:g} points ({part.id})"


def _state(finding: Finding) -> str:
    """Say what became of a statement; one without points that fails is advice."""
    return "advice" if finding.state == "wrong" and not finding.statement.points else finding.state


def details(finding: Finding) -> Iterator[tuple[str, str]]:
    """Yield the reason why a statement is not right, as labels and sentences."""
    why = finding.why
    if isinstance(why, Wrong):
        yield "", why.what
        if why.where:
            yield "Where: ", why.where
        if why.found:
            yield "Found ", why.found + (f", expected {why.expected}" if why.expected else "")
        hint = why.hint
    elif isinstance(why, Failure):
        yield "", why.text
        if why.line:
            yield "Your ", why.line
        from lib.checking.error_hints import hint_for  # only after an exception

        hint = hint_for(why)
    else:
        if why:
            yield "", why
        return
    if hint := hint or (finding.statement.hint if isinstance(why, Wrong) else ""):
        yield TRY, hint


def section(heading: str, opening: str, items: str, below: str = "") -> str:
    """Write a heading, the HTML `opening`, a numbered list of `items`, and HTML `below` it."""
    return (
        f'<section aria-label="{escape(heading)}" style="max-width: 46em"><p><b>{escape(heading)}</b></p>{opening}'
        f'<ol style="margin: 0; padding-left: 2em">{items}</ol>{below}</section>'
    )


def item(state: str, word: str, text: str, details: str) -> str:
    """Write one statement: the mark and colour of its `state`, the state in a `word`, and HTML with the details."""
    return (
        f'<li style="border-left: 4px solid {COLOURS[state]}; padding: 2px 0 2px 10px; margin: 4px 0">'
        f'<span aria-hidden="true">{MARKS[state]}</span> <b>{escape(word)}:</b> {escape(text)}{details}</li>'
    )


def indent(html: str) -> str:
    """Write a line of details under a statement."""
    return f'<div style="margin-left: 1.6em">{html}</div>'


def _item(finding: Finding) -> str:
    worth, state = f" ({finding.statement.points:g})" if finding.statement.points else "", _state(finding)
    shown = ((label, escape(sentence)) for label, sentence in _shown(finding))
    said = "".join(indent(label + (f"<code>{text}</code>" if label == "Your " else text)) for label, text in shown)
    return item(state, state, finding.statement.text + worth, said)


def _shown(finding: Finding) -> Iterator[tuple[str, str]]:
    """Give the details that stand with a statement: all but a failed one's hint, which is for the student to open."""
    is_failed = _state(finding) == "wrong"
    return ((label, sentence) for label, sentence in details(finding) if label != TRY or not is_failed)


def _wrap(line: str, width: int) -> list[str]:
    margin = len(line) - len(line.lstrip())
    return textwrap.wrap(line, width, subsequent_indent=" " * (margin + 2), break_long_words=False) or [""]
