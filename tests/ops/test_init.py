from __future__ import annotations

from dataclasses import MISSING
from itertools import product
from math import log2, prod
from typing import Any

import pytest

from resdsl.ops.base import Init, Reject
from resdsl.ops.init import INITS, TABLES, make

NEEDED: dict[str, Any] = {"value": -4.6, "std": 0.02}
FILLS = [name for name in INITS if name not in TABLES]


@pytest.mark.parametrize("name", FILLS)
def test_torch_has_it(name: str) -> None:
    torch = pytest.importorskip("torch")
    given = {n: NEEDED[n] for n, (_, default) in INITS[name].items() if default is MISSING}
    init = make(name, given)
    getattr(torch.nn.init, init.function)(torch.empty(4, 4), **dict(init.arguments))


@pytest.mark.parametrize("name", FILLS)
def test_defaults_are_what_torch_is_told(name: str) -> None:
    """An argument left out has torch's default."""
    torch = pytest.importorskip("torch")
    given = {n: NEEDED.get(n, default) for n, (_, default) in INITS[name].items()}
    init, every = make(name, given), {{"value": "val"}.get(n, n): v for n, v in given.items()}
    filled = []
    for arguments in (dict(init.arguments), every):
        torch.manual_seed(0)
        filled.append(getattr(torch.nn.init, init.function)(torch.empty(4, 4), **arguments))
    assert torch.equal(*filled)


def test_arguments() -> None:
    fan_out = make("kaiming_normal", {"mode": "fan_out"})
    assert fan_out == Init("kaiming_normal_", (("mode", "fan_out"), ("nonlinearity", "relu")))
    assert make("zeros", {}) == Init("zeros_")


@pytest.mark.parametrize(
    ("name", "args", "code"),
    [
        ("constant", {}, "missing-argument"),
        ("normal", {"std": -1}, "bad-argument"),
        ("normal", {"std": True}, "bad-argument"),
        ("kaiming_normal", {"mode": "fan"}, "bad-argument"),
        ("kaiming_uniform", {"a": 1}, "bad-argument"),
        ("kaiming_uniform", {"a": 1, "nonlinearity": "tanh"}, "bad-argument"),
        ("relative_position_index", {"window": 7}, "bad-argument"),
        ("relative_position_index", {"window": (7, 0)}, "bad-argument"),
    ],
)
def test_rejected(name: str, args: dict[str, Any], code: str) -> None:
    with pytest.raises(Reject) as caught:
        make(name, args)
    assert caught.value.code == code


@pytest.mark.parametrize("window", [(7, 7), (2, 3), (8, 7, 7), (4,)])
def test_relative_position_index(window: tuple[int, ...]) -> None:
    """One number for each step from one position of a window to another, in the order of the steps."""
    init = make("relative_position_index", {"window": window})
    torch = pytest.importorskip("torch")
    from .torch_text import NAMES

    count = prod(window)
    assert init.elements == count**2
    table = NAMES["relative_position_index"](window, count, count)
    places = list(product(*map(range, window)))
    steps = sorted({tuple(a - b for a, b in zip(p, q, strict=True)) for p in places for q in places})
    expected = [
        [steps.index(tuple(a - b for a, b in zip(p, q, strict=True))) for q in places] for p in places
    ]
    assert torch.equal(table, torch.tensor(expected))


def test_relative_coords_table() -> None:
    init = make("relative_coords_table", {"window": (3, 5)})
    torch = pytest.importorskip("torch")
    from .torch_text import NAMES

    assert init.elements == 5 * 9 * 2
    table = NAMES["relative_coords_table"]((3, 5), 5, 9, 2)
    assert torch.equal(table[2, 4], torch.zeros(2))
    assert table[0, 0].tolist() == pytest.approx([-log2(9) / 3] * 2)
    assert table[3, 6].tolist() == pytest.approx([log2(5) / 3] * 2)
