"""What the page knows of a net, as plain values for JSON: short, as one may hold thousands of steps."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from resdsl.elaborate.values import brief
from resdsl.graph.model import Field, Graph, Tensor
from resdsl.ops.base import Op
from resdsl.render.html.tree import Inlet, Item, Level, Ref, folding_note, tree
from resdsl.render.numbers import shape_text
from resdsl.render.outline.blocks import call_text, chip_text, chips, op_label, stride_text
from resdsl.render.outline.describe import describe, subtitle
from resdsl.render.outline.rows import Table
from resdsl.render.pictures.cards import colors_of, css_of
from resdsl.source import Source, Span

Json = dict[str, Any]
LONGEST = 60


def data(table: Table, sources: Mapping[str, str], class_of: Mapping[int, str]) -> Json:
    """The net as the page reads it (`model.js` says what each key means).

    Args:
        table: the net and its counts.
        sources: text of each emitted class, by name.
        class_of: name of the class of a graph, by `id` of the graph.
    """
    return _Writer(table, list(sources), class_of).data(sources)


class _Writer:
    def __init__(self, table: Table, classes: list[str], class_of: Mapping[int, str]) -> None:
        self.table, self.classes, self.class_of = table, classes, class_of
        self.strings: dict[str, int] = {}
        self.places: dict[tuple[int, int, int], int] = {}
        self.texts: dict[Source, int] = {}
        self.levels: dict[Level, int] = {}
        self.written: list[Json] = []

    def data(self, sources: Mapping[str, str]) -> Json:
        """Everything."""
        table, net = self.table, self.table.net
        self.level(tree(table))
        hues = _hues(table)
        graph = net.graph
        return {
            "name": net.name,
            "title": table.title or net.name,
            "subtitle": subtitle(table),
            "text": describe(table),
            "doc": net.doc or graph.doc or "",
            "settings": ", ".join(f"{name} = {value}" for name, value in net.settings),
            "note": folding_note(table),
            "counted": table.at is not None,
            "params": table.total.params,
            "macs": table.total.macs,
            "outputs": list(graph.output_names),
            "hues": hues,
            "levels": self.written,
            "strings": list(self.strings),
            "places": [list(place) for place in self.places],
            "specs": [{"path": s.path, "text": s.text} for s in self.texts],
            "classes": [{"name": name, "text": text} for name, text in sources.items()],
        }

    def string(self, text: str) -> int:
        """The number of a text."""
        return self.strings.setdefault(text, len(self.strings))

    def place(self, span: Span) -> int:
        """The number of a place."""
        source = self.texts.setdefault(span.source, len(self.texts))
        return self.places.setdefault((source, span.start, span.end), len(self.places))

    def level(self, top: Level) -> None:
        """All levels from one down, that one first."""
        self.levels[top] = 0
        waiting = [top]
        for level in waiting:  # grows on the way
            for item in level.items:
                if item.inside is not None and item.inside not in self.levels:
                    self.levels[item.inside] = len(self.levels)
                    waiting.append(item.inside)
        self.written = [self.one(level) for level in waiting]

    def one(self, level: Level) -> Json:
        """A level."""
        made: Json = {"in": [self.inlet(i) for i in level.inlets]}
        if level.graph is not None:
            made["name"], made["kind"], made["at"] = (
                level.graph.name,
                level.graph.kind,
                self.place(level.graph.span),
            )
            arguments = ", ".join(f"{name} = {brief(value)}" for name, value in level.graph.args)
            if arguments and level.graph.kind == "block":
                made["args"] = self.string(arguments)
            if level.graph.doc:
                made["doc"] = self.string(level.graph.doc)
            if id(level.graph) in self.class_of:
                made["class"] = self.classes.index(self.class_of[id(level.graph)])
        made["nodes"] = [self.node(level, number, item) for number, item in enumerate(level.items)]
        made["out"] = [_ref(r) for r in level.outputs]
        return made

    def inlet(self, inlet: Inlet) -> list[Any]:
        """`[name, shape, field]`."""
        return [inlet.name, self.string(shape_text(inlet.shape, self.table.at)), _field(inlet.field)]

    def node(self, level: Level, number: int, item: Item) -> Json:
        """A node; what follows from its first input is left out."""
        node, before = item.node, len(level.inlets) + number - 1
        made: Json = {"id": item.id}
        if item.label and item.label != item.id:
            made["label"] = item.label
        made["kind"] = "part" if item.is_part else _kind(item)
        made["text"] = self.string(item.text or self.text(item))
        if not item.is_part:
            made["at"] = self.place(node.span)
            if node.shortcut:
                made["shortcut"] = node.shortcut
            if node.module not in (None, node.id):
                made["module"] = node.module
        recipe = self.recipe(item)
        if recipe:
            made["recipe"] = self.string(recipe)
        if item.inputs != ((before, 0),):
            made["in"] = [_ref(r) for r in item.inputs]
        made["shape"] = [self.string(shape_text(s, self.table.at)) for s in item.shapes]
        if len(made["shape"]) == 1:
            made["shape"] = made["shape"][0]
        if item.cost.params:
            made["params"] = item.cost.params
        if item.cost.macs and self.table.at is not None:
            made["macs"] = item.cost.macs
        first = _first_field(level, item)
        if item.field != first:
            made["rf"] = _field(item.field)
        if item.inside is not None:
            made["level"] = self.levels[item.inside]
        if item.copies:
            made["copies"], made["once"] = _copies(item.copies), _field(item.once)
        if item.shortcuts and item.inside is not None:
            made["kinds"] = item.shortcuts
        if item.skip:
            made["skip"] = item.skip
        if item.row is not None:
            made["row"] = item.row
            if item.label and self.table.rows[item.row].repeat > 1:
                made["times"] = self.table.rows[item.row].repeat
        return made

    def text(self, item: Item) -> str:
        """What a step does, in a few words."""
        match item.node.content:
            case _ if item.is_part:
                return f"{item.steps:,} steps"
            case Graph() as graph:
                text = call_text(graph) + stride_text(graph)
                return "" if text == item.id else text
            case Op() as op:
                return op_label(op, item.graph.operands(item.node))
            case Tensor() as tensor:
                what = "param" if tensor.trained else "buffer"
                return what if tensor.name == item.id else f"{what} {tensor.name}"
            case _:
                return ""

    def recipe(self, item: Item) -> str:
        """The convolutions of a block, in order: `1×1, 64 · 3×3, 64 · 1×1, 256`; of many the first ones."""
        if item.label and item.row is not None:
            runs = self.table.rows[item.row].runs
            graph = runs[0].graph if runs else None
        else:
            graph = item.node.content if isinstance(item.node.content, Graph) and not item.is_part else None
        boxes = chips(graph) if graph is not None and graph.kind == "block" else None
        text = " · ".join(map(chip_text, boxes or ()))
        words = text.split(" · ")
        while len(text) > LONGEST:
            words = words[:-1]
            text = " · ".join([*words, "…"])
        return text


def _hues(table: Table) -> list[int]:
    """Number of the colour of each row; -1 for a neutral one."""
    found: dict[Any, int] = {}
    made = []
    for colors, css in zip(colors_of(table), css_of(table), strict=True):
        made.append(-1 if css == "other" else found.setdefault(colors, len(found)))
    return made


def _kind(item: Item) -> str:
    match item.node.content:
        case Graph() as graph:
            return graph.kind
        case Op() as op:
            return "identity" if op.name == "identity" else op.category
        case _:
            return "param"


def _first_field(level: Level, item: Item) -> Field | None:
    """The field of the first thing it takes."""
    if not item.inputs:
        return None
    number = item.inputs[0][0] - len(level.inlets)
    return level.items[number].field if number >= 0 else level.inlets[number + len(level.inlets)].field


def _ref(ref: Ref) -> int | list[int]:
    return ref[0] if not ref[1] else list(ref)


def _field(field: Field | None) -> list[list[float | None]] | None:
    """Extent and stride along each axis; an extent of None sees all."""
    if field is None:
        return None
    return [
        [None if extent == inf else _number(float(extent)), _number(float(stride))]
        for extent, stride in field
    ]


def _number(value: float) -> float:
    return int(value) if value == int(value) else round(value, 6)


def _copies(ids: tuple[str, ...]) -> Any:
    """Addresses; `[first, how many]` where they are counted."""
    if ids[0].isdigit() and list(ids) == [str(int(ids[0]) + i) for i in range(len(ids))]:
        return [int(ids[0]), len(ids)]
    return list(ids)
