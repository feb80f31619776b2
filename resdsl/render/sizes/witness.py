"""The smallest input size at which a net fails: which step, what meets there, and what was rounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from resdsl.graph.model import Net, Node
from resdsl.graph.needs import Needed, parted
from resdsl.sets import EVERY
from resdsl.sizes import evaluate
from resdsl.source import Span

MOST_ROUNDED = 2


@dataclass(frozen=True)
class Rounded:
    """A step that rounded a size: `before / stride` down or up to `after`."""

    step: str
    before: int
    stride: int
    after: int
    direction: str

    @property
    def text(self) -> str:
        """`maxpool rounds 17 / 2 down to 8`."""
        return f"{self.step} rounds {self.before} / {self.stride} {self.direction} to {self.after}"


@dataclass(frozen=True)
class Witness:
    """A size that fails.

    Attributes:
        names: the variables that fail alike, each on its own.
        value: their size.
        step: `concat in dec4`.
        span: where it is written.
        left, right: the two sizes; None for the `where` of a net inside.
        outcome: `concat in dec4 meets 16 with 17`.
        rounded: the last steps that rounded on the ways there.
    """

    names: tuple[str, ...]
    value: int
    step: str
    span: Span
    left: int | None
    right: int | None
    outcome: str
    rounded: tuple[Rounded, ...]

    @property
    def text(self) -> str:
        """What happens, without the size."""
        return "; ".join([self.outcome, *(r.text for r in self.rounded)])

    def of(self, var: str) -> Witness:
        """The same for one more variable."""
        return replace(self, names=(*self.names, var))


def witness(net: Net, found: Sequence[Needed], var: str, value: int, others: dict[str, int]) -> Witness:
    """What fails in evaluation at a size of one variable, with sizes of the others that fit."""
    at = {**others, var: value}
    one = next(n for n in found if not n.training and value not in n.condition.sets.get(var, EVERY))
    met = one.condition
    node = one.graph.node(met.node)
    address = f"{one.place}.{node.id}" if one.place else node.id
    if met.relation == "where":
        step = one.place or one.graph.name
        return Witness((var,), value, step, met.span, None, None, f"{step} asks for `{met.span.text}`", ())
    step = _step(net, address, "the residual" if node.shortcut else node.content.name, met.span)
    left, right = evaluate(met.left, at), evaluate(met.right, at)
    rounded = [
        Rounded(_step(net, where, c.op.name, c.span), c.before, c.stride, c.after, c.rounded)
        for way in parted(one, at)
        for where, c in [(where, c) for where, c in way.items() if c.rounded][-MOST_ROUNDED:]
    ]
    outcome = _outcome(one, node, left, right)
    return Witness((var,), value, step, met.span, left, right, f"{step} {outcome}", tuple(rounded))


def _outcome(one: Needed, node: Node, left: int, right: int) -> str:
    if one.condition.relation == ">=":
        return f"has {max(left, 0)} position{'s' * (left != 1)} where {right} are needed"
    if len(one.condition.ports) < 2:
        return f"leaves {left} over"
    if node.shortcut:
        return f"joins an arm of {left} with a shortcut of {right}"
    return f"meets {left} with {right}"


def _step(net: Net, address: str, op: str, span: Span) -> str:
    """A step in words: by its address, if it has a name; else its op in a block, in a stage, or in a line."""
    place, _, id = address.rpartition(".")
    if not (id.startswith("#") or id.isdigit()):
        return address
    if inside := place or net.graph.node(address).stage:
        return f"{op} in {inside}"
    return f"{op} ({f'line {span.line}' if span.source is net.graph.span.source else span.place})"
