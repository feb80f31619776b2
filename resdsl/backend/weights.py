"""Loads weights from a file, all of them or none. Nothing in the file is executed."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from resdsl.backend.errors import MissingTorch

try:
    import torch
    from torch import Tensor, nn
except ModuleNotFoundError as missing:
    raise MissingTorch from missing

WRAPPERS = ("state_dict", "model_state_dict", "model", "module")
SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")


def load_weights(module: nn.Module, path: Path) -> list[str]:
    """Load a file into a module if every tensor fits; otherwise say what does not and load nothing.

    Training checkpoints are unwrapped (`{"state_dict": ...}`), and the prefix `module.` of
    `DataParallel` is taken off.
    """
    found = _read(Path(path))
    if isinstance(found, str):
        return [found]
    found = _without_prefix(found)
    problems = compare(module.state_dict(), found)
    if not problems:
        module.load_state_dict(found, strict=True)
    return problems


def compare(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> list[str]:
    """What keeps tensors from being loaded, one line each."""
    problems = [f"missing: {key} {_shape(t)}" for key, t in wanted.items() if key not in found]
    for key, tensor in found.items():
        if key not in wanted:
            problems.append(f"unexpected: {key} {_shape(tensor)}")
        elif tensor.shape != wanted[key].shape:
            problems.append(f"other shape: {key} is {_shape(tensor)}, the net has {_shape(wanted[key])}")
        elif tensor.is_floating_point() != wanted[key].is_floating_point():
            problems.append(f"other type: {key} is {tensor.dtype}, the net has {wanted[key].dtype}")
    return problems


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a scalar"


def _read(path: Path) -> dict[str, Tensor] | str:
    """The tensors of a file, or what is wrong with it."""
    if path.suffix not in SUFFIXES:
        return f"{path.name}: weights are in files ending in {', '.join(SUFFIXES)}"
    try:
        content = _safetensors(path) if path.suffix == ".safetensors" else _pickled(path)
    except OSError as reason:
        return f"{path.name}: {reason.strerror or reason}"
    except pickle.UnpicklingError as reason:
        if _is_code(str(reason), path):
            return f"{path.name}: refused, it holds more than tensors, which could run code when loaded"
        return f"{path.name}: cannot be read, the file is truncated or damaged"
    except ModuleNotFoundError as missing:
        return f"{path.name}: needs the package {missing.name}"
    except Exception:
        # Damage shows as many types: of zip files, of pickles, of safetensors headers.
        return f"{path.name}: cannot be read, the file is truncated or damaged"
    return _tensors(content, path.name)


def _is_code(reason: str, path: Path) -> bool:
    """Whether a pickle was refused for what it does, rather than being damaged."""
    if "GLOBAL" in reason or "unrecognized function" in reason:
        return True
    with path.open("rb") as file:
        return "Unsupported operand" in reason and file.read(1) == b"\x80"


def _safetensors(path: Path) -> Any:
    from safetensors.torch import load_file

    return load_file(path)


def _pickled(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of unusual pickles, which are refused or fine
        return torch.load(path, map_location="cpu", weights_only=True)


def _tensors(content: Any, name: str) -> dict[str, Tensor] | str:
    """Unwrap a checkpoint down to its tensors."""
    while isinstance(content, Mapping):
        inner = next((content[w] for w in WRAPPERS if isinstance(content.get(w), Mapping)), None)
        if inner is None:
            break
        content = inner
    if not isinstance(content, Mapping) or not content:
        return f"{name}: holds no tensors by name"
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            return f"{name}: `{key}` is no tensor but {type(value).__name__}"
    return dict(content)


def _without_prefix(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    if all(key.startswith("module.") for key in tensors):
        return {key.removeprefix("module."): tensor for key, tensor in tensors.items()}
    return tensors
