"""`python -m lib softmax_classifier.ipynb`: JupyterLab with a notebook, and sliders that respond without delay.

The students' wheel installs this as the command `zerolayer-student`. All arguments are passed to JupyterLab.
"""

import os
import sys
from pathlib import Path

from lib.jupyterlab import lab_environment, open_at


def main() -> None:
    """Run JupyterLab until it is stopped, with the same settings as `zerolayer lab`."""
    os.environ.update(lab_environment())
    from jupyterlab.labapp import main as jupyter_lab  # type: ignore[import-untyped]  # JupyterLab ships no types

    arguments = ((each, Path(each).absolute()) for each in sys.argv[1:])
    jupyter_lab([option for each, path in arguments for option in (open_at(path) if path.is_file() else [each])])


if __name__ == "__main__":
    main()
