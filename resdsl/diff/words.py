"""What a comparison says, in words and rows that every format shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from resdsl.diff.compare import Difference
from resdsl.diff.layers import Change
from resdsl.diff.stages import Pair
from resdsl.diff.state import Stored
from resdsl.graph.model import Net
from resdsl.ops.base import Op
from resdsl.render.numbers import percent, shape_text, short

SAME = "="
ARROW = " → "


@dataclass
class Line:
    """A line of a section: a mark (`+`, `-`, `~`, `=` or none), cells that stand in columns, lines below it."""

    mark: str
    cells: tuple[str, ...]
    below: list[Line] = field(default_factory=list)


# ---------------------------------------------------------------- the verdict


def title(net: Net, at: dict[str, int] | None) -> tuple[str, str, str]:
    """A net's name with its settings, its file, and the input it is counted at."""
    settings = "".join(f"  {name}={value}" for name, value in net.settings)
    shapes = ", ".join(shape_text(shape, at) for shape in net.graph.input_shapes)
    return net.name + settings, net.graph.span.source.path, shapes


def verdict(found: Difference) -> str:
    """One line: what follows for the weights of the first net."""
    kept = found.weights
    match found.verdict:
        case "identical":
            return f"identical: the same function and the same {tensors_text(len(kept.a))}"
        case "sizes":
            return "the same function and the same tensors, but they take other inputs"
        case "start":
            return "same function, other initial weights: strict load succeeds, and outputs are then equal"
        case "training":
            return "same outputs in evaluation, other in training: strict load succeeds"
        case "outputs":
            return "strict load SUCCEEDS, but outputs differ"
        case "names":
            renamed = _keys(len(kept.renames))
            verb = "is" if len(kept.renames) == 1 else "are"
            return f"same function under other names: strict load FAILS, until {renamed} {verb} renamed"
        case "partial":
            return f"strict load FAILS: {_carried(found)}"
        case "nothing":
            return "strict load FAILS: no tensor carries over"


def _carried(found: Difference) -> str:
    kept = found.weights
    carried = set(kept.carried)
    missing = parts(kept.a, {k for k in kept.a if k not in carried})
    added = parts(kept.b, set(kept.only_b))
    if not missing:
        verb = "is" if len(kept.only_b) == 1 else "are"
        return f"all {tensors_text(len(kept.a))} carry over, but {len(kept.only_b):,} of {len(kept.b):,} {verb} missing"
    if not kept.carried:
        return (
            f"no tensor carries over under its name, {len(kept.renames):,} of {len(kept.a):,} under another"
        )
    made = f"{len(kept.carried):,} of {tensors_text(len(kept.a))} carry over"
    if len(missing) <= 3 and set(added) <= set(missing):
        return f"{made}, all but {_list(missing)}"
    return made


def notes(found: Difference) -> list[str]:
    """What explains the verdict, or is easily overlooked."""
    kept, made = found.weights, list[str]()
    differing = [c for c in found.changes if c.effect == "evaluation"]
    if found.verdict == "outputs":
        every = "all" if len(kept.a) > 1 else "the"
        made.append(
            f"{every} {tensors_text(len(kept.a))} have the same names and shapes, so torch loads them without a word"
        )
        if kept.complete:
            made.append(
                f"they would be the same function with {_keys(len(kept.renames))} renamed: `--rename-map`"
            )
        elif differing:
            made.append(f"{_layers(differing)} {_verb(differing, 'runs', 'run')} differently with them")
    if found.verdict == "names":
        made.append("`--rename-map FILE.json` writes old and new keys; with them the outputs are equal")
        if not found.same_training:
            made.append("in training they differ")
    if found.verdict == "partial":
        silent = [c for c in differing if c.mark == "~" and _keeps(found, c)]
        if silent:
            made.append(
                f"{_layers(silent)} whose tensors fit {_verb(silent, 'runs', 'run')} differently with them"
            )
        if kept.misplaced:
            made.append(
                f"{tensors_text(len(kept.misplaced))} would be loaded into another layer, of the same shape"
            )
        if kept.renames:
            made.append(f"{_keys(len(kept.renames))} could be renamed: `--rename-map FILE.json` writes them")
    if found.verdict in ("training", "names", "outputs") and not found.same_start:
        made.append("initial weights differ too")
    return made


def _keeps(found: Difference, change: Change) -> bool:
    """Whether a layer has the same tensors in both nets, if any."""
    if change.a is None or not isinstance(change.a[1].content, Op):
        return False
    ours, theirs = found.weights.layers
    return (
        ours.get(change.address, ()) == theirs.get(change.other, ())
        and change.address not in found.weights.torn
    )


def _verb(things: list[Change], one: str, many: str) -> str:
    return one if len(things) == 1 else many


def tensors_text(count: int) -> str:
    """`1 tensor`, `2 tensors`."""
    return f"{count:,} tensor{'s' if count != 1 else ''}"


def _keys(count: int) -> str:
    return f"{count:,} key{'s' if count != 1 else ''}"


def _layers(changes: list[Change]) -> str:
    count = len(changes)
    return f"{count:,} layer{'s' if count != 1 else ''}"


def _list(names: Iterable[str]) -> str:
    *first, last = (f"`{name}`" for name in names)
    return f"{', '.join(first)} and {last}" if first else last


def parts(tensors: dict[str, Stored], chosen: set[str]) -> list[str]:
    """Addresses that hold exactly the chosen keys, as few as can be: `fc` for `fc.weight` and `fc.bias`."""
    whole: Counter[str] = Counter()
    some: Counter[str] = Counter()
    for key in tensors:
        for prefix in _prefixes(key):
            whole[prefix] += 1
            some[prefix] += key in chosen
    found: dict[str, None] = {}
    for key in tensors:
        if key in chosen:
            found[next(p for p in _prefixes(key) if some[p] == whole[p])] = None
    return list(found)


def _prefixes(key: str) -> list[str]:
    words = key.split(".")
    return [".".join(words[:i]) for i in range(1, len(words) + 1)]


# ---------------------------------------------------------------- counts


def counts(found: Difference) -> list[Line]:
    """Parameters, MACs, activations and tensors: exact, with the change."""
    one, two = (t.total for t in found.tables)
    known = found.at_a is not None and found.at_b is not None
    lines = [("params", one.params, two.params)]
    if known:
        lines += [("MACs", one.macs, two.macs), ("activations", one.activations, two.activations)]
    lines.append(("tensors", len(found.weights.a), len(found.weights.b)))
    return [Line("", (name, *_change(a, b))) for name, a, b in lines]


def _change(a: int, b: int) -> tuple[str, str, str]:
    if a == b:
        return f"{a:,}", SAME, ""
    return f"{a:,}{ARROW}{b:,}", f"{b - a:+,}", percent(a, b)


# ---------------------------------------------------------------- stages

STAGES = ("stage", "block", "n", "output", "params", "", "MACs", "")


def stage_lines(found: Difference) -> list[Line]:
    """The stages that differ, and the whole net."""
    made = [_stage(found, pair) for pair in found.stages if pair.differs]
    one, two = (t.total for t in found.tables)
    known = found.at_a is not None and found.at_b is not None
    made.append(
        Line("", ("total", "", "", "", *_short(one.params, two.params), *_macs(one.macs, two.macs, known)))
    )
    return made


def _stage(found: Difference, pair: Pair) -> Line:
    row = pair.a or pair.b
    assert row is not None
    if pair.a is None or pair.b is None:
        mark, at = ("+", found.at_b) if pair.a is None else ("-", found.at_a)
        macs = short(row.cost.macs) if at is not None else "-"
        shape = shape_text(row.shape, at)
        return Line(mark, (row.name, row.text, str(row.repeat), shape, short(row.cost.params), "", macs, ""))
    a, b = pair.a, pair.b
    shapes = shape_text(a.shape, found.at_a), shape_text(b.shape, found.at_b)
    known = found.at_a is not None and found.at_b is not None
    cells = (
        both(a.name, b.name),
        _texts(a.text, b.text),
        both(str(a.repeat), str(b.repeat)),
        both(*shapes),
        *_short(a.cost.params, b.cost.params),
        *_macs(a.cost.macs, b.cost.macs, known),
    )
    return Line("~", cells)


def _texts(a: str, b: str) -> str:
    """Descriptions, where only their parts that differ stand twice."""
    ours, theirs = a.split(" · "), b.split(" · ")
    if len(ours) != len(theirs):
        return both(a, b)
    return " · ".join(map(both, ours, theirs))


def _short(a: int, b: int) -> tuple[str, str]:
    return both(short(a), short(b)), percent(a, b)


def _macs(a: int, b: int, known: bool) -> tuple[str, str]:
    return _short(a, b) if known else ("-", "")


def both(a: str, b: str) -> str:
    """`a`, or `a → b` where they differ."""
    return a if a == b else a + ARROW + b
