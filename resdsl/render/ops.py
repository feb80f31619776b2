"""Pictures of single ops, laid out by Graphviz: of the whole net in frames, or of one block."""

from __future__ import annotations

from resdsl.graph.cost import Cost, shares
from resdsl.graph.model import Feed, Graph, Port, Tensor
from resdsl.ops.base import Op
from resdsl.render.blocks import call_text, chain_start, op_label, shortcut_chain, shown, stride_text
from resdsl.render.boxes import Box, count_ops, folded, fused, main_first, on_shortcuts
from resdsl.render.cards import ORDER, colors_of, subtitle
from resdsl.render.dot import Attr, Dot, Html, font
from resdsl.render.find import find_block
from resdsl.render.flowchart import PLAIN
from resdsl.render.numbers import mac_count, shape_text, short
from resdsl.render.options import Options
from resdsl.render.palette import BLACK, CATEGORIES, GREY, INK, LINES, NEUTRAL, PAPER, WORDS, Colors
from resdsl.render.rows import Table
from resdsl.sizes import Shape

MOST_NODES = 600
"""Beyond this number of ops, what lies deep is one box, unless asked for."""
MOST_LABELS = 250
"""Beyond this number of ops, edges carry no shapes, unless asked for."""
TOO_MANY = 12_000
"""What is asked for beyond this number of ops is refused: it would take minutes."""
ENDS = 30
"""How many ops are drawn at each end of a graph that has too many of its own."""
SAMPLES = {"solid": "——" + "\xa0" * 5, "dotted": "· · · ·\xa0", "dashed": "– – –" + "\xa0" * 3}
"""Lines in letters that every font has; the spaces are for renderers that take a dash for a letter."""
SIGNS = {"add": "+", "mul": "×", "scale": "×"}


def ops_picture(table: Table, options: Options) -> Dot:
    """Every op of the net, blocks framed."""
    graph = table.net.graph
    fold = 1 if options.fold is None else options.fold
    depth = options.depth
    notes: list[str] = []
    if depth is None:
        counts = count_ops(graph, fold)
        depth = max((d for d, count in enumerate(counts) if count <= MOST_NODES), default=0)
        if depth < len(counts) - 1 and counts[depth] <= MOST_NODES:
            notes.append(f"{counts[-1]:,} ops are many, so blocks deeper than {depth} are one box each")
    ops = count_ops(graph, fold)[: depth + 1][-1]
    if ops > TOO_MANY and (options.depth is not None or options.fold is not None):
        raise ValueError(f"{ops:,} ops are too many to lay out; ask for a smaller `depth` or `fold`")
    dot = _new(table.net.name, _title(table.title, subtitle(table), table.shortcuts), options)
    drawer = _Drawer(dot, table, options, fold, depth, labels=ops <= MOST_LABELS)
    drawer.net(graph)
    dot.notes += notes + drawer.notes
    return dot


def block_picture(table: Table, name: str, options: Options) -> Dot:
    """One block, norms and activations in the boxes of what they follow. Raises ValueError."""
    block = find_block(table, name)
    cost, tally = table.plan.known[id(block.graph)], table.tally[id(block.graph)]
    facts = [call_text(block.graph) + stride_text(block.graph), f"{cost.params:,} params"]
    if table.at is not None and cost.macs:
        facts.append(mac_count(cost.macs))
    title = block.title if table.title == table.net.name else table.title
    dot = _new(block.title, _title(title, " · ".join(facts), tally.shortcuts), options)
    drawer = _Drawer(dot, table, options, 1, options.depth, labels=True, fused=True)
    drawer.net(block.graph, f"{block.path}.", block.before, block.after)
    dot.description = f"A block of {table.net.name}. {'; '.join(drawer.words)}."
    return dot


def _new(name: str, label: str, options: Options) -> Dot:
    return Dot(
        name,
        "dot",
        labelloc="t",
        label=label,
        ranksep=0.25,
        nodesep=0.3,
        splines="spline",
        rankdir="LR" if options.lr else "TB",
    )


def _title(name: str, facts: str, shortcuts: dict[str, int]) -> str:
    """The name, what is counted, and below it a sample of each kind of shortcut, in letters every font has."""
    legend = "&#160;&#160;&#160;&#160;".join(
        font(SAMPLES[LINES[kind]], 9, INK, bold=True)
        + font(f"\xa0{WORDS[kind]} shortcut{'s' * (shortcuts[kind] > 1)}: {shortcuts[kind]:,}", 8, GREY)
        for kind in ORDER
        if kind in shortcuts
    )
    head = f"{font(name, 14, BLACK, bold=True)}&#160;&#160;&#160;{font(facts, 9, GREY)}" if name else ""
    rows = "".join(f"<tr><td>{line}</td></tr>" for line in (head, legend) if line)
    return Html(f'<table border="0" cellspacing="0" cellpadding="2">{rows}</table>') if rows else ""


class _Drawer:
    def __init__(
        self,
        dot: Dot,
        table: Table,
        options: Options,
        fold: int | str,
        depth: int | None,
        *,
        labels: bool,
        fused: bool = False,
    ) -> None:
        self.dot = dot
        self.table = table
        self.options = options
        self.fold = fold
        self.depth = depth
        self.labels = options.shows("shapes", labels)
        self.fused = fused
        self.notes: list[str] = []
        self.order: dict[str, int] = {}
        self.words: list[str] = []
        colors = colors_of(table)
        self.stages = {
            table.plan.steps[number].path: colors[place]
            for place, row in enumerate(table.rows)
            for number in row.steps
        }

    def net(self, graph: Graph, prefix: str = "", before: str = "", after: str = "") -> None:
        """Draw a graph with its inputs and outputs."""
        self.before, self.root = before, prefix
        ends = self.graph(graph, prefix, None, 0, self.colors(prefix.rstrip(".")), "")
        keys = graph.output_names or tuple(f"output {i + 1}" for i in range(len(ends)))
        if len(ends) == 1 and not graph.output_names:
            keys = (after or "output",)
        for key, port, end in zip(keys, graph.outputs, ends, strict=True):
            self.dot.node(f"result {key}", label=key, class_="output", **PLAIN)
            self.edge(end, f"result {key}", graph.shape(port), "", False)

    def colors(self, path: str) -> Colors:
        """Those of the stage around an address."""
        while path:
            if path in self.stages:
                return self.stages[path]
            path = path.rpartition(".")[0]
        return NEUTRAL

    def graph(
        self, graph: Graph, prefix: str, inputs: list[str] | None, depth: int, colors: Colors, beside: str
    ) -> list[str]:
        """Draw the nodes of a graph; the names of those that give its outputs.

        Args:
            graph: what is drawn.
            prefix: of the addresses in it.
            inputs: names of the nodes that give its inputs; None for the net, which has its own.
            depth: how many frames are around.
            colors: of the stage it is in.
            beside: the kind of shortcut that all of it is on.
        """
        values: dict[Port, str] = {}
        given = dict(zip(graph.inputs, inputs, strict=True)) if inputs is not None else {}
        kinds = on_shortcuts(graph)
        costs = {node.id: cost for node, cost in shares(graph, self.table.plan.known, self.table.at)}
        for box in self.boxes(graph):
            node = box.first
            if node.id in given:
                values[Port(node.id)] = given[node.id]
                continue
            kind = beside or kinds.get(node.id, "")
            path = prefix + node.id.replace("#", "")
            if len(box.nodes) > 1 and isinstance(node.content, Graph):
                path += f"–{box.nodes[-1].id}"
            here = self.colors(path) if colors is NEUTRAL else colors
            inner = node.content
            if isinstance(inner, Graph) and (self.depth is None or depth < self.depth) and not box.title:
                sources = [values[p] for p in node.inputs]
                ends = self.frame(path, inner, len(box.nodes), sources, depth + 1, here, kind)
            else:
                cost = sum((costs[n.id] for n in box.nodes), Cost())
                name = self.node(graph, box, path, cost, here, bool(kind))
                ends = [name]
                mine = {n.id for n in box.nodes}
                for port in dict.fromkeys(p for n in box.nodes for p in n.inputs if p.node not in mine):
                    joins = bool(node.shortcut) and port is node.inputs[-1]
                    # The main path is the arm of a residual, else what was computed last.
                    main = max(node.inputs, key=lambda p: self.order.get(values[p], 0))
                    side = joins or not (node.shortcut or port == main)
                    self.edge(values[port], name, graph.shape(port), node.shortcut if joins else kind, side)
                if self.fused and isinstance(inner, Feed) and len(graph.users[node.id]) > 1:
                    ends = [self.joint(name, node.shapes[0])]
            for member in box.nodes:
                for index in range(max(len(member.shapes), 1)):
                    values[Port(member.id, index)] = ends[min(index, len(ends) - 1)]
        if self.fused:
            self.level(graph, values)
        return [values[p] for p in graph.outputs]

    def joint(self, fed: str, shape: Shape | None) -> str:
        """A dot below an input that is used twice, where a shortcut leaves."""
        name = f"{fed}, used twice"
        self.dot.node(name, shape="point", width=0.06, color=INK, tooltip=name)
        self.edge(fed, name, shape, "", False, arrowhead="none")
        return name

    def level(self, graph: Graph, values: dict[Port, str]) -> None:
        """Put the one box on a shortcut beside the middle of the steps around which it goes."""
        for join in graph.nodes():
            beside = {values[Port(n.id)] for n in shortcut_chain(graph, join)} if join.shortcut else set()
            fork = chain_start(graph, join.inputs[-1].node) if beside else ""
            main, port = list[str](), join.inputs[0] if beside else None
            while port is not None and port.node != fork:
                main.append(values[port])
                before = graph.node(port.node).inputs
                port = before[0] if before else None
            main = list(dict.fromkeys(main))
            if len(beside) == 1 and main:
                self.dot.same_rank(main[len(main) // 2], beside.pop())

    def boxes(self, graph: Graph) -> list[Box]:
        """What is drawn of a graph, a shortcut's own layers after those of the main path."""
        made = fused(graph) if self.fused else folded(graph, self.fold)
        made = main_first(graph, made)
        if len(made) <= MOST_NODES or self.options.depth is not None or self.options.fold is not None:
            return made
        middle = [node for box in made[ENDS:-ENDS] for node in box.nodes]
        title = f"{len(middle):,} more ops"
        self.notes.append(f"{len(made):,} ops follow each other; {title} are one box")
        return [*made[:ENDS], Box(middle, title=title), *made[-ENDS:]]

    def frame(
        self,
        path: str,
        graph: Graph,
        count: int,
        sources: list[str],
        depth: int,
        colors: Colors,
        beside: str,
    ) -> list[str]:
        """Draw a graph inside a frame, filled when it is a block."""
        block = graph.kind == "block"
        if self.fused and not block and sum(1 for b in fused(graph) if b.first.id not in graph.inputs) == 1:
            return self.graph(graph, f"{path}.", sources, depth, colors, beside)
        text = call_text(graph) + stride_text(graph) if block else ""
        label = (
            path.removeprefix(self.root)
            + (f": {text}" if text else "")
            + (f" × {count:,}" if count > 1 else "")
        )
        attrs: dict[str, Attr] = {"style": "rounded,dashed", "penwidth": 0.5}
        if block:
            attrs = {"style": "rounded,filled", "fillcolor": colors.fill}
            attrs["penwidth"] = 1.6 if count > 1 else 0.8
        with self.dot.cluster(
            path,
            label=label,
            labeljust="l",
            fontname="Arial",
            fontsize=8,
            fontcolor=colors.line,
            color=colors.line,
            margin=7,
            class_=f"{graph.kind} depth{depth}",
            tooltip=label,
            **attrs,
        ):
            return self.graph(graph, f"{path}.", sources, depth, colors, beside)

    def node(self, graph: Graph, box: Box, path: str, cost: Cost, colors: Colors, beside: bool) -> str:
        """Draw one op, input, parameter, or block as a box; its name."""
        node, count = box.first, len(box.nodes)
        attrs: dict[str, Attr] = {"fillcolor": PAPER, "color": colors.line}
        match node.content:
            case _ if box.title and not isinstance(node.content, Op):
                label, attrs["class_"] = box.title, "folded"
            case Feed(name=name):
                label, attrs = (self.before or name), {"class_": "input", **PLAIN}
            case Tensor(name=name, trained=trained):
                label = f"{'param' if trained else 'buffer'} {name}"
                attrs |= {"color": NEUTRAL.line, "style": "filled", "class_": "tensor"}
            case Graph() as inner:
                label = call_text(inner) + stride_text(inner) + (f" × {count:,}" if count > 1 else "")
                attrs |= {"fillcolor": colors.fill, "class_": "block", "penwidth": 1.6 if count > 1 else 0.8}
            case op:
                label = box.title or SIGNS.get(op.name) or op_label(op, graph.operands(node))
                attrs["class_"] = op.category
                if shown(op) and self.fused:
                    attrs["fillcolor"] = colors.fill
                elif not shown(op):
                    attrs |= {"fillcolor": CATEGORIES.get(op.category, NEUTRAL).fill, "color": NEUTRAL.line}
                if op.name in SIGNS and not box.title:
                    attrs |= {"shape": "circle", "width": 0.2, "height": 0.2}
                    attrs |= {"fixedsize": "true", "margin": 0}
        if beside:
            attrs["style"] = "filled,rounded,dashed"
        name = f"input {label}" if isinstance(node.content, Feed) else f"{path}: {label}"
        name += "," if name in self.order else ""  # a layer `add` and an unnamed addition
        tooltip = name + (f" · {box.note}" if box.note else "")
        if (
            self.options.shows("names", False)
            and isinstance(node.content, Op)
            and not node.id.startswith("#")
        ):
            label = f"{node.id}: {label}"
        notes = [box.note] if box.note else []
        if cost.params and self.options.shows("params", self.fused):
            notes.append(f"{cost.params:,} params" if self.fused else f"{short(cost.params)} params")
        if cost.macs and self.table.at is not None and self.options.shows("macs", False):
            notes.append(mac_count(cost.macs))
        base: dict[str, Attr] = {"margin": "0.12,0.05", "height": 0.25, "width": 0.5}
        text: Attr = label
        inside: dict[str, int] = {}
        if isinstance(node.content, Graph) and not box.title:
            inside = self.table.tally[id(node.content)].shortcuts
        held = " · ".join(f"{n * count:,} {WORDS[kind]}" for kind, n in inside.items())
        if held:
            held += " shortcut" + "s" * (sum(inside.values()) * count > 1)
        small = [line for line in (" · ".join(notes), held) if line]
        if small and "fixedsize" not in attrs:
            lines = [font(label, 9, BLACK), *(font(line, 7.5, INK) for line in small)]
            cells = "".join(f"<tr><td>{line}</td></tr>" for line in lines)
            text = Html(f'<table border="0" cellspacing="0" cellpadding="1">{cells}</table>')
        self.order[name] = len(self.order)
        self.words.append(tooltip.removeprefix(self.root))
        self.dot.node(name, label=text, tooltip=tooltip, **(base | attrs))
        return name

    def edge(
        self, tail: str, head: str, shape: Shape | None, shortcut: str, side: bool, **more: Attr
    ) -> None:
        """Draw a value on its way; what goes beside the main path does not pull it."""
        text = shape_text(shape, self.table.at)
        attrs: dict[str, Attr] = {"class_": "flow", "weight": 1 if side else 100}
        if shortcut:
            attrs = {"class_": f"shortcut {shortcut}", "style": LINES[shortcut], "weight": 0, "penwidth": 1.2}
            attrs["tooltip"] = f"{shortcut.replace('_', '-')} shortcut: {text}"
        if self.labels and (not shortcut or side or self.fused):
            attrs["label"] = f" {text}"
        self.dot.edge(tail, head, **(attrs | more))
