"""Units: one folder for each notebook, named as its assignment; `closed` in it holds the answers and never ships."""
