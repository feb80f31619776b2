"""Relative positions along one axis: a trained vector for each step from a key to a query."""

from __future__ import annotations

from collections.abc import Iterator

from resdsl.ops.base import Need, Op, Reject, Text, arg, eg, op, show
from resdsl.sizes import Shape


@op("relative_positions", category="shape")
class RelativePositions(Op):
    """For each query and each key along an axis, the row of a table for the step between them.

    Steps count in positions of the longer of the two, so that pooled keys keep their distances; the table
    has a row for each step from 1 - n to n - 1, where n is its length.

    Shape: (2 * max(q, k) - 1, C) -> (q, k, C).
    Matches torch.Tensor.index_select, with the steps as index.
    """

    functional = True
    examples = (
        eg("relative_positions(7, 7)", (13, 96)),
        eg("relative_positions(56, 7)", (111, 96)),
        eg("relative_positions(2, 6)", (11, 8)),
    )
    queries: int = arg("int", "positions of the queries", at_least=1)
    keys: int = arg("int", "positions of the keys", at_least=1)

    def needs(self, x: Shape) -> Iterator[Need]:
        """A row for each step."""
        if len(x) != 2:
            raise Reject(f"needs a table of vectors, but `{show(x)}` arrives", 0)
        rows = 2 * max(self.queries, self.keys) - 1
        message = (
            f"there are {rows} steps between {self.queries} queries and {self.keys} keys, but {x[0]} rows"
        )
        yield Need(x[0], "==", rows, Reject(message, 0))

    def infer(self, x: Shape) -> Shape:
        """A vector for each pair."""
        return (self.queries, self.keys, x[1])

    def window(self, x: Shape) -> None:
        """Any row."""

    def text(self, x: Shape) -> Text:
        """`relative_positions(x, 56, 7)`."""
        literals = (("queries", self.queries), ("keys", self.keys))
        return Text("relative_positions({0}, {queries}, {keys})", literals)

    def label(self) -> str:
        """`relative positions`."""
        return "relative positions"
