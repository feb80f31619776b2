"""Arguments that were bound as those of an op: checked, and converted to what it takes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Edit, Fix
from resdsl.diagnostics.suggest import did_you_mean, replace_fix
from resdsl.elaborate import habits
from resdsl.elaborate.scope import Session
from resdsl.elaborate.values import (
    POISON,
    Ratio,
    Recipe,
    SizeValue,
    Value,
    described,
    write,
)
from resdsl.ops.axes import Mapping
from resdsl.ops.base import Arg, Init, Op, Reject, arguments, required
from resdsl.ops.init import INITS
from resdsl.sizes import VARYING
from resdsl.source import Span

if TYPE_CHECKING:
    pass

from resdsl.elaborate.bind import Bound, missing


def make_op(session: Session, cls: type[Op], bound: Bound, span: Span) -> Op | None:
    """The op with its arguments checked and converted; None when one does not fit."""
    values: dict[str, Any] = {}
    good = True
    for name, (declared, spec) in arguments(cls).items():
        if name not in bound:
            continue
        value, place = bound[name]
        if value is POISON:
            good = False
            continue
        converted = _convert(declared, value, optional=spec.default is None)
        if isinstance(converted, _Wrong):
            session.error(
                codes.BAD_ARGUMENT,
                f"`{name}` of `{cls.name}` {converted.text}",
                place,
                declared.doc.partition(";")[0],
                help=converted.help or _order(cls, name, bound) or _whole(declared, value, place),
                fix=_quoted(place, value, declared.choices) or _meant(cls, name, value, place),
            )
            good = False
        elif isinstance(converted, Recipe):
            values[name] = _op(session, converted, place)
            good = good and values[name] is not None
        else:
            values[name] = converted
    if any(declared.kind == "mapping" for declared, _ in arguments(cls).values()):
        sizes = {n: given for n, given in bound.items() if n not in arguments(cls)}
        for n, given in sizes.items():
            good = _is_size(session, n, *given) and good
        values["sizes"] = tuple((n, value) for n, (value, _) in sizes.items())
    if not good:
        return None
    try:
        return cls(**values)
    except Reject as reject:
        place = bound[reject.blame][1] if reject.blame in bound else span
        session.error(codes.BAD_ARGUMENT, reject.message, place, help=reject.help)
        return None


def _op(session: Session, recipe: Recipe, place: Span) -> Op | None:
    """The op of a recipe with all its arguments."""
    assert isinstance(recipe.target, type)
    bound: Bound = {name: (value, place) for name, value in recipe.bound}
    return None if missing(session, recipe, bound, place) else make_op(session, recipe.target, bound, place)


def _is_size(session: Session, name: str, value: Value, place: Span) -> bool:
    """Whether an axis may have this size."""
    if value is POISON:
        return False
    varies = isinstance(value, (*VARYING, Ratio))
    wrong = _convert(Arg("value" if varies else "int", "", at_least=1), value, optional=False)
    if isinstance(wrong, _Wrong):
        session.error(codes.BAD_ARGUMENT, f"the size `{name}` {wrong.text}", place, help=wrong.help)
    return not isinstance(wrong, _Wrong)


def _order(cls: type[Op], name: str, bound: Bound) -> str | None:
    """For two arguments by position that were swapped: the order."""
    value, place = bound[name]
    names = required(cls)
    if name not in names or not place.source.text[: place.start].rstrip().endswith(("(", ",")):
        return None
    for other in names:
        if (
            other != name
            and other in bound
            and _fits(cls, other, value)
            and _fits(cls, name, bound[other][0])
        ):
            return f"the order is `{cls.name}({', '.join(names)})`"
    return None


def _fits(cls: type[Op], name: str, value: Value) -> bool:
    return not isinstance(_convert(arguments(cls)[name][0], value, optional=False), _Wrong)


def _quoted(place: Span, value: Value, choices: Sequence[str]) -> Fix | None:
    """Replace a misspelt word in quotes."""
    if not choices or not isinstance(value, str) or place.text != f'"{value}"':
        return None
    return replace_fix(Span(place.source, place.start + 1, place.end - 1), value, choices)


def _whole(declared: Arg, value: Value, place: Span) -> str | None:
    """For a number that should be an integer: how to round it."""
    if declared.kind != "int" or not isinstance(value, float):
        return None
    top, slash, bottom = place.text.partition("/")
    if slash:
        return f"`div({top.strip()}, {bottom.strip()})` divides and rounds down"
    return None if place.text == str(value) else f"`round({place.text})` is an integer"


def _meant(cls: type[Op], name: str, value: Value, place: Span) -> Fix | None:
    """What other frameworks write so: 0 and 1 for a truth, a number in quotes, and the name of a padding."""
    declared, right = arguments(cls)[name][0], None
    if declared.kind in ("bool", "bias") and type(value) is int and value in (0, 1):
        right = "true" if value else "false"
    if declared.kind == "bias" and value is None:
        right = "false"
    if isinstance(value, str) and declared.kind in ("int", "size") and re.fullmatch(r"\d+(x\d+)*", value):
        right = value
    if isinstance(value, Recipe) and place.text in declared.choices:
        right = f'"{place.text}"'
    if isinstance(value, str) and declared.kind == "mapping":
        right = habits.from_einops(value)
    if (
        name == "padding"
        and "padding_mode" in arguments(cls)
        and value in ("reflect", "replicate", "circular")
        and place.text == f'"{value}"'
    ):
        before = re.search(r"padding\s*=\s*$", place.source.text[: place.start])
        start = Span(place.source, before.start() if before else place.start, place.end)
        return Fix("here it is `padding_mode`", (Edit(start, f'padding_mode = "{value}"'),))
    if name == "padding" and value == "valid" and declared.kind == "size":
        right = "0"
    if right is not None and place.text in (write(value), f'"{value}"'):
        return Fix(f"write `{right}`", (Edit(place, right),), safe=name != "padding" or value != "valid")
    before = re.search(r",\s*padding\s*=\s*$", place.source.text[: place.start])
    if name == "padding" and value == "same" and declared.kind == "size" and before:
        out = Span(place.source, before.start(), place.end)
        return Fix("leave it out: by default an odd window keeps the size", (Edit(out, ""),))
    return None


class _Wrong:
    def __init__(self, text: str, help: str | None = None) -> None:
        self.text, self.help = text, help


def _fills(value: Value) -> bool:
    """Whether it is an initialiser for any shape: a table has its own."""
    return isinstance(value, Init) and value.elements is None


def _convert(declared: Arg, value: Value, *, optional: bool) -> Any:
    """A value as the argument's kind, or `_Wrong`."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    whole = number and isinstance(value, int)
    match declared.kind:
        case "int":
            fits: bool = whole
            word = "an integer"
        case "float":
            fits, word = number, "a number"
        case "bool":
            fits, word = isinstance(value, bool), "true or false"
        case "str":
            fits, word = isinstance(value, str), "a string"
        case "size":
            sized = isinstance(value, tuple) and bool(value) and all(type(v) is int for v in value)
            fits, word = whole or sized or (optional and value is None), "a size like `3x3`, or an integer"
        case "bias":
            fits, word = isinstance(value, bool) or _fills(value), "true, false or an initialiser"
        case "init":
            fits, word = value is None or _fills(value), "an initialiser"
        case "axes":
            listed = isinstance(value, tuple) and all(type(v) is int for v in value)
            fits, word = listed or (optional and value is None), "a list of integers"
        case "op":
            an_op = isinstance(value, Recipe) and isinstance(value.target, type)
            fits, word = an_op, "an op like `conv(64, 3x3)`"
        case "mapping":
            fits, word = isinstance(value, Mapping), "a mapping like `[c, h, w] -> [h * w, c]`"
        case _:
            fits, word = True, "a value"
    if not fits and declared.kind == "mapping" and isinstance(value, tuple):
        help = "name the axes, and give sizes by name: `rearrange([c * h * w] -> [c, h, w], h = 4, w = 4)`"
        return _Wrong(f"must be {word}, this is {described(value)}", help)
    if not fits:
        quoted = declared.kind in ("init", "bias") and value in INITS
        return _Wrong(
            f"must be {word}, this is {described(value)}",
            f"write `{value}` without quotes" if quoted else None,
        )
    ratio = next((v for v in (value if type(value) is tuple else (value,)) if isinstance(v, Ratio)), None)
    if ratio is not None:
        return _Wrong(
            f"must be whole, but `{write(ratio)}` is not for every input",
            f"write `ceil({write(ratio)})` or `floor({write(ratio)})`,"
            f" or admit only multiples: `where {ratio.top} % {ratio.bottom} == 0`",
        )
    if declared.choices and value not in declared.choices:
        return _Wrong(
            f"must be one of {', '.join(write(c) for c in declared.choices)}, this is {write(value)}",
            did_you_mean(str(value), declared.choices),
        )
    if declared.kind in ("int", "float", "size") and value is not None:
        parts: Sequence[Any] = value if isinstance(value, tuple) else (value,)
        if declared.at_least is not None and min(parts) < declared.at_least:
            return _Wrong(f"must be at least {declared.at_least:g}, this is {write(value)}")
        if declared.at_most is not None and max(parts) > declared.at_most:
            return _Wrong(f"must be at most {declared.at_most:g}, this is {write(value)}")
    if isinstance(value, SizeValue):
        return tuple(value)
    return value
