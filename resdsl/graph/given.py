"""Input sizes as a person writes them: one number for all that vary, one for each, or a whole shape."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from resdsl.graph.model import Net
from resdsl.sizes import Shape, Size, shape_at

MOST_ELEMENTS = 2**63 - 1
EXAMPLE = (224, 400, 64, 32)


class NoSuchSize(ValueError):
    """Numbers that are no input size of the net; the text says why."""


def sizes_given(net: Net, numbers: Sequence[int]) -> dict[str, int] | None:
    """Input sizes by name; None for a shape whose fixed sizes are others. Raises NoSuchSize.

    Args:
        net: a net.
        numbers: one for all sizes that vary, one for each of them, one for each axis of the first input that
            varies, or, if it is the only input, one for each axis.
    """
    if any(n < 1 for n in numbers):
        raise NoSuchSize("a size is at least 1")
    shape = net.graph.input_shapes[0] or ()
    varying = [d.var for d in shape if isinstance(d, Size)]
    if len(numbers) == len(shape) != len(net.sizes) and len(net.graph.inputs) == 1 and len(shape) > 1:
        both = list(zip(shape, numbers, strict=True))
        if any(d != n for d, n in both if isinstance(d, int)):
            return None
        at = _by_name(varying, [n for d, n in both if isinstance(d, Size)])
    elif net.sizes and len(numbers) == 1:
        at = dict.fromkeys(net.sizes, numbers[0])
    elif net.sizes and len(numbers) == len(net.sizes):
        at = dict(zip(net.sizes, numbers, strict=True))
    elif len(numbers) == len(varying) and set(varying) == set(net.sizes) != set():
        at = _by_name(varying, numbers)
    else:
        raise NoSuchSize(_wanted(net))
    for declared in net.graph.input_shapes:
        tensor(declared or (), at)
    return at


def tensor(shape: Shape, at: dict[str, int]) -> tuple[int, ...]:
    """A shape at input sizes. Raises NoSuchSize where no tensor is as large."""
    made = shape_at(shape, at)
    if prod(made) > MOST_ELEMENTS:
        raise NoSuchSize("a tensor has less than 2**63 elements")
    return made


def _by_name(names: Sequence[str], numbers: Sequence[int]) -> dict[str, int]:
    made: dict[str, int] = {}
    for name, number in zip(names, numbers, strict=True):
        if made.setdefault(name, number) != number:
            raise NoSuchSize(f"`{name}` cannot be {made[name]} and {number}")
    return made


def _wanted(net: Net) -> str:
    if not net.sizes:
        return "the input is fixed: no size of it varies"
    *names, last = (f"`{name}`" for name in net.sizes)
    if not names:
        return f"only {last} varies, so a size is one number"
    example = "x".join(str(EXAMPLE[i % len(EXAMPLE)]) for i, _ in enumerate(net.sizes))
    both = "both" if len(net.sizes) == 2 else "all"
    return f"{', '.join(names)} and {last} vary: one number for {both}, or {len(net.sizes)} like {example}"
