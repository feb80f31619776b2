// Draws the layout as SVG: a tree of groups that a screen reader can walk.

const SVG = "http://www.w3.org/2000/svg";
const drawn = new Map(); // element of each visible item, by key
const placed = new Map(); // box of each visible item in the picture, by key

function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
const label = (text, attributes) => svg("text", { "aria-hidden": "true", ...attributes }, text);

// Draws everything anew into a group; the size of the picture.
function drawAll(into) {
  drawn.clear();
  placed.clear();
  const laid = layout(root);
  into.replaceChildren(levelOf(laid, 0, 0));
  return { w: laid.w, h: laid.h };
}

function levelOf(laid, x, y) {
  const group = svg("g", { role: "group", transform: `translate(${r1(x)} ${r1(y)})` });
  const lines = svg("g", { class: "edges", "aria-hidden": "true" });
  const paths = routes(laid);
  for (const { edge, d, arrow, label: shape } of paths) {
    const kind = edge.style ? ` ${edge.style}` : "";
    lines.append(svg("path", { class: `edge${kind}`, d }));
    if (arrow) lines.append(svg("path", { class: `arrow${kind}`, d: arrow }));
    if (shape) lines.append(label(shape.text, { class: "shape", x: r1(shape.x), y: r1(shape.y), "text-anchor": shape.side }));
  }
  group.append(lines);
  for (const unit of laid.units) {
    if (unit.parts) {
      let top = unit.y;
      unit.parts.forEach((part, index) => {
        const w = unit.parts.length > 1 ? unit.w : part.w;
        const ends = [index === 0, index === unit.parts.length - 1];
        group.append(itemOf(part, unit.x - (unit.parts.length > 1 ? w / 2 : unit.l), top, w, x, y, ends));
        top += part.h;
      });
    } else if (unit.text) {
      const attributes = { class: "port", x: r1(unit.x), y: r1(unit.y + 12), "text-anchor": "middle" };
      group.append(label(unit.text, attributes));
    } else if (unit.feed && unit.outs.length > 1) {
      group.append(svg("circle", { class: "joint", cx: r1(unit.x), cy: r1(unit.y), r: 3 }));
    }
  }
  return group;
}

function itemOf(laid, x, y, w, atX, atY, ends) {
  const { item, form, h } = laid;
  const skip = item.node.skip ? ` on-${item.node.skip}` : "";
  const hue = item.hue < 0 ? 5 : item.hue;
  const group = svg("g", {
    class: `item ${form} ${item.node.kind} h${hue}${skip}`,
    role: "treeitem",
    tabindex: "-1",
    "aria-label": spoken(item),
    "aria-level": item.depth,
    "aria-expanded": item.foldable ? String(item.open) : undefined,
    "aria-selected": "false",
    transform: `translate(${r1(x)} ${r1(y)})`,
  });
  group.dataset.key = item.key;
  drawn.set(item.key, group);
  placed.set(item.key, { x: atX + x, y: atY + y, w, h, head: form === "open" ? HEAD : h });
  if (form === "circle" || form === "dot") {
    group.append(svg("circle", { class: "box", cx: w / 2, cy: h / 2, r: w / 2 }));
    if (form === "circle") group.append(label(item.text, { class: "sign", x: w / 2, y: h / 2 + 5, "text-anchor": "middle" }));
  } else if (form === "leaf") leafOf(group, laid, w, ends);
  else if (form === "card") cardOf(group, laid, w);
  else openOf(group, laid, w, atX + x, atY + y);
  const out = form === "leaf" ? -1.5 : 3.5; // of leaves inside, as the next may be attached
  group.append(svg("rect", { class: "ring", x: -out, y: -out, width: r1(w + 2 * out), height: r1(h + 2 * out), rx: out + 6 }));
  return group;
}

function leafOf(group, { item, h }, w, [first, last]) {
  group.append(svg("path", { class: "box", d: boxPath(w, h, first ? 6 : 0, last ? 6 : 0) }));
  const quiet = QUIET.includes(item.node.kind), size = quiet ? 11 : 12, name = named(item);
  const whole = textWidth(item.text, size) + (name ? textWidth(name, 10) + 8 : 0);
  const start = (w - whole) / 2, base = h / 2 + (quiet ? 4 : 4.3);
  if (name) group.append(label(name, { class: "name", x: r1(start), y: base }));
  group.append(label(item.text, { class: quiet ? "quiet" : "what", x: r1(start + (name ? textWidth(name, 10) + 8 : 0)), y: base }));
}

function boxPath(w, h, top, bottom) {
  return `M${top} 0H${r1(w - top)}q${top} 0 ${top} ${top}V${h - bottom}q0 ${bottom} ${-bottom} ${bottom}H${bottom}` +
    `q${-bottom} 0 ${-bottom} ${-bottom}V${top}q0 ${-top} ${top} ${-top}Z`;
}

function cardOf(group, { item, h, lines }, w) {
  if (item.count > 1) {
    for (const by of [6, 3]) group.append(svg("rect", { class: "box behind", x: by, y: -by, width: r1(w), height: h, rx: 8 }));
  }
  group.append(svg("rect", { class: "box", width: r1(w), height: h, rx: 8 }));
  const inner = w - 28;
  let y = 6;
  for (const line of lines) {
    const base = y + line.h - 4.5;
    if (line.kind === "title") titleOf(group, item, line, w, base);
    else if (line.kind === "text") group.append(label(fitted(line.text, NOTE, inner), { class: "note", x: 14, y: base }));
    else if (line.kind === "bars") barsOf(group, item, base);
    else kindsOf(group, line, base);
    y += line.h;
  }
}

function titleOf(group, item, { right, beside }, w, base) {
  group.append(toggleOf(item, 8, base - 13.5));
  const room = w - 40 - (right ? textWidth(right, TITLE, true) + 12 : 0);
  const name = fitted(item.name, TITLE, room, true);
  group.append(label(name, { class: "title", x: 26, y: base }));
  if (beside) group.append(label(item.text, { class: "note", x: r1(36 + textWidth(name, TITLE, true)), y: base }));
  if (right) group.append(label(right, { class: "times", x: r1(w - 14), y: base, "text-anchor": "end" }));
}

// Its parameters and MACs, as parts of those of the largest row.
function barsOf(group, item, base) {
  const most = (what) => Math.max(1, ...item.parent.children.map((child) => child.node[what] ?? 0));
  const bars = [["params", `${short(item.node.params ?? 0)} params`]];
  if (net.counted) bars.push(["macs", macCount(item.node.macs ?? 0)]);
  let x = 14;
  for (const [what, text] of bars) {
    const value = item.node[what] ?? 0, part = Math.max(value ? 1.5 : 0, (BAR * value) / most(what));
    group.append(svg("rect", { class: "rest", x: r1(x), y: base - 7, width: BAR, height: 6, rx: 1 }));
    group.append(svg("rect", { class: "bar", x: r1(x), y: base - 7, width: r1(part), height: 6, rx: 1 }));
    group.append(label(text, { class: "note", x: r1(x + BAR + 5), y: base }));
    x += Math.max(BAR + 5 + noteWidth(text) + 14, 132);
  }
}

function kindsOf(group, { kinds, text, from }, base) {
  if (text) group.append(label(text, { class: "note", x: 14, y: base }));
  let x = 14 + from;
  for (const [kind, count] of kinds) {
    group.append(svg("path", { class: `edge ${kind}`, d: `M${r1(x)} ${base - 3.5}h22` }));
    group.append(label(kindText(kind, count), { class: "note", x: r1(x + 27), y: base }));
    x += kindWidth(kind, count);
  }
}

function openOf(group, laid, w, x, y) {
  const { item, h, inner, head } = laid;
  group.append(svg("rect", { class: "frame", width: r1(w), height: r1(h), rx: 10 }));
  group.append(toggleOf(item, 8, 7));
  group.append(label(head.name, { class: "title", x: 27, y: 20 }));
  group.append(label(head.text, { class: "note", x: r1(37 + textWidth(head.name, TITLE, true)), y: 20 }));
  for (const unit of inner.units) { // the way in, where it does not cross the words
    const at = inner.dx + unit.x, end = 37 + textWidth(head.name, TITLE, true) + noteWidth(head.text);
    if (unit.feed && !unit.text && at > end + 8) group.append(svg("path", { class: "edge", d: `M${r1(at)} 0V${HEAD}` }));
  }
  group.append(levelOf(inner, x + inner.dx, y + HEAD));
  group.lastChild.setAttribute("transform", `translate(${r1(inner.dx)} ${HEAD})`);
}

// The triangle that folds and unfolds; keys do it too, so a screen reader need not know of it.
function toggleOf(item, x, y) {
  const points = item.open ? "M3 5h10l-5 7z" : "M5 3v10l7-5z";
  return svg("g", { class: "toggle", "aria-hidden": "true", transform: `translate(${x} ${y})` },
    svg("rect", { width: 16, height: 16, rx: 3 }), svg("path", { d: points }));
}

// A box in words.
function spoken(item) {
  const said = [item.name, item.text, item.count > 1 ? `${item.count} copies` : "", `gives ${item.shape}`];
  if (item.node.params) said.push(`${item.node.params.toLocaleString("en-US")} parameters`);
  if (item.node.macs) said.push(macCount(item.node.macs));
  said.push(`receptive field ${fieldText(item.field)}`);
  for (const [kind, count] of Object.entries(item.node.kinds ?? {})) said.push(`${kindText(kind, count)} shortcuts`);
  if (item.node.shortcut) said.push(`${KINDS[item.node.shortcut]} shortcut`);
  return said.filter(Boolean).join(", ");
}
