"""What can go wrong outside a spec."""

from __future__ import annotations


class MissingTorch(Exception):
    """PyTorch is not installed."""

    def __init__(self) -> None:
        super().__init__('this command needs PyTorch: pip install "resdsl[torch]"')


class NotCompiled(Exception):
    """Torch cannot compile a net ahead of time on this machine; the text says why."""
