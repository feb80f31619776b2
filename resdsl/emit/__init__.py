"""From a checked net to PyTorch source. Torch-free."""

from resdsl.emit.source import classes, emit, net_class

__all__ = ["classes", "emit", "net_class"]
