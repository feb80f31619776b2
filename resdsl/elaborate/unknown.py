"""Messages about names and values that there are not, or not as many as a step takes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Literal

from resdsl import resources
from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Edit, Fix, Label
from resdsl.diagnostics.suggest import closest, did_you_mean, listed, replace_fix
from resdsl.elaborate import habits
from resdsl.elaborate.functions import FUNCTIONS
from resdsl.elaborate.loops import names_of
from resdsl.elaborate.scope import Env, Session
from resdsl.graph.model import Graph
from resdsl.ops import OPS
from resdsl.ops.elsewhere import here
from resdsl.ops.init import INITS
from resdsl.source import Span
from resdsl.syntax import ast

if TYPE_CHECKING:
    from resdsl.elaborate.builder import Builder

Place = Literal["step", "body", "call", "shortcut", "value"]
"""Where a word stands: as a step, one with a body, what is called in an expression, a shortcut, or a value."""
MEANT_AT: dict[Place, tuple[str, ...]] = {
    "call": ("projection", *INITS, *FUNCTIONS),
    "shortcut": ("projection", "none"),
    "value": ("projection", "true", "false", "none", *INITS),
}
ARRIVING = ("in_channels", "input_channels", "in_planes", "inplanes", "in_features", "channels")
SHORTCUTS = ("identity", "projection", "zero_pad", "none")
SHORTCUT_ELSEWHERE = {
    "padding": "zero_pad",
    "padzero": "zero_pad",
    "padzeros": "zero_pad",
    "proj": "projection",
    "zeropadding": "zero_pad",
}
"""What else a shortcut is called, in small letters without `_`."""
OPTIONS = (
    "of He et al. (2015), option A is `identity else zero_pad`, B `identity else projection`, C `projection`"
)
LISTED = (
    "steps in braces run one after another: `NAME = { conv(64, 3x3); batchnorm; relu }` names their layers"
)
NOT_HERE = {
    "flops": "`macs` counts the multiply-adds; of FLOPs there are twice as many",
    "int": "`round(x)`, `floor(x)` and `div(a, b)` give integers",
    "null": "nothing is written `none`, and a layer without bias `bias = false`",
    "modulelist": LISTED,
    "optiona": OPTIONS,
    "optionb": OPTIONS,
    "optionc": OPTIONS,
    "same": "leave `padding` out: an odd window keeps the size",
    "sequential": LISTED,
    "training": "the ops that training changes know by themselves: `dropout`, `batchnorm`, `drop_path`",
    "valid": "write `padding = 0`",
}
NOT_ALIKE = {"rearrange": ", which names the axes: `rearrange([c, h, w] -> [h * w, c])`"}
"""Ops that take other arguments than what is called so elsewhere."""


def unknown_name(
    session: Session, name: ast.Name, env: Env, place: Place = "value", among: Sequence[str] | None = None
) -> str | None:
    """Report a word that means nothing at this place. Returns the one it was surely meant to be, to go on with.

    Where only some words can stand, it was meant to be `among` them.
    """
    plain = name.id.replace("_", "").casefold()
    if place == "shortcut" and closest(name.id, SHORTCUTS):
        among = SHORTCUTS
    words = among
    if words is None:
        words = sorted({*env.words(), *env.module.names, *OPS, *MEANT_AT.get(place, ())})
    fix = replace_fix(name.span, name.id, words)
    help = did_you_mean(name.id, words)
    nearest, same = closest(name.id, words), here(name.id)
    quoted = habits.unquoted(name.span) if place == "value" else None
    if quoted is not None:
        help, fix = quoted.title, quoted
    elif place == "shortcut" and among is None and plain in SHORTCUT_ELSEWHERE:
        help = f"here it is `{SHORTCUT_ELSEWHERE[plain]}`"
        fix = Fix(help, (Edit(name.span, SHORTCUT_ELSEWHERE[plain]),))
    elif same not in (None, nearest) and among is None and (nearest is None or nearest in OPS):
        help = f"here it is `{same}`{NOT_ALIKE.get(same, '')}"
        fix = None if same in NOT_ALIKE else Fix(help, (Edit(name.span, same),))
    elif help is None and place == "value" and name.id.lower() in ARRIVING:
        help = "the channels of what arrives are `in.channels`"
        fix = Fix(help, (Edit(name.span, "in.channels"),))
    elif help is None and place == "body":
        end = Span(name.span.source, name.span.end, name.span.end)
        help = "`stage NAME { ... }` makes them a row of the table"
        fix = Fix(f"name the layers in the braces: `{name.id} = {{ ... }}`", (Edit(end, " ="),))
    elif help is None and among is None:
        help = (
            NOT_HERE.get(plain)
            or _bundled(name.id)
            or (place == "step" and "`resdsl ops` lists all ops")
            or None
        )
    session.error(
        codes.UNKNOWN_NAME,
        f"unknown name `{name.id}`",
        name.span,
        "not an op, block, net, parameter or `let` in sight",
        help=help,
        fix=fix,
    )
    if fix is not None and fix.edits[0].text == same:
        return same  # an op of another library is surely meant, though its arguments may differ
    if fix is None or not fix.safe:
        return None
    item = env.module.names.get(fix.edits[0].text)
    # Not a net: it may be the very one that is being built.
    return None if getattr(item, "is_net", False) else fix.edits[0].text


def _bundled(word: str) -> str | None:
    """Where a bundled block or net of this name comes from, be it written as a class: `Bottleneck`."""
    plain = re.sub(r"_?block$", "", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", word).lower())
    found = [declared for declared in _library() if declared[-1] in (word, plain)]
    if not found:
        return None
    _, file, name = min(found)  # of several the plainest: `std.resnet`
    return f"the bundled one is taken with `use std.{file} {{ {name} }}` at the head of the file"


@cache
def _library() -> tuple[tuple[int, str, str], ...]:
    """The bundled blocks and nets, each behind the length and name of its file."""
    return tuple(
        (len(file.stem), file.stem, name)
        for file in resources.specs().glob("*.res")
        for name in re.findall(r"^(?:block|net) (\w+)", file.read_text("utf-8"), re.MULTILINE)
    )


def unknown_value(scope: Builder, name: str, span: Span) -> None:
    """Report a value that does not exist, with the nearest that does."""
    around: Builder | None = scope
    words: list[str] = []
    later: Span | None = None
    let: Span | None = None
    whole = scope
    while around is not None:
        whole = around
        if around.uncertain:
            around.session.failed = True
            return  # a mistake may have kept it from being made
        words.extend(around.values)
        for node in around.graph.nodes():
            if isinstance(node.content, Graph) and node.module:
                inside = (*node.content.values, *node.content.output_names)
                words.extend(f"{node.id}.{inner}" for inner in inside)
        later = later or _made_later(around.running, name, span)
        let = let or _let(around.running, name)
        around = around.outer
    known = list(dict.fromkeys(words))
    help = did_you_mean(name, known)
    fix = replace_fix(span, name, known) if span.text == name and later is let is None else None
    helps = []
    dotted = span.source.text[span.end : span.end + 1] == "."
    if later is not None:
        help = f"move this below the line that makes `{name}`"
    elif let is not None or (name in ("in", "input") and not dotted):
        word, fix = name if let is not None else "x", None
        help = (
            f"`input {word}` at the head of the block names what arrives there"
            if _takes_unnamed(whole)
            else f"name a value behind the step that gives it, `... as {word}`, and write `from {word}`"
        )
    elif name == "input":
        help, fix = None, Fix("what arrives at a statement is `in`", (Edit(span, "in"),))
    elif help is None and known:
        help = f"values so far: {listed(known)}"
        if _takes_unnamed(whole):
            helps.append(f"what arrives at the block is named at its head: `input {name}`")
    made = [Label(later, "made here")] if later else []
    scope.session.error(
        codes.UNKNOWN_VALUE,
        f"there is no value `{name}` here",
        span,
        "not made yet" if later else "",
        secondary=made or ([Label(let, "a `let` is no value of the net")] if let else []),
        help=[*([help] if help else []), *helps],
        fix=fix,
    )


def _let(bodies: Sequence[ast.Body], name: str) -> Span | None:
    """Where a running body has a `let` of this name."""
    lets = (s for body in bodies for s in body.statements if isinstance(s, ast.Let))
    return next((n.span for let in lets for n in names_of(let.targets) if n.id == name), None)


def _takes_unnamed(scope: Builder) -> bool:
    """Whether this is a block that does not name what arrives."""
    return scope.graph.kind == "block" and not any(
        isinstance(s, ast.Input) for body in scope.running for s in body.statements
    )


def _made_later(bodies: Sequence[ast.Body], name: str, span: Span) -> Span | None:
    """Where a later statement of the running bodies makes a value of this name."""
    for body in reversed(bodies):
        for statement in body.statements:
            if isinstance(statement, (ast.Step, ast.Stage)) and statement.span.start >= span.end:
                names = (statement.name, *(statement.values if isinstance(statement, ast.Step) else ()))
                for made in names:
                    if isinstance(made, ast.Name) and made.id == name.partition(".")[0]:
                        return made.span
    return None
