"""`python -m lib softmax_classifier.ipynb`: JupyterLab on a notebook, with sliders that answer at once.

Installed on its own, the open zone has this as its command, `zerolayer-student`. All arguments are JupyterLab's.
"""

import os

from lib.lab import lab_environment


def main() -> None:
    """Be JupyterLab until it is stopped, with the settings that `zerolayer lab` gives it."""
    os.environ.update(lab_environment())
    from jupyterlab.labapp import main as jupyter_lab  # type: ignore[import-untyped]  # JupyterLab ships no types

    jupyter_lab()


if __name__ == "__main__":
    main()
