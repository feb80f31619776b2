"""The ops, by name. Every module in this package is imported: a new op is one class in one file."""

from importlib import import_module
from pkgutil import iter_modules

from resdsl.ops.base import OPS

for _name in sorted(module.name for module in iter_modules(__path__)):
    import_module(f"{__name__}.{_name}")

__all__ = ["OPS"]
