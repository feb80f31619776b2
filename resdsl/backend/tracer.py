"""Following `forward` without values, by `torch.fx`."""

from __future__ import annotations

from collections.abc import Collection
from threading import get_ident
from typing import Any

from resdsl.backend.errors import MissingTorch

try:
    from torch import fx, nn
except ModuleNotFoundError as missing:
    raise MissingTorch from missing


class Tracer(fx.Tracer):
    """Follows what its own thread does: `torch.fx` patches `nn.Module` for all of them.

    Args:
        leaves: addresses of submodules that are called, not followed.
    """

    def __init__(self, leaves: Collection[str] = ()) -> None:
        super().__init__()
        self.leaves = leaves

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """As in `torch.fx`, and those that are named."""
        return module_qualified_name in self.leaves or super().is_leaf_module(m, module_qualified_name)

    def trace(self, root: Any, concrete_args: dict[str, Any] | None = None) -> fx.Graph:
        """As in `torch.fx`."""
        self.thread = get_ident()
        return super().trace(root, concrete_args)

    def call_module(self, m: nn.Module, forward: Any, args: Any, kwargs: Any) -> Any:
        """As in `torch.fx`, in its own thread."""
        if get_ident() != self.thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """As in `torch.fx`, in its own thread."""
        if get_ident() != self.thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)
