"""The command `compile`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import perf_counter

from resdsl.backend.errors import NotCompiled
from resdsl.cli.draw import draw_command
from resdsl.cli.errors import Usage
from resdsl.cli.files import check_readable, check_writable, suffix_of, write
from resdsl.cli.load import find_or_fail, load_net, sizes
from resdsl.cli.summary import summary_command
from resdsl.cli.torch import Progress, check_labels, chosen_device, noted, weigh
from resdsl.elaborate.files import texts
from resdsl.files import reason
from resdsl.graph.model import Net

PICTURES, TABLES = (".svg", ".png", ".pdf", ".dot", ".html"), (".md", ".csv", ".json", ".tex")
ARTEFACTS = (".pt2", ".onnx")
"""Nets with their weights."""
WRITTEN = (".py", *ARTEFACTS, *PICTURES, *TABLES)
NOT_WITH = (
    ("mode", WRITTEN, "torch.compile does not write a {}"),
    ("report", WRITTEN, "a {} holds no report"),
    ("dtype", WRITTEN, "a {} is written in float32"),
    ("dynamic", (".py", *PICTURES, *TABLES), "a {} is not compiled"),
    ("device", (".py", ".onnx", *PICTURES, *TABLES), "a {} is for every device"),
    ("batch", (".py", *PICTURES), "a {} is for every batch"),
    ("at", (".py",), "a {} is for every size"),
)
"""Options that have no part in what is written, and why."""


def compile_command(args: argparse.Namespace) -> int:
    """`resdsl compile SPEC [-o FILE]`."""
    suffix = f".{suffix_of(args.output, tuple(s[1:] for s in WRITTEN))}" if args.output else ""
    for option, suffixes, why in NOT_WITH:
        if suffix in suffixes and getattr(args, option):
            raise Usage(f"{why.format(suffix)}: leave --{option} out")
    for option in ("weights", "labels"):
        if suffix not in ARTEFACTS and getattr(args, option):
            raise Usage(f"--{option} goes with -o FILE.pt2 or FILE.onnx")
    if suffix in PICTURES:
        args.view, args.theme = "stages", "auto"
        return draw_command(args)
    if suffix in TABLES:
        args.table, args.depth = None, "stage"
        return summary_command(args)
    batch = args.batch or (2 if args.dynamic else 1)
    check_readable(args.weights)
    check_labels(args)
    if args.output:
        check_writable(args.output)
    net = load_net(args)
    if suffix in ARTEFACTS:
        return _write_artefact(args, net, batch)
    if args.output:
        from resdsl.emit import emit

        text = emit(net)
        write(args.output, text, f": {len(text.splitlines())} lines, runs with torch alone")
        return 0
    at = sizes(args, net)
    progress = Progress()
    try:
        from resdsl.backend.bench.measure import explain, report, survey, train
        from resdsl.backend.compile import DTYPES, compile_net

        with noted():
            progress(f"building {net.name} ...")
            dynamic, dtype = args.dynamic or None, DTYPES[args.dtype or "fp32"]
            compiled = compile_net(
                net, device=chosen_device(args), mode=args.mode, dynamic=dynamic, dtype=dtype
            )
            progress(f"compiling {net.name} and comparing it with eager ...")
            found = report(compiled, batch, at)
            text = str(found)
            if args.report:
                progress(f"compiling a training step of {net.name} ...")
                text += f"\n{explain(compiled, found.served, train(compiled, batch, at))}"
            if args.dynamic:
                progress(f"comparing {net.name} with eager at other sizes ...")
                text += f"\n{survey(compiled, batch, at)}"
    except RuntimeError as error:
        if not any(known in str(error) for known in ("allocate memory", "out of memory")):
            raise
        raise Usage(f"`{net.name}` does not fit into memory; --at and --batch make it smaller") from None
    finally:
        progress("")
    print(text)
    return 0


def _write_artefact(args: argparse.Namespace, net: Net, batch: int) -> int:
    """`resdsl compile SPEC -o FILE.pt2`, or `FILE.onnx`."""
    from resdsl.backend.artefact.write import write as write_artefact
    from resdsl.backend.build import build
    from resdsl.backend.compile import best_device
    from resdsl.backend.image import class_names

    at, portable = sizes(args, net), Path(args.output).suffix == ".onnx"
    progress, start = Progress(), perf_counter()
    try:
        device = "cpu" if portable else chosen_device(args) or best_device()
        progress(f"building {net.name} ...")
        module = build(net)
        weigh(args, net, module)
        found = find_or_fail(args, args.spec)
        made = write_artefact(
            args.output,
            net,
            module.to(device),
            at=at,
            batch=None if args.dynamic else batch,
            spec=texts(found.source, found.path),
            labels=class_names(net, args.labels),
            random=not args.weights,
            progress=lambda step: progress(f"{step} ..."),
        )
    except NotCompiled as error:
        raise Usage(f"`{net.name}` cannot be compiled into a file: {error}") from None
    except ValueError as error:
        raise Usage(f"`{net.name}`: {error}") from None
    except OSError as error:
        raise Usage(f"cannot write `{args.output}`: {reason(error)}") from None
    finally:
        progress("")
    text = f"wrote {args.output} in {perf_counter() - start:.0f} s"
    where = "" if portable else f"{made.device}, "
    runs = "runs with onnxruntime" if portable else f"runs with torch {made.torch} alone"
    print(f"{text}: {where}{made.calls}; {runs}", file=sys.stderr)
    return 0
