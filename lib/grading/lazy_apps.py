"""nbgrader's own commands, which `grade` and `build` extend, imported without what neither of them calls.

Import this first: `nbgrader.apps` imports all commands, preprocessors and exporters.
"""

from lib.grading.lazy_imports import LATER, stand_ins

with stand_ins(*LATER, "yaml", "bs4", "nbconvert.filters.markdown_mistune"):
    import nbgrader.apps  # noqa: F401
