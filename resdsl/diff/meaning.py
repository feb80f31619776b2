"""What an op computes, as a value to compare: the torch code it becomes, without what has no effect."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeAlias

from resdsl.domain import Domain
from resdsl.ops.base import OPS, New, Op
from resdsl.ops.pool import Pool
from resdsl.ops.regularise import Noise
from resdsl.ops.resample import Resize, ResizeLike

Meaning: TypeAlias = tuple[Any, ...]
"""Equal for two ops that do the same to equal inputs, with equal weights."""

PASSES: Meaning = ("passes",)
"""Of an op that gives its first input unchanged."""
RESIZE = "resize by a factor"
"""Of an op that does so, be the factor written or that to the size of a second input."""

# Arguments of modules that `forward` does not read, and those that only training does.
_OF_START = {("nn.PReLU", "init")}
_OF_TRAINING = {("nn.MultiheadAttention", "dropout"), *((f"nn.BatchNorm{n}d", "momentum") for n in (1, 2, 3))}

_PLACE = re.compile(r"\{(\w+|\*)\}")
_NAME = "_place_"


def meaning(op: Op, operands: tuple[Any, ...], *, training: bool, domain: Domain | None = None) -> Meaning:
    """What an op does in training, or in evaluation.

    Args:
        op: the op.
        operands: the shapes of its inputs.
        training: whether it is about training.
        domain: the input sizes that it is about; all by default.
    """
    if isinstance(op, Pool | ResizeLike):
        op = _plainest(op, operands, domain or Domain())
    return _meaning(op, operands, training)


@lru_cache(maxsize=4096)
def _meaning(op: Op, operands: tuple[Any, ...], training: bool) -> Meaning:
    if isinstance(op, Noise) and op.p == 0:
        return PASSES
    axis = getattr(op, "axis", 0)
    if OPS.get(op.name) is type(op) and axis < 0:
        op = replace(op, axis=axis % len(operands[0]))  # type: ignore[type-var]
    if isinstance(op, Resize) and not isinstance(op.size, tuple):
        return (RESIZE, op.size, op.mode, op.align_corners)
    text = op.text(*operands)
    template = _expression(text.template, training)
    if template == f"{_NAME}0":
        return PASSES
    literals = tuple((n, v) for n, v in text.literals if f"{_NAME}{n}" in template)
    new = None if op.functional else op.module(*operands)
    return (template, literals, _module(new, training))


def _plainest(op: Op, operands: tuple[Any, ...], domain: Domain) -> Op:
    """The op without what has no effect at these input sizes."""
    if isinstance(op, Pool) and op.ceil_mode:  # the windows may fit
        floor: Op = replace(op, ceil_mode=False)  # type: ignore[type-var]
        if domain.mismatch(op.infer(*operands), floor.infer(*operands)) is None:
            return floor
    if isinstance(op, ResizeLike):  # the other value may just be twice as large
        for factor in (2, 4, 8, 16, 32):
            by = Resize(factor, op.mode, op.align_corners)
            if domain.mismatch(op.infer(*operands), by.infer(operands[0])) is None:
                return by
    return op


def takes(what: Meaning) -> int | None:
    """How many of its inputs an op takes the values of; None for all."""
    return 1 if what[0] == RESIZE else None


def commutes(what: Meaning) -> bool:
    """Whether its two inputs may be swapped, to the last bit."""
    return what[0] in _SYMMETRIC


@lru_cache(maxsize=1024)
def _expression(template: str, training: bool) -> str:
    """A template as a Python expression, outside training without what is only for it."""
    text = _PLACE.sub(lambda m: _NAME + m[1].replace("*", "all"), template)
    if training or not ("self.training" in text or ".detach()" in text):
        return text
    return ast.unparse(_Evaluation().visit(ast.parse(text, mode="eval")))


class _Evaluation(ast.NodeTransformer):
    """Takes `self.training` for false."""

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        """`a if self.training else b` is b."""
        chosen = node.orelse if _asks(node.test) else node
        return self.generic_visit(chosen) if chosen is node else self.visit(chosen)

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        """`a + (x - x.detach())` is a: it is there for gradients."""
        whole = self.generic_visit(node)
        if (
            isinstance(node.op, ast.Add)
            and isinstance(node.right, ast.BinOp)
            and isinstance(node.right.op, ast.Sub)
        ):
            left, right = map(ast.unparse, (node.right.left, node.right.right))
            return node.left if right == f"{left}.detach()" else whole
        return whole

    def visit_Call(self, node: ast.Call) -> Any:
        """`F.dropout(x, p, self.training)` is x; a dropout of 0.0 is none."""
        if any(map(_asks, node.args)) and "dropout" in ast.unparse(node.func):
            return self.visit(node.args[0])
        node.keywords = [k for k in node.keywords if not (k.arg == "dropout_p" and _conditional(k.value))]
        return self.generic_visit(node)


def _asks(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and ast.unparse(node) == "self.training"


def _conditional(node: ast.expr) -> bool:
    return isinstance(node, ast.IfExp) and _asks(node.test)


def _module(new: New | None, training: bool) -> Any:
    if new is None:
        return None
    without = _OF_START if training else _OF_START | _OF_TRAINING
    options = tuple((n, v) for n, v in new.kwargs if (new.target, n) not in without)
    if not training and new.target.startswith("nn.Dropout"):
        return new.target
    return (new.target, new.args, options)


_SYMMETRIC = frozenset(
    _expression(text, False)
    for text in ("{0} + {1}", "{0} * {1}", "shake({0}, {1}) if self.training else 0.5 * ({0} + {1})")
)
