"""What is shown of a prediction, as plain text and as HTML: a word says what is so, and a mark repeats it."""

from collections.abc import Iterable
from html import escape
from textwrap import fill
from typing import Any

from lib.predictions.records import MIME, record
from lib.unit import Question

Bundle = dict[str, Any]
"""An output: what is shown, by its MIME type."""

# The live form stands in the output before. The class names are JupyterLab's and Notebook's; where they differ, both
# outputs show, and the form works.
STYLE = """<style>
.jp-OutputArea-child:has(.zl-predict) + .jp-OutputArea-child:has(.zl-saved) { display: none; }
.jp-OutputArea-child:not(:has(.zl-predict)):has(+ .jp-OutputArea-child .zl-saved) { display: none; }
</style>"""


def unanswered(question: Question) -> Bundle:
    """Say that nothing was predicted yet."""
    text = "No prediction yet. Run this cell, choose an answer and press Predict."
    return _bundle([("Predict:", question.text), ("", text)], saved=True)


def prediction(question: Question, choice: int) -> Bundle:
    """Show a prediction, and hold its record."""
    lines = [("Question:", question.text), ("You predicted:", question.choices[choice])]
    return {**_bundle(lines, saved=True), MIME: record(question, choice)}


def missing(question: Question) -> Bundle:
    """Say what to do before an experiment is run."""
    return _bundle(
        [("Predict first.", "Choose an answer in the cell above and press Predict. Then run this cell again.")]
    )


def comparison(question: Question, choice: int) -> Bundle:
    """Show a prediction beside what is so, and why."""
    verdict = ("✓", "It is so.") if choice == question.right else ("✗", "It is otherwise.")
    right = (question.found, question.choices[question.right])
    return _bundle([("You predicted:", question.choices[choice]), verdict, right, ("Why:", question.why)])


def show(bundle: Bundle) -> None:
    """Put out a bundle: Jupyter picks what it can show."""
    from IPython.display import display  # only in a notebook; a unit is imported elsewhere too

    display(bundle, raw=True)


def _bundle(lines: Iterable[tuple[str, str]], saved: bool = False) -> Bundle:
    """Write lines, each with what is bold in it first."""
    lines = list(lines)
    bold_first = ((f"<b>{escape(bold)}</b> " if bold else "") + escape(text) for bold, text in lines)
    html = "".join(f'<p style="margin: 0.3em 0">{line}</p>' for line in bold_first)
    name = ' class="zl-saved"' if saved else ""
    style = STYLE if saved else ""
    return {
        "text/html": f'{style}<div{name} style="max-width: 46em">{html}</div>',
        "text/plain": "\n".join(fill(f"{bold} {text}".strip(), 84) for bold, text in lines),
    }
