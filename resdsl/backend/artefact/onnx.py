"""A net and its weights as an ONNX file, for onnxruntime and other runtimes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from resdsl.backend.artefact.package import (
    KEY,
    About,
    NotCompiled,
    check_target,
    describe,
    explained,
    exported,
)
from resdsl.backend.errors import MissingTorch
from resdsl.files import write_file
from resdsl.graph.model import Net

try:
    import torch
    from torch import nn
except ModuleNotFoundError as missing:
    raise MissingTorch from missing

NEEDED = ("onnx", "onnxscript")
"""Packages that `torch.onnx` needs."""


def write_onnx(
    path: str | Path,
    net: Net,
    module: nn.Module,
    *,
    at: Mapping[str, int],
    batch: int | None = 1,
    spec: Mapping[str, str] | None = None,
    labels: Sequence[str] = (),
) -> About:
    """Write a net for inference, weights included; see `write_artefact` for the arguments and errors."""
    absent = [name for name in NEEDED if find_spec(name) is None]
    if absent:
        raise NotCompiled(f"this needs {' and '.join(absent)}: pip install {' '.join(NEEDED)}")
    check_target(Path(path))
    about = describe(net, module, at=at, batch=batch, spec=spec, labels=labels)
    with explained():
        program = exported(net, module, at, batch)
        made: Any = torch.onnx.export(program, dynamo=True, external_data=False, verbose=False)
        made.model.metadata_props[KEY] = about.to_json()
        data: bytes = made.model_proto.SerializeToString()
    write_file(path, data)
    return about
