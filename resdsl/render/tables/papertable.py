"""Table 1 of the ResNet paper: a row for each stage, a column for each net, blocks in brackets times their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import dropwhile, groupby, takewhile
from typing import NamedTuple

from resdsl.diagnostics.columns import width as columns_of
from resdsl.graph.model import Graph
from resdsl.render.numbers import MACS, shape_text, short
from resdsl.render.outline.alignment import aligned
from resdsl.render.outline.blocks import Around, Chip, chip_text, chips, form
from resdsl.render.outline.rows import Part, Row, Table
from resdsl.render.tables.formats import escape
from resdsl.sizes import Shape, shape_at

MOST_BLOCKS = 4
"""Matrices in a cell; more are said in words."""


class Block(NamedTuple):
    """The convolutions of a block, and how many there are of it."""

    lines: tuple[str, ...]
    times: int


@dataclass(frozen=True)
class Cell:
    """What a net does in a stage.

    Attributes:
        items: in order, words, or the lines of a block and how many there are of it.
    """

    items: tuple[str | Block, ...] = ()

    @property
    def lead(self) -> str:
        """The words before the blocks; all where there are no blocks."""
        return " · ".join(str(item) for item in takewhile(_is_words, self.items))

    @property
    def rest(self) -> Cell:
        """What comes after them."""
        return Cell(tuple(dropwhile(_is_words, self.items)))

    def __str__(self) -> str:
        made = (i if isinstance(i, str) else f"[{'; '.join(i.lines)}] × {i.times}" for i in self.items)
        return " · ".join(made)


def _is_words(item: str | Block) -> bool:
    return isinstance(item, str)


@dataclass(frozen=True)
class Line:
    """A row: the names and output sizes that a stage has in the nets, and a cell for each net."""

    name: str
    output: str
    cells: tuple[Cell, ...]

    @property
    def shared(self) -> str:
        """The words that all nets begin with."""
        leads = {cell.lead for cell in self.cells}
        return leads.pop() if len(leads) == 1 else ""


def lines(tables: Sequence[Table]) -> list[Line]:
    """The rows: each stage of a net beside the same one of the others."""
    found = aligned(tables)
    shapes = [[_known(row.shape, t) for row, t in zip(rows, tables, strict=True) if row] for rows in found]
    maps = {len(some[0] or ()) for some in shapes if _one_map(set(some))}
    made = []
    for rows, some in zip(found, shapes, strict=True):
        names = dict.fromkeys(row.name for row in rows if row)
        sizes = dict.fromkeys(shape_text(s[1:] if s and len(s) in maps else s, None) for s in some)
        cells = tuple(cell(row) if row else Cell() for row in rows)
        made.append(Line(" or ".join(names), " or ".join(sizes), cells))
    return made


def _one_map(shapes: set[Shape | None]) -> bool:
    """Whether shapes are of one size of map and differ in channels, which the paper leaves out."""
    return (
        len(shapes) > 1 and None not in shapes and len({s[1:] for s in shapes if s}) == 1 and shapes != {()}
    )


def net_names(tables: Sequence[Table]) -> list[str]:
    """The names of the nets; those of one name are told apart by their files."""
    names = [t.net.name for t in tables]
    files = [t.net.graph.span.source.path for t in tables]
    return [f"{n} ({f})" if names.count(n) > 1 else n for n, f in zip(names, files, strict=True)]


def totals(tables: Sequence[Table]) -> list[tuple[str, tuple[str, ...]]]:
    """The rows at the end: parameters and MACs of each net."""
    macs = tuple(short(t.total.macs) if t.at is not None else "-" for t in tables)
    return [("params", tuple(short(t.total.params) for t in tables)), ("MACs", macs)]


def notes(tables: Sequence[Table]) -> list[str]:
    """The inputs, of each net where they differ, and what is counted."""
    given = {t.given for t in tables}
    return [*(given if len(given) == 1 else (f"{t.net.name}  {t.given}" for t in tables)), MACS]


def cell(row: Row) -> Cell:
    """What a stage does, in order: blocks as matrices of their convolutions where they are such, else words."""
    made: list[str | Block] = []
    for part in row.parts:
        for item in _items(part, plain=row.repeat == 1 and not row.shortcuts):
            last = made[-1] if made else ""
            if isinstance(last, Block) and isinstance(item, Block) and last.lines == item.lines:
                made[-1] = Block(last.lines, last.times + item.times)
            else:
                made.append(item)
    if sum(isinstance(item, Block) for item in made) > MOST_BLOCKS:
        made = list(map(_words, row.parts))
    return Cell(tuple(made))


def _items(part: Part, *, plain: bool) -> list[str | Block]:
    """A matrix for each form of its blocks; a convolution of its own needs none, nor what is in a plain row."""
    flat = [_flat(graph) for graph in part.graphs]
    if plain or not flat or not all(flat) or (len(flat) == 1 and len(flat[0] or ()) == 1):
        return [_words(part)]
    return [Block(tuple(map(chip_text, boxes or ())), len(list(same))) for boxes, same in groupby(flat)]


def _words(part: Part) -> str:
    return f"{part.text} × {len(part.graphs)}" if len(part.graphs) > 1 else part.text


def _flat(graph: Graph) -> tuple[Chip, ...] | None:
    boxes = chips(graph)
    if boxes is None:
        return None
    made: list[Chip] = []
    for box in form(boxes):
        made.extend(box.inner if isinstance(box, Around) else [box])
    return tuple(made)


def _known(shape: Shape | None, table: Table) -> Shape | None:
    return shape_at(shape, table.at) if shape is not None and table.at is not None else shape


# ---------------------------------------------------------------- markdown


def paper_markdown(tables: Sequence[Table]) -> str:
    """A GitHub table."""
    head = ["stage", "output", *map(escape, net_names(tables))]
    made = [head, ["---"] * len(head)]
    for line in lines(tables):
        made.append([escape(line.name), line.output, *(escape(str(cell)) for cell in line.cells)])
    made += [[f"**{name}**", "", *values] for name, values in totals(tables)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in made) + f"\n{'; '.join(notes(tables))}.\n"


# ---------------------------------------------------------------- text


def to_text(tables: Sequence[Table], width: int, color: bool) -> str:
    """As the paper prints it. Nets that `width` has no room for are named below."""
    count, made = len(tables), _text(tables, color)
    while count > 1 and max(map(columns_of, made)) > width:
        count -= 1
        made = _text(tables[:count], color)
    left = [t.net.name for t in tables[count:]]
    said = notes(tables)
    if left:
        said.append(f"no room in {width} columns for {', '.join(left)}: `--as md` and `--as tex` have all")
    return "\n".join([*made, "", *said]) + "\n"


def _text(tables: Sequence[Table], color: bool) -> list[str]:
    head = [["stage"], ["output"], *([name] for name in net_names(tables))]
    grid: list[tuple[str, list[list[str]]]] = []
    for line in lines(tables):
        cells = [c.rest for c in line.cells] if line.shared else line.cells
        grid.append((line.shared, [line.name.split(" or "), line.output.split(" or "), *map(_drawn, cells)]))
    ends = [[[name], [""], *([v] for v in values)] for name, values in totals(tables)]
    every = [head, *(row for _, row in grid), *ends]
    sizes = [max(columns_of(text) for row in every for text in row[c]) for c in range(len(head))]
    rule = "─" * (sum(sizes) + 2 * (len(sizes) - 1))
    made = [*_set(head, sizes), rule]
    before = 1
    for place, (shared, row) in enumerate(grid):
        across = _across(shared, sum(sizes[2:]) + 2 * (len(tables) - 1)) if len(tables) > 1 else shared
        words = [" " * (sizes[0] + sizes[1] + 4) + across] * bool(shared)
        drawn = _set(row, sizes) if any(any(part) for part in row[2:]) else []
        if shared and not drawn:
            first, *rest = _set(row[:2], sizes[:2])
            words, drawn = [], [first.ljust(sizes[0] + sizes[1] + 4) + across, *rest]
        if place and max(before, len(drawn)) > 1:
            made.append("")
        made += words + drawn
        before = len(words + drawn)
    made += [rule, *(text for row in ends for text in _set(row, sizes))]
    if color:
        made[0], made[-1] = f"\x1b[1m{made[0]}\x1b[0m", f"\x1b[1m{made[-1]}\x1b[0m"
    return made


def _across(text: str, width: int) -> str:
    """What all nets do, between lines that reach over their columns."""
    room = width - columns_of(text) - 2
    return f"{'─' * (room // 2)} {text} {'─' * (room - room // 2)}" if room > 1 else text


def _set(row: list[list[str]], sizes: list[int]) -> list[str]:
    """The lines of a row: each part in its column, in the middle."""
    deep = max(map(len, row))
    padded = [[""] * ((deep - len(part)) // 2) + part for part in row]
    made = []
    for place in range(deep):
        parts = [part[place] if place < len(part) else "" for part in padded]
        made.append(
            "  ".join(p + " " * (s - columns_of(p)) for p, s in zip(parts, sizes, strict=True)).rstrip()
        )
    return made


def _drawn(cell: Cell) -> list[str]:
    """Words a line each, and the brackets."""
    made: list[str] = []
    for item in cell.items:
        if isinstance(item, str):
            made += item.split(" · ")
            continue
        block, count = item
        size = max(map(columns_of, block))
        last = len(block) - 1
        for place, text in enumerate(block):
            left, right = "[]" if last == 0 else "⎡⎤" if place == 0 else "⎣⎦" if place == last else "⎢⎥"
            times = f" ×{count}" if place == last // 2 else ""
            made.append(f"{left}{text}{' ' * (size - columns_of(text))}{right}{times}")
    return made or [""]
