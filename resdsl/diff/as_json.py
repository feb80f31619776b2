"""A comparison as JSON: everything, with exact integers."""

from __future__ import annotations

from typing import Any

from resdsl.conditions import condition
from resdsl.diff.compare import Difference
from resdsl.diff.layers import Change
from resdsl.diff.lists import kind
from resdsl.diff.stages import Pair
from resdsl.diff.state import Stored
from resdsl.diff.weights import params
from resdsl.diff.words import notes, verdict
from resdsl.graph.model import Net
from resdsl.render.outline.rows import Row, Table
from resdsl.sizes import Shape, shape_at


def to_json(found: Difference) -> dict[str, Any]:
    """The comparison as plain values; what depends on an unknown input size is null."""
    kept = found.weights
    a, b = found.tables
    return {
        "a": _net(found.a, a, kept.a),
        "b": _net(found.b, b, kept.b),
        "verdict": found.verdict,
        "summary": verdict(found),
        "notes": notes(found),
        "strict_load": kept.strict,
        "same_in_evaluation": found.same_evaluation,
        "same_in_training": found.same_training,
        "same_initialisation": found.same_start,
        "same_inputs": found.same_sizes,
        "stages": [_stage(found, pair) for pair in found.stages if pair.differs],
        "layers": [_change(change) for change in found.changes],
        "weights": {
            "carried": {"tensors": len(kept.carried), "params": params(kept.a, kept.carried)},
            "reshaped": [{"key": k, "a": _list(kept.a[k]), "b": _list(kept.b[k])} for k in kept.reshaped],
            "only_a": list(kept.only_a),
            "only_b": list(kept.only_b),
            "renamed": kept.renames,
            "misplaced": list(kept.misplaced),
        },
    }


def _list(tensor: Stored) -> list[int] | None:
    return None if tensor.shape is None else list(tensor.shape)


def _net(net: Net, table: Table, tensors: dict[str, Stored]) -> dict[str, Any]:
    known = table.at is not None
    return {
        "net": net.name,
        "file": net.graph.span.source.path,
        "settings": dict(net.settings),
        "inputs": [_shape(s, table.at) for s in net.graph.input_shapes],
        "outputs": [_shape(s, table.at) for s in net.graph.output_shapes],
        "fits": {var: condition(sizes, var) for var, sizes in net.fits.items()},
        "params": table.total.params,
        "macs": table.total.macs if known else None,
        "activations": table.total.activations if known else None,
        "tensors": len(tensors),
    }


def _shape(shape: Shape | None, at: dict[str, int] | None) -> list[Any] | None:
    if shape is None:
        return None
    return (
        list(shape_at(shape, at)) if at is not None else [d if isinstance(d, int) else str(d) for d in shape]
    )


def _stage(found: Difference, pair: Pair) -> dict[str, Any]:
    a, b = found.tables
    return {"name": pair.name, "a": _row(a, pair.a), "b": _row(b, pair.b), "layers": len(pair.changes)}


def _row(table: Table, row: Row | None) -> dict[str, Any] | None:
    if row is None:
        return None
    known = table.at is not None
    return {
        "name": row.name,
        "block": row.text,
        "repeat": row.repeat,
        "output": _shape(row.shape, table.at),
        "params": row.cost.params,
        "macs": row.cost.macs if known else None,
        "activations": row.cost.activations if known else None,
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "change": {"+": "added", "-": "removed", "~": "changed"}[change.mark],
        "address": change.address,
        "address_in_b": None if change.mark == "-" else change.other,
        "block": change.block or None,
        "block_name": change.name or None,
        "layer": kind(change.a or change.b) or None,
        "arguments": [{"name": name, "a": a, "b": b} for name, a, b in change.fields],
        "effect": {"start": "initialisation"}.get(change.effect, change.effect),
    }
