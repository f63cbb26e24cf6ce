"""The verdict on a part as HTML for students: in the graded notebook and in feedback."""

from html import escape

from lib.checking import render
from lib.checking.predictions import NO_GUESS
from lib.grading.errors import end_sentence
from lib.grading.judge import words
from lib.grading.judge.verdict import PartVerdict


def html(part: PartVerdict, scale: float = 1.0) -> str:
    """Return points, statements, mistakes and hints, but no expected values. `scale` is for the gradebook's points."""
    heading = part.title + (f": {_worth(part.points, part.max_points, scale)} points" if part.max_points else "")
    opening = f"<p>{escape(part.problem)}</p>" if part.problem else ""
    opening += "".join(f"<p><b>{escape(each.name)}</b><br>{escape(each.hint)}</p>" for each in part.mistakes)
    items, shown = "", dict[tuple[str, ...], int]()  # a repeated reason or hint is only in the first item
    for number, statement in enumerate(part.statements, 1):
        is_guessed = part.max_points or statement.state in ("right", "wrong")
        text = statement.heading if is_guessed else NO_GUESS
        text += f" ({_worth(statement.points, statement.max_points, scale)})" if statement.max_points else ""
        why, line, hint = words.why(statement), words.line(statement), words.hint(statement)
        why = f"{escape(end_sentence(why))} {render.CODE}<code>{escape(line)}</code>" if line else escape(why)
        details = tuple(filter(None, (why, hint and render.TRY + escape(hint))))
        new = [each for each in details if not any(each in above for above in shown)]
        first = shown.setdefault(details, number)
        if details and first < number:
            new = [render.SAME.format(first)]
        below = "".join(render.indent(each) for each in new or details)
        state = "not checked" if statement.state == "open" else statement.state
        is_note = state == "wrong" and not statement.max_points  # as in a prediction, whose text is what came out
        items += render.item(*(("note", "note") if is_note else (state, statement.state)), text, below)
    return render.section(heading, opening, items)


def _worth(points: float, max_points: float, scale: float) -> str:
    return f"{round(points * scale, 4):g} of {round(max_points * scale, 4):g}"
