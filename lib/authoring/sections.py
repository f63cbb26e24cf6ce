"""The sections of a notebook: for each name the heading above the cell that defines it, in the unit's `sections.json`.

After a restart of the kernel, a NameError then says which section to run (`lib.checking.subjects`).
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from nbformat import NotebookNode

from lib.checking.subjects import SECTIONS
from lib.grading.files import write_whole
from lib.right_code import find_definitions

HEADING = re.compile(r"^## (.+?)(?: \(.*minutes?\).*)?$", re.MULTILINE)


def write_sections(folder: Path, notebooks: Iterable[NotebookNode]) -> None:
    """Write the file of a unit if it has changed. Raises OSError if writing fails."""
    found = sections_of([cell for notebook in notebooks for cell in notebook.cells])
    text = json.dumps(found, indent=0, ensure_ascii=False, sort_keys=True) + "\n"
    file = folder / SECTIONS
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        write_whole(file, text.encode())


def sections_of(cells: Iterable[NotebookNode]) -> Mapping[str, str]:
    """Return the heading for each name. The first cell that defines a name counts."""
    found, heading = dict[str, str](), ""
    for cell in cells:
        if cell.cell_type == "markdown":
            heading = [heading, *HEADING.findall(cell.source)][-1]
        elif heading:
            for definition in find_definitions([("", cell.source)]):
                found |= dict.fromkeys(definition.names - found.keys(), heading)
    return found
