"""What a report on the input sizes of a net says in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

from resdsl.conditions import clauses
from resdsl.graph.model import Feed, Net
from resdsl.render.sizes.fitting import Column, Fitting
from resdsl.sets import EVERY, SizeSet
from resdsl.sizes import Shape, Size, evaluate

LONGEST = 240
LISTED = 6

Code = Callable[[str], str]
"""How a piece of the language is set off from the words around it."""


def headline(net: Net) -> str:
    """`unet   input image: [1, H, W] at [1, 512, 512]`, and the settings."""
    ports = []
    for id, shape in zip(net.graph.inputs, net.graph.input_shapes, strict=True):
        feed = net.graph.node(id).content
        assert isinstance(feed, Feed)
        ports.append((feed.name, shape or ()))
    text = ", ".join(f"{name}: {_brackets(shape)}" for name, shape in ports)
    if net.sizes and net.nominal is not None:
        at = net.nominal
        text += " at " + ", ".join(_brackets(tuple(evaluate(d, at) for d in shape)) for _, shape in ports)
    return f"{net.name}   input {text}" + "".join(f"  {name}={value}" for name, value in net.settings)


def _brackets(shape: Shape) -> str:
    return f"[{', '.join(map(str, shape))}]"


def facts(found: Fitting, code: Code) -> list[tuple[str, str]]:
    """What holds of the net, as labels and texts."""
    net = found.net
    if found.verdict == "fixed":
        return [("fits", "at its one size: the input is fixed")]
    made = [("fits", "at no size" if found.verdict == "none" else _when(net, net.fits.__getitem__, code))]
    where = _where(found, code)
    if where:
        made.append(("where", where))
    if found.verdict in ("stronger", "none"):
        made.append(("steps", f"run {_when(net, net.needed.of, code)}"))
    if found.smallest is None:
        return made
    if not found.trains:
        heads = ", ".join(code(name) for name in net.graph.training_outputs)
        when = _when(net, lambda var: net.where.of(var) & net.training.of(var), code)
        made.append(("training", f"{when}, for {heads}" if heads else when))
    made.append(("smallest", _shapes(net, found.smallest)))
    if found.largest:
        made.append(("largest", _shapes(net, found.largest)))
    if found.near:
        made.append(("first" if net.nominal is None else "around", _near(found)))
    for place, one in enumerate(found.witnesses):
        at = " or ".join(f"{var} = {one.value}" for var in one.names)
        made.append(("" if place else "fails", f"at {at}: {one.text}"))
    return made


def _where(found: Fitting, code: Code) -> str:
    net = found.net
    said = spoken((var, net.where.of(var)) for var in net.sizes)
    match found.verdict:
        case "missing":
            return f"says only {code(said)}" if said else "does not say so"
        case "stronger":
            return "asks for more than the steps need"
        case "stated":
            same = all(net.where.of(var) == net.needed.of(var) for var in net.sizes)
            return "says so" if same else f"says {code(said)}; smaller inputs are refused anyway"
        case "none":
            return f"says {code(said)}" if said else ""
        case "implied":
            return "need not say so: smaller inputs are refused anyway"
        case _:
            return ""


def _when(net: Net, of: Callable[[str], SizeSet], code: Code) -> str:
    """`exactly when H % 16 == 0 and W % 16 == 0`, `at every size`."""
    if not all(of(var) for var in net.sizes):
        return "at no size"
    text = spoken((var, of(var)) for var in net.sizes)
    if not text:
        return "at every size"
    if len(text) <= LONGEST:
        return f"exactly when {code(text)}"
    listed = " and ".join(f"{var} = {_first(of(var))}" for var in net.sizes if of(var) != EVERY)
    return f"at {listed}; the exact condition is long, and `--as json` has it"


def _first(sizes: SizeSet) -> str:
    return ", ".join([*map(str, islice(sizes, LISTED)), "..."])


def spoken(sets: Iterable[tuple[str, SizeSet]]) -> str:
    """Conditions on several variables as one."""
    parts = [part for var, sizes in sets for part in clauses(sizes, var)]
    return " and ".join(f"({p})" if " or " in p and len(parts) > 1 else p for p in parts)


def _shapes(net: Net, at: dict[str, int]) -> str:
    """The input at some sizes, with the names of those that are not given."""
    made = []
    for id, shape in zip(net.graph.inputs, net.graph.input_shapes, strict=True):
        dims = [at.get(d.var, d.var) if isinstance(d, Size) else d for d in shape or ()]
        feed = net.graph.node(id).content
        assert isinstance(feed, Feed)
        name = f"{feed.name} " if len(net.graph.inputs) > 1 else ""
        made.append(name + "×".join(map(str, dims)))
    return ", ".join(made)


def _near(found: Fitting) -> str:
    listed = {var: ", ".join(map(str, values)) for var, values in found.near.items()}
    if len(set(listed.values())) == 1 and len(listed) == len(found.net.sizes):
        return next(iter(listed.values()))
    return "; ".join(f"{var} = {text}" for var, text in listed.items())


def notes(found: Fitting, code: Code) -> list[str]:
    """A line for each size that does not fit, or not in training."""
    return [text for column in found.columns if (text := _note(found, column, code))]


def _note(found: Fitting, column: Column, code: Code) -> str:
    net, size = found.net, "×".join(map(str, column.at.values()))
    if column.refused:
        reason = _refusals({var: net.fits[var] for var in column.refused}, column.at, code)
        if column.after is None:
            return f"{size} does not fit: {reason}"
        after = "×".join(map(str, column.after.values()))
        return f"{size} does not fit: {reason}; the next that fits is {after}"
    if column.untrained:
        reason = _refusals({var: net.training.of(var) for var in column.untrained}, column.at, code)
        return f"{size} does not fit in training: {reason}"
    return ""


def _refusals(sets: dict[str, SizeSet], at: dict[str, int], code: Code) -> str:
    """`H = 8 and W = 8 are below 16`, `H = 225 does not meet H % 16 == 0`."""
    bounds: dict[str, list[str]] = {}
    unmet: dict[str, SizeSet] = {}
    said = []
    for var, fits in sets.items():
        if not fits:
            said.append(f"no {var} fits")
        elif (least := fits.least) is not None and at[var] < least:
            bounds.setdefault(f"below {least}", []).append(f"{var} = {at[var]}")
        elif fits.most is not None and at[var] > fits.most:
            bounds.setdefault(f"above {fits.most}", []).append(f"{var} = {at[var]}")
        else:
            unmet[var] = fits
    if unmet:
        text = spoken(unmet.items())
        named, verb = " and ".join(f"{var} = {at[var]}" for var in unmet), "do" if len(unmet) > 1 else "does"
        said.append(f"{named} {verb} not {f'meet {code(text)}' if len(text) <= LONGEST else 'fit'}")
    for bound, names in bounds.items():
        said.append(f"{' and '.join(names)} {'are' if len(names) > 1 else 'is'} {bound}")
    return " and ".join(said)
