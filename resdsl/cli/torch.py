"""What the commands share that run networks."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resdsl.backend.errors import MissingTorch
from resdsl.cli.errors import Usage
from resdsl.cli.files import check_readable
from resdsl.cli.show import fail, problem
from resdsl.diagnostics import codes

if TYPE_CHECKING:
    from resdsl.graph.model import Net


class Progress:
    """A line of what is being done, on a terminal only; silent in a pipe."""

    def __call__(self, text: str) -> None:
        """Show a text in place of the last; an empty one clears the line."""
        if sys.stderr.isatty():
            print(f"\r\x1b[K{text}" if text else "\r\x1b[K", end="", file=sys.stderr, flush=True)


@contextmanager
def noted() -> Iterator[None]:
    """Show warnings of resdsl in a line each, without the place in the code."""
    with warnings.catch_warnings():
        shown = warnings.showwarning

        def show(message: Any, category: Any, *where: Any, **more: Any) -> None:
            if category.__module__.startswith("resdsl."):
                Progress()("")
                print(f"warning: {message}", file=sys.stderr)
            else:
                shown(message, category, *where, **more)

        warnings.showwarning = show
        yield


def chosen_device(args: argparse.Namespace) -> str | None:
    """`--device`, where there is such a device."""
    device: str | None = args.device
    if device is None:
        return None
    try:
        import torch
    except ImportError:
        raise MissingTorch from None
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise Usage("there is no CUDA device here; leave --device out to run on the CPU")
    return device


def check_labels(args: argparse.Namespace) -> None:
    """Read the class names once before anything takes long."""
    check_readable(args.labels)
    try:
        if args.labels:
            Path(args.labels).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Usage(f"cannot read `{args.labels}`: it is not UTF-8 text") from None


def weigh(args: argparse.Namespace, net: Net, module: object) -> None:
    """Load the weights that are given, or say that there are none. Shows why they do not fit, and raises `Failed`."""
    Progress()("")
    if not args.weights:
        print(f"note: no --weights, so `{net.name}` has fresh random weights", file=sys.stderr)
        return
    from resdsl.backend.weights import load_weights

    problems = load_weights(module, Path(args.weights))  # type: ignore[arg-type]
    if problems:
        shown = problems[:20]
        if len(problems) > len(shown):
            shown.append(f"and {len(problems) - len(shown)} more")
        message = f"the weights do not fit `{net.name}`"
        fail(args, [problem(codes.BAD_WEIGHTS, args.weights, message, tuple(shown))])
