"""Arguments as PyTorch and Keras take them, and how they are written here."""

from __future__ import annotations

import re
from collections.abc import Iterable

from resdsl.diagnostics.model import Edit, Fix
from resdsl.elaborate.scope import Env
from resdsl.elaborate.values import Recipe
from resdsl.ops import OPS
from resdsl.ops.base import arguments
from resdsl.ops.init import INITS
from resdsl.source import Span
from resdsl.syntax import ast

SAME = {
    "dilation_rate": "dilation",
    "embed_dim": "out",
    "epsilon": "eps",
    "filters": "out",
    "kernel": "size",
    "kernel_size": "size",
    "num_classes": "classes",
    "num_groups": "groups",
    "num_heads": "heads",
    "out_channels": "out",
    "out_features": "out",
    "output_size": "size",
    "pad": "padding",
    "planes": "width",
    "pool_size": "size",
    "rate": "p",
    "scale_factor": "size",
    "units": "out",
    "upscale_factor": "factor",
    "use_bias": "bias",
}
ARRIVES = ("in_channels", "in_features", "in_planes", "num_features", "normalized_shape", "num_channels")
FIRST = "leave out the first: the input channels are those of what arrives"
ARRIVING = "leave it out: the input channels are those of what arrives"
FIRST_IS_ARRIVING = ("conv", "conv_transpose", "linear")  # in PyTorch's order of arguments
NORMS = ("batchnorm", "groupnorm", "instancenorm", "layernorm")
LARGEST_KERNEL = 15


def named(recipe: Recipe, call: ast.Call, argument: ast.Arg, names: Iterable[str]) -> str | Fix | None:
    """For the name of an argument that is unknown here: what to write, as words or as a fix."""
    assert argument.name is not None
    word = argument.name.id
    if word in ("dim", "dims") and "axis" in names:
        return "here it is `axis`, which is counted without the batch"
    same = SAME.get(word)
    if same is not None and same in names:
        return Fix(f"here it is `{same}`", (Edit(argument.name.span, same),))
    if word in ARRIVES and isinstance(recipe.target, type):
        return Fix(ARRIVING, (Edit(_with_comma(call, argument), ""),))
    if word == "inplace":
        return Fix("leave it out: steps never change what arrives", (Edit(_with_comma(call, argument), ""),))
    if word in ("activation", "act") and isinstance(recipe.target, type):
        step = argument.value.span.text.strip('"')
        return f"an activation is a step of its own: `{recipe.name}(...); {step}`"
    return None


def by_position(recipe: Recipe, call: ast.Call, env: Env) -> str | Fix | None:
    """For more arguments by position than an op takes: what PyTorch has in their place."""
    if not isinstance(recipe.target, type):
        return None
    given = [a for a in call.args or () if a.name is None]
    if arrow := next((a for a in given if isinstance(a.value, ast.Mapping)), None):
        assert isinstance(arrow.value, ast.Mapping)
        text = f"{arrow.value.sources[0].span.text} = {arrow.value.target.span.text}"
        return Fix(f"write `{text}`", (Edit(arrow.span, text),))
    rest = [a for a in call.args or () if a.name is not None]
    if recipe.target.arity != 1 and (values := _values(given, env)):
        if len(values) == 1:
            return f"name what arrives with `as x`, and write `from x, {values[0]} -> {call.callee.id}`"
        others = f"({', '.join(a.span.text for a in rest)})" if rest else ""
        text = f"from {', '.join(values)} -> {call.callee.id}{others}"
        return Fix(f"values come by `from`: `{text}`", (Edit(call.span, text),))
    if recipe.name == "flatten" and [a.span.text for a in given] == ["1"]:
        return Fix("leave it out: `flatten` leaves the batch as it is", (Edit(call.span, "flatten"),))
    if recipe.name in NORMS and not any(_is_truth(a.value) for a in given):
        kept = given[: len(given) - 1] if recipe.name == "groupnorm" else []
        return _rewritten(call, [a.span.text for a in (*kept, *rest)])
    if recipe.name == "attention" and len(given) == 2:
        heads = next((a for a in given if "head" in a.span.text), given[1])
        return _rewritten(call, [a.span.text for a in (heads, *rest)])
    if recipe.name in FIRST_IS_ARRIVING and _begins_with_arriving(recipe.name, given):
        size = 1 if recipe.name == "linear" else 2
        names = ("stride", "padding") if recipe.name != "linear" else ("bias",)
        more = [f"{n} = {a.span.text}" for n, a in zip(names, given[1 + size :], strict=False)]
        texts = [*(a.span.text for a in given[1 : 1 + size]), *more, *(a.span.text for a in rest)]
        if size == 2 and not any(t.startswith("padding") for t in texts) and texts[1] != "1":
            texts.append("padding = 0")  # PyTorch's default
        return _rewritten(call, texts) if len(given) <= 1 + size + len(names) else FIRST
    return None


def unquoted(name: Span) -> Fix | None:
    """For an unknown word that an op takes as a string: in quotes."""
    before = re.search(r"(\w+)\s*=\s*$", name.source.text[: name.start])
    word = before[1] if before else ""
    declared = (taken[word][0] for op in OPS.values() if word in (taken := arguments(op)))
    if not any(name.text in argument.choices for argument in declared):
        return None
    return Fix(f'it is a string: `"{name.text}"`', (Edit(name, f'"{name.text}"'),))


def per_copy(word: str, call: Span) -> str | None:
    """For a list given to a repeat whose items were meant for its copies: the schedule."""
    given = re.search(rf"\b{word}\s*=\s*\[([^\[\]]*)\]", call.text)
    if given is None or not re.match(r"\s*x\s+\w", call.source.text[call.end :]):
        return None
    items = [item.strip() for item in given[1].split(",") if item.strip()]
    while len(items) > 1 and items[-1] == items[-2]:
        items.pop()
    return f"a value for each copy is written `{word} = {' then '.join(items)}`" if len(items) > 1 else None


def usual(recipe: Recipe, argument: str, given: dict[str, str]) -> str | None:
    """What a missing argument is where other libraries leave it out, given the texts of the others."""
    if recipe.name in ("softmax", "log_softmax"):
        return "-1"
    if recipe.name in ("maxpool", "avgpool") and argument == "stride":
        return given.get("size")
    return None


def from_einops(pattern: str) -> str | None:
    """`b c h w -> b (h w) c` as a mapping, without the batch: `[c, h, w] -> [h * w, c]`. None for other texts."""
    sides = [re.findall(r"\([\w ]+\)|\w+", side) for side in pattern.split("->")]
    if len(sides) != 2 or not all(sides):
        return None
    if sides[0][0] == sides[1][0] and sides[0][0] in ("b", "n", "batch"):
        sides = [side[1:] for side in sides]
    lists = (", ".join(" * ".join(axis.strip("()").split()) for axis in side) for side in sides)
    return " -> ".join(f"[{axes}]" for axes in lists)


def _rewritten(call: ast.Call, arguments: list[str]) -> Fix:
    text = f"{call.callee.id}({', '.join(arguments)})" if arguments else call.callee.id
    what = "features" if call.callee.id in ("attention", "linear", "layernorm") else "input channels"
    return Fix(f"the {what} are those of what arrives: `{text}`", (Edit(call.span, text),))


def _begins_with_arriving(op: str, given: list[ast.Arg]) -> bool:
    """Whether the first of the arguments can only be the number of input channels."""
    if op == "linear":
        return len(given) > 1 and not _is_truth(given[1].value) and given[1].span.text not in INITS
    if len(given) < 3 or isinstance(given[1].value, ast.SizeLit):
        return False
    second = given[1].value
    large = (
        isinstance(second, ast.Literal) and isinstance(second.value, int) and second.value > LARGEST_KERNEL
    )
    return large or isinstance(given[2].value, ast.SizeLit)


def _values(given: list[ast.Arg], env: Env) -> list[str]:
    """The names of values that the arguments are, which may stand in a list; empty where one is not."""
    items = [i for a in given for i in (a.value.items if isinstance(a.value, ast.ListExpr) else (a.value,))]
    names = [i.span.text for i in items if isinstance(i, (ast.Name, ast.Path))]
    known = any(env.lookup(name)[0] or name in env.module.names for name in names)
    return names if len(names) == len(items) and not known else []


def _is_truth(expr: ast.Expr) -> bool:
    return isinstance(expr, ast.Literal) and isinstance(expr.value, bool)


def _with_comma(call: ast.Call, argument: ast.Arg) -> Span:
    """An argument, with the comma that goes with it."""
    args = call.args or ()
    at = next(i for i, a in enumerate(args) if a is argument)
    span = argument.span
    if at + 1 < len(args):
        return Span(span.source, span.start, args[at + 1].span.start)
    return Span(span.source, args[at - 1].span.end if at else span.start, span.end)
