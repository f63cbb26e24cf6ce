"""`zerolayer lab`'s settings: a prompt websocket, no news, and what people set themselves comes first."""

import json
import os
import subprocess
import sys
import urllib.request

from lib.lab import SETTINGS, lab_environment


def test_jupyterlab_reads_the_websocket_class():
    command = [sys.executable, "-m", "jupyterlab", "--show-config-json"]
    shown = subprocess.run(command, env=lab_environment(), capture_output=True, text=True, check=True)
    config = json.loads(shown.stdout[shown.stdout.index("{") :])
    assert config["ServerApp"]["kernel_websocket_connection_class"] == "lib.lab.PromptConnection"


def test_a_path_that_is_set_already_is_kept():
    paths = lab_environment({"JUPYTER_CONFIG_PATH": "/own"})["JUPYTER_CONFIG_PATH"]
    assert paths.split(os.pathsep) == [str(SETTINGS), "/own"]


def test_jupyterlab_asks_for_no_news(lab):
    place = f"{lab.url}/lab/api/settings/@jupyterlab/apputils-extension:notification"
    request = urllib.request.Request(place, headers={"Authorization": f"token {lab.token}"})
    properties = json.load(urllib.request.urlopen(request))["schema"]["properties"]
    assert properties["fetchNews"]["default"] == "false"
    assert properties["checkForUpdates"]["default"] is False
