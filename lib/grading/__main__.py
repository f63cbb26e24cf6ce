"""The command `zerolayer`, also as `python -m lib.grading`: kernels for a class warm up while the rest is imported."""

import atexit
import gc
import itertools
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from lib.grading.commands import COMMANDS, load
from lib.grading.errors import ConfigError

ELSEWHERE = ("--no-sandbox", "--scheduler", "--help", "-h")
"""Options with which `zerolayer grade` needs no locked kernels on this machine."""

GC_THRESHOLD = 5_000
"""New objects after which Python looks for cycles. Grading makes few, so Python's own 700 takes time for little."""


def main() -> None:
    """Run the command that was given; its exit code is the program's. Ctrl-C and a closed pipe end it quietly.

    A file that can't be read or written, or a unit that can't be imported, ends it with a sentence, where the command
    itself has no better one.
    """
    _open_what_is_closed()
    try:
        _run()
    except KeyboardInterrupt:
        _end(128 + signal.SIGINT)
    except BrokenPipeError:
        _end(1)
    except (OSError, ConfigError) as error:
        if "--debug" in sys.argv:
            raise
        from lib.grading.machine_faults import sentence

        _end(sentence(error))


def _open_what_is_closed() -> None:
    """Have what a shell closed (`>&-`) lead nowhere: else the next file or socket has its number, and is written to."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(nowhere, True)
            setattr(sys, name, os.fdopen(nowhere, mode, closefd=False))  # as standard streams are: workers close theirs


def _run() -> None:
    words = sys.argv[1:] or [""]
    if words[0].startswith("-"):  # options may stand anywhere
        words.sort(key=lambda word: word not in COMMANDS)
    command, *options = words
    if command in COMMANDS and sys.stderr.isatty() and not {"--quiet", "--help", "-h"} & {*options}:
        print(f"zerolayer {command} begins …", file=sys.stderr, flush=True)  # its imports may take seconds
    if sys.platform == "linux" and command == "grade" and not any(option.startswith(ELSEWHERE) for option in options):
        from lib.grading.kernel.client import ForkServer
        from lib.units import enter

        enter(_course(options))  # kernels that warm up import its units
        ForkServer.shared().start()
    gc.disable()
    import lib.grading.startup  # noqa: F401  # before all that would import what it leaves out

    # isort: split
    app = load(command)
    gc.freeze()  # what was imported stays for good: Python's collector passes over it
    gc.set_threshold(GC_THRESHOLD)
    gc.enable()
    try:
        app.launch_instance(options if command in COMMANDS else None)
    except SystemExit as end:
        _end(end.code)
    _end(0)


def _course(options: Sequence[str]) -> str:
    """Give the course's folder as the command line names it, or the working directory."""
    for option, value in itertools.pairwise([*(word for each in options for word in each.split("=", 1)), ""]):
        if option in ("--course-dir", "--CourseDirectory.root"):
            return value
    return os.curdir


def _end(code: str | int | None) -> None:
    """End as `sys.exit` does, but without freeing each object first, which takes as long as grading a submission."""
    if isinstance(code, str):
        with suppress(OSError):
            print(code, file=sys.stderr)
        code = 1
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # nobody may read it any more
            stream.flush()
    os._exit(code or 0)


if __name__ == "__main__":
    main()
