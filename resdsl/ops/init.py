"""Initialisers: the functions of torch.nn.init that a spec may name, and tables that a buffer may hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from math import prod
from typing import Any, TypeAlias

from resdsl.ops.base import Arg, Init, Reject

Signature: TypeAlias = dict[str, tuple[Arg, Any]]
"""Arguments by name: what each takes, and its default or `MISSING`."""

_GAIN = (Arg("float", "factor of the spread", at_least=0), 1.0)
_SLOPE = (Arg("float", "slope of a leaky ReLU below zero"), 0.0)
_LOW = (Arg("float", "least value"), -2.0)
_HIGH = (Arg("float", "greatest value"), 2.0)
_MEAN = (Arg("float", "mean"), 0.0)
_FAN = (
    Arg("str", "keep the variance forward or backward", choices=("fan_in", "fan_out")),
    "fan_in",
)
_AFTER = (
    Arg(
        "str",
        "the activation that follows",
        choices=("linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"),
    ),
    "relu",
)
_WINDOW = (Arg("size", "positions of a window along each axis, as in `7x7`", at_least=1), MISSING)


def _std(default: Any = MISSING) -> tuple[Arg, Any]:
    return Arg("float", "standard deviation", at_least=0), default


INITS: dict[str, Signature] = {
    "zeros": {},
    "ones": {},
    "constant": {"value": (Arg("float", "the value"), MISSING)},
    "normal": {"mean": _MEAN, "std": _std(0.01)},
    "uniform": {"a": (_LOW[0], 0.0), "b": (_HIGH[0], 1.0)},
    "trunc_normal": {"std": _std(), "mean": _MEAN, "a": _LOW, "b": _HIGH},
    "xavier_uniform": {"gain": _GAIN},
    "xavier_normal": {"gain": _GAIN},
    "kaiming_normal": {"mode": _FAN, "nonlinearity": _AFTER, "a": _SLOPE},
    "kaiming_uniform": {"mode": _FAN, "nonlinearity": _AFTER, "a": _SLOPE},
    "orthogonal": {"gain": _GAIN},
    "relative_position_index": {"window": _WINDOW},
    "relative_coords_table": {"window": _WINDOW},
}
"""The initialisers: each is the function of torch.nn.init with an underscore more, but for the tables."""

TABLES: dict[str, Callable[[tuple[int, ...]], int]] = {
    "relative_position_index": lambda window: prod(window) ** 2,
    "relative_coords_table": lambda window: prod(2 * size - 1 for size in window) * len(window),
}
"""How many values a table has: it is made by a function of that name in `helpers`."""

_KEYWORDS = {"value": "val"}
"""Torch's word for an argument, where it is another."""

_DEFAULTS = {"std": 1.0, "nonlinearity": "leaky_relu"}
"""Torch's default for an argument, where it is another."""


def make(name: str, args: Mapping[str, Any]) -> Init:
    """The initialiser that a spec names, with arguments that it has; raises `Reject`.

    Arguments equal to torch's defaults are left out, as in emitted modules.
    """
    signature = INITS[name]
    kept = []
    for argument, (takes_what, default) in signature.items():
        value = args.get(argument, default)
        if value is MISSING:
            raise Reject(
                f"`{name}` needs `{argument}`", None, f"write `{name}({argument} = ...)`", "missing-argument"
            )
        _check(argument, takes_what, value)
        if value != _DEFAULTS.get(argument, default):
            kept.append((_KEYWORDS.get(argument, argument), value))
    after = args.get("nonlinearity", _AFTER[1])
    if signature.get("a") is _SLOPE and args.get("a", 0) != 0 and after != "leaky_relu":
        raise Reject(
            f'`a` has no effect with `nonlinearity = "{after}"`: it is the slope of a leaky ReLU',
            "nonlinearity",
            'write `nonlinearity = "leaky_relu"`, or leave `a` out',
            "bad-argument",
        )
    if name in TABLES:
        window = tuple(args["window"])
        return Init(name, (("window", window),), TABLES[name](window))
    return Init(f"{name}_", tuple(kept))


def _check(name: str, arg: Arg, value: Any) -> None:
    """Reject a value of the wrong kind or out of bounds."""
    if arg.kind == "str":
        if value not in arg.choices:
            raise Reject(
                f"`{name}` cannot be {value!r}", name, f"choose {', '.join(arg.choices)}", "bad-argument"
            )
    elif arg.kind == "size":
        if not isinstance(value, tuple) or not all(type(v) is int and v >= 1 for v in value) or not value:
            raise Reject(f"`{name}` must be a size like `7x7`", name, code="bad-argument")
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise Reject(f"`{name}` must be a number", name, code="bad-argument")
    elif arg.at_least is not None and value < arg.at_least:
        raise Reject(f"`{name}` must be at least {arg.at_least:g}", name, code="bad-argument")
