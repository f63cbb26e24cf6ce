"""Safe pages of formgrader: names are shown as text, and only the scripts of nbgrader's own templates run.

nbgrader's Jinja environment escapes nothing, and some of its scripts insert names as HTML. A script in a student's name
would have the instructor's rights on the server. Here templates escape values, and each page's content security policy
allows only scripts with this server's nonce. Other submitted files are shown in a sandbox without scripts.

nbgrader makes feedback pages by an exporter, too: `FeedbackPage`.
"""

import re
import secrets
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, Environment, pass_context
from jinja2.ext import Extension
from jinja2.runtime import Context
from nbconvert.exporters import Exporter, HTMLExporter
from nbconvert.filters import strip_ansi
from nbconvert.preprocessors import Preprocessor
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.coursedir import CourseDirectory
from traitlets import Bool, List, default

from lib.grading.gradebook.database import open_gradebook
from lib.grading.gradebook.marks import read_marks
from lib.grading.pages.feedback_maker import read_page, render
from lib.grading.pages.marking import ROUTE, read_guides
from lib.grading.safe_names import escape_bidi
from lib.grading.submissions import safe_html
from lib.grading.submissions.restore import course_id
from lib.grading.submissions.safe_html import PICTURES, Room

NONCE = secrets.token_urlsafe(16)
"""The nonce of scripts that may run. It is random for each server, so no name or notebook can contain it."""
HANDLER = re.compile(r'\son\w+="([^"{]*)"', re.IGNORECASE)
"""An inline event handler in a template, such as `onclick="toggle_name(true);"`."""

NO_MATHJAX = """{% macro mathjax(url) %}
<script>
(place => {
    window.MathJax = {Hub: {Startup: {signal: {Interest: ended => {
        ended("End");
        document.getElementById(place)?.focus();
    }}}}};
})(decodeURIComponent(location.hash.slice(1)));
</script>
{% endmacro %}"""
"""Replaces nbconvert's macro, which downloads MathJax; our formulas are MathML. formgrade.js waits for MathJax to end
before it moves to its first field. After that, this script moves to the field in the page's address."""

SCHEME = """<div class="panel panel-info"><div class="panel-heading">Mark scheme from the solution</div>
<div class="panel-body">{}</div></div>"""
"""A frame that a student's text can't imitate, because it can't have these classes."""
CLIPPED = "<style>.text_cell_render, .output_subarea { overflow: auto hidden; }</style>"
"""Keeps a student's text and outputs from covering points or a verdict."""

LAST_LINK = re.compile(r'<li role="presentation"[^>]*><a href="{{ base_url }}/formgrader/manage_students">')
MARKING = '<li role="presentation"><a href="{{ base_url }}/formgrader/marking">Mark by Question</a></li>\n'
"""A link for each page's sidebar, before the last one."""


class OwnScripts(Extension):
    """Adds the nonce to scripts in templates, and the policy to pages. Scripts in inserted values have no nonce."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Override Jinja's hook, which gets each template's text before values are inserted."""
        changed = LAST_LINK.sub(lambda link: MARKING + link[0], source)
        allowed = changed.replace("<script", f'<script nonce="{NONCE}"')
        added = f'<meta http-equiv="Content-Security-Policy" content="{policy()}">\n{CLIPPED}'
        return allowed.replace("<head>", f"<head>\n{added}")


def policy() -> str:
    """Return the content security policy: nbgrader's scripts, its event handlers by hash, and no other hosts."""
    from nbgrader.server_extensions.formgrader import handlers

    texts = (file.read_text(encoding="utf-8") for file in sorted(Path(handlers.template_path).rglob("*.*")))
    own = {handler for text in texts for handler in HANDLER.findall(text)}
    hashes = " ".join(f"'sha256-{b64encode(sha256(handler.encode()).digest()).decode()}'" for handler in sorted(own))
    return (
        f"default-src 'self'; script-src 'nonce-{NONCE}' 'unsafe-hashes' {hashes}; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-src 'none'"
    )


class SubmissionPage(HTMLExporter):
    """The page for marking a submission, with escaped names; nbconvert escapes none of its resources."""

    extra_loaders = List([DictLoader({"mathjax.html.j2": NO_MATHJAX})])

    @default("filters")
    def _filters_default(self) -> dict[str, Callable[..., str]]:
        # They render a student's text without scripts, within one budget for each notebook.
        return {"markdown2html": markdown, "highlight_code": code, "ansi2html": terminal}

    @default("preprocessors")
    def _preprocessors_default(self) -> list[type[Preprocessor]]:
        return [BoundPage]

    def _create_environment(self) -> Environment:
        # Overridden because nbconvert has no setting for extensions.
        environment = super()._create_environment()
        environment.add_extension(OwnScripts)
        return environment

    def from_notebook_node(
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Override nbconvert's export. Formgrader puts the names of student, assignment and notebook in `resources`."""
        resources, guides = resources or {}, dict[str, tuple[str, str]]()
        if "assignment_id" in resources:
            guides = read_guides(CourseDirectory(parent=self), resources["assignment_id"], resources["notebook_id"])
        # Random, so that no submitted notebook can contain them.
        places = {id: secrets.token_hex() for id, (scheme, _) in guides.items() if scheme}
        cells = list[NotebookNode]()
        for cell in nb.cells:
            cells += [cell, *(new_markdown_cell(places[id]) for id in [course_id(cell)] if id in places)]
        nb = NotebookNode({**nb, "cells": cells})
        escaped = {key: escape(value) if isinstance(value, str) else value for key, value in resources.items()}
        page, resources = super().from_notebook_node(nb, escaped, **options)
        for id, place in places.items():
            page = page.replace(f"<p>{place}</p>", SCHEME.format(guides[id][0]))
        return page, resources


class FeedbackPage(Exporter):
    """The exporter of feedback pages for `nbgrader generate_feedback` and formgrader's button."""

    file_extension = ".html"

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Override nbconvert's export of a file; nbgrader calls it for each graded notebook."""
        resources = {**(resources or {}), "output_extension": self.file_extension}
        names = resources["nbgrader"]
        assignment, student = names["assignment"], names["student"]
        with open_gradebook(names["db_url"]) as gradebook:
            marks = read_marks(gradebook, assignment, student)[student][names["notebook"]]
        file = Path(filename)
        return render(read_page(file, assignment, student, marks, self.log), file.parent), resources


def guard_formgrader() -> None:
    """Make formgrader use these classes for its pages.

    Call this before formgrader creates its environment. nbgrader has no setting for either class, so the names in its
    module are replaced; `test_formgrader_safety.py` fails if nbgrader no longer uses them.
    """
    from nbgrader.server_extensions.formgrader import formgrader, handlers

    # A notebook may link to a submitted web page, whose scripts would have the instructor's rights.
    handlers.SubmissionFilesHandler.content_security_policy = "sandbox"
    formgrader.Environment = partial(Environment, autoescape=True, extensions=[OwnScripts])
    formgrader.HTMLExporter = SubmissionPage
    if ROUTE not in handlers.default_handlers:  # formgrader reloads its configuration on some requests
        handlers.default_handlers.append(ROUTE)


class BoundPage(Preprocessor):
    """Limits a notebook's outputs on formgrader's page."""

    enabled = Bool(True).tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Override nbconvert's hook, which runs before the page is rendered."""
        room = resources.setdefault("room", Room())
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs = [_within(output, room) for output in cell.outputs]
        return nb, resources


def _within(output: NotebookNode, room: Room) -> NotebookNode:
    """Return an output unchanged if there is room for it, or else a message."""
    data = output.get("data", {})
    texts = [value for kind, value in data.items() if kind not in PICTURES]
    texts += [output.get("text", ""), *output.get("traceback", ())]
    pictures = [data[kind] for kind in PICTURES if kind in data]
    pictures += [found[1] for found in safe_html.PICTURE.finditer(data.get("text/html", ""))]
    message = "" if all(map(room.take_picture, pictures)) else safe_html.NO_PICTURE
    if not message and room.take(text=sum(len(text) for text in texts if isinstance(text, str))):
        return output
    shown = NotebookNode({"text/plain": message or safe_html.NO_TEXT})
    return NotebookNode(output_type="display_data", metadata=NotebookNode(), data=shown)


@pass_context
def markdown(context: Context, source: str) -> str:
    """Render Markdown; replaces nbconvert's filter `markdown2html`."""
    resources = context.get("resources", {})
    attachments = context.get("cell", {}).get("attachments", {})
    html = safe_html.markdown(
        source, resources.get("room") or Room(), attachments, resources.get("metadata", {}).get("path")
    )
    return html.replace("[", "&#91;")  # nbconvert then looks for links, which takes quadratic time if none is closed


def code(source: str, metadata: NotebookNode | None = None) -> str:
    """Highlight code; replaces nbconvert's filter `highlight_code`."""
    return safe_html.code(source)


@pass_context
def terminal(context: Context, text: str) -> str:
    """Return a terminal's text without colours; replaces nbconvert's filter `ansi2html`."""
    return escape(escape_bidi(strip_ansi(text)))
