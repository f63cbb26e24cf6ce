"""The floor: the slider only changes a label."""

import ipywidgets as widgets
from IPython.display import display

slider = widgets.FloatLogSlider(0.1, base=10, min=-4, max=2, step=0.1, description="Learning rate")
label = widgets.HTML(f"{slider.value:.3g}")
slider.observe(lambda change: setattr(label, "value", f"{change.new:.3g}"), "value")
display(widgets.VBox([slider, label]))
