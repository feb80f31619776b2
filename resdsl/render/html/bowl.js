// Encoders and decoders: where the trunk is passed by edges inside each other, it goes down on the left,
// along the bottom and up on the right, and those edges go straight across.

const MOST_AT_THE_BOTTOM = 2;

// Places the units so, and the points of all edges; false where the level is no such net.
function placeBowl(units, paths, gap) {
  const trunk = paths[0].units, skips = skipsOf(units, paths);
  if (!skips) return false;
  const inner = skips.at(-1);
  const left = trunk.slice(0, inner.a + 1), bottom = trunk.slice(inner.a + 1, inner.b);
  if (bottom.length > MOST_AT_THE_BOTTOM) return false;
  const right = trunk.slice(inner.b).reverse();
  const across = (list) => list.reduce((sum, unit) => sum + unit.w + 40, 40);
  const between = Math.max(150, ...skips.map(({ path }) => across(path.units)));
  const span = Math.max(Math.max(...left.map((u) => u.r)) + between + Math.max(...right.map((u) => u.l)), across(bottom) + 40);
  for (const unit of left) unit.x = 0;
  for (const unit of right) unit.x = span;

  // From the top down; the ends of an edge stand side by side, and what lies between them right above.
  let y = 0;
  const stack = (list, end) => { for (const unit of [...list].reverse()) { end -= unit.h; unit.y = end; end -= gap; } };
  const tall = (list) => list.reduce((sum, unit) => sum + unit.h + gap, 0);
  let [i, j] = [0, 0];
  for (const { a, b } of skips) {
    const over = [left.slice(i, a), right.slice(j, trunk.length - 1 - b)];
    const pair = [trunk[a], trunk[b]];
    y += Math.max(...over.map(tall));
    for (const list of over) stack(list, y - gap);
    const high = Math.max(...pair.map((unit) => unit.h));
    for (const unit of pair) unit.y = y + (high - unit.h) / 2;
    y += high + gap;
    [i, j] = [a + 1, trunk.length - b];
  }
  y += 12;
  const low = Math.max(0, ...bottom.map((unit) => unit.h));
  let x = (span - across(bottom) + 80) / 2;
  for (const unit of bottom) {
    unit.x = x + unit.l;
    unit.y = y + (low - unit.h) / 2;
    x += unit.w + 40;
  }
  for (const { path, a, b } of skips) alongSkip(path, trunk[a], trunk[b]);
  for (let k = 1; k < trunk.length; k++) alongTrunk(paths[0].edges[k - 1], k, inner, y + low / 2);
  for (const unit of units) { unit.top = unit.y; unit.bottom = unit.y + unit.h; }
  return true;
}

// The edges past the trunk, the outermost first; null unless each lies inside the one before.
function skipsOf(units, paths) {
  const place = new Map(paths[0].units.map((unit, index) => [unit, index]));
  const skips = [];
  for (const path of paths.slice(1)) {
    const [first, last] = [path.edges[0], path.edges.at(-1)];
    const from = path.units.length ? path.enters?.from : first.from;
    const to = path.units.length ? path.leaves?.to : last.to;
    if (!place.has(from) || !place.has(to) || path.units.length > 2) return null;
    skips.push({ path, a: place.get(from), b: place.get(to) });
  }
  skips.sort((s, t) => s.a - t.a);
  const nested = skips.every((skip, index) => !index || (skip.a > skips[index - 1].a && skip.b < skips[index - 1].b));
  return skips.length >= 2 && nested && units.filter((unit) => unit.sink !== undefined).length === 1 ? skips : null;
}

function alongTrunk(edge, to, inner, level) {
  const { from, to: next } = edge;
  const under = (unit) => unit.y + unit.h;
  if (to <= inner.a) edge.points = [[from.x, under(from)], [from.x, next.y]];
  else if (to > inner.b) edge.points = [[from.x, from.y], [from.x, under(next)]];
  else {
    const start = to - 1 === inner.a ? [[from.x, under(from)], [from.x, level]] : [[from.x + from.r, level]];
    const end = to === inner.b ? [[next.x, level], [next.x, under(next)]] : [[next.x - next.l, level]];
    edge.points = [...start, ...end];
  }
  const side = to <= inner.a + 1 ? 0 : edge.points.length - 2;
  const [[x, a], [, b]] = edge.points.slice(side);
  if (to <= inner.a + 1 || to >= inner.b) edge.mark = { x: x + 7, y: (a + b) / 2 + 3, text: edge.shape };
}

function alongSkip(path, from, to) {
  const y = from.y + from.h / 2, [start, end] = [from.x + from.r, to.x - to.l];
  const widths = path.units.reduce((sum, unit) => sum + unit.w, 0);
  const space = (end - start - widths) / (path.units.length + 1);
  let x = start;
  for (const unit of path.units) {
    x += space;
    unit.x = x + unit.l;
    unit.y = y - unit.h / 2;
    x += unit.w;
  }
  for (const edge of path.edges) {
    const [a, b] = [edge.from === from ? start : edge.from.x + edge.from.r, edge.to === to ? end : edge.to.x - edge.to.l];
    edge.points = [[a, y], [b, y]];
    edge.mark = { x: (a + b) / 2, y: y - 6, text: edge.shape, side: "middle" };
  }
}
