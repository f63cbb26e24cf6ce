"""Run by IPython as a kernel starts: blanks work, and a NameError says to run the first cells, before they run."""

from IPython import get_ipython

if get_ipython():  # not in a terminal's Python
    get_ipython().run_line_magic("load_ext", "lib.blanks")
