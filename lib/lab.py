"""JupyterLab's settings for `zerolayer lab`: sliders that answer at once, and no requests to the network.

A slider move is a message of a few hundred bytes, and so is the first half of the answer. TCP delays such small
packets until the ones before are acknowledged (Nagle's algorithm, RFC 896), and the receiver waits up to 40 ms
before it acknowledges. `PromptConnection` turns this off for the kernel's websocket. The settings are two JSON
files in `lab_settings/`, a folder in Jupyter's configuration path; a person's own settings take precedence.
"""

import os
from asyncio import Future
from collections.abc import Mapping
from pathlib import Path

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

SETTINGS = Path(__file__).with_name("lab_settings")


class PromptConnection(ZMQChannelsWebsocketConnection):
    """The kernel's websocket, where every message is sent as soon as it is written."""

    def connect(self) -> Future[None] | None:  # type: ignore[override]  # as its parent does
        """Connect browser and kernel. Called by jupyter_server once, when the browser opens the websocket."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()


def lab_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return `environment` with zerolayer's settings in `JUPYTER_CONFIG_PATH`, for a process that is `jupyter lab`."""
    paths = [str(SETTINGS), *filter(None, [environment.get("JUPYTER_CONFIG_PATH")])]
    return {**environment, "JUPYTER_CONFIG_PATH": os.pathsep.join(paths)}
