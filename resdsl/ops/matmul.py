"""Products of matrices that are both computed."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from resdsl.ops.base import Need, Op, Reject, Text, arg, eg, op, show
from resdsl.sizes import Shape


@op("matmul", category="merge", arity=2)
class Matmul(Op):
    """Product of two matrices, at each position of the axes before the last two.

    Of these axes, the second value may have 1 where the first has more.

    Shape: (*, N, K), (*, K, M) -> (*, N, M), or (*, N, K), (*, M, K) -> (*, N, M) with `transposed`.
    MACs: N * K * M at each position of the axes before.
    Matches torch.matmul.
    """

    functional = True
    examples = (
        eg("matmul", (12, 197, 197), (12, 197, 64)),
        eg("matmul(transposed = true, scale = 0.125)", (12, 197, 64), (12, 197, 64)),
        eg("matmul", (5, 7), (7, 3)),
        eg("matmul", (3, 14, 14, 96), (1, 14, 96, 27)),
    )
    transposed: bool = arg("bool", "the second matrix is given by its columns", default=False)
    scale: float = arg("float", "factor of the first matrix", default=1.0)

    def needs(self, a: Shape, b: Shape) -> Iterator[Need]:
        """The axes before are equal, and so are the rows of the one and the columns of the other."""
        reject = Reject(f"cannot multiply `{show(a)}` by `{show(b)}`", 1, code="shape-mismatch")
        if len(a) != len(b) or len(a) < 2:
            raise reject
        for axis, (i, j) in enumerate(zip(a[:-2], b[:-2], strict=True)):
            yield Need(i, "==", j, reject, (0, 1), axis, stretches=True)
        inner = b[-1] if self.transposed else b[-2]
        yield Need(a[-1], "==", inner, reject, (0, 1) if self.transposed else (0,), len(a) - 1)

    def infer(self, a: Shape, b: Shape) -> Shape:
        """The rows of the first and the columns of the second."""
        return (*a[:-1], b[-2] if self.transposed else b[-1])

    def macs(self, a: tuple[int, ...], b: tuple[int, ...]) -> int:
        """Every product of two values."""
        return prod(a) * (b[-2] if self.transposed else b[-1])

    def window(self, a: Shape, b: Shape) -> None:
        """The whole second matrix."""

    def text(self, a: Shape, b: Shape) -> Text:
        """`q @ k.transpose(-2, -1)`."""
        first, literals = ("{0} * {scale}", (("scale", self.scale),)) if self.scale != 1 else ("{0}", ())
        return Text(f"{first} @ {{1}}{'.transpose(-2, -1)' * self.transposed}", literals)

    def label(self) -> str:
        """`matmul`."""
        return "matmul"
