"""Looking values up."""

from __future__ import annotations

from resdsl.ops.base import Op, Reject, Text, arg, axis_at, dim, eg, op, show
from resdsl.sizes import Shape


@op("gather", category="shape", arity=2)
class Gather(Op):
    """The values at positions along an axis; the second input lists the positions, from 0.

    Positions are whole numbers: those of a `buffer` with a table such as `relative_position_index`.

    Shape: (T, F), (N) -> (N, F) for `axis` = 0.
    Matches torch.take_along_dim.
    """

    functional = True
    examples = (
        eg("gather(0)", (169, 3), (2401,)),
        eg("gather(-1)", (8, 50), (4,)),
        eg("gather(1)", (2, 5, 4, 3), (7,)),
    )
    axis: int = arg("int", "the axis that is looked up")

    def infer(self, x: Shape, positions: Shape) -> Shape:
        """As many as there are positions, along the axis."""
        axis = axis_at(self.axis, x)
        if len(positions) != 1:
            raise Reject(
                f"needs a list of positions, but `{show(positions)}` arrives", 1, "make it one with `flatten`"
            )
        return (*x[:axis], positions[0], *x[axis + 1 :])

    def window(self, x: Shape, positions: Shape) -> None:
        """Any position."""

    def text(self, x: Shape, positions: Shape) -> Text:
        """`torch.take_along_dim(x, index[..., None], 1)`."""
        axis = axis_at(self.axis, x)
        before, after = ", None" * axis, ", None" * (len(x) - axis - 1)
        index = f"{{1}}[:{before}, :{after}]" if before else f"{{1}}[...{after}]" if after else "{1}"
        return Text(f"torch.take_along_dim({{0}}, {index}, {{dim}})", (("dim", dim(self.axis)),))
