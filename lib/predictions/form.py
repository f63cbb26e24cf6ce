"""The form of a question: its choices as radio buttons, and a button that gives the prediction.

Two outputs stand in the cell. The first is the form. The second is what a page without the kernel shows: that nothing
was predicted, or the prediction. A live form hides it by a rule of style, and the rule hides what Jupyter puts in the
place of a form whose kernel is gone.
"""

from collections.abc import Callable
from html import escape
from typing import Any
from uuid import uuid4

import ipywidgets as widgets
from IPython.display import Javascript, display

from lib.predictions import render
from lib.unit import Question

FULL_WIDTH = {"width": "auto"}

# ipywidgets' radio buttons are no group: arrow keys don't move between them, but go to JupyterLab, which leaves the
# cell, and a screen reader hears no question. So a script makes a group of them, by the names of ipywidgets' classes
# and an attribute of JupyterLab's; a browser test fails if one of these changes. `element` is where the script's
# output is shown.
# While the kernel is busy ipywidgets holds choices back, and a press of the button overtakes them: an earlier choice
# was given. So a press waits until the button's title, which the kernel sets, is the choice that the page shows.
GROUP = """(function start(left) {
  const form = element.closest('.zl-predict'), radios = form?.querySelectorAll('input[type=radio]');
  if (!radios?.length) { if (left) setTimeout(start, 100, left - 1); return; }
  const group = radios[0].closest('.widget-radio-box');
  for (const radio of radios) { radio.name = 'NAME'; radio.setAttribute('data-lm-suppress-shortcuts', ''); }
  group.role = 'radiogroup';
  group.ariaLabel = form.querySelector('.zl-question').textContent;
  const button = form.querySelector('button');
  const isKnown = () => button.title === form.querySelector('input:checked')?.closest('label').textContent.trim();
  form.addEventListener('click', press => {
    if (!button.contains(press.target) || isKnown()) return;
    press.stopPropagation();
    new MutationObserver((_, title) => { if (isKnown()) { title.disconnect(); button.click(); } })
      .observe(button, {attributeFilter: ['title']});
  }, true);
})(100)"""


class Form:
    """A question that is shown now. `give` is called once, with the choice, and returns the one that counts."""

    def __init__(self, question: Question, give: Callable[[int], int]) -> None:
        self._question, self._give = question, give
        options = [(text, number) for number, text in enumerate(question.choices)]
        self.choices = widgets.RadioButtons(options=options, index=None, layout=FULL_WIDTH)
        self.button = widgets.Button(description="Predict", disabled=True, layout=FULL_WIDTH)
        self.choices.observe(self._choose, "index")
        self.button.on_click(self._predict)
        words = f'<div class="zl-question" style="line-height: 1.4"><b>Predict:</b> {escape(question.text)}</div>'
        script = widgets.Output()
        script.append_display_data(Javascript(GROUP.replace("NAME", f"zl-{uuid4().hex}")))
        shown = [widgets.HTML(words, layout=FULL_WIDTH), self.choices, self.button, script]
        self.box = widgets.VBox(shown, layout={"max_width": "46em"}).add_class("zl-predict")
        self._live = display({**self.box._repr_mimebundle_(), "text/plain": ""}, raw=True, display_id=True)
        self._saved = display(render.unanswered(question), raw=True, display_id=True)

    def close(self) -> None:
        """Leave what was saved in the place of the form."""
        self._live.update({"text/plain": ""}, raw=True)
        self.box.close()

    def _choose(self, change: Any) -> None:
        self.button.disabled, self.button.tooltip = self.choices.index is None, self.choices.label

    def _predict(self, button: Any) -> None:
        if self.choices.index is None or self.choices.disabled:
            return
        # The button stays and keeps the focus: from here Shift+Enter leads on to the next cell.
        self.choices.disabled = True
        self.choices.index = self._give(self.choices.index)
        # First what is saved, then what is said: who saves the notebook at once saves the prediction, too.
        self._saved.update(render.prediction(self._question, self.choices.index), raw=True)
        self.button.description = "Predicted. Now run the next cell."
