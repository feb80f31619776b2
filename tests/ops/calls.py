"""Calls of ops as written in a spec, and arguments for them drawn at random."""

from __future__ import annotations

import ast
import re
from dataclasses import MISSING
from typing import Any

from hypothesis import strategies as st

from resdsl.ops import OPS
from resdsl.ops.axes import Axis, Mapping
from resdsl.ops.base import Arg, Init, Op, arguments, required
from resdsl.ops.init import INITS, make
from resdsl.sizes import Shape

WORDS = {"true": True, "false": False, "none": None}


def read(call: str) -> Op:
    """The op of a call such as `conv(64, 3x3, stride = 2)`."""
    text = re.sub(r"\b\d+(?:x\d+)+\b", lambda size: f"({size[0].replace('x', ', ')})", call)
    text = re.sub(r"\[[^]]*](, \[[^]]*])* -> \[[^]]*]", lambda mapping: repr(mapping[0]), text)
    tree = ast.parse(text, mode="eval").body
    if isinstance(tree, ast.Name):
        return OPS[tree.id]()
    assert isinstance(tree, ast.Call)
    assert isinstance(tree.func, ast.Name)
    cls = OPS[tree.func.id]
    given = dict(zip(required(cls), (_value(a) for a in tree.args), strict=False))
    assert len(given) == len(tree.args), f"too many arguments by position: {call}"
    named = {str(k.arg): _value(k.value) for k in tree.keywords}
    if "mapping" in given:
        known = arguments(cls)
        named["sizes"] = tuple((n, named.pop(n)) for n in list(named) if n not in known)
    return cls(**given, **named)


def _axes(text: str) -> tuple[Axis, ...]:
    items = [item for item in text.strip(" []").split(",") if item.strip()]
    return tuple(tuple(re.findall(r"[a-z]\w*", item)) for item in items)


def _value(tree: ast.expr) -> Any:
    if isinstance(tree, ast.Constant) and "->" in str(tree.value):
        left, target = str(tree.value).split("->")
        source, *others = left.split("], ")
        return Mapping(_axes(source), _axes(target), tuple(map(_axes, others)))
    if isinstance(tree, ast.Name):
        if tree.id in OPS:
            return OPS[tree.id]()
        return WORDS[tree.id] if tree.id in WORDS else make(tree.id, {})
    if isinstance(tree, ast.Call):
        assert isinstance(tree.func, ast.Name)
        if tree.func.id in OPS:
            return read(ast.unparse(tree))
        given = dict(zip(INITS[tree.func.id], (_value(a) for a in tree.args), strict=False))
        return make(tree.func.id, given | {str(k.arg): _value(k.value) for k in tree.keywords})
    value = ast.literal_eval(tree)
    return tuple(value) if isinstance(value, list) else value


def drawn(cls: type[Op]) -> st.SearchStrategy[Op]:
    """The op with arguments of the declared kinds, within the declared bounds."""
    given: dict[str, st.SearchStrategy[Any]] = {}
    for name, (declared, f) in arguments(cls).items():
        values = _of_kind(declared)
        given[name] = values if f.default is MISSING else st.just(f.default) | values
    if "mapping" in given:
        return joined(cls) if cls.joins else mapped(cls)
    return st.builds(cls, **given)


@st.composite
def mapped(draw: st.DrawFn, cls: type[Op]) -> Op:
    """An op on named axes, with as many sizes as it needs or more."""
    names = draw(st.permutations("abcde"[: draw(st.integers(0, 5))]))
    new = "xyz"[: draw(st.integers(0, 3))] if cls.grows else ""
    source, target = draw(_cut(names)), draw(_cut(draw(st.permutations([*names, *new]))))
    sizes = [(name, draw(st.integers(1, 3))) for name in new]
    for axis in source:
        left_open = draw(st.sampled_from((*axis, "", "")))
        sizes += [(name, draw(st.integers(1, 4))) for name in axis if name != left_open]
    return cls(mapping=Mapping(source, target), sizes=tuple(sizes))  # type: ignore[call-arg]


@st.composite
def joined(draw: st.DrawFn, cls: type[Op]) -> Op:
    """An op on the named axes of two values."""
    roles = {name: draw(st.sampled_from(("first", "second", "both", "summed"))) for name in "abcde"}
    sides = [
        tuple((name,) for name in draw(st.permutations([n for n, role in roles.items() if role != absent])))
        for absent in ("second", "first", "summed")
    ]
    return cls(mapping=Mapping(sides[0], sides[2], (sides[1],)))  # type: ignore[call-arg]


@st.composite
def _cut(draw: st.DrawFn, names: list[str]) -> tuple[Axis, ...]:
    """Names as axes, with axes of size 1 between them."""
    axes: list[Axis] = []
    rest = list(names)
    while rest:
        if draw(st.integers(0, 5)) == 0:
            axes.append(())
            continue
        count = draw(st.integers(1, len(rest)))
        axes.append(tuple(rest[:count]))
        rest = rest[count:]
    return tuple(axes)


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
            sizes = ints | st.lists(ints, min_size=1, max_size=3).map(tuple)
            return sizes if arg.kind == "size" else sizes | st.integers(1, 20).map(lambda n: n / 8)
        case "bias":
            return st.booleans() | init
        case "init":
            return st.none() | init
        case "axes":
            return st.lists(ints, max_size=3).map(tuple)
        case "op":
            calls = ("conv(4, 3x3)", "conv(2, 3, padding = 0)", "maxpool(2, 2)", "relu", "flatten")
            return st.sampled_from(
                [read(call) for call in (*calls, "batchnorm", "linear(3)", "add", "chunk(2)")]
            )
        case "mapping":
            return st.nothing()  # drawn together with the sizes
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
