// The net as the page unfolds it: an Item is one place in the picture. The data holds each distinct graph once,
// as a level: `in` [name, shape, field], `nodes`, `out`, and for a graph its `name`, `kind`, `class`, place `at`.
// A node has an `id`, a `kind`, a `text`, what it takes (`in`: the node before where it is left out), `shape`,
// `params`, `macs`, the field of its output (`rf`: that of its first input where left out), its place `at` in the
// spec, and where it unfolds a `level`. Shapes and texts are numbers of `strings`.

const net = JSON.parse(document.getElementById("net").textContent);
const MOST_COPIES = 24;
const word = (number) => net.strings[number];

// Receptive fields: for each axis [extent, stride]; an extent of null sees all.
function compose(before, after) {
  if (before === undefined) return after;
  if (!before || !after) return null;
  return before.slice(0, after.length).map(([extent, stride], axis) => {
    const [more, step] = after[axis];
    return [extent === null || more === null ? null : extent + (more - 1) * stride, stride * step];
  });
}

// What one copy adds, from the fields before and after the first.
function windowOf(before, after) {
  if (!before || !after) return null;
  return before.slice(0, after.length).map(([extent, stride], axis) => {
    const [more, step] = after[axis];
    return [extent === null || more === null ? null : (more - extent) / stride + 1, step / stride];
  });
}

function inputsOf(level, number) {
  const given = level.nodes[number].in;
  if (given) return given.map((ref) => (Array.isArray(ref) ? ref : [ref, 0]));
  return [[level.in.length + number - 1, 0]];
}

// Fields of the inputs and nodes of a level, as seen from the input of its graph.
function fieldsOf(level) {
  if (!level.fields) {
    level.fields = level.in.map((inlet) => inlet[2]);
    level.nodes.forEach((node, number) => {
      const first = inputsOf(level, number)[0];
      level.fields.push("rf" in node ? node.rf : first ? level.fields[first[0]] : null);
    });
  }
  return level.fields;
}

class Item {
  constructor(parent, node, number) {
    this.parent = parent;
    this.node = node;
    this.number = number; // in the level of the parent
    this.depth = parent ? parent.depth + 1 : 0;
    this.key = parent ? `${parent.key}/${node.id}` : "";
    this.hue = node.row === undefined ? (parent ? parent.hue : -1) : (net.hues[node.row] ?? -1);
    this.isRun = node.copies !== undefined;
    this.isPart = node.kind === "part" || this.isRun;
    this.path = parent ? parent.prefix + node.id.replaceAll("#", "") : net.name;
    this.prefix = !parent ? "" : this.isPart ? parent.prefix : `${this.path}.`;
    this.foldable = node.level !== undefined || this.isRun;
    this.open = !parent;
  }

  get name() {
    if (this.node.label) return this.node.label;
    return this.isRun ? copiesText(this.node.copies) : this.node.id.replaceAll("#", "");
  }
  get text() { return this.parent ? word(this.node.text) : net.subtitle; }
  get count() {
    const copies = this.node.copies;
    return copies ? (typeof copies[1] === "number" ? copies[1] : copies.length) : 1;
  }
  get shape() {
    const shape = this.node.shape;
    return word(Array.isArray(shape) ? shape[0] : shape);
  }
  shapeAt(index) {
    const shape = this.node.shape;
    return word(Array.isArray(shape) ? shape[index] : shape);
  }
  get graph() { return this.node.level === undefined ? null : net.levels[this.node.level]; }

  // What it unfolds to: a level, for copies made here.
  get level() {
    if (!this.isRun) return this.graph;
    this.madeLevel ??= runLevel(this);
    return this.madeLevel;
  }
  get children() {
    if (!this.foldable) return [];
    this.madeChildren ??= this.level.nodes.map((node, number) => new Item(this, node, number));
    return this.madeChildren;
  }
  get inputs() { return inputsOf(this.parent.level, this.number); }

  // The field of what arrives, and of what it gives.
  get before() {
    if (!this.parent) return undefined;
    if (this.isPart) return this.parent.before;
    const first = this.inputs[0];
    return first ? compose(this.parent.before, fieldsOf(this.parent.level)[first[0]]) : null;
  }
  get field() {
    const level = this.parent.level;
    return compose(this.parent.before, fieldsOf(level)[level.in.length + this.number]);
  }
  get above() {
    const found = [];
    for (let item = this.parent; item && item.parent; item = item.parent) found.unshift(item);
    return found;
  }
}

function copiesText(copies) {
  if (typeof copies[1] === "number") return `${copies[0]}–${copies[0] + copies[1] - 1}`;
  return `${copies[0]}–${copies[copies.length - 1]}`.replaceAll("#", "");
}

// Copies of a step as a chain; many are a chain of shorter runs.
function runLevel(item) {
  const { copies, ...node } = item.node;
  const given = item.inputs[0], level = item.parent.level;
  const before = fieldsOf(level)[given[0]];
  const window = windowOf(before, node.once);
  const ids = typeof copies[1] === "number"
    ? Array.from({ length: copies[1] }, (_, i) => String(copies[0] + i)) : copies;
  const size = ids.length <= MOST_COPIES ? 1 : Math.ceil(ids.length / 20);
  const made = { in: [["", arriving(item), before]], nodes: [], out: [] };
  const shared = { ...node, label: undefined, row: undefined, once: undefined, in: undefined };
  let field = before;
  for (let at = 0; at < ids.length; at += size) {
    const mine = ids.slice(at, at + size);
    const once = compose(field, window);
    for (const _ of mine) field = compose(field, window);
    const part = mine.length / ids.length;
    const one = { ...shared, id: mine[0], rf: field, in: [at / size], params: (node.params ?? 0) * part,
      macs: (node.macs ?? 0) * part };
    if (node.kinds) {
      one.kinds = Object.fromEntries(Object.entries(node.kinds).map(([k, n]) => [k, n * part]));
    }
    if (mine.length > 1) Object.assign(one, { id: copiesText(mine), copies: mine, once });
    made.nodes.push(one);
  }
  made.out = [made.nodes.length];
  return made;
}

// Number of the shape that arrives at an item.
function arriving(item) {
  const level = item.parent.level, [source, index] = item.inputs[0] ?? [];
  if (source === undefined) return 0;
  if (source < level.in.length) return level.in[source][1];
  const shape = level.nodes[source - level.in.length].shape;
  return Array.isArray(shape) ? shape[index] : shape;
}

const root = new Item(null, { id: net.name, kind: "net", level: 0, params: net.params, macs: net.macs }, 0);

function* walk(item = root) {
  for (const child of item.children) {
    yield child;
    yield* walk(child);
  }
}

function* visible(item = root) {
  for (const child of item.children) {
    yield child;
    if (child.open) yield* visible(child);
  }
}

// The item with an address or a key; null if there is none.
function find(path) {
  let item = root;
  for (;;) {
    let next = null;
    for (const child of item.children) {
      if (child.path === path || child.key === path) return child;
      const inside = child.isRun ? holds(child, path) : child.node.kind === "part" ? part(child, path) : path.startsWith(child.prefix);
      if (inside) { next = child; break; }
    }
    if (!next) return null;
    item = next;
  }
}

function holds(run, path) {
  const start = run.parent.prefix;
  if (!path.startsWith(start)) return false;
  const rest = path.slice(start.length);
  const copies = run.node.copies;
  const id = rest.split(".")[0];
  if (typeof copies[1] === "number") return /^\d+$/.test(id) && +id >= copies[0] && +id < copies[0] + copies[1];
  return copies.some((c) => rest === c || rest.startsWith(`${c}.`));
}

function part(item, path) {
  return item.children.some((child) => child.path === path || (child.isRun ? holds(child, path)
    : child.node.kind === "part" ? part(child, path) : path.startsWith(child.prefix)));
}

// Items whose address or text holds some words, at most so many.
function search(query, most = 40) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [];
  let seen = 0;
  for (const item of walk()) {
    if (++seen > 200000 || found.length >= most) break;
    if (item.isPart && !item.node.label) continue;
    const text = `${item.path} ${item.node.label ?? ""} ${item.text}`.toLowerCase();
    if (words.length && words.every((w) => text.includes(w))) found.push(item);
  }
  return found;
}

// Counts with three significant digits, as in the table: `25.6 M`.
function short(count) {
  if (count < 10000) return count.toLocaleString("en-US");
  for (const [unit, size] of [["E", 1e18], ["P", 1e15], ["T", 1e12], ["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
    const value = count / size;
    if (value >= 0.9995) return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${unit}`;
  }
  return String(count);
}
const macCount = (count) => `${short(count)}${/[a-zA-Z]$/.test(short(count)) ? "" : " "}MACs`;

function fieldText(field) {
  if (!field || !field.length) return "–";
  const found = field.map(([extent]) => (extent === null ? "all" : String(+extent.toPrecision(6))));
  const text = new Set(found).size === 1 ? found[0] : found.join("×");
  return text === "all" ? "the whole input" : text;
}
const KINDS = { identity: "identity", projection: "projection", zero_pad: "zero-pad", body: "custom" };
