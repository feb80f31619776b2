"""`slice` against Python's, which takes what there is."""

from __future__ import annotations

from itertools import product

import pytest

from resdsl.ops.base import Reject
from resdsl.ops.reshape import Slice


@pytest.mark.parametrize("size", [1, 2, 5])
def test_exact(size: int) -> None:
    """Accepted is what gives as many positions as `start` and `stop` say, at every larger size too."""
    for start, stop in product(range(-6, 7), (None, *range(-6, 7))):
        kept = len(range(size)[start:stop])
        same_end = stop is None or (start >= 0) == (stop >= 0)
        inside = -size <= start < size and (stop is None or -size < stop <= size)
        varies = start < 0 and stop is not None and stop >= 0
        if kept and inside and not varies and (not same_end or stop is None or stop > start):
            assert Slice(0, start, stop).shapes((size, 3)) == ((kept, 3),)
        else:
            with pytest.raises(Reject):
                Slice(0, start, stop).shapes((size, 3))
