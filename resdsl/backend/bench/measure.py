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
from resdsl.backend.dispatch import name_of
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
        way: "whole" or "blocks"; `how` says it in words, `served` in detail.
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
    served: Served

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
        before = compiled.graphs
        first, got = _timed(compiled.module, inputs, compiled.device)
        way = served(compiled, compiled.graphs - before, first)
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
        served=way,
    )


def _difference(compiled: Compiled, inputs: list[Tensor], got: Any) -> Difference:
    """How far an output is from eager in float32, and both from float64: there eager computes in the same type."""
    wanted = _flat(compiled.eager(*inputs))
    absolute = float((_flat(got).float() - wanted).abs().max())
    largest = float(wanted.abs().max()) or 1.0
    exact = _flat(copy.deepcopy(compiled.eager).double()(*(x.double() for x in inputs)))
    typed = compiled.dtype != torch.float32
    with torch.autocast(compiled.device.type, compiled.dtype if typed else None, enabled=typed):
        like = _flat(compiled.eager(*inputs))
    ours, eager = (float((_flat(y).double() - exact).abs().max()) / largest for y in (got, like))
    return Difference(absolute, absolute / largest, (ours, eager))


# ---------------------------------------------------------------- how it was compiled

MOST_KINDS, MOST_MACS = 32, 10**10
"""Distinct blocks and work up to which a report trains a net: compiling a step takes a second or two for each block."""


@dataclass(frozen=True)
class Served:
    """How a kind of call is served.

    Attributes:
        way: as in `dispatch.Way`, or `eager`.
        made: what it is made of; `instead`: why not a way that comes first.
        graphs: how many were compiled.
        first: seconds of the first call.
    """

    way: str
    made: str
    instead: str
    graphs: int
    first: float

    def lines(self, blocks: int) -> list[str]:
        """In words."""
        of = f" for {_count(blocks, 'block')}" if blocks else ""
        graphs = f"{self.graphs}{of}" if self.graphs else "none, no code is generated"
        return [
            f"by {self.way}: {self.made}" if self.made else self.way,
            *([f"not {self.instead}"] if self.instead else []),
            f"graphs: {graphs}; first call {self.first:.2f} s",
        ]


def served(compiled: Compiled, graphs: int, first: float) -> Served:
    """How the last new kind of call is served."""
    ways = list(compiled.dispatch.ways.values()) if compiled.dispatch else []
    if ways and ways[-1].name != "torch.compile":
        way = ways[-1]
        return Served(way.name, way.why, way.instead, graphs, first)
    if compiled.fallback is not None and compiled.fallback.reason:
        return Served("eager", "", f"compiled: {compiled.fallback.reason}", graphs, first)
    kinds = f"block by block, {compiled.signatures} kinds"
    made = "the net as a whole" if compiled.way == "whole" else kinds
    if ways:
        return Served("torch.compile", made, ways[-1].instead, graphs, first)
    asked = "sizes are left open" if compiled.dynamic else f"torch has mode {compiled.options.get('mode')}"
    return Served("torch.compile", made, f"otherwise: {asked}", graphs, first)


def train(compiled: Compiled, batch: int = 1, sizes: dict[str, int] | None = None) -> Served | str:
    """Compile a training step, forward and backward, on random images; or why that is left out.

    Weights and statistics stay as they were.
    """
    net = compiled.net
    at = {**usual_sizes(net), **(sizes or {})}
    if compiled.dynamic:
        return "left out: sizes are left open"
    if compiled.signatures > MOST_KINDS or batch * cost(net.graph, at).macs > MOST_MACS:
        return "left out: it takes long; `resdsl bench --train` does it"
    torch.manual_seed(0)
    inputs = example(net, batch, at, compiled.device)
    kept = {name: value.clone() for name, value in compiled.module.state_dict().items()}
    compiled.train(True)
    before = compiled.graphs

    def step(*inputs: Tensor) -> None:
        loss: Any = _flat(compiled.module(*inputs)).square().mean()
        loss.backward()

    try:
        first, _ = _timed(step, inputs, compiled.device)
    except ValueError as reason:  # norms of a single value, or sizes that are for evaluation only
        return f"left out: {reason}"
    finally:
        compiled.train(False)
        compiled.module.zero_grad()
        compiled.module.load_state_dict(kept)
    return served(compiled, compiled.graphs - before, first)


def explain(compiled: Compiled, inference: Served, training: Served | str) -> str:
    """Which way each kind of call takes, why, and of what it is made."""
    blocks = compiled.calls
    last = compiled.dispatch is not None and compiled.dispatch.layout is torch.channels_last
    rows = {
        "inference": inference.lines(blocks),
        "training": [training] if isinstance(training, str) else training.lines(blocks),
        "layout": ["channels last" if last else "channels first"],
        "dtype": [name_of(compiled.dtype)],
        "threads": [str(torch.get_num_threads())],
        "torch": [str(torch.__version__)],
    }
    return _table(rows)


def _table(rows: dict[str, list[str]]) -> str:
    return "\n".join(
        f"{head if i == 0 else '':<12}{line}" for head, lines in rows.items() for i, line in enumerate(lines)
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


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
        return _table({"varies": varies, "checked": checked, "graphs": graphs})


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
