"""Compares what resdsl proves of a program with what torch does, size by size, and counts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from resdsl.conditions import clauses, condition
from resdsl.diagnostics.model import Severity
from resdsl.pipeline import check
from resdsl.sets import EVERY, NONE, SizeSet
from resdsl.sizes import shape_at
from resdsl.source import Source

from .oracle import Oracle, Refused, Shape
from .program import Condition, Named, Program
from .render import render

SOMETIMES = {"not-every-size", "no-size"}
NEVER = {"shape-mismatch", "shortcut-mismatch", "input-too-small", "bad-shape", "bad-input"}
"""Errors that say that a net runs at no size, or at some and endlessly many others not; there are no others."""
SWEPT, LARGEST = 300, 5_000
Sizes = dict[str, int]


class Disagreement(AssertionError):
    """Torch and the proof differ."""


@dataclass
class Claim:
    """What resdsl says of a program: the sizes that fit, and the shapes of the values there."""

    text: str
    fits: Mapping[str, SizeSet]
    shapes: Callable[[Sizes], dict[str, Shape]]
    errors: frozenset[str] = frozenset()

    def admits(self, sizes: Sizes) -> bool:
        """The verdict on an input."""
        return all(sizes[var] in fits for var, fits in self.fits.items())

    @property
    def kind(self) -> str:
        """How often the net fits."""
        sets = self.fits.values()
        if not all(sets):
            return "never"
        if any(s.finite for s in sets):
            return "at finitely many"
        if all(s == EVERY for s in sets):
            return "always"
        return "from a size on" if all(s.upward for s in sets) else "at some remainders"


@dataclass
class Count:
    """What was compared."""

    nets: int = 0
    accepted: int = 0
    rejected: int = 0
    shapes: int = 0
    calls: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    ranks: Counter[int] = field(default_factory=Counter)

    def __iadd__(self, other: Count) -> Count:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self

    def __str__(self) -> str:
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(self.kinds.items()))
        ranks = ", ".join(f"{n} in {rank}-D" for rank, n in sorted(self.ranks.items()))
        return (
            f"{self.nets} nets ({ranks}) at {self.accepted + self.rejected} sizes: {self.accepted} accepted with "
            f"{self.shapes} shapes, {self.rejected} rejected; {self.calls} calls of torch. "
            f"The nets fit: {kinds}. Disagreements: 0."
        )


def claim(program: Program, text: str | None = None, training: bool = False) -> Claim:
    """Checks the spec of a program with resdsl, for what runs in evaluation or in training."""
    text = render(program) if text is None else text
    checked = check(Source("n.res", text), nets=("n",))
    errors = {d.code.slug: d for d in checked.diagnostics if d.severity is Severity.ERROR}
    if strange := errors.keys() - SOMETIMES - NEVER:
        raise ValueError(f"no such error was meant: {[errors[e].message for e in strange]}\n{text}")
    net = checked.nets.get("n")
    if net is None:
        return Claim(
            text, dict.fromkeys(program.variables or ("",), NONE), lambda sizes: {}, frozenset(errors)
        )
    assert set(net.fits) == set(program.variables), text
    fits = {v: net.where.of(v) & net.training.of(v) for v in net.sizes} if training else net.fits
    predicted = {}
    if all(fits.values()):
        steps = program.body.steps + (program.training.steps if training and program.training else ())
        named = [step.name for step in steps if isinstance(step, Named)]
        predicted = {name: net.graph.shape(net.graph.values[name]) for name in named}
        predicted[""] = net.graph.output_shapes[0]

    def shapes(sizes: Sizes) -> dict[str, Shape]:
        return {name: shape_at(shape, sizes) for name, shape in predicted.items() if shape is not None}

    made = Claim(text, fits, shapes, frozenset(errors))
    assert None not in predicted.values(), text
    assert not errors.keys() & NEVER or made.kind in ("never", "at finitely many"), text
    assert errors or made.kind != "never", text
    return made


def prove(program: Program, told: Claim | None = None, swept: int = SWEPT) -> Count:
    """Compares the claim with torch at every size up to `swept`, and at some larger ones."""
    told = told or claim(program)
    oracle = Oracle(program)
    count = Count(1, kinds=Counter([told.kind]), ranks=Counter([len(program.inputs[0].axes)]))
    for sizes in inputs(program, told.fits, swept):
        compare(told, oracle, sizes, count)
    if program.training is not None:
        told = claim(program, told.text, training=True)
        for sizes in inputs(program, told.fits, swept // 3):
            compare(told, oracle, sizes, count, training=True)
    count.calls = oracle.torch.calls
    return count


def admitting(program: Program, told: Claim) -> Program:
    """The program with a `where` that admits exactly what fits, in the words of resdsl.

    Without the steps of training, which may fit at none of these sizes.
    """
    more = [
        Condition(var, ", ".join(clauses(fits, "{v}")), condition(fits, "{v}", python=True))
        for var, fits in told.fits.items()
        if fits != EVERY
    ]
    return replace(program, where=(*program.where, *more), training=None)


def compare(told: Claim, oracle: Oracle, sizes: Sizes, count: Count, training: bool = False) -> None:
    """One input size: both accept it with the same shapes, or both reject it."""
    admitted = told.admits(sizes)
    try:
        shapes = oracle.shapes(sizes, training)
    except Refused as refused:
        if admitted:
            raise Disagreement(_words(told, sizes, f"torch refuses: {refused}", oracle.program)) from None
        count.rejected += 1
        return
    if not admitted:
        raise Disagreement(_words(told, sizes, f"torch runs: {shapes}", oracle.program))
    predicted = told.shapes(sizes)
    wrong = {n: (s, shapes[n]) for n, s in predicted.items() if s != shapes[n]}
    if wrong:
        raise Disagreement(_words(told, sizes, f"(predicted, torch's): {wrong}", oracle.program))
    count.accepted += 1
    count.shapes += len(predicted)


def inputs(program: Program, fits: Mapping[str, SizeSet], swept: int) -> Iterator[Sizes]:
    """Every size of one variable, and some larger ones, with others for the rest of the variables.

    These are the same, at random, or such as fit: then the first alone decides.
    """
    rng = random.Random(f"sizes {program.seed}")
    first, *rest = rng.sample(program.variables, len(program.variables)) if program.variables else [""]
    fitting = {var: _some(fits.get(var, EVERY)) for var in rest}
    for size in [*range(1, swept + 1), *_larger(fits.get(first, EVERY), rng)]:
        way = rng.choice(("same", "fitting", "fitting", "random"))
        sizes = {first: size}
        for var in rest:
            if way == "fitting" and fitting[var]:
                sizes[var] = rng.choice(fitting[var])
            else:
                sizes[var] = size if way == "same" else rng.randint(1, swept)
        yield sizes


def _some(sizes: SizeSet) -> list[int]:
    """The smallest sizes of a set."""
    return [size for _, size in zip(range(20), sizes, strict=False)]


def _larger(sizes: SizeSet, rng: random.Random) -> list[int]:
    """Sizes beyond the sweep: at random, and around multiples of the period."""
    found = [rng.randint(SWEPT, LARGEST) for _ in range(10)]
    for _ in range(3):
        near = sizes.period * rng.randint(1, max(1, LARGEST // sizes.period)) + sizes.start
        found += [near - 1, near, near + 1]
    return [size for size in found if size >= 1]


def _words(told: Claim, sizes: Sizes, what: str, program: Program) -> str:
    verdict = "takes" if told.admits(sizes) else "rejects"
    return f"seed {program.seed}: resdsl {verdict} {sizes}, {what}\n{dict(told.fits)}\n{told.text}"
