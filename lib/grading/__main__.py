"""The `zerolayer` command, also `python -m lib.grading`. Kernels warm up while the rest is imported."""

import atexit
import gc
import itertools
import os
import pkgutil
import signal
import sys
import sysconfig
from collections.abc import Sequence
from contextlib import suppress

from lib.grading.commands import COMMANDS, ZEROLAYER
from lib.grading.errors import ConfigError

ELSEWHERE = ("--no-sandbox", "--scheduler", "--help", "-h")
"""Options with which `zerolayer grade` needs no sandboxed kernels on this machine."""

GC_THRESHOLD = 5_000
"""New objects after which Python looks for cycles. Grading creates few cycles, so Python's default of 700 is slower."""


def main() -> None:
    """Run the command line and exit with its code. Ctrl-C and a closed pipe end it without a message.

    An unhandled OSError or ConfigError, such as a unit that can't be imported, ends it with one sentence.
    """
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


def _run() -> None:
    # Before NumPy is imported: matrices here are small, and the threads of a product would only wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # nbgrader starts `alembic` by its name, also where the environment isn't activated.
    os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
    words = sys.argv[1:] or [""]
    if words[0].startswith("-"):  # options may come before the command
        words.sort(key=lambda word: word not in COMMANDS)
    command, *options = words
    if command in COMMANDS and sys.stderr.isatty() and not {"--quiet", "--help", "-h"} & {*options}:
        print(f"zerolayer {command} begins …", file=sys.stderr, flush=True)  # its imports may take seconds
    if sys.platform == "linux" and command == "grade" and not any(option.startswith(ELSEWHERE) for option in options):
        from lib.grading.kernel.client import ForkServer
        from lib.units import enter

        enter(_course_folder(options))  # the warm process imports the course's units
        ForkServer.shared().start()
    gc.disable()
    import lib.grading.lazy_imports  # noqa: F401  # before other imports, which would load the modules that it postpones

    # isort: split
    app = pkgutil.resolve_name(COMMANDS.get(command, ZEROLAYER))
    gc.freeze()  # imported objects live until the end, so the collector needn't visit them
    gc.set_threshold(GC_THRESHOLD)
    gc.enable()
    try:
        app.launch_instance(options if command in COMMANDS else None)
    except SystemExit as end:
        _end(end.code)
    _end(0)


def _course_folder(options: Sequence[str]) -> str:
    for option, value in itertools.pairwise([*(word for each in options for word in each.split("=", 1)), ""]):
        if option in ("--course-dir", "--CourseDirectory.root"):
            return value
    return os.curdir


def _end(code: str | int | None) -> None:
    # Like sys.exit, but without freeing each object first, which takes as long as grading a submission.
    if isinstance(code, str):
        with suppress(OSError):
            print(code, file=sys.stderr)
        code = 1
    atexit._run_exitfuncs()  # os._exit skips them
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # the reader of a pipe may be gone
            stream.flush()
    os._exit(code or 0)


if __name__ == "__main__":
    main()
