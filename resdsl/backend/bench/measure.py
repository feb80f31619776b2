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
from resdsl.backend.dynamic import example, one_graph, other_sizes, usual_sizes
from resdsl.backend.errors import MissingTorch
from resdsl.conditions import condition
from resdsl.graph.cost import cost
from resdsl.graph.model import Net

try:
    import torch
    from torch import Tensor, nn
except ModuleNotFoundError as missing:
    raise MissingTorch from missing


@dataclass(frozen=True)
class Difference:
    """How far what is compiled is from eager; the fields are those of `Report`."""

    difference: float
    relative: float
    rounding: tuple[float, float]

    @property
    def agrees(self) -> bool:
        """Whether compiled is eager up to rounding: close to it, or as close to float64 as eager is."""
        return self.relative < 1e-5 or self.rounding[0] <= 4 * max(self.rounding[1], 1e-6)


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
        """As `Difference.agrees`."""
        return Difference(self.difference, self.relative, self.rounding).agrees

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
    at = {**usual_sizes(net), **(sizes or {})}
    torch.manual_seed(0)
    inputs = example(net, batch, at, compiled.device)
    total = cost(net.graph, at)
    with torch.no_grad(), settled(compiled.eager, inputs):
        compiled.train(False)
        first, got = _timed(compiled.module, inputs, compiled.device)
        found = _difference(compiled, inputs, got)
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
        difference=found.difference,
        relative=found.relative,
        rounding=found.rounding,
        compiled=median(t[0] for t in times) / batch,
        eager=median(t[1] for t in times) / batch,
        how=compiled.how,
    )


def _difference(compiled: Compiled, inputs: list[Tensor], got: Any) -> Difference:
    """How far an output is from eager, and both from float64."""
    wanted = _flat(compiled.eager(*inputs))
    absolute = float((_flat(got) - wanted).abs().max())
    largest = float(wanted.abs().max()) or 1.0
    exact = _flat(copy.deepcopy(compiled.eager).double()(*(x.double() for x in inputs)))
    ours, eager = (float((_flat(y).double() - exact).abs().max()) / largest for y in (got, wanted))
    return Difference(absolute, absolute / largest, (ours, eager))


# ---------------------------------------------------------------- several sizes


@dataclass(frozen=True)
class Survey:
    """A net compiled for every size, checked at several.

    Attributes:
        net: the net.
        checked: by shape of the first input, batch first: how far the output is from eager.
        graphs: how many graphs torch has compiled for all of these.
    """

    net: Net
    checked: tuple[tuple[tuple[int, ...], Difference], ...]
    graphs: int

    @property
    def agrees(self) -> bool:
        """Whether compiled is eager up to rounding at all of them."""
        return all(found.agrees for _, found in self.checked)

    def __str__(self) -> str:
        served = one_graph(self.net)
        varies = ["batch: any; one graph from 2 on"]
        for var, sizes in self.net.fits.items():
            varies.append(f"{condition(sizes, var) or f'{var}: any'}; one graph from {served[var].least} on")
        width = max(len(_times(shape)) for shape, _ in self.checked)
        checked = [
            f"{_times(shape):<{width}}  {found.relative:.2g} of the largest output from eager"
            + ("" if found.agrees else ", which is more than rounding")
            for shape, found in self.checked
        ]
        graphs = [f"{self.graphs} for all of these; torch compiles a batch of 1 on its own"]
        return "\n".join(
            f"{head if i == 0 else '':<12}{line}"
            for head, texts in (("varies", varies), ("checked", checked), ("graphs", graphs))
            for i, line in enumerate(texts)
        )


def _times(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def survey(compiled: Compiled, batch: int = 2, sizes: dict[str, int] | None = None) -> Survey:
    """Compare a net compiled with `dynamic=True` with eager, in evaluation mode.

    At the usual sizes, at the smallest that the same graph serves, at some that are not square, and for one image.

    Args:
        compiled: what `compile_net` gave.
        batch: images at once.
        sizes: the usual input sizes; those of the spec by default.
    """
    net = compiled.net
    usual = {**usual_sizes(net), **(sizes or {})}
    calls = [(batch, usual), *((batch + 1, other) for other in other_sizes(net, usual))]
    calls += [(1, usual)] if batch != 1 else []
    torch.manual_seed(0)
    compiled.train(False)
    checked = []
    for count, at in calls:
        inputs = example(net, count, at, compiled.device)
        with torch.no_grad(), settled(compiled.eager, inputs):
            found = _difference(compiled, inputs, compiled.module(*inputs))
        checked.append((tuple(inputs[0].shape), found))
    return Survey(net, tuple(checked), compiled.graphs)


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
