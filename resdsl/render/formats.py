"""The table as Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from resdsl.render.numbers import extents, field_text, shape_text
from resdsl.render.rows import Row, Table
from resdsl.sizes import shape_at

COLUMNS = ("stage", "block", "repeat", "output", "receptive_field", "params", "macs", "activations")


def to_markdown(table: Table, lines: list[Row]) -> str:
    """A GitHub table with the total in the last row."""
    head = ["stage", "block", "n", "output", "sees", "params", "MACs", "activations"]
    made = [_pipe(head), _pipe(["---", "---", "--:", "---", "--:", "--:", "--:", "--:"])]
    for row in lines:
        name = "&nbsp;&nbsp;" * row.level + row.name
        made.append(_pipe([name, row.text, *_values(table, row)]))
    counts = [
        f"**{n}**" for n in _counts(table, table.total.params, table.total.macs, table.total.activations)
    ]
    made.append(_pipe(["**total**", f"{table.layers} weighted layers", "", "", "", *counts]))
    return "\n".join(made) + "\n"


def _pipe(cells: list[str]) -> str:
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"


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


def to_csv(table: Table, lines: list[Row]) -> str:
    """One line for each row, without a total: numbers are exact, unknown ones empty."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(COLUMNS)
    known = table.at is not None
    for row in lines:
        cost = row.cost
        counts = [cost.macs, cost.activations] if known else ["", ""]
        shape = shape_text(row.shape, table.at)
        out.writerow([row.name, row.text, row.repeat, shape, field_text(row.field), cost.params, *counts])
    return text.getvalue()


def to_json(table: Table, lines: list[Row]) -> str:
    """Everything, with exact integers; what depends on an unknown input size is null."""
    known = table.at is not None
    total = table.total
    made = {
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
            "weight_bytes": total.params * 4,
            "activation_bytes": total.activations * 4 if known else None,
        },
        "convention": "MACs of convolutions and linear layers; FLOPs = 2 * MACs; bytes in fp32, one input",
    }
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


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
