"""Numbers and shapes as people read them."""

from __future__ import annotations

from math import inf

from resdsl.graph.model import Field
from resdsl.sizes import Shape, shape_at

MACS = "MACs: convolutions and linear layers only; FLOPs = 2 × MACs"
"""What is counted, said below the tables."""


def short(count: int) -> str:
    """A count with three significant digits: `25.6 M`, `9,536` below ten thousand. `html/model.js` has it too."""
    if count < 10_000:
        return f"{count:,}"
    for unit, size in zip("EPTGMk", (10**18, 10**15, 10**12, 10**9, 10**6, 10**3), strict=True):
        value = count / size
        if value >= 0.9995:
            return f"{value:,.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {unit}"
    raise AssertionError(count)


def mac_count(count: int) -> str:
    """MACs: `4.09 GMACs`, `512 MACs`."""
    text = short(count)
    return f"{text}MACs" if text[-1].isalpha() else f"{text} MACs"


def bytes_text(size: int) -> str:
    """Bytes in the unit that suits them: `97.5 MiB`, `1.06 GiB`, `12 bytes`."""
    for unit, power in (("PiB", 50), ("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)):
        value = size / 2**power
        if value >= 0.9995:
            return f"{value:,.{2 if value < 9.995 else 1}f} {unit}"
    return f"{size} bytes"


def percent(a: int, b: int) -> str:
    """From a to b: `+6.0 %`, `+49,730 %`; empty where there was nothing, or it is the same."""
    if not a or a == b:
        return ""
    value = 100 * (b - a) / a
    if abs(value) < 0.05:
        return f"{value:+.1g} %"
    return f"{value:+,.{1 if abs(value) < 999.95 else 0}f} %"


def shape_text(shape: Shape | None, at: dict[str, int] | None) -> str:
    """`64×56×56`; without sizes `64 × ceil(H / 4) × ceil(W / 4)`."""
    if shape is None:
        return "?"
    if at is not None:
        shape = shape_at(shape, at)
    if all(isinstance(d, int) for d in shape):
        return "×".join(map(str, shape)) or "a scalar"
    return " × ".join(map(str, shape))


def extents(field: Field | None) -> list[float | None]:
    """Extent of a receptive field along each axis; None sees all of it."""
    found: list[float | None] = []
    for extent, _ in field or ():
        if extent == inf:
            found.append(None)
        else:
            found.append(int(extent) if extent == int(extent) else float(extent))
    return found


def field_text(field: Field | None) -> str:
    """Extent of a receptive field: `483`, `7×9` when the axes differ, `-` for the whole input."""
    found = ["-" if e is None else f"{e:.6g}" for e in extents(field)]
    return (found[0] if len(set(found)) == 1 else "×".join(found)) if found else "-"


def span_text(first: int, last: int) -> str:
    """`3`, or `3–5`."""
    return str(first) if first == last else f"{first}–{last}"
