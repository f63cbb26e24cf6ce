"""`python -m lib softmax_classifier.ipynb`: JupyterLab on a notebook, with sliders that answer at once.

Installed on its own, the open zone has this as its command, `zerolayer-student`. All arguments are JupyterLab's.
"""

import os
import sys
from pathlib import Path

from lib.jupyterlab import lab_environment, open_at


def main() -> None:
    """Be JupyterLab until it is stopped, with the settings that `zerolayer lab` gives it."""
    os.environ.update(lab_environment())
    from jupyterlab.labapp import main as jupyter_lab  # type: ignore[import-untyped]  # JupyterLab ships no types

    given = ((each, Path(each).absolute()) for each in sys.argv[1:])
    jupyter_lab([option for each, path in given for option in (open_at(path) if path.is_file() else [each])])


if __name__ == "__main__":
    main()
