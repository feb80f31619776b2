"""Lowers one function by torch's ahead-of-time compiler, and gives the bare calls of its forward and backward pass.

All that resdsl uses of `torch._functorch` and `torch._inductor` is here. It is private: `tests/backend/test_aot.py`
notices when it changes, and `NotLowered` makes the caller fall back to `torch.compile`.

The bare calls check nothing: no types, no shapes, no strides. Whoever calls them passes what they were lowered for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import get_ident
from types import SimpleNamespace
from typing import Any

from resdsl.backend.errors import MissingTorch

try:
    import torch
    from torch import Tensor, fx, nn
    from torch._subclasses.fake_tensor import FakeTensorMode
except ModuleNotFoundError as missing:
    raise MissingTorch from missing

aten = torch.ops.aten
Call = Callable[[list[Any]], Sequence[Any]]
"""Takes a list of tensors, which it empties, and gives the results."""

Layout = tuple[tuple[int, ...], tuple[int, ...], torch.dtype]
"""Shape, strides and type of a tensor."""


class NotLowered(Exception):
    """torch does not lower this function; the text says why."""


@dataclass(frozen=True)
class Border:
    """What a chain of blocks agrees on where one ends in a ReLU and the next begins.

    The gradient of a ReLU is that of its output where the output is positive. The block behind it has that output
    at hand, so its backward pass may apply the mask with its last kernel; alone, the block before would have to
    store a mask of its own, which costs a quarter of the time of a small residual block.

    Attributes:
        masked: the gradients that arrive are masked already.
        masks: the gradient of the first input is to be masked where that input is not positive.
        kept: a block behind keeps the result anyway, so that the mask need not be kept too.
    """

    masked: bool = False
    masks: bool = False
    kept: bool = False


@dataclass
class Lowered:
    """A function `f(*values, *tensors)`, where the tensors are parameters and buffers.

    Attributes:
        forward: takes the values and tensors; gives the results, then what `backward` wants kept.
        backward: takes what was kept, then the gradients of the results; gives the gradients of all that `forward`
            takes, None where there is none. None where no gradient was asked for.
        tangents: the layout of the gradients that `backward` takes.
    """

    forward: Call
    backward: Call | None
    tangents: tuple[Layout, ...] = ()


def stand_in(mode: FakeTensorMode, tensor: Tensor) -> Tensor:
    """A fake tensor of the same shape, layout and need of a gradient."""
    return mode.from_tensor(tensor, static_shapes=True)


def trace(
    module: nn.Module,
    values: Sequence[Tensor],
    names: Sequence[str],
    tensors: Sequence[Tensor],
    mode: FakeTensorMode,
) -> Traced:
    """Follow a module through forward and backward pass, with fake tensors.

    Args:
        module: what is run; its parameters and buffers are inputs of the graphs.
        values: fake tensors for its inputs; those that require a gradient get one.
        names: of its parameters and buffers.
        tensors: fake tensors for these, in their order.
        mode: of all fake tensors.

    Raises:
        NotLowered: torch cannot.
    """
    from torch._functorch import aot_autograd
    from torch._functorch.config import patch
    from torch._guards import TracingContext, tracing
    from torch._inductor.compile_fx import partition_fn
    from torch._inductor.decomposition import select_decomp_table
    from torch._inductor.virtualized import V

    found: dict[str, Any] = {}

    def halves(
        joint: fx.GraphModule, inputs: Sequence[Any], **options: Any
    ) -> tuple[fx.GraphModule, fx.GraphModule]:
        forward, backward = partition_fn(joint, inputs, **options)
        found.update(forward=forward, backward=backward, results=options["num_fwd_outputs"])
        return forward, backward

    def whole(graph: fx.GraphModule, _: Sequence[Any]) -> Any:
        found.setdefault("forward", graph)
        return graph.forward

    grad = any(t.requires_grad for t in (*values, *tensors)) and torch.is_grad_enabled()
    try:
        with V.set_fake_mode(mode), tracing(TracingContext(mode)), patch(unlift_effect_tokens=True):
            pure: Any = _Pure(module, names, len(values))
            keep: Any = whole
            aot_autograd.aot_module_simplified(
                pure,
                [*values, *tensors],
                fw_compiler=keep,
                bw_compiler=keep,
                inference_compiler=keep,
                partition_fn=halves,
                decompositions=select_decomp_table(),
                keep_inference_input_mutations=True,
            )
    except Exception as reason:
        raise NotLowered(f"{type(reason).__name__}: {reason}") from reason
    forward, backward = found["forward"], found.get("backward")
    if grad != (backward is not None):
        raise NotLowered("there is no backward pass")
    count = found.get("results", len(_outputs(forward)))
    return Traced(forward, backward, count)


class _Pure(nn.Module):
    """A module as a function of its inputs, parameters and buffers."""

    def __init__(self, module: nn.Module, names: Sequence[str], values: int) -> None:
        super().__init__()
        object.__setattr__(self, "module", module)  # not a submodule: it has no parameters of its own
        self.names, self.values = tuple(names), values

    def forward(self, *args: Tensor) -> tuple[Tensor, ...]:
        values, tensors = args[: self.values], args[self.values :]
        out = torch.func.functional_call(self.module, dict(zip(self.names, tensors, strict=True)), values)  # type: ignore[arg-type]
        return (out,) if isinstance(out, Tensor) else tuple(out)


@dataclass
class Traced:
    """The graphs of both passes, before they are compiled."""

    forward: fx.GraphModule
    backward: fx.GraphModule | None
    count: int

    @property
    def results(self) -> tuple[Tensor, ...]:
        """Fake tensors like the results."""
        found = []
        for node in _outputs(self.forward)[: self.count]:
            like = node.meta["val"]
            with like.fake_mode:
                made = torch.empty_strided(like.shape, like.stride(), dtype=like.dtype, device=like.device)
            found.append(made.requires_grad_(self.backward is not None and made.is_floating_point()))
        return tuple(found)

    def keeps(self, i: int) -> bool:
        """Whether the backward pass has this input at hand."""
        placed = () if self.backward is None else self.backward.graph.find_nodes(op="placeholder")
        return any(n.name == f"primals_{i + 1}" for n in placed)

    @property
    def masks_first(self) -> bool:
        """Whether the backward pass has the first input at hand and gives its gradient."""
        return self.backward is not None and self.keeps(0) and isinstance(_outputs(self.backward)[0], fx.Node)

    @property
    def ends_in_relu(self) -> bool:
        """Whether the only result is a ReLU's, whose mask is kept."""
        return self.backward is not None and self._mask() is not None

    def _mask(self) -> fx.Node | None:
        """What is kept to mask the gradient of the only result."""
        result, *kept = _outputs(self.forward)
        if self.count != 1:
            return None
        masks = (n for n in kept if isinstance(n, fx.Node) and n.target is aten.le.Scalar)
        return next((n for n in masks if n.args[0] is result), None)

    def agree(self, border: Border) -> None:
        """Rewrite the graphs so that they keep to a border. Raises NotLowered where the graphs are not as known."""
        mask = self._mask()
        if mask is not None and border.masked:
            self._drop_mask(mask)
        elif mask is not None and border.kept:
            self._mask_by_result(mask)
        if border.masks:
            self._mask_first()
        for graph in (self.forward, self.backward):
            if graph is not None:
                graph.graph.lint()
                graph.recompile()

    def _drop_mask(self, mask: fx.Node) -> None:
        """The gradient that arrives is masked: do not keep the mask."""
        assert self.backward is not None
        graph = self.backward.graph
        kept = _placeholder(graph, mask.name)
        for where in list(kept.users):
            if where.target is not aten.where.self or not str(where.args[2]).startswith("tangents"):
                raise NotLowered("the mask of the result has another use")
            where.replace_all_uses_with(where.args[2])  # type: ignore[arg-type]
            graph.erase_node(where)
        graph.erase_node(kept)
        _replace_output(self.forward.graph, [n for n in _outputs(self.forward) if n is not mask])
        self.forward.graph.eliminate_dead_code(lambda node: node.is_impure() or "copy_" in str(node.target))

    def _mask_by_result(self, mask: fx.Node) -> None:
        """Keep the result, which lives on, and not its mask."""
        assert self.backward is not None
        outputs = _outputs(self.forward)
        graph, result = self.backward.graph, outputs[0]
        old = _placeholder(graph, mask.name)
        with graph.inserting_before(old):
            new = graph.placeholder(f"{result.name}_kept")
        new.meta = dict(result.meta)
        first = next(n for n in graph.nodes if n.op != "placeholder")
        with graph.inserting_before(first):
            again = graph.call_function(aten.le.Scalar, (new, 0))
        again.meta = dict(mask.meta)
        old.replace_all_uses_with(again)
        graph.erase_node(old)
        _replace_output(self.forward.graph, [result if n is mask else n for n in outputs])

    def _mask_first(self) -> None:
        """Mask the gradient of the first input, which is a ReLU's result, by that input."""
        assert self.backward is not None
        graph, outputs = self.backward.graph, _outputs(self.backward)
        gradient = outputs[0]
        value = next((n for n in graph.nodes if n.op == "placeholder" and n.name == "primals_1"), None)
        if value is None or not isinstance(gradient, fx.Node):
            raise NotLowered("the first input is not kept")
        like = gradient.meta["val"]
        with graph.inserting_before(graph.output_node()):
            mask = graph.call_function(aten.le.Scalar, (value, 0))
            zero = graph.call_function(
                aten.full.default,
                ([], 0.0),
                {"dtype": like.dtype, "layout": torch.strided, "device": like.device, "pin_memory": False},
            )
            masked = graph.call_function(aten.where.self, (mask, zero, gradient))
        mode = like.fake_mode
        with mode:
            mask.meta["val"] = torch.empty_like(value.meta["val"], dtype=torch.bool)
            zero.meta["val"] = torch.empty([], dtype=like.dtype, device=like.device)
        masked.meta = dict(gradient.meta)
        _replace_output(graph, [masked, *outputs[1:]])

    def _lay_out_kept(self, strides: Sequence[Any], mode: FakeTensorMode) -> None:
        """Tell the backward graph the layouts that the compiled forward pass chose for what it keeps."""
        assert self.backward is not None
        given = dict(zip(_outputs(self.forward), strides, strict=False))
        names = {n.name: given.get(n) for n in _outputs(self.forward)[self.count :] if isinstance(n, fx.Node)}
        for node in self.backward.graph.nodes:
            value = node.meta.get("val")
            chosen = names.get(node.name)
            if node.op == "placeholder" and isinstance(value, Tensor) and chosen is not None:
                with mode:
                    node.meta["val"] = value.as_strided(value.shape, [int(n) for n in chosen])

    def _lay_out_gradients(self, mode: FakeTensorMode) -> None:
        """Give the gradients of images in the layout of the images: the block before takes them so."""
        assert self.backward is not None
        graph, outputs = self.backward.graph, _outputs(self.backward)
        last = torch.channels_last
        for i, image in enumerate(_values(self.forward.graph.find_nodes(op="placeholder"))):
            (gradient,) = _values(outputs[i : i + 1])
            if gradient is None or image.dim() != 4 or image.stride() == gradient.stride():
                continue
            if image.is_contiguous(memory_format=last):
                with graph.inserting_before(graph.output_node()), mode:
                    same = graph.call_function(aten.clone.default, (outputs[i],), {"memory_format": last})
                    same.meta["val"] = torch.empty_like(gradient, memory_format=last)
                outputs[i] = same
        _replace_output(graph, outputs)
        self.backward.recompile()

    def _donated(self) -> list[int]:
        """Which inputs of the backward pass are its own, to write into: what was kept for it alone."""
        assert self.backward is not None
        outputs = _outputs(self.forward)
        kept = _storages(outputs[self.count :])
        shared = [*self.forward.graph.find_nodes(op="placeholder"), *outputs[: self.count]]
        others = set(_storages(shared + _outputs(self.backward)))
        return [i for i, storage in enumerate(kept) if storage not in others and kept.count(storage) == 1]

    def compile(self, mode: FakeTensorMode) -> Lowered:
        """Compile both passes. Raises NotLowered where torch cannot."""
        forward, strides = _compile(self.forward, mode, self.count, is_inference=self.backward is None)
        if self.backward is None:
            return Lowered(forward, None)
        self._lay_out_kept(strides, mode)
        likes = [n.meta["val"] for n in self.backward.graph.nodes if n.name.startswith("tangents")]
        if len(likes) != self.count:
            raise NotLowered("a result has no gradient")
        self._lay_out_gradients(mode)
        backward, _ = _compile(
            self.backward, mode, len(_outputs(self.backward)), self._donated(), is_backward=True
        )
        return Lowered(forward, backward, tuple((tuple(t.shape), t.stride(), t.dtype) for t in likes))


@contextmanager
def overlapped() -> Iterator[Callable[[], object]]:
    """Let the C++ compiler work on one graph while the next is lowered: its results are waited for at the end.

    Gives what is to be called when tracing ends and lowering begins.

    Raises:
        NotLowered: the C++ compiler failed.
    """
    from torch._inductor.async_compile import AsyncCompile
    from torch._inductor.cpu_vec_isa import pick_vec_isa

    own, late = get_ident(), list[tuple[Any, dict[str, Any]]]()
    wait: Any = AsyncCompile.wait

    def later(compiler: Any, scope: dict[str, Any]) -> None:
        if get_ident() == own:
            late.append((compiler, scope))
        else:
            wait(compiler, scope)

    patched: Any = AsyncCompile
    with ThreadPoolExecutor(1) as beside:
        vectors = beside.submit(pick_vec_isa)  # tries what the C++ compiler can do, while graphs are traced
        patched.wait = later
        try:
            yield vectors.exception
        finally:
            patched.wait = wait
    try:
        for compiler, scope in late:
            wait(compiler, scope)
    except Exception as reason:
        raise NotLowered(f"{type(reason).__name__}: {reason}") from reason


def _compile(
    graph: fx.GraphModule, mode: FakeTensorMode, results: int, donated: Sequence[int] = (), **what: bool
) -> tuple[Call, Sequence[Any]]:
    """The bare call of a graph, whose first results keep their layout; and the strides of all that it gives.

    Memory of the inputs that are donated is written into.
    """
    from torch._guards import TracingContext, tracing
    from torch._inductor.compile_fx import compile_fx_inner
    from torch._inductor.virtualized import V

    inputs = _values(graph.graph.find_nodes(op="placeholder"))
    values = _values(_outputs(graph))
    node = graph.graph.output_node()
    node.meta["user_visible_output_idxs"] = [i for i in range(results) if isinstance(values[i], Tensor)]
    node.meta["original_output_strides"] = [v.stride() if isinstance(v, Tensor) else None for v in values]
    context = TracingContext(mode)
    context.fw_metadata = SimpleNamespace(bw_donated_idxs=list(donated), static_input_indices=[])  # type: ignore[assignment]
    try:
        with (
            V.set_fake_mode(mode),
            tracing(context),
            TracingContext.report_output_strides() as strides,
        ):
            made: Any = compile_fx_inner(graph, inputs, static_input_idxs=[], cpp_wrapper=False, **what)  # type: ignore[arg-type]
    except Exception as reason:
        raise NotLowered(f"{type(reason).__name__}: {reason}") from reason
    call: Call = made.current_callable
    return call, strides or []


def _outputs(graph: fx.GraphModule) -> list[Any]:
    outputs: Any = graph.graph.output_node().args[0]
    return list(outputs)


def _values(nodes: Sequence[Any]) -> list[Any]:
    """What was traced for each, None for none."""
    return [n.meta.get("val") if isinstance(n, fx.Node) else None for n in nodes]


def _storages(nodes: Sequence[Any]) -> list[int | None]:
    """Which memory each is in."""
    return [None if v is None else v.untyped_storage()._cdata for v in _values(nodes)]


def _replace_output(graph: fx.Graph, outputs: list[Any]) -> None:
    graph.output_node().args = (tuple(outputs),)


def _placeholder(graph: fx.Graph, name: str) -> fx.Node:
    found: fx.Node | None = next((n for n in graph.nodes if n.op == "placeholder" and n.name == name), None)
    if found is None:
        raise NotLowered("what the forward pass keeps is not what the backward pass takes")
    return found
