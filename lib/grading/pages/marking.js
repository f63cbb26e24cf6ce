const find = (what, of = document) => of.querySelector(what), all = (what, of = document) => [...of.querySelectorAll(what)];
const state = JSON.parse(find("#state").textContent), {api} = find("#cards").dataset, cards = all("article");
const rows = card => card.dataset.rows.split(" ").map(id => state[id]);
const waits = card => rows(card).some(row => row.needs_manual_grade);
const lines = row => (row.manual_comment ?? "").split("\n").filter(Boolean);
const shown = () => cards.filter(card => card.offsetParent), at = () => find("article.at");
let half = 0, pending = 0, queue = Promise.resolve(), letters = [];

/* Returns the value that all answers of a card share; undefined if they differ. */
function common(card, of) {
  const [value, ...others] = new Set(rows(card).map(of));
  return others.length ? undefined : value;
}

async function ask(address, body) {
  const headers = {"X-XSRFToken": document.cookie.match(/(?:^|; )_xsrf=([^;]*)/)?.[1]};
  const put = body && {method: "PUT", body: JSON.stringify(body)};
  const reply = await fetch(address, {...put, headers});  // a hub requires the token even for reading
  if (!reply.ok || reply.redirected) throw Error(`The server answers ${reply.status}. Are you still logged in?`);
  return reply.json();
}

async function refresh(own = []) {
  const fresh = await ask("?state=1");
  for (const row of Object.values(state)) {
    const now = fresh[row.id] ?? {};
    row.isOld ||= row.graded !== now.graded;
    row.isNews ||= !own.includes(row) && Object.keys(now).some(key => row[key] !== now[key]);
    Object.assign(row, now);
  }
}

/* Saves run one after another. An answer that was graded or marked by someone else since is shown, not overwritten. */
function save(card, put) {
  pending += 1;
  queue = queue.then(async () => {
    await refresh();
    const own = rows(card), isNews = own.some(row => row.isNews);
    if (own.some(row => row.isOld)) throw Error("It was graded again. Reload this page to see the current answer");
    for (const row of own) row.isNews = false;
    if (isNews) throw Error("Another person has marked it. Repeat your change to replace the mark that is shown now");
    for (const row of own) await put(row);
    await refresh(own);
    card.failed = "";
  }).catch(error => { card.failed = error.message; }).finally(() => { pending -= 1; paint(); });
}
const give = (card, manual_score) =>
  save(card, row => ask(`${api}/grade/${row.id}`, {manual_score, extra_credit: row.extra_credit}));
const write = (card, change) =>
  save(card, row => ask(`${api}/comment/${row.comment}`, {manual_comment: change(lines(row)).join("\n") || null}));

function paint() {
  for (const card of cards) {
    const isDone = !waits(card), text = find("textarea", card);
    const value = common(card, row => row.manual_score ?? (isDone ? row.auto_score : null));
    card.classList.toggle("done", isDone);
    card.classList.toggle("failed", Boolean(card.failed));
    for (const button of all("button", card)) button.ariaPressed = isDone && Number(button.value) === value;
    if (!pending && !card.failed && text !== document.activeElement) text.value = common(card, row => row.manual_comment) ?? "";
    const again = !isDone && value !== null && `${value} points before it was graded again: do they still fit?`;
    find("output", card).textContent = card.failed || (value === undefined ? "marked differently" : again || "");
  }
  const list = Object.values(state), remarks = list.flatMap(lines);
  find("#done").textContent = `${list.filter(row => !row.needs_manual_grade).length} of ${list.length}`;
  find("#failed").textContent = cards.filter(card => card.failed).map(card => `${card.ariaLabel} isn't saved.`).join(" ");
  const uses = line => remarks.filter(each => each === line).length;
  for (const line of new Set(remarks.sort((one, other) => uses(other) - uses(one)))) {
    const place = letters.length < 7 ? letters.length : letters.findIndex(each => uses(each) < uses(line));
    if (!letters.includes(line) && place >= 0) letters[place] = line; // a remark keeps its letter
  }
  find("#remarks").replaceChildren(...letters.map((textContent, place) =>
    Object.assign(document.createElement("button"), {textContent, value: "abcdefg"[place]})));
}

const KEYS = {
  j: () => shown()[shown().indexOf(at()) + 1]?.focus(),
  k: () => shown()[shown().indexOf(at()) - 1]?.focus(),
  r: () => find("textarea", at()).focus(),
  backspace: () => give(at(), null),
};
document.addEventListener("keydown", event => {
  const isTyping = event.target.matches("textarea"), key = event.key.toLowerCase();
  if (isTyping && key === "escape") at().focus();
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const digit = event.code.match(/(?:Digit|Numpad)(\d)/)?.[1];
  const value = digit ? (Number(digit) + half).toFixed(1) : CSS.escape(key);
  const button = find(`[value="${value}"]`, digit ? at() : document);
  half = key === "." || key === "," ? 0.5 : 0;
  if (button) button.click();
  else if (KEYS[key]) KEYS[key]();
  else return;
  event.preventDefault();
});
document.addEventListener("click", ({target}) => {
  const button = target.closest("button"), line = button?.textContent, card = at();
  if (button?.closest("article")) {
    const rest = cards.slice(cards.indexOf(card) + 1);
    give(card, Number(button.value));
    (rest.find(waits) ?? (waits(card) ? null : rest[0]))?.focus(); // stay on the last unmarked card rather than go to a marked one
  } else if (button) write(card, old => old.includes(line) ? old.filter(each => each !== line) : [...old, line]);
});
document.addEventListener("focusin", ({target}) => {
  const now = target.closest("article") ?? at();
  for (const card of cards) card.classList.toggle("at", card === now);
});
document.addEventListener("change", ({target}) => {
  const text = target.value.trim();
  if (target.matches("textarea")) write(target.closest("article"), () => [text]);
});
addEventListener("beforeunload", event => { if (pending) event.preventDefault(); });
for (const part of all("aside details")) part.open = innerWidth > 768;
paint();
(cards.find(waits) ?? cards[0]).focus();
