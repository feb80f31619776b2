"""Lints: what is legal and probably not meant. One small function each."""

from __future__ import annotations

from collections.abc import Iterator

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Diagnostic, Edit, Fix, Label, Sink
from resdsl.graph.model import Feed, Graph, Net, Node, Port, Tensor
from resdsl.ops.base import Op
from resdsl.source import Span

NORM_SKIPS = ("activation", "conv", "linear")


def lint(sink: Sink, nets: list[Net]) -> None:
    """Run every lint over every distinct graph of the nets."""
    seen: set[int] = set()
    for net in nets:
        for graph in net.graph.signatures():
            if id(graph) not in seen:
                seen.add(id(graph))
                sink.extend(_bare_conv(graph))
                sink.extend(_unused_value(graph))


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
