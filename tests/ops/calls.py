"""Calls of ops as written in a spec, and arguments for them drawn at random."""

from __future__ import annotations

import ast
import re
from dataclasses import MISSING
from typing import Any

from hypothesis import strategies as st

from resdsl.ops import OPS
from resdsl.ops.base import Arg, Init, Op, arguments, required
from resdsl.ops.init import INITS, make
from resdsl.sizes import Shape

WORDS = {"true": True, "false": False, "none": None}


def read(call: str) -> Op:
    """The op of a call such as `conv(64, 3x3, stride = 2)`."""
    text = re.sub(r"\b\d+(?:x\d+)+\b", lambda size: f"({size[0].replace('x', ', ')})", call)
    tree = ast.parse(text, mode="eval").body
    if isinstance(tree, ast.Name):
        return OPS[tree.id]()
    assert isinstance(tree, ast.Call)
    assert isinstance(tree.func, ast.Name)
    cls = OPS[tree.func.id]
    given = dict(zip(required(cls), (_value(a) for a in tree.args), strict=False))
    assert len(given) == len(tree.args), f"too many arguments by position: {call}"
    return cls(**given, **{str(k.arg): _value(k.value) for k in tree.keywords})


def _value(tree: ast.expr) -> Any:
    if isinstance(tree, ast.Name):
        return WORDS[tree.id] if tree.id in WORDS else make(tree.id, {})
    if isinstance(tree, ast.Call):
        assert isinstance(tree.func, ast.Name)
        given = dict(zip(INITS[tree.func.id], (_value(a) for a in tree.args), strict=False))
        return make(tree.func.id, given | {str(k.arg): _value(k.value) for k in tree.keywords})
    return ast.literal_eval(tree)


def drawn(cls: type[Op]) -> st.SearchStrategy[Op]:
    """The op with arguments of the declared kinds, within the declared bounds."""
    given = {}
    for name, (declared, f) in arguments(cls).items():
        values = _of_kind(declared)
        given[name] = values if f.default is MISSING else st.just(f.default) | values
    return st.builds(cls, **given)


def _of_kind(arg: Arg) -> st.SearchStrategy[Any]:
    low = -3 if arg.at_least is None else arg.at_least
    high = 5 if arg.at_most is None else arg.at_most
    ints = st.integers(int(low), int(high))
    init = st.just(Init("zeros_"))
    match arg.kind:
        case "int":
            return ints
        case "float":
            return st.floats(low, high, allow_subnormal=False)
        case "bool":
            return st.booleans()
        case "str":
            return st.sampled_from(arg.choices)
        case "size" | "value":
            ints = st.integers(int(arg.at_least or 0), 4)
            return ints | st.lists(ints, min_size=1, max_size=3).map(tuple)
        case "bias":
            return st.booleans() | init
        case "init":
            return st.none() | init
        case kind:
            raise AssertionError(f"no values for the kind {kind}")


@st.composite
def inputs(draw: st.DrawFn, arity: int | None) -> tuple[Shape, ...]:
    """Small shapes, alike more often than not."""
    channels = st.sampled_from((1, 2, 4, 6))
    spatial = st.lists(st.integers(1, 8), max_size=4)
    shape = st.tuples(channels, spatial).map(lambda cs: (cs[0], *cs[1])) | st.just(())
    first = draw(shape)
    other = st.just(first) | shape
    if first:
        other |= st.integers(1, 8).map(lambda c: (c, *first[1:]))
        other |= st.just((first[0], *(1 for _ in first[1:])))
    count = draw(st.integers(1, 3)) if arity is None else arity
    return (first, *(draw(other) for _ in range(count - 1)))
