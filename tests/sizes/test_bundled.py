"""The bundled nets: what resdsl emits for them runs exactly at the sizes that fit.

The emitted module runs without its own check of the input, on tensors without storage, and nothing but a
declared `scale` may stretch an axis. Conditions on the input are taken out of the specs first, so that sizes
count that a spec does not admit.
"""
# ruff: noqa: TID253

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from resdsl.backend.emit import emit, net_class
from resdsl.graph.model import Net
from resdsl.ops.merge import Scale
from resdsl.pipeline import check
from resdsl.resources import specs
from resdsl.sets import SizeSet
from resdsl.sizes import shape_at
from resdsl.source import Source

torch = pytest.importorskip("torch")

from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from resdsl.backend.build import load  # noqa: E402

WHERE = re.compile(r" where .*?(?= at \[)")
FILES = sorted(path.stem for path in specs().glob("*.res"))
aten = torch.ops.aten
ELEMENTWISE = {aten.add.Tensor, aten.add_.Tensor, aten.mul.Tensor}
POINTWISE = {
    f.default for f in (aten.relu, aten.sigmoid, aten.silu, aten.hardtanh, aten.hardswish, aten.hardsigmoid)
}


class Stretched(RuntimeError):
    """Two values of unequal shapes were added or multiplied."""


class Unstretched(TorchDispatchMode):
    """Refuses to stretch an axis; with `scale`, that of a factor may be."""

    def __init__(self, scale: bool) -> None:
        super().__init__()
        self.scale = scale

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Looks at the shapes, and calls torch; not for what keeps a shape and takes long without storage."""
        if func in ELEMENTWISE and isinstance(args[1], torch.Tensor):
            shapes = [tuple(x.shape) for x in args[:2]]
            product = self.scale and func is torch.ops.aten.mul.Tensor
            pairs = zip(*shapes, strict=True)
            if not all(a == b or (product and b == 1) for a, b in pairs):
                raise Stretched(f"{func}: {shapes}")
        if func in POINTWISE:
            return args[0].new_empty(args[0].shape)
        if func is aten.native_batch_norm.default:
            return tuple(args[0].new_empty(shape) for shape in (args[0].shape, 0, 0))
        return func(*args, **(kwargs or {}))


@dataclass
class Count:
    """What was compared."""

    nets: int = 0
    accepted: int = 0
    rejected: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(self.kinds.items()))
        return f"{self.nets} nets: {self.accepted} sizes accepted, {self.rejected} rejected; they fit {kinds}"


def nets(path: Path) -> Iterator[Net]:
    """The closed nets of a file, whatever their input is to be."""
    text = path.read_text(encoding="utf-8")
    free = check(Source(path.name, WHERE.sub("", text)), path)
    for name, net in check(Source(path.name, text), path).nets.items():
        yield free.nets.get(name, net)


@pytest.mark.parametrize("file", FILES)
def test_bundled(file: str, request: pytest.FixtureRequest, counts: dict[str, Any]) -> None:
    """Every net of a file with `--full`, else the smallest one."""
    found = sorted(nets(specs() / f"{file}.res"), key=_steps)
    full = request.config.getoption("--full")
    total = counts.setdefault("bundled nets", Count())
    for net in found if full else found[:1]:
        prove(net, 30_000 if full else 2_000, total)


def prove(net: Net, budget: int, count: Count) -> None:
    """Compares a net with the module that is emitted, at about so many steps in all."""
    with torch.device("meta"):
        made = load(emit(net, check_sizes=False), net_class(net), net.name)
    scale = any(isinstance(n.content, Scale) for g in net.graph.signatures() for n in g.nodes())
    many = max(24, min(300, budget // _steps(net)))
    count.nets += 1
    count.kinds[_kind(net)] += 1
    training = {v: net.where.of(v) & net.training.of(v) for v in net.sizes}
    for mode, fits in ((False, net.fits), (True, training))[: 2 if net.graph.training_outputs else 1]:
        made.train(mode)
        for sizes in inputs(net, many):
            if all(sizes[v] in net.where.of(v) for v in net.sizes):
                _compare(net, made, sizes, all(sizes[v] in fits[v] for v in net.sizes), scale, count)


def _compare(net: Net, made: Any, sizes: dict[str, int], fits: bool, scale: bool, count: Count) -> None:
    shapes = [shape_at(shape, sizes) for shape in net.graph.input_shapes if shape is not None]
    try:
        with torch.no_grad(), Unstretched(scale):
            out = made(*(torch.empty(2, *shape, device="meta") for shape in shapes))
    except RuntimeError as error:
        if fits:
            raise AssertionError(f"{net.name} at {sizes}") from error
        count.rejected += 1
        return
    assert fits, f"{net.name} at {sizes}: it runs, but {net.fits}"
    outs = list(out.values()) if isinstance(out, dict) else [out] if isinstance(out, torch.Tensor) else out
    names = net.graph.output_names or ("",) * len(net.graph.outputs)
    kept = [made.training or name not in net.graph.training_outputs for name in names]
    expected = [s for s, keep in zip(net.graph.output_shapes, kept, strict=True) if keep and s is not None]
    assert [(2, *shape_at(s, sizes)) for s in expected] == [tuple(o.shape) for o in outs], (net.name, sizes)
    count.accepted += 1


def inputs(net: Net, many: int) -> Iterator[dict[str, int]]:
    """So many sizes from 1 to 300: the smallest, and others at random; around the least that fits all."""
    rng = random.Random(net.name)
    least = max((s.least or 1 for s in net.fits.values()), default=1)
    near = {size for size in range(least - 3, least + 4) if size >= 1}
    small = set(range(1, many * 2 // 3))
    rest = sorted(set(range(1, 301)) - near - small)
    swept = sorted(near | small | set(rng.sample(rest, min(len(rest), max(0, many - len(near | small))))))
    fitting = {v: _some(s) for v, s in net.fits.items()}
    for size in swept if net.sizes else [1]:
        first = rng.choice(net.sizes) if net.sizes else ""
        same = rng.random() < 0.4
        yield {v: size if v == first or same or not fitting[v] else rng.choice(fitting[v]) for v in net.sizes}


def _some(sizes: SizeSet) -> list[int]:
    return [size for _, size in zip(range(20), sizes, strict=False)]


def _steps(net: Net) -> int:
    """About how many calls of torch a run takes."""
    found: dict[int, int] = {}
    for graph in net.graph.signatures():
        found[id(graph)] = sum(found.get(id(n.content), 1) for n in graph.nodes())
    return found[id(net.graph)]


def _kind(net: Net) -> str:
    sets = net.fits.values()
    least = all(s.upward for s in sets)
    return ("always" if all(s.least == 1 for s in sets) else "from a size on") if least else "at remainders"


def test_stretching_is_seen() -> None:
    x, y = torch.empty(2, 3, 8), torch.empty(2, 3, 1)
    with Unstretched(scale=True):
        assert (x * y).shape == x.shape
        for stretch in (lambda: x + y, lambda: y * x):
            with pytest.raises(Stretched):
                stretch()
    with Unstretched(scale=False), pytest.raises(Stretched):
        x * y
