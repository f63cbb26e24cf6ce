// Pages that were drawn before they are asked for, each with the places of the controls at which it is to be shown.
// Buttons and pictures may change what a page depends on besides these places, so a touch of one lets go of all.

async function initialize({model}) {
  const find = name => model.widget_manager.get_model(name.slice('IPY_MODEL_'.length));
  const controls = await Promise.all(model.get('controls').map(find)), pictures = await find(model.get('pictures'));
  const pages = new Map();
  const now = () => JSON.stringify(controls.map(each => each.get('index') ?? each.get('value')));
  const show = () => { if (pages.has(now())) pictures.set('value', pages.get(now())); };
  const forget = ({target}) => {
    if (!pages.size || !target.closest?.('.zl-explorer button, .zl-explorer svg')) return;
    pages.clear();
    model.send({});
  };
  for (const each of controls) each.on('change:index change:value', show);
  for (const event of ['pointerdown', 'keydown']) addEventListener(event, forget, true);
  model.on('msg:custom', ({places, page}) => places ? pages.set(JSON.stringify(places), page) : pages.clear());
  model.send({});
  return () => { for (const event of ['pointerdown', 'keydown']) removeEventListener(event, forget, true); };
}

export default {initialize};
