"""The sizes that vary in a net's inputs, as `torch.compile` and `torch.export` want to be told of them.

What is proven of a spec says which dimensions vary and at which sizes the net fits. So one compiled graph serves
all of these, and only what varies is symbolic in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from resdsl.backend.dynamo import mark_dynamic
from resdsl.backend.errors import MissingTorch
from resdsl.domain import Domain, match_sizes
from resdsl.emit.chains import used_inputs
from resdsl.graph.model import Graph, Net
from resdsl.sets import SizeSet, at_least
from resdsl.sizes import Size, shape_at

try:
    import torch
    from torch import Tensor
    from torch.export import Dim
except ModuleNotFoundError as missing:
    raise MissingTorch from missing

Axes = tuple[tuple[int, ...], ...]
"""For each tensor a graph takes, the axes that vary; 0 is the batch."""


def varying(graph: Graph, *, is_net: bool) -> Axes:
    """The axes that vary in what the emitted `forward` of a net or block takes."""
    kept = range(len(graph.inputs)) if is_net else used_inputs(graph)
    shapes = [graph.input_shapes[i] or () for i in kept]
    return tuple((0, *(i + 1 for i, dim in enumerate(s) if not isinstance(dim, int))) for s in shapes)


def mark(inputs: Sequence[Tensor], axes: Axes) -> None:
    """Mark the axes that vary, before a compiled function is called.

    This leaves attributes on the tensors, as `torch._dynamo.maybe_mark_dynamic` does, and changes no value.
    """
    for x, moving in zip(inputs, axes, strict=False):
        for axis in moving:
            mark_dynamic(x, axis)


def refuse_misfits(net: Net, inputs: Sequence[Tensor], *, training: bool = False) -> None:
    """Raise ValueError for inputs of other sizes than the net takes, with the reason.

    `forward` does so too, but an exception that is raised while dynamo traces comes out as an error of dynamo.
    """
    domain = Domain({v: net.where.of(v) & net.training.of(v) for v in net.sizes}) if training else net.domain
    sizes: dict[str, int] = {}
    for shape, x in zip(net.graph.input_shapes, inputs, strict=False):
        if shape is not None and x.dim() == len(shape) + 1:
            reason = match_sizes(shape, tuple(x.shape[1:]), domain, sizes)
            if reason is not None:
                raise ValueError(f"{net.name}: {reason}")


def one_graph(net: Net) -> dict[str, SizeSet]:
    """The sizes that one compiled graph serves: those at which every size inside the net is at least 2.

    Torch compiles for an axis of size 1 on its own, so each way in which maps shrink to one row or column is
    another graph. For ResNet-50 these are the sizes from 33 on. All sizes that fit, where that leaves none.
    """
    found = dict(net.fits)
    for graph in _evaluated(net.graph):
        for id in graph.evaluated:
            for shape in graph.node(id).shapes:
                for dim in shape or ():
                    if isinstance(dim, Size):
                        found[dim.var] &= at_least(dim, 2)
    return {var: sizes or net.fits[var] for var, sizes in found.items()}


def _evaluated(root: Graph) -> list[Graph]:
    """The graphs that run in evaluation, each once."""
    found, todo = {id(root): root}, [root]
    while todo:
        graph = todo.pop()
        for node in (graph.node(name) for name in graph.evaluated):
            if isinstance(node.content, Graph) and id(node.content) not in found:
                found[id(node.content)] = node.content
                todo.append(node.content)
    return list(found.values())


def usual_sizes(net: Net) -> dict[str, int]:
    """Input sizes to run a net at: those of the spec, else some from 32 on."""
    served, nominal = one_graph(net), net.nominal or {}
    return {var: nominal.get(var) or _from(s, max(32, 2 * (s.least or 1))) for var, s in served.items()}


def other_sizes(net: Net, usual: dict[str, int]) -> list[dict[str, int]]:
    """Sizes that the same graph serves: the smallest, and those with another first size, so not square."""
    served = one_graph(net)
    found = [{var: _from(sizes, 1) for var, sizes in served.items()}]
    for var, sizes in list(served.items())[:1]:
        smaller = _from(sizes, usual[var] * 2 // 3)
        found.append({**usual, var: smaller if smaller != usual[var] else _from(sizes, usual[var] + 1)})
    return [sizes for i, sizes in enumerate(found) if sizes != usual and sizes not in found[:i]]


def _from(sizes: SizeSet, value: int) -> int:
    """The next size in a set, or its largest."""
    found = sizes.after(value) or sizes.most
    assert found is not None
    return found


def example(net: Net, batch: int, at: dict[str, int], device: torch.device | str = "cpu") -> list[Tensor]:
    """Random inputs of a net at given sizes, values in [0, 1)."""
    shapes = [shape for shape in net.graph.input_shapes if shape is not None]
    return [torch.rand(batch, *shape_at(shape, at), device=device) for shape in shapes]


# ---------------------------------------------------------------- torch.export


def dynamic_shapes(net: Net, *, exact: bool = True) -> tuple[dict[int, Any], ...]:
    """What `torch.export.export(module, inputs, dynamic_shapes=...)` takes: for each input its axes that vary.

    The example inputs need a batch of 2 at least, and sizes of `one_graph`; the exported program then runs at
    these sizes and at every batch, 1 included. Sizes that all leave one remainder are `torch.export.Dim`s that
    say so: `16 * Dim("h", min=2)`, `16 * Dim("h", min=11) + 12`. Sizes with several remainders are none that a
    `Dim` can say; there, and without `exact`, `Dim.DYNAMIC` takes their place, and torch finds the condition
    itself.

    Args:
        net: a checked net.
        exact: torch refuses to export a program that does not run at each of these sizes. Without it, torch
            may narrow them: torch 2.11 asks that a pool which rounds always has a remainder or never, and the
            program then asserts it.
    """
    served = one_graph(net)
    fixed = {var for var, sizes in served.items() if sizes.least == sizes.most}
    named = exact and all(_has_name(sizes) for var, sizes in served.items() if var not in fixed)
    dims: dict[str, Any] = {
        var: _dim(var, sizes) if named else Dim.DYNAMIC(min=sizes.least, max=sizes.most)
        for var, sizes in served.items()
        if var not in fixed
    }
    batch: Any = Dim("batch", min=1) if named else Dim.DYNAMIC
    shapes = [shape or () for shape in net.graph.input_shapes]
    return tuple(
        {0: batch}
        | {i + 1: dims[d.var] for i, d in enumerate(shape) if isinstance(d, Size) and d.var in dims}
        for shape in shapes
    )


def _has_name(sizes: SizeSet) -> bool:
    """Whether the sizes are all of one remainder, from the smallest to the largest."""
    step, _ = sizes.every
    least, most = sizes.least, sizes.most
    assert least is not None
    end = most if most is not None else max(least, sizes.start) + sizes.period
    return all(value in sizes for value in range(least, end + 1, step))


def _dim(var: str, sizes: SizeSet) -> Any:
    """`Dim("H")`, or for sizes of one remainder a multiple of one, and what is left over."""
    step, rest = sizes.every
    least, most = sizes.least, sizes.most
    assert least is not None
    if step == 1:
        return Dim(var, min=least, max=most)
    name = var.lower() if var.lower() != var else f"{var}_"
    turns = Dim(name, min=least // step, max=None if most is None else most // step)
    return step * turns + rest if rest else step * turns
