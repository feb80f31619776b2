"""A compiled module is an ordinary one: all that torch does with modules works, and gives what eager gives."""

from __future__ import annotations

import copy
import threading
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from resdsl.backend.fallback import Eagerly  # noqa: E402

from .compiled import agree, made, step  # noqa: E402

pytestmark = pytest.mark.usefixtures("eager_compiler")


def image(batch: int = 2, **options: Any) -> Any:
    return torch.randn(batch, 3, 12, 12, generator=torch.Generator().manual_seed(batch), **options)


def same(ours: Any, theirs: Any) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


def test_batches_and_modes() -> None:
    """Batches of 1, 2, 3 and 5, training and evaluation in turn: torch hits no limit, and nothing runs eagerly."""
    torch._dynamo.utils.counters.clear()
    found = made()
    for training in (False, True, False, True):
        found.train(training)
        for batch in (1, 2, 3, 5):
            x = image(batch)
            agree(step(found.module, x), step(found.eager, x))
            if not training:
                with torch.no_grad():
                    same(found.module(x), found.eager(x))
    assert found.fallback is not None
    assert found.fallback.reason == ""
    assert "recompile_limit" not in str(torch._dynamo.utils.counters)


def test_autocast_in_inference() -> None:
    found = made().train(False)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        ours, theirs = found.module(image()), found.eager(image())
    assert ours.dtype == theirs.dtype == torch.bfloat16
    torch.testing.assert_close(ours, theirs, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("training", [False, True])
def test_hooks(training: bool) -> None:
    """Hooks at the borders of blocks and inside of them see what they see in eager."""
    seen: list[list[Any]] = []
    found, other = made().train(training), made().train(training)
    found.module(image())
    for module in (found.module, other.eager):
        values: list[Any] = []
        seen.append(values)
        block = module.layer1[1]
        block.register_forward_pre_hook(lambda _, inputs, to=values: to.append(inputs[0].detach()))
        block.register_forward_hook(lambda _, __, out, to=values: to.append(out.detach()))
        block.register_full_backward_hook(lambda _, __, out, to=values: to.append(out[0].clone()))
        module.layer2[0].conv1.register_forward_hook(lambda _, __, out, to=values: to.append(out.detach()))
        step(module, image())
    assert len(seen[0]) == len(seen[1]) == 4
    same(*seen)


def test_a_hook_on_every_module() -> None:
    found, seen = made().train(False), []
    found.module(image())
    handle = torch.nn.modules.module.register_module_forward_hook(lambda *_: seen.append(1))
    try:
        found.module(image())
    finally:
        handle.remove()
    assert len(seen) > 20


@pytest.mark.parametrize("training", [False, True])
def test_another_type(training: bool) -> None:
    """After a first call in float32."""
    found = made().train(training)
    x = image()
    step(found.module, x)
    wide = copy.deepcopy(found.eager).double()
    found.module.double()
    agree(step(found.module, x.double()), step(wide, x.double()))
    with torch.no_grad():
        same(found.train(False).module(x.double()), wide.eval()(x.double()))


def test_functional_calls() -> None:
    found = made().train(False)
    x = image()
    other = {name: value.detach() * 1.1 for name, value in found.module.named_parameters()}
    with torch.no_grad():
        before = found.module(x)
        same(
            torch.func.functional_call(found.module, other, x),
            torch.func.functional_call(found.eager, other, x),
        )
        assert torch.equal(found.module(x), before)


def test_function_transforms() -> None:
    """`torch.func` and forward-mode derivatives are of the module as it is written."""
    found = made().train(False)
    x = image()
    weights = {name: value.detach() for name, value in found.module.named_parameters()}

    def gradients(module: Any) -> Any:
        def loss(weights: Any, x: Any) -> Any:
            return torch.func.functional_call(module, weights, x[None]).square().sum()

        return torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(weights, x)

    same(gradients(found.module), gradients(found.eager))
    ones = torch.ones_like(x)
    same(*(torch.func.jvp(module, (x,), (ones,)) for module in (found.module, found.eager)))
    with torch.autograd.forward_ad.dual_level(), torch.no_grad():
        out = found.module(torch.autograd.forward_ad.make_dual(x, ones))
        assert torch.autograd.forward_ad.unpack_dual(out).tangent is not None


def test_tracing() -> None:
    found = made().train(False)
    with torch.no_grad():
        found.module(image())
        traced = torch.jit.trace(found.module, image(), check_trace=False)
        same(traced(image()), found.eager(image()))


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpoints(reentrant: bool) -> None:
    checkpoint, results = torch.utils.checkpoint.checkpoint, []
    for module in (made().train().module, made().train().eager):
        x = image().requires_grad_()
        checkpoint(module, x, use_reentrant=reentrant).square().sum().backward()
        results.append((x.grad, module.conv1.weight.grad))
    same(*results)


def test_kinds_of_gradient_mode() -> None:
    found = made().train(False)
    x = image()
    with torch.inference_mode():
        first = found.module(x).clone()
    with torch.no_grad():
        same(found.module(x), first)
    out = found.module(x)
    assert out.requires_grad
    same(out.detach(), first)
    with torch.inference_mode():
        same(found.module(x).clone(), first)
    same(found.module.requires_grad_(False)(x), first)


def test_threads() -> None:
    """Several threads call at once, each with sizes that are new."""
    found, right = made().train(False), []
    images = [torch.randn(1, 3, 8 + i, 9) for i in range(8)]
    with torch.no_grad():
        wanted = [found.eager(x) for x in images]

    def work(part: slice) -> None:
        with torch.no_grad():
            for x, y in zip(images[part], wanted[part], strict=True):
                right.append(torch.allclose(found.module(x), y, rtol=1e-3, atol=1e-3))

    threads = [threading.Thread(target=work, args=(slice(i, None, 2),)) for i in (0, 1, 0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True] * 16


@pytest.mark.parametrize("called", [True, False])
def test_another_head(called: bool) -> None:
    """Another layer is not passed over in silence, before the first call or after it."""
    found = made().train(False)
    with torch.no_grad():
        if called:
            found.module(image())
        found.module.fc = torch.nn.Linear(32, 7)
        with pytest.warns(Eagerly, match="layers were replaced"):
            assert found.module(image()).shape == (2, 7)
