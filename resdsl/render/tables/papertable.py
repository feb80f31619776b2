"""Table 1 of the ResNet paper: a row for each stage, a column for each net, blocks in brackets times their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from resdsl.diagnostics.columns import width as columns_of
from resdsl.render.numbers import MACS, shape_text, short
from resdsl.render.outline.alignment import aligned
from resdsl.render.outline.blocks import Around, Chip, Run, chip_text, chips, form
from resdsl.render.outline.rows import Row, Table
from resdsl.render.tables.formats import escape
from resdsl.sizes import Shape, shape_at


@dataclass(frozen=True)
class Cell:
    """What a net does in a stage.

    Attributes:
        lead: in words, what comes before the blocks; all of it where there is nothing to put in brackets.
        blocks: the lines of each block, and how many there are of it.
    """

    lead: str = ""
    blocks: tuple[tuple[tuple[str, ...], int], ...] = ()

    def __str__(self) -> str:
        made = [f"[{'; '.join(block)}] × {count}" for block, count in self.blocks]
        return " · ".join([self.lead] * bool(self.lead) + made)


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
    """The blocks of a stage as matrices of convolutions, if they are such, else its description."""
    groups: list[tuple[tuple[Chip, ...], int]] = []
    for run in row.runs:
        boxes = _flat(run)
        if not boxes:
            return Cell(row.text)
        if groups and groups[-1][0] == boxes:
            groups[-1] = (boxes, groups[-1][1] + run.count)
        else:
            groups.append((boxes, run.count))
    if not groups or (row.repeat == 1 and not row.shortcuts) or len(groups) > 4:
        return Cell(row.text)
    before = [t for t in row.text.split(" · ")[:-1] if "(" not in t] if len(groups) == 1 else []
    return Cell(" · ".join(before), tuple((tuple(map(chip_text, boxes)), count) for boxes, count in groups))


def _flat(run: Run) -> tuple[Chip, ...] | None:
    boxes = chips(run.graph)
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
        cells = [Cell("", c.blocks) for c in line.cells] if line.shared else line.cells
        grid.append((line.shared, [line.name.split(" or "), line.output.split(" or "), *map(_drawn, cells)]))
    ends = [[[name], [""], *([v] for v in values)] for name, values in totals(tables)]
    every = [head, *(row for _, row in grid), *ends]
    sizes = [max(columns_of(text) for row in every for text in row[c]) for c in range(len(head))]
    rule = "─" * (sum(sizes) + 2 * (len(sizes) - 1))
    made = [*_set(head, sizes), rule]
    before = 1
    for place, (shared, row) in enumerate(grid):
        words = [" " * (sizes[0] + sizes[1] + 4) + shared] * bool(shared)
        drawn = _set(row, sizes) if any(any(part) for part in row[2:]) else []
        if shared and not drawn:
            first, *rest = _set(row[:2], sizes[:2])
            words, drawn = [], [first.ljust(sizes[0] + sizes[1] + 4) + shared, *rest]
        if place and max(before, len(drawn)) > 1:
            made.append("")
        made += words + drawn
        before = len(words + drawn)
    made += [rule, *(text for row in ends for text in _set(row, sizes))]
    if color:
        made[0], made[-1] = f"\x1b[1m{made[0]}\x1b[0m", f"\x1b[1m{made[-1]}\x1b[0m"
    return made


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
    """Words a line each, then the brackets."""
    made = cell.lead.split(" · ") if cell.lead else []
    for block, count in cell.blocks:
        size = max(map(columns_of, block))
        last = len(block) - 1
        for place, text in enumerate(block):
            left, right = "[]" if last == 0 else "⎡⎤" if place == 0 else "⎣⎦" if place == last else "⎢⎥"
            times = f" ×{count}" if place == last // 2 else ""
            made.append(f"{left}{text}{' ' * (size - columns_of(text))}{right}{times}")
    return made or [""]
