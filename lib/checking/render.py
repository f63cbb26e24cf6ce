"""Reports: the findings of a check, written as plain text and as HTML for light and dark themes.

Each statement has a number, and its state as a word and a mark; the colour repeats it.
"""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Literal

from lib.checking.help import NO_HELP, Help
from lib.checking.student_code import Failure
from lib.checking.values import Wrong
from lib.unit import Part, Statement

State = Literal["right", "wrong", "not checked", "advice"]
MARKS = {"right": "✓", "wrong": "✗", "not checked": "–", "advice": "!"}
COLOURS = {
    "right": "var(--jp-success-color1, #2e7d32)",
    "wrong": "var(--jp-error-color1, #d32f2f)",
    "not checked": "var(--jp-border-color1, #8a8a8a)",
    "advice": "var(--jp-warn-color1, #e65100)",
}
TRY = {
    "NameError": "Check the spelling of the name, and run the cell that defines it first.",
    "AttributeError": "Check the name after the dot. A layer stores its arrays as self.input and self.output.",
    "error": "Call your code in a new cell on small arrays: Python then shows the whole error.",
    "time": "Look for a loop that never ends. If the kernel stays busy, choose Kernel, then Interrupt Kernel.",
}
"""One thing to try for each kind of failure or exception that has no hint of its own."""


@dataclass(frozen=True)
class Finding:
    """The result of one statement, and the reason if it is not right."""

    statement: Statement
    state: State
    why: Wrong | Failure | str = ""


@dataclass(frozen=True)
class Report:
    """What a local check shows: one finding for each statement, in order.

    `note` says why no statement could be checked, if that is so. `help` is for a student to open, step by step.
    """

    part: Part
    findings: tuple[Finding, ...]
    note: str = ""
    help: Help = NO_HELP

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


def text(report: Report, width: int = 84) -> str:
    """Write a report as plain text."""
    lines = [heading(report)]
    if report.note:
        lines += _wrap(f"  {report.note}", width)
    for number, finding in enumerate(report.findings, 1):
        lines += _wrap(f"  {number} {MARKS[finding.state]} {finding.state}: {finding.statement.text}", width)
        for label, sentence in details(finding):
            lines += _wrap(f"      {label}{sentence}", width)
    if report.help.mistake:
        lines += _wrap(f"  Mistake: {report.help.mistake.name}. Try: {report.help.mistake.hint}", width)
    return "\n".join(lines)


def html(report: Report) -> str:
    """Write a report as an HTML section with a list of statements."""
    note = f"<p>{escape(report.note)}</p>" if report.note else ""
    return section(heading(report), note, "".join(_item(finding) for finding in report.findings))


def heading(report: Report) -> str:
    """Say which part this is and how many of its points hold."""
    part = report.part
    if not part.points:
        return part.title
    return f"{part.title}: {report.points:g} of {part.points:g} points ({part.id})"


def details(finding: Finding) -> Iterator[tuple[str, str]]:
    """Yield the reason why a statement is not right, as labels and sentences."""
    why = finding.why
    if isinstance(why, Wrong):
        yield "", why.what
        if why.where:
            yield "Where: ", why.where
        if why.found:
            yield "Found ", why.found + (f", expected {why.expected}" if why.expected else "")
        if why.hint or finding.statement.hint:
            yield "Try: ", why.hint or finding.statement.hint
    elif isinstance(why, Failure):
        yield "", why.text
        if why.line:
            yield "Your ", why.line
        kinds = [kind for kind in TRY if kind == why.kind or f"It raised {kind}" in why.text]
        if kinds:
            yield "Try: ", TRY[kinds[0]]
    elif why:
        yield "", why


def section(heading: str, opening: str, items: str) -> str:
    """Write a heading, the HTML `opening`, and a numbered list of `items`."""
    return (
        f'<section aria-label="{escape(heading)}" style="max-width: 46em"><p><b>{escape(heading)}</b></p>{opening}'
        f'<ol style="margin: 0; padding-left: 2em">{items}</ol></section>'
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
    worth = f" ({finding.statement.points:g})" if finding.statement.points else ""
    said = "".join(indent(escape(label) + _format(label, sentence)) for label, sentence in details(finding))
    return item(finding.state, finding.state, finding.statement.text + worth, said)


def _format(label: str, sentence: str) -> str:
    return f"<code>{escape(sentence)}</code>" if label == "Your " else escape(sentence)


def _wrap(line: str, width: int) -> list[str]:
    margin = len(line) - len(line.lstrip())
    return textwrap.wrap(line, width, subsequent_indent=" " * (margin + 2), break_long_words=False) or [""]
