"""Running an op on each item along an axis, by folding the axis into the batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from resdsl.ops.base import Init, Need, New, Op, Reject, Text, arg, eg, op, show
from resdsl.sizes import Shape


@op("vmap", category="conv")
class Vmap(Op):
    """Run an op on each item along the first axis, with the same weights.

    The axis goes into the batch and comes back out of it: a `batchnorm` takes each item for a sample.
    Ops on the last axes, such as `linear` and `layernorm`, do so without it.

    Shape: (N, C, H, W) -> (N, C', H', W'), where the op makes (C, H, W) to (C', H', W').
    Params: those of the op.
    MACs: N times those of the op.
    Matches torch.vmap.
    """

    examples = (
        eg("vmap(conv(96, 3x3x3, stride = 1x2x2, groups = 96))", (4, 96, 8, 14, 14)),
        eg("vmap(conv(8, 3x3))", (5, 3, 16, 16)),
        eg("vmap(maxpool(3x3, stride = 2))", (5, 3, 16, 16)),
        eg("vmap(attention(4))", (7, 50, 16)),
    )
    op: Op = arg("op", "an op that is a layer, as in `vmap(conv(64, 3x3))`")

    def needs(self, x: Shape) -> Iterator[Need]:
        """What the op needs of an item."""
        if len(x) < 2:
            raise Reject(f"`{show(x)}` has no items along a first axis", 0)
        if self.op.arity not in (1, None):
            raise Reject(f"`{self.op.name}` takes {self.op.arity} values", "op")
        try:
            for need in self.op.needs(x[1:]):
                yield replace(need, reject=_blamed(need.reject), axis=need.axis + 1)
            if self.op.infer(x[1:]) and self.op.module(x[1:]) is None:
                raise Reject(f"`{self.op.name}` is no layer", "op", "write it without `vmap`")
        except Reject as reject:
            raise _blamed(reject) from None

    def infer(self, x: Shape) -> Shape:
        """As many items, of the shape that the op makes."""
        return (x[0], *self.op.infer(x[1:]))

    def params(self, x: Shape) -> int:
        """Those of the op."""
        return self.op.params(x[1:])

    def macs(self, x: tuple[int, ...]) -> int:
        """Those of the op, for each item."""
        return x[0] * self.op.macs(x[1:])

    def window(self, x: Shape) -> None:
        """Any position of an item."""

    def module(self, x: Shape) -> New | None:
        """The op's."""
        return self.op.module(x[1:])

    @property
    def layer(self) -> Op:
        """The op."""
        return self.op.layer

    def inits(self) -> tuple[tuple[str, Init], ...]:
        """The op's."""
        return self.op.inits()

    def text(self, x: Shape) -> Text:
        """`self.pool(x.flatten(0, 1)).unflatten(0, (-1, 4))`."""
        inner = Text("{self}({0})") if self.op.functional else self.op.text(x[1:])
        each = inner.template.replace("{0}", "{0}.flatten(0, 1)")
        count = "{items}" if isinstance(x[0], int) else "{0}.shape[1]"
        literals = (("items", x[0]),) if isinstance(x[0], int) else ()
        return Text(f"{each}.unflatten(0, (-1, {count}))", (*inner.literals, *literals))

    def label(self) -> str:
        """That of the op."""
        return f"{self.op.label()}, of each"


def _blamed(reject: Reject) -> Reject:
    """The same, with the op at fault where one of its arguments is."""
    return Reject(
        lambda: reject.message,
        "op" if isinstance(reject.blame, str) else reject.blame,
        reject.help,
        reject.code,
    )
