"""The picture of every op: blocks framed, copies of one block drawn once."""

from __future__ import annotations

from resdsl.graph.model import Feed, Graph, Node, Port, Tensor
from resdsl.render.blocks import call_text, op_label, stride_text
from resdsl.render.dot import Attr, Dot, Html, font
from resdsl.render.flowchart import PLAIN, title
from resdsl.render.numbers import shape_text
from resdsl.render.palette import BLACK, CATEGORIES, GREY, INK, LINES, NEUTRAL, STAGES
from resdsl.render.rows import Table
from resdsl.sizes import Shape

MOST_NODES = 600
"""Beyond this number of ops, blocks are boxes."""
MOST_LABELS = 250
"""Beyond this number of ops, edges carry no shapes."""
TOO_MANY = 4_000
SIGNS = {"add": "+", "mul": "×", "scale": "×"}


def ops_picture(table: Table) -> Dot:
    """Every op of the net."""
    dot = Dot(
        table.net.name, "dot", labelloc="t", label=title(table), ranksep=0.25, nodesep=0.3, splines="spline"
    )
    _Drawer(dot, table.at, table.net.graph).net(table.net.graph)
    return dot


def block_picture(table: Table, name: str) -> Dot:
    """The ops of one block: by its name, by the name of a row, or by address. Raises ValueError."""
    graph, path = _find(table, name)
    label = Html(
        f"{font(path, 14, BLACK, bold=True)}&#160;&#160;&#160;"
        f"{font(call_text(graph) + stride_text(graph), 9, GREY)}"
    )
    dot = Dot(path, "dot", labelloc="t", label=label, ranksep=0.25, nodesep=0.3, splines="spline")
    _Drawer(dot, table.at, graph).net(graph)
    return dot


def _find(table: Table, name: str) -> tuple[Graph, str]:
    known: dict[str, Graph] = {}
    for row in table.rows:
        for run in row.runs:
            known.setdefault(row.name, run.graph)
            known.setdefault(run.path, run.graph)
            known.setdefault(run.graph.name, run.graph)
    for graph in table.net.graph.signatures():
        if graph.kind == "block":
            known.setdefault(graph.name, graph)
    if name not in known:
        raise ValueError(
            f"no block `{name}`; there are {', '.join(f'`{k}`' for k in list(known)[:12]) or 'none'}"
        )
    return known[name], name


def folded(graph: Graph) -> list[list[Node]]:
    """The nodes of a graph; neighbours in a chain that run the same block are together."""
    made: list[list[Node]] = []
    for node in graph.nodes():
        if made and isinstance(node.content, Graph):
            before = made[-1][-1]
            chained = all(p.node == before.id for p in node.inputs) and len(node.shapes) == 1
            if before.content is node.content and chained:
                made[-1].append(node)
                continue
        made.append([node])
    return made


def count_ops(graph: Graph) -> int:
    """How many ops are drawn."""
    counts: dict[int, int] = {}
    for inner in graph.signatures():
        counts[id(inner)] = sum(
            counts[id(group[0].content)] if isinstance(group[0].content, Graph) else 1
            for group in folded(inner)
        )
    return counts[id(graph)]


class _Drawer:
    def __init__(self, dot: Dot, at: dict[str, int] | None, graph: Graph) -> None:
        self.dot = dot
        self.at = at
        ops = count_ops(graph)
        self.boxes = ops > MOST_NODES
        self.labels = ops <= MOST_LABELS
        if self.boxes and len(graph.steps) > TOO_MANY:
            raise ValueError(f"{ops:,} ops are too many to lay out one by one; use the view `stages`")

    def net(self, graph: Graph) -> None:
        """Draw a graph with its inputs and outputs."""
        ends = self.graph(graph, "", None)
        keys = graph.output_names or tuple(f"output {i + 1}" for i in range(len(ends)))
        if len(ends) == 1 and not graph.output_names:
            keys = ("output",)
        for key, port, end in zip(keys, graph.outputs, ends, strict=True):
            self.dot.node(f"result {key}", label=key, class_="output", **PLAIN)
            self.edge(end, f"result {key}", graph.shape(port), "")

    def graph(self, graph: Graph, prefix: str, inputs: list[str] | None) -> list[str]:
        """Draw the nodes of a graph; the names of those that give its outputs."""
        values: dict[Port, str] = {}
        given = dict(zip(graph.inputs, inputs, strict=True)) if inputs is not None else {}
        for group in folded(graph):
            node = group[0]
            if node.id in given:
                values[Port(node.id)] = given[node.id]
                continue
            sources = [values[p] for p in node.inputs]
            path = prefix + node.id.replace("#", "")
            if len(group) > 1:
                path += f"–{group[-1].id}"
            inner = node.content
            if isinstance(inner, Graph) and not (self.boxes and inner.kind == "block"):
                ends = self.frame(path, inner, len(group), sources)
            else:
                self.node(graph, node, path, len(group))
                ends = [path] * max(len(node.shapes), 1)
                for port, source in zip(node.inputs, sources, strict=True):
                    last = port is node.inputs[-1]
                    self.edge(source, path, graph.shape(port), node.shortcut if last else "")
            for member in group:
                values.update({Port(member.id, i): end for i, end in enumerate(ends)})
        return [values[p] for p in graph.outputs]

    def frame(self, path: str, graph: Graph, count: int, sources: list[str]) -> list[str]:
        """Draw a graph inside a frame; a repeat only frames its blocks."""
        text = call_text(graph) if graph.kind == "block" else ""
        label = path + (f": {text}" if text else "") + (f" × {count:,}" if count > 1 else "")
        color = STAGES[0].line if count > 1 else NEUTRAL.line
        with self.dot.cluster(
            path,
            label=label,
            labeljust="l",
            fontname="Arial",
            fontsize=8,
            fontcolor=color,
            color=color,
            style="rounded" if count > 1 else "rounded,dashed",
            penwidth=1.2 if count > 1 else 0.5,
            margin=6,
        ):
            return self.graph(graph, f"{path}.", sources)

    def node(self, graph: Graph, node: Node, path: str, count: int) -> None:
        """Draw one op, input, parameter, or block as a box."""
        attrs: dict[str, Attr] = {}
        match node.content:
            case Feed(name=name):
                label, attrs = name, {"class_": "input", **PLAIN}
            case Tensor(name=name, trained=trained):
                label = f"{'param' if trained else 'buffer'} {name}"
                attrs = {
                    "fillcolor": NEUTRAL.fill,
                    "color": NEUTRAL.line,
                    "style": "filled",
                    "class_": "tensor",
                }
            case Graph() as inner:
                label = call_text(inner) + stride_text(inner) + (f" × {count:,}" if count > 1 else "")
                attrs = {"fillcolor": STAGES[0].fill, "color": STAGES[0].line, "class_": "block"}
            case _:
                op = node.content
                colors = CATEGORIES.get(op.category, NEUTRAL)
                label = SIGNS.get(op.name, op_label(op, graph.operands(node)))
                attrs = {"fillcolor": colors.fill, "color": colors.line, "class_": op.category}
                if op.name in SIGNS:
                    attrs |= {
                        "shape": "circle",
                        "width": 0.2,
                        "height": 0.2,
                        "fixedsize": "true",
                        "margin": 0,
                    }
        base: dict[str, Attr] = {"margin": "0.1,0.04", "height": 0.25, "width": 0.5}
        self.dot.node(path, label=label, tooltip=f"{path}: {label}", **(base | attrs))

    def edge(self, tail: str, head: str, shape: Shape | None, shortcut: str) -> None:
        """Draw a value on its way."""
        attrs: dict[str, Attr] = (
            {"class_": f"shortcut {shortcut}"} if shortcut else {"class_": "flow", "weight": 20}
        )
        text = shape_text(shape, self.at)
        if shortcut:
            attrs |= {"style": LINES[shortcut], "weight": 0, "penwidth": 1.2, "color": STAGES[0].line}
            attrs["tooltip"] = f"{shortcut.replace('_', '-')} shortcut: {text}"
        elif self.labels:
            attrs |= {"label": f" {text}", "fontcolor": INK}
        self.dot.edge(tail, head, **attrs)
