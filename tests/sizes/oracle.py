"""What torch says of a program: its calls on tensors without storage, and no code of resdsl.

Some laws of the language are stricter than torch, and are kept here by hand: `add` and `mul` take equal
shapes, what `scale` and `offset` take second is equal or 1 along each axis, `chunk` makes equal parts, the
positions of a `slice` exist, and no value is empty.
"""
# ruff: noqa: TID253

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from .program import (
    Adaptive,
    Apply,
    Arms,
    Back,
    Body,
    Call,
    Conv,
    Crop,
    Cut,
    Fold,
    Gate,
    Head,
    Layer,
    Like,
    Merge,
    Named,
    Op,
    Pad,
    PadMultiple,
    Pointwise,
    Pool,
    Program,
    Repeat,
    Residual,
    Resize,
    Shuffle,
    Slice,
    Step,
    Transposed,
    Whole,
    ZeroPad,
)

Shape: TypeAlias = tuple[int, ...]

POINTWISE: dict[str, Any] = {
    "relu": F.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "silu": F.silu,
    "gelu": F.gelu,
    "identity": lambda x: x,
    "dropout(0.1)": lambda x: F.dropout(x, 0.1),
}
BATCH = 2
OFTEN = 3  # after so many calls torch is not asked again what an op says by itself: see `_settled`
ADD = Merge("add")
JOINS = {"scale": Merge("scale"), "offset": Merge("offset")}


class Refused(Exception):
    """Torch, or a law of the language, does not take what arrives."""


class Torch:
    """Runs the calls of one program, each once for the same shapes: torch's shapes depend on nothing else."""

    def __init__(self, device: str = "meta") -> None:
        self.device = device
        self.weights: dict[int, tuple[Op | Cut, list[Tensor]]] = {}
        self.known: dict[tuple[int, tuple[Shape, ...]], tuple[Shape, ...] | Refused] = {}
        self.calls = 0
        self.tried: Counter[int] = Counter()

    def __call__(self, op: Op | Cut, xs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """Shapes of the outputs, without the batch; raises `Refused`."""
        key = (id(op), xs)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self.ask(op, xs)
        if isinstance(found, Refused):
            raise Refused(*found.args)
        return found

    def ask(self, op: Op | Cut, shapes: tuple[Shape, ...]) -> tuple[Shape, ...] | Refused:
        """One call of torch."""
        try:
            law(op, shapes)
            settled = _settled(op, shapes) if self.device == "meta" else None
            if settled is not None:
                self.tried[id(op)] += 1
                if self.tried[id(op)] > OFTEN:
                    return (settled,)
            self.calls += 1
            with torch.no_grad():
                out = self.run(op, [self.tensor(BATCH, *s) for s in shapes])
        except Refused as refused:
            return refused
        except (RuntimeError, ValueError) as error:
            return Refused(str(error))
        made = tuple(tuple(y.shape[1:]) for y in ([out] if isinstance(out, Tensor) else out))
        return Refused(f"an empty value: {made}") if any(n < 1 for s in made for n in s) else made

    def tensor(self, *shape: int) -> Tensor:
        """Any values."""
        return torch.empty(shape, device=self.device) if self.device == "meta" else torch.zeros(shape)

    def weight(self, op: Op, *shapes: Shape) -> list[Tensor]:
        """The tensors of a layer; the first value it sees fixes them."""
        if id(op) not in self.weights:
            self.weights[id(op)] = (op, [self.tensor(*s) for s in shapes])
        return self.weights[id(op)][1]

    def run(self, op: Op | Cut, xs: list[Tensor]) -> Any:
        """The call."""
        x, rank = xs[0], xs[0].dim() - 2
        match op:
            case Conv():
                return self.conv(op, x)
            case Transposed():
                function: Any = getattr(F, f"conv_transpose{rank}d")
                [w] = self.weight(op, (x.shape[1], op.out, *op.kernel))
                return function(x, w, None, op.stride, op.padding, op.extra, 1, op.dilation)
            case Pool(kind="max"):
                function = getattr(F, f"max_pool{rank}d")
                return function(x, op.kernel, op.stride, op.padding, op.dilation, ceil_mode=op.ceil)
            case Pool():
                function = getattr(F, f"avg_pool{rank}d")
                return function(x, op.kernel, op.stride, op.padding, op.ceil, op.count_pad)
            case Resize(to=int() | float()):
                return F.interpolate(x, scale_factor=op.to, mode=op.mode)
            case Resize():
                return F.interpolate(x, size=op.to, mode=op.mode)
            case Shuffle():
                return (F.pixel_unshuffle if op.back else F.pixel_shuffle)(x, op.factor)
            case Pad():
                amounts = [n for sides in zip(op.before, op.after, strict=True) for n in reversed(sides)]
                return F.pad(x, amounts[::-1], mode=op.mode)
            case PadMultiple():
                amounts = [a for n, k in zip(x.shape[2:], op.of, strict=True) for a in (-n % k, 0)]
                return F.pad(x, amounts[::-1])
            case Crop():
                for axis, (before, after) in enumerate(zip(op.before, op.after, strict=True), 2):
                    x = x.narrow(axis, before, x.shape[axis] - before - after)
                return x
            case Slice():
                first, last = _ends(op, x.shape[op.axis + 1])
                return x.narrow(op.axis + 1, first, last - first)
            case Fold():
                return (_unfolded if op.back else _folded)(x, op.factors)
            case ZeroPad():
                kept = x[(slice(None), slice(None), *(slice(None, None, s) for s in op.stride))]
                return F.pad(kept, (0, 0) * rank + (0, op.channels - x.shape[1]))
            case Pointwise(word="batchnorm"):
                mean, variance = self.weight(op, (x.shape[1],), (x.shape[1],))
                return F.batch_norm(x, mean, variance)
            case Pointwise():
                return POINTWISE[op.word](x)
            case Whole() | Adaptive():
                kind = op.kind if isinstance(op, Whole) else "avg"
                size = (1,) * rank if isinstance(op, Whole) else op.size
                return getattr(F, f"adaptive_{kind}_pool{rank}d")(x, size)
            case Head():
                flat = torch.flatten(x, 1)
                if op.out is None:
                    return flat
                return F.linear(flat, *self.weight(op, (op.out, flat.shape[1]), (op.out,)))
            case Cut():
                return x.chunk(len(op.names), dim=op.axis + 1)
            case Merge(kind="concat"):
                return torch.cat(xs, dim=op.axis + 1)
            case Merge(kind="add"):
                return sum(xs[1:], x)
            case Merge(kind="offset"):
                return x + xs[1]
            case Merge():
                for y in xs[1:]:
                    x = x * y
                return x
            case Like(kind="resize_like"):
                return F.interpolate(x, size=xs[1].shape[2:], mode=op.mode)
            case Like():
                for axis, wanted in enumerate(xs[1].shape[2:], 2):
                    start = 0 if op.mode == "start" else (x.shape[axis] - wanted) // 2
                    x = x.narrow(axis, start, wanted)
                return x

    def conv(self, op: Conv, x: Tensor) -> Tensor:
        """A convolution; other padding than zeros is laid on before it."""
        weights = [(op.out, x.shape[1], *op.kernel), *([(op.out,)] if op.bias else [])]
        w, *bias = self.weight(op, *weights)
        function: Any = getattr(F, f"conv{x.dim() - 2}d")
        padding: Shape = op.padding
        if op.mode != "zeros":
            x = F.pad(x, [p for p in reversed(op.padding) for _ in range(2)], mode=op.mode)
            padding = (0,) * len(padding)
        return function(x, w, bias[0] if bias else None, op.stride, padding, op.dilation)  # type: ignore[no-any-return]


def _settled(op: Op | Cut, shapes: tuple[Shape, ...]) -> Shape | None:
    """The shape after an op that works element by element, or makes the size that it is asked for."""
    first = shapes[0]
    match op:
        case Pointwise() | Merge(kind="add" | "mul" | "scale" | "offset"):
            return first
        case Whole():
            return (first[0], *(1 for _ in first[1:]))
        case Adaptive(size=size) | Resize(to=tuple() as size):
            return (first[0], *size)
        case Like(kind="resize_like"):
            return (first[0], *shapes[1][1:])
        case Resize(to=int() as factor, mode=mode) if mode != "nearest":
            return (first[0], *(n * factor for n in first[1:]))
        case _:
            return None


def law(op: Op | Cut, shapes: tuple[Shape, ...]) -> None:
    """What the language does not take, though torch may."""
    first = shapes[0]
    match op:
        case Merge(kind="add" | "mul") if any(s != first for s in shapes):
            raise Refused(f"unequal shapes: {shapes}")
        case Merge(kind="scale" | "offset"):
            value, factor = shapes
            if any(f not in (v, 1) for v, f in zip(value, factor, strict=True)):
                raise Refused(f"the factor does not fit: {shapes}")
        case Cut() if first[op.axis] % len(op.names):
            raise Refused(f"unequal parts: {shapes}")
        case Slice():
            first_kept, last = _ends(op, first[op.axis])
            if not 0 <= first_kept < last <= first[op.axis]:
                raise Refused(f"no such positions: {shapes}")
        case Like(kind="crop_like") if any(a < b for a, b in zip(first[1:], shapes[1][1:], strict=True)):
            raise Refused(f"nothing to crop: {shapes}")


def _ends(op: Slice, size: int) -> tuple[int, int]:
    """The first position that is kept, and the first behind."""
    stop = size if op.stop is None else op.stop
    return (op.start if op.start >= 0 else size + op.start), (stop if stop >= 0 else size + stop)


def _folded(x: Tensor, factors: Shape) -> Tensor:
    """Cells of positions as channels."""
    for axis, factor in enumerate(factors):
        x = x.unflatten(2 + 2 * axis, (-1, factor))
    rank = len(factors)
    cells = (0, 1, *range(3, 2 * rank + 2, 2), *range(2, 2 * rank + 2, 2))
    return x.permute(cells).flatten(1, 1 + rank)


def _unfolded(x: Tensor, factors: Shape) -> Tensor:
    """Channels as cells of positions."""
    rank = len(factors)
    x = x.unflatten(1, (-1, *factors))
    x = x.permute((0, 1, *(a for i in range(rank) for a in (2 + rank + i, 2 + i))))
    for axis in range(rank):
        x = x.flatten(2 + axis, 3 + axis)
    return x


class Oracle:
    """One program, asked size by size."""

    def __init__(self, program: Program, device: str = "meta") -> None:
        self.program = program
        self.blocks = {block.name: block for block in program.blocks}
        self.layers: dict[str, Body] = {}
        self.torch = Torch(device)

    def shapes(self, sizes: dict[str, int], training: bool = False) -> dict[str, Shape]:
        """Shape of every value named in the net, and of the output as `""`; raises `Refused`."""
        program = self.program
        if any(not c.holds(sizes[c.axis]) for c in program.where):
            raise Refused("a condition on the input")
        names = {i.name: i.shape(sizes) for i in program.inputs}
        [out] = self.body(program.body, tuple(names.values()), names)
        if training and program.training is not None:
            self.body(program.training, (), names)
        return {**names, "": out}

    def body(self, body: Body, flow: Sequence[Shape], names: dict[str, Shape]) -> tuple[Shape, ...]:
        """Steps, one behind the other."""
        now = tuple(flow)
        for step in body.steps:
            now = self.step(step, now, names)
        return now

    def step(self, step: Step, flow: tuple[Shape, ...], names: dict[str, Shape]) -> tuple[Shape, ...]:
        """What flows behind a step; named values are added to `names`."""
        match step:
            case Body():
                return self.body(step, flow, names)
            case Named():
                out = self.step(step.step, flow, names)
                [names[step.name]] = out
                return out
            case Cut():
                parts = self.torch(step, flow)
                names.update(zip(step.names, parts, strict=True))
                return parts
            case Back():
                values = tuple(names[n] for n in step.names)
                return values if step.op is None else self.torch(step.op, values)
            case Call():
                block = self.blocks[step.block]
                for _ in range(step.times):
                    if not block.admits(flow[0]):
                        raise Refused(f"a condition of `{block.name}`")
                    flow = self.body(block.body, flow, {})
                return flow
            case Layer():
                self.layers[step.name] = step.body
                return flow
            case Apply():
                return self.body(self.layers[step.name], flow, dict(names))
            case Repeat():
                for _ in range(step.times):
                    flow = self.body(step.body, flow, dict(names))
                return flow
            case Residual():
                arm = self.body(step.body, flow, names)
                return self.torch(ADD, arm + self.body(step.carried, flow, names))
            case Arms():
                ends = [self.body(arm, flow, names) for arm in step.arms]
                return self.torch(step.merge, tuple(end[0] for end in ends))
            case Gate():
                return self.torch(JOINS[step.kind], flow + self.body(step.body, flow, names))
            case _:
                return self.torch(step, flow)
