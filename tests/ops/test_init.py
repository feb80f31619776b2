from __future__ import annotations

from dataclasses import MISSING
from typing import Any

import pytest

from resdsl.ops.base import Init, Reject
from resdsl.ops.init import INITS, make

NEEDED: dict[str, Any] = {"value": -4.6, "std": 0.02}


@pytest.mark.parametrize("name", INITS)
def test_torch_has_it(name: str) -> None:
    torch = pytest.importorskip("torch")
    given = {n: NEEDED[n] for n, (_, default) in INITS[name].items() if default is MISSING}
    init = make(name, given)
    getattr(torch.nn.init, init.function)(torch.empty(4, 4), **dict(init.arguments))


@pytest.mark.parametrize("name", INITS)
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
        ("gauss", {}, "unknown-name"),
        ("normal", {"sd": 1}, "unknown-argument"),
        ("constant", {}, "missing-argument"),
        ("normal", {"std": -1}, "bad-argument"),
        ("normal", {"std": True}, "bad-argument"),
        ("kaiming_normal", {"mode": "fan"}, "bad-argument"),
    ],
)
def test_rejected(name: str, args: dict[str, Any], code: str) -> None:
    with pytest.raises(Reject) as caught:
        make(name, args)
    assert caught.value.code == code
