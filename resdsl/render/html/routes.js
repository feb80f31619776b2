// How the edges of one level run: straight down a path, or out to its line and back, with rounded corners.

const CORNER = 9;

function routes(laid) {
  return laid.units.flatMap((unit) => unit.outs).map((edge) => {
    const points = edge.points ?? pointsOf(edge, laid);
    const arrow = edge.to.h ? arrowAt(points) : null;
    return { edge, d: rounded(points), arrow, label: edge.mark ?? labelOf(edge, points, laid) };
  });
}

function pointsOf(edge, laid) {
  const { from, to } = edge;
  const start = [from.x, from.y + from.h], end = [to.x, to.y];
  const lane = edge.path.x;
  const out = from.bottom + Math.min(9, laid.gap * 0.4), back = to.top - 10;
  if (lane === null) {
    const middle = (from.bottom + to.top) / 2;
    return lean([start, [start[0], middle], [end[0], middle], end]);
  }
  const away = [start, [start[0], out], [lane, out]];
  if (to.form === "circle" && lane !== to.x && reaches(lane, to, laid)) {
    const side = to.x + Math.sign(lane - to.x) * (to.w / 2), middle = to.y + to.h / 2;
    return lean([...away, [lane, middle], [side, middle]]);
  }
  return lean([...away, [lane, back], [end[0], back], end]);
}

// Whether nothing stands between a line and the side of a circle.
function reaches(lane, to, laid) {
  const [low, high] = lane < to.x ? [lane, to.x] : [to.x, lane];
  return !laid.units.some((unit) => unit !== to && unit.rank === to.rank && unit.x + unit.r > low && unit.x - unit.l < high);
}

// Without points that lie on a straight line.
function lean(points) {
  const kept = [];
  for (const point of points) {
    const [a, b] = kept.slice(-2);
    if (kept.length && same(kept.at(-1), point)) continue;
    if (b && ((near(a[0], b[0]) && near(b[0], point[0])) || (near(a[1], b[1]) && near(b[1], point[1])))) kept.pop();
    kept.push(point);
  }
  return kept;
}
const near = (a, b) => Math.abs(a - b) < 0.01;
const same = (a, b) => near(a[0], b[0]) && near(a[1], b[1]);

function rounded(points) {
  let d = `M${r1(points[0][0])} ${r1(points[0][1])}`;
  for (let i = 1; i < points.length - 1; i++) {
    const [before, here, after] = [points[i - 1], points[i], points[i + 1]];
    const radius = Math.min(CORNER, distance(before, here) / 2, distance(here, after) / 2);
    const a = toward(here, before, radius), b = toward(here, after, radius);
    d += `L${r1(a[0])} ${r1(a[1])}Q${r1(here[0])} ${r1(here[1])} ${r1(b[0])} ${r1(b[1])}`;
  }
  return `${d}L${r1(points.at(-1)[0])} ${r1(points.at(-1)[1])}`;
}
const r1 = (value) => Math.round(value * 10) / 10;
const distance = (a, b) => Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1]);
function toward(from, to, by) {
  const all = distance(from, to) || 1;
  return [from[0] + ((to[0] - from[0]) * by) / all, from[1] + ((to[1] - from[1]) * by) / all];
}

function arrowAt(points) {
  const [[x0, y0], [x, y]] = points.slice(-2);
  const [dx, dy] = [Math.sign(r1(x - x0)), Math.sign(r1(y - y0))];
  const [bx, by] = [x - dx * 7, y - dy * 7];
  return `M${r1(x)} ${r1(y)}L${r1(bx + dy * 3)} ${r1(by + dx * 3)}L${r1(bx - dy * 3)} ${r1(by - dx * 3)}Z`;
}

// The shape beside an edge: on every one of the net, inside blocks where it changes.
function labelOf(edge, points, laid) {
  const { from, to } = edge;
  const isRoot = laid.gap === WIDE_GAP;
  const before = from.parts?.[0].item;
  const changes = !before || !before.inputs.length || word(arriving(before)) !== edge.shape;
  if (!isRoot && (!changes || from.source || from.feed || to.sink !== undefined)) return null;
  if (near(from.x, to.x) && points.length === 2) {
    if (points[1][1] - points[0][1] < 12 || from.outs.find((other) => other.to === to) !== edge) return null;
    const beside = [...from.outs.map((other) => other.path.x ?? other.to.x), ...to.ins.map((other) => other.path.x ?? other.from.x)];
    const right = beside.some((x) => x > from.x + 1);
    if (right && beside.some((x) => x < from.x - 1)) return null;
    return { x: from.x + (right ? -7 : 7), y: (points[0][1] + points[1][1]) / 2 + 3, text: edge.shape, side: right ? "end" : "start" };
  }
  return null;
}
