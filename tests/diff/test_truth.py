"""What `diff` says of weights, and what torch does with them."""

from __future__ import annotations

from typing import Any

import pytest

from resdsl import load
from resdsl.diff.compare import Difference, compare
from resdsl.diff.state import state
from resdsl.graph.cost import params
from resdsl.graph.model import Net
from resdsl.sizes import shape_at
from tests.diff.pairs import BASE, BUNDLED, CALLS, CHANGES, called, changed, everything, text

torch = pytest.importorskip("torch")

from resdsl.backend.build import build  # noqa: E402
from tests.backend.reference import logits, randomise  # noqa: E402


def _sizes(a: Net, b: Net) -> tuple[dict[str, int], dict[str, int]]:
    """Small input sizes at which both fit, the same where there are such."""
    for size in (32, 64, 96, 188):
        at = [dict.fromkeys(n.sizes, size) for n in (a, b)]
        if all(v in n.fits[k] for n, given in zip((a, b), at, strict=True) for k, v in given.items()):
            return at[0], at[1]
    small = [{k: fits.after(64) or 0 for k, fits in n.fits.items()} for n in (a, b)]
    return small[0], small[1]


def _input(net: Net, at: dict[str, int]) -> Any:
    assert len(net.graph.inputs) == 1
    shape = shape_at(net.graph.input_shapes[0] or (), at)
    return torch.randn(2, *shape, generator=torch.Generator().manual_seed(1))


def _run(module: Any, x: Any, *, training: bool) -> Any:
    module.train(training)
    torch.manual_seed(3)
    with torch.no_grad():
        out = logits(module(x))
    assert torch.isfinite(out).all()
    return out


def _same(a: Any, b: Any) -> bool:
    return a.shape == b.shape and bool(torch.equal(a, b))


def _check(found: Difference) -> None:
    """Load the weights of one net into the other for real, and compare what they do."""
    a, b = build(found.a), build(found.b)
    randomise(a)
    kept, state = found.weights, a.state_dict()
    shapes = {k: v.shape for k, v in b.state_dict().items()}
    assert list(kept.a) == list(state)
    assert set(kept.carried) == {k for k, v in state.items() if k in shapes and v.shape == shapes[k]}
    assert set(kept.only_a) == state.keys() - shapes.keys()
    assert set(kept.only_b) == shapes.keys() - state.keys()
    if kept.strict:
        assert str(b.load_state_dict(state, strict=True)) == "<All keys matched successfully>"
    else:
        with pytest.raises(RuntimeError, match=r"Error\(s\) in loading state_dict"):
            b.load_state_dict(state, strict=True)
    if found.verdict == "names" or kept.complete:
        b.load_state_dict({kept.rename_map[k]: v for k, v in state.items()}, strict=True)
    elif not kept.strict:
        mapped = {new: state[old] for old, new in kept.rename_map.items()}
        assert not b.load_state_dict(mapped, strict=False).unexpected_keys
        return
    at_a, at_b = _sizes(found.a, found.b)
    x, y = _input(found.a, at_a), _input(found.b, at_b)
    equal = _same(_run(a, x, training=False), _run(b, y, training=False))
    assert equal == (found.same_evaluation or kept.complete)
    if kept.complete and kept.strict:  # as the keys stand, they differ
        b.load_state_dict(state, strict=True)
        assert not _same(_run(a, x, training=False), _run(b, y, training=False))
        return
    if not equal or x.shape != y.shape:
        return
    ours, theirs = _run(a, x, training=True), _run(b, y, training=True)
    after = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    if found.verdict == "names":
        after = zip([], [], strict=True)
    assert (_same(ours, theirs) and all(_same(s, t) for s, t in after)) == found.same_training


@pytest.mark.parametrize("name", CHANGES)
def test_small(name: str) -> None:
    found = compare(text(BASE), changed(name))
    assert found.verdict == CHANGES[name][2]
    _check(found)
    _check(compare(changed(name), text(BASE)))


@pytest.mark.parametrize(("a", "b", "verdict"), CALLS)
def test_steps(a: str, b: str, verdict: str) -> None:
    found = compare(called(a), called(b))
    assert found.verdict == verdict
    _check(found)


@pytest.mark.parametrize("pair", BUNDLED, ids=" ".join)
def test_bundled(pair: tuple[str, str]) -> None:
    a, b = (load(name).net for name in pair)
    found = compare(a, b)
    assert found.verdict == BUNDLED[pair]
    _check(found)


def test_start_is_that_of_torch() -> None:
    """Where initial weights differ, torch's do: in the mean or the spread."""
    found = compare(text(BASE), changed("init"))
    one, two = build(found.a).state_dict(), build(found.b).state_dict()
    torch.manual_seed(0)
    other = {c for c in found.weights.carried if found.weights.a[c].start != found.weights.b[c].start}
    assert other == {"stem.weight"}
    assert one["stem.weight"].std() > 5 * two["stem.weight"].std()


def test_state_of_every_net() -> None:
    """Keys in order, shapes, dtypes, what is trained, and the number of parameters."""
    for name, net in everything():
        with torch.device("meta"):
            module = build(net)
        ours = state(net.graph)
        theirs = [(k, tuple(v.shape), str(v.dtype)) for k, v in module.state_dict().items()]
        assert [(k, s.shape, f"torch.{s.dtype}") for k, s in ours.items()] == theirs, name
        assert {k for k, s in ours.items() if s.trained} == {k for k, _ in module.named_parameters()}, name
        assert sum(s.params for s in ours.values()) == params(net.graph), name
        owners = {key: module.get_submodule(s.module) for key, s in ours.items() if key != s.module}
        assert all(isinstance(m, torch.nn.Module) for m in owners.values()), name
