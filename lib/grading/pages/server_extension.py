"""An extension of Jupyter's server: formgrader runs in its course, and with its guard, whatever the settings are, and
no page of this server fetches a picture that a notebook names elsewhere.

`server.json` is installed where Jupyter looks for extensions, and this one is loaded first: they come in the order of
their names.
"""

import os
from pathlib import Path
from typing import Any

FORMGRADER = "nbgrader.server_extensions.formgrader"
OWN_PICTURES = "img-src 'self' data: blob:; media-src 'self' data: blob:"
"""JupyterLab fetches pictures and videos of an untrusted notebook, too: a student could learn who opens it."""


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(app: Any) -> None:
    """Called by the server before it loads formgrader, which students' settings leave out."""
    formgrader = app.extension_manager.extensions.get(FORMGRADER)
    if formgrader and formgrader.enabled:
        formgrader.enabled = False  # should this fail, the server would only log it, and go on without the guard
        from lib.grading.pages.formgrader import guard_formgrader

        guard_formgrader()
        _enter_course(app)
        _keep_pictures_own(app.web_app.settings)
        formgrader.enabled = True


def _enter_course(app: Any) -> None:
    """Go to the course that the server shows, if it was started elsewhere: nbgrader reads settings where it runs.

    A hub starts every server in its account's home.
    """
    if not Path("nbgrader_config.py").exists() and Path(app.root_dir, "nbgrader_config.py").exists():
        os.chdir(app.root_dir)


def _keep_pictures_own(settings: dict[str, Any]) -> None:
    """Add `OWN_PICTURES` to the policy of all pages: to the one that a hub has set, or to Jupyter's own."""
    headers = settings.setdefault("headers", {})
    policy = headers.get("Content-Security-Policy", "frame-ancestors 'self'")
    headers["Content-Security-Policy"] = f"{policy}; {OWN_PICTURES}"
