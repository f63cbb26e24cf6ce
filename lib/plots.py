"""Plots with alternative text, which describes a picture for students who can't see it.

JupyterLab displays a PNG without alternative text, so the picture is HTML.
"""

from __future__ import annotations

import base64
import html
import io


def show(description: str) -> None:
    """Show the current figure below the cell, and close it. `description` is its alternative text."""
    import matplotlib.pyplot as plt  # only when a cell draws: it takes longer than all imports of the first cell
    from IPython.display import display

    picture = io.BytesIO()
    plt.gcf().savefig(picture, format="png", bbox_inches="tight")
    plt.close()
    data = base64.b64encode(picture.getvalue()).decode()
    image = f'<img src="data:image/png;base64,{data}" alt="{html.escape(description)}">'
    display({"text/html": image, "text/plain": description}, raw=True)
