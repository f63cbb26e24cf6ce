"""How a report looks: HTML that reads on light and dark themes and to a screen reader, and the same as plain text.

Each statement carries its state as a word and a mark; colour only repeats it.
"""

import textwrap
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lib.desk import Finding, Report

MARKS = {"right": "✓", "wrong": "✗", "not checked": "–", "advice": "!"}
COLOURS = {
    "right": "var(--jp-success-color1, #2e7d32)",
    "wrong": "var(--jp-error-color1, #d32f2f)",
    "not checked": "var(--jp-border-color1, #8a8a8a)",
    "advice": "var(--jp-warn-color1, #e65100)",
}


def text(report: "Report", width: int = 84) -> str:
    """Write a report as plain text."""
    lines = [heading(report)]
    for finding in report.findings:
        lines += _wrapped(f"  {MARKS[finding.state]} {finding.state}: {finding.statement.says}", width)
        for label, sentence in details(finding):
            lines += _wrapped(f"      {label}{sentence}", width)
    return "\n".join(lines)


def html(report: "Report") -> str:
    """Write a report as an HTML section with a list of statements."""
    items = "".join(_item(finding) for finding in report.findings)
    return (
        f'<section aria-label="{escape(heading(report))}" style="max-width: 46em">'
        f"<p><b>{escape(heading(report))}</b></p>"
        f'<ul style="list-style: none; margin: 0; padding: 0">{items}</ul></section>'
    )


def heading(report: "Report") -> str:
    """Say which part this is and how many of its points hold."""
    part = report.part
    if not part.points:
        return part.title
    return f"{part.title}: {report.points:g} of {part.points:g} points ({part.id})"


def details(finding: "Finding") -> Iterator[tuple[str, str]]:
    """Give what a finding says beyond its statement, as labels and sentences."""
    if finding.what:
        yield "", finding.what
    if finding.line:
        yield "Your ", finding.line
    if finding.where:
        yield "Where: ", finding.where
    if finding.found:
        yield "Found ", finding.found + (f", expected {finding.expected}" if finding.expected else "")
    if finding.try_:
        yield "Try: ", finding.try_


def _item(finding: "Finding") -> str:
    said = "".join(
        f'<div style="margin-left: 1.6em">{escape(label)}{_worded(label, sentence)}</div>'
        for label, sentence in details(finding)
    )
    worth = f" ({finding.statement.points:g})" if finding.statement.points else ""
    return (
        f'<li style="border-left: 4px solid {COLOURS[finding.state]}; padding: 2px 0 2px 10px; margin: 4px 0">'
        f'<span aria-hidden="true">{MARKS[finding.state]}</span> <b>{finding.state}:</b> '
        f"{escape(finding.statement.says)}{worth}{said}</li>"
    )


def _worded(label: str, sentence: str) -> str:
    return f"<code>{escape(sentence)}</code>" if label == "Your " else escape(sentence)


def _wrapped(line: str, width: int) -> list[str]:
    indent = len(line) - len(line.lstrip())
    return textwrap.wrap(line, width, subsequent_indent=" " * (indent + 2), break_long_words=False) or [""]
