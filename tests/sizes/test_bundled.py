"""The bundled nets: what resdsl emits for them runs exactly at the sizes that fit.

The emitted module runs without its own check of the input, on tensors without storage, and nothing but a
declared `scale` or `offset` may stretch an axis. Conditions on the input are taken out of the specs first, so
that sizes count that a spec does not admit.
"""
# ruff: noqa: TID253

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from resdsl.diagnostics.model import Severity
from resdsl.emit import emit, net_class
from resdsl.graph.model import Net
from resdsl.ops.base import Op
from resdsl.pipeline import check
from resdsl.resources import specs
from resdsl.sets import SizeSet
from resdsl.sizes import shape_at
from resdsl.source import Source

torch = pytest.importorskip("torch")

from torch.overrides import TorchFunctionMode  # noqa: E402

from resdsl.backend.build import load  # noqa: E402

WHERE = re.compile(r" where .*?(?= at \[)")
FILES = sorted(path.stem for path in specs().glob("*.res"))
POINTWISE = {"relu", "relu6", "sigmoid", "silu", "gelu", "hardswish", "hardsigmoid", "hardtanh"}


class Stretched(RuntimeError):
    """Two values of unequal shapes were added or multiplied."""


class Unstretched(TorchFunctionMode):
    """Refuses to stretch an axis, but for that of the second value where the net `may`.

    A tensor that is stored may be without the batch, or hold one for all of it.
    """

    def __init__(self, may: set[str]) -> None:
        super().__init__()
        self.may = may

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Looks at the shapes, and calls torch; not for what keeps a shape and takes long without storage."""
        given, name = kwargs or {}, func.__name__
        sums = name in ("add", "add_", "mul", "mul_") and isinstance(args[1], torch.Tensor)
        if sums and _emitted(sys._getframe(1).f_code):
            self.look(name, *args[:2])
        if name in POINTWISE or (name == "batch_norm" and not given.get("training", args[5:6] == (True,))):
            return args[0]
        return func(*args, **given)

    def look(self, name: str, x: Any, y: Any) -> None:
        """Refuses what would be stretched."""
        first, other = ([*(1,) * (max(x.dim(), y.dim()) - t.dim()), *t.shape][1:] for t in (x, y))
        may = bool({"mul": {"scale", "lerp"}, "add": {"offset"}}[name.rstrip("_")] & self.may)
        if any(a != b and not (may and b == 1) for a, b in zip(first, other, strict=True)):
            raise Stretched(f"{name}: {tuple(x.shape)} and {tuple(y.shape)}")


def _emitted(code: CodeType) -> bool:
    """Whether it is the `forward` of an emitted class. What torch and emitted helpers do inside is their own."""
    return code.co_name == "forward" and code.co_filename.startswith("<resdsl ")


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
    """The closed nets of a file, whatever their input is to be; as they are where only some can be built at all."""
    text = path.read_text(encoding="utf-8")
    free = check(Source(path.name, WHERE.sub("", text)), path)
    wrong = {d.code.slug for d in free.diagnostics if d.severity is Severity.ERROR}
    built = wrong <= {"not-every-size", "no-size"}
    for name, net in check(Source(path.name, text), path).nets.items():
        yield free.nets.get(name, net) if built else net


@pytest.mark.parametrize("file", FILES)
def test_bundled(file: str, request: pytest.FixtureRequest, counts: dict[str, Any]) -> None:
    """Every net of a file with `--full`, the smallest one at every size to 300; else some sizes of that one."""
    found = sorted(nets(specs() / f"{file}.res"), key=_steps)
    full = request.config.getoption("--full")
    total = counts.setdefault("bundled nets", Count())
    for i, net in enumerate(found if full else found[:1]):
        prove(net, 30_000 if full else 2_000, total, 300 if full and i == 0 else 24)


def prove(net: Net, budget: int, count: Count, least: int) -> None:
    """Compares a net with the module that is emitted, at about so many steps in all, and so many sizes."""
    with torch.device("meta"):
        made = load(emit(net, check_sizes=False), net_class(net), net.name)
    ops = {n.content.name for g in net.graph.signatures() for n in g.nodes() if isinstance(n.content, Op)}
    many = max(least, min(300, budget // _steps(net)))
    count.nets += 1
    count.kinds[_kind(net)] += 1
    training = {v: net.where.of(v) & net.training.of(v) for v in net.sizes}
    for mode, fits in ((False, net.fits), (True, training))[: 2 if net.graph.training_outputs else 1]:
        made.train(mode)
        for sizes in inputs(net, many):
            if all(sizes[v] in net.where.of(v) for v in net.sizes):
                _compare(net, made, sizes, all(sizes[v] in fits[v] for v in net.sizes), ops, count)


def _compare(net: Net, made: Any, sizes: dict[str, int], fits: bool, ops: set[str], count: Count) -> None:
    shapes = [shape_at(shape, sizes) for shape in net.graph.input_shapes if shape is not None]
    try:
        with torch.no_grad(), Unstretched(ops):
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
    """So many sizes from 1 to 300: the smallest, others at random, and around the least that fits all; some larger."""
    rng = random.Random(net.name)
    least = max((s.least or 1 for s in net.fits.values()), default=1)
    near = {size for size in range(least - 3, least + 4) if size >= 1}
    small = set(range(1, many * 2 // 3))
    rest = sorted(set(range(1, 301)) - near - small)
    swept = sorted(near | small | set(rng.sample(rest, min(len(rest), max(0, many - len(near | small))))))
    swept += rng.sample(range(301, 1500), many // 24)
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
    names: dict[str, Any] = {}
    exec(compile("def forward(x, y, way): return x + y if way else x * y", "<resdsl test>", "exec"), names)
    forward = names["forward"]
    with Unstretched({"scale"}):
        assert forward(x, y, False).shape == x.shape
        assert forward(x, x, True).shape == x.shape
        for wrong in ((x, y, True), (y, x, False)):
            with pytest.raises(Stretched):
                forward(*wrong)
    with Unstretched({"offset"}), pytest.raises(Stretched):
        forward(x, y, False)
