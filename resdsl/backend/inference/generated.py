"""Inference by generated code: the folded graph by `torch.compile`, on a GPU replayed as a CUDA graph.

On the CPU weights become constants, which the code packs; they are packed again when they change, by compiling again.
On a GPU there is nothing to pack: the code reads the weights where they are. New ones are written there, and nothing
is compiled again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import chain
from threading import Lock
from typing import Any

from resdsl.backend.errors import MissingTorch
from resdsl.backend.inference.fold import folded

try:
    import torch
    from torch import Tensor, fx, nn
    from torch.utils._pytree import tree_map
except ModuleNotFoundError as missing:
    raise MissingTorch from missing

WARM_UP = 3
"""Calls before a CUDA graph is captured: they compile, and let cuDNN choose its algorithms."""


class Generated:
    """The folded graph of a module, compiled for each kind of input that comes.

    Args:
        module: in evaluation mode.
        dtype: to compute in; that of the weights by default.
        layout: of images.
        options: of `torch.compile`.
        constant: let the weights become constants of the code; then `refresh` does not reach it.

    Raises:
        NotCut: `forward` does what cannot be followed without values.
    """

    def __init__(
        self,
        module: nn.Module,
        dtype: torch.dtype | None,
        layout: torch.memory_format,
        options: Mapping[str, Any],
        *,
        constant: bool,
    ) -> None:
        self.module, self.dtype, self.layout, self.constant = module, dtype, layout, constant
        with torch.inference_mode(False):  # or what it makes could not be written to elsewhere
            self.graph = self._folded()
        self.compiled = torch.compile(self.graph, **options)

    def _folded(self) -> fx.GraphModule:
        graph = folded(self.module, self.dtype).requires_grad_(False)
        return graph.to(memory_format=self.layout)  # type: ignore[call-overload, no-any-return]

    def refresh(self) -> None:
        """Write the weights that the module has now where the code reads them."""
        with torch.no_grad():
            for mine, new in zip(_state(self.graph), _state(self._folded()), strict=True):
                mine.copy_(new)

    def runs(self, inputs: Sequence[Tensor]) -> Callable[..., Any]:
        """What takes inputs like these; it is compiled now."""
        with self._freezing(), torch.inference_mode(False), torch.no_grad(), trying_algorithms():
            self.compiled(*inputs)
            return Replay(self.compiled, inputs) if inputs[0].is_cuda else _without_gradients(self.compiled)

    def _freezing(self) -> AbstractContextManager[Any]:
        if not self.constant:
            return nullcontext()
        # As an option of one `torch.compile` it would not freeze: dynamo asks for the setting of all of torch.
        from torch._inductor import config

        made: AbstractContextManager[Any] = config.patch(freezing=True)
        return made


def _state(module: nn.Module) -> list[Tensor]:
    return list(chain(module.parameters(), module.buffers()))


def _without_gradients(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*inputs: Tensor) -> Any:
        with torch.no_grad():
            return function(*inputs)

    return run


@contextmanager
def trying_algorithms() -> Iterator[None]:
    """Let cuDNN try its algorithms for each layer and keep the fastest; what comes later is as it was."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


class Replay:
    """A function of inputs of one kind as a CUDA graph: the host launches it as a whole.

    Inputs are copied to where the graph reads them, and outputs from where it writes them: a later call does not
    change what an earlier one gave. Calls from several threads and streams wait for each other.

    Args:
        function: whose kernels are the same at each call; the weights that it reads stay where they are.
        inputs: what it takes.
    """

    def __init__(self, function: Callable[..., Any], inputs: Sequence[Tensor]) -> None:
        self.inputs = [torch.empty_like(x).copy_(x) for x in inputs]
        self.lock, self.done = Lock(), torch.cuda.Event()  # type: ignore[no-untyped-call]
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                function(*self.inputs)
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.outputs = function(*self.inputs)
        self.done.record()

    def __call__(self, *inputs: Tensor) -> Any:
        """What the function gives."""
        with self.lock, torch.no_grad():
            torch.cuda.current_stream().wait_event(self.done)
            for mine, given in zip(self.inputs, inputs, strict=True):
                mine.copy_(given, non_blocking=True)
            self.graph.replay()
            made = tree_map(torch.clone, self.outputs)
            self.done.record()
            return made
