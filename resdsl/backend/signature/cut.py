"""Cuts a module into steps: its blocks, each of which stands for all of its signature, and what lies between them.

The steps in their order are the whole net: each takes values by name and gives others.
"""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from resdsl.backend.errors import MissingTorch
from resdsl.backend.tracer import Tracer

try:
    import torch
    from torch import fx, nn
except ModuleNotFoundError as missing:
    raise MissingTorch from missing

Value = str
"""The name of a value that goes from step to step."""


class NotCut(Exception):
    """The `forward` of this module cannot be followed without values; the text says why."""


@dataclass(frozen=True)
class Step:
    """One call.

    Attributes:
        module: what is called, with values by position. It gives a tensor, or a tuple of them.
        block: the address of the block that it is; None for what lies between blocks.
        names: of each parameter, then each buffer of the module.
        tensors: for each of them the module that has it, and its name there.
        trained: how many of them are parameters.
        inputs, outputs: the values it takes and gives.
    """

    module: nn.Module
    block: str | None
    names: tuple[str, ...]
    tensors: tuple[tuple[nn.Module, str], ...]
    trained: int
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]


@dataclass(frozen=True)
class Cut:
    """The steps of a net, with the names of its inputs and the structure of its outputs."""

    steps: tuple[Step, ...]
    inputs: tuple[Value, ...]
    outputs: Any


def cut(module: nn.Module, blocks: Collection[str]) -> Cut:
    """Cut a module at some of its submodules.

    Args:
        module: an emitted module, without checks of its sizes.
        blocks: addresses of the submodules that become steps of their own.

    Raises:
        NotCut: `forward` does what cannot be followed.
    """
    try:
        graph = Tracer(blocks).trace(module)
    except Exception as reason:  # whatever `forward` does to a stand-in
        raise NotCut(str(reason)) from reason
    segments = list(_segments(graph, blocks))
    home = {node: i for i, segment in enumerate(segments) for node in segment}
    steps = [_step(module, segment, i, home, blocks) for i, segment in enumerate(segments)]
    inputs = tuple(node.name for node in graph.nodes if node.op == "placeholder")
    (result,) = graph.output_node().args
    names = fx.map_arg(result, lambda node: node.name)
    return Cut(tuple(steps), inputs, names)


def _segments(graph: fx.Graph, blocks: Collection[str]) -> Iterator[list[fx.Node]]:
    """The nodes of each step, in order: a block and its outputs, or all between two blocks."""
    between: list[fx.Node] = []
    taken: set[fx.Node] = set()
    for node in graph.nodes:
        if node.op in ("placeholder", "output") or node in taken or _sizes(node):
            continue
        if node.op != "call_module" or node.target not in blocks:
            between.append(node)
            continue
        if between:
            yield between
            between = []
        parts = [user for user in node.users if user.target is operator.getitem]
        taken.update(parts)
        yield [node, *parts]
    if between:
        yield between


def _sizes(node: fx.Node) -> bool:
    """Whether it is about shapes, not values: it is worked out anew in each step that needs it."""
    if node.op == "call_method":
        return node.target in ("size", "dim")
    if node.op != "call_function":
        return False
    if node.target is getattr:
        return True
    operands = node.all_input_nodes
    return bool(operands) and all(map(_sizes, operands))


def _step(
    root: nn.Module, nodes: list[fx.Node], index: int, home: dict[fx.Node, int], blocks: Collection[str]
) -> Step:
    """One step of the nodes of a segment."""
    first = nodes[0]
    if first.op == "call_module" and first.target in blocks:
        address = str(first.target)
        if first.kwargs or not all(isinstance(arg, fx.Node) for arg in first.args):
            raise NotCut(f"`{address}` takes more than values")
        parts: dict[Any, str] = {node.args[1]: node.name for node in nodes[1:]}
        outputs = tuple(parts.get(i, "") for i in range(max(parts) + 1)) if parts else (first.name,)
        return _made(
            root,
            root.get_submodule(address),
            address,
            tuple(a.name for a in first.all_input_nodes),
            outputs,
            address,
        )
    graph, known = fx.Graph(), dict[fx.Node, fx.Node]()

    def bring(node: fx.Node) -> fx.Node:
        if node not in known:  # a size
            known[node] = graph.node_copy(node, bring)
        return known[node]

    inputs = _outside(nodes)
    for node in inputs:
        known[node] = graph.placeholder(node.name)
    for node in nodes:
        known[node] = graph.node_copy(node, bring)
    outside = [n for n in nodes if any(_used(user, index, home) for user in n.users)]
    graph.output(tuple(known[n] for n in outside))
    made = fx.GraphModule(root, graph)
    return _made(root, made, None, tuple(n.name for n in inputs), tuple(n.name for n in outside), "")


def _outside(nodes: list[fx.Node]) -> list[fx.Node]:
    """The values a segment takes, sizes followed to the values they are of, in order of use."""
    inside, found = set(nodes), dict[fx.Node, None]()
    todo = [n for node in reversed(nodes) for n in reversed(node.all_input_nodes)]
    while todo:
        node = todo.pop()
        if node in inside:
            continue
        if _sizes(node):
            todo.extend(reversed(node.all_input_nodes))
        else:
            found[node] = None
    return list(found)


def _used(user: fx.Node, index: int, home: dict[fx.Node, int]) -> bool:
    """Whether a node is in another step than this one, or is the output, or leads there by sizes alone."""
    if _sizes(user):
        return any(_used(after, index, home) for after in user.users)
    return home.get(user) != index


def _made(
    root: nn.Module,
    module: nn.Module,
    block: str | None,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    prefix: str,
) -> Step:
    names = [name for name, _ in module.named_parameters(remove_duplicate=False)]
    trained = len(names)
    names += [name for name, _ in module.named_buffers(remove_duplicate=False)]
    owners = tuple(_owner(root, prefix, name) for name in names)
    return Step(module, block, tuple(names), owners, trained, inputs, outputs)


def _owner(root: nn.Module, prefix: str, name: str) -> tuple[nn.Module, str]:
    address, _, own = (f"{prefix}.{name}" if prefix else name).rpartition(".")
    return root.get_submodule(address), own


def value_of(owner: tuple[nn.Module, str]) -> torch.Tensor:
    """The parameter or buffer of a module, as it is now."""
    module, name = owner
    found = module._parameters.get(name)
    return found if found is not None else module._buffers[name]  # type: ignore[return-value]
