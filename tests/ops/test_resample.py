"""`resize` by a factor against torch, at many sizes."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from resdsl.ops import OPS  # noqa: E402
from resdsl.ops.base import Reject  # noqa: E402
from resdsl.sizes import shape_at, variable  # noqa: E402

from .torch_text import forward  # noqa: E402

resize: Any = OPS["resize"]
FACTORS = (*(n / 8 for n in range(1, 21)), 2.0, 1 / 64, 63 / 64, 1 / 1024, 1.5 + 1 / 1024)
MODES = (
    ("linear", 1),
    ("area", 1),
    ("nearest", 1),
    ("nearest", 2),
    ("bilinear", 2),
    ("bicubic", 2),
    ("trilinear", 3),
)


@pytest.mark.parametrize("factor", FACTORS)
def test_size_is_torchs(factor: float) -> None:
    """For every size, be it known or left open; a factor that leaves nothing is rejected, as by torch."""
    (general,) = resize(factor).shapes((1, variable("L")))
    (need,) = resize(factor).needs((1, variable("L")))
    for size in (*range(1, 130), 1023, 1024, 1025, 4095):
        for mode, rank in MODES if size < 10 else MODES[:2]:
            op, shape = resize(factor, mode=mode), (1, *(size,) * rank)
            try:
                (output,) = forward(op, (shape,))
                expected = output.shape[1:]
            except RuntimeError:
                expected = ()
            if 0 in expected or not expected:  # `area` makes empty results
                assert size < need.right
                with pytest.raises(Reject) as caught:
                    op.shapes(shape)
                assert caught.value.code == "input-too-small"
                continue
            assert op.shapes(shape) == (tuple(expected),)
            assert size >= need.right
            assert shape_at(general, {"L": size})[-1] == expected[-1]


@pytest.mark.parametrize(
    "size", [0.1, 1 / 3, 1 / 2048, 0.0, -0.5, 0, -1, True, "2", None, (0,), (1.5,), (True,), ()]
)
def test_rejected(size: Any) -> None:
    with pytest.raises(Reject) as caught:
        resize(size).shapes((3, 64))
    assert caught.value.blame == "size"


def test_sizes_that_vary_are_for_resize_like() -> None:
    with pytest.raises(Reject, match="must be fixed") as caught:
        resize((variable("H") // 2,)).shapes((3, 64))
    assert caught.value.code == "varying-size"
    assert "resize_like" in (caught.value.help or "")
