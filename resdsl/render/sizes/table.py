"""At which input sizes a net fits, and its shapes at some of them, as text, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import Any, Literal

from resdsl.conditions import condition
from resdsl.diagnostics.columns import width as columns_of
from resdsl.graph.model import Net
from resdsl.render.numbers import shape_text
from resdsl.render.sizes.facts import facts, headline, notes
from resdsl.render.sizes.fitting import Column, Fitting, fitting
from resdsl.render.sizes.witness import Witness
from resdsl.sets import SizeSet
from resdsl.sizes import Shape

Format = Literal["text", "md", "csv", "json"]

LEAST_ROOM = 24
"""Columns that a text has, however narrow the page is."""


def sizes_table(
    net: Net,
    at: Sequence[dict[str, int]] | None = None,
    *,
    width: int = 100,
    color: bool = False,
    format: Format = "text",
) -> str:
    """The report on the input sizes of a net. Raises NoSuchSize for one beyond any tensor.

    Args:
        net: a checked net, or one whose only mistake is that it does not fit at every admitted size.
        at: the input sizes to show, by name; the net's own and the smallest by default.
        width: columns a text may take.
        color: whether a text may use ANSI colours.
        format: `text`, `md`, `csv` or `json`.
    """
    found = fitting(net, at)
    match format:
        case "md":
            return _markdown(found)
        case "csv":
            return _csv(found)
        case "json":
            return _json(found)
        case "text":
            return _text(found, width, color)
    raise ValueError(f"unknown format `{format}`: text, md, csv or json")


# ---------------------------------------------------------------- text


def _text(found: Fitting, width: int, color: bool) -> str:
    title = headline(found.net)
    if color:
        title = f"\x1b[1m{found.net.name}\x1b[0m" + title[len(found.net.name) :]
    said = facts(found, _together)
    margin = max(len(label) for label, _ in said) + 2
    lines = [title, ""]
    for label, text in said:
        first, *rest = _wrapped(text, max(width - margin, LEAST_ROOM))
        lines += [label.ljust(margin) + first, *(" " * margin + more for more in rest)]
    for block in _blocks(_cells(found), width):
        head, rule, *body = _lines(block, width)
        lines += ["", *([f"\x1b[2m{head}\x1b[0m", f"\x1b[2m{rule}\x1b[0m"] if color else [head, rule]), *body]
    remarks = [line for note in notes(found, _together) for line in _wrapped(note, max(width, LEAST_ROOM))]
    return "\n".join([*lines, *([""] if remarks else []), *remarks]) + "\n"


def _together(text: str) -> str:
    """A condition that is broken in lines only around `and` and `or`."""
    return re.sub(r"(?<! and)(?<! or) (?!and |or )", "\xa0", text)


def _wrapped(text: str, width: int) -> list[str]:
    """A text in lines, first between its parts, of which the later ones are set in."""
    parts = [text] if columns_of(text) <= width else text.replace("; ", ";\n").split("\n")
    return [
        line.replace("\xa0", " ")
        for i, part in enumerate(parts)
        for line in wrap(
            part,
            width,
            initial_indent="  " * (i > 0),
            subsequent_indent="  " * (i > 0),
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]


def _lines(block: list[list[str]], width: int) -> list[str]:
    """A table: its head, a rule, its rows. A shape that is too long takes several lines."""
    made = []
    room = max(width - max(map(columns_of, block[0])) - 2, LEAST_ROOM)
    for name, *cells in zip(*block, strict=True):
        columns = [[name], *(wrap(cell, room, break_long_words=False) for cell in cells)]
        made += list(zip_longest(*columns, fillvalue=""))
    sizes = [max(map(columns_of, column)) for column in zip(*made, strict=True)]
    head, *body = [
        "  ".join(cell + " " * (n - columns_of(cell)) for cell, n in zip(row, sizes, strict=True)).rstrip()
        for row in made
    ]
    return [head, "─" * (sum(sizes) + 2 * (len(sizes) - 1)), *body]


def _cells(found: Fitting) -> list[list[str]]:
    """The columns of the table with their heads."""
    names = ["stage", *(line.name for line in found.lines)]
    shapes = ["shape", *(symbolic(line.shape) for line in found.lines)]
    made = [names, shapes]
    for i, column in enumerate(found.columns if found.net.sizes else []):
        made.append([size_text(column), *(_value(line.values[i]) for line in found.lines)])
    return made


def _blocks(columns: list[list[str]], width: int) -> list[list[list[str]]]:
    """The columns in tables that are no wider than `width`; each begins with the stages."""
    names, *rest = columns
    blocks = [[names]]
    for column in rest:
        wide = sum(max(map(columns_of, c)) + 2 for c in [*blocks[-1], column]) - 2
        if wide > width and len(blocks[-1]) > 1:
            blocks.append([names])
        blocks[-1].append(column)
    return blocks


def symbolic(shape: Shape | None) -> str:
    """A shape as the language writes it."""
    return "?" if shape is None else f"[{', '.join(map(str, shape))}]"


def size_text(column: Column) -> str:
    """`225×400`."""
    return "×".join(map(str, column.at.values()))


def _value(value: tuple[int, ...] | None) -> str:
    return "-" if value is None else shape_text(value, None)


# ---------------------------------------------------------------- Markdown and CSV


def _markdown(found: Fitting) -> str:
    def code(text: str) -> str:
        return f"`{text}`"

    net = found.net
    lines = [f"**{net.name}** `{headline(net).removeprefix(net.name).strip()}`", ""]
    lines += [f"- **{label}** {text}" for label, text in facts(found, code)]
    head, *body = zip(*_cells(found), strict=True)
    rows = [head, ("---",) * len(head), *((n, code(s), *values) for n, s, *values in body)]
    lines += ["", *("| " + " | ".join(row) + " |" for row in rows)]
    lines += [line for note in notes(found, code) for line in ("", note)]
    return "\n".join(lines) + "\n"


def _csv(found: Fitting) -> str:
    """One line for each input and stage; empty where it does not run."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    for row in zip(*_cells(found), strict=True):
        out.writerow(["" if cell == "-" else cell for cell in row])
    return text.getvalue()


# ---------------------------------------------------------------- JSON


def _json(found: Fitting) -> str:
    """Everything as data; conditions as text, empty where every size will do, null where none does."""
    net = found.net
    made = {
        "net": net.name,
        "settings": dict(net.settings),
        "sizes": list(net.sizes),
        "at": net.nominal,
        "verdict": found.verdict,
        "fits": _conditions(net, net.fits.__getitem__),
        "where": _conditions(net, net.where.of),
        "needed": _conditions(net, net.needed.of),
        "training": _conditions(net, lambda var: net.where.of(var) & net.training.of(var)),
        "training_outputs": list(net.graph.training_outputs),
        "smallest": found.smallest,
        "largest": {var: found.largest.get(var) for var in net.sizes},
        "fails": [_witness(w) for w in found.witnesses],
        "near": found.near,
        "columns": [
            {
                "at": column.at,
                "fits": column.fits,
                "fits_in_training": column.fits and not column.untrained,
                "refused": list(column.refused),
                "next": column.after,
            }
            for column in found.columns
        ],
        "stages": [
            {
                "name": line.name,
                "kind": line.kind,
                "shape": None
                if line.shape is None
                else [d if isinstance(d, int) else str(d) for d in line.shape],
                "values": [None if value is None else list(value) for value in line.values],
            }
            for line in found.lines
        ],
    }
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _conditions(net: Net, of: Callable[[str], SizeSet]) -> dict[str, str | None]:
    return {var: condition(of(var), var) if of(var) else None for var in net.sizes}


def _witness(made: Witness) -> dict[str, Any]:
    return {
        "sizes": list(made.names),
        "value": made.value,
        "step": made.step,
        "place": made.span.place,
        "left": made.left,
        "right": made.right,
        "rounded": [
            {"step": r.step, "before": r.before, "stride": r.stride, "after": r.after} for r in made.rounded
        ],
        "text": made.text,
    }
