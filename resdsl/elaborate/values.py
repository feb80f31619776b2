"""Compile-time values. All are immutable and hashable: they are part of a block's signature.

Besides Python's int, float, bool, str, None and tuple (a list of the language) there are sizes (`3x3`),
recipes (an op, block or net with some arguments bound), bodies, initialisers (`ops.base.Init`),
dimensions that vary with the input (`sizes.Size`), and `POISON`, the value of what is already reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from resdsl.ops.axes import Mapping
from resdsl.ops.base import Init, Op
from resdsl.sizes import Product, Size, Sum
from resdsl.syntax import ast

if TYPE_CHECKING:
    from resdsl.elaborate.files import Module
    from resdsl.elaborate.scope import Env


class Poison:
    """Stands for a value whose mistake was already reported: silences what only follows from it."""

    def __repr__(self) -> str:
        return "POISON"


POISON: Final = Poison()


class SizeValue(tuple[int, ...]):
    """`7x7`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "x".join(map(str, self))


@dataclass(frozen=True, slots=True)
class Ratio:
    """`H / 32` before it is known to be whole: only `ceil`, `floor` or a shape make it a number."""

    top: Size
    bottom: int


@dataclass(frozen=True, eq=False)
class Definition:
    """A block, net or family and the file it stands in."""

    name: str
    decl: ast.Block | ast.Family
    module: Module

    @property
    def is_net(self) -> bool:
        """Whether it was declared with `net`."""
        return isinstance(self.decl, ast.Family) or self.decl.is_net

    @property
    def is_open(self) -> bool:
        """Whether it still needs arguments, like the base of a family."""
        return isinstance(self.decl, ast.Block) and any(p.default is None for p in self.decl.params)

    @property
    def word(self) -> str:
        """`net` or `block`."""
        return "net" if self.is_net else "block"

    @property
    def head(self) -> str:
        """How it is declared, without its body: `block basic(width, stride = 1)`."""
        decl = self.decl
        text = decl.span.text
        return text[: decl.body.span.start - decl.span.start].strip() if isinstance(decl, ast.Block) else text


@dataclass(frozen=True)
class Projection:
    """The shortcut policy `projection`: a 1x1 convolution to the arm's shape, and a norm."""

    name: str = "projection"


@dataclass(frozen=True, eq=False)
class Function:
    """A pure function of the language, like `min`."""

    name: str


@dataclass(frozen=True, eq=False)
class Closure:
    """A body given as an argument, with the names around it."""

    body: ast.Body
    env: Env


@dataclass(frozen=True)
class Recipe:
    """An op, block, net or policy and the arguments bound so far. It runs when it stands as a step."""

    target: type[Op] | Definition | Projection
    bound: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        """Its word in the spec."""
        return self.target.name


Value: TypeAlias = Any


def kind_of(value: Value) -> str:
    """What a value is, in a user's words."""
    match value:
        case bool():
            return "true or false"
        case int():
            return "an integer"
        case float():
            return "a number"
        case str():
            return "a string"
        case None:
            return "none"
        case SizeValue():
            return "a size"
        case tuple():
            return "a list"
        case Size() | Product() | Sum() | Ratio():
            return "a size that varies with the input"
        case Init():
            return "an initialiser" if value.elements is None else "a table, which only a `buffer` holds"
        case Recipe():
            word = value.target.word if isinstance(value.target, Definition) else "op"
            return f"the {word} `{value.name}`"
        case Closure():
            return "a body"
        case Function():
            return f"the function `{value.name}`"
        case Mapping():
            return "a mapping of axes"
        case _:
            return "a value"


def brief(value: Value, most: int = 60) -> str:
    """A value in a message: as a spec would write it, but never long."""
    if isinstance(value, tuple) and not isinstance(value, SizeValue) and len(value) > 8:
        return f"[{', '.join(brief(v, 20) for v in value[:4])}, ...]"
    if isinstance(value, Recipe) and value.bound:
        inner = ", ".join(f"{k} = {brief(v, 20)}" for k, v in value.bound[:4]) if most > 20 else "..."
        return f"{value.name}({inner})"
    if isinstance(value, tuple) and not isinstance(value, SizeValue):
        text = f"[{', '.join(brief(v, 20) for v in value)}]" if most > 20 else "[...]" if value else "[]"
    else:
        text = write(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def described(value: Value) -> str:
    """What a value is and, where that says more, how it is written: "an integer, `3`"."""
    shown = isinstance(value, (int, float, str, SizeValue, tuple, Size, Ratio)) and not isinstance(
        value, bool
    )
    return f"{kind_of(value)}, `{brief(value)}`" if shown else kind_of(value)


def write(value: Value) -> str:
    """A value as a spec would write it."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "none"
        case str():
            return f'"{value}"'
        case SizeValue():
            return "x".join(map(str, value))
        case tuple():
            return "[" + ", ".join(map(write, value)) + "]"
        case Ratio():
            return f"{value.top} / {value.bottom}"
        case Init():
            inner = ", ".join(f"{k} = {write(v)}" for k, v in value.arguments)
            return value.function.rstrip("_") + (f"({inner})" if inner else "")
        case Recipe():
            inner = ", ".join(f"{k} = {write(v)}" for k, v in value.bound)
            return value.name + (f"({inner})" if inner else "")
        case Closure():
            return "{ ... }"
        case _:
            return str(value)
