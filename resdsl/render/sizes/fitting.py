"""What there is to say about the input sizes of a net: where it fits, what fails first, its shapes at some sizes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from resdsl.graph.given import tensor
from resdsl.graph.model import Feed, Net
from resdsl.graph.needs import Needed, conditions
from resdsl.render.outline.rows import rows
from resdsl.render.outline.steps import Steps
from resdsl.render.sizes.witness import Witness, witness
from resdsl.sets import EVERY, SizeSet
from resdsl.sizes import Shape

Verdict = Literal["fixed", "every", "implied", "stated", "stronger", "missing", "none"]
"""How `where` stands to what the steps need.

`fixed`: no size varies. `every`: nothing is needed or asked for. `implied`: there is no `where`, and only inputs
that are too small are refused. `stated`: `where` says what is needed, but for a least size. `stronger`: it refuses
sizes that the steps take. `missing`: it admits sizes that they do not take. `none`: nothing fits.
"""

MOST_STEPS = 1 << 16
LARGE = 1 << 12
"""An input size at which no window is too large, for nets that run at none."""


@dataclass(frozen=True)
class Column:
    """An input size that was asked for.

    Attributes:
        at: the size, by variable.
        refused: the variables whose size does not fit.
        untrained: those whose size fits, but not in training.
        after: the next larger size that fits in every axis; None where there is none, or it fits itself.
    """

    at: dict[str, int]
    refused: tuple[str, ...]
    untrained: tuple[str, ...]
    after: dict[str, int] | None

    @property
    def fits(self) -> bool:
        """Whether the net takes it, in evaluation."""
        return not self.refused


@dataclass(frozen=True)
class Line:
    """An input or a stage.

    Attributes:
        kind: `training` for a stage that runs in training only.
        values: its shape at each of the sizes; None where it does not run.
    """

    name: str
    kind: Literal["input", "stage", "training"]
    shape: Shape | None
    values: tuple[tuple[int, ...] | None, ...]


@dataclass(frozen=True)
class Fitting:
    """All that the report says.

    Attributes:
        smallest: the smallest size of each variable; None where nothing fits.
        largest: the largest of those that end.
        witnesses: the smallest sizes that fail, from the smallest that fits on, whatever `where` says.
        near: sizes around the net's own, or the first ones, by variable; none where nearly all fit.
    """

    net: Net
    verdict: Verdict
    smallest: dict[str, int] | None
    largest: dict[str, int]
    witnesses: list[Witness]
    near: dict[str, list[int]]
    columns: list[Column]
    lines: list[Line]

    @property
    def trains(self) -> bool:
        """Whether it takes the same sizes in training."""
        return all(self.net.fits[var] <= self.net.training.of(var) for var in self.net.sizes)


def fitting(net: Net, at: Sequence[dict[str, int]] | None = None) -> Fitting:
    """The report on a net at input sizes; at its own and the smallest by default. Raises NoSuchSize."""
    found = conditions(net.graph)
    smallest = {var: least for var, fits in net.fits.items() if (least := fits.least) is not None}
    possible = len(smallest) == len(net.sizes)
    if at is None:
        at = [] if net.nominal is None else [net.nominal]
        at = at if not possible or smallest in at else [*at, smallest]
    columns = [_column(net, {var: values[var] for var in net.sizes}) for values in at]
    return Fitting(
        net,
        _verdict(net, found),
        smallest if possible else None,
        {var: most for var, fits in net.fits.items() if (most := fits.most) is not None},
        _witnesses(net, found, smallest) if possible else [],
        {var: near for var in net.sizes if (near := _near(net.fits[var], (net.nominal or {}).get(var)))},
        columns,
        _lines(net, columns),
    )


# ---------------------------------------------------------------- where and what is needed


def _verdict(net: Net, found: list[Needed]) -> Verdict:
    if not net.sizes:
        return "fixed"
    if not all(net.fits.values()):
        return "none"
    if any(_admitted(net, found, var) for var in net.sizes):
        return "missing"
    if not all(net.needed.of(var) <= net.where.of(var) for var in net.sizes):
        return "stronger"
    if any(net.where.of(var) != EVERY for var in net.sizes):
        return "stated"
    return "implied" if any(net.needed.of(var) != EVERY for var in net.sizes) else "every"


def _admitted(net: Net, found: list[Needed], var: str) -> SizeSet:
    """The sizes that `where` admits though they are large enough and do not fit."""
    large = agree = EVERY
    for one in found:
        sets = one.condition.sets.get(var, EVERY)
        if not one.asks_least(var):
            agree &= sets
        elif not one.training:
            large &= sets
    return (net.where.of(var) & large) - agree


def _witnesses(net: Net, found: list[Needed], smallest: dict[str, int]) -> list[Witness]:
    """The smallest size of each variable that fails; variables that fail alike together."""
    made: list[Witness] = []
    for var, least in smallest.items():
        value = (~net.needed.of(var)).after(least)
        if value is None:
            continue
        new = witness(net, found, var, value, smallest)
        alike = next((w for w in made if (w.value, w.text) == (value, new.text)), None)
        if alike is None:
            made.append(new)
        else:
            made[made.index(alike)] = alike.of(var)
    return made


def _near(fits: SizeSet, around: int | None) -> list[int]:
    """Up to two sizes that fit on each side of one; without one the first five. None where all do, or one."""
    if fits.upward or not fits or fits.least == fits.most:
        return []
    if around is None:
        return list(islice(fits, 5))
    below = islice((v for v in range(around - 1, max(0, around - MOST_STEPS), -1) if v in fits), 2)
    return [*reversed(list(below)), *islice(_from(fits, around), 2 + (around in fits))]


def _from(fits: SizeSet, value: int) -> Iterable[int]:
    following = fits.after(value)
    while following is not None:
        yield following
        following = fits.after(following + 1)


# ---------------------------------------------------------------- the table


def _column(net: Net, at: dict[str, int]) -> Column:
    refused = tuple(var for var, value in at.items() if value not in net.fits[var])
    untrained = tuple(
        var for var, value in at.items() if var not in refused and value not in net.training.of(var)
    )
    after = {var: more for var, value in at.items() if (more := net.fits[var].after(value)) is not None}
    return Column(at, refused, untrained, after if refused and len(after) == len(at) else None)


def _lines(net: Net, columns: list[Column]) -> list[Line]:
    made = []
    for id, shape in zip(net.graph.inputs, net.graph.input_shapes, strict=True):
        feed = net.graph.node(id).content
        assert isinstance(feed, Feed)
        made.append(Line(feed.name, "input", shape, tuple(_value(shape, c) for c in columns)))
    table = rows(net, {var: (net.where.of(var) & net.training.of(var)).least or LARGE for var in net.sizes})
    evaluated = _evaluated(net, table.plan)
    for row in table.rows:
        training = row.steps[-1] not in evaluated  # the step whose shape is shown
        values = tuple(
            _value(row.shape, c) if c.fits and not (training and c.untrained) else None for c in columns
        )
        made.append(Line(row.name, "training" if training else "stage", row.shape, values))
    return made


def _evaluated(net: Net, plan: Steps) -> set[int]:
    """The numbers of the steps that run in evaluation."""
    names = net.graph.output_names or ("",) * len(plan.outputs)
    kept = [
        value.step
        for value, name in zip(plan.outputs, names, strict=True)
        if name not in net.graph.training_outputs
    ]
    found: set[int] = set()
    while kept:
        number = kept.pop()
        if number not in found:
            found.add(number)
            kept.extend(value.step for value in plan.steps[number].inputs)
    return found


def _value(shape: Shape | None, column: Column) -> tuple[int, ...] | None:
    return None if shape is None else tensor(shape, column.at)
