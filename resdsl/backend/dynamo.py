"""What resdsl uses of `torch._dynamo`, in one place: most of it may change from one release to the next.

`maybe_mark_dynamic` and `config.recompile_limit` are documented ("Dynamic Shapes" and "Recompilation" in the guide
of `torch.compile`); the counter of graphs is not. `tests/backend/test_dynamic.py` notices when one of them goes.
"""

from __future__ import annotations

import inspect
from typing import Any

from resdsl.backend.errors import MissingTorch

try:
    import torch
    from torch import Tensor
except ModuleNotFoundError as missing:
    raise MissingTorch from missing


def mark_dynamic(x: Tensor, axis: int) -> None:
    """Let an axis of this tensor vary in what is compiled for it, where torch can.

    Not `torch._dynamo.mark_dynamic`: that refuses to compile at all where torch takes a size for a constant, as it
    does with 0 and 1 ("The Zero-One Specialization Problem") and in `torch.max_pool1d`; and with a range, wherever
    torch finds a condition in it, such as `H % 16 == 0` where a skip connection is joined.
    """
    torch._dynamo.maybe_mark_dynamic(x, axis)


def graphs_made() -> int:
    """How many graphs dynamo has made since it was loaded, recompilations included."""
    from torch._dynamo.utils import counters

    return counters["stats"]["unique_graphs"]


def allow_variants(count: int) -> dict[str, Any]:
    """The limit on variants of one compiled function as an option; for all of torch where it is none yet."""
    if "recompile_limit" in inspect.signature(torch.compile).parameters:
        return {"recompile_limit": count}
    config: Any = torch._dynamo.config
    config.recompile_limit = max(config.recompile_limit, count)
    return {}
