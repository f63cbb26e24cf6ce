"""Kernels for tests: code goes in, and what it says comes out."""

import json
import os
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from time import monotonic
from types import MappingProxyType

import psutil

from lib.grading.kernel import REPLY
from lib.grading.kernel.client import ForkServer, spawn

SECONDS = 300


class Kernel:
    """A running kernel and the line to it."""

    def __init__(self, client):
        self.client = client

    def run(self, code):
        """Return what the code prints, its last value and its error, as one text."""
        said, token = [], token_hex(8)
        self.client.run(code, token, SECONDS)
        for message in self.messages():
            kind, content = message["msg_type"], message["content"]
            match kind:
                case "stream":
                    said.append(content["text"])
                case "execute_result" | "display_data":
                    said.append("a picture" if "image/png" in content["data"] else content["data"]["text/plain"])
                case "error":
                    said.append(f"{content['ename']}: {content['evalue']}")
                case _ if kind == REPLY and content["token"] == token:
                    break
        return "".join(said).strip()

    def messages(self):
        """Return all that it says, until it ends."""
        return map(json.loads, self.client.messages(monotonic() + SECONDS))

    @property
    def number(self):
        """Its process's number, as this process sees it."""
        told = Path(f"/proc/self/fdinfo/{self.client.handle}").read_text()
        return next(int(line.split()[1]) for line in told.splitlines() if line.startswith("Pid:"))


@contextmanager
def kernel(files=MappingProxyType({}), **limits):
    """Have a kernel forked; when all is done it is gone."""
    with spawn({name: text.encode() for name, text in files.items()}, limits) as client:
        yield Kernel(client)


def warm_processes(folder=None):
    folder, module = str(folder or ForkServer.shared().folder), "lib.grading.kernel.forkserver"
    found = psutil.process_iter(["cwd", "cmdline"])
    return [each.pid for each in found if each.info["cwd"] == folder and module in (each.info["cmdline"] or ())]


def held(number, words):
    """Look from outside for bytes in the memory that a process can write."""
    found = set()
    with Path(f"/proc/{number}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{number}/maps").read_text().splitlines():
            place, rights, _, _, file = line.split()[:5]
            if rights.startswith("rw") and file == "0":
                low, high = (int(edge, 16) for edge in place.split("-"))
                memory.seek(low)
                content = memory.read(high - low)
                found |= {word for word in words if word in content}
    return found


def sockets_of(number):
    targets = {os.readlink(link) for link in Path(f"/proc/{number}/fd").iterdir()}  # noqa: PTH115
    return {target for target in targets if target.startswith("socket:")}
