"""What runs where torch cannot compile: each reason is provoked, and the result is eager's, with one warning."""

from __future__ import annotations

import re
import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from resdsl.backend import dispatch  # noqa: E402
from resdsl.backend.fallback import Eagerly, Fallback, because  # noqa: E402

from .compiled import agree, made, step  # noqa: E402


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    """Nothing is in torch's caches, and inference takes no oneDNN."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(dispatch, "available", lambda: False)
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def eager_with(reason: str) -> None:
    found = made()
    x = torch.randn(2, 3, 12, 12)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        agree(step(found.train().module, x), step(found.eager, x))
        with torch.no_grad():
            torch.testing.assert_close(found.train(False).module(x), found.eager(x))
    (said,) = (str(w.message) for w in caught if w.category is Eagerly)
    assert re.search(f"`n` runs eagerly where torch would compile it: {reason}", said), said
    assert found.how.startswith("eagerly: ")


def test_without_a_compiler() -> None:
    config = pytest.importorskip("torch._inductor.config")
    with config.patch({"cpp.cxx": (None, "no-such-compiler"), "fx_graph_cache": False}):
        eager_with("there is no C\\+\\+ compiler; install g\\+\\+")


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch._inductor.codecache as cache

    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "write", full)
    monkeypatch.setattr(cache, "write_atomic", full)
    eager_with("the compiler cannot write its files .*free space .* TORCHINDUCTOR_CACHE_DIR")


def test_a_compiler_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever torch fails with, it is the reason, in a line."""
    compile_ = torch.compile

    def broken(*_: Any) -> Any:
        raise RuntimeError("what a pity\nand more")

    def changed(*_: Any) -> Any:
        raise dispatch.NotLowered("torch has changed")

    monkeypatch.setattr(
        torch, "compile", lambda f, **o: compile_(f, **(o | {"backend": broken, "mode": None}))
    )
    monkeypatch.setattr(dispatch.Lowering, "program", changed)
    eager_with(".* raised: RuntimeError: what a pity$")


def test_what_is_wrong_with_the_inputs_is_no_reason() -> None:
    """A mistake of the caller is raised as in eager, and compiling goes on."""
    fallback = Fallback("n")
    compiled = fallback.guarded(
        lambda: torch.compile(lambda a, b: a @ b, backend="eager"), lambda a, b: a @ b
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
            compiled(torch.ones(2, 3), torch.ones(2, 3))
        assert compiled(torch.ones(2, 3), torch.ones(3, 2)).shape == (2, 2)
    assert fallback.reason == ""


def test_an_interrupt_is_none_either() -> None:
    def interrupted() -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Fallback("n").guarded(interrupted, lambda x: x)(1)


def test_reasons() -> None:
    assert because(RuntimeError("InvalidCxxCompiler: none")).startswith("there is no C++ compiler")
    assert because(RuntimeError("LoweringException: a\nb")) == "LoweringException: a"
    assert because(RuntimeError("")) == "RuntimeError"
