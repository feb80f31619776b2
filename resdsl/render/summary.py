"""The table of a net: its stages with shapes and counts, as Table 1 of the ResNet paper."""

from __future__ import annotations

from typing import Literal

from resdsl.diagnostics.columns import width as columns_of
from resdsl.graph.model import Net
from resdsl.render.detail import detailed
from resdsl.render.formats import to_csv, to_json, to_markdown
from resdsl.render.numbers import field_text, mebibytes, shape_text, short
from resdsl.render.palette import WORDS
from resdsl.render.rows import Row, Table, rows
from resdsl.render.tex import to_tex

Depth = Literal["stage", "block", "op"]
Format = Literal["text", "md", "csv", "json", "tex"]

BAR = 8
"""Columns of a full bar, at most."""
LEAST_BAR = 4
EIGHTHS = " ▏▎▍▌▋▊▉"


def summary(
    net: Net,
    at: dict[str, int] | None = None,
    *,
    width: int = 100,
    color: bool = False,
    depth: Depth = "stage",
    format: Format = "text",
) -> str:
    """The table of a net.

    Args:
        net: a checked net.
        at: input sizes by name; by default the ones the spec names.
        width: columns a text table may take; bars go first, then activations.
        color: whether a text table may use ANSI colours.
        depth: a row for each `stage`, also for each `block` in it, or for each `op`.
        format: `text`, `md`, `csv`, `json`, or `tex` as in the paper.
    """
    table = rows(net, at)
    if format == "tex":
        return to_tex(table)
    lines = table.rows if depth == "stage" else detailed(table, depth)
    match format:
        case "md":
            return to_markdown(table, lines)
        case "csv":
            return to_csv(table, lines)
        case "json":
            return to_json(table, lines)
        case "text":
            return _text(table, lines, width, color)
    raise ValueError(f"unknown format `{format}`: text, md, csv, json or tex")


# ---------------------------------------------------------------- text


def _text(table: Table, lines: list[Row], width: int, color: bool) -> str:
    cells = _fitting(table, lines, width)
    cells = _cut(cells, width)
    sizes = [max(columns_of(row[c][0]) for row in cells) for c in range(len(cells[0]))]
    rule = "─" * min(sum(sizes) + 2 * (len(sizes) - 1), width)
    body = [_line(row, sizes) for row in cells]
    title, *notes = _notes(table, width)
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
        room = (width - _wide(cells)) // 2 - 2
        if bars and room >= LEAST_BAR:
            return _cells(table, lines, fields, min(room, BAR), activations)
        if not bars and _wide(cells) <= width:
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
        repeat = f"{row.repeat}×" if row.level == 0 or row.repeat > 1 else ""
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
    total: list[Cell] = [("total", "<"), (_layers(table), "<"), ("", ">"), ("", "<")]
    total += [("", ">")] * fields + [(f"{table.total.params:,}", ">")] + [("", "<")] * bool(bars)
    total += [(short(table.total.macs) if known else "-", ">")] + [("", "<")] * bool(bars)
    total += [(short(table.total.activations) if known else "-", ">")] * activations
    return [*made, total]


def _inner_name(row: Row, parents: list[str]) -> str:
    """Its name without those of the rows around it, unless only a number is left."""
    name = row.name
    for parent in parents[: row.level]:
        tail = name.rpartition(f"{parent}.")[2] if parent else name
        if row.level == 2 or not tail[0].isdigit():
            name = tail
    return name


def _layers(table: Table) -> str:
    made = f"{table.layers} weighted layer{'s' if table.layers != 1 else ''}"
    return made + (f", {table.blocks} block{'s' if table.blocks != 1 else ''}" if table.blocks else "")


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
                row[column] = (text[: keep - 1] + "…", side)
    return cells


def _line(row: list[Cell], sizes: list[int]) -> str:
    made = []
    for (text, side), size in zip(row, sizes, strict=True):
        blank = " " * (size - columns_of(text))
        made.append(blank + text if side == ">" else text + blank)
    return "  ".join(made).rstrip()


def _notes(table: Table, width: int) -> list[str]:
    """The title line, and the lines below the table."""
    net = table.net
    inputs = ", ".join(shape_text(s, table.at) for s in net.graph.input_shapes)
    settings = "".join(f"  {name}={value}" for name, value in net.settings)
    made = [f"{net.name}   input {inputs}{settings}"]
    ordered = [k for k in WORDS if k in table.shortcuts]
    kinds = " · ".join(f"{table.shortcuts[k]} {WORDS[k]}" for k in ordered) or "none"
    memory = f"memory  {mebibytes(table.total.params)} weights"
    if table.at is None:
        memory += " (fp32)"
    else:
        memory += f" · {mebibytes(table.total.activations)} activations (fp32, one input)"
    both = f"shortcuts  {kinds}      {memory}"
    made += [both] if len(both) <= width else [f"shortcuts  {kinds}", memory]
    if table.at is None:
        made.append(f"MACs depend on the input size: give one with `--at {_example(net)}`")
    else:
        macs = f"{table.total.macs:,} MACs: convolutions and linear layers only; FLOPs = 2 × MACs"
        made.append(macs)
    return made


def _example(net: Net) -> str:
    """An input shape to suggest: `3x224x224`."""
    first = net.graph.input_shapes[0] or ()
    usual = {2: 224, 3: 64}.get(len(first) - 1, 1024)
    return "x".join(str(d) if isinstance(d, int) else str(max(usual, *net.least.values(), 1)) for d in first)
