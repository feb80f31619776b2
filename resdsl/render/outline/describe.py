"""A net in a line, and in words for those who do not see the picture."""

from __future__ import annotations

from resdsl.render.numbers import mac_count, shape_text, short
from resdsl.render.outline.rows import Table


def subtitle(table: Table) -> str:
    """`25.6 M params · 4.09 GMACs · 3×224×224`."""
    made = f"{short(table.total.params)} params"
    if table.at is not None:
        made += f" · {mac_count(table.total.macs)}"
        made += f" at {shape_text(table.net.graph.input_shapes[0], table.at)}"
    return made


def describe(table: Table) -> str:
    """The picture in words."""
    made = [f"{len(table.rows)} stages."]
    for row in table.rows:
        times = f" × {row.repeat}" if row.repeat > 1 else ""
        made.append(f"{row.name}: {row.text}{times}, giving {shape_text(row.shape, table.at)}.")
    kinds = ", ".join(f"{count} {kind.replace('_', '-')}" for kind, count in sorted(table.shortcuts.items()))
    made.append(f"Shortcuts: {kinds or 'none'}.")
    return " ".join(made)
