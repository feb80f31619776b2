"""The table as Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from typing import Any

from resdsl.graph.memory import WORD, Memory, memory
from resdsl.render.numbers import MACS, bytes_text, extents, field_text, shape_text
from resdsl.render.outline.rows import Row, Table
from resdsl.sizes import shape_at

COLUMNS = ("stage", "block", "repeat", "output", "receptive_field", "params", "macs", "activations")


def to_markdown(table: Table, lines: list[Row], batch: int = 1) -> str:
    """A GitHub table with the total in the last row."""
    head = ["stage", "block", "n", "output", "sees", "params", "MACs", "activations"]
    made = [_pipe(head), _pipe(["---", "---", "--:", "---", "--:", "--:", "--:", "--:"])]
    for row in lines:
        name = "&nbsp;&nbsp;" * row.level + escape(row.name)
        made.append(_pipe([name, escape(row.text), *_values(table, row)]))
    counts = [
        f"**{n}**" for n in _counts(table, table.total.params, table.total.macs, table.total.activations)
    ]
    made.append(_pipe(["**total**", table.depth, "", "", "", *counts]))
    if table.at is not None:
        needs = memory(table.net, table.at, table.total.params, batch)
        made += ["", f"{table.given}; {MACS}; memory in float32, batch {batch}: {_needs(needs)}."]
    return "\n".join(made) + "\n"


def _needs(needs: Memory) -> str:
    made = f"{bytes_text(needs.weights)} weights, {bytes_text(needs.peak)} values at the peak of inference"
    if needs.saved is not None:
        made += f", {bytes_text(needs.saved)} kept for the backward pass"
    return made


def escape(text: str) -> str:
    """Text as markdown shows it."""
    return re.sub(r"([\\`*_<>|\[\]])", r"\\\1", text)


def _pipe(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _values(table: Table, row: Row) -> list[str]:
    cost = row.cost
    return [
        str(row.repeat),
        shape_text(row.shape, table.at),
        field_text(row.field),
        *_counts(table, cost.params, cost.macs, cost.activations),
    ]


def _counts(table: Table, params: int, macs: int, activations: int) -> list[str]:
    known = table.at is not None
    return [f"{params:,}", *(f"{n:,}" if known else "-" for n in (macs, activations))]


def to_csv(nets: Sequence[tuple[Table, list[Row]]], *, named: bool = False) -> str:
    """One line for each row, without a total: numbers are exact, unknown ones empty. `named` says of which net."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(["net"] * named + list(COLUMNS))
    for table, lines in nets:
        known = table.at is not None
        for row in lines:
            cost = row.cost
            counts = [cost.macs, cost.activations] if known else ["", ""]
            cells = [row.name, row.text, row.repeat, shape_text(row.shape, table.at), field_text(row.field)]
            out.writerow([table.net.name] * named + [*cells, cost.params, *counts])
    return text.getvalue()


def to_json(nets: Sequence[tuple[Table, list[Row]]], batch: int = 1) -> str:
    """Everything, with exact integers; what depends on an unknown input size is null. A list for several nets."""
    made = [_net(table, lines, batch) for table, lines in nets]
    return json.dumps(made if len(made) > 1 else made[0], indent=2, ensure_ascii=False) + "\n"


def _net(table: Table, lines: list[Row], batch: int) -> dict[str, Any]:
    known = table.at is not None
    total = table.total
    return {
        "net": table.net.name,
        "settings": dict(table.net.settings),
        "inputs": [_shape(table, s) for s in table.net.graph.input_shapes],
        "sizes": table.at,
        "rows": [_row(table, row) for row in lines],
        "total": {
            "params": total.params,
            "macs": total.macs if known else None,
            "activations": total.activations if known else None,
            "weighted_layers": table.layers,
            "residual_blocks": table.blocks,
            "shortcuts": dict(sorted(table.shortcuts.items())),
        },
        "memory": _memory(table, batch),
        "convention": "MACs of convolutions and linear layers for one input; FLOPs = 2 * MACs; memory in bytes",
    }


def _memory(table: Table, batch: int) -> dict[str, Any]:
    made: dict[str, Any] = {"dtype": "float32", "batch": batch, "weights": table.total.params * WORD}
    needs = None if table.at is None else memory(table.net, table.at, table.total.params, batch)
    saved = needs.saved if needs else None
    return made | {
        "inference": needs and {"values": needs.peak, "total": needs.inference},
        "training": None
        if needs is None or saved is None
        else {"saved": saved, "gradients": needs.weights, "with_sgd": needs.sgd, "with_adam": needs.adam},
    }


def _row(table: Table, row: Row) -> dict[str, Any]:
    known = table.at is not None
    return {
        "name": row.name,
        "level": ("stage", "block", "op")[row.level],
        "block": row.text,
        "repeat": row.repeat,
        "output": _shape(table, row.shape),
        "output_symbolic": None if row.shape is None else [str(d) for d in row.shape],
        "receptive_field": extents(row.field) or None,
        "params": row.cost.params,
        "macs": row.cost.macs if known else None,
        "activations": row.cost.activations if known else None,
        "shortcuts": dict(sorted(row.shortcuts.items())),
    }


def _shape(table: Table, shape: Any) -> list[Any] | None:
    if shape is None:
        return None
    return (
        list(shape_at(shape, table.at))
        if table.at is not None
        else [d if isinstance(d, int) else str(d) for d in shape]
    )
