// What the reader does: by mouse, touch and keys.

const picture = byId("picture");
let current = null; // the item with the focus
let chosen = null; // the item in the panel
const MOST_AT_ONCE = 500; // items, beyond which `Unfold` leaves the rest folded

function render() {
  Object.assign(view, drawAll(byId("world")));
  const keys = [...visible()];
  if (!current || !drawn.has(current.key)) current = keys[0] ?? null;
  drawn.get(current?.key)?.setAttribute("tabindex", "0");
  if (chosen) drawn.get(chosen.key)?.setAttribute("aria-selected", "true");
  remember();
}

// Folds or unfolds, and keeps the box where it is.
function toggle(item, open = !item.open) {
  if (!item.foldable || item.open === open) return;
  const before = placed.get(item.key);
  item.open = open;
  if (open && item.children.length === 1 && item.children[0].foldable) item.children[0].open = true;
  render();
  const after = placed.get(item.key);
  if (before && after) panBy((before.x + before.w / 2 - after.x - after.w / 2) * view.k, (before.y - after.y) * view.k);
  focus(item);
}

function focus(item, { quiet = false } = {}) {
  drawn.get(current?.key)?.setAttribute("tabindex", "-1");
  current = item;
  const element = drawn.get(item.key);
  if (!element) return;
  element.setAttribute("tabindex", "0");
  if (!quiet) element.focus({ preventScroll: true });
}

function choose(item) {
  reveal(item);
  drawn.get(chosen?.key)?.setAttribute("aria-selected", "false");
  chosen = item;
  drawn.get(item.key).setAttribute("aria-selected", "true");
  const was = byId("panel").hidden;
  showPanel(item, choose);
  if (was) bring(item.key);
  focus(item);
  hideTip();
  remember();
}

function close() {
  if (byId("panel").hidden) return;
  byId("panel").hidden = true;
  drawn.get(chosen?.key)?.setAttribute("aria-selected", "false");
  chosen = null;
  if (current) focus(current);
  remember();
}

// Unfolds all that is around an item.
function reveal(item) {
  const folded = item.above.filter((above) => !above.open);
  for (const above of folded) above.open = true;
  if (folded.length) render();
}

function itemAt(target) {
  const element = target.closest?.(".item");
  if (!element || !picture.contains(element)) return null;
  let found = root;
  const keys = element.dataset.key;
  while (found && found.key !== keys) {
    found = found.children.find((child) => keys === child.key || keys.startsWith(`${child.key}/`));
  }
  return found ?? null;
}

// ------------------------------------------------------------------ keys

const MOVES = {
  ArrowDown: (list, at) => list[at + 1],
  ArrowUp: (list, at) => list[at - 1],
  Home: (list) => list[0],
  End: (list) => list.at(-1),
};

picture.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !current) return;
  const list = [...visible()], at = list.indexOf(current);
  const { key } = event;
  if (event.shiftKey && key.startsWith("Arrow")) {
    const step = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[key];
    panBy(...step);
  } else if (key in MOVES) go(MOVES[key](list, at));
  else if (key === "ArrowRight") current.foldable && !current.open ? toggle(current, true) : go(current.open ? list[at + 1] : null);
  else if (key === "ArrowLeft") current.open ? toggle(current, false) : go(current.depth > 1 ? current.parent : null);
  else if (key === "Enter") choose(current);
  else if (key === " ") toggle(current);
  else return;
  event.preventDefault();
});

function go(item) {
  if (!item) return;
  focus(item);
  bring(item.key);
  showTip(item, headBox(item));
}

addEventListener("keydown", (event) => {
  const writes = event.target.matches?.("input");
  if (event.key === "Escape") {
    hideTip();
    if (!byId("results").hidden) shut();
    else if (writes) current && focus(current);
    else close();
  } else if (writes || event.ctrlKey || event.metaKey || event.altKey) return;
  else if (event.key === "/") byId("search").focus();
  else if (event.key === "+" || event.key === "=") zoomBy(1.25);
  else if (event.key === "-") zoomBy(0.8);
  else if (event.key === "0") fit();
  else return;
  event.preventDefault();
});

// ------------------------------------------------------------------ mouse and touch

const fingers = new Map();
let moved = 0;

picture.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
  moved = 0;
});

addEventListener("pointermove", (event) => {
  const before = fingers.get(event.pointerId);
  if (!before) return;
  const now = [event.clientX, event.clientY];
  moved += distance(before, now);
  fingers.set(event.pointerId, now);
  if (moved < 4) return;
  picture.classList.add("dragging");
  if (fingers.size === 1) panBy(now[0] - before[0], now[1] - before[1]);
  else if (fingers.size === 2) pinch(event.pointerId, before, now);
});

function pinch(id, before, now) {
  const other = [...fingers].find(([key]) => key !== id)[1];
  const { left, top } = area();
  zoomBy(Math.hypot(now[0] - other[0], now[1] - other[1]) / Math.max(1, Math.hypot(before[0] - other[0], before[1] - other[1])),
    other[0] - left, other[1] - top);
}

for (const end of ["pointerup", "pointercancel"]) {
  addEventListener(end, (event) => {
    fingers.delete(event.pointerId);
    picture.classList.remove("dragging");
  });
}

picture.addEventListener("click", (event) => {
  if (moved >= 4) return;
  const item = itemAt(event.target);
  if (!item) return close();
  if (event.target.closest(".toggle")) toggle(item);
  else choose(item);
});
picture.addEventListener("dblclick", (event) => {
  const item = itemAt(event.target);
  if (item && !event.target.closest(".toggle")) toggle(item);
});

picture.addEventListener("wheel", (event) => {
  event.preventDefault();
  const by = event.deltaMode === 1 ? 16 : 1, { left, top } = area();
  if (event.ctrlKey || event.metaKey) zoomBy(Math.exp(-event.deltaY * by * 0.004), event.clientX - left, event.clientY - top);
  else panBy(-event.deltaX * by, -event.deltaY * by);
}, { passive: false });

function headBox(item) {
  const { x, y, w, head } = placed.get(item.key), { left, top } = area();
  const box = { left: left + view.x + x * view.k, top: top + view.y + y * view.k };
  return { ...box, right: box.left + w * view.k, bottom: box.top + head * view.k };
}

picture.addEventListener("pointerover", (event) => {
  if (fingers.size || event.pointerType === "touch") return;
  const item = itemAt(event.target);
  if (item && item !== chosen) showTip(item, headBox(item));
  else hideTip();
});
picture.addEventListener("pointerleave", hideTip);
picture.addEventListener("focusout", hideTip);
picture.addEventListener("focusin", (event) => {
  const item = itemAt(event.target);
  if (!item) return;
  focus(item, { quiet: true });
  if (event.target.matches(":focus-visible") && item !== chosen) {
    bring(item.key);
    showTip(item, headBox(item));
  }
});

// ------------------------------------------------------------------ search

const box = byId("search"), results = byId("results");
let found = [], picked = -1;

function shut() {
  results.hidden = true;
  box.setAttribute("aria-expanded", "false");
  box.removeAttribute("aria-activedescendant");
}

box.addEventListener("input", () => {
  found = search(box.value);
  picked = found.length ? 0 : -1;
  results.replaceChildren(...found.map((item, index) => element("li", { role: "option", id: `r${index}`,
    "aria-selected": String(index === picked), onpointerdown: (event) => { event.preventDefault(); take(index); } },
  element("code", {}, item.path), " ", element("span", {}, item.text))));
  if (!found.length && box.value.trim()) results.append(element("li", { class: "none" }, "nothing of that name"));
  results.hidden = !box.value.trim();
  box.setAttribute("aria-expanded", String(!results.hidden));
  mark();
});

function mark() {
  [...results.children].forEach((row, index) => row.setAttribute("aria-selected", String(index === picked)));
  results.children[picked]?.scrollIntoView({ block: "nearest" });
  if (picked >= 0) box.setAttribute("aria-activedescendant", `r${picked}`);
  else box.removeAttribute("aria-activedescendant");
}

function take(index) {
  const item = found[index];
  if (!item) return;
  shut();
  choose(item);
  bring(item.key, true);
}

box.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") picked = Math.min(picked + 1, found.length - 1);
  else if (event.key === "ArrowUp") picked = Math.max(picked - 1, 0);
  else if (event.key === "Enter") take(picked);
  else return;
  event.preventDefault();
  mark();
});
box.addEventListener("blur", shut);

// ------------------------------------------------------------------ buttons, and where the reader was

byId("in").addEventListener("click", () => zoomBy(1.25));
byId("out").addEventListener("click", () => zoomBy(0.8));
byId("fit").addEventListener("click", () => fit());
byId("close").addEventListener("click", close);
byId("unfold").addEventListener("click", () => {
  for (const item of [...visible()]) {
    if (item.foldable && !item.open && [...visible()].length < MOST_AT_ONCE) item.open = true;
  }
  render();
  fit(true);
});
byId("fold").addEventListener("click", () => {
  for (const item of [...visible()]) item.open = false;
  render();
  fit(true);
});
byId("theme").addEventListener("click", () => {
  const html = document.documentElement;
  const dark = html.dataset.theme === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : html.dataset.theme === "dark";
  html.dataset.theme = dark ? "light" : "dark";
});

// The address names the chosen step, so that a link shows it; a reload opens what was open.
function remember() {
  const hash = chosen ? `#${encodeURIComponent(chosen.path)}` : "";
  try {
    if (location.hash !== hash) history.replaceState(null, "", hash || location.pathname + location.search);
    const open = [...visible()].filter((item) => item.open).map((item) => item.key);
    sessionStorage.setItem(`resdsl ${net.name}`, JSON.stringify({ open, x: view.x, y: view.y, k: view.k }));
  } catch { /* a page inside another may have neither address nor storage */ }
}

function recall() {
  let was = null;
  const reloaded = performance.getEntriesByType("navigation")[0]?.type === "reload";
  try { was = reloaded ? JSON.parse(sessionStorage.getItem(`resdsl ${net.name}`)) : null; } catch { /* as above */ }
  for (const key of was?.open ?? []) {
    const item = find(key);
    if (item?.foldable) item.open = true;
  }
  return was;
}

function legend() {
  const kinds = {};
  for (const item of root.children) {
    for (const [kind, n] of Object.entries(item.node.kinds ?? {})) kinds[kind] = (kinds[kind] ?? 0) + n;
  }
  const notes = net.note ? [element("span", {}, net.note)] : [];
  byId("legend").replaceChildren(...notes, ...Object.entries(kinds).map(([kind, n]) => {
    const line = svg("svg", { width: 30, height: 8, "aria-hidden": "true" }, svg("path", { class: `edge ${kind}`, d: "M1 4h28" }));
    return element("span", {}, line, ` ${KINDS[kind] ?? kind} shortcut${n > 1 ? `s × ${n.toLocaleString("en-US")}` : ""}`);
  }));
}

const was = recall();
const wanted = decodeURIComponent(location.hash.slice(1));
legend();
render();
fit(true);
if (was) Object.assign(view, { x: was.x, y: was.y, k: was.k });
apply();
const linked = wanted && find(wanted);
if (linked) {
  choose(linked);
  if (!was) bring(linked.key, true);
}
addEventListener("resize", () => { if (!chosen) fit(true); });
addEventListener("pagehide", remember);
