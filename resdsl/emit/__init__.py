"""From a checked net to PyTorch source. Torch-free."""

from resdsl.emit.source import emit, net_class

__all__ = ["emit", "net_class"]
