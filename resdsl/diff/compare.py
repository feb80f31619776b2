"""Compares two nets. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from resdsl.diff.align import Forms
from resdsl.diff.function import Numbers, renamed
from resdsl.diff.layers import Change, Layers, layers
from resdsl.diff.stages import Pair, stages
from resdsl.diff.state import state
from resdsl.diff.weights import Weights, weights
from resdsl.domain import Domain
from resdsl.graph.model import Net
from resdsl.render.outline.rows import Table, rows

Verdict: TypeAlias = Literal[
    "identical", "sizes", "start", "training", "outputs", "names", "partial", "nothing"
]
"""What follows for the weights of the first net, from the best to the worst:

    identical   the same tensors and the same function
    sizes       the same, at other input sizes
    start       the same, from other initial weights
    training    the same outputs in evaluation, not in training
    outputs     strict load succeeds, but outputs differ
    names       the same function, with other names of tensors
    partial     some tensors carry over
    nothing     none does
"""


@dataclass(frozen=True)
class Difference:
    """What differs between two nets.

    Attributes:
        a, b: the nets.
        at_a, at_b: the input sizes they are counted at, by name; None where they are not known.
        weights: which tensors of `a` the other takes.
        same_evaluation: with the same weights, under the names that `weights` gives, outputs are equal.
        same_training: as well in training.
        same_start: tensors that carry over start from the same initialisers.
        layers: what differs, layer by layer.
    """

    a: Net
    b: Net
    at_a: dict[str, int] | None
    at_b: dict[str, int] | None
    weights: Weights
    same_evaluation: bool
    same_training: bool
    same_start: bool
    layers: Layers

    @property
    def changes(self) -> list[Change]:
        """The layers that differ in what they do, in the order of the text.

        Where outputs are equal, layers that seem to differ only stand elsewhere, as in another scope.
        """
        seen = ("training", "start") if self.same_evaluation else ("evaluation", "training", "start")
        return [c for c in self.layers.changes if c.effect in seen]

    @property
    def same_sizes(self) -> bool:
        """Whether they take the same inputs, of the same sizes."""
        return _takes(self.a) == _takes(self.b)

    @property
    def verdict(self) -> Verdict:
        """What follows for the weights."""
        if not self.weights.strict:
            if self.same_evaluation:
                return "names"
            return "partial" if self.weights.carried or self.weights.renames else "nothing"
        if not self.same_evaluation or self.weights.complete:
            return "outputs"
        if not self.same_training:
            return "training"
        if not self.same_start:
            return "start"
        return "identical" if self.same_sizes else "sizes"

    @cached_property
    def tables(self) -> tuple[Table, Table]:
        """The tables of both nets, which hold their counts."""
        return rows(self.a, self.at_a), rows(self.b, self.at_b)

    @cached_property
    def stages(self) -> list[Pair]:
        """The stages side by side."""
        return stages(*self.tables, self.changes, same=self.same_evaluation)

    @property
    def shows_stages(self) -> bool:
        """Whether a table of stages tells anything: with the same outputs, no number differs."""
        return not self.same_evaluation and any(pair.counts_differ for pair in self.stages)

    def __str__(self) -> str:
        from resdsl.diff.text import to_text

        return to_text(self)


def _takes(net: Net) -> object:
    return net.graph.input_shapes, net.fits


def compare(
    a: Net, b: Net, at_a: dict[str, int] | None = None, at_b: dict[str, int] | None = None
) -> Difference:
    """Compare two nets, at input sizes by name; by default those that their specs name."""
    at_a = (a.nominal if a.sizes else {}) if at_a is None else at_a
    at_b = (b.nominal if b.sizes else {}) if at_b is None else at_b
    one, two = state(a.graph), state(b.graph)
    forms = Forms()
    if forms.of(a.graph) == forms.of(b.graph):
        kept = weights(one, two, (), complete=False)
        return Difference(a, b, at_a, at_b, kept, True, True, True, Layers())
    found = layers(a.graph, b.graph)
    evaluation, names = _same(a, b, training=False)
    training, all_names = _same(a, b, training=True)
    moved = {x: y for x, y in (all_names or names or {}).items() if x != y}
    complete = bool(moved) and (evaluation or names is not None)
    modules = {**(dict(found.pairs) if not all_names else {}), **moved} if moved or not evaluation else {}
    kept = weights(one, two, modules.items(), complete=complete)
    start = all(one[k].start == two[k].start for k in kept.carried)
    if complete and not kept.strict:
        there = kept.rename_map
        complete = len(there) == len(one) == len(two)
        start = complete and all(one[k].start == two[there[k]].start for k in there)
        evaluation, training = complete, complete and all_names is not None
    return Difference(a, b, at_a, at_b, kept, evaluation, training, start, found)


def _same(a: Net, b: Net, *, training: bool) -> tuple[bool, dict[str, str] | None]:
    """Whether two nets compute the same from tensors of the same names; if not, the names under which they do."""
    numbers = Numbers(training, _shared(a, b))
    ours, theirs = numbers.outputs(a.graph), numbers.outputs(b.graph)
    if list(ours.items()) == list(theirs.items()):
        return True, None
    if list(ours) != list(theirs) or len(a.graph.inputs) != len(b.graph.inputs):
        return False, None
    return False, renamed(numbers, zip(ours.values(), theirs.values(), strict=True))


def _shared(a: Net, b: Net) -> Domain:
    """The input sizes that both take; all sizes where there are none."""
    both = {var: sizes & b.fits[var] for var, sizes in a.fits.items() if var in b.fits}
    return Domain(both) if all(both.values()) else Domain()
