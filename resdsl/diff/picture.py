"""A comparison as a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, reduce
from itertools import groupby, zip_longest
from typing import Literal, cast

from resdsl.diff.alike import Alike, apart, shared
from resdsl.diff.compare import Difference
from resdsl.diff.layers import Change
from resdsl.diff.lists import alike_lines, layer_lines_of
from resdsl.diff.stages import Pair
from resdsl.diff.words import Line, title, verdict
from resdsl.render.drawing.canvas import Canvas
from resdsl.render.drawing.dot import Dot
from resdsl.render.drawing.paper import prints
from resdsl.render.drawing.svg import Theme
from resdsl.render.numbers import mac_count, percent, shape_text, short
from resdsl.render.outline.describe import subtitle
from resdsl.render.outline.folding import together
from resdsl.render.outline.rows import Row, Table, is_chain
from resdsl.render.pictures.changes import WAYS, Beside, Card, Note, Sign, changes_canvas
from resdsl.render.pictures.draw import FORMATS, Picture
from resdsl.render.pictures.options import Options

FOLDED = 2
"""So many equal stages in a row are drawn; more are one card."""
MOST_ROWS = 24
"""More would not fit a page however they are drawn."""


@dataclass(frozen=True)
class _Changes(Picture):
    """The picture of a comparison, to be written as those of a net."""

    found: Difference

    def dot(self) -> Dot:
        return changes_dot(self.found)

    @property
    def name(self) -> str:
        return f"{self.found.a.name}-{self.found.b.name}"

    def words(self, dot: Dot) -> tuple[str, str]:
        return f"{dot.name}: what differs", dot.description


def picture(found: Difference, format: str, *, theme: Theme = "light", renderer: str = "auto") -> bytes:
    """A picture of a comparison as the bytes of a file.

    Args:
        found: the comparison.
        format: `svg`, `png`, `pdf` or `dot`.
        theme: `light`, `dark`, or `auto` for an SVG that follows the reader's setting.
        renderer: `graphviz-pure`, `dot`, or `auto` for what is installed.

    Raises:
        resdsl.render.pictures.draw.NoRenderer: nothing that can draw this is installed; `dot` needs nothing.
    """
    return FORMATS[format](_Changes(found.tables[1], "stages", Options(), theme, renderer, found))


def changes_dot(found: Difference) -> Dot:
    """The picture as DOT."""
    return changes_canvas_of(found).dot


def changes_canvas_of(found: Difference) -> Canvas:
    """The drawing that fits an A4 page, with as many rows as it has room for."""
    common = _common(found)
    heads = [_note(line, 0) for line in alike_lines(apart(found.changes, common)[0], found)]
    about = (
        _names(found),
        (subtitle(found.tables[0]), subtitle(found.tables[1])),
        verdict(found).replace("`", ""),
        heads,
    )
    flows = (is_chain(found.tables[0]), is_chain(found.tables[1]))
    rows = _beside(found.stages)

    @cache
    def drawn(row: _Row) -> Beside:
        return _row(found, row, common)

    while True:
        if len(rows) <= MOST_ROWS:
            made = [drawn(row) for row in rows]
            for way in WAYS:
                canvas = changes_canvas(*about, made, flows, way)
                if prints(canvas) or len(rows) == 1:
                    return canvas
        rows = _joined(rows)


def _names(found: Difference) -> tuple[str, str]:
    """What the columns are called; nets of one name and settings are told apart by their files."""
    (a, file_a, _), (b, file_b, _) = title(found.a, found.at_a), title(found.b, found.at_b)
    if a == b and file_a != file_b:
        return f"{a}  {file_a}", f"{b}  {file_b}"
    return a, b


# ---------------------------------------------------------------- rows


@dataclass(frozen=True, eq=False)
class _Row:
    """A row of the picture: a pair of stages, how many they are, and whether they are one stage of both nets."""

    pair: Pair
    stages: int = 1
    apart: bool = False

    @property
    def sign(self) -> Literal["=", "~", "±"]:
        return "±" if self.apart else "~" if self.pair.differs else "="


def _beside(pairs: list[Pair]) -> list[_Row]:
    """The rows: what one net lost beside what the other gained instead, and many equal stages in one."""
    made: list[_Row] = []
    for alone, run in groupby(pairs, lambda pair: pair.a is None or pair.b is None):
        group = list(run)
        if alone:
            gone, new = ([p for p in group if p.b is None], [p for p in group if p.a is None])
            for a, b in zip_longest(gone, new):
                inside = tuple(c for p in (a, b) if p is not None for c in p.changes)
                made.append(_Row(Pair(a.a if a else None, b.b if b else None, inside, True), apart=True))
        else:
            made += _folded([_Row(pair) for pair in group])
    return made


def _folded(rows: list[_Row]) -> Iterator[_Row]:
    """Equal stages that follow each other together, where they are many."""
    for sign, run in groupby(rows, lambda row: row.sign):
        group = list(run)
        yield from [reduce(_both, group)] if sign == "=" and len(group) > FOLDED else group


def _joined(rows: list[_Row]) -> list[_Row]:
    """One row less: two neighbours are drawn as one, equal ones first, and then the smallest."""

    def size(place: int) -> tuple[bool, bool, int, int]:
        a, b = rows[place], rows[place + 1]
        layers = sum(s.layers for r in (a, b) for s in (r.pair.a, r.pair.b) if s is not None)
        return a.sign != b.sign, a.sign != "=", layers, place

    place = min(range(len(rows) - 1), key=size)
    return [*rows[:place], _both(rows[place], rows[place + 1]), *rows[place + 2 :]]


def _both(x: _Row, y: _Row) -> _Row:
    """Two rows as one, which is equal only where both are."""
    a, b = (
        together(one, two) if one is not None and two is not None else one or two
        for one, two in ((x.pair.a, y.pair.a), (x.pair.b, y.pair.b))
    )
    changes = tuple({id(change): change for change in (*x.pair.changes, *y.pair.changes)}.values())
    differs = x.pair.differs or y.pair.differs
    return _Row(Pair(a, b, changes, differs), x.stages + y.stages, x.apart and y.apart)


def _row(found: Difference, row: _Row, common: set[Alike]) -> Beside:
    pair = row.pair
    if row.sign == "=" and row.stages > 1:
        assert pair.a is not None
        card = Card(f"{row.stages} stages, {pair.a.name}", 1, "", "")
        return Beside("=", card, card)
    first, second = found.tables
    a, b = (_card(table, one) for table, one in ((first, pair.a), (second, pair.b)))
    if row.sign != "~":
        return Beside(row.sign, a, b)
    change = () if pair.a is None or pair.b is None else _change(found, pair.a, pair.b)
    return Beside("~", a, b, change, _notes(found, apart(pair.changes, common)[1]))


def _card(table: Table, row: Row | None) -> Card | None:
    if row is None:
        return None
    counts = [shape_text(row.shape, table.at), f"{short(row.cost.params)} params"]
    if table.at is not None:
        counts.append(mac_count(row.cost.macs))
    return Card(row.name, row.repeat, row.text, " · ".join(counts))


def _change(found: Difference, a: Row, b: Row) -> tuple[str, ...]:
    made = [("params", percent(a.cost.params, b.cost.params))]
    if None not in (found.at_a, found.at_b):
        made.append(("MACs", percent(a.cost.macs, b.cost.macs)))
    return tuple(f"{name} {change.replace('-', '−')}" for name, change in made if change)


def _common(found: Difference) -> set[Alike]:
    """What layers of several stages share: it is said once, above them."""
    known = shared(found.changes)
    seen = Counter(key for pair in found.stages for key in apart(pair.changes, known)[0])
    return {key for key, stages in seen.items() if stages > 1}


def _notes(found: Difference, changes: list[Change]) -> tuple[Note, ...]:
    """The layers of a stage that differ."""
    layers, rest = apart(changes, shared(changes))
    made = [_note(line, 0) for line in alike_lines(layers, found)]
    for line in layer_lines_of(rest, found):
        made.append(_note(line, 0))
        made += [_note(below, 1) for below in line.below]
    return tuple(made)


def _note(line: Line, depth: int) -> Note:
    place, *words = line.cells
    if words and words[0] and place.removeprefix(words[0]).isdigit():
        place = ""  # `3`, `add1`: a step that has no name of its own
    text = f"{place} {', '.join(filter(None, words))}".strip().replace("`", "")
    return Note(depth, cast("Sign", line.mark) if line.mark else None, text)
