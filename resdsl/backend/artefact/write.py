"""Writes a net with its weights into one file: `.pt2` for torch, `.onnx` for other runtimes."""

from __future__ import annotations

import errno
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import resdsl
from resdsl.backend.artefact.about import About, torch_release
from resdsl.backend.artefact.onnx import onnx_model
from resdsl.backend.artefact.package import packaged
from resdsl.backend.build import load
from resdsl.backend.compile import memory_format
from resdsl.backend.dynamic import dynamic_shapes, example, one_graph
from resdsl.backend.errors import MissingTorch, NotCompiled
from resdsl.backend.inference.fold import folded
from resdsl.backend.signature.cut import NotCut
from resdsl.domain import Domain, match_sizes
from resdsl.emit import emit, net_class
from resdsl.files import check_target, write_file
from resdsl.graph.model import Net
from resdsl.sizes import shape_at

try:
    import torch
    from torch import nn
except ModuleNotFoundError as missing:
    raise MissingTorch from missing

FORMATS: dict[str, Callable[[Any, About], tuple[bytes, About]]] = {".pt2": packaged, ".onnx": onnx_model}


def write(
    path: str | Path,
    net: Net,
    module: nn.Module,
    *,
    at: Mapping[str, int],
    batch: int | None = 1,
    spec: Mapping[str, str] | None = None,
    labels: Sequence[str] = (),
    random: bool = False,
    progress: Callable[[str], object] = lambda _: None,
) -> About:
    """Write a net with its weights for inference: the whole file, or none.

    Args:
        path: the file; `.pt2` is compiled ahead of time for the device of the module, `.onnx` is for any.
        net: a checked net.
        module: an emitted module of it, for its weights and its device; it stays as it is.
        at: the input sizes; with `batch=None` those of a usual call.
        batch: images in a call; None for any number, and for all sizes that `one_graph` serves.
        spec: the texts it was made from, by name.
        labels: names of the classes.
        random: the weights are random, because none were given; the file says so.
        progress: is told what is done next, in a few words.

    Raises:
        NotCompiled: torch, the C++ compiler or onnxscript do not do it.
        ValueError: `at` is not among these sizes, or the path has another suffix.
        OSError: the file cannot be written.
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        raise ValueError(f"`{path}`: a net with its weights is written as {' or '.join(FORMATS)}")
    check_target(path)
    about = _describe(net, module, at, batch, spec or {}, labels, random)
    with _explained():
        progress(f"exporting {net.name}")
        program = _exported(net, module, at, batch)
        progress(f"compiling {net.name} into {path}")
        data, about = FORMATS[path.suffix](program, about)
    progress(f"writing {path}")
    write_file(path, data)
    return about


def _describe(
    net: Net,
    module: nn.Module,
    at: Mapping[str, int],
    batch: int | None,
    spec: Mapping[str, str],
    labels: Sequence[str],
    random: bool,
) -> About:
    """What the file says of itself, but for what only its format knows."""
    dynamic = batch is None
    shapes = [shape or () for shape in net.graph.input_shapes]
    served = one_graph(net) if dynamic else {}
    for shape in shapes:
        reason = match_sizes(shape, shape_at(shape, dict(at)), Domain(served), {}) if dynamic else None
        if reason is not None:
            raise ValueError(f"one file serves many sizes at once, but {reason}")
    return About(
        net=net.name,
        settings=dict(net.settings),
        spec=dict(spec),
        inputs=tuple(shape if dynamic else shape_at(shape, dict(at)) for shape in shapes),
        sizes=served,
        at={var: at[var] for var in served},
        batch=batch,
        outputs=tuple(
            "?" if shape is None else f"[{', '.join(map(str, shape))}]" for shape in net.graph.output_shapes
        ),
        labels=tuple(labels),
        random=random,
        device=_place(module).type,
        machine="",
        needs=(),
        torch=torch_release(),
        resdsl=resdsl.__version__,
    )


def _exported(net: Net, module: nn.Module, at: Mapping[str, int], batch: int | None) -> Any:
    """A net for inference, with the weights of a module, as `torch.export` gives it."""
    place = _place(module)
    inputs = tuple(example(net, 2 if batch is None else batch, dict(at), place))
    shapes = dynamic_shapes(net) if batch is None else None
    return torch.export.export(_for_inference(net, module, place), inputs, dynamic_shapes=shapes)


def _place(module: nn.Module) -> torch.device:
    return next((t.device for t in module.parameters()), torch.device("cpu"))


def _for_inference(net: Net, module: nn.Module, place: torch.device) -> nn.Module:
    """A copy of a module, in evaluation mode, as it is compiled."""
    made = load(emit(net, check_sizes=False), net_class(net), net.name).to(place)
    made.load_state_dict(module.state_dict())
    made.eval().requires_grad_(False)
    layout: Any = memory_format(made)
    with suppress(NotCut):  # then inductor folds what it can
        made = folded(made)
    return made.to(memory_format=layout)  # type: ignore[call-overload, no-any-return]


@contextmanager
def _explained() -> Iterator[None]:
    """Say in a sentence why torch failed."""
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of torch, about itself
            yield
    except NotCompiled:
        raise
    except Exception as error:
        chain: list[BaseException] = []
        cause: BaseException | None = error
        while cause is not None and cause not in chain:
            chain.append(cause)
            cause = getattr(cause, "inner_exception", None) or cause.__cause__ or cause.__context__
        texts = [str(e) for e in chain]
        if any("No space left on device" in text for text in texts):
            raise OSError(errno.ENOSPC, "no space left on device") from error
        if any(type(e).__name__ == "InvalidCxxCompiler" for e in chain):
            raise NotCompiled(
                "this needs a C++ compiler, and none was found: install g++, or name one in CXX"
            ) from error
        narrowed = next(
            (found for text in texts if (found := re.search(r"Constraints violated \(([^)]*)\)", text))), None
        )
        if narrowed is not None:
            reason = (
                f"torch {torch.__version__} cannot keep `{narrowed[1]}` open in it for every size that fits"
            )
            raise NotCompiled(f"{reason}: leave --dynamic out") from error
        lines = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
        told = [line for line in lines if "error: " in line or "failed: " in line]  # by the C++ compiler
        first = next(iter(told or lines), "")
        raise NotCompiled(
            f"torch {torch.__version__} does not: {first or type(chain[0]).__name__}"
        ) from error
