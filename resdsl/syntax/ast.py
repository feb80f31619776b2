# ruff: noqa: RUF009 (`_span()` makes a dataclass field)
"""The syntax tree: frozen values, tuples, no behaviour, no parent links.

Spans do not take part in comparison, so `parse(format(f)) == f` compares meaning only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from resdsl.source import Span


def _span() -> Span:
    return field(compare=False, repr=False)  # type: ignore[no-any-return]


# ---------------------------------------------------------------- expressions


@dataclass(frozen=True, slots=True)
class Literal:
    """An integer, float, `true`, `false` or `none`."""

    value: int | float | bool | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class SizeLit:
    """`7x7`: one integer for each spatial axis."""

    dims: tuple[int, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Text:
    """`"layer{i + 1}"`: strings and the expressions between braces, in order."""

    parts: tuple[str | Expr, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Name:
    """A word: an op, block, net, parameter or `let`; in `from`, `apply` and the like, a value or layer."""

    id: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Path:
    """`encoder.layer3`, `in.channels`, `c4.size`: a word and what follows its dots."""

    parts: tuple[str, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Arriving:
    """`in`: the value arriving at this statement."""

    span: Span = _span()


@dataclass(frozen=True, slots=True)
class ListExpr:
    """`[3, 4, 6, 3]`."""

    items: tuple[Expr, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Targets:
    """`[a, b]` in `for i, [a, b] in ...`: names for the items of a list."""

    items: tuple[Target, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Comprehension:
    """`[2 * d for d in depths]`."""

    element: Expr
    targets: tuple[Target, ...]
    iterable: Expr
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Index:
    """`depths[0]`, `depths[1:]`; `index` is an expression or a `Slice`."""

    base: Expr
    index: Expr | Slice
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Slice:
    """`start:stop`, each may be missing."""

    start: Expr | None
    stop: Expr | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Unary:
    """`-a`, `not a`."""

    operator: str
    operand: Expr
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Binary:
    """`a + b`; operators are `+ - * / % **`, comparisons, `and`, `or`."""

    operator: str
    left: Expr
    right: Expr
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Conditional:
    """`then if condition else otherwise`."""

    condition: Expr
    then: Expr
    otherwise: Expr
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Schedule:
    """`2 then 1`: one value for each repeat, the last goes on."""

    terms: tuple[Expr, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Mapping:
    """`[c, h, w] -> [h * w, c]`, the argument of `rearrange`; of `einsum`, with several lists on the left."""

    sources: tuple[Expr, ...]
    target: Expr
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Arg:
    """One argument of a call; `name` is None when it is given by position."""

    name: Name | None
    value: Expr
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Call:
    """`conv(64, 7x7, stride = 2)`, or a bare word used as a step (then `args` is None)."""

    callee: Name
    args: tuple[Arg, ...] | None
    span: Span = _span()


Expr: TypeAlias = (
    "Literal | SizeLit | Text | Name | Path | Arriving | ListExpr | Comprehension | Index | Unary | Binary"
    " | Conditional | Schedule | Mapping | Call | Body"
)

Target: TypeAlias = "Name | Targets"

# ---------------------------------------------------------------- flow


@dataclass(frozen=True, slots=True)
class Body:
    """`{ ... }`: statements, top to bottom."""

    statements: tuple[Statement, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class WithBody:
    """`concat { ... }`, `scale { ... }`: a call whose op says whether the body is steps or arms."""

    call: Call
    body: Body
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Shortcut:
    """`shortcut NAME: first else second`."""

    name: LayerName | None
    first: Expr
    second: Expr | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Residual:
    """`residual { ... } shortcut ...`; `shortcut_first` when the clause stands before the body."""

    body: Body
    shortcut: Shortcut
    shortcut_first: bool
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class From:
    """`from a, b`: continue from named values."""

    names: tuple[LayerName, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Apply:
    """`apply NAME`: run a layer that exists already."""

    name: LayerName
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Application:
    """One step of a chain: what runs, `until NAME`, and `x COUNT`."""

    thing: Call | WithBody | Body | Residual
    until: LayerName | None
    repeat: Expr | None
    span: Span = _span()


Link: TypeAlias = "Application | From | Apply"
LayerName: TypeAlias = "Name | Path | Text"

# ---------------------------------------------------------------- statements


@dataclass(frozen=True, slots=True)
class Step:
    """`name: [shape] = a -> b as x, y`; every part but the chain may be missing."""

    name: LayerName | None
    shape: ListExpr | None
    chain: tuple[Link, ...]
    values: tuple[LayerName, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Stage:
    """`stage conv2_x: [256, H/4, W/4] { ... }`: a row of the table, a group of the picture, never a key."""

    name: LayerName
    shape: ListExpr | None
    body: Body
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Layer:
    """`layer NAME = ...`: make it here, run it with `apply`."""

    name: LayerName
    chain: tuple[Link, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Let:
    """`let NAME = value`, `let a, b = list`."""

    targets: tuple[Target, ...]
    value: Expr
    doc: str | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class For:
    """`for a, b in list { ... }`."""

    targets: tuple[Target, ...]
    iterable: Expr
    body: Body
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class If:
    """`if condition { ... } else { ... }`; `otherwise` may be another `If`."""

    condition: Expr
    body: Body
    otherwise: Body | If | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class State:
    """`param NAME: [shape] = initialiser`, or `buffer` (then not trained)."""

    trained: bool
    name: Name
    shape: ListExpr
    value: Expr | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class PortDecl:
    """`image: [3, H, W]` in an `input`."""

    name: Name
    shape: ListExpr | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Input:
    """`input image: [3, H, W] where H % 32 == 0 at [3, 224, 224]`."""

    ports: tuple[PortDecl, ...]
    where: tuple[Expr, ...]
    at: tuple[ListExpr, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Output:
    """`output a, b`, or `output aux if training`."""

    names: tuple[LayerName, ...]
    training: bool
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Expect:
    """`expect params == 25_557_032`, `expect layer4: [2048, 7, 7] at [3, 224, 224]`."""

    condition: Expr | None
    target: LayerName | None
    shape: ListExpr | None
    at: tuple[ListExpr, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Init:
    """`init conv.weight = kaiming_normal(mode = "fan_out")`."""

    target: Path
    value: Expr
    span: Span = _span()


Statement: TypeAlias = "Step | Stage | Layer | Let | For | If | State | Input | Output | Expect | Init"

# ---------------------------------------------------------------- files


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a block or net; without `default` it must be given."""

    name: Name
    default: Expr | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Block:
    """`block NAME(params) { ... }`, or `net NAME(params) { ... }` when `is_net`."""

    name: Name
    params: tuple[Param, ...]
    body: Body
    is_net: bool
    doc: str | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Family:
    """`net resnet50 = resnet(bottleneck, [3, 4, 6, 3]) { expect ... }`."""

    name: Name
    call: Call
    expects: tuple[Expect, ...]
    doc: str | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Use:
    """`use "blocks.res" { cna }`, `use std.blocks { squeeze_excite }`."""

    origin: Name | Path | Text
    names: tuple[Name, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Edition:
    """`edition 2026`."""

    year: int
    span: Span = _span()


Item: TypeAlias = "Edition | Use | Let | Block | Family"


@dataclass(frozen=True, slots=True)
class File:
    """A whole file. `doc` is the `##` text at its head, before a blank line or `edition`."""

    items: tuple[Item, ...]
    doc: str | None
    span: Span = _span()
