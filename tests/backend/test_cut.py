"""A module cut into steps is the module."""

from __future__ import annotations

from typing import Any

import pytest

from .specs import bundled, net

torch = pytest.importorskip("torch")

from resdsl.backend.build import load  # noqa: E402
from resdsl.backend.compile import block_calls  # noqa: E402
from resdsl.backend.dynamic import example, usual_sizes  # noqa: E402
from resdsl.backend.signature.cut import NotCut, cut, value_of  # noqa: E402
from resdsl.emit.source import emit, net_class  # noqa: E402


def flat(out: Any) -> list[Any]:
    if isinstance(out, torch.Tensor):
        return [out]
    return [x for each in (out.values() if isinstance(out, dict) else out) for x in flat(each)]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("cifar_resnet", "resnet20"),
        ("unet", "unet"),
        ("densenet", "densenet121"),
        ("googlenet", "googlenet"),
        ("segmentation", "deeplabv3_mobilenet_v3_large"),
        ("vit", "vit_b_32"),
        ("swin", "swin_t"),
        ("hourglass", "hourglass2"),
        ("contrastive", "simclr_resnet50"),
    ],
)
@pytest.mark.parametrize("training", [False, True])
def test_steps_are_the_module(file: str, name: str, training: bool) -> None:
    checked = bundled(file, name)
    with torch.device("meta"):
        module = load(emit(checked, check_sizes=False), net_class(checked), name).train(training)
    blocks = dict(block_calls(checked.graph))
    found = cut(module, blocks)
    assert {s.block for s in found.steps if s.block} <= set(blocks)
    values = dict(
        zip(found.inputs, (x.to("meta") for x in example(checked, 2, usual_sizes(checked))), strict=True)
    )
    expected = module(*values.values())
    for step in found.steps:
        made = step.module(*(values[name] for name in step.inputs))
        made = made if isinstance(made, tuple) else (made,)
        values |= {name: value for name, value in zip(step.outputs, made, strict=True) if name}
        assert [value_of(owner).shape for owner in step.tensors] == [
            t.shape for t in (*step.module.parameters(), *step.module.buffers())
        ]
    names = found.outputs if isinstance(found.outputs, str) else list(found.outputs.values())
    assert [values[n].shape for n in ([names] if isinstance(names, str) else names)] == [
        x.shape for x in flat(expected)
    ]


def test_what_cannot_be_followed() -> None:
    class Turns(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return x if x.sum() > 0 else -x

    with pytest.raises(NotCut, match="control flow"):
        cut(Turns(), [])


def test_sizes_are_worked_out_in_each_step() -> None:
    """Only values go from step to step: a size is read again from the value it is of."""
    checked = net(
        """block unit { conv(4, 3x3); batchnorm; relu }
        net n { input x: [4, H, W] as_is = identity
          unit; maxpool(2x2, 2); unit as small
          from small, x -> resize_like(mode = "nearest") }""".replace(" as_is = identity", "")
    )
    module = load(emit(checked, check_sizes=False), net_class(checked), "n").eval()
    found = cut(module, dict(block_calls(checked.graph)))
    assert found.steps[-1].inputs[-1] in found.inputs or "x" in found.steps[-1].inputs
