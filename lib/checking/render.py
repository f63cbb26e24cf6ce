"""Reports: the findings of a check, written as plain text and as HTML for light and dark themes.

Each statement has a number, and its state as a word and a mark; the colour repeats it. Help stands below, each step
under a title, for the student to open.
"""

from __future__ import annotations  # or the help's types would have to be loaded

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lib.checking.findings import Finding
from lib.checking.student_code import Failure
from lib.checking.values import Wrong
from lib.unit import Part

if TYPE_CHECKING:
    from lib.checking.fingerprints import Fingerprint
    from lib.checking.help import Help, WorkedExample  # loaded only after a check has failed

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
CODE = "Your "
"""The label of a line of the student's own code."""
MARK = "→"
"""Before a line of code to look at first."""
TITLES = ("Help 1: a hint", "Help 2: where to look in your code", "Help 3: an example by hand, beside your numbers")
"""What is to be opened after a failed check, in order."""
FITS = "What was seen fits this mistake: "
PRAISE = "You have corrected this mistake: "
PRINTED = "Your code printed:"
WHY = "Why was it wrong? Say it in one sentence, as if to a friend."
SAME = "The same as in statement {}."
"""What is shown of a reason that an earlier statement has as well."""


@dataclass(frozen=True)
class Report:
    """What a local check shows: one finding for each statement, in order.

    `note` says why no statement could be checked, if that is so. `help` is for a student to open, step by step.
    `remark` says what grading finds in place of the code in this call, or of what that uses, if anything else.
    `corrected` is the mistake that an earlier run of the check has named, if this one is right. `printed` is what the
    code has printed.
    """

    part: Part
    findings: tuple[Finding, ...]
    note: str = ""
    help: Help | None = None
    corrected: Fingerprint | None = None
    remark: str = ""
    printed: str = ""

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


def text(report: Report) -> str:
    """Write a report as plain text; what is to be opened stands below it, each step under a title."""
    lines = [heading(report)]
    for note in _notes(report):
        lines += _wrap(f"  {note}")
    for number, finding in enumerate(report.findings, 1):
        state = _state(finding)
        lines += _wrap(f"  {number} {MARKS[state]} {state}: {finding.text}")
        for label, sentence in _shown(report, number):
            lines += _wrap(f"      {label}{sentence}")
    if report.printed:
        lines += ["", f"  {PRINTED}", *(f"    {line}" for line in report.printed.splitlines())]
    for title, below in _to_open(report):
        lines += ["", f"  ---- {title} ----"]
        for line in below:
            lines += [f"  {line.plain}"] if line.is_code else _wrap(f"  {line.plain}")
    return "\n".join(lines)


def html(report: Report) -> str:
    """Write a report as an HTML section with a list of statements, and what is to be opened below it."""
    items = "".join(_item(report, number) for number in range(1, len(report.findings) + 1))
    printed = f"<p>{PRINTED}</p><pre>{escape(report.printed)}</pre>" if report.printed else ""
    below = printed + "".join(_fold(title, "".join(line.html for line in lines)) for title, lines in _to_open(report))
    return section(heading(report), "".join(f"<p>{escape(note)}</p>" for note in _notes(report)), items, below)


def heading(report: Report) -> str:
    """Return which part this is and how many of its points hold."""
    part = report.part
    return f"{part.title}: {report.points:g} of {part.points:g} points ({part.id})"


def _notes(report: Report) -> Iterator[str]:
    yield from filter(None, (report.note, report.remark))
    if report.corrected:
        yield f"{PRAISE}{report.corrected.name}. {WHY}"


# ---- Statements


def _state(finding: Finding) -> str:
    return "advice" if finding.state == "wrong" and not finding.statement.points else finding.state


def details(finding: Finding) -> Iterator[tuple[str, str]]:
    """Yield the reason why a statement is not right, as labels and sentences."""
    why, hint = finding.why, ""
    if isinstance(why, Wrong):
        yield "", why.what
        if why.where:
            yield "Where: ", why.where
        if why.found:
            yield "Found ", why.found + (f", expected {why.expected}" if why.expected else "")
        hint = why.hint or (finding.statement.hint if finding.is_first else "")
    elif isinstance(why, Failure):
        from lib.checking.error_hints import explain, hint_for  # only after an exception

        if meaning := explain(why).says:
            yield "", meaning
        yield "", why.text
        if why.line:
            yield CODE, why.line
        hint = hint_for(why)
    if hint:
        yield TRY, hint


def _shown(report: Report, number: int) -> Iterator[tuple[str, str]]:
    whys = [each.why for each in report.findings]
    finding, first = report.findings[number - 1], whys.index(whys[number - 1]) + 1
    if isinstance(finding.why, Failure) and first < number:
        yield "", SAME.format(first)
        return
    for label, sentence in details(finding):
        if label != TRY or _state(finding) != "wrong":
            yield label, sentence


def _item(report: Report, number: int) -> str:
    finding = report.findings[number - 1]
    worth, state = f" ({finding.statement.points:g})" if finding.statement.points else "", _state(finding)
    shown = ((label, escape(sentence)) for label, sentence in _shown(report, number))
    said = "".join(indent(label + (f"<code>{text}</code>" if label == CODE else text)) for label, text in shown)
    return item(state, state, finding.text + worth, said)


# ---- What is to be opened


class _Line(NamedTuple):
    """A line below a title: plain text, and HTML. A line of code is not wrapped."""

    plain: str
    html: str
    is_code: bool = False


def _say(sentence: str) -> _Line:
    return _Line(sentence, f"<p>{escape(sentence)}</p>")


def _to_open(report: Report) -> Iterator[tuple[str, list[_Line]]]:
    if (help := report.help) is None:
        return
    if hints := [*_hints(report, help)]:
        yield TITLES[0], hints
    if help.place:
        codes = [f"{MARK if is_marked else ' '} line {number}: {code}" for number, code, is_marked in help.place.lines]
        marked = [f'<div><code style="white-space: pre-wrap">{escape(code)}</code></div>' for code in codes]
        lines = [_Line(code, html, is_code=True) for code, html in zip(codes, marked, strict=True)]
        first = f", first at what is marked {MARK}" if any(is_marked for *_, is_marked in help.place.lines) else ""
        yield TITLES[1], [_say(f"Look at {help.place.function}{first}:"), *lines]
    if help.example:
        more = f"To follow the check itself: check.{report.part.name}.example() gives its inputs."
        yield TITLES[2], [_say(help.example.given), _table(help.example), _say(more)]


def _hints(report: Report, help: Help) -> Iterator[_Line]:
    for mistake in help.mistakes:
        yield _Line(f"{FITS}{mistake.name}.", f"<p>{FITS}<b>{escape(mistake.name)}.</b></p>")
        yield _say(TRY + mistake.hint)
    given = set[str]()
    for number, finding in enumerate(report.findings, 1):
        hint = dict(details(finding)).get(TRY)
        if _state(finding) == "wrong" and hint and finding.statement.name not in help.explained and hint not in given:
            given.add(hint)
            yield _say(f"Statement {number}. {TRY}{hint}")


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
    import html  # only where a report is shown: its table of entities takes a while to import

    return html.escape(sentence)


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


def _fold(title: str, html: str) -> str:
    """Write what a student opens: by mouse or keyboard, also in a notebook that was closed and opened again."""
    summary = f'<summary style="cursor: pointer">{escape(title)}</summary>'
    return f'<details style="margin: 4px 0 4px 2em">{summary}<div style="margin-left: 1.2em">{html}</div></details>'


def _wrap(lines: str) -> list[str]:
    margin = " " * (len(lines) - len(lines.lstrip()))
    wrapper = textwrap.TextWrapper(WIDTH, subsequent_indent=f"{margin}  ", break_long_words=False)
    return [part for line in lines.strip().split("\n") for part in wrapper.wrap(f"{margin}{line}") or [""]]
