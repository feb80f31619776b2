"""Attention: the layer with weights, and its core without."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from resdsl.ops.base import Need, New, Op, Reject, Text, arg, eg, fixed, keywords, op, show
from resdsl.sizes import Shape


@op("attention", category="linear", arity=None)
class Attention(Op):
    """Multi-head attention, with projections of queries, keys, values and of the result.

    Of one value to itself, or of a value to others: `from x, keys, values -> attention(8)`.

    Shape: (N, F) -> (N, F), or (N, F), (M, K), (M, V) -> (N, F).
    Params: F * (F + K + V) for the projections of the inputs and F * F for that of the result, plus 4F with
        biases.
    MACs: the projections at every position, and F * N * M for each of two products.
    Matches torch.nn.MultiheadAttention with batch_first=True and need_weights=False.
    """

    one_batch = True
    examples = (
        eg("attention(12)", (197, 768)),
        eg("attention(4, dropout = 0.1, bias = false)", (10, 64)),
        eg("attention(2)", (100, 16), (49, 16), (49, 16)),
        eg("attention(2)", (100, 16), (49, 8), (49, 12)),
    )
    heads: int = arg("int", "heads, which divide the width of the first value", at_least=1)
    dropout: float = arg("float", "probability of a zero in the weights", default=0.0, at_least=0, at_most=1)
    bias: bool = arg("bool", "add a learned value per feature in each projection", default=True)

    def needs(self, x: Shape, *others: Shape) -> Iterator[Need]:
        """There are as many keys as values."""
        if len(others) not in (0, 2):
            raise Reject(
                f"takes one value, or three: queries, keys and values; {len(others) + 1} arrive",
                None,
                "of one value to itself it is `from x -> attention(8)`",
            )
        for i, shape in enumerate((x, *others)):
            if len(shape) != 2:
                raise Reject(
                    f"needs a list of tokens, but `{show(shape)}` arrives",
                    i,
                    "make one of an image by `rearrange([c, h, w] -> [h * w, c])`"
                    if len(shape) == 3
                    else "`flatten` leaves no axis of tokens; `rearrange([c, h, w] -> [h * w, c])` does"
                    if len(shape) == 1
                    else None,
                )
        if others:
            keys, values = others
            reject = Reject(f"{keys[0]} keys, but {values[0]} values", 1, code="shape-mismatch")
            yield Need(keys[0], "==", values[0], reject, (1, 2), 0)

    def _widths(self, x: Shape, others: tuple[Shape, ...]) -> tuple[int, int, int]:
        """Of queries, keys and values."""
        width, keys, values = (fixed(s[1], "the width of a token") for s in (x, *(others or (x, x))))
        if width % self.heads:
            near = [h for h in range(1, width + 1) if width % h == 0]
            nearest = min(near, key=lambda h: abs(h - self.heads))
            raise Reject(
                f"a width of {width} does not divide into {self.heads} heads",
                "heads",
                f"it divides into {nearest}",
            )
        return width, keys, values

    def infer(self, x: Shape, *others: Shape) -> Shape:
        """The shape of the queries."""
        return (x[0], self._widths(x, others)[0])

    def params(self, x: Shape, *others: Shape) -> int:
        """Four projections."""
        width, keys, values = self._widths(x, others)
        return width * (2 * width + keys + values) + (4 * width if self.bias else 0)

    def macs(self, x: tuple[int, ...], *others: tuple[int, ...]) -> int:
        """Projections, and the products of queries with keys and of weights with values."""
        width, keys, values = self._widths(x, others)
        queries, seen = x[0], others[0][0] if others else x[0]
        return 2 * queries * width * width + seen * width * (keys + values) + 2 * queries * seen * width

    def window(self, x: Shape, *others: Shape) -> None:
        """All positions."""

    def module(self, x: Shape, *others: Shape) -> New:
        """`nn.MultiheadAttention(768, 12, batch_first=True)`."""
        width, keys, values = self._widths(x, others)
        options = keywords(
            dropout=(self.dropout, 0.0),
            bias=(self.bias, True),
            kdim=(keys, width),
            vdim=(values, width),
        )
        return New("nn.MultiheadAttention", (width, self.heads), (*options, ("batch_first", True)))

    def text(self, x: Shape, *others: Shape) -> Text:
        """`self.attention(x, x, x, need_weights=False)[0]`."""
        given = "{0}, {1}, {2}" if others else "{0}, {0}, {0}"
        return Text(f"{{self}}({given}, need_weights=False)[0]")

    def label(self) -> str:
        """`attention, 12 heads`."""
        return f"attention, {self.heads} head{'s' if self.heads > 1 else ''}"


@op("dot_product_attention", category="merge", arity=None)
class DotProductAttention(Op):
    """Weigh values by how queries match keys: softmax(q @ k.T * scale) @ v, without weights of its own.

    A fourth value is added before the softmax; its leading axes may be 1.

    Shape: (*, N, D), (*, M, D), (*, M, V) -> (*, N, V), and (*, N, M) for the fourth.
    MACs: N * M * (D + V) for each position of the leading axes.
    Matches torch.nn.functional.scaled_dot_product_attention.
    """

    functional = one_batch = True
    examples = (
        eg("dot_product_attention", (12, 197, 64), (12, 197, 64), (12, 197, 64)),
        eg(
            "dot_product_attention(scale = 1.0)",
            (64, 3, 49, 32),
            (64, 3, 49, 32),
            (64, 3, 49, 32),
            (1, 3, 49, 49),
        ),
        eg("dot_product_attention(dropout = 0.1)", (9, 8), (4, 8), (4, 6)),
    )
    scale: float | None = arg("float", "factor of the products; by default 1 / sqrt(D)", default=None)
    dropout: float = arg("float", "probability of a zero in the weights", default=0.0, at_least=0, at_most=1)

    def needs(self, q: Shape, *others: Shape) -> Iterator[Need]:
        """Queries and keys are of one width, keys and values as many, the leading axes equal."""
        if len(others) not in (2, 3):
            raise Reject(
                f"takes queries, keys and values, and perhaps what is added to their products;"
                f" {len(others) + 1} arrive{'s' if not others else ''}",
                help="name the values with `as`, and write `from q, k, v -> dot_product_attention`",
            )
        rank = len(q)
        if rank < 2:
            raise Reject(f"needs a list of vectors, but `{show(q)}` arrives", 0)
        for i, shape in enumerate(others, 1):
            if len(shape) != rank:
                message = f"`{show(q)}` has {rank} axes, and `{show(shape)}` has {len(shape)}"
                raise Reject(message, i, "bring them to one number of axes", code="shape-mismatch")
        k, more = others[0], others[2:]
        pairs = [(0, 1, axis) for axis in (*range(rank - 2), rank - 1)]
        pairs += [(1, 2, axis) for axis in range(rank - 1)]
        for i, j, axis in pairs:
            a, b = (q, *others)[i], (q, *others)[j]
            reject = Reject(f"axis {axis} of `{show(a)}` and `{show(b)}` differs", j, code="shape-mismatch")
            yield Need(a[axis], "==", b[axis], reject, (i, j), axis)
        for added in more:
            for axis, size in enumerate((*q[:-1], k[-2])):
                reject = Reject(
                    f"`{show(added)}` does not fit {show((*q[:-1], k[-2]))}", 3, code="shape-mismatch"
                )
                yield Need(size, "==", added[axis], reject, (0, 3), axis, stretches=True)

    def infer(self, q: Shape, k: Shape, v: Shape, *more: Shape) -> Shape:
        """The width of the values at the positions of the queries."""
        return (*q[:-1], v[-1])

    def macs(self, q: tuple[int, ...], k: tuple[int, ...], v: tuple[int, ...], *more: tuple[int, ...]) -> int:
        """Queries with keys, and weights with values."""
        return prod(q[:-1]) * k[-2] * (q[-1] + v[-1])

    def window(self, *xs: Shape) -> None:
        """All positions."""

    def text(self, q: Shape, *others: Shape) -> Text:
        """`F.scaled_dot_product_attention(q, k, v)`."""
        words = "".join(f", {name}={{{name}}}" for name in ("scale",) if self.scale is not None)
        literals = keywords(scale=(self.scale, None), dropout=(self.dropout, 0.0))
        if self.dropout:
            words += ", dropout_p={dropout} if self.training else 0.0"
        return Text(f"F.scaled_dot_product_attention({{*}}{words})", literals)

    def label(self) -> str:
        """`q k v`."""
        return "dot-product attention"
