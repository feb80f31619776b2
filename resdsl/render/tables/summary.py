"""The table of a net: its stages with shapes and counts, as Table 1 of the ResNet paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from string import digits
from typing import Literal

from resdsl.diagnostics.columns import width as columns_of
from resdsl.graph.memory import WORD, memory
from resdsl.graph.model import Net
from resdsl.render.drawing.palette import WORDS
from resdsl.render.numbers import MACS, bytes_text, field_text, shape_text, short
from resdsl.render.outline.detail import detailed
from resdsl.render.outline.rows import Row, Table, joined, rows
from resdsl.render.tables.formats import to_csv, to_json, to_markdown
from resdsl.render.tables.papertable import paper_markdown, to_text
from resdsl.render.tables.tex import to_tex

Depth = Literal["stage", "block", "op"]
Format = Literal["text", "md", "csv", "json", "tex"]

BAR = 8
"""Columns of a full bar, at most."""
LEAST_BAR = 4
LEAST_TEXT = 30
"""Columns that a description keeps when it is cut to make room for bars."""
MOST_ROWS = 16
EIGHTHS = " ▏▎▍▌▋▊▉"


def summary(
    net: Net,
    at: dict[str, int] | None = None,
    *,
    batch: int = 1,
    width: int = 100,
    color: bool = False,
    depth: Depth = "stage",
    format: Format = "text",
) -> str:
    """The table of a net.

    Args:
        net: a checked net.
        at: input sizes by name; by default the ones the spec names.
        batch: inputs at a time, which memory depends on. Parameters, MACs and activations are for one.
        width: columns a text table may take; bars go first, then activations.
        color: whether a text table may use ANSI colours.
        depth: a row for each `stage`, also for each `block` in it, or for each `op`.
        format: `text`, `md`, `csv`, `json`, or `tex` as in the paper.
    """
    table = rows(net, at)
    if format == "tex":
        return to_tex([table])
    lines = table.rows if depth == "stage" else detailed(table, depth)
    match format:
        case "md":
            return to_markdown(table, lines, batch)
        case "csv":
            return to_csv([(table, lines)])
        case "json":
            return to_json([(table, lines)], batch)
        case "text":
            return _text(table, lines if depth != "stage" else folded(lines), batch, width, color)
    raise ValueError(f"unknown format `{format}`: text, md, csv, json or tex")


def summaries(
    nets: Sequence[tuple[Net, dict[str, int] | None]],
    *,
    batch: int = 1,
    width: int = 100,
    color: bool = False,
    format: Format = "text",
) -> str:
    """The table of several nets, a column for each, as Table 1 of the ResNet paper; CSV and JSON list them."""
    tables = [rows(net, at) for net, at in nets]
    match format:
        case "tex":
            return to_tex(tables)
        case "md":
            return paper_markdown(tables)
        case "csv":
            return to_csv([(table, table.rows) for table in tables], named=True)
        case "json":
            return to_json([(table, table.rows) for table in tables], batch)
        case "text":
            return to_text(tables, width, color)
    raise ValueError(f"unknown format `{format}`: text, md, csv, json or tex")


def folded(lines: list[Row]) -> list[Row]:
    """At most `MOST_ROWS`: those in the middle as one, with their sum."""
    over = len(lines) - MOST_ROWS
    if over <= 0:
        return lines
    first = MOST_ROWS // 2
    last = first + over + 1
    middle = reduce(lambda a, b: joined(a, b, ""), lines[first:last])
    return [*lines[:first], replace(middle, name=f"… {over + 1} rows", text="", repeat=1), *lines[last:]]


# ---------------------------------------------------------------- text


def _text(table: Table, lines: list[Row], batch: int, width: int, color: bool) -> str:
    cells = _fitting(table, lines, width)
    cells = _cut(cells, width)
    sizes = [max(columns_of(row[c][0]) for row in cells) for c in range(len(cells[0]))]
    rule = "─" * min(sum(sizes) + 2 * (len(sizes) - 1), width)
    body = [_line(row, sizes) for row in cells]
    title, *notes = _notes(table, batch, width)
    if len(lines) < len(table.rows):
        notes.insert(0, f"{len(table.rows) - len(lines) + 1} rows are left out: `--depth block` has them all")
    if color:
        title = f"\x1b[1m{table.net.name}\x1b[0m" + title[len(table.net.name) :]
        rule = f"\x1b[2m{rule}\x1b[0m"
        body[0], body[-1] = f"\x1b[2m{body[0]}\x1b[0m", f"\x1b[1m{body[-1]}\x1b[0m"
    return "\n".join([title, "", body[0], rule, *body[1:-1], rule, body[-1], "", *notes]) + "\n"


def _fitting(table: Table, lines: list[Row], width: int) -> list[list[Cell]]:
    """The cells with as many columns as fit."""
    for fields, bars, activations in (
        (True, True, True),
        (False, True, True),
        (False, False, True),
        (False, False, False),
    ):
        if (fields and width < 110) or (bars and width < 100):
            continue
        cells = _cells(table, lines, fields, 0, activations)
        room = width - _wide(cells)
        if bars:
            room += max(max(columns_of(row[1][0]) for row in cells) - LEAST_TEXT, 0)  # long texts are cut
            if room // 2 - 2 >= LEAST_BAR:
                full = (width - _wide(cells)) // 2 - 2
                return _cells(table, lines, fields, min(max(full, LEAST_BAR), BAR), activations)
        elif room >= 0:
            return cells
    return _cells(table, lines, False, 0, False)


Cell = tuple[str, str]
"""Text, and `<` or `>` for the side it stands on."""


def _cells(table: Table, lines: list[Row], fields: bool, bars: int, activations: bool) -> list[list[Cell]]:
    """Header, rows and total."""
    known = table.at is not None
    most_params = max((r.cost.params for r in lines), default=0)
    most_macs = max((r.cost.macs for r in lines), default=0)
    made: list[list[Cell]] = [[("stage", "<"), ("block", "<"), ("n", ">"), ("output", "<")]]
    if fields:
        made[0].append(("sees", ">"))
    made[0] += [("params", ">")] + [("", "<")] * bool(bars) + [("MACs", ">")] + [("", "<")] * bool(bars)
    made[0] += [("act.", ">")] * activations
    parents = ["", "", ""]
    for row in lines:
        parents[row.level] = row.name
        repeat = f"{row.repeat:,}×" if row.level == 0 or row.repeat > 1 else ""
        line: list[Cell] = [
            ("  " * row.level + _inner_name(row, parents), "<"),
            (row.text, "<"),
            (repeat, ">"),
        ]
        line.append((shape_text(row.shape, table.at), "<"))
        if fields:
            line.append((field_text(row.field), ">"))
        line.append((f"{row.cost.params:,}", ">"))
        if bars:
            line.append((_bar(row.cost.params, most_params, bars), "<"))
        line.append((short(row.cost.macs) if known else "-", ">"))
        if bars:
            line.append((_bar(row.cost.macs, most_macs, bars) if known else "", "<"))
        if activations:
            line.append((short(row.cost.activations) if known else "-", ">"))
        made.append(line)
    total: list[Cell] = [("total", "<"), (table.depth, "<"), ("", ">"), ("", "<")]
    total += [("", ">")] * fields + [(f"{table.total.params:,}", ">")] + [("", "<")] * bool(bars)
    total += [(short(table.total.macs) if known else "-", ">")] + [("", "<")] * bool(bars)
    total += [(short(table.total.activations) if known else "-", ">")] * activations
    return [*made, total]


def _inner_name(row: Row, parents: list[str]) -> str:
    """Its name without those of the rows around it, unless only a number is left."""
    for parent in reversed(parents[: row.level]):
        tail = f".{row.name}".rpartition(f".{parent}.")[2]
        if tail != f".{row.name}" and (row.level == 2 or not tail[0].isdigit()):
            return tail
    return row.name


def _bar(value: int, most: int, size: int) -> str:
    eighths = round(value / most * size * 8) if most else 0
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def _wide(cells: list[list[Cell]]) -> int:
    sizes = [max(columns_of(row[c][0]) for row in cells) for c in range(len(cells[0]))]
    return sum(sizes) + 2 * (len(sizes) - 1)


def _cut(cells: list[list[Cell]], width: int) -> list[list[Cell]]:
    """Shorten descriptions, then names, so that no row is wider than `width`."""
    for column, least in ((1, 12), (3, 12), (0, 8)):
        over = _wide(cells) - width
        if over <= 0:
            break
        size = max(columns_of(row[column][0]) for row in cells)
        keep = max(size - over, least)
        for row in cells:
            text, side = row[column]
            if columns_of(text) > keep:
                kept = text[: keep - 1].rstrip(digits)  # half a number misleads
                words, _, rest = kept.rpartition(" ")
                row[column] = (f"{words} …" if words and len(rest) < 4 else f"{kept}…", side)
    return cells


def _line(row: list[Cell], sizes: list[int]) -> str:
    made = []
    for (text, side), size in zip(row, sizes, strict=True):
        blank = " " * (size - columns_of(text))
        made.append(blank + text if side == ">" else text + blank)
    return "  ".join(made).rstrip()


def _notes(table: Table, batch: int, width: int) -> list[str]:
    """The title line, and the lines below the table."""
    net = table.net
    ordered = [k for k in WORDS if k in table.shortcuts]
    kinds = [f"{table.shortcuts[k]:,} {WORDS[k]}" for k in ordered] or ["none"]
    made = [f"{net.name}   {table.given}", *_joined("shortcuts", kinds, width)]
    if table.at is None:
        weights = f"{bytes_text(table.total.params * WORD)} weights (float32)"
        return [
            *made,
            *_joined("memory", [weights], width),
            f"MACs depend on the input size: give one with `--at {_example(net)}`",
        ]
    needs = memory(net, table.at, table.total.params, batch)
    inputs = f"{batch} inputs" if batch > 1 else "one input"
    made += _joined(
        "memory",
        [
            f"{bytes_text(needs.weights)} weights",
            f"{bytes_text(needs.peak)} values at the peak of inference",
            f"float32, {inputs}",
        ],
        width,
    )
    if needs.sgd is not None and needs.adam is not None and needs.saved is not None:
        step = f"a step {bytes_text(needs.sgd)} with SGD and momentum, {bytes_text(needs.adam)} with Adam"
        made += _joined("training", [f"{bytes_text(needs.saved)} kept for backward", step], width)
    return [*made, f"{table.total.macs:,} {MACS}"]


def _joined(label: str, parts: list[str], width: int) -> list[str]:
    """A labelled line, continued below where it would be too wide."""
    made = [f"{label:<9}  {parts[0]}"]
    for part in parts[1:]:
        if columns_of(f"{made[-1]} · {part}") <= width:
            made[-1] += f" · {part}"
        else:
            made.append(" " * 11 + part)
    return made


def _example(net: Net) -> str:
    """An input shape to suggest: `3x224x224`."""
    first = net.graph.input_shapes[0] or ()
    usual = {2: 224, 3: 64}.get(len(first) - 1, 1024)
    return "x".join(str(d) if isinstance(d, int) else str(max(usual, *net.least.values(), 1)) for d in first)
