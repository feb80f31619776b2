"""Ops that move values and make none."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import mul

from resdsl.ops.base import Need, New, Op, Reject, Text, arg, axis_at, call, dim, eg, fixed, op, show
from resdsl.sizes import Dim, Shape


@op("identity", category="shape")
class Identity(Op):
    """The input itself.

    Shape: S -> S.
    Matches torch.nn.Identity.
    """

    functional = True
    examples = (eg("identity", (64, 56, 56)),)

    def infer(self, x: Shape) -> Shape:
        """The input's shape."""
        return x

    def module(self, x: Shape) -> New:
        """`nn.Identity()`."""
        return New("nn.Identity")

    def text(self, x: Shape) -> Text:
        """`x`."""
        return Text("{0}")


@op("flatten", category="shape")
class Flatten(Op):
    """All axes as one.

    Shape: (C, H, W) -> (C * H * W).
    Matches torch.nn.Flatten.
    """

    functional = True
    examples = (eg("flatten", (512, 7, 7)), eg("flatten", (512, 1, 1)))

    def infer(self, x: Shape) -> Shape:
        """The product of the sizes."""
        if not x:
            raise Reject("has no axes to flatten", 0)
        start: Dim = 1
        return (reduce(mul, x, start),)

    def window(self, x: Shape) -> None:
        """The whole input."""

    def module(self, x: Shape) -> New:
        """`nn.Flatten()`."""
        return New("nn.Flatten")

    def text(self, x: Shape) -> Text:
        """`torch.flatten(x, 1)`."""
        return call("torch.flatten", 1)


@op("chunk", category="shape")
class Chunk(Op):
    """Several outputs: equal parts along an axis, by default the channels.

    Shape: (C, *) -> n times (C / n, *).
    Matches torch.chunk, which also makes unequal parts.
    """

    functional = True
    examples = (eg("chunk(2)", (116, 28, 28)), eg("chunk(3, axis = -1)", (197, 2304)))
    n: int = arg("int", "number of parts", at_least=1)
    axis: int = arg("int", "the axis that is divided", default=0)

    def needs(self, x: Shape) -> Iterator[Need]:
        """The parts are equal."""
        axis = axis_at(self.axis, x)
        reject = Reject(f"axis {axis} of `{show(x)}` does not divide into {self.n} parts", "n")
        yield Need(x[axis] % self.n, "==", 0, reject, axis=axis)

    def infer(self, x: Shape) -> Shape:
        """The shape of one part."""
        axis = axis_at(self.axis, x)
        return (*x[:axis], x[axis] // self.n, *x[axis + 1 :])

    def infer_all(self, x: Shape) -> tuple[Shape, ...]:
        """The shapes of all parts."""
        return (self.infer(x),) * self.n

    def text(self, x: Shape) -> Text:
        """`x.chunk(2, dim=1)`."""
        return Text("{0}.chunk({n}, dim={dim})", (("n", self.n), ("dim", dim(self.axis))))

    def label(self) -> str:
        """`chunk 2`."""
        return f"chunk {self.n}"


@op("select", category="shape")
class Select(Op):
    """One position along an axis, which goes away.

    Shape: (N, F) -> (F) for `axis` = 0.
    Matches torch.select.
    """

    functional = True
    examples = (eg("select(0, 0)", (197, 768)), eg("select(-1, index = -1)", (4, 8, 16)))
    axis: int = arg("int", "the axis")
    index: int = arg("int", "the position, from the end if negative")

    def needs(self, x: Shape) -> Iterator[Need]:
        """There is such a position."""
        axis = axis_at(self.axis, x)
        reject = Reject(f"axis {axis} has {x[axis]} positions, none at {self.index}", "index")
        yield Need(x[axis], ">=", self.index + 1 if self.index >= 0 else -self.index, reject, axis=axis)

    def infer(self, x: Shape) -> Shape:
        """The shape without the axis."""
        axis = axis_at(self.axis, x)
        return x[:axis] + x[axis + 1 :]

    def text(self, x: Shape) -> Text:
        """`x[:, 0]`."""
        before = ":, " * (axis_at(self.axis, x) + 1)
        return Text(f"{{0}}[{before}{{index}}]", (("index", self.index),))


@op("slice", category="shape")
class Slice(Op):
    """The positions of an axis from `start` to before `stop`; negative ones count from the end.

    Shape: (N, F) -> (N - 1, F) for `axis` = 0 and `start` = 1.
    Matches torch.Tensor.narrow.
    """

    functional = True
    examples = (
        eg("slice(0, start = 1)", (197, 768)),
        eg("slice(-1, start = 2, stop = -3)", (4, 8, 16)),
        eg("slice(1, start = -2)", (4, 8)),
        eg("slice(0, stop = 5)", (8, 4)),
    )
    axis: int = arg("int", "the axis")
    start: int = arg("int", "the first position", default=0)
    stop: int | None = arg("int", "the first position that is left out; by default none is", default=None)

    def needs(self, x: Shape) -> Iterator[Need]:
        """All these positions exist, and there is one."""
        axis = axis_at(self.axis, x)
        size, start, stop = x[axis], self.start, self.stop
        ends = [e if e > 0 else -e for e in (start, stop or 0)]
        if start >= 0 and stop is not None and stop < 0:
            ends = [start - stop + 1]
        elif start >= 0:
            ends.append(start + 1)
        nothing = stop is not None and (stop >= 0) == (start >= 0) and stop <= start
        if nothing or (start < 0 and stop is not None and stop >= 0):
            raise Reject(f"from {start} to {stop} there is nothing that fits every size", "stop")
        reject = Reject(f"axis {axis} of `{show(x)}` has not the positions from {start} to {stop}", "axis")
        for least in ends:
            yield Need(size, ">=", least, reject, axis=axis)

    def infer(self, x: Shape) -> Shape:
        """The size along the axis is how many are kept."""
        axis = axis_at(self.axis, x)
        first: Dim = self.start if self.start >= 0 else x[axis] + self.start
        last: Dim = x[axis] if self.stop is None else self.stop if self.stop >= 0 else x[axis] + self.stop
        return (*x[:axis], last - first, *x[axis + 1 :])

    def window(self, x: Shape) -> None:
        """As positions are no longer where they were."""

    def text(self, x: Shape) -> Text:
        """`x[:, 1:]`."""
        literals: tuple[tuple[str, int], ...] = (("start", self.start),) if self.start else ()
        literals += (("stop", self.stop),) if self.stop is not None else ()
        ends = ("{start}" if self.start else "") + ":" + ("{stop}" if self.stop is not None else "")
        return Text(f"{{0}}[{':, ' * (axis_at(self.axis, x) + 1)}{ends}]", literals)

    def label(self) -> str:
        """`1:`."""
        return f"[{self.start or ''}:{'' if self.stop is None else self.stop}]"


@op("unbind", category="shape")
class Unbind(Op):
    """Several outputs: the values at each position along an axis, which goes away.

    Shape: (3, N, F) -> 3 times (N, F) for `axis` = 0.
    Matches torch.unbind.
    """

    functional = True
    examples = (eg("unbind(0)", (3, 12, 197, 64)), eg("unbind(-1)", (8, 2)))
    axis: int = arg("int", "the axis")

    def infer(self, x: Shape) -> Shape:
        """The shape without the axis."""
        axis = axis_at(self.axis, x)
        return x[:axis] + x[axis + 1 :]

    def infer_all(self, x: Shape) -> tuple[Shape, ...]:
        """As many as there are positions."""
        return (self.infer(x),) * fixed(x[axis_at(self.axis, x)], "the number of outputs")

    def window(self, x: Shape) -> None:
        """As positions are no longer where they were."""

    def text(self, x: Shape) -> Text:
        """`x.unbind(1)`."""
        return Text("{0}.unbind({dim})", (("dim", dim(self.axis)),))
