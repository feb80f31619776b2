"""The module that runs."""

from __future__ import annotations

from math import comb

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BlurPool2d(nn.Module):
    """(N, C, H, W) -> (N, C, ceil(H / stride), ceil(W / stride)): a depthwise binomial filter with a stride."""

    def __init__(self, channels: int, size: int = 3, stride: int = 2) -> None:
        super().__init__()
        row = torch.tensor([float(comb(size - 1, i)) for i in range(size)])
        kernel = torch.outer(row, row) / row.sum() ** 2
        self.register_buffer("kernel", kernel.expand(channels, 1, size, size).clone())
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Blur, then stride."""
        kernel = self.get_buffer("kernel")
        return F.conv2d(x, kernel, stride=self.stride, padding=kernel.shape[-1] // 2, groups=x.shape[1])
