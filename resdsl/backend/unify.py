"""Chooses the parameters of a class: which literals differ between its members, and what to call them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from resdsl.backend.names import Word, identifier, literal
from resdsl.backend.terms import Slot

Vector = tuple[Any, ...]
"""A value in each member."""

CHANNELS = frozenset(
    "in_channels out_channels num_features in_features out_features groups num_channels normalized_shape "
    "channels".split()
)
_LEAST_BASE = 8
_MOST_TIMES = 16


@dataclass
class Parameters:
    """The parameters of a class, as they are found.

    Attributes:
        spec: arguments of the block in the spec that are literals: their values.
        inputs: channels of the input; `outputs`: of the output.
        chosen: the parameters.
    """

    spec: dict[str, Vector]
    inputs: Vector | None
    outputs: Vector | None
    chosen: dict[str, Vector] = field(default_factory=dict)

    def text(self, slots: Sequence[Slot]) -> str | None:
        """How a literal is written: itself, or with a parameter. None where it is left out."""
        slot = slots[0]
        vector = tuple(s.value for s in slots)
        if all(same(v, vector[0]) for v in vector):
            return None if same(vector[0], slot.default) else literal(vector[0])
        return self._named(slot.role, vector)

    def _named(self, role: str, vector: Vector) -> str:
        """The text for values that differ, making a parameter if none fits."""
        exact = [n for n, v in self.spec.items() if v == vector]
        if exact:
            return self._take(role if role in exact else exact[0], vector)
        counts = role in CHANNELS
        for name, values in self.spec.items():
            text = self._multiple(name, values, vector) if counts else None
            if text is not None:
                return text
        if counts and vector == self.inputs:
            return self._take("in_channels", vector)
        for name, values in self.chosen.items():
            if values == vector:
                return name
            text = self._multiple(name, values, vector) if counts else None
            if text is not None:
                return text
        if counts and self.inputs is not None:
            text = self._multiple("in_channels", self.inputs, vector)
            if text is not None:
                return text
        name = "out_channels" if counts and vector == self.outputs else identifier(role)
        base, number = name, 2
        while name in self.chosen or name in self.spec:
            name, number = f"{base}_{number}", number + 1
        return self._take(name, vector)

    def _take(self, name: str, vector: Vector) -> str:
        name = identifier(name)
        self.chosen.setdefault(name, vector)
        return name

    def _multiple(self, name: str, values: Vector, vector: Vector) -> str | None:
        """`4 * width`, `width // 2`."""
        pairs = list(zip(values, vector, strict=True))
        if any(type(a) is not int or type(b) is not int or a < _LEAST_BASE or b < 1 for a, b in pairs):
            return None
        for times in range(2, _MOST_TIMES + 1):
            if all(b == times * a for a, b in pairs):
                return f"{times} * {self._take(name, values)}"
            if all(a == times * b for a, b in pairs):
                return f"{self._take(name, values)} // {times}"
        return None

    def known(self, vector: Vector) -> str | None:
        """A number of channels in words, if it can be said with the parameters there are."""
        if len(set(vector)) == 1:
            return str(vector[0])
        for name, values in self.chosen.items():
            if values == vector:
                return name
        before = dict(self.chosen)
        for name, values in before.items():
            text = self._multiple(name, values, vector)
            if text is not None:
                return text
        return None

    def ordered(self) -> list[str]:
        """The parameters: `in_channels` first, then as in the spec, then as found."""
        spec = [identifier(n) for n in self.spec]
        rest = [n for n in self.chosen if n not in spec and n != "in_channels"]
        first = ["in_channels"] if "in_channels" in self.chosen and "in_channels" not in spec else []
        return first + [n for n in spec if n in self.chosen] + rest


def same(a: Any, b: Any) -> bool:
    """Whether two literals are the same: 1, 1.0 and True are not."""
    return type(a) is type(b) and bool(a == b)


def annotation(vector: Vector) -> str:
    """The type of a parameter."""
    names = []
    for value in vector:
        if isinstance(value, Word):
            name = "type[nn.Module]"
        elif isinstance(value, tuple):
            name = "tuple[int, ...]"
        else:
            name = type(value).__name__
        if name not in names:
            names.append(name)
    return " | ".join(sorted(names, key=len))
