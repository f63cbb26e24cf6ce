// What ipywidgets cannot do for the explorer: names for its sliders' handles, a mark on a slider, and pictures that
// answer to pointer and keys. It goes by the class names of ipywidgets (`.noUi-handle`, `.mod-active` and so on) and an
// attribute of JupyterLab's (`data-lm-suppress-shortcuts`); the browser tests fail if one of these changes.

function nameControl(box) {
  const label = box.querySelector('.widget-label')?.textContent;
  const control = box.querySelector('.noUi-handle, select, input');
  const readout = box.querySelector('.widget-readout');
  if (!label || !control) return;
  if (control.ariaLabel !== label) control.ariaLabel = label;
  if (!readout) return;
  if (control.ariaValueText !== readout.textContent) control.ariaValueText = readout.textContent;
  if (readout.isContentEditable) { readout.role = 'textbox'; readout.ariaLabel = label + ', to type'; }
}

// Arrow keys would go to the notebook's next cell, and letters would be its shortcuts.
function keepKeys(root) {
  // On the window, since Notebook 7 reads keys on the document, before any handler of an element inside it.
  window.addEventListener('keydown', event => root.contains(event.target)
    && event.target.toggleAttribute?.('data-lm-suppress-shortcuts',
      !(event.ctrlKey || event.metaKey || event.altKey || event.shiftKey)), true);
}

// A picture says in <data class="zl-mark" data-slider=… value=…> what is marked, and how far from a slider's left end.
function placeMarks(root) {
  root.querySelectorAll('.zl-tick').forEach(old => old.remove());
  for (const mark of root.querySelectorAll('.zl-mark')) {
    const box = [...root.querySelectorAll('.widget-slider')]
      .find(each => each.querySelector('.widget-label')?.textContent === mark.dataset.slider);
    const tick = document.createElement('span');
    tick.className = 'zl-tick';
    tick.textContent = mark.textContent;
    tick.style.left = `${100 * mark.value}%`;
    box?.querySelector('.noUi-base')?.append(tick);
  }
}

// Pictures with `data-keys` get the focus, and send where they are touched, in their own pixels, and which of these keys
// are pressed. Each change of state brings a new picture, so what is held and what had the focus is known by its name.
function listen(root, model) {
  let held = null, focused = '', waiting = null;
  const find = name => root.querySelector(`svg[data-keys][aria-label="${name}"]`);
  const send = (what, more) => model.send({picture: focused, what, ...more});
  const at = event => {
    const box = held.getBoundingClientRect(), view = held.viewBox.baseVal;
    return {x: (event.clientX - box.x) / box.width * view.width, y: (event.clientY - box.y) / box.height * view.height};
  };
  root.addEventListener('focusin', event => { focused = event.target.closest('svg[data-keys]')?.ariaLabel ?? ''; });
  root.addEventListener('pointerdown', event => {
    const picture = event.target.closest('svg[data-keys]');
    if (!picture || event.button) return;
    held = picture.cloneNode(false);
    picture.focus({preventScroll: true});
    const place = picture.getBoundingClientRect();
    held.getBoundingClientRect = () => place;
    send('down', at(event));
  });
  // At most one move a frame: more would be work for nothing.
  window.addEventListener('pointermove', event => {
    if (!held) return;
    waiting ?? requestAnimationFrame(() => { if (held) send('move', waiting); waiting = null; });
    waiting = at(event);
  });
  for (const end of ['pointerup', 'pointercancel'])
    window.addEventListener(end, event => { if (held) send('up', at(event)); held = null; });
  root.addEventListener('keydown', event => {
    const keys = event.target.closest('svg[data-keys]')?.dataset.keys.split(' ');
    const key = event.key === ' ' ? 'Space' : event.key;
    if (!keys?.includes(key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    send('key', {key, far: event.shiftKey});
  });
  return () => {
    if (focused && document.activeElement === document.body) find(focused)?.focus({preventScroll: true});
  };
}

function start(root, model, signal) {
  for (const box of root.querySelectorAll('.widget-slider, .widget-dropdown, .widget-text')) {
    nameControl(box);
    new MutationObserver(() => nameControl(box)).observe(box,
      {childList: true, characterData: true, subtree: true, attributeFilter: ['aria-valuetext']});
  }
  // Whether a button is pressed is only a colour to ipywidgets.
  for (const button of root.querySelectorAll('.widget-toggle-button')) {
    const tell = () => { button.ariaPressed = button.classList.contains('mod-active'); };
    new MutationObserver(tell).observe(button, {attributeFilter: ['class']});
    tell();
  }
  const played = ['Play or pause the training', 'Stop and go to the start', 'Repeat'];
  root.querySelectorAll('.widget-play button').forEach((button, at) => { button.ariaLabel = played[at]; });
  const live = root.querySelector('.zl-live');
  live.role = 'status';
  live.ariaLive = 'polite';
  keepKeys(root);
  const refocus = listen(root, model);
  placeMarks(root);
  new MutationObserver(() => { placeMarks(root); refocus(); })
    .observe(root.querySelector('.zl-picture-box'), {childList: true, subtree: true});
}

export default {
  render({model, el}) {
    // The other widgets of the box may come later than this one.
    (function wait(left) {
      const root = el.closest('.zl-explorer');
      if (root?.querySelector('.noUi-handle') && root.querySelector('.zl-pictures')) start(root, model);
      else if (left) setTimeout(wait, 100, left - 1);
    })(100);
  },
};
