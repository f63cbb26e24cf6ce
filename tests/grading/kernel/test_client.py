"""The caller's end of a kernel's connection: messages are whole however they are cut on their way."""

import os
import socket
import subprocess
from time import monotonic

import pytest

from lib.grading.kernel import client
from lib.grading.kernel.client import KernelClient
from tests.grading.kernel.clients import SECONDS

LINES = b"\n{one}\n\n\n{two}\n" + b"x" * 50 + b"\n{three}\n" + b"y" * 200 + b"\n{last}\n{never ended"


@pytest.mark.parametrize("size", [1, 2, 7, 60, 1000])
def test_messages_are_whole_and_one_that_is_too_long_is_passed_over(monkeypatch, size):
    monkeypatch.setattr(client, "MAX_MESSAGE", 100)
    monkeypatch.setattr(client, "CHUNK", size)
    ours, theirs = socket.socketpair()
    theirs.sendall(LINES)
    theirs.close()
    with subprocess.Popen(["true"]) as kernel:
        handle = os.pidfd_open(kernel.pid)
    with KernelClient(ours, handle, b"word") as reader:
        found = list(reader.messages(monotonic() + SECONDS))
    whole = [b"{one}", b"{two}", b"x" * 50, b"{three}", b"y" * 200, b"{last}"]
    assert found == [b"" if size < 1000 and len(each) > 100 else each for each in whole]
