"""Formgrader's pages: names are shown as text, and no script runs but those of nbgrader's own templates.

nbgrader makes its pages with a Jinja environment that escapes nothing, and some of its scripts put names into a page as
HTML: a student's name could act as the instructor, on whose server formgrader runs. Here templates escape what they
show, and by each page's policy the browser runs only scripts that have this server's nonce. Files that were handed in
beside a notebook are shown without scripts, and apart from this server's pages.
"""

import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, Environment, pass_context
from jinja2.ext import Extension
from jinja2.runtime import Context
from nbconvert.exporters import HTMLExporter
from nbconvert.filters import strip_ansi
from nbconvert.preprocessors import Preprocessor
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.coursedir import CourseDirectory
from traitlets import Bool, List, default

from lib.grading.names import escape_bidi
from lib.grading.pages.mark_schemes import read_guides
from lib.grading.submissions import safe_html
from lib.grading.submissions.restore import course_id
from lib.grading.submissions.safe_html import PICTURES, Room

NONCE = secrets.token_urlsafe(16)
"""What a script must have to be run. Each server draws its own, so no name or notebook can contain it."""
HANDLER = re.compile(r'\son\w+="([^"{]*)"', re.IGNORECASE)
"""A script in an attribute of a template, such as `onclick="toggle_name(true);"`."""

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
"""In the place of nbconvert's macro, which fetches MathJax from elsewhere: formulas are MathML. formgrade.js waits for
MathJax to be through before it goes to its first field; then the one comes that the page's address names."""

SCHEME = """<div class="panel panel-info"><div class="panel-heading">Mark scheme, as it stands in the solution</div>
<div class="panel-body">{}</div></div>"""
"""A frame such as no text of a student's can have."""
CLIPPED = "<style>.text_cell_render, .output_subarea { overflow: auto hidden; }</style>"
"""Nothing that a student wrote is drawn over what stands beside it: a verdict, or points."""

BACKBONE = re.compile(r'<script src="[^"]*/backbone-min\.js"></script>')
OWN_IDS = """
<script>
(reset => {
    Backbone.Collection.prototype._reset = function () { reset.call(this); this._byId = Object.create(null); };
})(Backbone.Collection.prototype._reset);
</script>"""
"""Behind Backbone, which looks ids up in an object that has names already: with a student whose id is `constructor`
the lists stayed empty."""

LAST_LINK = re.compile(r'<li role="presentation"[^>]*><a href="{{ base_url }}/formgrader/manage_students">')
MARKING = '<li role="presentation"><a href="{{ base_url }}/formgrader/marking">Mark by Question</a></li>\n'
"""Comes before the last link of each page's side."""


class OwnScripts(Extension):
    """Gives the scripts in templates the nonce, and pages the policy. What a page is filled with later has no nonce."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Called by Jinja with each template's text, before any value is in it."""
        mended = BACKBONE.sub(lambda tag: tag[0] + OWN_IDS, source)
        mended = LAST_LINK.sub(lambda link: MARKING + link[0], mended)
        allowed = mended.replace("<script", f'<script nonce="{NONCE}"')
        added = f'<meta http-equiv="Content-Security-Policy" content="{policy()}">\n{CLIPPED}'
        return allowed.replace("<head>", f"<head>\n{added}")


def policy() -> str:
    """Write the policy: nbgrader's scripts, its handlers by their hashes, and nothing from elsewhere."""
    from nbgrader.server_extensions.formgrader import handlers

    texts = (file.read_text(encoding="utf-8") for file in sorted(Path(handlers.template_path).rglob("*.*")))
    own = {handler for text in texts for handler in HANDLER.findall(text)}
    hashes = " ".join(f"'sha256-{b64encode(sha256(handler.encode()).digest()).decode()}'" for handler in sorted(own))
    return (
        f"default-src 'self'; script-src 'nonce-{NONCE}' 'unsafe-hashes' {hashes}; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-src 'none'"
    )


class SubmissionPage(HTMLExporter):
    """The page on which a submission is marked, with names escaped; nbconvert escapes none of its resources."""

    extra_loaders = List([DictLoader({"mathjax.html.j2": NO_MATHJAX})])

    @default("filters")
    def _filters_default(self) -> dict[str, Callable[..., str]]:
        # What a student wrote is rendered without running any of it, and within one budget for a notebook.
        return {"markdown2html": markdown, "highlight_code": code, "ansi2html": terminal}

    @default("preprocessors")
    def _preprocessors_default(self) -> list[type[Preprocessor]]:
        return [BoundPage]

    def _create_environment(self) -> Environment:
        environment = super()._create_environment()
        environment.add_extension(OwnScripts)
        return environment

    def from_notebook_node(
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Called by formgrader, with the names of student, assignment and notebook in `resources`."""
        resources = resources or {}
        schemes = self._mark_schemes(resources) if "assignment_id" in resources else {}
        places = {id: secrets.token_hex() for id in schemes}  # nobody can write into a notebook what is drawn only now
        nb = NotebookNode({**nb, "cells": [*_with_places(nb.cells, places)]})
        escaped = {key: escape(value) if isinstance(value, str) else value for key, value in resources.items()}
        page, resources = super().from_notebook_node(nb, escaped, **options)
        for id, place in places.items():
            page = page.replace(f"<p>{place}</p>", SCHEME.format(schemes[id]))
        return page, resources

    def _mark_schemes(self, names: Mapping[str, Any]) -> dict[str, str]:
        """Read how each cell is to be marked, by id."""
        guides = read_guides(CourseDirectory(parent=self), names["assignment_id"], names["notebook_id"])
        return {id: scheme for id, (scheme, _) in guides.items() if scheme}


def _with_places(cells: Iterable[NotebookNode], places: Mapping[str, str]) -> Iterator[NotebookNode]:
    """Give the cells, and behind each one that has a mark scheme a cell with its place."""
    for cell in cells:
        yield cell
        if place := places.get(course_id(cell)):
            yield new_markdown_cell(place)


def guard_formgrader() -> None:
    """Have formgrader make its pages with these.

    `lib.grading.pages.server_extension` calls this before formgrader makes its environment. nbgrader has no setting for
    either class, so they replace those that its module has imported by name; `test_formgrader_safety.py` notices when
    nbgrader doesn't use those names any more.
    """
    from nbgrader.server_extensions.formgrader import formgrader, handlers

    from lib.grading.pages.marking import ROUTE

    # What lies beside a notebook, to which its text may link: a student's own web page would act as the instructor.
    handlers.SubmissionFilesHandler.content_security_policy = "sandbox"
    formgrader.Environment = partial(Environment, autoescape=True, extensions=[OwnScripts])
    formgrader.HTMLExporter = SubmissionPage
    if ROUTE not in handlers.default_handlers:  # formgrader reads the configuration again with some requests
        handlers.default_handlers.append(ROUTE)


class BoundPage(Preprocessor):
    """Keep what formgrader's page shows of a notebook's outputs within its room."""

    enabled = Bool(True).tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Called by nbconvert before it makes a page."""
        room = resources.setdefault("room", Room())
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs = [_within(output, room) for output in cell.outputs]
        return nb, resources


def _within(output: NotebookNode, room: Room) -> NotebookNode:
    """Give an output as it is, or the sentence that stands for it."""
    data = output.get("data", {})
    texts = [value for kind, value in data.items() if kind not in PICTURES]
    texts += [output.get("text", ""), *output.get("traceback", ())]
    pictures = [data[kind] for kind in PICTURES if kind in data]
    pictures += [found[1] for found in safe_html.PICTURE.finditer(data.get("text/html", ""))]
    said = "" if all(map(room.has_picture, pictures)) else safe_html.NO_PICTURE
    if not said and room.take(text=sum(len(text) for text in texts if isinstance(text, str))):
        return output
    shown = NotebookNode({"text/plain": said or safe_html.NO_TEXT})
    return NotebookNode(output_type="display_data", metadata=NotebookNode(), data=shown)


@pass_context
def markdown(context: Context, source: str) -> str:
    """Render Markdown for formgrader; nbconvert's `markdown2html`."""
    resources = context.get("resources", {})
    attachments = context.get("cell", {}).get("attachments", {})
    html = safe_html.markdown(
        source, resources.get("room") or Room(), attachments, resources.get("metadata", {}).get("path")
    )
    return html.replace("[", "&#91;")  # nbconvert goes on to look for links, and takes for ever where none is closed


def code(source: str, metadata: NotebookNode | None = None) -> str:
    """Colour code for formgrader; nbconvert's `highlight_code`."""
    return safe_html.code(source)


@pass_context
def terminal(context: Context, text: str) -> str:
    """Write a terminal's text without its colours for formgrader; nbconvert's `ansi2html`."""
    return escape(escape_bidi(strip_ansi(text)))
