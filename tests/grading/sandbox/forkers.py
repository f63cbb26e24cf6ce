"""Forkers: processes that fork a child for each piece of code, locked in or not, as root or as an ordinary user."""

import json
import os
import subprocess
import sys
import sysconfig
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

HERE = Path(__file__).parent
COURSE = HERE.parents[2]
ORDINARY = 4242
"""The number of an ordinary user."""

AS_ORDINARY_USER = r"""
mount -t tmpfs none /mnt
number=0
for path in $NEEDED; do mkdir /mnt/$number; mount --rbind "$path" /mnt/$number; number=$((number + 1)); done
for folder in $CLOSED; do mount -t tmpfs none "$folder"; done
number=0
for path in $NEEDED; do mkdir -p "$path"; mount --rbind /mnt/$number "$path"; number=$((number + 1)); done
exec setpriv --reuid=$ORDINARY --regid=$ORDINARY --clear-groups "$@"
"""
"""Become somebody else, in a world where what is needed can be read though it may lie in root's own home."""


class ChildResult(SimpleNamespace):
    """What came of a piece of code: its `output`; its `exit` code, None if it had to be ended; `survivors`, whether
    processes of it are left. Of one that stays, its `pid` in place of these, and its `uid` as this machine sees it."""

    @property
    def worked(self):
        """True if an attack got what it was after."""
        return any(line.startswith("worked") for line in self.output)


class Forker(AbstractContextManager):
    """A warm process that runs one piece of code after another, each in a child of its own."""

    def __init__(self, kind, home, *modules, ordinary=False, secret="none", **differently):
        course, python = differently.get("course", COURSE), differently.get("python", sys.executable)
        self.user = "ordinary user" if ordinary or os.geteuid() != 0 else "root"
        command = [python, str(HERE / "fork_children.py"), kind, *modules]
        environment = dict.fromkeys(("HOME", "MPLCONFIGDIR", "TMPDIR"), str(home))
        environment |= {"PATH": os.environ["PATH"], "OPENBLAS_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        libraries = [str(course), sysconfig.get_path("purelib"), str(packages_of(home))]
        environment["PYTHONPATH"] = os.pathsep.join(libraries)
        if ordinary and os.geteuid() == 0:
            needed = [sys.base_prefix, sys.prefix, str(COURSE), str(home), str(packages_of(home))]
            closed = closed_folders(needed)
            environment |= {"NEEDED": " ".join(needed), "CLOSED": " ".join(closed), "ORDINARY": str(ORDINARY)}
            command = ["unshare", "--mount", "sh", "-euc", AS_ORDINARY_USER, "sh", *command]
        options = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        options |= {"text": True, "cwd": home, "umask": differently.get("umask", -1)}
        self._process = subprocess.Popen(command, env=environment, **options)
        print(json.dumps(secret), file=self._process.stdin, flush=True)
        ready = self._process.stdout.readline()
        self.refusal = "" if ready else self._process.stderr.read()
        self.facts = json.loads(ready) if ready else {}

    def run(self, code, *, files=MappingProxyType({}), seconds=300, stays=False, **limits):
        """Run code in a child; with `stays`, until it tells something, and leave it running."""
        request = {"code": code, "facts": self.facts, "files": {**files}, "limits": limits}
        print(json.dumps({**request, "seconds": seconds, "stays": stays}), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, self._process.stderr.read()
        return ChildResult(**json.loads(answer))

    def __exit__(self, *_):
        self._process.stdin.close()  # it ends those who stay, and itself
        self._process.wait()


def packages_of(home):
    """Name the folder of packages beside a forker's home; files in it belong to whoever runs the code."""
    return home.with_name(f"{home.name}-packages")


def closed_folders(paths):
    """Return the outermost folders on the way to these paths that only their owners can enter."""
    ways = ((*reversed(Path(path).parents), Path(path)) for path in paths)
    closed = (next((str(folder) for folder in way if not folder.stat().st_mode & 0o001), None) for way in ways)
    return sorted({folder for folder in closed if folder})
