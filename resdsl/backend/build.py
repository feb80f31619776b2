"""Runs emitted source: the module of a net is an instance of the class one can read."""

from __future__ import annotations

import linecache
import sys
from types import ModuleType

from resdsl.backend.errors import MissingTorch
from resdsl.emit import emit, net_class
from resdsl.graph.model import Net

try:
    from torch import nn
except ModuleNotFoundError as missing:
    raise MissingTorch from missing


def build(net: Net) -> nn.Module:
    """The module of a net, with fresh weights. Tracebacks show the emitted lines."""
    return load(emit(net), net_class(net), net.name)


def load(source: str, class_name: str, name: str) -> nn.Module:
    """An instance of a class of emitted source."""
    file = f"<resdsl {name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    home = ModuleType(f"resdsl_built.{name}")
    home.__file__ = file
    # Dynamo and pickle look classes up by the name of their module.
    sys.modules[home.__name__] = home
    exec(compile(source, file, "exec", dont_inherit=True), home.__dict__)
    made = home.__dict__[class_name]()
    assert isinstance(made, nn.Module)
    return made
