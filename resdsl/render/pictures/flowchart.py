"""Pictures laid out by Graphviz: stages that branch, and the graph of all ops."""

from __future__ import annotations

from resdsl.render.drawing.arial import fitted
from resdsl.render.drawing.dot import Attr, Dot, Html, font
from resdsl.render.drawing.palette import BLACK, GREY, INK, WORDS, Colors
from resdsl.render.numbers import mac_count, shape_text, short
from resdsl.render.outline.describe import subtitle
from resdsl.render.outline.rows import Row, Table, flows
from resdsl.render.pictures.cards import colors_of, css_of

ROOM = 220.0
"""Points a line in a box may take."""


PLAIN: dict[str, Attr] = {
    "shape": "plaintext",
    "style": "",
    "margin": "0.05,0.02",
    "width": 0.2,
    "height": 0.2,
}


def title(table: Table) -> str:
    """The label over a picture."""
    if not table.title:
        return ""
    return Html(
        f"{font(table.title, 14, BLACK, bold=True)}&#160;&#160;&#160;{font(subtitle(table), 9, GREY)}"
    )


def branching_picture(table: Table, across: bool = False) -> Dot:
    """A box for each row and an edge for each value between them, with its shape; `across` from left to right."""
    dot = Dot(
        table.net.name,
        "dot",
        labelloc="t",
        label=title(table),
        ranksep=0.35,
        nodesep=0.4,
        splines="spline",
        newrank="true",
        rankdir="LR" if across else "TB",
    )
    graph = table.net.graph
    names: dict[int, str] = {}
    for place, feed in enumerate(graph.inputs):
        names[-1 - place] = name = f"input {feed.lstrip('#')}"
        dot.node(name, label=feed.lstrip("#"), class_="input", **PLAIN)
    for place, (row, colors, css) in enumerate(zip(table.rows, colors_of(table), css_of(table), strict=True)):
        names[place] = row.name if row.name not in names.values() else f"{row.name} ({place + 1})"
        dot.node(
            names[place],
            label=_box(table, row, colors),
            fillcolor=colors.fill,
            color=colors.line,
            class_=css,
            margin="0.12,0.06",
            tooltip=f"{row.name}: {row.text}",
        )
    for tail, head, value in flows(table):
        shape = shape_text(table.plan.steps[value.step].node.shapes[value.index], table.at)
        straight = head == tail + 1
        dot.edge(
            names[tail],
            names[head],
            label=f" {shape}",
            weight=10 if straight else 1,
            class_="flow" if straight else "skip",
        )
    owner = {number: place for place, row in enumerate(table.rows) for number in row.steps}
    keys = graph.output_names or tuple(f"output {i + 1}" for i in range(len(table.plan.outputs)))
    if len(table.plan.outputs) == 1 and not graph.output_names:
        keys = ("output",)
    for key, value in zip(keys, table.plan.outputs, strict=True):
        shape = shape_text(table.plan.steps[value.step].node.shapes[value.index], table.at)
        dot.node(f"result {key}", label=key, class_="output", **PLAIN)
        place = owner.get(value.step, -1)
        dot.edge(names[place], f"result {key}", label=f" {shape}", class_="flow")
    return dot


def _box(table: Table, row: Row, colors: Colors) -> Html:
    name = row.name + (f" × {row.repeat}" if row.repeat > 1 else "")
    counts = f"{short(row.cost.params)} params" if row.cost.params else ""
    if table.at is not None and row.cost.macs:
        counts += (" · " if counts else "") + mac_count(row.cost.macs)
    kinds = " · ".join(f"{n:,} {WORDS[kind]}" for kind, n in row.shortcuts.items())
    if kinds:
        kinds += " shortcut" + "s" * (sum(row.shortcuts.values()) > 1)
    lines = [font(fitted(name, 10.5, ROOM, True), 10.5, colors.line, bold=True)]
    lines += [font(fitted(t, 8, ROOM), 8, INK) for t in (row.text, counts, kinds) if t and t != row.name]
    cells = "".join(f"<tr><td>{line}</td></tr>" for line in lines)
    return Html(f'<table border="0" cellspacing="0" cellpadding="1">{cells}</table>')
