"""The `forward` of a compiled module: for each kind of call it runs what was compiled for that.

In evaluation and without gradients a net is a fixed function, and runs with packed weights (`onednn`) or by code that
is generated for its folded graph (`generated`); else it runs by the signatures of its blocks (`signature`), with
gradients that are its own. What none of them serves goes to `torch.compile`. Each is made when it is first needed, for
the inputs it is needed for.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from operator import attrgetter, is_
from threading import RLock
from time import perf_counter
from typing import Any

from resdsl.backend.allocator import keep_memory
from resdsl.backend.dynamo import hooked_everywhere, traced, transformed
from resdsl.backend.errors import MissingTorch
from resdsl.backend.fallback import Eagerly, because
from resdsl.backend.inference.generated import Generated
from resdsl.backend.inference.onednn import available, chained, fast, packed, parts, unsuited
from resdsl.backend.inference.onednn_graph import Warmed, planned
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

_MAKING = RLock()
"""Held while something is compiled: the compiler is not made for several threads, calls are."""


@dataclass(frozen=True)
class Way:
    """What serves a kind of call.

    Attributes:
        run: takes the inputs.
        name: `onednn`, `folded`, `signatures` or `torch.compile`.
        why: what it is made of, or why not another.
        graphs: how many graphs were compiled for it; for `torch.compile` torch counts them.
        refresh: lets it have the weights as they are now; without, it is made again for them.
        instead: why not a way that comes first.
    """

    run: Callable[..., Any]
    name: str
    why: str
    graphs: int = 0
    refresh: Callable[[], None] | None = None
    instead: str = ""


class Dispatch:
    """Calls of one module, which stays an ordinary one: its weights, modes and hooks are where they were.

    Args:
        module: an emitted module, without checks of its sizes.
        signatures: by address of each block, what it has in common with its equals.
        layout: of images.
        refuse: raises ValueError for inputs that the net does not take.
        fallback: given the module, what runs it by `torch.compile`.
        dtype: to compute in, and the type of the outputs; that of the weights by default.
        options: of `torch.compile`, for folded graphs.
        tune: take time to find the fastest way.
        kind: of device, where the weights are.

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
        dtype: torch.dtype | None = None,
        options: Mapping[str, Any] | None = None,
        tune: bool = False,
        kind: str = "cpu",
    ) -> None:
        self.module, self.signatures, self.layout = module, signatures, layout
        self.refuse, self.fallback = refuse, fallback
        self.dtype, self.options, self.tune = dtype, options or {}, tune
        self.kind = kind
        self.ways: dict[Any, Way] = {}
        self._seen: dict[Any, tuple[list[Tensor], list[Any]]] = {}
        self._fallback: Callable[..., Any] | None = None
        self._lowerings: dict[Any, Lowering] = {}
        self._generated: Generated | None = None
        self._lock = RLock()
        if "_modules" in module.__dict__:  # or it is being copied
            self._changed()  # which keeps its layers as they are now

    def __deepcopy__(self, memo: dict[int, Any]) -> Dispatch:
        """The copy of a module compiles for itself."""
        module = copy.deepcopy(self.module, memo)
        made = (self.refuse, self.fallback, self.dtype, self.options, self.tune, self.kind)
        return Dispatch(module, self.signatures, self.layout, *made)

    @cached_property
    def _modules(self) -> list[nn.Module]:
        return list(self.module.modules())

    @cached_property
    def _parts(self) -> list[dict[str, Any]]:
        """The layers of each module."""
        return [m._modules for m in self._modules]

    @cached_property
    def _layers(self) -> list[nn.Module | None]:
        return self._children()

    @cached_property
    def _hooks(self) -> list[Any]:
        """The hooks of each layer."""
        kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
        return [getattr(m, kind) for m in self._modules[1:] for kind in kinds]

    @cached_property
    def _state(self) -> list[tuple[dict[str, Any], str]]:
        """Where the parameters and buffers are."""
        places = [(d, k) for m in self._modules for d in (m._parameters, m._buffers) for k in d]
        return [(d, k) for d, k in places if d[k] is not None]

    def __call__(self, *inputs: Tensor) -> Any:
        """What `forward` gives."""
        if self._left_alone() or any(type(x) is not Tensor for x in inputs):
            return self._in_type(type(self.module).forward, self.module, *inputs)
        with self._lock:  # while a thread lowers, others are in place of the weights
            tensors = [d[k] for d, k in self._state]
        trained = list(map(_REQUIRES_GRAD, tensors)) if torch.is_grad_enabled() else []
        grad = torch.is_grad_enabled() and (any(trained) or any(x.requires_grad for x in inputs))
        fixed = not grad and not self.module.training
        if not fixed:
            return self._in_type(self._run, inputs, tensors, trained, grad)
        if self.dtype is None:
            return self._run(inputs, tensors, None, grad)
        with torch.autocast(self.kind, enabled=False):
            return self._run([in_type(x, self.dtype) for x in inputs], tensors, None, grad)

    def _run(self, inputs: Sequence[Tensor], tensors: list[Tensor], trained: Any, grad: bool) -> Any:
        """What serves this kind of call, made if need be; without `trained` the net is a fixed function."""
        fixed = trained is None
        inputs = tuple(x.contiguous(memory_format=self._format(x)) for x in inputs)
        modes = None if fixed else tuple(m.training for m in self._modules)
        autocast = torch.get_autocast_dtype(self.kind) if torch.is_autocast_enabled(self.kind) else None
        like = tuple((x.shape, x.dtype, grad and x.requires_grad) for x in inputs)
        key = (like, grad, modes, autocast)
        seen = _versions(tensors) if fixed else [*trained, *map(_TYPE, tensors), *map(Tensor.stride, tensors)]
        way = self._known(key, tensors, seen)
        if way is None:
            with self._lock, _MAKING:
                way = self._known(key, tensors, seen)  # unless another thread made it meanwhile
                if way is None:
                    way = self._made(key, inputs, fixed, modes, autocast)
                    self.ways[key], self._seen[key] = way, (tensors, seen)
        if fixed and way.name == "torch.compile":
            return self._in_type(way.run, *inputs)
        return way.run(*inputs)

    def _in_type(self, run: Callable[..., Any], *inputs: Any) -> Any:
        """What computes in the type of the weights, under autocast where another is wanted."""
        if self.dtype is None:
            return run(*inputs)
        with torch.autocast(self.kind, self.dtype):
            return in_type(run(*inputs), self.dtype)

    def _known(self, key: Any, tensors: list[Tensor], seen: list[Any]) -> Way | None:
        """What serves this kind of call, if the weights are those that it was made for."""
        way, (known, before) = self.ways.get(key), self._seen.get(key, ((), None))
        same = way is not None and (seen == before and all(map(is_, tensors, known)))
        return way if same or (way is not None and way.name == "torch.compile") else None

    def _made(self, key: Any, inputs: Sequence[Tensor], fixed: bool, modes: Any, autocast: Any) -> Way:
        """What serves this kind of call, made or refreshed; of many kinds the oldest is dropped."""
        self.refuse(inputs)  # only here: what was made for these sizes takes them
        old = self.ways.get(key)
        if old is not None and old.refresh is not None:
            old.refresh()
            return old
        if self.kind == "cpu" and not fixed:
            keep_memory()
        while len(self.ways) >= MOST_KEPT and old is None:
            oldest = next(iter(self.ways))
            del self.ways[oldest], self._seen[oldest]
        return self._fixed(inputs, autocast) if fixed else self._lowered(inputs, modes, autocast)

    def _format(self, x: Tensor) -> torch.memory_format:
        return self.layout if x.dim() == 4 else torch.contiguous_format

    def _left_alone(self) -> bool:
        """Whether `forward` runs as it is written: another compiler follows it, or hooks watch its layers."""
        if torch.compiler.is_compiling() or traced() or transformed():
            return True
        if self._changed():
            text = "layers were replaced or added since it was compiled: it runs eagerly"
            warnings.warn(text, Eagerly, stacklevel=5)
            return True
        return any(self._hooks) or hooked_everywhere()

    def _changed(self) -> bool:
        """Whether layers were added, replaced or taken away."""
        return self._layers != self._children()

    def _children(self) -> list[nn.Module | None]:
        return list(chain.from_iterable(map(dict.values, self._parts)))

    def _fixed(self, inputs: Sequence[Tensor], autocast: Any) -> Way:
        """For a fixed function: inputs and outputs are in the type to compute in."""
        if self.kind != "cpu":
            return self._folded(inputs) if autocast is None else self._compiled("it is called under autocast")
        way = self._packed(inputs, autocast)
        if isinstance(way, str):
            generated = self.dtype is not None or (self.tune and autocast is None)
            why = f"onednn: {way}"
            return self._folded(inputs, why) if generated else self._lowered(inputs, None, autocast, why)
        if not self.tune:
            return way
        return min((self._folded(inputs), way), key=lambda way: _seconds(way.run, inputs))

    def _packed(self, inputs: Sequence[Tensor], autocast: Any) -> Way | str:
        """With packed weights; or why not."""
        if not available():
            return "this torch has no oneDNN, or has changed its calls"
        if autocast is not None:
            return "it is called under autocast"
        strange = next((x.dtype for x in inputs if x.is_floating_point() and not fast(x.dtype)), None)
        if strange is not None:
            return f"it does not compute in {name_of(strange)} here"
        try:
            graph = packed(self.module, inputs, self.dtype)
        except NotCut as reason:
            return str(reason)
        doubt = unsuited(graph)
        if doubt:
            return doubt
        often = chained(graph) and self.dtype in (None, torch.bfloat16)  # others were tried on no processor
        run = Warmed(graph, self._planned) if often else graph.forward
        return Way(run, "onednn", parts(self.module, graph))

    def _planned(self, inputs: Sequence[Tensor]) -> Callable[..., Any] | None:
        """What runs a kind of call that comes often; None if nothing is faster."""
        with self._lock, _MAKING:
            return planned(self.module, inputs, self.dtype)

    def _folded(self, inputs: Sequence[Tensor], before: str = "") -> Way:
        """With code generated for the folded graph."""
        constant = self.kind == "cpu"
        try:
            if constant or self._generated is None:
                self._generated = Generated(
                    self.module, self.dtype, self.layout, self.options, constant=constant
                )
            else:
                self._generated.refresh()
            run = self._generated.runs(inputs)
        except NotCut as reason:
            return self._compiled(str(reason), "folded", before)
        except Exception as reason:  # of the compiler, which the fallback survives
            return self._compiled(because(reason), "folded", before)
        what = "weights as constants of the code" if constant else "replayed as a CUDA graph"
        refresh = None if constant else self._generated.refresh
        return Way(run, "folded", f"batch norms folded, {what}", refresh=refresh, instead=before)

    def _lowered(self, inputs: Sequence[Tensor], modes: Any, autocast: Any, before: str = "") -> Way:
        """For training, and for gradients in evaluation."""
        if self.kind != "cpu":
            return self._compiled("they are for the CPU", "signatures", before)
        if len(self.signatures) == len(set(self.signatures.values())):
            return self._compiled("no block comes again", "signatures", before)
        try:
            if (modes, autocast) not in self._lowerings:
                self._lowerings[modes, autocast] = Lowering(
                    cut(self.module, self.signatures), self.signatures
                )
            lowering = self._lowerings[modes, autocast]
            program = lowering.program(inputs)
        except NotCut as reason:
            return self._compiled(str(reason), "signatures", before)
        except NotLowered as reason:
            return self._compiled(because(reason), "signatures", before)

        def run(*inputs: Tensor) -> Any:
            with self._lock:
                tensors = lowering.tensors()
            if torch.is_grad_enabled():
                made = Run.apply(program, tensors, len(inputs), *inputs, *lowering.trained(tensors))  # type: ignore[no-untyped-call]
            else:
                made = program.forward(inputs, tensors, None)
            return structured(lowering.cut.outputs, made)

        kinds = len({id(call.lowered) for call in program.calls})
        made = f"{kinds} kinds of {len(program.calls)} steps"
        return Way(run, "signatures", made, program.graphs, instead=before)

    def _compiled(self, why: str, way: str = "", before: str = "") -> Way:
        """By `torch.compile`, and why not a way that comes first."""
        if self._fallback is None:
            self._fallback = self.fallback(self.module)
        others = (before, f"{way}: {why}" if way else why)
        return Way(self._fallback, "torch.compile", why, instead="; not ".join(filter(None, others)))


def in_type(made: Any, dtype: torch.dtype) -> Any:
    """Outputs in a type, in whatever structure."""
    if isinstance(made, Tensor):
        return made.to(dtype) if made.is_floating_point() else made
    if isinstance(made, Mapping):
        return {name: in_type(value, dtype) for name, value in made.items()}
    return tuple(in_type(value, dtype) for value in made)


def name_of(dtype: torch.dtype) -> str:
    """As `bfloat16`."""
    return str(dtype).removeprefix("torch.")


def _seconds(run: Callable[..., Any], inputs: Sequence[Tensor]) -> float:
    """The shortest time of a call."""
    found = []
    for _ in range(5):
        started = perf_counter()
        run(*inputs)
        found.append(perf_counter() - started)
    return min(found)


def _versions(tensors: Sequence[Tensor]) -> list[Any]:
    """How often each was written to; equal to nothing for those of inference mode, which do not count."""
    try:
        return list(map(_VERSION, tensors))
    except RuntimeError:
        return [object()]
