"""Functions that emitted source defines where its text calls them: what torch itself does not have."""

from __future__ import annotations

HELPERS = {
    "shake": '''
def shake(x: Tensor, y: Tensor) -> Tensor:
    """A random mix of two values for each sample, whose gradients are those of another mix."""
    a, b = torch.rand(2, x.shape[0], *[1] * (x.dim() - 1), dtype=x.dtype, device=x.device)
    forward, backward = a * x + (1 - a) * y, b * x + (1 - b) * y
    return forward.detach() + (backward - backward.detach())
''',
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
    "relative_positions": '''
def relative_positions(table: Tensor, queries: int, keys: int) -> Tensor:
    """For each query and key along an axis, the row of a table for the step from the key to the query."""
    query = torch.arange(queries, device=table.device) * max(keys / queries, 1.0)
    key = torch.arange(1 - keys, 1, device=table.device) * max(queries / keys, 1.0)
    return table[:, (query[:, None] - key).long()]
''',
    "unbiased": '''
def unbiased(bias: Tensor, start: int, stop: int) -> Tensor:
    """A bias with zeros from `start` to before `stop`."""
    bias = bias.clone()
    bias[start:stop].zero_()
    return bias
''',
    "window_partition": '''
def window_partition(x: Tensor, window: tuple[int, ...], shifted: bool = False) -> Tensor:
    """Cut a map into windows, each a list of positions; shifted ones begin half a window further."""
    sizes, axes = x.shape[1:-1], range(1, len(window) + 1)
    padding = [n for size, of in zip(sizes, window, strict=True) for n in (-size % of, 0)]
    x = F.pad(x, (0, 0, *padding[::-1]))
    if shifted:
        moved = [-(of // 2) if size > of else 0 for size, of in zip(sizes, window, strict=True)]
        x = x.roll(moved, list(axes))
    for axis, of in zip(axes, window, strict=True):
        x = x.unflatten(2 * axis - 1, (-1, of))
    x = x.permute(0, *(2 * axis - 1 for axis in axes), *(2 * axis for axis in axes), -1)
    return x.flatten(len(window) + 1, -2).flatten(1, len(window))
''',
    "window_reverse": '''
def window_reverse(x: Tensor, like: Tensor, window: tuple[int, ...], shifted: bool = False) -> Tensor:
    """Put windows back into a map, the inverse of `window_partition`."""
    sizes, axes = like.shape[1:-1], range(1, len(window) + 1)
    counts = [-(-size // of) for size, of in zip(sizes, window, strict=True)]
    x = x.unflatten(2, window).unflatten(1, counts)
    x = x.permute(0, *(i for axis in axes for i in (axis, axis + len(window))), -1)
    for axis in axes:
        x = x.flatten(axis, axis + 1)
    if shifted:
        moved = [of // 2 if size > of else 0 for size, of in zip(sizes, window, strict=True)]
        x = x.roll(moved, list(axes))
    return x[(slice(None), *(slice(size) for size in sizes))]
''',
    "window_mask": '''
def window_mask(x: Tensor, like: Tensor, window: tuple[int, ...]) -> Tensor:
    """-100 for pairs of positions that only shifting the windows of a map brought together, else 0."""
    regions = torch.zeros((), dtype=torch.int64, device=x.device)
    for size, of in zip(like.shape[1:-1], window, strict=True):
        count = -(-size // of)
        place = torch.arange(count * of, device=x.device).view(count, of)
        behind = place >= count * of - (of // 2 if count > 1 else 0)
        regions = 2 * regions[..., None, None] + behind
    axes = range(regions.dim())
    regions = regions.permute(*axes[::2], *axes[1::2]).flatten(len(window)).flatten(0, -2)
    apart = regions[:, :, None] != regions[:, None]
    apart = apart.view(apart.shape[0], *[1] * (x.dim() - 4), *apart.shape[1:])
    return x.new_zeros(apart.shape).masked_fill(apart, -100.0)
''',
}
"""Source by name."""
