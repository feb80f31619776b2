"""A declarative language and compiler for residual networks.

    >>> import resdsl
    >>> net = resdsl.load("resnet50")
    >>> net.params
    25557032

`import resdsl` loads neither torch nor graphviz.
"""

from resdsl.api import Network, SpecError, load

__all__ = ["Network", "SpecError", "load"]
__version__ = "0.1.0"
