"""Run by IPython as a kernel starts: blanks work, and a NameError names a section, before the first cell is run."""

from IPython import get_ipython

if ip := get_ipython():  # not in a terminal's Python
    ip.run_line_magic("load_ext", "lib.blanks")
    ip.run_line_magic("load_ext", "lib.checking.subjects")
