"""The form of a question, as a widget: the page sends the choice, and the kernel returns the prediction that counts."""

from collections.abc import Callable
from html import escape
from typing import Any

import anywidget
import traitlets
from IPython.display import display

from lib.predictions import records
from lib.unit import Question

# The button keeps the focus, so that Shift+Enter goes on to the next cell.
SCRIPT = """export default {
  render({ model, el }) {
    el.innerHTML = model.get("html");
    const form = el.firstElementChild, button = form.lastElementChild, radios = [...form.querySelectorAll("input")];
    const show = () => {
      const given = model.get("given");
      if (given >= 0) {
        if (form.contains(document.activeElement)) button.focus();
        radios[given].checked = true;
        button.textContent = "Predicted. Now run the next cell.";
      }
      for (const radio of radios) radio.disabled = given >= 0;
      button.disabled = !radios.some(radio => radio.checked);
    };
    form.onchange = show;
    form.onsubmit = () => { model.send(radios.findIndex(radio => radio.checked)); return false; };
    model.on("change:given", show);
    show();
  },
};"""
BOX = "border: 0; margin: 0; padding: 0; max-width: 46em; font-size: var(--jp-content-font-size1); line-height: 1.6"
FORM = f"""<form class="zl-predict"><fieldset style="{BOX}">
<legend><b>Predict:</b> {{}}</legend>{{}}</fieldset>
<button style="margin-top: 0.4em; padding: 0.3em 1em; font: inherit">Predict</button></form>"""
# With this attribute, JupyterLab leaves the arrow keys to a focused radio button. On the fieldset it has no effect.
RADIO = '<input type="radio" name="choice" data-lm-suppress-shortcuts>'
CHOICE = f'<label style="display: flex; gap: 0.3em; align-items: baseline">{RADIO}{{}}</label>'


class Form(anywidget.AnyWidget):
    """A question that is displayed at once. `store` is called with each choice, and returns the choice that counts."""

    _esm = SCRIPT
    html = traitlets.Unicode().tag(sync=True)
    given = traitlets.Int(-1, help="the choice that counts, or -1").tag(sync=True)

    def __init__(self, question: Question, store: Callable[[int], int]) -> None:
        choices = "".join(CHOICE.format(escape(choice)) for choice in question.choices)
        super().__init__(html=FORM.format(escape(question.text), choices))
        self._question, self._store = question, store
        self.on_msg(self._predict)
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        display({"application/vnd.jupyter.widget-view+json": view, "text/plain": ""}, raw=True)
        empty = ("No prediction yet.", "Run this cell, choose an answer and press Predict.")
        self._saved = display(records.bundle(("Predict:", question.text), empty, saved=True), raw=True, display_id=True)

    def _predict(self, _: Any, choice: int, buffers: Any) -> None:
        given = self._store(choice)
        # The record comes before the message, so that a notebook that is saved at once already has it.
        self._saved.update(records.prediction(self._question, given), raw=True)
        self.given = given
