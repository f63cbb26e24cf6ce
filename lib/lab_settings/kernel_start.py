"""Run by IPython as a kernel starts: blanks work, and a NameError names a section, before the first cell is run."""

from IPython import get_ipython

if ip := get_ipython():  # not in a terminal's Python
    from lib.blanks import load_ipython_extension
    from lib.checking.subjects import watch

    load_ipython_extension(ip)  # after %load_ext here, that of the first cell would print that it has run already
    watch()
    del ip, load_ipython_extension, watch  # these are the notebook's names
