"""Compiles a net by the signatures of its blocks: each is lowered once, and called at every repeat.

`torch.compile` takes time for each layer, and a residual net is one block again and again. Here a net is cut into
steps (`cut`), each distinct step is lowered once (`aot`), and a program calls what was lowered, in the order of the
net: forward, and backward as one `autograd.Function`. So there are no guards and no graph breaks between blocks, and
gradients are those of the whole net, kernel by kernel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resdsl.backend.errors import MissingTorch
from resdsl.backend.signature.aot import Border, Layout, Lowered, Traced, overlapped, stand_in, trace
from resdsl.backend.signature.cut import Cut, Step, value_of

try:
    import torch
    from torch import Tensor
    from torch._subclasses.fake_tensor import FakeTensorMode
except ModuleNotFoundError as missing:
    raise MissingTorch from missing


@dataclass(frozen=True)
class Call:
    """One step of a program: what is called, with which values, and which it gives."""

    lowered: Lowered
    tensors: slice
    trained: slice
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    dropped: tuple[int, ...]


class Program:
    """A net lowered for inputs of certain shapes and layouts, in a certain mode.

    Attributes:
        calls: the steps in order.
        inputs: how many; they are the first values.
        outputs: numbers of the values that are given.
    """

    def __init__(self, calls: Sequence[Call], inputs: int, outputs: tuple[int, ...]) -> None:
        self.calls, self.inputs, self.outputs = tuple(calls), inputs, outputs
        self.values = 1 + max((n for c in calls for n in (*c.inputs, *c.outputs)), default=inputs)

    @property
    def graphs(self) -> int:
        """How many graphs were compiled for it, forward and backward."""
        distinct = {id(c.lowered): c.lowered for c in self.calls}.values()
        return sum(1 if lowered.backward is None else 2 for lowered in distinct)

    def forward(
        self, inputs: Sequence[Tensor], tensors: Sequence[Tensor], kept: list[Any] | None
    ) -> list[Tensor]:
        """Run it. What the backward pass needs goes into `kept`."""
        values: list[Any] = [None] * self.values
        values[: len(inputs)] = inputs
        for call in self.calls:
            taken = [*(values[n] for n in call.inputs), *tensors[call.tensors]]
            for n in call.dropped:  # what is called frees what it takes, if nothing else holds it
                values[n] = None
            made = call.lowered.forward(taken)
            for n, value in zip(call.outputs, made, strict=False):
                values[n] = value
            if kept is not None:
                kept.append(list(made[len(call.outputs) :]))
            del made, value  # names would hold what the next step could free
        return [values[n] for n in self.outputs]

    def backward(
        self, kept: list[Any], gradients: Sequence[Tensor | None], count: int
    ) -> tuple[list[Any], list[Any]]:
        """Gradients of the inputs and of the parameters, from those of the outputs. Empties `kept`."""
        arrived: list[Any] = [None] * self.values
        owned: set[int] = set()
        gradient: Any = None
        for n, gradient in zip(self.outputs, gradients, strict=True):
            _arrive(arrived, owned, n, gradient)
        trained: list[Any] = [None] * count
        for call in reversed(self.calls):
            taken = kept.pop()
            if call.lowered.backward is None:
                continue
            for n, like in zip(call.outputs, call.lowered.tangents, strict=True):
                taken.append(_laid_out(arrived[n], like))
                arrived[n] = None
            made = call.lowered.backward(taken)
            for n, gradient in zip(call.inputs, made, strict=False):
                _arrive(arrived, owned, n, gradient)
            first = len(call.inputs)
            trained[call.trained] = made[first : first + call.trained.stop - call.trained.start]
            del made, gradient
        return arrived[: self.inputs], trained


def _laid_out(gradient: Tensor | None, like: Layout) -> Tensor:
    """A gradient in the layout that was lowered for; zeros where none arrived."""
    shape, stride, dtype = like
    if gradient is None:
        return torch.empty_strided(shape, stride, dtype=dtype).zero_()
    if gradient.stride() == stride:
        return gradient
    return torch.empty_strided(shape, stride, dtype=dtype).copy_(gradient)


def _arrive(arrived: list[Any], owned: set[int], value: int, gradient: Tensor | None) -> None:
    """Add a gradient to what arrived for a value."""
    if gradient is None:
        return
    if arrived[value] is None:
        arrived[value] = gradient
        owned.discard(value)
    elif value in owned:
        arrived[value] += gradient
    else:
        arrived[value] = arrived[value] + gradient
        owned.add(value)


class Run(torch.autograd.Function):
    """A program as one function of autograd: its inputs, then its parameters, in; its outputs out."""

    @staticmethod
    def forward(
        ctx: Any, program: Program, tensors: Sequence[Tensor], inputs: int, *args: Tensor
    ) -> tuple[Tensor, ...]:
        """Run the steps and keep what their backward passes need."""
        ctx.program, ctx.kept, ctx.trained = program, [], len(args) - inputs
        return tuple(program.forward(args[:inputs], tensors, ctx.kept))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        """Run the backward passes, last step first."""
        if ctx.kept is None:
            raise RuntimeError(
                "the values of this forward pass are freed: a second backward pass needs a second forward pass"
            )
        kept, ctx.kept = ctx.kept, None
        values, trained = ctx.program.backward(kept, gradients, ctx.trained)
        return (None, None, None, *values, *trained)


# ---------------------------------------------------------------- lowering


class Lowering:
    """Lowers programs of one net; what is equal in several is lowered once.

    Args:
        cut: the steps.
        signatures: by address of a block, what it has in common with its equals.
    """

    def __init__(self, cut: Cut, signatures: Mapping[str, Any]) -> None:
        self.cut, self.signatures = cut, signatures
        self.traced: dict[Any, Traced] = {}
        self.lowered: dict[Any, Lowered] = {}
        self.todo: dict[Any, tuple[Step, list[Tensor], list[Tensor], FakeTensorMode]] = {}
        self.used: set[Any] = set()
        self.owners = [owner for step in cut.steps for owner in step.tensors]

    def tensors(self) -> list[Tensor]:
        """The parameters and buffers of all steps, as they are now."""
        return [value_of(owner) for owner in self.owners]

    def trained(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Those of them that are parameters."""
        found: list[Tensor] = []
        at = 0
        for step in self.cut.steps:
            found += tensors[at : at + step.trained]
            at += len(step.tensors)
        return found

    def program(self, inputs: Sequence[Tensor]) -> Program:
        """Lower the net for inputs like these, in the mode it is in. Raises NotLowered."""
        try:
            with overlapped() as begin:
                keys = self._traced(inputs)
                begin()
                borders = self._borders([self.traced[key] for key in keys])
                lowered = [self._lower(*each) for each in zip(keys, borders, strict=True)]
        except BaseException:
            self.lowered.clear()  # not all of them are compiled
            raise
        return self._assemble(lowered)

    def _traced(self, inputs: Sequence[Tensor]) -> list[Any]:
        """Trace each distinct step once; what every step has in common with its equals."""
        mode = FakeTensorMode(allow_non_fake_inputs=True)
        values = {
            name: stand_in(mode, x.detach().requires_grad_(x.requires_grad))
            for name, x in zip(self.cut.inputs, inputs, strict=True)
        }
        keys = []
        for step in self.cut.steps:
            taken = [values[name] for name in step.inputs]
            tensors = [stand_in(mode, value_of(owner)) for owner in step.tensors]
            key = self._key(step, taken, tensors)
            if key not in self.todo:
                self.todo[key] = (step, taken, tensors, mode)
                self.traced[key] = self._trace(key)
            keys.append(key)
            for name, like in zip(step.outputs, self.traced[key].results, strict=True):
                values[name] = like
        return keys

    def _key(self, step: Step, taken: Sequence[Tensor], tensors: Sequence[Tensor]) -> Any:
        """What two calls must have in common to be lowered as one."""
        like = tuple((t.shape, t.stride(), t.dtype, t.requires_grad) for t in (*taken, *tensors))
        modes = tuple(m.training for m in step.module.modules())
        what = id(step.module) if step.block is None else self.signatures[step.block]
        return what, like, modes, torch.is_grad_enabled()

    def _trace(self, key: Any) -> Traced:
        step, taken, tensors, mode = self.todo[key]
        return trace(step.module, taken, step.names, tensors, mode)

    def _lower(self, key: Any, border: Border) -> Lowered:
        if (key, border) not in self.lowered:
            traced = self.traced[key] if key not in self.used else self._trace(key)
            self.used.add(key)
            traced.agree(border)
            self.lowered[key, border] = traced.compile(self.todo[key][-1])
        return self.lowered[key, border]

    def _borders(self, traces: Sequence[Traced]) -> list[Border]:
        """Where the mask of a ReLU goes to the block behind it: what it gives goes there alone, and first."""
        steps = self.cut.steps
        uses = Counter(name for step in steps for name in step.inputs)
        uses.update(_names(self.cut.outputs))
        each = list(enumerate(zip(steps, traces, strict=True)))
        kept = {name for _, (step, traced) in each for n, name in enumerate(step.inputs) if traced.keeps(n)}
        first = {step.inputs[0]: j for j, step in enumerate(steps) if step.inputs}
        masked, masks, lives = set[int](), set[int](), set[int]()
        for i, (step, traced) in each:
            value = step.outputs[0]
            j = first.get(value)
            if not traced.ends_in_relu:
                continue
            if j is not None and uses[value] == 1 and traces[j].masks_first:
                masked.add(i)
                masks.add(j)
            elif value in kept:
                lives.add(i)
        return [Border(i in masked, i in masks, i in lives) for i in range(len(steps))]

    def _assemble(self, lowered: Sequence[Lowered]) -> Program:
        steps = self.cut.steps
        number: dict[str, int] = {name: i for i, name in enumerate(self.cut.inputs)}
        for step in steps:
            for name in step.outputs:
                number.setdefault(name or f"{id(step)}", len(number))
        outputs = tuple(number[name] for name in _names(self.cut.outputs))
        last: dict[str, int] = {name: i for i, step in enumerate(steps) for name in step.inputs}
        calls, at, trained = [], 0, 0
        for i, (step, made) in enumerate(zip(steps, lowered, strict=True)):
            dropped = {number[n] for n in step.inputs if last[n] == i} - set(outputs)
            calls.append(
                Call(
                    made,
                    slice(at, at + len(step.tensors)),
                    slice(trained, trained + step.trained),
                    tuple(number[n] for n in step.inputs),
                    tuple(number[n or f"{id(step)}"] for n in step.outputs),
                    tuple(sorted(dropped)),
                )
            )
            at, trained = at + len(step.tensors), trained + step.trained
        return Program(calls, len(self.cut.inputs), outputs)


def _names(outputs: Any) -> list[str]:
    """The names of the outputs, in whatever structure."""
    if isinstance(outputs, str):
        return [outputs]
    found = outputs.values() if isinstance(outputs, Mapping) else outputs
    return [name for each in found for name in _names(each)]


def structured(outputs: Any, made: Sequence[Tensor]) -> Any:
    """The outputs of a program in the structure that `forward` gives."""
    if isinstance(outputs, str):
        return made[0]
    if isinstance(outputs, Mapping):
        return dict(zip(outputs, made, strict=True))
    return tuple(made)
