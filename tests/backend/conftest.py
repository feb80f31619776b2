"""What the tests of the backend share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def eager_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lowered graphs run as they are, which takes no time to compile."""
    from resdsl.backend.signature import aot

    def as_it_is(graph: Any, *_: Any, **__: Any) -> Any:
        return (lambda args: graph(*args)), []

    monkeypatch.setattr(aot, "_compile", as_it_is)


@pytest.fixture
def fresh_dynamo() -> Iterator[None]:
    """`torch.compile` remembers nothing of other tests."""
    import torch

    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    yield
    torch._dynamo.reset()
