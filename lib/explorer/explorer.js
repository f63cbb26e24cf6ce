// The explorer in the page: its controls, the answers that Python has sent so far, and pictures of their numbers.
//
// The widget's traits are the setting in force. A control sets them, and the page shows them: at once where it has the
// answer, else when Python has sent it. Python also sends answers ahead of time, those of the nearest settings first.

const SETTING = ['learning_rate', 'batch_size', 'seed', 'data', 'what_if', 'size', 'epochs']; // in Python's order
const MOST_ANSWERS = 2000; // Python counts on the last 1,500
const MOST_KEPT = 4;
const QUIET = 400; // ms without a change before it is said to those who listen
const FRAME = 50; // ms between two epochs while the training plays
const [WIDTH, HEIGHT] = [420, 300]; // of every picture, so that nothing jumps
const [LEFT, RIGHT, TOP, BOTTOM] = [38, 414, 8, 264]; // the axes of the loss
const MARKERS = [[16, 1], [3, 1.3], [4, 1.2], [4, 1.3]]; // corners and size: a disc, a triangle, a square, a diamond
const DASHES = ['10 3', '2 4', '10 3 2 3', '5 5']; // of kept runs
const STEPS = {
  ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 5, PageDown: -5, Home: -Infinity, End: Infinity,
};

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const say = value => String(Number(value.toPrecision(3))).replace('-', '−');
const isWhole = (value, low, high) => Number.isInteger(value) && value >= low && value <= high;
const readFloats = view => new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));

function make(name, properties = {}, ...children) {
  const { label, describedBy, ...others } = properties;
  const made = Object.assign(document.createElement(name), others);
  if (label) made.setAttribute('aria-label', label);
  if (describedBy) made.setAttribute('aria-describedby', describedBy);
  made.append(...children);
  return made;
}

// ---- Pictures: each takes an answer and returns SVG; regions and weights also draw on a canvas below it

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
  const curves = [answer, ...kept].flatMap(each => [...each.training, ...each.validation, ...each.highest]);
  const positive = curves.filter(each => each > 0 && each < Infinity);
  const low = Math.min(-2, Math.floor(Math.log10(Math.min(...positive, 1))));
  const high = Math.max(1, Math.ceil(Math.log10(Math.max(...positive, 1))));
  const x = epoch => LEFT + epoch / span * (RIGHT - LEFT);
  const y = loss => BOTTOM - (clamp(Math.log10(loss), low, high) - low) / (high - low) * (BOTTOM - TOP);
  const trace = losses => writeLine([...losses].slice(0, span).map((loss, at) => [x(at + 1), y(loss)]));

  const every = Math.ceil((high - low) / 6);
  const powers = Array.from({ length: Math.floor((high - low) / every) + 1 }, (_, at) => low + at * every);
  const grid = powers.map(power => `M${LEFT} ${y(10 ** power).toFixed(1)}H${RIGHT}`).join('');
  const parts = [writePath(grid, 'grid')];
  parts.push(...powers.map(power => writeText(LEFT - 5, y(10 ** power) + 4, say(10 ** power), 'end')));
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

function readColour(style, name) {
  const number = parseInt(style.getPropertyValue(name).trim().slice(1), 16);
  return [number >> 16, number >> 8 & 255, number & 255];
}

// Colours each pixel by its likeliest class, deeper with its lead. The logarithms of probabilities are interpolated
// between the points of the grid: borders between them are straight where those of the scores are.
function shadeRegions(canvas, logs, classes, grid) {
  const pen = canvas.getContext('2d');
  const image = pen.createImageData(WIDTH, HEIGHT);
  const pixels = new Uint32Array(image.data.buffer);
  const style = getComputedStyle(canvas);
  const colours = [];
  for (let label = 0; label < classes; label++) {
    const [red, green, blue] = readColour(style, `--zl-${label % 10}`);
    for (let depth = 1; depth <= 4; depth++) {
      colours.push((255 * (1 - 0.85 ** depth) << 24 | blue << 16 | green << 8 | red) >>> 0);
    }
  }
  const [red, green, blue] = readColour(style, '--zl-edge');
  const edge = (180 << 24 | blue << 16 | green << 8 | red) >>> 0;
  const best = new Uint8Array(WIDTH * HEIGHT);
  for (let row = 0, at = 0; row < HEIGHT; row++) {
    const v = (1 - row / (HEIGHT - 1)) * (grid - 1.001);
    const below = Math.floor(v);
    const up = v - below;
    for (let column = 0; column < WIDTH; column++, at++) {
      const u = column / (WIDTH - 1) * (grid - 1.001);
      const left = Math.floor(u);
      const right = u - left;
      let [first, second, winner] = [-Infinity, -Infinity, 0];
      for (let label = 0, corner = below * grid + left; label < classes; label++, corner += grid * grid) {
        const lower = logs[corner] * (1 - right) + logs[corner + 1] * right;
        const upper = logs[corner + grid] * (1 - right) + logs[corner + grid + 1] * right;
        const value = lower * (1 - up) + upper * up;
        if (value > first) {
          second = first;
          first = value;
          winner = label;
        } else if (value > second) {
          second = value;
        }
      }
      best[at] = winner;
      const lead = first - second;
      const isEdge = column && best[at - 1] !== winner || row && best[at - WIDTH] !== winner;
      pixels[at] = isEdge ? edge : colours[4 * winner + (lead > 1) + (lead > 2.5) + (lead > 5)];
    }
  }
  pen.putImageData(image, 0, 0);
}

// Weights as coloured cells: an image for each row where features are the pixels of a square, else a table.
function drawWeights(canvas, answer, names) {
  const pen = canvas.getContext('2d');
  const style = getComputedStyle(canvas);
  const [rows, weights] = [answer.rows, answer.picture];
  const columns = weights.length / rows;
  const side = Math.sqrt(columns - 1);
  const isImage = side >= 4 && Number.isInteger(side);
  const largest = Math.max(...weights.map(Math.abs), 1e-9);
  const [across, labels] = [Math.ceil(Math.sqrt(rows * 1.6)), []];
  const size = Math.min(WIDTH / across - 8, HEIGHT / Math.ceil(rows / across) - 22);
  const high = HEIGHT / rows;
  pen.clearRect(0, 0, WIDTH, HEIGHT);
  for (let row = 0; row < rows; row++) {
    const [left, top] = isImage ? [row % across * WIDTH / across + 4, Math.floor(row / across) * (size + 22)] : [60, high * row];
    for (let column = 0; column < columns - isImage; column++) {
      const weight = weights[row * columns + column];
      const [red, green, blue] = readColour(style, weight > 0 ? '--zl-0' : '--zl-1');
      pen.fillStyle = `rgba(${red}, ${green}, ${blue}, ${Math.abs(weight) / largest})`;
      const [wide, tall] = isImage ? [size / side, size / side] : [(WIDTH - 60) / columns, high - 1];
      const [x, y] = isImage ? [left + column % side * wide, top + Math.floor(column / side) * tall] : [left + column * wide, top];
      pen.fillRect(x, y, wide, tall);
      if (!isImage && weights.length <= 60) labels.push(writeText(x + wide / 2, y + tall / 2 + 4, say(weight), 'middle ink'));
    }
    labels.push(isImage ? writeText(left + size / 2, top + size + 13, names[row], 'middle ink')
      : writeText(54, top + high / 2 + 4, names[row], 'end ink'));
  }
  return labels.join('');
}

// ---- The controls, and the conversation with Python

export default () => {
  // What all views of one explorer share.
  const answers = new Map();
  const limits = new Map();
  const views = new Set();
  const state = { kept: [], asked: null, ratio: null, player: null, span: null, refusal: {} };
  let model = null;

  const get = name => model.get(name);
  const keyOf = want => want.join('|');
  const settingNow = () => SETTING.map(get);
  const find = (changes = {}) => answers.get(keyOf(SETTING.map(name => changes[name] ?? get(name))));
  const showAll = () => views.forEach(show => show());

  function hear(message, buffers) {
    if ('limit' in message) limits.set(keyOf(message.want), message.limit);
    else store(message, buffers);
    showAll();
  }

  function store(said, arrays) {
    const [training, validation, band, picture] = arrays.map(readFloats);
    const [lowest, highest] = [band.slice(0, band.length / 2), band.slice(band.length / 2)];
    const key = keyOf(said.want);
    answers.delete(key); // so that the order of the answers is that in which they came last
    answers.set(key, { ...said, training, validation, lowest, highest, picture });
    if (answers.size > MOST_ANSWERS) answers.delete(answers.keys().next().value);
  }

  function change(changes) {
    if (state.ratio && 'batch_size' in changes) {
      // Without the last digits, which are what rounding makes of 0.1 × 3 / 16.
      changes.learning_rate = Number((state.ratio * changes.batch_size).toPrecision(12));
    }
    state.refusal = {};
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    model.save_changes();
  }

  function play() {
    if (state.player) return stop();
    const last = get('epochs');
    const step = Math.ceil(last / 100);
    state.span = last; // the axis stays as long as it is, and the curve grows
    state.player = setInterval(() => {
      if (get('epochs') >= last || !views.size) stop();
      else if (find()) change({ epochs: Math.min(get('epochs') + step, last) });
    }, FRAME);
    change({ epochs: 1 });
  }

  function stop() {
    clearInterval(state.player);
    state.player = state.span = null;
    showAll();
  }

  function initialize({ model: own }) {
    model = own;
    const first = get('answer');
    store(first, first.arrays);
    model.on('msg:custom', hear);
    model.on('change', showAll);
  }

  function render({ el }) {
    const choices = get('choices');
    const root = `zl-${Math.random().toString(36).slice(2)}`; // for labels to refer to
    const sets = new Map();
    const shows = []; // what brings each control up to date
    let [drawnPoints, drawnLoss, quiet, shown] = ['', '', 0, null];

    function readSet() {
      const data = get('data_set');
      if (!sets.has(data.name)) sets.set(data.name, { ...data, points: readFloats(data.points) });
      return sets.get(data.name);
    }

    // ---- Controls

    // Puts a typed number in force, or says why it can't be and shows the one in force again.
    function makeField(name, label, check, describe) {
      const field = make('input', { type: 'text', inputMode: 'decimal', className: 'zl-field', label: `${label}, to type` });
      const refusal = make('span', { className: 'zl-refusal' });
      field.onchange = () => {
        const value = Number(field.value);
        if (field.value.trim() && check(value)) {
          change({ [name]: value });
          return;
        }
        state.refusal = { [name]: `${label}: ${field.value.trim() || 'nothing'} can’t be used. ${describe()}` };
        field.value = get(name);
        showAll();
      };
      shows.push(() => {
        if (document.activeElement !== field || field.dataset.value !== String(get(name))) field.value = get(name);
        field.dataset.value = get(name);
        field.disabled = name === 'learning_rate' && state.ratio !== null;
        refusal.textContent = state.refusal[name] ?? '';
      });
      return [field, refusal];
    }

    function makeSlider(name, label, listPlaces, check, describe) {
      const note = make('small', { id: `${root}-${name}`, className: 'zl-note' });
      const input = make('input', { type: 'range', min: 0, step: 'any', label, describedBy: note.id });
      const [field, refusal] = makeField(name, label, check, describe);
      const mark = make('span', { className: 'zl-mark', textContent: '▲', hidden: true });
      const isNow = () => name !== 'epochs' || !state.player;
      input.oninput = () => {
        if (!isNow()) stop();
        change({ [name]: listPlaces()[Math.round(input.value)] });
      };
      input.onkeydown = event => {
        const step = STEPS[event.key];
        if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        if (!isNow()) stop();
        // A typed value may lie between two places of the slider: a key leads to the next place.
        const at = findPlace(get(name), listPlaces());
        const next = (step > 0 ? Math.floor(at) : Math.ceil(at)) + step;
        change({ [name]: listPlaces()[clamp(next, 0, listPlaces().length - 1)] });
      };
      shows.push(() => {
        input.max = listPlaces().length - 1;
        input.value = findPlace(get(name), listPlaces());
        input.setAttribute('aria-valuetext', get(name));
        input.disabled = field.disabled;
      });
      if (name === 'learning_rate') shows.push(() => showLimit(mark, note, listPlaces()));
      return make('div', { className: 'zl-slider' }, make('span', { className: 'zl-label', textContent: label }), field,
        make('div', { className: 'zl-track' }, input, mark), note, refusal);
    }

    function showLimit(mark, note, places) {
      const limit = limits.get(keyOf(settingNow()));
      const known = typeof limit === 'number';
      const share = known ? findPlace(limit, places) / (places.length - 1) : 0;
      mark.hidden = !known || share === 0 || share === 1;
      mark.style.left = `calc(8px + ${share} * (100% - 16px))`;
      note.textContent = known ? `▲ ${say(limit)}: up to this rate a step on all samples goes down` : '';
    }

    // Returns how far a value lies from the first place, in places.
    function findPlace(value, places) {
      const after = places.findIndex(place => place > value);
      if (after === 0) return 0;
      if (after < 0) return places.length - 1;
      const [a, b] = [places[after - 1], places[after]];
      return after - 1 + Math.log(value / a) / Math.log(b / a);
    }

    function makeChoice(label, options, choose, current) {
      const select = make('select', { label, onchange: () => choose(select.value) });
      select.append(...options.map(([words, value]) => new Option(words, value)));
      shows.push(() => { select.value = current(); });
      return make('label', { className: 'zl-choice' }, label, select);
    }

    function makeButton(words, press, title = '') {
      return make('button', { type: 'button', className: 'zl-button', textContent: words, onclick: press, title });
    }

    const slidersShown = make('div', { className: 'zl-sliders' },
      makeSlider('learning_rate', 'Learning rate', () => choices.rates, value => value > 0 && value < Infinity,
        () => 'It is a number above 0.'),
      makeSlider('batch_size', 'Batch size', () => readSet().sizes, value => isWhole(value, 1, readSet().sizes.at(-1)),
        () => `It is a whole number from 1 to ${readSet().sizes.at(-1)}.`),
      makeSlider('epochs', 'Epochs', () => Array.from({ length: choices.epochs }, (_, at) => at + 1),
        value => isWhole(value, 1, choices.epochs), () => `It is a whole number from 1 to ${choices.epochs}.`));
    if (choices.counted) {
      const label = choices.counted[0].toUpperCase() + choices.counted.slice(1);
      slidersShown.append(makeSlider('size', label, () => choices.sizes, value => choices.sizes.includes(value),
        () => `It is a whole number from ${choices.sizes[0]} to ${choices.sizes.at(-1)}.`));
    }

    const player = makeButton('', play);
    shows.push(() => { player.textContent = state.player ? '■ Stop' : '▶ Play the training'; });
    const presets = choices.presets.map(([words, rate]) => makeButton(words, () => {
      state.ratio = null;
      change({ learning_rate: rate, batch_size: Math.min(choices.preset_batch, readSet().sizes.at(-1)) });
    }, `learning rate ${rate}, batch size ${choices.preset_batch}`));
    const buttons = make('div', { className: 'zl-row' }, player, make('span', { textContent: 'A rate that is' }), ...presets);

    // ---- What is behind More

    const lock = make('input', { type: 'checkbox', onchange: () => {
      state.ratio = lock.checked ? get('learning_rate') / get('batch_size') : null;
      showAll();
    } });
    shows.push(() => { lock.checked = state.ratio !== null; });
    const seed = makeField('seed', 'Seed', value => isWhole(value, 0, 2 ** 32 - 1), () => 'It is a whole number from 0 on.');
    const keep = makeButton('Keep this run', () => {
      state.kept.push(shown);
      showAll();
    }, 'Leave its curve in the picture behind those to come');
    const forget = makeButton('Forget kept runs', () => {
      state.kept = [];
      showAll();
    });
    const keptList = make('ol', { className: 'zl-kept' });
    shows.push(() => {
      keep.disabled = state.kept.length >= MOST_KEPT;
      keep.textContent = keep.disabled ? `${MOST_KEPT} runs are kept, no more` : 'Keep this run';
      forget.disabled = !state.kept.length;
      keptList.replaceChildren(...state.kept.map(each => make('li', { textContent: each.summary })));
    });
    const question = make('p', { className: 'zl-question' });
    const look = makeButton('Look', () => change({ what_if: state.asked }));
    shows.push(() => {
      const waits = state.asked && state.asked !== get('what_if');
      look.disabled = !waits;
      question.textContent = waits
        ? `What if ${state.asked}? ${choices.what_ifs[state.asked]} Predict the curve first, then press Look.` : '';
    });
    const map = make('details', { className: 'zl-map', ontoggle: () => {
      model.send({ map: map.open });
      showAll();
    } }, make('summary', { textContent: 'Map of learning rates and batch sizes' }));
    const table = make('table');
    map.append(table);
    const whatIfs = [['nothing: the code as it is', ''], ...Object.keys(choices.what_ifs).map(name => [name, name])];
    const more = make('details', { className: 'zl-more' }, make('summary', { textContent: 'More' }),
      make('div', { className: 'zl-row' },
        makeChoice('Data', choices.data.map(name => [name, name]), name => change({ data: name }), () => get('data')),
        make('label', { className: 'zl-choice' }, 'Seed', ...seed),
        make('label', {}, lock, ' Lock rate ÷ batch size')),
      make('div', { className: 'zl-row' }, keep, forget), keptList,
      make('div', { className: 'zl-row' }, makeChoice('What if', whatIfs, name => {
        state.asked = name || null;
        change({ what_if: '' });
        showAll();
      }, () => state.asked ?? get('what_if')), look), question, map);

    // ---- What is shown

    function makePicture(title, legend) {
      const canvas = make('canvas', { width: WIDTH, height: HEIGHT });
      const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
      svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
      svg.setAttribute('role', 'img');
      svg.setAttribute('aria-label', title);
      const caption = make('figcaption', {}, make('b', { textContent: title }), ...legend);
      return { figure: make('figure', {}, caption, make('div', { className: 'zl-canvas' }, canvas, svg)), canvas, svg, caption };
    }

    const says = make('div', { className: 'zl-says' });
    const live = make('div', { className: 'zl-live zl-aside' });
    live.setAttribute('role', 'status');
    const legend = [['train', 'training'], ['validate', 'validation'], ['noise', 'each batch']]
      .map(([look, words]) => make('span', { className: `zl-key zl-key-${look}`, textContent: words }));
    const loss = makePicture('Loss', legend);
    const network = makePicture('Decision regions', [make('span', { className: 'zl-explains' })]);

    function showCaption(answer) {
      const [words, code] = answer.caption.split('\n');
      says.replaceChildren(words, ...code ? [make('pre', { textContent: code })] : []);
    }

    function listKept(data) {
      const plain = get('what_if') && find({ what_if: '' });
      const behind = state.kept.filter(each => each.want[SETTING.indexOf('data')] === data.name);
      return plain ? [...behind, { ...plain, name: 'your code as it is' }] : behind;
    }

    function showLoss(answer, data) {
      const span = state.span ?? get('epochs');
      const drawn = drawLoss(answer, listKept(data), span, data.classes.length);
      if (drawn !== drawnLoss) loss.svg.innerHTML = drawnLoss = drawn;
    }

    function showNetwork(answer, data) {
      const isPlane = data.points.length > 0;
      const title = isPlane ? 'Decision regions' : 'Weights';
      network.figure.hidden = !answer.picture.length;
      if (network.figure.hidden) return;
      if (isPlane) shadeRegions(network.canvas, answer.picture, answer.rows, choices.grid);
      const names = get('size') ? Array.from({ length: answer.rows }, (_, at) => `unit ${at + 1}`) : data.classes;
      const drawn = isPlane ? data.drawn ??= drawPoints(data) : drawWeights(network.canvas, answer, names);
      if (drawn !== drawnPoints) network.svg.innerHTML = drawnPoints = drawn;
      network.svg.setAttribute('aria-label', title);
      network.caption.firstChild.textContent = title;
      network.caption.lastChild.textContent = isPlane ? 'stronger colour: more certain; hollow: validation'
        : 'blue: above 0; orange: below 0';
    }

    function showMap(data) {
      if (!map.open) return;
      const cells = data.map_sizes.flatMap(batch_size => choices.map_rates.map(learning_rate => {
        const answer = find({ batch_size, learning_rate });
        const loss = !answer?.complete ? null : answer.done === get('epochs') ? answer.training.at(-1) : Infinity;
        return { batch_size, learning_rate, loss };
      }));
      const known = cells.filter(cell => cell.loss !== null);
      const lowest = known.reduce((best, cell) => best && best.loss <= cell.loss ? best : cell, null);
      const far = cell => Math.hypot(Math.log(cell.learning_rate / get('learning_rate')),
        Math.log(cell.batch_size / get('batch_size')));
      const nearest = cells.reduce((best, cell) => far(cell) < far(best) ? cell : best);
      const rows = data.map_sizes.map(size => make('tr', {}, make('th', { scope: 'row', textContent: size }),
        ...cells.filter(cell => cell.batch_size === size).map(cell => makeCell(cell, lowest, cell === nearest))));
      const head = make('tr', {}, make('th', { textContent: 'batch ╲ rate' }),
        ...choices.map_rates.map(rate => make('th', { scope: 'col', textContent: rate })));
      const count = known.length < cells.length ? ` ${known.length} of ${cells.length} are trained.` : '';
      const best = lowest && lowest.loss < Infinity
        ? ` The lowest is ${say(lowest.loss)}, at rate ${lowest.learning_rate}, batch ${lowest.batch_size}.` : '';
      const words = `Training loss after ${get('epochs')} epochs: click on one to go there.${count}${best}`;
      table.replaceChildren(make('caption', { textContent: words }), head, ...rows);
    }

    function makeCell({ batch_size, learning_rate, loss }, lowest, isHere) {
      const words = loss === null ? '…' : loss < Infinity ? say(Number(loss.toPrecision(2))) : '×';
      const cell = makeButton(words, () => {
        state.ratio = null;
        change({ batch_size, learning_rate });
      });
      cell.tabIndex = -1; // the sliders go to the same places by keys
      cell.className = `zl-cell${isHere ? ' zl-here' : ''}`;
      const depth = loss > 0 && loss < Infinity ? clamp(1 - Math.log(loss / lowest.loss) / Math.log(100), 0, 1) : 0;
      cell.style.setProperty('--depth', `${Math.round(45 * depth)}%`);
      return make('td', {}, cell);
    }

    // Told once it rests: a drag would be a flood of words.
    function tellLater() {
      clearTimeout(quiet);
      quiet = setTimeout(() => {
        const words = [...Object.values(state.refusal), question.textContent, says.innerText,
          ...[...slidersShown.querySelectorAll('.zl-note')].map(note => note.textContent)].filter(Boolean).join(' ');
        if (!state.player && live.textContent !== words) live.textContent = words;
      }, QUIET);
    }

    function show() {
      shows.forEach(showControl => showControl());
      const data = readSet();
      const answer = find();
      if (answer && data.name === get('data')) {
        shown = answer;
        showCaption(answer);
        showLoss(answer, data);
        showNetwork(answer, data);
        showMap(data);
      }
      tellLater();
    }

    // Keys would go to the notebook: arrows to its next cell, letters to its shortcuts. Listened to on the window, since
    // Notebook 7 reads keys on the document, before any handler of an element inside it.
    function keepKeys(event) {
      if (!el.contains(event.target)) return;
      event.target.toggleAttribute('data-lm-suppress-shortcuts', !(event.ctrlKey || event.metaKey || event.altKey));
    }

    el.classList.add('zl-explorer');
    const pictures = make('div', { className: 'zl-pictures' }, loss.figure, network.figure);
    el.append(slidersShown, buttons, says, pictures, more, live);
    window.addEventListener('keydown', keepKeys, true);
    const themes = new MutationObserver(show); // a canvas has its colours from the theme
    themes.observe(document.body, { attributeFilter: ['data-jp-theme-light'] });
    views.add(show);
    show();
    model.send({ begin: true });
    return () => {
      views.delete(show);
      themes.disconnect();
      window.removeEventListener('keydown', keepKeys, true);
    };
  }

  return { initialize, render };
};
