// What is said of one step: the figures in a tooltip; with its lines in the spec and in PyTorch beside the picture.

const byId = (id) => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function share(value, whole) {
  if (!value || !whole) return "";
  const part = (100 * value) / whole;
  return part >= 99.95 ? "" : ` (${part < 0.1 ? "< 0.1" : part.toPrecision(part < 10 ? 2 : 3)} %)`;
}

// The figures of an item, as pairs.
function figures(item) {
  const made = [];
  const given = item.inputs.map(([source]) => source).length;
  if (given === 1) made.push(["input", word(arriving(item))]);
  const shapes = Array.isArray(item.node.shape) ? item.node.shape.map(word) : [item.shape];
  made.push([shapes.length > 1 ? "outputs" : "output", shapes.slice(0, 4).join(", ") + (shapes.length > 4 ? ", …" : "")]);
  made.push(["parameters", (item.node.params ?? 0).toLocaleString("en-US") + share(item.node.params, net.params)]);
  if (net.counted) made.push(["MACs", (item.node.macs ?? 0).toLocaleString("en-US") + share(item.node.macs, net.macs)]);
  made.push(["receptive field", fieldText(item.field)]);
  if (item.count > 1) made.push(["copies", item.count.toLocaleString("en-US")]);
  const kinds = Object.entries(item.node.kinds ?? {});
  if (kinds.length) made.push(["shortcuts", kinds.map(([kind, n]) => kindText(kind, n)).join(", ")]);
  if (item.node.shortcut) made.push(["shortcut", KINDS[item.node.shortcut] ?? item.node.shortcut]);
  return made;
}

function showTip(item, box) {
  const tip = byId("tip");
  const rows = figures(item).map(([name, text]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, text)));
  const path = item.path === item.name ? null : element("code", {}, ` ${item.path}`);
  tip.replaceChildren(element("strong", {}, item.name), path ?? "", element("div", {}, item.text), element("table", {}, ...rows));
  tip.hidden = false;
  const [w, h] = [tip.offsetWidth, tip.offsetHeight];
  const area = byId("stage").getBoundingClientRect();
  const left = box.right + 10 + w < area.right ? box.right + 10 : box.left - 10 - w;
  tip.style.left = `${Math.max(area.left + 4, Math.min(left, area.right - w - 4))}px`;
  tip.style.top = `${Math.max(area.top + 4, Math.min(box.top, area.bottom - h - 4))}px`;
}
const hideTip = () => { byId("tip").hidden = true; };

function showPanel(item, choose) {
  const panel = byId("panel");
  const crumbs = item.above.flatMap((above) => [
    element("button", { class: "crumb", onclick: () => choose(above) }, above.name), " › "]);
  const rows = figures(item).map(([name, text]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, text)));
  byId("panel-title").replaceChildren(item.name);
  const graph = item.isPart ? null : item.graph;
  byId("panel-body").replaceChildren(
    element("p", { class: "crumbs" }, ...crumbs, element("code", {}, item.path)),
    element("p", {}, item.text, graph?.args !== undefined ? element("span", { class: "args" }, ` (${word(graph.args)})`) : null),
    ...(graph?.doc !== undefined ? [element("p", { class: "doc" }, word(graph.doc))] : []),
    element("table", {}, ...rows),
    ...specOf(item, graph),
    ...codeOf(item),
  );
  panel.hidden = false;
  byId("panel-body").scrollTop = 0;
  for (const code of panel.querySelectorAll("pre")) { // to what is marked
    const first = code.querySelector("mark");
    if (first) code.scrollTop = first.offsetTop - code.offsetTop - 40;
  }
}

// The lines of the spec: where it is called, and where it is declared.
function specOf(item, graph) {
  const places = [];
  const at = item.node.at ?? item.children.find((child) => child.node.at !== undefined)?.node.at;
  if (at !== undefined) places.push(["Spec", at]);
  if (graph?.kind === "block" && graph.at !== at) places.push(["Declared", graph.at]);
  return places.flatMap(([title, place]) => {
    const [source, start, end] = net.places[place];
    const spec = net.specs[source];
    const lines = spec.text.split("\n");
    let offset = 0;
    const rows = lines.map((text) => { const row = { text, from: offset }; offset += [...text].length + 1; return row; });
    const first = rows.findLastIndex((row) => row.from <= start);
    const last = Math.max(first, rows.findLastIndex((row) => row.from < end));
    const shown = rows.slice(Math.max(0, first - 1), Math.min(rows.length, Math.min(last, first + 24) + 2));
    const code = element("pre", { tabindex: "0", "aria-label": `${title}: ${spec.path}` });
    for (const row of shown) {
      const number = rows.indexOf(row) + 1, letters = [...row.text];
      const [a, b] = [Math.max(0, start - row.from), Math.min(letters.length, end - row.from)];
      const inside = b > a && number - 1 >= first && number - 1 <= last;
      const parts = inside
        ? [letters.slice(0, a).join(""), element("mark", {}, letters.slice(a, b).join("")), letters.slice(b).join("")]
        : [row.text];
      code.append(element("span", { class: "number" }, String(number).padStart(3)), " ", ...parts, "\n");
    }
    return [element("h3", {}, title, " ", element("code", {}, `${spec.path}:${first + 1}`)), code];
  });
}

// The class it is emitted in, with the lines that name it marked.
function codeOf(item) {
  let owner = item;
  while (owner && (owner.isPart || owner.graph?.class === undefined)) owner = owner.parent;
  if (!owner) return [];
  const made = net.classes[owner.graph.class];
  const rest = owner === item ? "" : item.path.slice(owner.prefix.length);
  const marked = marker(rest, item.node.module);
  const code = element("pre", { tabindex: "0", "aria-label": `PyTorch: class ${made.name}` });
  for (const line of made.text.split("\n")) {
    code.append(marked(line) ? element("mark", {}, line) : line, "\n");
  }
  return [element("h3", {}, "PyTorch ", element("code", {}, `class ${made.name}`)), code];
}

// Whether a line names a layer: `self.layer1`, or `"conv0"` in a container.
function marker(address, module) {
  if (!address) return () => false;
  const [first, ...more] = (module && !address.includes(".") ? module : address).split(".");
  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const tests = [];
  if (!/^\d/.test(first)) tests.push(new RegExp(`\\bself\\.${escaped(first)}(?!\\w)|["']${escaped(first)}["']`));
  for (const part of more) if (!/^\d/.test(part)) tests.push(new RegExp(`["']${escaped(part)}["']`));
  return (line) => tests.some((test) => test.test(line));
}
