"""Feedback files for an LMS: pages for Moodle, and for Canvas the students' own notebooks with the findings.

Canvas attaches an uploaded file to a comment if it has the name and type of the submitted one, and finds the student by
the name. (`infer_comment_context_from_filename` in assignment.rb) Moodle finds the student by the second part of a
name. (`assignfeedback_file_zip_importer`)
"""

import re
from html import escape
from typing import Any

import msgspec

from lib.grading.pages.page_maker import Page, render_summary
from lib.grading.submissions.collection import CollectedSubmission
from lib.grading.submissions.restore import course_id

LINK = re.compile(r"</?a\b[^>]*>")


def notebook_of(page: Page) -> bytes:
    """Return the student's graded notebook, with the summary of its page as the first cell.

    The findings follow each check, and the instructor's comment follows its cell.
    """
    cells = [_text(LINK.sub("", render_summary(page)))]
    for cell in page.notebook.cells:
        cells.append({**cell})
        if comment := page.gradebook.comments.get(course_id(cell)):
            cells.append(_text(f"<p><b>Comment:</b> {escape(comment)}</p>"))
    numbered = [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells)]
    return msgspec.json.encode({**page.notebook, "cells": numbered})


def _text(html: str) -> dict[str, Any]:
    # On a single line, all of it is HTML: Markdown of a student's, such as a picture, is not interpreted.
    return {"cell_type": "markdown", "metadata": {}, "source": " ".join(html.split())}


def name_in_canvas(note: CollectedSubmission, notebook: str) -> str:
    """Return the name of the file to upload to Canvas for a student's notebook: the one that it came with.

    It is changed if numbers in the student's name would keep Canvas from finding the student.
    """
    file = note.files.get(f"{notebook}.ipynb") or next(iter(note.files.values()))
    pieces = [piece for piece in file.split("_") if piece != "LATE"]
    numbers = pieces[1:3] if pieces[0] == "anon" else [piece for piece in pieces if piece.isdecimal()][:2]
    own = re.search(rf"{note.number}_(\d+)_.*", file, re.DOTALL)
    return file if own is None or numbers == [note.number, own[1]] else f"student_{own[0]}"
