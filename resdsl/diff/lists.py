"""The lists of a comparison: layers, weights, inputs and outputs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby

from resdsl.diff.alike import Alike, apart, ops, shared
from resdsl.diff.compare import Difference
from resdsl.diff.layers import Call, Change, Effect, Field, blocks
from resdsl.diff.state import Stored
from resdsl.diff.weights import params
from resdsl.diff.words import ARROW, Line, both, parts, tensors_text
from resdsl.graph.cost import params as params_of
from resdsl.graph.model import Feed, Graph, Net, Tensor
from resdsl.ops.base import Op
from resdsl.render.numbers import shape_text, short
from resdsl.render.outline.blocks import call_text, op_label, stride_text
from resdsl.render.sizes.facts import LONGEST, spoken

# ---------------------------------------------------------------- layers

_ONLY: dict[Effect, str] = {"training": "in training only", "start": "initial weights only"}


def layer_lines(found: Difference) -> list[Line]:
    """What differs layer by layer: what many share once, equal blocks once, copies in a row together."""
    layers, rest = apart(found.changes, shared(found.changes))
    return [*alike_lines(layers, found), *layer_lines_of(rest, found)]


def alike_lines(layers: dict[Alike, list[str]], found: Difference) -> list[Line]:
    """What layers share, of each change: `all 53 `conv` layers: weight starts from torch's default → zeros`."""
    counts, made = ops(found.a.graph), list[Line]()
    for (name, field, effect), places in layers.items():
        text = f"{_of(len(places), counts[name])} `{name}` layers: {_told((field,), effect)}"
        which = [Line("", (ranges_of(places),))] if len(places) < counts[name] else []
        made.append(Line("~", (text,), which))
    return made


def layer_lines_of(changes: Iterable[Change], found: Difference) -> list[Line]:
    """As `layer_lines`, for some of the changes, without what they share."""
    groups: dict[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], list[str]] = {}
    inside: dict[tuple[str, str], list[Line]] = {}
    order: list[tuple[str, str] | list[Change]] = []
    for change in changes:
        if change.block:
            key = change.block, change.name
            if key not in inside:
                order.append(key)
            _put(inside.setdefault(key, []), _inner(change))
        elif order and isinstance(order[-1], list) and _follows(order[-1][-1], change):
            order[-1].append(change)
        else:
            order.append([change])
    made: list[Line] = []
    lines: dict[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], Line] = {}
    for item in order:
        if isinstance(item, list):
            made.append(_outer(item))
            continue
        below = inside[item]
        known = item[1], tuple((line.mark, line.cells) for line in below)
        groups.setdefault(known, []).append(item[0])
        if known not in lines:
            lines[known] = Line("~", (), below)
            made.append(lines[known])
    one, two = (Counter(graph.name for _, graph in blocks(net.graph)) for net in (found.a, found.b))
    for known, places in groups.items():
        lines[known].cells = (_where(known[0], places, (one, two)),)
    return made


def _put(lines: list[Line], line: Line) -> None:
    """Add a line; layers of a block that change alike share one: `conv1, conv2`."""
    for other in lines:
        if line.mark == other.mark == "~" and line.cells[1:] == other.cells[1:]:
            other.cells = (f"{other.cells[0]}, {line.cells[0]}", *line.cells[1:])
            return
    lines.append(line)


def _where(name: str, places: list[str], totals: tuple[Counter[str], Counter[str]]) -> str:
    """`3 of 16 blocks of `bottleneck`: layer2.0, layer3.0, layer4.0`."""
    if len(places) == 1:
        return f"`{name}` {places[0]}"
    one, _, two = name.partition(ARROW)
    count = totals[0][one] or totals[1][two]  # what is a block of one net may only be a scope of the other
    return f"{_of(len(places), count)} blocks of `{name}`: {ranges_of(places)}"


def _of(few: int, count: int) -> str:
    return f"{few:,} of {count:,}" if count > few else f"all {count:,}"


def ranges(places: list[str]) -> str:
    """`layer2.0, layer3.1 to layer3.22`: three numbers and more that follow each other as one."""
    made: list[str] = []
    numbered = [(m[1], int(m[2])) if (m := re.fullmatch(r"(.*?)(\d+)", p)) else (p, -1) for p in places]
    for _, run in groupby(enumerate(numbered), lambda pair: (pair[1][0], pair[1][1] - pair[0])):
        chosen = [places[i] for i, _ in run]
        made += [f"{chosen[0]} to {chosen[-1]}"] if len(chosen) > 2 else chosen
    return ", ".join(made)


def _inner(change: Change) -> Line:
    """A layer of a block, without the widths that tell one copy from another."""
    prefix = f"{change.block}."
    rest = change.address.removeprefix(prefix)
    if change.mark == "+" and change.other.startswith(prefix):
        rest = change.other.removeprefix(prefix)
    if change.address == change.block:
        rest = "the block"
    label = kind(change.a or change.b)
    if change.mark != "~":
        return Line(change.mark, (rest, label, _ONLY.get(change.effect, "")))
    return Line("~", (rest, label, _told(change.fields, change.effect)))


def _outer(changes: list[Change]) -> Line:
    """A layer or block at net level, or copies in a row."""
    first, last = changes[0], changes[-1]
    call = first.a or first.b
    place = first.address if len(changes) == 1 else f"{first.address} to {last.address}"
    if first.mark == "~":
        return Line("~", (place or "the net", kind(call), _told(first.fields, first.effect)))
    size = sum(_params(c) for c in changes)
    words = [f"{len(changes):,} blocks"] if len(changes) > 1 else []
    words += [f"{short(size)} parameters"] if size else []
    words += [_ONLY[first.effect]] if first.effect in _ONLY else []
    return Line(first.mark, (place, _label(call), ", ".join(words)))


def _follows(before: Change, change: Change) -> bool:
    """Whether they are neighbours in a repeat, and the same block."""
    if before.mark != change.mark or change.mark == "~":
        return False
    one, two = (re.fullmatch(r"(.*?)(\d+)", c.address) for c in (before, change))
    if one is None or two is None or one[1] != two[1] or int(one[2]) + 1 != int(two[2]):
        return False
    x, y = before.a or before.b, change.a or change.b
    return _is_block(x) and _is_block(y) and _label(x) == _label(y)


def _is_block(call: Call | None) -> bool:
    return call is not None and isinstance(call[1].content, Graph) and call[1].content.kind == "block"


def _params(change: Change) -> int:
    call = change.a or change.b
    match call[1].content if call else None:
        case Graph() as graph:
            return params_of(graph)
        case Op() as op:
            assert call is not None
            return op.params(*call[0].operands(call[1]))
        case _:
            return 0


def _told(fields: tuple[Field, ...], effect: Effect) -> str:
    made = ", ".join(f"{name} {a}{ARROW}{b}".strip() for name, a, b in fields)
    return ", ".join(filter(None, (made, _ONLY.get(effect))))


def _label(call: Call | None) -> str:
    if call is None:
        return ""
    graph, node = call
    match node.content:
        case Graph() as inner if inner.kind == "block":
            return call_text(inner) + stride_text(inner)
        case Graph() as inner if inner.kind == "repeat":
            copies = [node for node in inner.nodes() if not isinstance(node.content, Feed)]
            return f"{_label((inner, copies[0]))} × {len(copies)}"
        case Graph():
            return ""  # the name of a scope says nothing that its address does not
        case Op() as op:
            return op.name if op.category == "merge" else op_label(op, graph.operands(node))
        case Tensor() as tensor:
            return f"{'param' if tensor.trained else 'buffer'} {tensor.name}"
        case _:
            return "input"


def kind(call: Call | None) -> str:
    """A layer without its widths: `3×3 conv`, `batchnorm`."""
    if call is None:
        return ""
    graph, node = call
    content = node.content
    if isinstance(content, Op):
        if content.category == "conv" and hasattr(content, "out") and hasattr(content, "size"):
            shaped = replace(content, out=0, stride=1, groups=1)  # type: ignore[type-var]
            return op_label(shaped, graph.operands(node)).partition(",")[0]
        return content.name
    return "" if isinstance(content, Graph) and content.kind != "block" else _label(call)


# ---------------------------------------------------------------- weights

MOST_KEYS = 8
MOST_NAMES = 10


def weight_lines(found: Difference) -> list[Line]:
    """Which tensors carry over, and which do not."""
    kept = found.weights
    a, b = found.a.name, found.b.name
    if a == b:
        a, b = "the first", "the second"
    # What is renamed has its place, whatever else has its name or wants its place: each tensor is in one line.
    moved, there = set(kept.renames), set(kept.renames.values())
    made = []
    same = [k for k in kept.carried if k not in moved and k not in there]
    if same:
        where = "" if len(same) == len(kept.carried) else " to the same layer"
        made.append(Line("=", (*_amount(kept.a, same), f"carry over{where}")))
    if kept.renames:
        word = "under another name" if len(kept.renames) == 1 else "under other names"
        heads = renamed_heads(kept.renames)
        shown = [Line("", (both(x, y), tensors_text(n))) for (x, y), n in list(heads.items())[:MOST_KEYS]]
        made.append(Line("~", (*_amount(kept.a, kept.renames), word), _more(shown, len(heads))))
    reshaped = [k for k in kept.reshaped if k not in moved and k not in there]
    if reshaped:
        shown = [Line("", (k, _shapes(kept.a[k], kept.b[k]))) for k in reshaped[:MOST_KEYS]]
        size = both(*(short(params(side, reshaped)) for side in (kept.a, kept.b)))
        amount = (tensors_text(len(reshaped)), f"{size} parameters", "have another shape")
        made.append(Line("~", amount, _more(shown, len(reshaped))))
    both_sides = {*same, *reshaped}
    gone = [k for k in kept.a if k not in both_sides and k not in moved]
    if gone:
        made.append(Line("-", (*_amount(kept.a, gone), f"only in {a}"), _held(kept.a, gone)))
    new = [k for k in kept.b if k not in both_sides and k not in there]
    if new:
        made.append(Line("+", (*_amount(kept.b, new), f"only in {b}"), _held(kept.b, new)))
    return made


def renamed_heads(renames: dict[str, str]) -> Counter[tuple[str, str]]:
    """What changes of renamed keys, without the end that they share: `layer2.* → deep.*`, and how often."""
    found: Counter[tuple[str, str]] = Counter()
    for pair in renames.items():
        old, new = (key.split(".") for key in pair)
        while old and new and old[-1] == new[-1]:
            old.pop()
            new.pop()
        whole = ".".join(old) == pair[0]
        heads = [".".join(words) if whole else ".".join([*words, "*"]) for words in (old, new)]
        found[heads[0], heads[1]] += 1
    return found


def _amount(tensors: dict[str, Stored], keys: Iterable[str]) -> tuple[str, str]:
    keys = list(keys)
    return tensors_text(len(keys)), f"{params(tensors, keys):,} parameters"


def _shapes(a: Stored, b: Stored) -> str:
    return both(*("?" if s.shape is None else "×".join(map(str, s.shape)) or "a scalar" for s in (a, b)))


def _held(tensors: dict[str, Stored], keys: list[str]) -> list[Line]:
    """The addresses that hold some keys, in a line."""
    return [Line("", (ranges_of(parts(tensors, set(keys))),))]


def ranges_of(names: list[str]) -> str:
    """Addresses with ranges; many as patterns with how often: `layer*.*.bn1 (16×)`."""
    made = ranges(names)
    if made.count(", ") < MOST_NAMES:
        return made
    first: dict[str, list[str]] = {}
    for name in names:
        first.setdefault(re.sub(r"\d+", "*", name), []).append(name)
    shown = [f"{p} ({len(found):,}×)" if len(found) > 1 else found[0] for p, found in first.items()]
    rest = len(shown) - MOST_NAMES
    return ", ".join(shown[:MOST_NAMES]) + (f" … and {rest:,} more" if rest > 0 else "")


def _more(shown: list[Line], count: int) -> list[Line]:
    rest = count - len(shown)
    return [*shown, Line("", (f"… and {rest:,} more: `--as json` has all",))] if rest > 0 else shown


# ---------------------------------------------------------------- inputs and outputs


def port_lines(found: Difference) -> list[Line]:
    """Inputs and outputs, where they differ."""
    made = []
    if not found.same_sizes:
        made += [Line("-", ("takes", _takes(found.a))), Line("+", ("takes", _takes(found.b)))]
    one, two = _gives(found.a, found.at_a), _gives(found.b, found.at_b)
    if one != two:
        made += [Line("-", ("gives", one)), Line("+", ("gives", two))]
    return made


def _takes(net: Net) -> str:
    ports = []
    for id, shape in zip(net.graph.inputs, net.graph.input_shapes, strict=True):
        feed = net.graph.node(id).content
        assert isinstance(feed, Feed)
        ports.append(f"{feed.name}: [{', '.join(map(str, shape or ()))}]")
    if not net.sizes:
        return ", ".join(ports)
    if not all(net.fits.values()):
        return ", ".join(ports) + " at no size"
    text = spoken(net.fits.items())
    if len(text) > LONGEST:
        text = "a long condition holds: see `resdsl sizes`"
    return ", ".join(ports) + (f" where {text}" if text else " at every size")


def _gives(net: Net, at: dict[str, int] | None) -> str:
    shapes = [shape_text(shape, at) for shape in net.graph.output_shapes]
    names = net.graph.output_names
    return ", ".join(f"{n}: {s}" for n, s in zip(names, shapes, strict=True)) if names else ", ".join(shapes)
