// Keeps the page current, cell by cell: asks every second, changes only the text that differs, and never replaces what
// is there. cellsOf, positionOf, directionOf, formatAge, formatTime and stateText precede this text: see page.ts.

const refreshMs = 1000;
const answerWithinMs = 2500;
const ageStepMs = 100;

const byId = (id) => document.getElementById(id);
const body = document.body;
const rowsBySymbol = new Map();
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** When the data on the page was fetched, on this browser's steady clock; its wall clock may be wrong. */
let fetchedAt = "ageMs" in body.dataset ? performance.now() - Number(body.dataset.ageMs) : undefined;
let unreachableSince;
let timer;
let refreshing = false;

const setText = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};
const setAttribute = (node, name, value) => {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
};

function remember(row) {
  const fields = new Map();
  for (const node of row.querySelectorAll("[data-field]")) fields.set(node.dataset.field, node);
  const find = (selector) => row.querySelector(selector);
  rowsBySymbol.set(row.dataset.symbol, {
    row,
    fields,
    tick: find(".tick"),
    arrow: find(".arrow"),
    moved: find(".moved"),
    opened: find(".opened"),
    now: find(".now"),
    price: Number(fields.get("price").textContent),
  });
}

/** Makes the rows those of `quotes`, in that order; almost always they are already. */
function matchRows(quotes) {
  const wanted = quotes.map(({ symbol }) => symbol);
  if (wanted.join("\n") === [...rowsBySymbol.keys()].join("\n")) return;
  rowsBySymbol.clear();
  const rows = quotes.map((quote) => {
    const row = byId("row").content.firstElementChild.cloneNode(true);
    row.dataset.symbol = quote.symbol;
    row.querySelector("[data-field=price]").textContent = String(quote.price);
    remember(row);
    return row;
  });
  document.querySelector("tbody").replaceChildren(...rows);
}

function showQuote(quote) {
  const entry = rowsBySymbol.get(quote.symbol);
  const cells = cellsOf(quote);
  for (const [field, text] of Object.entries(cells)) setText(entry.fields.get(field), text);
  setAttribute(entry.row, "data-change", directionOf(cells.change));
  setAttribute(entry.opened, "x", positionOf(quote.open, quote));
  setAttribute(entry.now, "cx", positionOf(quote.price, quote));
  if (quote.price === entry.price) return;
  const tick = quote.price > entry.price ? "up" : "down";
  entry.price = quote.price;
  setAttribute(entry.row, "data-tick", tick);
  setText(entry.arrow, tick === "up" ? "▲" : "▼");
  setText(entry.moved, tick);
  if (calm.matches) return;
  entry.tick.animate([{ backgroundColor: `var(--${tick}-flash)` }, { backgroundColor: "transparent" }], {
    duration: 900,
    easing: "ease-out",
  });
}

function showData({ asOf, ageMs, hop, quotes }) {
  fetchedAt = performance.now() - ageMs;
  matchRows(quotes);
  for (const quote of quotes) showQuote(quote);
  setText(byId("as-of"), formatTime(asOf));
  byId("empty").hidden = true;
  byId("age").hidden = false;
  byId("hop").hidden = hop === null;
  setText(byId("caller"), hop?.caller ?? "");
  setText(byId("callee"), hop?.callee ?? "");
}

function showState(state, since) {
  body.dataset.state = state;
  setText(byId("state"), stateText(state, since, fetchedAt !== undefined));
  document.title = state === "live" ? "Quotes" : "Quotes – unavailable";
}

function showAge() {
  if (fetchedAt !== undefined) setText(byId("age").firstElementChild, `${formatAge(performance.now() - fetchedAt)}`);
}

/** The broker's answer, or undefined when what came is not the broker's: nothing, an error of a proxy, not JSON. */
async function ask() {
  try {
    const response = await fetch("/api/quotes", { cache: "no-store", signal: AbortSignal.timeout(answerWithinMs) });
    const answer = await response.json();
    return response.ok || answer.code === "QUOTES_UNAVAILABLE" ? answer : undefined;
  } catch {
    // Every failure means the same to the reader, and the next second asks again.
    return undefined;
  }
}

function show(answer) {
  if (answer === undefined) {
    unreachableSince ??= new Date().toISOString();
    showState("unreachable", unreachableSince);
    return;
  }
  unreachableSince = undefined;
  const data = "code" in answer ? answer.lastData : answer;
  if (data !== undefined) showData(data);
  showState("code" in answer ? "unavailable" : "live", answer.since);
}

async function refresh() {
  if (refreshing) return;
  refreshing = true;
  const began = performance.now();
  try {
    show(await ask());
    showAge();
  } finally {
    refreshing = false;
    plan(refreshMs - (performance.now() - began));
  }
}

/** A page nobody sees asks nothing; it asks at once when it is seen again. */
function plan(ms) {
  clearTimeout(timer);
  timer = document.hidden ? undefined : setTimeout(refresh, Math.max(0, ms));
}

for (const row of document.querySelectorAll("tbody tr")) remember(row);
document.addEventListener("visibilitychange", () => plan(0));
setInterval(showAge, ageStepMs);
plan(refreshMs);
