"""What a step needs of the sizes it takes: settled at once where it can be, else noted on the graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from resdsl.domain import Sets, either, equal, not_less
from resdsl.graph.model import Condition, Port
from resdsl.ops.base import Need, Op, Reject, show
from resdsl.sizes import MOST_ELEMENTS, Dim, Product, Shape, Size, Sum
from resdsl.source import Span

if TYPE_CHECKING:
    from resdsl.elaborate.builder import Builder, Flow


def require(
    scope: Builder, op: Op, id: str, inputs: Sequence[Flow], span: Span, into: list[Condition]
) -> tuple[tuple[Shape, ...], Reject | None]:
    """The input shapes of an op, with sizes that must be equal written alike.

    A need that no input size meets raises its `Reject`; one that only some meet is added to `into`. One
    that only a few meet is a mistake as well, but the net is followed on: its `Reject` is returned.
    """
    shapes = [list(f.shape) for f in inputs if f.shape is not None]
    domain = scope.session.domain
    needs = list(op.needs(*(f.shape for f in inputs)))
    doubt: Reject | None = None
    for need in needs:
        sets = _met(need)
        if sets is None:
            raise need.reject
        if need.relation == "==" and domain.hardly(sets):
            doubt = doubt or need.reject
        if sets:
            ports = tuple(p for i in need.inputs if (p := inputs[i].port) is not None)
            into.append(Condition(id, sets, need.relation, need.left, need.right, ports, need.axis, span))
    for _ in needs:  # as often as it takes for the simplest to reach all
        changed = False
        for need in needs:
            if need.relation == "==" and len(need.inputs) == 2 and not need.stretches:
                first, other = (shapes[i] for i in need.inputs)
                simple = min(first[need.axis], other[need.axis], key=_period)
                changed = changed or first[need.axis] != simple or other[need.axis] != simple
                first[need.axis] = other[need.axis] = simple
        if not changed:
            break
    return tuple(tuple(shape) for shape in shapes), doubt


def _met(need: Need) -> Sets | None:
    """The input sizes at which a need holds."""
    if need.relation == ">=":
        return not_less(need.left, need.right)
    holds = equal(need.left, need.right)
    return either(holds, equal(need.right, 1)) if need.stretches else holds


def _period(dim: Dim) -> int:
    """How involved a size is."""
    if isinstance(dim, Size):
        return dim.period
    parts = dim.factors if isinstance(dim, Product) else dim.terms if isinstance(dim, Sum) else ()
    return sum(_period(part) for part in parts)


def require_extent(
    scope: Builder, id: str, taken: Flow, outputs: Sequence[Shape], span: Span, into: list[Condition]
) -> None:
    """No output is empty, or larger than a tensor can be. For sizes that vary this bounds the input."""
    shape = taken.shape or ()
    for output in outputs:
        elements = 1
        for axis, dim in enumerate(output):
            elements *= dim if isinstance(dim, int) else _slope(dim)
            for size in _parts(dim):
                _require_positive(
                    scope, Condition(id, {}, ">=", size, 1, _ports(taken), axis, span), shape, into
                )
        if elements > MOST_ELEMENTS:
            raise Reject(
                f"its output {show(output)} has more elements than a tensor can have",
                help="a tensor has less than 2**63 elements",
                code="too-large",
            )


def _parts(dim: Dim) -> tuple[Dim, ...]:
    """The sizes that are at least 1 where it is: of a sum none, whose parts were sizes before."""
    if isinstance(dim, Product):
        return dim.factors
    return () if isinstance(dim, Sum) else (dim,)


def _ports(flow: Flow) -> tuple[Port, ...]:
    return (flow.port,) if flow.port is not None else ()


def _slope(dim: Dim) -> int:
    """About the size of a dimension at the smallest inputs."""
    if isinstance(dim, Size):
        return max(1, abs(dim.slope) // dim.period)
    return 1


def _require_positive(scope: Builder, positive: Condition, taken: Shape, into: list[Condition]) -> None:
    sets = not_less(positive.left, 1)
    if sets is None:
        raise Reject(
            f"nothing is left of {show(taken)}: its output size `{positive.left}` is below 1",
            code="input-too-small",
        )
    if sets:
        into.append(replace(positive, sets=sets))
