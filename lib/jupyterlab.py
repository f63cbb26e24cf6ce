"""JupyterLab's settings for `zerolayer lab`: sliders answer at once, no requests to the network, no author's tools.

A slider move is a message of a few hundred bytes, and so is the first half of the answer. TCP delays such small
packets until the ones before are acknowledged (Nagle's algorithm, RFC 896), and the receiver waits up to 40 ms
before it acknowledges. `PromptConnection` turns this off for the kernel's websocket. The settings are JSON files in
`lab_settings/`, a folder in Jupyter's configuration path; a person's own settings take precedence. Where nbgrader is
installed, those in its folder `student/` leave out what makes and grades assignments, in the menu and the server. Its
list, which fetches and submits them, and its validation stay. The students' wheel also installs all of them where any
server in its environment reads them, as a JupyterHub's.
"""

import os
from asyncio import Future
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

SETTINGS = Path(__file__).with_name("lab_settings")
STUDENTS = SETTINGS / "student"


class PromptConnection(ZMQChannelsWebsocketConnection):
    """The kernel's websocket, where every message is sent as soon as it is written."""

    def connect(self) -> Future[None] | None:  # type: ignore[override]  # as its parent does
        """Connect browser and kernel. Called by jupyter_server once, when the browser opens the websocket."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()


def lab_environment(environment: Mapping[str, str] = os.environ, student: bool = True) -> dict[str, str]:
    """Return `environment` with zerolayer's settings in `JUPYTER_CONFIG_PATH`, for a process that is `jupyter lab`."""
    settings = [str(STUDENTS), str(SETTINGS)] if student else [str(SETTINGS)]
    paths = [*settings, *filter(None, [environment.get("JUPYTER_CONFIG_PATH")])]
    return {**environment, "JUPYTER_CONFIG_PATH": os.pathsep.join(paths)}


def open_at(notebook: Path, root: Path | None = None) -> list[str]:
    """Return JupyterLab's options to open a notebook. The link that it prints, with `--no-browser` too, leads there.

    The file browser shows what is below `root`, which is the notebook's folder if none is given.
    """
    root = root or notebook.parent
    path = quote(notebook.relative_to(root).as_posix())
    return [f"--ServerApp.root_dir={root}", f"--LabApp.default_url=/lab/tree/{path}"]
