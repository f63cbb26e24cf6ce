// The explorer in the page: its controls, the answers from Python, and pictures of their numbers.
//
// The widget's traits are the current setting. A control changes them, and the page shows the answer: at once if it is
// stored, otherwise when Python has sent it. Python also sends answers ahead of time, for the nearest settings first.

const SETTING = ['learning_rate', 'batch_size', 'seed', 'data', 'what_if', 'size', 'epochs']; // in Python's order
const MOST_ANSWERS = 2000; // Python relies on the last 1,500
const MOST_KEPT = 4;
const QUIET = 400; // ms without a change before screen readers get the caption
const FRAME = 50; // ms between two pictures of the animation
const PLAYED = 60; // pictures in the animation at most
const [WIDTH, HEIGHT] = [420, 300]; // of every picture, so that the layout doesn't move
const SHADED = [280, 200]; // pixels of the regions, fewer than in the picture, because they are the slowest to draw
const [LEFT, RIGHT, TOP, BOTTOM] = [44, 408, 8, 264]; // the axes of the loss
const MARKERS = [[16, 1], [3, 1.3], [4, 1.2], [4, 1.3]]; // corners and relative size: a disc, a triangle, a square, a diamond
const DASHES = ['10 3', '2 4', '10 3 2 3', '5 5']; // of kept runs

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const format = value => String(Number(value.toPrecision(3))).replace('-', '−');
const formatPower = power => (power < -3 ? `1e−${-power}` : format(10 ** power)); // decimals below 0.001 are too wide
const readFloats = view => new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));

function make(name, properties = {}, ...children) {
  const { label, ...others } = properties;
  const element = Object.assign(document.createElement(name), others);
  if (label) element.ariaLabel = label;
  element.append(...children);
  return element;
}

// ---- Pictures: functions that return SVG for an answer; regions and weights also draw on a canvas under it

function escapeText(words) {
  return String(words).replace(/[&<>]/g, sign => `&#${sign.charCodeAt(0)};`);
}

function writeText(x, y, words, look = '') {
  return `<text x="${x}" y="${y}" class="${look}">${escapeText(words)}</text>`;
}

function writePath(d, look, style = '') {
  return `<path d="${d}" class="${look}" style="${style}"/>`;
}

function writeLine(points) {
  return points.map(([x, y], at) => `${at ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
}

function writeMarker(x, y, label, size) {
  const [corners, stretch] = MARKERS[label % MARKERS.length];
  const points = Array.from({ length: corners }, (_, corner) => {
    const angle = 2 * Math.PI * (corner / corners + (label % 4 === 2) / 8);
    return [x + size * stretch * Math.sin(angle), y - size * stretch * Math.cos(angle)];
  });
  return `${writeLine(points)}z`;
}

function drawLoss(answer, kept, span, classes) {
  // The axis is that of the epochs' losses: single batches and a few validation samples may come to any small loss.
  const all = [answer, ...kept];
  const lowest = Math.min(1, ...all.flatMap(each => [...each.training]).filter(loss => loss > 0));
  const highest = Math.max(1, ...all.flatMap(each => [...each.training, ...each.validation]).filter(Number.isFinite));
  const [low, high] = [Math.min(-1, Math.floor(Math.log10(lowest / 2))), Math.max(1, Math.ceil(Math.log10(highest)))];
  const x = epoch => LEFT + epoch / span * (RIGHT - LEFT);
  const y = loss => BOTTOM - (clamp(Math.log10(Math.max(loss, 0)), low, high) - low) / (high - low) * (BOTTOM - TOP);
  const trace = losses => writeLine([...losses].slice(0, span).map((loss, at) => [x(at + 1), y(loss)]));

  const every = Math.ceil((high - low) / 6);
  const powers = Array.from({ length: Math.floor((high - low) / every) + 1 }, (_, at) => low + at * every);
  const grid = powers.map(power => `M${LEFT} ${y(10 ** power).toFixed(1)}H${RIGHT}`).join('');
  const parts = [writePath(grid, 'grid')];
  parts.push(...powers.map(power => writeText(LEFT - 5, y(10 ** power) + 4, formatPower(power), 'end')));
  const shares = span < 4 ? [0, 1] : [0, 0.25, 0.5, 0.75, 1];
  parts.push(...shares.map(share => writeText(x(share * span), BOTTOM + 15, Math.round(share * span), 'middle')));
  parts.push(writeText((LEFT + RIGHT) / 2, BOTTOM + 30, 'epoch', 'middle'));

  const guess = y(Math.log(classes));
  parts.push(writePath(`M${LEFT} ${guess}H${RIGHT}`, 'guess'), writeText(RIGHT, guess - 4, 'guessing', 'end'));
  const batches = [...answer.lowest].flatMap((loss, at) => {
    const epoch = (at + 0.5) / answer.columns_an_epoch;
    return [[x(epoch), y(loss)], [x(epoch), y(answer.highest[at])]];
  });
  parts.push(writePath(writeLine(batches), 'noise'));
  kept.forEach((each, at) => {
    parts.push(writePath(trace(each.training), 'kept', `stroke-dasharray: ${DASHES[at % DASHES.length]}`));
    const last = Math.min(each.done, span);
    if (last) parts.push(writeText(x(last) - 2, y(each.training[last - 1]) - 4, each.name ?? at + 1, 'end ink'));
  });
  parts.push(writePath(trace(answer.training), 'train'), writePath(trace(answer.validation), 'validate'));
  if (answer.over && answer.done < span) parts.push(writeText(x(answer.done), TOP + 14, '×', 'stop'));
  return parts.join('');
}

function drawPoints(data) {
  const layers = new Map();
  for (let at = 0; at < data.points.length; at += 4) {
    const [x, y, label, validation] = data.points.subarray(at, at + 4);
    const layer = `${label}|${validation}`;
    layers.set(layer, (layers.get(layer) ?? '') + writeMarker(x * WIDTH, (1 - y) * HEIGHT, label, 3.1));
  }
  return [...layers].map(([layer, d]) => {
    const [label, validation] = layer.split('|').map(Number);
    const colour = `var(--zl-${label % 10})`;
    return writePath(d, '', validation ? `fill: var(--zl-paper); stroke: ${colour}; stroke-width: 1.6`
      : `fill: ${colour}; stroke: var(--zl-paper); stroke-width: .7`);
  }).join('');
}

// Returns the theme's colours as red, green and blue. This is slow: the browser has to lay out the page.
function readColours(element) {
  const style = getComputedStyle(element);
  return Object.fromEntries([...'0123456789', 'edge'].map(name => {
    const number = parseInt(style.getPropertyValue(`--zl-${name}`).trim().slice(1), 16);
    return [name, [number >> 16, number >> 8 & 255, number & 255]];
  }));
}

// Gives each pixel the colour of its most probable class: stronger with a larger lead over the next class, and darker on
// a border. The logarithms of probabilities are interpolated between the points of the grid, so that straight borders
// stay straight. The lead divided by its slope is the distance from a border, so that borders are smooth lines.
function shadeRegions(canvas, logs, classes, grid, colours) {
  const [wide, high] = [canvas.width, canvas.height] = SHADED;
  const pen = canvas.getContext('2d');
  const image = canvas.image ??= pen.createImageData(wide, high);
  const pixels = new Uint32Array(image.data.buffer);
  const [across, down] = [wide, high].map(size => (grid - 1.001) / (size - 1)); // from pixel to pixel, in steps of the grid
  const line = new Float32Array(classes * grid); // the grid's values at the height of a row of pixels
  const rise = new Float32Array(classes * grid); // and their change to the grid's next row
  for (let row = 0, at = 0; row < high; row++) {
    const v = (high - 1 - row) * down;
    const up = v - Math.floor(v);
    for (let each = 0; each < line.length; each++) {
      const below = (Math.floor(each / grid) * grid + Math.floor(v)) * grid + each % grid;
      rise[each] = logs[below + grid] - logs[below];
      line[each] = logs[below] + up * rise[each];
    }
    for (let column = 0; column < wide; column++, at++) {
      const left = Math.floor(column * across);
      const right = column * across - left;
      let [first, second] = [-Infinity, -Infinity];
      let [winner, other] = [left, left]; // their positions in the line
      for (let here = left; here < line.length; here += grid) {
        const value = line[here] * (1 - right) + line[here + 1] * right;
        if (value > first) {
          second = first;
          other = winner;
          first = value;
          winner = here;
        } else if (value > second) {
          second = value;
          other = here;
        }
      }
      const lead = first - second + 1e-9; // equal everywhere: no border
      const x = (line[winner + 1] - line[winner] - line[other + 1] + line[other]) * across;
      const y = (rise[winner] - rise[other]) * down;
      const edge = clamp(1.5 - lead / (Math.sqrt(x * x + y * y) + 1e-12), 0, 1); // 0 at a distance of 1.5 pixels
      const own = colours[Math.floor(winner / grid) % 10];
      const blend = part => own[part] + edge * (colours.edge[part] - own[part]);
      const alpha = Math.max(26 + 97 * lead / (lead + 1.5), 150 * edge);
      pixels[at] = (alpha << 24 | blend(2) << 16 | blend(1) << 8 | blend(0)) >>> 0;
    }
  }
  pen.putImageData(image, 0, 0);
}

// Draws weights as coloured cells, with a tile for each row. A tile is an image if the features are the pixels of a
// square. The bias is the last cell, and is left out of an image.
function drawWeights(canvas, answer, names, colours) {
  [canvas.width, canvas.height] = [WIDTH, HEIGHT];
  const pen = canvas.getContext('2d');
  const columns = answer.picture.length / answer.rows;
  const largest = Math.max(...answer.picture.map(Math.abs), 1e-9);
  const side = Math.sqrt(columns - 1);
  const isImage = side >= 4 && Number.isInteger(side);
  const across = isImage ? Math.ceil(Math.sqrt(answer.rows * 1.6)) : 1;
  const [cellsAcross, cellsDown] = isImage ? [side, side] : [columns, 1];
  const [wide, high] = [WIDTH / across, HEIGHT / Math.ceil(answer.rows / across)];
  const size = Math.min(wide - 8, high - 20);
  const [cellWide, cellHigh] = isImage ? [size / side, size / side] : [WIDTH / columns, high - 20];
  return Array.from({ length: answer.rows }, (_, row) => {
    const [left, top] = [row % across * wide, Math.floor(row / across) * high];
    for (let cell = 0; cell < cellsAcross * cellsDown; cell++) {
      const weight = answer.picture[row * columns + cell];
      pen.fillStyle = `rgba(${colours[weight > 0 ? 0 : 1]}, ${Math.abs(weight) / largest})`;
      const [x, y] = [left + cell % cellsAcross * cellWide, top + Math.floor(cell / cellsAcross) * cellHigh];
      pen.fillRect(x, y, cellWide, cellHigh);
    }
    return writeText(left + 4, top + cellHigh * cellsDown + 13, names[row], 'ink');
  }).join('');
}

// ---- The controls, and the messages to and from Python

export default () => {
  // Shared by all views of one explorer.
  const answers = new Map();
  const views = new Set();
  const state = { kept: [], gone: false, asked: '', ratio: null, player: null, span: null, refusal: {} };
  let model = null;
  let choices = null; // the options of each control
  let data = null; // the data set, from Python's describe_data

  const get = name => model.get(name);
  const keyOf = want => want.join('|');
  const find = (changes = {}) => answers.get(keyOf(SETTING.map(name => changes[name] ?? get(name))));
  const showAll = () => views.forEach(view => view.show());

  function receive(message, buffers) {
    state.gone = false;
    store(message, buffers);
    // Most answers come ahead of time, and drawing each one would delay the sliders.
    if (keyOf(message.want) === keyOf(SETTING.map(get))) showAll();
  }

  function store(message, arrays) {
    const [training, validation, band, picture] = arrays.map(readFloats);
    const [lowest, highest] = [band.slice(0, band.length / 2), band.slice(band.length / 2)];
    const key = keyOf(message.want);
    answers.delete(key); // a Map keeps the order of insertion: the oldest answers come first
    answers.set(key, { ...message, training, validation, lowest, highest, picture });
    if (answers.size > MOST_ANSWERS) answers.delete(answers.keys().next().value);
  }

  function readData() {
    const described = get('data_set');
    data = { ...described, points: readFloats(described.points) };
    state.ratio = null;
    showAll();
  }

  function change(changes) {
    if (state.ratio && 'batch_size' in changes) {
      // Rounded, because 0.1 × 3 / 16 is not exact in binary.
      changes.learning_rate = Number((state.ratio * changes.batch_size).toPrecision(12));
    }
    state.refusal = {};
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    // A stored answer is painted before the change goes to Python, because sending is as slow as drawing.
    if (find()) requestAnimationFrame(() => setTimeout(() => model.save_changes()));
    else model.save_changes();
  }

  function play() {
    const last = get('epochs');
    const step = Math.ceil(last / PLAYED);
    state.span = last; // the axis keeps its length while the curve grows
    state.player = setInterval(() => {
      if (get('epochs') >= last || !views.size || state.gone) stop();
      else if (find()) change({ epochs: Math.min(get('epochs') + step, last) });
    }, FRAME);
    change({ epochs: 1 });
  }

  function stop() {
    clearInterval(state.player);
    state.player = state.span = null;
    showAll();
  }

  // Returns the values of a slider.
  function listValues(name) {
    return { learning_rate: choices.rates, batch_size: data.sizes, epochs: choices.epochs, size: choices.sizes }[name];
  }

  // Returns the reason why a number is invalid, or an empty string.
  function findFault(name, value) {
    if (name === 'learning_rate') return value > 0 && value < Infinity ? '' : 'Enter a number above 0.';
    const [low, high] = name === 'seed' ? [0, 2 ** 32 - 1] : [listValues(name)[0], listValues(name).at(-1)];
    const whole = name !== 'size' || !choices.is_number;
    const fits = (whole ? Number.isInteger(value) : Number.isFinite(value)) && value >= low && value <= high;
    return fits ? '' : `Enter a ${whole ? 'whole ' : ''}number from ${low} to ${high}.`;
  }

  function initialize({ model: own }) {
    model = own;
    choices = get('choices');
    store(get('answer'), get('answer').arrays);
    readData();
    model.on('msg:custom', receive);
    model.on('change:data_set', readData);
    model.on('comm_live_update', () => { // the kernel was restarted, unless it still answers
      state.gone = true;
      showAll();
    });
    SETTING.forEach(name => model.on(`change:${name}`, showAll));
  }

  function render({ el }) {
    const shows = []; // functions that update the controls
    const drawn = {};
    let shown = null; // the answer in the pictures
    let colours = null; // of the theme, for the canvases
    let quiet = 0;

    // ---- Controls

    // Sets a typed number, or shows why it is invalid and restores the current one.
    function makeField(name, label) {
      const field = make('input', { type: 'text', inputMode: 'decimal', className: 'zl-field', label: `${label}, to type` });
      const refusal = make('span', { className: 'zl-refusal' });
      const read = typed => (typed ? Number(typed.replace(',', '.')) : NaN); // some languages write 0,1
      const take = () => {
        const typed = field.value.trim();
        const number = read(typed);
        field.value = get(name);
        if (number === get(name)) return;
        const fault = findFault(name, number);
        if (!fault) return change({ [name]: number });
        state.refusal = { [name]: `${label}: ${typed || 'nothing'} can’t be used. ${fault}` };
        showAll();
      };
      field.onchange = take;
      field.onkeydown = event => {
        if (event.key === 'Enter') take(); // JupyterLab stops the change event of this key
      };
      shows.push(() => {
        if (field.dataset.inForce !== String(get(name))) field.value = field.dataset.inForce = get(name);
        field.disabled = name === 'learning_rate' && state.ratio !== null;
        refusal.textContent = state.refusal[name] ?? '';
      });
      return [field, refusal];
    }

    function makeSlider(name, label) {
      const input = make('input', { type: 'range', min: 0, label });
      const [field, refusal] = makeField(name, label);
      input.oninput = () => {
        if (name === 'epochs' && state.player) stop();
        change({ [name]: listValues(name)[input.value] });
      };
      shows.push(() => {
        const places = listValues(name);
        input.max = places.length - 1;
        input.value = findPlace(get(name), places); // the nearest one to a typed value
        input.setAttribute('aria-valuetext', get(name));
        input.disabled = field.disabled;
      });
      return make('div', { className: 'zl-slider' }, make('span', { textContent: label }), field, input, refusal);
    }

    // Returns the position of a value on the slider, interpolated between two places: by the logarithm of positive values.
    function findPlace(value, places) {
      const after = places.findIndex(place => place > value);
      if (after <= 0) return after ? places.length - 1 : 0;
      const [a, b] = [places[after - 1], places[after]];
      return after - 1 + (a > 0 ? Math.log(value / a) / Math.log(b / a) : (value - a) / (b - a));
    }

    function makeChoice(label, options, choose, current) {
      const select = make('select', { label, onchange: () => choose(select.value) });
      select.append(...options.map(([words, value]) => new Option(words, value)));
      shows.push(() => { select.value = current(); });
      return make('label', {}, label, select);
    }

    function makeButton(words, press, title = '') {
      return make('button', { type: 'button', className: 'zl-button', textContent: words, onclick: press, title });
    }

    const sliders = make('div', { className: 'zl-sliders' },
      makeSlider('learning_rate', 'Learning rate'), makeSlider('batch_size', 'Batch size'), makeSlider('epochs', 'Epochs'));
    if (choices.counted) sliders.append(makeSlider('size', choices.counted[0].toUpperCase() + choices.counted.slice(1)));
    const player = makeButton('', () => (state.player ? stop() : play()));
    shows.push(() => { player.textContent = state.player ? '■ Stop' : '▶ Play the training'; });
    const presets = choices.presets.map(([words, rate]) => makeButton(words, () => {
      state.ratio = null;
      change({ learning_rate: rate, batch_size: Math.min(choices.preset_batch, data.sizes.at(-1)) });
    }, `learning rate ${rate}, batch size ${choices.preset_batch}`));

    // ---- The section More

    const lock = make('input', { type: 'checkbox' });
    lock.onchange = () => {
      state.ratio = lock.checked ? get('learning_rate') / get('batch_size') : null;
      showAll();
    };
    const setKept = kept => {
      state.kept = kept;
      showAll();
    };
    const keep = makeButton('', () => setKept([...state.kept, shown]), 'Keep this curve in the picture');
    const forget = makeButton('Forget kept runs', () => setKept([]));
    const keptList = make('ol', { className: 'zl-kept' });
    const nothing = [['nothing: your code as it is', '']];
    const whatIfs = makeChoice('What if', nothing.concat(Object.keys(choices.what_ifs).map(name => [name, name])), name => {
      state.asked = name;
      change({ what_if: '' });
      showAll();
    }, () => get('what_if') || state.asked);
    const look = makeButton('Look', () => change({ what_if: state.asked }));
    const question = make('p', { className: 'zl-what-if' });
    shows.push(() => {
      lock.checked = state.ratio !== null;
      keep.disabled = state.kept.length >= MOST_KEPT;
      keep.textContent = keep.disabled ? `${MOST_KEPT} runs are kept, which is the limit` : 'Keep this run';
      forget.disabled = !state.kept.length;
      keptList.replaceChildren(...state.kept.map(each => make('li', { textContent: each.caption })));
      const waits = state.asked && state.asked !== get('what_if');
      look.disabled = !waits;
      question.textContent = waits
        ? `What if ${state.asked}? ${choices.what_ifs[state.asked]} Predict the curve first, then press Look.` : '';
    });
    const more = make('details', { className: 'zl-more' }, make('summary', { textContent: 'More' }),
      make('div', { className: 'zl-row' },
        makeChoice('Data', choices.data.map(name => [name, name]), name => change({ data: name }), () => get('data')),
        make('label', {}, 'Seed', ...makeField('seed', 'Seed')), make('label', {}, lock, 'Lock rate ÷ batch size')),
      make('div', { className: 'zl-row' }, keep, forget), keptList,
      make('div', { className: 'zl-row' }, whatIfs, look), question);

    // ---- Pictures and words

    function makePicture(...legend) {
      const canvas = make('canvas');
      const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
      svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
      svg.setAttribute('role', 'img');
      const title = make('b');
      const caption = make('figcaption', {}, title, ...legend);
      const figure = make('figure', {}, caption, make('div', { className: 'zl-canvas' }, canvas, svg));
      return { figure, canvas, show(name, markup) {
        svg.setAttribute('aria-label', title.textContent = name);
        if (drawn[name] !== markup || svg.dataset.name !== name) svg.innerHTML = drawn[name] = markup;
        svg.dataset.name = name;
      } };
    }

    const makeKey = (look, words) => make('span', { className: `zl-key zl-key-${look}`, textContent: words });
    const loss = makePicture(makeKey('train', 'training'), makeKey('validate', 'validation'), makeKey('noise', 'each batch'));
    const explains = make('span');
    const network = makePicture(explains);
    const caption = make('div', { className: 'zl-says' });
    const notice = make('div', { className: 'zl-notice', role: 'status' });
    shows.push(() => {
      notice.textContent = state.gone ? 'The kernel was restarted: run this cell again.' : '';
      el.classList.toggle('zl-waits', Boolean(notice.textContent) || !find() && !state.player);
    });
    const live = make('div', { className: 'zl-live zl-aside', role: 'status' });

    function showLoss(answer) {
      const plain = get('what_if') && find({ what_if: '' });
      const kept = state.kept.filter(each => each.want[SETTING.indexOf('data')] === data.name);
      if (plain) kept.push({ ...plain, name: 'your code as it is' });
      loss.show('Loss', drawLoss(answer, kept, state.span ?? get('epochs'), data.classes.length));
    }

    function showNetwork(answer) {
      colours ??= readColours(el);
      network.figure.hidden = !answer.picture.length;
      if (network.figure.hidden) return;
      if (data.points.length) {
        shadeRegions(network.canvas, answer.picture, answer.rows, choices.grid, colours);
        network.show('Decision regions', data.drawn ??= drawPoints(data));
        explains.textContent = 'stronger colour: more certain; hollow: validation';
      } else {
        const names = choices.counted ? answer.picture.map((_, at) => at + 1) : data.classes;
        network.show('Weights', drawWeights(network.canvas, answer, names, colours));
        explains.textContent = `blue: above 0; orange: below 0; one for each ${choices.counted ? 'hidden unit' : 'class'}`;
      }
    }

    // Announces the caption to screen readers after a pause, because a drag would announce too many.
    function announceLater() {
      clearTimeout(quiet);
      quiet = setTimeout(() => {
        const words = [...Object.values(state.refusal), question.textContent, caption.innerText].join(' ').trim();
        if (!state.player && live.textContent !== words) live.textContent = words;
      }, QUIET);
    }

    function show() {
      shows.forEach(showControl => showControl());
      const answer = find();
      if (answer && data.name === get('data')) {
        const isNew = shown !== answer;
        shown = answer;
        const [words, code] = answer.caption.split('\n');
        caption.replaceChildren(words, ...code ? [make('pre', { textContent: code })] : []);
        showLoss(answer);
        if (isNew) showNetwork(answer);
      }
      announceLater();
    }

    // Keeps keys from the notebook: arrows would go to the next cell, and letters are shortcuts. The listener is on the
    // window, because Notebook 7 reads keys on the document, before the handlers of inner elements.
    function keepKeys(event) {
      if (!el.contains(event.target)) return;
      event.target.toggleAttribute('data-lm-suppress-shortcuts', !(event.ctrlKey || event.metaKey || event.altKey));
    }

    el.classList.add('zl-explorer');
    el.append(notice, sliders, make('div', { className: 'zl-row' }, player, 'A rate that is', ...presets), caption,
      make('div', { className: 'zl-pictures' }, loss.figure, network.figure), more, live);
    window.addEventListener('keydown', keepKeys, true);
    // The theme's colours are known only once the widget is in the page. Its first change of size shows that it is.
    const paint = () => {
      colours = null;
      showNetwork(shown);
    };
    const themes = new MutationObserver(paint);
    themes.observe(document.body, { attributeFilter: ['data-jp-theme-light'] });
    const sizes = new ResizeObserver(paint);
    sizes.observe(el);
    const view = { show };
    views.add(view);
    show();
    model.send({ begin: true });
    return () => {
      views.delete(view);
      themes.disconnect();
      sizes.disconnect();
      window.removeEventListener('keydown', keepKeys, true);
    };
  }

  return { initialize, render };
};
