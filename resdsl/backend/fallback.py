"""Runs eagerly what torch cannot compile here, and says so once: a result late is better than none."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

from resdsl.backend.errors import MissingTorch

try:
    import torch
except ModuleNotFoundError as missing:
    raise MissingTorch from missing


class Eagerly(UserWarning):
    """A net runs eagerly, since it could not be compiled; the text says why and what to do."""


class Fallback:
    """Functions of one net that torch compiles when they are first called.

    Args:
        name: of the net.

    Attributes:
        reason: why some of them run eagerly; empty while none does.
    """

    def __init__(self, name: str) -> None:
        self.name, self.reason = name, ""

    def guarded(self, compile: Callable[[], Callable[..., Any]], plain: Callable[..., Any]) -> Any:
        """A function that is compiled, and is the plain one from when it cannot be.

        Args:
            compile: gives what runs compiled.
            plain: the same function, not compiled.
        """
        compiled: Callable[..., Any] | None = None
        failed = False

        def forward(*args: Any) -> Any:
            nonlocal compiled, failed
            if failed or torch.compiler.is_compiling():
                return plain(*args)
            try:
                if compiled is None:
                    compiled = compile()
                return compiled(*args)
            except Exception as reason:
                if not _of_compiling(reason):
                    raise
                why = because(reason)
            made = plain(*args)  # raises what is wrong with the arguments, if that was it
            failed = True
            self.warn(why)
            return made

        return forward

    def warn(self, why: str) -> None:
        """Say that something runs eagerly, once for the net."""
        if not self.reason:
            warnings.warn(
                f"`{self.name}` runs eagerly where torch would compile it: {why}", Eagerly, stacklevel=3
            )
        self.reason = self.reason or why


def _of_compiling(reason: Exception) -> bool:
    """Whether the compiler raised it: it failed, or it could not write its files."""
    if "torch._dynamo.exc" not in sys.modules:
        return isinstance(reason, OSError)
    from torch._dynamo.exc import TorchDynamoException

    return isinstance(reason, (OSError, TorchDynamoException))


def because(reason: Exception | str) -> str:
    """Why torch could not compile, in a line, and what to do where that is known."""
    text = str(reason)
    if "InvalidCxxCompiler" in text or "No working C++ compiler" in text:
        return "there is no C++ compiler; install g++ or clang++, or name one in CXX"
    first, *more = text.strip().splitlines() or [type(reason).__name__]
    first = f"{first} {more[0]}" if more and first.endswith(":") else first
    if isinstance(reason, OSError) or any(
        known in text for known in ("OSError", "No space left", "PermissionError")
    ):
        place = "free space in torch's cache folder, or name another in TORCHINDUCTOR_CACHE_DIR"
        return f"the compiler cannot write its files ({first}); {place}"
    return first
