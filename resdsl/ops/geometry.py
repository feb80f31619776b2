"""Window arithmetic shared by convolutions and pools."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from resdsl.ops.base import Need, Reject, Window, one, show, spread
from resdsl.sizes import Dim, Shape


class Windows(NamedTuple):
    """How a window moves: one int for each spatial axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]

    @property
    def reach(self) -> tuple[int, ...]:
        """The extent of the window: `dilation * (kernel - 1) + 1`."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    @property
    def field(self) -> tuple[tuple[int, int | Fraction], ...]:
        """(extent, stride) along each axis, as `Op.window` wants it."""
        return tuple(zip(self.reach, self.stride, strict=True))


def windows(rank: int, size: Window, stride: Window, padding: Window | None, dilation: Window = 1) -> Windows:
    """Spread the arguments over the axes and settle a padding that was not written.

    The default is 0 where the window equals the stride (patches), else what keeps the size at stride 1:
    `dilation * (k - 1) / 2`, which needs an odd window.
    """
    kernel = spread(size, rank, "size")
    strides = spread(stride, rank, "stride")
    dilations = spread(dilation, rank, "dilation")
    if padding is not None:
        return Windows(kernel, strides, spread(padding, rank, "padding"), dilations)
    paddings = []
    for k, s, d in zip(kernel, strides, dilations, strict=True):
        if k == s and d == 1:
            paddings.append(0)
        elif d * (k - 1) % 2 == 0:
            paddings.append(d * (k - 1) // 2)
        else:
            raise Reject(
                f"a window of {k} with stride {s} has no middle, so `padding` has no default",
                "padding",
                _written_padding(kernel, strides, dilations),
                code="missing-argument",
            )
    return Windows(kernel, strides, tuple(paddings), dilations)


def _written_padding(kernel: Window, stride: tuple[int, ...], dilation: tuple[int, ...]) -> str:
    """The padding of a window without a middle that changes the size least, and what keeps it."""
    size = one(
        tuple(d * (k - 1) // 2 for k, d in zip(spread(kernel, len(stride), "size"), dilation, strict=True))
    )
    if isinstance(size, int) and one(stride) == 1:
        return (
            f"write `padding = {size}`, which makes the size 1 smaller; `pad({size}, after = {size + 1})` before"
            " it and `padding = 0` keep it"
        )
    text = size if isinstance(size, int) else "x".join(map(str, size))
    return f"write `padding = {text}`, or the padding you mean"


def both_sides(before: Window, after: Window | None, rank: int) -> tuple[tuple[int, int], ...]:
    """(before, after) for each axis; `after` is by default as `before`."""
    start = spread(before, rank, "before")
    return tuple(zip(start, start if after is None else spread(after, rank, "after"), strict=True))


def slide(
    sizes: tuple[Dim, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    *,
    ceil_mode: bool = False,
    blame: str = "size",
) -> tuple[Dim, ...]:
    """Sizes after sliding a window: `floor((h + 2p - d(k - 1) - 1) / s) + 1` (torch.nn.Conv2d).

    With `ceil_mode` the division rounds up, but a window may not start in the right padding
    (torch.nn.MaxPool2d).
    """
    out: list[Dim] = []
    for h, k, s, p, d in zip(sizes, kernel, stride, padding, dilation, strict=True):
        reach = d * (k - 1) + 1
        span = h + (2 * p - reach)
        size = span // s + 1
        if ceil_mode:
            size = (span + (s - 1)) // s + 1
            # The last window may not start beyond the input and its left padding. As p <= reach / 2, at
            # most one does, and `excess` is in [-reach, 1]: take its positive part.
            excess = size - (h + (p + s - 1)) // s
            size = size - (excess + reach) // (reach + 1)
        if isinstance(size, int) and size < 1:
            padded = f" (padded to {h + 2 * p})" if p else ""
            raise Reject(
                f"a window of {reach} does not fit an input of {show(sizes)}{padded}",
                blame,
                "use a larger input, a smaller window or more padding",
                code="input-too-small",
            )
        out.append(size)
    return tuple(out)


def pieces(size: Dim, parts: int) -> tuple[int, int | Fraction] | None:
    """(extent, stride) of adaptive pooling, whose windows differ by at most one; None if they vary."""
    if not isinstance(size, int):
        return None
    extent = max(-(-(i + 1) * size // parts) - i * size // parts for i in range(parts))
    return extent, Fraction(size, parts)


def divides(channels: int, groups: int, what: str) -> None:
    """Reject groups that do not divide the channels."""
    if channels % groups:
        near = min((g for g in range(1, channels + 1) if channels % g == 0), key=lambda g: abs(g - groups))
        raise Reject(
            f"{channels} {what} do not divide into {groups} groups", "groups", f"they divide into {near}"
        )


def padding_needs(
    mode: str, sizes: Shape, paddings: Iterable[int], blame: str = "padding_mode"
) -> Iterator[Need]:
    """Padding that repeats the input takes no more of it than there is."""
    more = {"reflect": 1, "circular": 0}.get(mode)
    if more is None:
        return
    for axis, (size, padding) in enumerate(zip(sizes, paddings, strict=True), 1):
        message = (
            f"`{mode}` padding of {padding} does not fit a size of {size}: it takes at least {padding + more}"
        )
        reject = Reject(message, blame)
        yield Need(size, ">=", padding + more, reject, axis=axis)
