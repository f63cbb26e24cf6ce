"""A kernel as people start it, by Jupyter's own manager, and what it says to code."""

from contextlib import contextmanager
from pathlib import Path

from jupyter_client.manager import KernelManager
from traitlets.config import Config

LOCKED, OPEN = {"sandbox": True}, {"sandbox": False}


class KernelClient:
    """A running kernel, and a client that talks to it."""

    def __init__(self, manager):
        self.manager = manager
        self.client = manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    @property
    def provisioner(self):
        return self.manager.provisioner

    def run(self, code, meanwhile=lambda text: None):
        """Give what the code prints and what its last line is; an error is a line `ENAME: evalue`.

        `meanwhile` is called with all that is printed, while the code may still run.
        """
        said = []

        def recv(message):
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                said.append(content["text"])
                meanwhile(content["text"])
            elif kind == "execute_result":
                said.append(content["data"]["text/plain"])
            elif kind == "error":
                said.append(f"{content['ename']}: {content['evalue']}")

        self.client.execute_interactive(code, timeout=60, output_hook=recv)
        return "".join(said).strip()


@contextmanager
def kernel(options=LOCKED, name="zerolayer", **start):
    """Start a kernel whose provisioner has these options; when all is done it is gone."""
    manager = KernelManager(kernel_name=name, config=Config({"WarmProvisioner": options}))
    manager.start_kernel(**start)
    client = KernelClient(manager)
    try:
        yield client
    finally:
        client.client.stop_channels()
        manager.shutdown_kernel(now=True)


def number_of(client):
    """Give the process number of a kernel, as this process sees it."""
    told = Path(f"/proc/self/fdinfo/{client.provisioner.process.handle}").read_text()
    return next(int(line.split()[1]) for line in told.splitlines() if line.startswith("Pid:"))


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
    """Give the sockets that a process has open."""
    targets = {str(link.readlink()) for link in Path(f"/proc/{number}/fd").iterdir()}
    return {target for target in targets if target.startswith("socket:")}


def at_work_in(folder, locked=True):
    """Give the numbers of the warm processes behind a folder, for kernels that are locked in or those that aren't."""
    kind, found = b"locked" if locked else b"open", []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            command = (place / "cmdline").read_bytes().split(b"\0")
            if (
                (place / "cwd").readlink() == Path(folder)
                and b"lib.grading.kernel.forkserver" in command
                and kind in command
            ):
                found.append(int(place.name))
        except OSError:
            continue
    return found
