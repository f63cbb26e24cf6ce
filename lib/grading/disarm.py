"""Disarming what a student wrote: pages that an instructor opens show it, and run none of it.

Outputs lose every form that a browser might run; Markdown keeps its own signs, while HTML inside it is shown as text.
"""

from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors.sanitize import SanitizeHTML
from nbformat.notebooknode import NotebookNode

from lib.answers import MIME


class Disarm(SanitizeHTML):
    """Keep text, tables and pictures of a cell's outputs; drop scripts, handlers, frames, SVG and widgets."""

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.enabled = True
        self.safe_output_keys = self.safe_output_keys | {MIME}  # numbers for the judge, which replaces them

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], cell_index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Called for each cell of a notebook that has been run; Markdown is left to `markdown`, which renders it."""
        if cell.cell_type == "code":
            cell.outputs = self.sanitize_code_outputs(cell.outputs)
        elif cell.cell_type == "raw":
            cell.source = self.sanitize_html_tags(cell.source)
        return cell, resources


@pass_context
def markdown(context: Context, source: str) -> str:
    """Render Markdown with HTML in it escaped, pictures embedded, and no `javascript:` link: nbconvert's own, told so."""
    renderer = IPythonRenderer(
        escape=True,
        attachments=context.get("cell", {}).get("attachments", {}),
        embed_images=True,
        path=context.get("resources", {}).get("metadata", {}).get("path", ""),
    )
    return str(MarkdownWithMath(renderer=renderer).render(source))
