"""The `forward` of a compiled module: for each kind of call it runs what was compiled for that.

In evaluation and without gradients a net is a fixed function, and runs with packed weights (`onednn`); else it runs by
the signatures of its blocks (`signature`), with gradients that are its own. What neither serves goes to
`torch.compile`. Each is made when it is first needed, for the inputs it is needed for.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter, is_
from typing import Any

from resdsl.backend.errors import MissingTorch
from resdsl.backend.inference.onednn import available, packed, unsuited
from resdsl.backend.signature.aot import NotLowered
from resdsl.backend.signature.cut import NotCut, cut
from resdsl.backend.signature.program import Lowering, Run, structured

try:
    import torch
    from torch import Tensor, nn
except ModuleNotFoundError as missing:
    raise MissingTorch from missing

_VERSION, _TYPE, _REQUIRES_GRAD = map(attrgetter, ("_version", "dtype", "requires_grad"))

MOST_KEPT = 16
"""Kinds of calls that stay compiled: sizes of batches and images, training or not."""


@dataclass(frozen=True)
class Way:
    """What serves a kind of call.

    Attributes:
        run: takes the inputs.
        name: `onednn`, `signatures` or `torch.compile`.
        why: why not another, or what it is made of.
        graphs: how many graphs were compiled for it; for `torch.compile` torch counts them.
    """

    run: Callable[..., Any]
    name: str
    why: str
    graphs: int = 0


class Dispatch:
    """Calls of one module, which stays an ordinary one: its weights, modes and hooks are where they were.

    Args:
        module: an emitted module on the CPU, without checks of its sizes.
        signatures: by address of each block, what it has in common with its equals.
        layout: of images.
        refuse: raises ValueError for inputs that the net does not take.
        fallback: given the module, what runs it by `torch.compile`.

    Attributes:
        ways: what was made so far, by the kind of call.
    """

    def __init__(
        self,
        module: nn.Module,
        signatures: Mapping[str, Any],
        layout: torch.memory_format,
        refuse: Callable[[Sequence[Tensor]], None],
        fallback: Callable[[nn.Module], Callable[..., Any]],
    ) -> None:
        self.module, self.signatures, self.layout = module, signatures, layout
        self.refuse, self.fallback = refuse, fallback
        self.ways: dict[Any, Way] = {}
        self._seen: dict[Any, tuple[list[Tensor], list[Any]]] = {}
        self._fallback: Callable[..., Any] | None = None
        self._lowerings: dict[Any, Lowering] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> Dispatch:
        """The copy of a module compiles for itself."""
        module = copy.deepcopy(self.module, memo)
        return Dispatch(module, self.signatures, self.layout, self.refuse, self.fallback)

    @cached_property
    def _blocks(self) -> list[nn.Module]:
        return [self.module.get_submodule(address) for address in self.signatures]

    @cached_property
    def _modules(self) -> list[nn.Module]:
        return list(self.module.modules())

    @cached_property
    def _state(self) -> list[tuple[dict[str, Any], str]]:
        """Where the parameters and buffers are."""
        places = [(d, k) for m in self._modules for d in (m._parameters, m._buffers) for k in d]
        return [(d, k) for d, k in places if d[k] is not None]

    def __call__(self, *inputs: Tensor) -> Any:
        """What `forward` gives."""
        if torch.compiler.is_compiling() or self._watched() or any(type(x) is not Tensor for x in inputs):
            return type(self.module).forward(self.module, *inputs)
        self.refuse(inputs)
        inputs = tuple(x.contiguous(memory_format=self._format(x)) for x in inputs)
        tensors = [d[k] for d, k in self._state]
        trained = list(map(_REQUIRES_GRAD, tensors)) if torch.is_grad_enabled() else []
        grad = torch.is_grad_enabled() and (any(trained) or any(x.requires_grad for x in inputs))
        fixed = not grad and not self.module.training
        modes = None if fixed else tuple(m.training for m in self._modules)
        autocast = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else None
        like = tuple((x.shape, x.dtype, grad and x.requires_grad) for x in inputs)
        key = (like, grad, modes, autocast)
        seen = _versions(tensors) if fixed else [*trained, *map(_TYPE, tensors), *map(Tensor.stride, tensors)]
        way = self.ways.get(key)
        if way is None or (way.name != "torch.compile" and not self._same(key, tensors, seen)):
            way = self._packed(inputs, autocast) if fixed else self._lowered(inputs, modes, autocast)
            while len(self.ways) >= MOST_KEPT and key not in self.ways:
                oldest = next(iter(self.ways))
                del self.ways[oldest], self._seen[oldest]
            self.ways[key], self._seen[key] = way, (tensors, seen)
        return way.run(*inputs)

    def _same(self, key: Any, tensors: list[Tensor], seen: list[Any]) -> bool:
        """Whether the weights are those that a way was made for."""
        known, before = self._seen[key]
        return all(map(is_, tensors, known)) and seen == before

    def _format(self, x: Tensor) -> torch.memory_format:
        return self.layout if x.dim() == 4 else torch.contiguous_format

    def _watched(self) -> bool:
        """Whether hooks watch a block: then each is called as itself."""
        return any(
            b._forward_hooks or b._forward_pre_hooks or b._backward_hooks or b._backward_pre_hooks
            for b in self._blocks
        )

    def _packed(self, inputs: Sequence[Tensor], autocast: Any) -> Way:
        """For a fixed function."""
        if not available() or autocast is not None or len(inputs) != 1:
            return self._compiled("oneDNN takes one input, in the type of the weights")
        try:
            graph = packed(self.module, inputs[0])
        except NotCut as reason:
            return self._compiled(str(reason))
        doubt = unsuited(graph)
        if doubt:
            return self._compiled(doubt)
        return Way(
            graph.forward, "onednn", "batch norms folded, weights packed, activations and additions fused"
        )

    def _lowered(self, inputs: Sequence[Tensor], modes: Any, autocast: Any) -> Way:
        """For training, and for gradients in evaluation."""
        if len(self.signatures) == len(set(self.signatures.values())):
            return self._compiled("no block comes again")
        try:
            if (modes, autocast) not in self._lowerings:
                self._lowerings[modes, autocast] = Lowering(
                    cut(self.module, self.signatures), self.signatures
                )
            lowering = self._lowerings[modes, autocast]
            program = lowering.program(inputs)
        except (NotCut, NotLowered) as reason:
            return self._compiled(str(reason))

        def run(*inputs: Tensor) -> Any:
            tensors = lowering.tensors()
            if torch.is_grad_enabled():
                made = Run.apply(program, tensors, len(inputs), *inputs, *lowering.trained(tensors))  # type: ignore[no-untyped-call]
            else:
                made = program.forward(inputs, tensors, None)
            return structured(lowering.cut.outputs, made)

        kinds = len({id(call.lowered) for call in program.calls})
        return Way(run, "signatures", f"{kinds} kinds of {len(program.calls)} steps", program.graphs)

    def _compiled(self, why: str) -> Way:
        if self._fallback is None:
            self._fallback = self.fallback(self.module)
        return Way(self._fallback, "torch.compile", why)


def _versions(tensors: Sequence[Tensor]) -> list[Any]:
    """How often each was written to; equal to nothing for those of inference mode, which do not count."""
    try:
        return list(map(_VERSION, tensors))
    except RuntimeError:
        return [object()]
