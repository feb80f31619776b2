"""What resdsl uses of `torch._dynamo` and of torch's inner state, in one place: most of it may change with a release.

`maybe_mark_dynamic` and `config.recompile_limit` are documented ("Dynamic Shapes" and "Recompilation" in the guide
of `torch.compile`); the counter of graphs is not. `tests/backend/test_dynamic.py` notices when one of them goes.
"""

from __future__ import annotations

import inspect
import sys
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
    known = sys.modules.get("torch._dynamo.utils")  # which takes a second to load
    return known.counters["stats"]["unique_graphs"] if known else 0


def traced() -> bool:
    """Whether `torch.jit.trace` follows what is called."""
    return torch._C._get_tracing_state() is not None


def transformed() -> bool:
    """Whether `torch.func` or forward-mode derivatives are at work: compiled code does not take their tensors."""
    active: bool = torch._C._are_functorch_transforms_active()
    return active or torch.autograd.forward_ad._current_level >= 0


def hooked_everywhere() -> bool:
    """Whether a hook was registered for every module there is."""
    found: bool = torch.nn.modules.module._has_any_global_hook()  # type: ignore[no-untyped-call]
    return found


def allow_variants(count: int) -> dict[str, Any]:
    """The limit on variants of one compiled function as an option; for all of torch where it is none yet."""
    if "recompile_limit" in inspect.signature(torch.compile).parameters:
        return {"recompile_limit": count}
    config: Any = torch._dynamo.config
    config.recompile_limit = max(config.recompile_limit, count)
    return {}
