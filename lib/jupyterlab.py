"""JupyterLab's settings for `zerolayer lab`: sliders without delay, no network requests, no tools for authors.

A move of a slider is a message of a few hundred bytes, and so is the first half of the reply. TCP delays such small
packets until the ones before are acknowledged (Nagle's algorithm, RFC 896), and the receiver waits up to 40 ms before
it acknowledges. `PromptConnection` turns this off for the kernel's websocket.

The settings are JSON files in `lab_settings/`, a folder on Jupyter's configuration path; the user's own settings take
precedence. If nbgrader is installed, the files in `lab_settings/student/` remove its tools for creating and grading
assignments from the menu and the server. Its assignment list and its validation stay. The students' wheel also installs
the settings where any server in its environment reads them, for example one of JupyterHub.
"""

import os
from asyncio import Future
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

SETTINGS = Path(__file__).with_name("lab_settings")
STUDENTS = SETTINGS / "student"
KERNEL_START = SETTINGS / "kernel_start.py"


class PromptConnection(ZMQChannelsWebsocketConnection):
    """The kernel's websocket without Nagle's algorithm: each message is sent as soon as it is written."""

    def connect(self) -> Future[None] | None:  # type: ignore[override]  # as its parent does
        """Connect the browser and the kernel. Called once by jupyter_server, when the browser opens the websocket."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()


def lab_environment(environment: Mapping[str, str] = os.environ, student: bool = True) -> dict[str, str]:
    """Return `environment` with zerolayer's settings, for a process that runs JupyterLab.

    They are in `JUPYTER_CONFIG_PATH` and, for its kernels, in `PYTHONSTARTUP` if the user has no file of that name.
    """
    settings = [str(STUDENTS), str(SETTINGS)] if student else [str(SETTINGS)]
    paths = [*settings, *filter(None, [environment.get("JUPYTER_CONFIG_PATH")])]
    start = {"PYTHONSTARTUP": str(KERNEL_START), **environment}
    return {**start, "JUPYTER_CONFIG_PATH": os.pathsep.join(paths)}


def open_at(notebook: Path, root: Path | None = None) -> list[str]:
    """Return JupyterLab's options for opening a notebook. The link that it prints with `--no-browser` opens it, too.

    The file browser shows the folder `root`, by default the notebook's folder.
    """
    root = root or notebook.parent
    path = quote(notebook.relative_to(root).as_posix())
    return [f"--ServerApp.root_dir={root}", f"--LabApp.default_url=/lab/tree/{path}"]
