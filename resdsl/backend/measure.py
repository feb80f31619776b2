"""Measures a compiled net against the same net run eagerly."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

from resdsl.backend.compile import Compiled
from resdsl.backend.errors import MissingTorch
from resdsl.graph.cost import cost
from resdsl.sizes import shape_at

try:
    import torch
    from torch import Tensor, nn
except ModuleNotFoundError as missing:
    raise MissingTorch from missing


@dataclass(frozen=True)
class Report:
    """What was measured, in seconds; times are for one image, without gradients.

    Attributes:
        way: "whole" or "blocks"; `how` says it in words.
        first: time of the first call, which compiles.
        difference: largest difference of an output from eager; `relative`: divided by the largest output.
        rounding: (compiled, eager): how far each is from the net in float64, divided by the largest
            output. Depth amplifies rounding, so a difference means little without these.
        compiled, eager: median time for an image.
    """

    device: str
    way: str
    signatures: int
    calls: int
    parameters: int
    macs: int
    batch: int
    first: float
    difference: float
    relative: float
    rounding: tuple[float, float]
    compiled: float
    eager: float
    how: str

    @property
    def agrees(self) -> bool:
        """Whether compiled is eager up to rounding: close to it, or as close to float64 as eager is."""
        return self.relative < 1e-5 or self.rounding[0] <= 4 * max(self.rounding[1], 1e-6)

    def __str__(self) -> str:
        return "\n".join(
            (
                f"device      {self.device}",
                f"parameters  {self.parameters:,}",
                f"MACs        {self.macs:,}",
                f"signatures  {self.signatures}, in {self.calls} blocks",
                f"compiled    {self.how}, first call {self.first:.1f} s",
                f"difference  from eager {self.difference:.2g}, {self.relative:.2g} of the largest output",
                f"            from float64: compiled {self.rounding[0]:.2g}, eager {self.rounding[1]:.2g} of it",
                f"time        compiled {1000 * self.compiled:.2f} ms an image, in batches of {self.batch}",
                f"            eager {1000 * self.eager:.2f} ms an image",
            )
        )


def report(compiled: Compiled, batch: int = 1, sizes: dict[str, int] | None = None, runs: int = 5) -> Report:
    """Compile, check and time a net on random images, in evaluation mode.

    Args:
        compiled: what `compile_net` gave.
        batch: images at once.
        sizes: input sizes; those of the spec by default.
        runs: timed runs of each, in turn.
    """
    net = compiled.net
    at = {**{s: max(net.least.get(s, 1), 32) for s in net.sizes}, **(net.nominal or {}), **(sizes or {})}
    torch.manual_seed(0)
    shapes = [net.graph.node(id).shapes[0] for id in net.graph.inputs]
    inputs = [torch.rand(batch, *shape_at(s, at), device=compiled.device) for s in shapes if s is not None]
    total = cost(net.graph, at)
    with torch.no_grad(), settled(compiled.eager, inputs):
        compiled.train(False)
        first, got = _timed(compiled.module, inputs, compiled.device)
        wanted = _flat(compiled.eager(*inputs))
        difference = float((_flat(got) - wanted).abs().max())
        largest = float(wanted.abs().max()) or 1.0
        exact = _flat(copy.deepcopy(compiled.eager).double()(*(x.double() for x in inputs)))
        rounding = tuple(float((_flat(y).double() - exact).abs().max()) / largest for y in (got, wanted))
        times: list[tuple[float, float]] = []
        for _ in range(runs):
            fast, _ = _timed(compiled.module, inputs, compiled.device)
            slow, _ = _timed(compiled.eager, inputs, compiled.device)
            times.append((fast, slow))
    return Report(
        device=_name(compiled.device),
        way=compiled.way,
        signatures=compiled.signatures,
        calls=compiled.calls,
        parameters=total.params,
        macs=total.macs,
        batch=batch,
        first=first,
        difference=difference,
        relative=difference / largest,
        rounding=(rounding[0], rounding[1]),
        compiled=median(t[0] for t in times) / batch,
        eager=median(t[1] for t in times) / batch,
        how=compiled.how,
    )


@contextmanager
def settled(module: nn.Module, inputs: list[Tensor]) -> Iterator[None]:
    """Batch norm statistics of these inputs, for a while.

    With fresh statistics the values of a deep net grow from block to block until they overflow.
    """
    norms = [m for m in module.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    kept = [{name: b.clone() for name, b in m.named_buffers(recurse=False)} for m in norms]
    momenta, modes = [m.momentum for m in norms], [(m, m.training) for m in module.modules()]
    for m in norms:
        m.train()
        m.momentum = 1.0
    # Two images at least: a single position has no variance.
    module(*(torch.cat([x, x.flip(-1)]) for x in inputs))
    for m, momentum in zip(norms, momenta, strict=True):
        m.momentum = momentum
    for inner, mode in modes:
        inner.training = mode
    try:
        yield
    finally:
        for m, buffers in zip(norms, kept, strict=True):
            for name, old in buffers.items():
                m.get_buffer(name).copy_(old)


def _timed(module: Any, inputs: list[Tensor], device: torch.device) -> tuple[float, Any]:
    """Time of one call, and its result."""
    start = perf_counter()
    out = module(*inputs)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter() - start, out


def _flat(out: Any) -> Tensor:
    """All outputs as one vector."""
    if isinstance(out, Tensor):
        return out.flatten()
    values = out.values() if isinstance(out, dict) else out
    return torch.cat([_flat(o) for o in values])


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
