// Pages that were drawn before they are asked for, by the places of the controls at which they are to be shown.
// Buttons and pictures may change what a page depends on besides these places, so a touch of one lets go of all.

const placesOf = page => page.slice(page.indexOf('value="') + 7, page.indexOf('">'));

async function initialize({model}) {
  const find = name => model.widget_manager.get_model(name.slice('IPY_MODEL_'.length));
  const controls = await Promise.all(model.get('controls').map(find)), pictures = await find(model.get('pictures'));
  const pages = new Map();
  let answer = pictures.get('value');
  const now = () => JSON.stringify(controls.map(each => each.get('index') ?? each.get('value')));
  // Of quick moves there and back Python may hear none, so it says nothing: then its last answer is shown again.
  const show = () => {
    const page = pages.get(now()) ?? answer;
    if (placesOf(page) === now()) pictures.set('value', page);
  };
  // What Python answers may be more than was ready, and it may come too late: the controls have moved on. The ready page
  // follows when ipywidgets is through with the late one: what is set before that is kept, but not shown.
  const take = (_, page) => {
    const places = placesOf(page);
    if (pages.get(places) !== page) answer = page;
    if (pages.has(places)) pages.set(places, page);
    if (places !== now()) queueMicrotask(show);
  };
  const forget = ({target}) => {
    if (!pages.size || !target.closest?.('.zl-explorer button, .zl-explorer svg')) return;
    pages.clear();
    model.send({});
  };
  for (const each of controls) each.on('change:index change:value', show);
  pictures.on('change:value', take);
  for (const event of ['pointerdown', 'keydown']) addEventListener(event, forget, true);
  model.on('msg:custom', ({page}) => page ? pages.set(placesOf(page), page) : pages.clear());
  model.send({});
  return () => { for (const event of ['pointerdown', 'keydown']) removeEventListener(event, forget, true); };
}

export default {initialize};
