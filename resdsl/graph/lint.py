"""Lints: what is legal and probably not meant. One small function each."""

from __future__ import annotations

import re
from collections.abc import Iterator

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Diagnostic, Edit, Fix, Label, Sink
from resdsl.graph.layout import meant
from resdsl.graph.model import Feed, Graph, Net, Node, Port, Tensor
from resdsl.ops.base import Op, show
from resdsl.source import Span

NORM_SKIPS = ("activation", "conv", "linear")


def lint(sink: Sink, nets: list[Net]) -> None:
    """Run every lint over every distinct graph of the nets."""
    seen: set[int] = set()
    for net in nets:
        sink.extend(_misread(net.graph))
        for graph in net.graph.signatures():
            if id(graph) not in seen:
                seen.add(id(graph))
                sink.extend(_bare_conv(graph))
                sink.extend(_unflattened(graph))
                sink.extend(_unused_value(graph))


def _misread(graph: Graph) -> Iterator[Diagnostic]:
    """An input with the batch, or with the channels last, where a layer takes its first axis for the channels."""
    for node in map(graph.node, graph.inputs):
        (shape,) = node.shapes
        right = meant(shape) if shape is not None and len({*shape}) < len(shape) else None
        if shape is None or right is None or not any(_is_of_images(u) for u in graph.users[node.id]):
            continue
        channels = f"{shape[0]} channel{'s' if shape[0] != 1 else ''} of {show(shape[1:])}"
        text = f"[{', '.join(map(str, right[0]))}]"
        title = f"{right[1]}: `{text}`"
        written = re.match(r"\s*:\s*(\[[\d, ]*\])", node.span.source.text[node.span.end :])
        place = None
        if written is not None:
            start = node.span.end + written.start(1)
            place = Span(node.span.source, start, start + len(written[1]))
        fix = Fix(title, (Edit(place, text),)) if place else None
        yield Diagnostic(
            codes.INPUT_LAYOUT,
            f"the input {show(shape)} is read as {channels}",
            Label(node.span),
            help=() if fix else (title,),
            fix=fix,
        )


def _is_of_images(node: Node) -> bool:
    return isinstance(node.content, Graph) or (
        isinstance(node.content, Op) and node.content.layer.category in ("conv", "pool", "norm")
    )


def _bare_conv(graph: Graph) -> Iterator[Diagnostic]:
    """A convolution with neither bias nor norm, of which it says nothing: its output cannot shift."""
    for node in graph.nodes():
        op = node.content.layer if isinstance(node.content, Op) else None
        if op is None or op.category != "conv":
            continue
        if getattr(op, "bias", True) is not False or "bias" in node.span.text:
            continue  # or it says so itself
        users = [user.content for user in graph.users[node.id]]
        if users and all(isinstance(u, Op) and u.layer.category in NORM_SKIPS for u in users):
            yield Diagnostic(
                codes.BARE_CONV,
                f"`{op.name}` has neither bias nor norm",
                Label(node.span, "nothing can shift its output"),
                help=("a norm after it does as well",),
                fix=_with_bias(node),
            )


def _with_bias(node: Node) -> Fix | None:
    assert isinstance(node.content, Op)
    inside = ")" if node.content.layer is node.content else "))"  # of `vmap(conv(...))`
    if not node.span.text.endswith(inside):
        return None
    end = node.span.end - len(inside)
    return Fix("add `bias = true`", (Edit(Span(node.span.source, end, end), ", bias = true"),), safe=False)


def _unflattened(graph: Graph) -> Iterator[Diagnostic]:
    """A linear layer that takes the one position a pool left for its features, not the channels."""
    for node in graph.nodes():
        if not isinstance(node.content, Op) or node.content.name != "linear":
            continue
        shape, (made,) = graph.shape(node.inputs[0]), node.shapes
        if shape is None or made is None or len(shape) < 2 or shape[0] == 1 or {*shape[1:]} != {1}:
            continue
        origin = _pooled(graph, node.inputs[0])
        if origin is None or (len(shape) == 2 and not isinstance(origin.content, Op)):
            continue  # a list of numbers may well be meant
        yield Diagnostic(
            codes.UNFLATTENED,
            f"`linear` takes the last axis of {show(shape)} for its features, and makes {show(made)}",
            Label(node.span, f"1 feature, with {shape[0]} channels beside it"),
            (Label(origin.span, f"{show(shape)} comes from here"),) if isinstance(origin.content, Op) else (),
            help=("make the channels its features with `flatten` before it",),
            fix=_with_flatten(graph, graph.node(node.inputs[0].node)),
        )


def _pooled(graph: Graph, port: Port) -> Node | None:
    """The pool behind a value, or what lies out of sight; None where the axes were moved since."""
    node = graph.node(port.node)
    while isinstance(node.content, Op) and node.content.category != "pool":
        if len(node.inputs) != 1 or node.content.category in ("shape", "linear"):
            return None
        node = graph.node(node.inputs[0].node)
    return None if isinstance(node.content, Tensor) else node


def _with_flatten(graph: Graph, node: Node) -> Fix | None:
    """Flatten what a step makes, where only one other takes it and nothing names it."""
    text, end = node.span.source.text, node.span.end
    after = re.match(r"[ ]*(->|;|}|#|\n)", text[end:])
    if after is None or not isinstance(node.content, Op) or node.names or len(graph.users[node.id]) != 1:
        return None
    joint = " -> flatten" if after[1] == "->" else "; flatten"
    title = "make the channels its features with `flatten` before it"
    return Fix(title, (Edit(Span(node.span.source, end, end), joint),), safe=False)


def _unused_value(graph: Graph) -> Iterator[Diagnostic]:
    """A step whose result goes nowhere."""
    used = {p.node for p in graph.outputs} | {p.node for node in graph.nodes() for p in node.inputs}
    read = {*graph.outputs, *(port for node in graph.nodes() for port in node.inputs)}
    for node in graph.nodes():
        unread = [i for i in range(len(node.shapes)) if Port(node.id, i) not in read]
        if isinstance(node.content, Op) and 0 < len(unread) < len(node.shapes):
            yield Diagnostic(
                codes.UNUSED_VALUE,
                f"output {unread[0] + 1} of {len(node.shapes)} of `{node.content.name}` is never used",
                Label(node.span),
                help=("name the outputs with `as`, and continue from each with `from`",),
            )
        if node.id in used:
            continue
        if isinstance(node.content, Tensor):
            what = "parameter" if node.content.trained else "buffer"
            yield Diagnostic(
                codes.UNUSED_VALUE,
                f"the {what} `{node.content.name}` is never read",
                Label(node.span),
                help=(f"read it with `from {node.content.name}`, or leave it out",),
            )
            continue
        if isinstance(node.content, Feed):
            if node.content.name == node.span.text:  # named by an `input`
                yield Diagnostic(
                    codes.UNUSED_VALUE,
                    f"the input `{node.content.name}` is never used",
                    Label(node.span),
                    help=(f"continue from it with `from {node.content.name}`, or leave it out",),
                )
            continue
        yield Diagnostic(
            codes.UNUSED_VALUE,
            "the result of this step is never used",
            Label(node.span, "it goes nowhere"),
            help=("continue from it with `from`, put it into `output`, or leave the step out",),
        )
