"""What emitted source says of the sizes a net takes, and the check of them that begins its `forward`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap as fill

from resdsl.conditions import condition
from resdsl.emit.layout import WIDTH
from resdsl.emit.names import docstring, identifier, literal, unused
from resdsl.graph.model import Net
from resdsl.sets import EVERY, SizeSet
from resdsl.sizes import Shape, Size

_WORDS = {"H": "height", "W": "width", "D": "depth", "L": "length", "T": "time"}
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", "<=": ">", ">": "<="}
_INDENT = 8


def sizes_text(net: Net) -> list[str]:
    """For a docstring: where the net fits, and its smallest input; nothing if it takes every size."""
    limits, more = _limits(net), _training(net)
    if not limits and not more:
        return []
    text = f"Fits inputs with {_words(limits)}" if limits else "Fits inputs of every size"
    if not all(sizes.upward for sizes in limits.values()):
        text += f"; the smallest is {'x'.join(str(least) for least in net.least.values())}"
    text += f". In training, {_words(more)}." if more else "."
    return _filled(docstring(text), WIDTH)


class SizeCheck:
    """The statements that refuse inputs of other sizes than the net takes.

    Without them torch would complain deep inside, or silently stretch an axis of size 1 in an addition.

    Args:
        net: the net; the sizes are those of its `fits`, and in training those of `training`.
        inputs: name and shape of each parameter of `forward`, in order.
        taken: names of variables in `forward`.
    """

    def __init__(self, net: Net, inputs: Sequence[tuple[str, Shape]], taken: Iterable[str]) -> None:
        self.net, self.inputs = net, inputs
        self.limits, self.more = _limits(net), _training(net)
        self.places: dict[str, list[tuple[str, int]]] = {}
        for name, shape in inputs:
            for axis, dim in enumerate(shape):
                if isinstance(dim, Size):
                    self.places.setdefault(dim.var, []).append((name, axis - len(shape)))
        used = set(taken) | {name for name, _ in inputs}
        self.names = {
            var: unused(_WORDS.get(var) or identifier(var.lower()), used)
            for var, places in self.places.items()
            if var in self.limits or var in self.more or len(places) > 1
        }

    def lines(self) -> list[str]:
        """The statements, as they stand in `forward`."""
        made = [line for name, _ in self.inputs for line in self._read(name)]
        made += self._same()
        for limits, training in ((self.limits, False), (self.more, True)):
            if limits:
                wrong = [part for var, sizes in limits.items() for part in self._wrong(var, sizes)]
                sizes_now = "x".join(f"{{{self.names[var]}}}" for var in limits)
                when = " in training" if training else ""
                text = f"{_quoted(self.net.name)} takes inputs with {_words(limits)}{when}, not {sizes_now}"
                made += _refuse(wrong, text, "self.training" if training else None)
        return [" " * _INDENT + line for line in made]

    def _read(self, name: str) -> list[str]:
        """`height, width = x.shape[-2:]`: the sizes that are first seen in one parameter."""
        found = [(var, places[0][1]) for var, places in self.places.items() if places[0][0] == name]
        found = [(var, axis) for var, axis in found if var in self.names]
        axes = [axis for _, axis in found]
        if len(axes) > 1 and axes == list(range(-len(axes), 0)):
            return [f"{', '.join(self.names[var] for var, _ in found)} = {name}.shape[{axes[0]}:]"]
        return [f"{self.names[var]} = {name}.shape[{axis}]" for var, axis in found]

    def _same(self) -> list[str]:
        """A size that occurs more than once is the same everywhere."""
        wrong, seen = [], list[str]()
        for var, ((first, _), *others) in self.places.items():
            seen += [first, *(name for name, _ in others)] if others else []
            wrong += [f"{name}.shape[{axis}] != {self.names[var]}" for name, axis in others]
        if not wrong:
            return []
        met = [(name, shape) for name, shape in self.inputs if name in seen]
        declared = " and ".join("[" + ", ".join(map(str, shape)) + "]" for _, shape in met)
        given = " and ".join(f"{{tuple({name}.shape)}}" for name, _ in met)
        plural = "inputs" if len(met) > 1 else "an input"
        return _refuse(wrong, f"{_quoted(self.net.name)} takes {plural} {declared}, not {given}")

    def _wrong(self, var: str, sizes: SizeSet) -> list[str]:
        """The opposite of a condition, as parts one of which holds."""
        text = re.sub(rf"\b{re.escape(var)}\b", self.names[var], condition(sizes, var, python=True))
        whole = ast.parse(text, mode="eval").body
        both = isinstance(whole, ast.BoolOp) and isinstance(whole.op, ast.And)
        parts = whole.values if both and isinstance(whole, ast.BoolOp) else [whole]
        return [_opposite(text, part) for part in parts]


def _limits(net: Net) -> dict[str, SizeSet]:
    """The sizes that are not free, by variable."""
    return {var: sizes for var, sizes in net.fits.items() if sizes != EVERY}


def _training(net: Net) -> dict[str, SizeSet]:
    """The sizes that training needs, where these are fewer."""
    needed = {var: net.where.of(var) & net.training.of(var) for var in net.sizes}
    return {var: sizes for var, sizes in needed.items() if sizes != net.fits[var]}


def _words(limits: Mapping[str, SizeSet]) -> str:
    return " and ".join(condition(sizes, var) for var, sizes in limits.items())


def _quoted(text: str) -> str:
    """Text as it may stand inside an f-string."""
    return literal(text)[1:-1].replace("{", "{{").replace("}", "}}")


def _opposite(text: str, part: ast.expr) -> str:
    """The opposite of a part of a condition."""
    segment = text[part.col_offset : part.end_col_offset]
    match part:
        case ast.Compare(left=left, comparators=[right]):
            low, high = left.end_col_offset or 0, right.col_offset
            sign = text[low:high].strip()
            return f"{text[part.col_offset : low]} {_OPPOSITE[sign]} {text[high : part.end_col_offset]}"
        case ast.Compare():
            return f"not {segment}"
        case _:
            return f"not ({segment})"


def _refuse(wrong: list[str], text: str, also: str | None = None) -> list[str]:
    """`if ...: raise ValueError(...)`, on as many lines as it takes."""
    whole = " or ".join(wrong)
    if also is not None:
        whole = f"{also} and ({whole})" if len(wrong) > 1 else f"{also} and {whole}"
    lines = [f"if {whole}:"]
    if _INDENT + len(lines[0]) > WIDTH:
        inner = [f"{'or ' if i else ''}{part}" for i, part in enumerate(wrong)]
        if also is not None:
            inner = [also, "and (", *("    " + line for line in _long(inner)), ")"]
        lines = ["if (", *("    " + line for line in _long(inner)), "):"]
    return [*lines, *_raise(text)]


def _long(parts: list[str]) -> list[str]:
    """Parts that are too long, broken at `or`."""
    made = []
    for part in parts:
        if _INDENT + 8 + len(part) <= WIDTH or not part.endswith(")"):
            made.append(part)
            continue
        head, _, rest = part.partition("(")
        first, *others = rest[:-1].split(" or ")
        made += [f"{head}(", f"    {first}", *(f"    or {other}" for other in others), ")"]
    return made


def _raise(text: str) -> list[str]:
    line = f'    raise ValueError(f"{text}")'
    if _INDENT + len(line) <= WIDTH:
        return [line]
    pieces = _filled(text, WIDTH - _INDENT - 12)
    pieces = [*(f"{piece} " for piece in pieces[:-1]), pieces[-1]]
    quoted = [f'{"f" if "{" in piece else ""}"{piece}"' for piece in pieces]
    return ["    raise ValueError(", *(f"        {piece}" for piece in quoted), "    )"]


def _filled(text: str, width: int) -> list[str]:
    """Text broken at blanks only: a minus sign is no hyphen."""
    return fill(text, width, break_long_words=False, break_on_hyphens=False)
