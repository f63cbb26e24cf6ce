"""The command `zerolayer`, also as `python -m lib.grading`: kernels for a class warm up while the rest is imported."""

import gc
import sys

ELSEWHERE = ("--no-sandbox", "--scheduler", "--help", "-h")
"""With these, `zerolayer grade` needs no kernels that are locked in on this machine."""


def main() -> None:
    """Run the command that was given; its exit code is the program's."""
    command, *options = sys.argv[1:] or [""]
    if sys.platform == "linux" and command == "grade" and not any(option.startswith(ELSEWHERE) for option in options):
        from lib.grading.room.warm import Warm

        Warm.shared(tensorflow=False).start()
    if command == "grade":
        import lib.grading.lean  # noqa: F401  # before all that would import what it leaves out

        # isort: split
        gc.disable()
        from lib.grading.grade import GradeApp

        gc.freeze()  # nothing of what was imported will ever go, so nobody need look through it for what could
        gc.enable()
        GradeApp.launch_instance(options)
    else:
        from lib.grading.app import ZeroLayerApp

        ZeroLayerApp.launch_instance()


if __name__ == "__main__":
    main()
