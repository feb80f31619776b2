"""Chooses the parameters of a class: which literals differ between its members, and what to call them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from resdsl.emit.names import Word, identifier, literal
from resdsl.emit.terms import Slot

Vector = tuple[Any, ...]
"""A value in each member."""

_COUNTS = """in_channels out_channels num_features in_features out_features groups num_channels
normalized_shape embed_dim channels"""
CHANNELS = frozenset(_COUNTS.split())
"""Torch's words for numbers of channels."""

_LEAST_BASE = 8
_MOST_TIMES = 16


@dataclass
class Parameters:
    """The parameters of a class, as they are found.

    Attributes:
        spec: arguments of the block in the spec that are literals: their values.
        inputs: channels of the input; `outputs`: of the output.
        chosen: the parameters; `roles`: what torch calls each.
    """

    spec: dict[str, Vector]
    inputs: Vector | None
    outputs: Vector | None
    chosen: dict[str, Vector] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)

    def text(self, slots: Sequence[Slot]) -> str | None:
        """How a literal is written: itself, or with a parameter. None where it is left out."""
        slot = slots[0]
        vector = tuple(s.value for s in slots)
        if all(same(v, vector[0]) for v in vector):
            return None if same(vector[0], slot.default) else literal(vector[0])
        return self._named(slot, vector)

    def _named(self, slot: Slot, vector: Vector) -> str:
        """The text for values that differ, making a parameter if none fits."""
        role = slot.role
        exact = [n for n, v in self.spec.items() if v == vector and _fits(n, role)]
        if exact:
            return self._take(role if role in exact else exact[0], vector, role)
        if role == "padding":
            for name, values in (*self.spec.items(), *self.chosen.items()):
                if self.roles.get(name) == "kernel_size" and vector == _halves(values):
                    return f"{name} // 2"
        counts = role in CHANNELS
        for name, values in self.spec.items():
            text = self._multiple(name, values, vector) if counts else None
            if text is not None:
                return text
        if counts and vector == self.inputs:
            return self._take("in_channels", vector, "in_channels")
        for name, values in self.chosen.items():
            if values == vector and _fits(name, role):
                return name
            text = self._multiple(name, values, vector) if counts else None
            if text is not None:
                return text
        if counts and self.inputs is not None:
            text = self._multiple("in_channels", self.inputs, vector)
            if text is not None:
                return text
        name = "out_channels" if counts and vector == self.outputs else identifier(slot.name or role)
        if (name in self.chosen or name in self.spec) and slot.owner:
            name = identifier(f"{slot.owner}_{name}")
        base, number = name, 2
        while name in self.chosen or name in self.spec:
            name, number = f"{base}_{number}", number + 1
        return self._take(name, vector, role)

    def _take(self, name: str, vector: Vector, role: str) -> str:
        name = identifier(name)
        self.chosen.setdefault(name, vector)
        self.roles.setdefault(name, role)
        return name

    def _multiple(self, name: str, values: Vector, vector: Vector) -> str | None:
        """`4 * width`, `width // 2`."""
        pairs = list(zip(values, vector, strict=True))
        if any(type(a) is not int or type(b) is not int or a < _LEAST_BASE or b < 1 for a, b in pairs):
            return None
        for times in range(2, _MOST_TIMES + 1):
            if all(b == times * a for a, b in pairs):
                return f"{times} * {self._take(name, values, 'channels')}"
            if all(a == times * b for a, b in pairs):
                return f"{self._take(name, values, 'channels')} // {times}"
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
            more = {b - a for a, b in zip(values, vector, strict=True) if type(a) is type(b) is int}
            if len(more) == 1 and len(values) > 1 and name in ("in_channels", *self.spec):
                return f"{name} + {more.pop()}".replace("+ -", "- ")
        return None

    def leading(self) -> list[str]:
        """The first parameters that count channels, which are given by position."""
        return [n for n in self.ordered() if self._counts(n)]

    def _counts(self, name: str) -> bool:
        return self.roles[name] in CHANNELS - {"groups"}

    def ordered(self) -> list[str]:
        """The parameters: `in_channels` first, then as in the spec, then as found."""
        spec = [identifier(n) for n in self.spec]
        rest = [n for n in self.chosen if n not in spec and n != "in_channels"]
        first = ["in_channels"] if "in_channels" in self.chosen and "in_channels" not in spec else []
        names = first + [n for n in spec if n in self.chosen] + rest
        return sorted(names, key=lambda n: not self._counts(n))


def _fits(name: str, role: str) -> bool:
    """Whether a parameter may stand for a value: equal numbers alone may be chance."""
    family = {"stride": ("stride",), "padding": ("padding", "dilation"), "dilation": ("dilation",)}
    return role not in family or name in family[role]


def _halves(values: Vector) -> Vector:
    return tuple(v // 2 if type(v) is int else v for v in values)


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
