"""SkipNet beside plain PyTorch: gates that decide, and gates that are soft until evaluation."""
# ruff: noqa: TID253

from __future__ import annotations

from typing import Any

import pytest
from backend.reference import assert_same, randomise

from resdsl import load

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from specs.counted import assert_counts  # noqa: E402
from torch import nn  # noqa: E402

from resdsl.backend.build import build  # noqa: E402

# Blocks of each width, convolutions of a gate, and whether it is soft.
NETS = {
    "skipnet38": (6, 2, False),
    "skipnet74": (12, 2, False),
    "skipnet110": (18, 1, False),
    "skipnet38_soft": (6, 2, True),
}


def conv(cin: int, cout: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(cin, cout, 3, stride, padding=1, bias=False)


class Gate(nn.Module):
    def __init__(self, width: int, convs: int, soft: bool) -> None:
        super().__init__()
        self.convs, self.soft = convs, soft
        self.conv1, self.bn1 = conv(width, width, 3 - convs), nn.BatchNorm2d(width)
        if convs == 2:
            self.conv2, self.bn2 = conv(width, width, 2), nn.BatchNorm2d(width)
        self.linear = nn.Conv2d(width, 2, 1)

    def forward(self, x: Any) -> Any:
        if self.convs == 2:
            x = F.max_pool2d(x, 2)
        x = F.relu(self.bn1(self.conv1(x)))
        if self.convs == 2:
            x = F.relu(self.bn2(self.conv2(x)))
        p = torch.softmax(self.linear(F.adaptive_avg_pool2d(x, 1)), 1)[:, 1:]
        hard = (p > 0.5).float()
        if self.soft:
            return p if self.training else hard
        return hard.detach() - p.detach() + p


class Block(nn.Module):
    def __init__(self, cin: int, width: int, gate: Gate | None) -> None:
        super().__init__()
        if cin != width:
            self.shortcut = nn.Sequential(nn.Conv2d(cin, width, 1, 2, bias=False), nn.BatchNorm2d(width))
        self.conv1, self.bn1 = conv(cin, width, 2 if cin != width else 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width), nn.BatchNorm2d(width)
        if gate is not None:
            self.gate = gate

    def forward(self, x: Any) -> Any:
        past = self.shortcut(x) if hasattr(self, "shortcut") else x
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        y = F.relu(y + past)
        if not hasattr(self, "gate"):
            return y
        g = self.gate(x)
        return (1 - g) * past + g * y


class SkipNet(nn.Module):
    def __init__(self, n: int, convs: int, soft: bool) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(3, 16), nn.BatchNorm2d(16)
        cin = 16
        for i in range(3):
            blocks = []
            for j in range(n):
                gate = Gate(cin, convs, soft) if i + j else None
                blocks.append(Block(cin, 16 * 2**i, gate))
                cin = 16 * 2**i
            self.add_module(f"layer{i + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(64, 10)

    def forward(self, x: Any) -> Any:
        x = F.relu(self.bn1(self.conv1(x)))
        for i in range(3):
            x = self.get_submodule(f"layer{i + 1}")(x)
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


def image() -> Any:
    return torch.randn(4, 3, 16, 21, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", NETS)
def test_counts(name: str) -> None:
    assert_counts(name, lambda: SkipNet(*NETS[name]))


@pytest.mark.parametrize("name", ["skipnet38_soft", "skipnet110"])
def test_evaluation(name: str) -> None:
    """The same blocks run and are skipped, and both happens."""
    n, *gate = NETS[name]
    n = min(n, 6)
    ours, theirs = build(load(name, n=n).net).eval(), SkipNet(n, *gate).eval()
    randomise(theirs)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    gates: list[Any] = []
    for module in theirs.modules():
        if isinstance(module, Gate):
            module.register_forward_hook(lambda m, x, out: gates.append(out))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    with torch.no_grad():
        assert torch.equal(ours(image()), theirs(image()))
    assert {g for gate in gates for g in gate.flatten().tolist()} == {0.0, 1.0}


def test_soft_gates_train() -> None:
    assert_same(build(load("skipnet38_soft", n=3).net), SkipNet(3, 2, True), image())


def test_hard_gates_train() -> None:
    """Decisions in the forward pass, the gradients of the probabilities in the backward pass."""
    assert_same(build(load("skipnet110", n=3).net), SkipNet(3, 1, False), image(), rounding=True)


def test_a_skipped_block_changes_nothing() -> None:
    """With a gate that is shut, a block in evaluation gives what came in."""
    ours = build(load("skipnet38_soft", n=2).net).eval()
    randomise(ours)
    block = ours.layer1[1]
    x = torch.rand(2, 16, 8, 8)
    with torch.no_grad():
        block.gate.linear.bias.copy_(torch.tensor([1e4, -1e4]))
        assert torch.equal(block(x), x)
        block.gate.linear.bias.copy_(torch.tensor([-1e4, 1e4]))
        assert not torch.equal(block(x), x)
