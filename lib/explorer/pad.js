// A pad to draw a digit on. The drawing becomes pixels in the same way as the digits of the data set: it is made upright,
// scaled to the image and to the usual amount of ink, in 32 by 32 dots. Each pixel counts a block of 4 by 4 dots.

const SIDE = 160; // of the pad in pixels
const INK = 307; // dots of 1,024: the mean in the data set
const WIDE = 22; // dots: the largest width
const MOVES = { ArrowLeft: [-8, 0], ArrowRight: [8, 0], ArrowUp: [0, -8], ArrowDown: [0, 8] };

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const range = (strokes, axis) => [Math.min, Math.max].map(end => end(...strokes.flat().map(point => point[axis])));

function trace(pen, strokes, lineWidth) {
  Object.assign(pen, { lineWidth, lineCap: 'round', lineJoin: 'round' });
  pen.stroke(new Path2D(strokes.map(stroke => `M${[stroke[0], ...stroke].join('L')}`).join('')));
}

// Returns the strokes sheared, so that the leftmost point of the top is nearly over the leftmost point of the bottom.
function straighten(strokes) {
  const [top, bottom] = range(strokes, 1);
  const high = Math.max(bottom - top, 1);
  const findLeft = isNear => Math.min(...strokes.flat().filter(([, y]) => isNear(y)).map(([x]) => x));
  const [above, below] = [findLeft(y => y <= top + high / 20), findLeft(y => y >= bottom - high / 20)];
  const slant = 0.8 * clamp((below - above) / high, -1, 1);
  return strokes.map(stroke => stroke.map(([x, y]) => [x - slant * (y - top), y]));
}

function countDots(drawn) {
  const strokes = straighten(drawn);
  const [[left, right], [top, bottom]] = [range(strokes, 0), range(strokes, 1)];
  let dots = [];
  for (let width = 2.5; width < 14 && dots.filter(Boolean).length < INK; width += 0.5) { // until the pen is wide enough
    const scale = Math.min((32 - width) / Math.max(bottom - top, 1), (WIDE - width) / Math.max(right - left, 1));
    const pen = new OffscreenCanvas(32, 32).getContext('2d', { willReadFrequently: true });
    pen.setTransform(scale, 0, 0, scale, 16 - scale * (left + right) / 2, 16 - scale * (top + bottom) / 2);
    trace(pen, strokes, width / scale);
    dots = [...pen.getImageData(0, 0, 32, 32).data].filter((_, at) => at % 4 === 3).map(alpha => alpha > 127);
  }
  const pixels = Array(64).fill(0);
  dots.forEach((isInk, at) => { pixels[8 * (at >> 7) + (at % 32 >> 2)] += isInk; });
  return pixels;
}

export default { render({ model, el }) {
  el.classList.add('zl-explorer', 'zl-pad');
  el.innerHTML = `<canvas width="${SIDE}" height="${SIDE}" tabindex="0" role="application"
      aria-label="Pad: draw a digit. Arrow keys move the pen, and with Shift they draw"></canvas>
    <canvas width="8" height="8" role="img" aria-label="What your network gets: 8 by 8 pixels"></canvas>
    <ol start="0">${'<li><meter></meter> <span></span></li>'.repeat(10)}</ol>
    <div><button class="zl-button">Clear</button> <button class="zl-button">Example digit</button>
      <p role="status"></p><pre></pre></div>`;
  const [[pad, small], [clear, example], [says], [code], bars, numbers] = ['canvas', 'button', 'p', 'pre', 'meter', 'span']
    .map(name => [...el.querySelectorAll(name)]);
  const [pen, paper] = [pad, small].map(canvas => canvas.getContext('2d'));
  let [strokes, at, examples] = [[], [SIDE / 2, SIDE / 4], 0]; // `at` is the pen's position

  function redraw(pixels = strokes.length ? countDots(strokes) : model.get('pixels')) {
    pen.clearRect(0, 0, SIDE, SIDE);
    trace(pen, strokes, 9);
    if (pad.matches(':focus-visible')) pen.fillRect(at[0] - 3, at[1] - 3, 6, 6); // the pen's position, when drawing by keys
    model.set('pixels', pixels);
    model.save_changes();
  }

  pad.onpointerdown = pad.onpointermove = event => {
    if (event.type === 'pointerdown') strokes.push([]);
    else if (!pad.hasPointerCapture(event.pointerId)) return;
    pad.setPointerCapture(event.pointerId);
    strokes.at(-1).push(at = [event.offsetX, event.offsetY]);
    redraw();
  };
  pad.onkeydown = event => {
    if (!MOVES[event.key]) return;
    event.preventDefault();
    if (event.shiftKey && strokes.at(-1)?.at(-1) !== at) strokes.push([at]);
    at = at.map((place, axis) => clamp(place + MOVES[event.key][axis], 4, SIDE - 4));
    if (event.shiftKey) strokes.at(-1).push(at);
    redraw();
  };
  clear.onclick = () => redraw(strokes = []);
  example.onclick = () => {
    strokes = [];
    redraw(model.get('examples')[examples++ % model.get('examples').length]);
  };

  function show() {
    const dots = Uint8ClampedArray.from({ length: 256 }, (_, at) => (at % 4 === 3 ? 16 * model.get('pixels')[at >> 2] : 0));
    paper.putImageData(new ImageData(dots, 8, 8), 0, 0);
    const { probabilities = Array(10), words = '' } = model.get('answer');
    bars.forEach((bar, digit) => { bar.value = probabilities[digit] ?? 0; });
    numbers.forEach((number, digit) => { number.textContent = probabilities[digit]?.toFixed(2) ?? ''; });
    [says.textContent, code.textContent = ''] = words.split('\n');
  }

  // Keeps keys from the notebook, which would go to its next cell. Shortcuts with Ctrl or ⌘ still work.
  const keepKeys = event => event.target.toggleAttribute('data-lm-suppress-shortcuts', !(event.ctrlKey || event.metaKey));
  ['focusin', 'keydown', 'keyup'].forEach(name => el.addEventListener(name, keepKeys));
  ['answer', 'pixels'].forEach(name => model.on(`change:${name}`, show));
  model.on('comm_live_update', () => { says.textContent = 'The kernel was restarted: run this cell again.'; });
  show();
} };
