"""Runs the torch text of an op."""
# ruff: noqa: TID253

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resdsl.ops.base import Init, Op, dim
from resdsl.ops.helpers import HELPERS
from resdsl.sizes import Shape

from .text import created, source

NAMES: dict[str, Any] = {"torch": torch, "nn": nn, "F": F, "Tensor": Tensor}
for _source in HELPERS.values():
    exec(_source, NAMES)


def tensors(
    shapes: tuple[Shape, ...], device: str = "cpu", batch: int = 2, op: Op | None = None
) -> list[Tensor]:
    """Inputs of these shapes; the last of `gather` lists positions."""
    made = [torch.rand((batch, *shape), device=device) for shape in shapes]  # type: ignore[arg-type]
    if op is not None and op.name == "gather":
        made[1] = (made[1] * made[0].shape[dim(op.axis)]).long()  # type: ignore[attr-defined]
    return made


def module(op: Op, shapes: tuple[Shape, ...], training: bool = False) -> nn.Module | None:
    """The module of an op, initialised as it says."""
    new = op.module(*shapes)
    if new is None:
        return None
    made = eval(created(new), dict(NAMES))
    assert isinstance(made, nn.Module)
    for name, init in op.inits():
        initialise(init, made.get_parameter(name))
    return made.train(training)


def initialise(init: Init, tensor: Tensor) -> None:
    """Fill a tensor."""
    getattr(nn.init, init.function)(tensor, **dict(init.arguments))


def run(op: Op, xs: list[Tensor], made: nn.Module | None = None, training: bool = False) -> Any:
    """What `forward` computes, by the module if the text uses one."""
    shapes = tuple(tuple(x.shape[1:]) for x in xs)
    names: dict[str, Any] = {f"x{i}": x for i, x in enumerate(xs)}
    names |= {"self": SimpleNamespace(training=training), "m": made}
    return eval(source(op.text(*shapes), len(xs)), NAMES | names)


def forward(op: Op, shapes: tuple[Shape, ...], device: str = "cpu", training: bool = False) -> list[Tensor]:
    """All outputs for random inputs of these shapes."""
    made = None if op.functional else module(op, shapes, training)
    if made is not None:
        made.to(device)
    with torch.no_grad():
        out = run(op, tensors(shapes, device, op=op), made, training)
    return [out] if isinstance(out, Tensor) else list(out)
