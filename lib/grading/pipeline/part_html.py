"""What a student reads of a part's verdict, as HTML: under its check, in the graded notebook and in feedback."""

from html import escape

from lib.checking import render
from lib.grading.errors import end_sentence
from lib.grading.judge.verdict import PartVerdict, StatementVerdict


def html(part: PartVerdict, scale: float = 1.0) -> str:
    """Return points, statements, the mistakes' names and hints, but no expected value.

    `scale` turns the part's own points into those of the gradebook.
    """
    heading = f"{part.title}: {_worth(part.points, part.max_points, scale)} points"
    return render.section(heading, _opening(part), _items(part, scale))


def _opening(part: PartVerdict) -> str:
    problem = f"<p>{escape(part.problem)}</p>" if part.problem else ""
    named = "".join(f"<p><b>{escape(each.name)}</b><br>{escape(each.hint)}</p>" for each in part.mistakes)
    return problem + named


def _items(part: PartVerdict, scale: float) -> str:
    """Return the statements as list items; what several have in common is written at the first."""
    said: dict[tuple[str, ...], int] = {}
    return "".join(_item(number, statement, said, scale) for number, statement in enumerate(part.statements, 1))


def _item(number: int, statement: StatementVerdict, said: dict[tuple[str, ...], int], scale: float) -> str:
    text = f"{statement.heading or statement.text} ({_worth(statement.points, statement.max_points, scale)})"
    why = escape(end_sentence(statement.why) if statement.code else statement.why)
    why += f" {render.CODE}<code>{escape(statement.code)}</code>" if statement.code else ""
    details = tuple(filter(None, (why, statement.hint and render.TRY + escape(statement.hint))))
    new = [each for each in details if not any(each in above for above in said)]
    first = said.setdefault(details, number)
    if details and first < number:
        new = [render.SAME.format(first)]
    below = "".join(render.indent(each) for each in new or details)
    return render.item("not checked" if statement.state == "open" else statement.state, statement.state, text, below)


def _worth(points: float, max_points: float, scale: float) -> str:
    return f"{round(points * scale, 4):g} of {round(max_points * scale, 4):g}"
