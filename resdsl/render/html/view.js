// The window on the picture: its place and zoom, and the whole of it on paper.

const view = { x: 0, y: 0, k: 1, w: 0, h: 0 };
const LEAST = 0.05, GREATEST = 4;

function apply() {
  hideTip();
  byId("world").setAttribute("transform", `translate(${r1(view.x)} ${r1(view.y)}) scale(${view.k.toFixed(4)})`);
  byId("zoom").textContent = `${Math.round(view.k * 100)} %`;
}

function area() {
  const box = byId("picture").getBoundingClientRect();
  return { w: box.width, h: box.height, left: box.left, top: box.top };
}

// All of it; with `readable` its whole width where all would be too small to read.
function fit(readable = false) {
  const { w, h } = area(), edge = 24;
  const across = (w - 2 * edge) / view.w, down = (h - 2 * edge) / view.h;
  view.k = Math.min(1.3, across, readable ? Math.max(down, 0.62) : down);
  view.k = Math.max(view.k, LEAST);
  view.x = (w - view.w * view.k) / 2;
  view.y = Math.max(edge, (h - view.h * view.k) / 2);
  apply();
}

function zoomBy(factor, x = area().w / 2, y = area().h / 2) {
  const k = Math.min(GREATEST, Math.max(LEAST, view.k * factor));
  view.x = x - ((x - view.x) * k) / view.k;
  view.y = y - ((y - view.y) * k) / view.k;
  view.k = k;
  apply();
}

function panBy(dx, dy) {
  view.x += dx;
  view.y += dy;
  apply();
}

// Moves the picture as little as shows a box.
function bring(key, middle = false) {
  const box = placed.get(key), { w, h } = area(), edge = 30;
  if (!box) return;
  const left = box.x * view.k + view.x, top = box.y * view.k + view.y;
  const wide = Math.min(box.w * view.k, w - 2 * edge), tall = Math.min(box.head * view.k, h - 2 * edge);
  if (middle) panBy((w - wide) / 2 - left, (h - tall) / 2 - top);
  else {
    const dx = left < edge ? edge - left : Math.min(0, w - edge - left - wide);
    const dy = top < edge ? edge - top : Math.min(0, h - edge - top - tall);
    panBy(dx, dy);
  }
}

// On paper the picture is as large as the page.
function toPaper() {
  const picture = byId("picture");
  picture.setAttribute("viewBox", `-8 -8 ${r1(view.w + 16)} ${r1(view.h + 16)}`);
  picture.setAttribute("preserveAspectRatio", "xMidYMin");
  byId("world").removeAttribute("transform");
}
function fromPaper() {
  byId("picture").removeAttribute("viewBox");
  apply();
}
addEventListener("beforeprint", toPaper);
addEventListener("afterprint", fromPaper);
