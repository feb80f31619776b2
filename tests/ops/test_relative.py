"""`relative_positions` against a loop over queries and keys."""

from __future__ import annotations

import pytest

from .calls import read
from .torch_text import run

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(("queries", "keys"), [(1, 1), (7, 7), (8, 2), (2, 8), (56, 7), (5, 3), (3, 5)])
def test_definition(queries: int, keys: int) -> None:
    """Both count in positions of the longer axis; the rows go from the last key to the first."""
    table = torch.arange(2 * max(queries, keys) - 1)[:, None].float()
    rows = run(read(f"relative_positions({queries}, {keys})"), [table[None]])[0, ..., 0].int()
    each_query, each_key = max(keys / queries, 1), max(queries / keys, 1)
    for i in range(queries):
        for j in range(keys):
            assert rows[i, j] == int(i * each_query + (keys - 1 - j) * each_key), (i, j)


@pytest.mark.parametrize("size", [1, 4, 9])
def test_equal_axes_have_the_steps_in_order(size: int) -> None:
    table = torch.arange(2 * size - 1)[:, None].float() - (size - 1)
    steps = run(read(f"relative_positions({size}, {size})"), [table[None]])[0, ..., 0]
    place = torch.arange(size)
    assert torch.equal(steps, (place[:, None] - place).float())
