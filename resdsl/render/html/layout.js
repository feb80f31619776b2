// Where everything goes. A level is laid out from the top down by itself, and boxes that are unfolded hold
// the layout of their own. The longest way through it (the trunk) is one straight line; every other way is a
// straight line beside it, close or far enough to pass what lies between.

const FONT = "Arial, 'Liberation Sans', Helvetica, sans-serif";
const GAP = 24, WIDE_GAP = 34, ROOM = 14, HEAD = 30, LANE = 22;
const measurer = document.createElement("canvas").getContext("2d");
const widths = new Map();

function textWidth(text, size, bold = false) {
  const key = `${size}${bold}${text}`;
  if (!widths.has(key)) {
    measurer.font = `${bold ? "bold " : ""}${size}px ${FONT}`;
    widths.set(key, measurer.measureText(text).width);
  }
  return widths.get(key);
}

function fitted(text, size, most, bold = false) {
  if (textWidth(text, size, bold) <= most) return text;
  let end = text.length;
  while (end > 1 && textWidth(`${text.slice(0, end)}…`, size, bold) > most) end--;
  return `${text.slice(0, end).trimEnd()}…`;
}

// ------------------------------------------------------------------ sizes of single boxes

const QUIET = ["norm", "activation", "regularisation"];
const named = (item) => (/^\d+$/.test(item.node.id) || item.node.id.startsWith("#") ? "" : item.name);

// A step that is drawn under the one before it, in the same box.
function attaches(item) {
  if (item.foldable || !QUIET.includes(item.node.kind) || item.node.label) return false;
  const siblings = item.parent.children, [source, index] = item.inputs[0] ?? [-1, 0];
  const before = siblings[source - item.parent.level.in.length];
  if (!before || before.foldable || index || item.inputs.length > 1 || item.node.skip !== before.node.skip) return false;
  if (!["conv", "linear", ...QUIET].includes(before.node.kind)) return false;
  return usesOf(item.parent.level)[source] === 1 && before.number === item.number - 1;
}

function usesOf(level) {
  if (!level.uses) {
    level.uses = new Array(level.in.length + level.nodes.length).fill(0);
    level.nodes.forEach((_, number) => inputsOf(level, number).forEach(([source]) => level.uses[source]++));
    level.out.forEach((ref) => level.uses[Array.isArray(ref) ? ref[0] : ref]++);
  }
  return level.uses;
}

function sizeOfLeaf(item) {
  if (item.node.kind === "identity") return { form: "dot", w: 9, h: 9 };
  if (item.text.length <= 1) return { form: "circle", w: 22, h: 22 };
  const quiet = QUIET.includes(item.node.kind);
  const name = named(item), size = quiet ? 11 : 12;
  const w = textWidth(item.text, size) + (name ? textWidth(name, 10) + 8 : 0) + 22;
  return { form: "leaf", w: Math.max(w, 64), h: quiet ? 18 : 25 };
}

function sizeOfCard(item) {
  const lines = cardLines(item);
  const wanted = lines.map((line) => line.w);
  const w = Math.min(Math.max(item.depth === 1 ? 220 : 150, ...wanted) + 28, WIDEST);
  return { form: "card", w, h: 12 + lines.reduce((sum, line) => sum + line.h, 0), lines };
}

const TITLE = 14, NOTE = 11, WIDEST = 480;
const noteWidth = (text) => textWidth(text, NOTE);
const thousands = (count) => count.toLocaleString("en-US");

// The lines of a card: name and description, what its blocks hold, how large it is.
function cardLines(item) {
  const { params = 0, macs = 0, recipe } = item.node;
  const times = item.node.times ?? item.count;
  const right = times > 1 ? `× ${thousands(times)}` : "";
  const name = textWidth(item.name, TITLE, true);
  const beside = name + noteWidth(item.text) < 300;
  const lines = [{ kind: "title", right, beside, h: 19,
    w: 12 + name + (beside ? 10 + noteWidth(item.text) : 0) + (right ? 16 + textWidth(right, TITLE, true) : 0) }];
  if (!beside) lines.push(note(item.text));
  const kinds = Object.entries(item.node.kinds ?? {});
  const kindsWidth = kinds.reduce((sum, [kind, n]) => sum + kindWidth(kind, n), 0);
  const boxes = recipe === undefined ? "" : `[ ${word(recipe)} ]`;
  if (boxes) lines.push(note(boxes));
  if (kinds.length) {
    const joins = boxes && noteWidth(boxes) < 220 && noteWidth(boxes) + 18 + kindsWidth < WIDEST - 40;
    const line = joins ? lines.pop() : { text: "", w: -18 };
    lines.push({ kind: "kinds", kinds, text: line.text, from: line.w + 18, h: 15, w: line.w + 18 + kindsWidth });
  }
  const sizes = [params ? `${short(params)} params` : "", macs ? macCount(macs) : ""].filter(Boolean);
  if (sizes.length && item.depth === 1) lines.push({ kind: "bars", h: 17, w: Math.max(BAR + 19 + noteWidth(sizes[0]), 132) + BAR + 5 + noteWidth(sizes[1] ?? "") });
  else if (sizes.length) lines.push(note(sizes.join(" · ")));
  return lines;
}
const BAR = 44;
const note = (text) => ({ kind: "text", text, h: 15, w: noteWidth(text) });
const kindWidth = (kind, n) => 42 + noteWidth(kindText(kind, n));
const kindText = (kind, n) => `${thousands(n)} ${KINDS[kind] ?? kind}`;

// ------------------------------------------------------------------ one level

// Lays out an item: its size, and if it is open its units and edges, placed in it.
function layout(item) {
  if (!item.foldable) return { item, ...sizeOfLeaf(item) };
  if (!item.open) return { item, ...sizeOfCard(item) };
  const inner = layoutLevel(item);
  if (item === root) return { item, form: "root", ...inner };
  const head = headText(item);
  const w = Math.max(inner.w + 2 * ROOM, textWidth(head.name, TITLE, true) + noteWidth(head.text) + 52);
  inner.dx = (w - inner.w) / 2;
  return { item, form: "open", w, h: inner.h + HEAD, inner, head, anchor: inner.dx + inner.trunk };
}

function headText(item) {
  const times = (item.node.times ?? item.count) > 1 ? `× ${thousands(item.node.times ?? item.count)}` : "";
  return { name: item.name, text: fitted([item.text, times].filter(Boolean).join("  "), 11, 260) };
}

function layoutLevel(item) {
  const level = item.level, isRoot = item === root, gap = isRoot ? WIDE_GAP : GAP;
  const units = unitsOf(item);
  if (isRoot) alike(units);
  const edges = edgesOf(item, units);
  rank(units, edges);
  const paths = pathsOf(units, edges);
  for (const unit of units) { // how far it reaches to the left and right of its line
    const anchor = unit.parts?.[0].anchor ?? unit.w / 2;
    [unit.l, unit.r] = [anchor, unit.w - anchor];
  }
  const bowl = isRoot && placeBowl(units, paths, gap);
  if (!bowl) {
    for (const edge of edges) edge.points = edge.mark = undefined;
    placeAcross(units, paths);
    placeDown(units, gap, isRoot);
  }
  const box = bounds(units, bowl ? [] : paths);
  for (const unit of units) unit.x -= box.left;
  for (const path of paths) if (path.x !== null) path.x -= box.left;
  for (const { points, mark } of edges) {
    for (const point of points ?? []) point[0] -= box.left;
    if (mark) mark.x -= box.left;
  }
  return { w: box.right - box.left, h: box.bottom, units, edges, level, gap, trunk: -box.left };
}

// Boxes: a step with those attached to it; the inputs before and the outputs after them.
function unitsOf(item) {
  const level = item.level, units = [];
  const make = (unit) => { units.push({ number: units.length, ins: [], outs: [], ...unit }); return units.at(-1); };
  const isRoot = item === root;
  level.in.forEach(([name, shape]) => {
    const text = isRoot || level.in.length > 1 ? name : "";
    make({ feed: true, text, shape: word(shape), w: text ? textWidth(text, 12.5) + 4 : 0, h: text ? 16 : 0 });
  });
  level.owner = units.slice();
  for (const child of item.children) {
    const made = layout(child);
    if (attaches(child)) {
      const unit = units.at(-1);
      unit.parts.push(made);
      unit.w = Math.max(unit.w, made.w);
      unit.h += made.h;
      level.owner.push(unit);
    } else {
      level.owner.push(make({ parts: [made], form: made.form, w: made.w, h: made.h, source: !child.inputs.length }));
    }
  }
  level.out.forEach((_, index) => {
    const text = isRoot ? (net.outputs[index] ?? (level.out.length > 1 ? `output ${index + 1}` : "output")) : "";
    make({ sink: index, text, w: text ? textWidth(text, 12.5) + 4 : 0, h: text ? 16 : 0 });
  });
  return units;
}

// Cards of the net are equally wide.
function alike(units) {
  const cards = units.filter((unit) => unit.form === "card");
  const widest = Math.max(...cards.map((unit) => unit.w));
  for (const unit of cards) unit.w = unit.parts[0].w = widest;
}

function edgesOf(item, units) {
  const level = item.level, edges = [];
  const shapeOf = (source, index) => source < level.in.length ? word(level.in[source][1])
    : item.children[source - level.in.length].shapeAt(index);
  const join = (source, index, to, slot, style) => {
    const from = level.owner[source];
    if (from === to) return;
    const edge = { from, to, slot, style, shape: shapeOf(source, index) };
    edges.push(edge);
    from.outs.push(edge);
    to.ins.push(edge);
  };
  for (const child of item.children) {
    child.inputs.forEach(([source, index], slot) => {
      const kind = child.node.shortcut && slot === child.inputs.length - 1 ? child.node.shortcut : child.node.skip;
      join(source, index, level.owner[level.in.length + child.number], slot, kind ?? "");
    });
  }
  level.out.forEach((ref, index) => {
    const [source, port] = Array.isArray(ref) ? ref : [ref, 0];
    join(source, port, units.find((unit) => unit.sink === index), 0, "");
  });
  return edges;
}

function rank(units, edges) {
  for (const unit of units) unit.rank = unit.ins.reduce((most, { from }) => Math.max(most, from.rank + 1), 0);
  for (const unit of units) { // tensors stand just before what takes them
    if (unit.source && unit.outs.length) unit.rank = Math.min(...unit.outs.map((edge) => edge.to.rank)) - 1;
  }
  const last = Math.max(...units.map((unit) => unit.rank));
  const least = Math.min(...units.map((unit) => unit.rank));
  for (const unit of units) unit.rank -= least;
  for (const unit of units) if (unit.sink !== undefined) unit.rank = last - least;
}

// Every unit and every edge belongs to one path: the trunk, branches beside it, and edges that pass others.
function pathsOf(units, edges) {
  const free = new Set(units), paths = [];
  const order = [...units].sort((a, b) => a.rank - b.rank);
  while (free.size) {
    const best = new Map();
    let end = null;
    for (const unit of order) {
      if (!free.has(unit)) continue;
      let [length, via] = [0, null];
      for (const edge of unit.ins) {
        if (!free.has(edge.from)) continue;
        const before = best.get(edge.from).length + (paths.length ? 0 : weight(edge));
        if (before > length) [length, via] = [before, edge];
      }
      best.set(unit, { length: length + 1, via });
      const closer = !paths.length && unit.sink !== undefined ? 0.5 : 0;
      if (!end || length + 1 + closer > best.get(end).length) end = unit;
    }
    const path = { units: [], edges: [], x: 0 };
    for (let unit = end; unit; unit = best.get(unit).via?.from) {
      path.units.unshift(unit);
      free.delete(unit);
      unit.path = path;
      const via = best.get(unit).via;
      if (via) { path.edges.unshift(via); via.path = path; }
    }
    paths.push(path);
  }
  // A branch leaves by one edge and comes back by one; these go along its line.
  for (const path of paths.slice(1)) {
    const [first, last] = [path.units[0], path.units.at(-1)];
    path.enters = first.ins.find((edge) => !edge.path);
    path.leaves = last.outs.find((edge) => !edge.path);
    for (const edge of [path.enters, path.leaves]) if (edge) { edge.path = path; path.edges.push(edge); }
    path.from = path.enters ? path.enters.from.rank + 1 : first.rank;
    path.to = path.leaves ? path.leaves.to.rank - 1 : last.rank;
    path.slot = path.leaves ? path.leaves.slot : path.enters ? path.enters.slot : 0;
    path.join = path.leaves?.to;
  }
  for (const edge of edges) {
    if (edge.path) continue;
    const path = { units: [], edges: [edge], x: 0, from: edge.from.rank + 1, to: edge.to.rank - 1, slot: edge.slot, join: edge.to };
    edge.path = path;
    paths.push(path);
  }
  return paths;
}

// Of equally long ways the trunk takes one that is no shortcut, then the first of two, the middle of more.
function weight({ style, slot, to }) {
  const away = to.ins.length > 2 ? Math.abs(slot - (to.ins.length - 1) / 2) : slot;
  return (style ? -0.25 : 0) - away * 0.001;
}

function placeAcross(units, paths) {
  const [trunk, ...others] = paths;
  const count = Math.max(...units.map((unit) => unit.rank)) + 1;
  const right = new Array(count).fill(1), left = new Array(count).fill(1);
  for (const unit of trunk.units) [left[unit.rank], right[unit.rank]] = [unit.l, unit.r];
  const trunkSlot = new Map();
  for (const edge of trunk.edges) trunkSlot.set(edge.to, edge.slot);
  others.sort((a, b) => (a.to - a.from) - (b.to - b.from) || a.slot - b.slot);
  for (const path of others) {
    if (path.to < path.from) { path.x = null; continue; } // between neighbours: needs no line of its own
    const toLeft = path.join && trunkSlot.has(path.join) && path.slot < trunkSlot.get(path.join);
    const side = toLeft ? left : right;
    const near = new Map(path.units.map((unit) => [unit.rank, toLeft ? unit.r : unit.l]));
    const far = new Map(path.units.map((unit) => [unit.rank, toLeft ? unit.l : unit.r]));
    const space = path.units.length ? LANE : LANE - 4;
    let x = 0;
    for (let r = path.from; r <= path.to; r++) x = Math.max(x, side[r] + space + (near.get(r) ?? 0));
    for (let r = path.from; r <= path.to; r++) side[r] = x + (far.get(r) ?? 1);
    path.x = toLeft ? -x : x;
    for (const unit of path.units) unit.x = path.x;
  }
  for (const unit of trunk.units) unit.x = 0;
  for (const unit of units) unit.x ??= 0;
}

function placeDown(units, gap, isRoot) {
  const rows = [];
  for (const unit of units) (rows[unit.rank] ??= []).push(unit);
  let y = 0;
  rows.forEach((row, index) => {
    const tall = Math.max(...row.map((unit) => unit.h));
    const small = row.every((unit) => unit.h < 2);
    if (index) y += small && !isRoot ? gap * 0.7 : gap;
    for (const unit of row) {
      unit.y = y + (tall - unit.h) / 2;
      unit.top = y;
      unit.bottom = y + tall;
    }
    y += tall;
  });
}

function bounds(units, paths) {
  const xs = paths.filter((path) => path.x !== null).map((path) => path.x);
  return {
    left: Math.min(...xs, ...units.map((unit) => unit.x - unit.l)),
    right: Math.max(...xs, ...units.map((unit) => unit.x + unit.r)),
    bottom: Math.max(...units.map((unit) => unit.y + unit.h)),
  };
}
