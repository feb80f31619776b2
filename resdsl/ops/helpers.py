"""Functions that emitted source defines where its text calls them: what torch itself does not have."""

from __future__ import annotations

HELPERS = {
    "relative_position_index": '''
def relative_position_index(window: tuple[int, ...], *shape: int) -> Tensor:
    """For each pair of positions in a window, the row of a table for the step from one to the other."""
    axes = torch.meshgrid(*(torch.arange(size) for size in window), indexing="ij")
    index = torch.zeros((), dtype=torch.int64)
    for size, axis in zip(window, axes, strict=True):
        step = axis.flatten()[:, None] - axis.flatten() + size - 1
        index = index * (2 * size - 1) + step
    return index.view(shape)
''',
    "relative_coords_table": '''
def relative_coords_table(window: tuple[int, ...], *shape: int) -> Tensor:
    """The steps within a window along each axis, on a logarithmic scale from -1 to 1."""
    steps = [torch.arange(1 - size, size, dtype=torch.float32) / (size - 1) * 8 for size in window]
    table = torch.stack(torch.meshgrid(*steps, indexing="ij"), dim=-1)
    return (torch.sign(table) * torch.log2(torch.abs(table) + 1.0) / 3.0).view(shape)
''',
    "unbiased": '''
def unbiased(bias: Tensor, start: int, stop: int) -> Tensor:
    """A bias with zeros from `start` to before `stop`."""
    bias = bias.clone()
    bias[start:stop].zero_()
    return bias
''',
    "window_mask": '''
def window_mask(x: Tensor, window: tuple[int, ...], shift: tuple[int, ...]) -> Tensor:
    """-100 for pairs of positions that only rolling by `shift` brought into one window, else 0."""
    regions = torch.zeros((), dtype=torch.int64, device=x.device)
    for count, size, moved in zip(x.shape[1:], window, shift, strict=False):
        place = torch.arange(count * size, device=x.device).view(count, size)
        behind = place >= count * size - (moved if count > 1 else 0)
        regions = 2 * regions[..., None, None] + behind
    axes = range(regions.dim())
    regions = regions.permute(*axes[::2], *axes[1::2]).flatten(len(window))
    apart = regions[..., :, None] != regions[..., None, :]
    apart = apart.view(*apart.shape[:-2], *[1] * (x.dim() - apart.dim() - 1), *apart.shape[-2:])
    return x.new_zeros(apart.shape).masked_fill(apart, -100.0)
''',
}
"""Source by name."""
