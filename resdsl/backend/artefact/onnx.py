"""A net and its weights as an ONNX file, for onnxruntime and other runtimes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from resdsl.backend.artefact.about import KEY, About
from resdsl.backend.errors import MissingTorch, NotCompiled

try:
    import torch
except ModuleNotFoundError as missing:
    raise MissingTorch from missing

NEEDED = ("onnx", "onnxscript")
"""Packages that `torch.onnx` needs."""


def onnx_model(program: Any, about: About) -> tuple[bytes, About]:
    """The file of an exported program, and what it says of itself. Raises NotCompiled."""
    absent = [name for name in NEEDED if find_spec(name) is None]
    if absent:
        raise NotCompiled("this needs " + " and ".join(absent) + ': pip install "resdsl[onnx]"')
    about = replace(about, device="")
    with _quiet():
        made: Any = torch.onnx.export(program, dynamo=True, external_data=False, verbose=False)
    made.model.metadata_props[KEY] = about.to_json()
    data: bytes = made.model_proto.SerializeToString()
    return data, about


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out that torch knows no ops of torchvision where that is not installed: no net uses them."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")

    def wanted(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("torchvision is not installed")

    logger.addFilter(wanted)
    try:
        yield
    finally:
        logger.removeFilter(wanted)
