"""Pictures of single ops, laid out by Graphviz: of the whole net in frames, or of one block."""

from __future__ import annotations

from typing import NamedTuple

from resdsl.graph.cost import Cost, shares
from resdsl.graph.model import Feed, Graph, Port, Tensor
from resdsl.ops.base import Op
from resdsl.render.drawing.arial import text_width
from resdsl.render.drawing.canvas import SLACK
from resdsl.render.drawing.dot import Attr, Dot, Html, font
from resdsl.render.drawing.palette import BLACK, CATEGORIES, GREY, INK, LINES, NEUTRAL, PAPER, WORDS, Colors
from resdsl.render.numbers import mac_count, shape_text, short
from resdsl.render.outline.blocks import call_text, chain_start, op_label, shortcut_chain, shown, stride_text
from resdsl.render.outline.describe import subtitle
from resdsl.render.outline.rows import Table
from resdsl.render.pictures.boxes import Box, count_once, count_ops, grouped, kinds, main_first, on_shortcuts
from resdsl.render.pictures.cards import ORDER, colors_of
from resdsl.render.pictures.find import find_block
from resdsl.render.pictures.flowchart import PLAIN
from resdsl.render.pictures.options import Options
from resdsl.sizes import Shape

MOST_NODES = 600
"""Beyond this number of ops, what lies deep is one box, unless asked for."""
MOST_LABELS = 250
"""Beyond this number of ops, edges carry no shapes, unless asked for."""
TOO_MANY = 12_000
"""What is asked for beyond this number of ops is refused: it would take minutes."""
ENDS = 30
"""How many ops are drawn at each end of a graph that has too many of its own."""
SIGNS = {"add": "+", "offset": "+", "mul": "×", "scale": "×"}


def ops_picture(table: Table, options: Options) -> Dot:
    """Every op of the net, blocks framed; of blocks alike, by default only the first is opened."""
    graph = table.net.graph
    fold = 1 if options.fold is None else options.fold
    depth = options.depth
    once = depth is None and options.fold is None
    notes: list[str] = []
    counts = count_once(graph) if once else count_ops(graph, fold)
    if depth is None:
        depth = max((d for d, count in enumerate(counts) if count <= MOST_NODES), default=0)
        if depth < len(counts) - 1 and counts[depth] <= MOST_NODES:
            notes.append(f"{counts[-1]:,} ops are many, so blocks deeper than {depth} are one box each")
    ops = counts[: depth + 1][-1]
    if ops > TOO_MANY and not once:
        raise ValueError(f"{ops:,} ops are too many to lay out; ask for a smaller `depth` or `fold`")
    dot = _new(table.net.name, _title(table.title, subtitle(table), table.shortcuts), options)
    drawer = _Drawer(dot, table, options, fold, depth, labels=ops <= MOST_LABELS)
    drawer.kinds = kinds(graph) if once else {}
    drawer.net(graph)
    dot.notes += notes + drawer.notes
    return dot


def block_picture(table: Table, name: str, options: Options) -> Dot:
    """One block, norms and activations in the boxes of what they follow. Raises ValueError."""
    block = find_block(table, name)
    cost, tally = table.plan.known[id(block.graph)], table.tally[id(block.graph)]
    # A scope has no call: its kind is no name that anyone wrote.
    called = [call_text(block.graph) + stride_text(block.graph)] if block.graph.kind == "block" else []
    facts = [*called, *([block.place] if block.place else []), f"{cost.params:,} params"]
    if table.at is not None and cost.macs:
        facts.append(mac_count(cost.macs))
    title = block.title if table.title == table.net.name else table.title
    dot = _new(block.title, _title(title, " · ".join(facts), tally.shortcuts), options)
    drawer = _Drawer(dot, table, options, 1, options.depth, labels=True, counts=True)
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
        compound="true",
        newrank="true",
        rankdir="LR" if options.lr else "TB",
    )


def _title(name: str, facts: str, shortcuts: dict[str, int]) -> str:
    """The name, what is counted, and below it a sample of each kind of shortcut."""
    plain = '<table border="0" cellspacing="0" cellpadding="0"'
    samples, width = list[str](), 0
    for kind in ORDER:
        if kind in shortcuts:
            count = shortcuts[kind]
            words = f"\xa0\xa0{WORDS[kind]} shortcut{'s' * (count > 1)}: {count:,}"
            room = round(text_width(words, 8) * SLACK) + 14
            width += 24 + room
            # A line is the lower border of an empty cell, at half the height of the text.
            samples.append(
                f'<td width="24">{plain}><tr><td width="24" height="5" fixedsize="true" border="1" sides="B" '
                f'style="{LINES[kind]}" color="{INK}"></td></tr><tr><td height="5"></td></tr></table></td>'
                f'<td align="left" width="{room}">{font(words, 8, GREY)}</td>'
            )
    # It would fill the width of the line above.
    size = f'fixedsize="true" width="{width}" height="12"'
    legend = f"{plain} {size}><tr>{''.join(samples)}</tr></table>" if samples else ""
    head = f"{font(name, 14, BLACK, bold=True)}&#160;&#160;&#160;{font(facts, 9, GREY)}" if name else ""
    rows = "".join(f"<tr><td>{line}</td></tr>" for line in (head, legend) if line)
    return Html(f'<table border="0" cellspacing="0" cellpadding="2">{rows}</table>') if rows else ""


class End(NamedTuple):
    """Where an edge begins: a node, and the frame around what takes the value, at whose border it ends."""

    name: str
    frame: str = ""


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
        counts: bool = False,
    ) -> None:
        self.dot = dot
        self.table = table
        self.options = options
        self.fold = fold
        self.depth = depth
        self.labels = options.shows("shapes", labels)
        self.counts = counts
        self.kinds: dict[int, int] = {}
        self.opened: set[int] = set()
        self.notes: list[str] = []
        self.order: dict[str, int] = {}
        self.arrived: dict[str, Shape | None] = {}
        self.tails: dict[str, str] = {}
        self.round: set[str] = set()
        self.frames: tuple[str, ...] = ()
        self.placed: dict[str, tuple[str, ...]] = {}
        self.within_block = False
        self.words: list[str] = []
        colors = colors_of(table)
        self.stages = {
            table.plan.steps[number].path: colors[place]
            for place, row in enumerate(table.rows)
            for number in row.steps
        }

    def net(self, graph: Graph, prefix: str = "", before: str = "", after: str = "") -> None:
        """Draw a graph with its inputs and outputs."""
        self.within_block = graph.kind == "block"
        self.before, self.root = before if len(graph.inputs) == 1 else "", prefix
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
        self, graph: Graph, prefix: str, inputs: list[End] | None, depth: int, colors: Colors, beside: str
    ) -> list[End]:
        """Draw the nodes of a graph; what gives its outputs.

        Args:
            graph: what is drawn.
            prefix: of the addresses in it.
            inputs: what gives its inputs; None for the net, which has its own.
            depth: how many frames are around.
            colors: of the stage it is in.
            beside: the kind of shortcut that all of it is on.
        """
        values: dict[Port, End] = {}
        given = dict(zip(graph.inputs, inputs, strict=True)) if inputs is not None else {}
        kinds = on_shortcuts(graph)
        costs = {node.id: cost for node, cost in shares(graph, self.table.plan.known, self.table.at)}
        for box in self.boxes(graph):
            node = box.first
            if node.id in given:
                end = given[node.id]
                if len(graph.users[node.id]) > 1:
                    end = self.joint(end, f"{prefix}{node.id}".replace("#", ""), node.shapes[0], beside)
                values[Port(node.id)] = end
                continue
            kind = beside or kinds.get(node.id, "")
            path = prefix + node.id.replace("#", "")
            if len(box.nodes) > 1 and isinstance(node.content, Graph):
                path += f"–{box.nodes[-1].id}"
            here = self.colors(path) if colors is NEUTRAL else colors
            inner = node.content
            sources = [values[p] for p in node.inputs]
            if isinstance(inner, Graph) and len(box.nodes) == 1 and self.single(inner):
                ends = self.graph(inner, f"{path}.", sources, depth, here, kind)
            elif isinstance(inner, Graph) and not box.title and self.opens(inner, depth):
                if len(box.nodes) == 1 and inner.kind != "block" and self.within_block:
                    # A frame that only names is one too many.
                    ends = self.graph(inner, f"{path}.", sources, depth + 1, here, kind)
                else:
                    ends = self.frame(path, inner, len(box.nodes), sources, depth + 1, here, kind)
            else:
                cost = sum((costs[n.id] for n in box.nodes), Cost())
                name = self.node(graph, box, path, cost, here, kind)
                ends = [End(name)]
                mine = {n.id for n in box.nodes}
                for port in dict.fromkeys(p for n in box.nodes for p in n.inputs if p.node not in mine):
                    joins = bool(node.shortcut) and port is node.inputs[-1]
                    # The main path is the arm of a residual, else what was computed last; of branches all are.
                    main = max(node.inputs, key=lambda p: self.order.get(values[p].name, 0))
                    side = joins or not (node.shortcut or port == main or len(node.inputs) > 2)
                    self.edge(values[port], name, graph.shape(port), node.shortcut if joins else kind, side)
                if inputs is None and isinstance(inner, Feed) and len(graph.users[node.id]) > 1:
                    ends = [self.joint(ends[0], name, node.shapes[0], "")]
            for member in box.nodes:
                for index in range(max(len(member.shapes), 1)):
                    values[Port(member.id, index)] = ends[min(index, len(ends) - 1)]
        if self.fold != "none":
            self.level(graph, values)
        return [values[p] for p in graph.outputs]

    def single(self, graph: Graph) -> bool:
        """Whether a frame around it would be around one box, or around one block that has a frame itself."""
        boxes = [box for box in grouped(graph, self.fold) if box.first.id not in graph.inputs]
        return len(boxes) == 1 and (graph.kind != "block" or isinstance(boxes[0].first.content, Op))

    def opens(self, graph: Graph, depth: int) -> bool:
        """Whether a frame is drawn around what is in it; else it is one box."""
        if self.depth is not None and depth >= self.depth:
            return False
        if graph.kind != "block" or id(graph) not in self.kinds:
            return True
        kind = self.kinds[id(graph)]
        known = kind in self.opened
        self.opened.add(kind)
        return not known

    def joint(self, fed: End, what: str, shape: Shape | None, kind: str) -> End:
        """A dot below an input that is used twice, where a shortcut leaves."""
        name = f"{what}, used twice"
        self.round.add(name)
        self.dot.node(name, shape="point", width=0.06, color=INK, tooltip=name)
        self.edge(fed, name, shape, kind, False, **({} if fed.frame else {"arrowhead": "none"}))
        return End(name)

    def level(self, graph: Graph, values: dict[Port, End]) -> None:
        """Put the one box on a shortcut beside the middle of the steps around which it goes.

        Only of those in the same frame: one in a frame of its own would be torn out of it.
        """
        for join in graph.nodes():
            beside = (
                {values[Port(n.id)].name for n in shortcut_chain(graph, join)} if join.shortcut else set()
            )
            fork = chain_start(graph, join.inputs[-1].node) if beside else ""
            main, port = list[str](), join.inputs[0] if beside else None
            while port is not None and port.node != fork:
                main.append(values[port].name)
                before = graph.node(port.node).inputs
                port = before[0] if before else None
            main = [name for name in dict.fromkeys(main) if self.placed.get(name) == self.frames]
            # It is alone where it takes what leaves the main path.
            if len(beside) == 1 and main and self.tails.get(min(beside)) == values[Port(fork)].name:
                self.dot.same_rank(main[len(main) // 2], beside.pop())

    def boxes(self, graph: Graph) -> list[Box]:
        """What is drawn of a graph, a shortcut's own layers after those of the main path."""
        made = main_first(graph, grouped(graph, self.fold))
        if len(made) <= MOST_NODES or self.options.depth is not None or self.options.fold is not None:
            return made
        middle = [node for box in made[ENDS:-ENDS] for node in box.nodes]
        title = f"{len(middle):,} more ops"
        ops = sum(len(box.nodes) for box in made)
        self.notes.append(f"{ops:,} ops follow each other; {title} are one box")
        return [*made[:ENDS], Box(middle, title=title), *made[-ENDS:]]

    def frame(
        self,
        path: str,
        graph: Graph,
        count: int,
        sources: list[End],
        depth: int,
        colors: Colors,
        beside: str,
    ) -> list[End]:
        """Draw a graph inside a frame, filled when it is a block."""
        block = graph.kind == "block"
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
            # A shortcut bulges beyond what stands on it.
            margin=18 if any(node.shortcut for node in graph.nodes()) else 12,
            class_=f"{graph.kind} depth{depth}",
            tooltip=label,
            **attrs,
        ):
            # Lines end at the border: inside they would run through the title.
            sources = [End(source.name, source.frame or path) for source in sources]
            around = self.frames, self.within_block
            self.frames, self.within_block = (*self.frames, path), block or self.within_block
            ends = self.graph(graph, f"{path}.", sources, depth, colors, beside)
            self.frames, self.within_block = around
            return [End(end.name) if end.frame == path else end for end in ends]

    def node(self, graph: Graph, box: Box, path: str, cost: Cost, colors: Colors, beside: str) -> str:
        """Draw one op, input, parameter, or block as a box, in the line of the shortcut it is on; its name."""
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
                if shown(op) and self.counts:
                    attrs["fillcolor"] = colors.fill
                elif not shown(op):
                    attrs |= {"fillcolor": CATEGORIES.get(op.category, NEUTRAL).fill, "color": NEUTRAL.line}
                if op.name in SIGNS and not box.title:
                    attrs |= {"shape": "circle", "width": 0.2, "height": 0.2}
                    attrs |= {"fixedsize": "true", "margin": 0}
        if beside:
            attrs["style"] = f"filled,rounded,{LINES[beside]}"
        name = f"input {label}" if isinstance(node.content, Feed) else f"{path}: {label}"
        name += "," if name in self.order else ""  # a layer `add` and an unnamed addition
        tooltip = name + (f" · {box.note}" if box.note else "")
        if (
            self.options.shows("names", False)
            and isinstance(node.content, Op)
            and not node.id.startswith("#")
        ):
            around = f"{self.frames[-1]}." if self.frames else self.root
            label = f"{path.removeprefix(around)}: {label}"
        notes = [box.note] if box.note else []
        if cost.params and self.options.shows("params", self.counts):
            notes.append(f"{cost.params:,} params" if self.counts else f"{short(cost.params)} params")
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
        self.placed[name] = self.frames
        if attrs.get("shape") == "circle":
            self.round.add(name)
        self.words.append(tooltip.removeprefix(self.root))
        self.dot.node(name, label=text, tooltip=tooltip, **(base | attrs))
        return name

    def edge(
        self, tail: End, head: str, shape: Shape | None, shortcut: str, side: bool, **more: Attr
    ) -> None:
        """Draw a value on its way; what goes beside the main path does not pull it."""
        text = shape_text(shape, self.table.at)
        attrs: dict[str, Attr] = {"class_": "flow", "weight": 1 if side else 1000}
        if shortcut:
            attrs = {"class_": f"shortcut {shortcut}", "style": LINES[shortcut], "weight": 1, "penwidth": 1.2}
            attrs["tooltip"] = f"{shortcut.replace('_', '-')} shortcut: {text}"
        # Where it changes; what joins a sum has the shape of the other arm.
        if self.labels and shape != self.arrived.get(tail.name) and not (shortcut and side):
            attrs["label"] = f"\xa0{text}"
        elif self.labels and side:
            attrs["label"] = "\xa0" * 5  # room that keeps its curve inside the frame around
        self.arrived.setdefault(head, shape)
        self.tails.setdefault(head, tail.name)
        if tail.frame:
            attrs["lhead"] = f"cluster {tail.frame}"
        if (side or shortcut) and tail.name in self.round and not self.options.lr:
            # From a sum beside the shortcut that ends there.
            attrs["tailport"] = "se" if tail.name in self.placed else "e"
        if side and head in self.round and not self.options.lr:
            attrs["headport"] = "e"
        self.dot.edge(tail.name, head, **(attrs | more))
