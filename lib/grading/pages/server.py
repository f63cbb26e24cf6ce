"""An extension of Jupyter's server: where formgrader runs, it runs with its guard, whatever a course's settings are.

`server.json` is installed where Jupyter looks for extensions, and this one is loaded first: they come in the order of
their names.
"""

from typing import Any

FORMGRADER = "nbgrader.server_extensions.formgrader"


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(app: Any) -> None:
    """Called by the server before it loads formgrader, which students' settings leave out."""
    formgrader = app.extension_manager.extensions.get(FORMGRADER)
    if formgrader and formgrader.enabled:
        formgrader.enabled = False  # should this fail, the server would only log it, and go on without the guard
        from lib.grading.pages.formgrader import guard_formgrader

        guard_formgrader()
        formgrader.enabled = True
