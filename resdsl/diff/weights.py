"""Which tensors of one net another takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

from resdsl.diff.state import Stored


@dataclass(frozen=True)
class Weights:
    """The tensors of two nets, sorted by what `load_state_dict` makes of them.

    Attributes:
        a, b: all, by key.
        carried: keys that both have, with the same shape.
        reshaped: keys that both have, with other shapes: torch refuses to load any of the net.
        only_a, only_b: keys that one has ("unexpected" and "missing" in torch's message).
        renames: keys of `a` and the key of the same layer in `b`, where that is another one.
        complete: with the renames every tensor of `a` has its place in `b`, and the function is the same.
    """

    a: dict[str, Stored]
    b: dict[str, Stored]
    carried: tuple[str, ...]
    reshaped: tuple[str, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    renames: dict[str, str]
    complete: bool = False

    @property
    def strict(self) -> bool:
        """Whether `b.load_state_dict(a.state_dict(), strict=True)` succeeds."""
        return not (self.reshaped or self.only_a or self.only_b)

    @cached_property
    def layers(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """The keys of each layer, of both nets."""
        return _keys_of(self.a), _keys_of(self.b)

    @cached_property
    def torn(self) -> set[str]:
        """Layers of `a` of which not all tensors are carried."""
        kept = set(self.carried)
        return {tensor.module for key, tensor in self.a.items() if key not in kept}

    @property
    def misplaced(self) -> tuple[str, ...]:
        """Keys that are carried, to another layer than the one they come from."""
        return tuple(k for k in self.carried if k in self.renames)

    @property
    def rename_map(self) -> dict[str, str]:
        """Every key of `a` that has a place in `b`, with its key there: the carried ones and the renamed."""
        taken = set(self.renames.values())
        places = {k: self.renames.get(k, k if k not in taken else None) for k in self.a}
        kept = set(self.carried)
        return {k: there for k, there in places.items() if there is not None and (there != k or k in kept)}


def weights(
    a: dict[str, Stored], b: dict[str, Stored], modules: Iterable[tuple[str, str]], *, complete: bool
) -> Weights:
    """Sort the tensors of two nets.

    Args:
        a: the tensors of one, by key.
        b: the tensors of the other.
        modules: layers of the first, and of the second, that belong to each other under other names.
        complete: these are all layers whose names differ, and the nets compute the same.
    """
    carried = tuple(k for k in a if k in b and b[k].takes(a[k]))
    renames = _renames(a, b, dict(modules))
    if not complete:  # of names that both have, the shape was changed, and the layer is the same
        ours = {k: t for k, t in a.items() if k not in b and k not in renames}
        taken = set(renames.values())
        theirs = {k: t for k, t in b.items() if k not in a and k not in taken}
        renames |= _renames(ours, theirs, _moved(list(ours.values()), list(theirs.values())))
    return Weights(
        a,
        b,
        carried,
        tuple(k for k in a if k in b and not b[k].takes(a[k])),
        tuple(k for k in a if k not in b),
        tuple(k for k in b if k not in a),
        renames,
        complete,
    )


def _renames(a: dict[str, Stored], b: dict[str, Stored], modules: dict[str, str]) -> dict[str, str]:
    """Keys of layers under other names, where the shapes agree."""
    found: dict[str, str] = {}
    for key, tensor in a.items():
        there = modules.get(tensor.module)
        if there is not None and there != tensor.module:
            other = there + key[len(tensor.module) :]
            if other in b and b[other].takes(tensor):
                found[key] = other
    return found


def _moved(a: list[Stored], b: list[Stored]) -> dict[str, str]:
    """Layers that seem to be the same in another scope: the last name, the tensors and the order are equal."""
    ours, theirs = _tensors_of(a), _tensors_of(b)
    matcher = SequenceMatcher(
        None, [_looks(*m) for m in ours.items()], [_looks(*m) for m in theirs.items()], False
    )
    left, right = list(ours), list(theirs)
    found: dict[str, str] = {}
    for i, j, size in matcher.get_matching_blocks():
        found.update(zip(left[i : i + size], right[j : j + size], strict=True))
    return found


def _keys_of(tensors: dict[str, Stored]) -> dict[str, list[str]]:
    made: dict[str, list[str]] = {}
    for key, tensor in tensors.items():
        made.setdefault(tensor.module, []).append(key)
    return made


def _tensors_of(tensors: list[Stored]) -> dict[str, list[Stored]]:
    made: dict[str, list[Stored]] = {}
    for tensor in tensors:
        made.setdefault(tensor.module, []).append(tensor)
    return made


def _looks(module: str, tensors: list[Stored]) -> tuple[object, ...]:
    return module.rpartition(".")[2], *((t.key.removeprefix(module), t.shape) for t in tensors)


def params(tensors: dict[str, Stored], keys: Iterable[str]) -> int:
    """Trained values of some tensors."""
    return sum(tensors[key].params for key in keys)
