"""A Jupyter server extension that starts formgrader in its course and with safe pages, whatever the settings.

Also, no page of this server loads pictures that a notebook names on other servers.

`server_extension.json` is installed where Jupyter looks for extensions. Jupyter loads them by name, this one before
nbgrader's.
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
    """Called by the server before it loads formgrader, if that is enabled."""
    formgrader = app.extension_manager.extensions.get(FORMGRADER)
    if formgrader and formgrader.enabled:
        formgrader.enabled = False  # if the guard raises, the server only logs it: then formgrader must not start
        from lib.grading.pages.formgrader import guard_formgrader

        guard_formgrader()
        # nbgrader reads settings from the working directory, and a hub starts every server in its account's home.
        if not Path("nbgrader_config.py").exists() and Path(app.root_dir, "nbgrader_config.py").exists():
            os.chdir(app.root_dir)
        headers = app.web_app.settings.setdefault("headers", {})
        policy = headers.get("Content-Security-Policy", "frame-ancestors 'self'")  # set by a hub, or else Jupyter's own
        headers["Content-Security-Policy"] = f"{policy}; {OWN_PICTURES}"
        formgrader.enabled = True
