"""The command `compile`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import perf_counter

from resdsl.backend.errors import MissingTorch, NotCompiled
from resdsl.cli.draw import draw_command
from resdsl.cli.errors import Failed, Usage
from resdsl.cli.load import find_or_fail, load_net, sizes
from resdsl.cli.summary import summary_command
from resdsl.cli.torch import Progress, check_labels, chosen_device, noted, weigh
from resdsl.elaborate.files import texts
from resdsl.files import check_target, write_file
from resdsl.graph.model import Net

PICTURES, TABLES = (".svg", ".png", ".pdf", ".dot", ".html"), (".md", ".csv", ".json", ".tex")
ARTEFACTS = (".pt2", ".onnx")
"""Nets with their weights."""


def compile_command(args: argparse.Namespace) -> int:
    """`resdsl compile SPEC [-o FILE]`."""
    suffix = Path(args.output).suffix if args.output else ""
    if suffix in PICTURES:
        args.view, args.theme = "stages", "auto"
        return draw_command(args)
    if suffix in TABLES:
        args.table, args.depth = None, "stage"
        return summary_command(args)
    if args.output and suffix not in (".py", *ARTEFACTS):
        known = ", ".join((".py", *ARTEFACTS, *PICTURES, *TABLES))
        raise Usage(f"`{args.output}`: the suffix decides what is written; known: {known}")
    if suffix in ARTEFACTS and args.mode:
        raise Usage(f"--mode is of torch.compile, which does not write a {suffix}: leave it out")
    if suffix == ".onnx" and args.device:
        raise Usage("a .onnx is for every device: leave --device out")
    for option in ("weights", "labels"):
        if suffix not in ARTEFACTS and getattr(args, option):
            raise Usage(f"--{option} goes with -o FILE.pt2 or FILE.onnx")
    if args.output and suffix not in ARTEFACTS and args.dynamic:
        raise Usage("--dynamic says how a net is compiled, and -o writes one: leave out one of them")
    if args.output and args.dtype:
        raise Usage(f"a {suffix} is written in float32: leave --dtype out")
    if args.output and args.report:
        raise Usage("--report compiles and says how, and -o writes a file: leave out one of them")
    batch = args.batch if args.batch is not None else 2 if args.dynamic else 1
    if batch < 1:
        raise Usage("--batch takes a number of at least 1")
    try:
        net = load_net(args)
        if suffix in ARTEFACTS:
            return _write_artefact(args, net, batch)
    except Failed:
        return 1
    if args.output:
        from resdsl.emit import emit

        text = emit(net)
        write_file(args.output, text)
        print(f"wrote {args.output}: {len(text.splitlines())} lines, runs with torch alone", file=sys.stderr)
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
    except MissingTorch as error:
        raise Usage(str(error)) from None
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
    check_labels(args)
    try:
        check_target(args.output)
    except OSError as error:
        raise Usage(f"cannot write `{args.output}`: {(error.strerror or str(error)).lower()}") from None
    at, portable = sizes(args, net), Path(args.output).suffix == ".onnx"
    progress, start = Progress(), perf_counter()
    try:
        from resdsl.backend.artefact.write import write
        from resdsl.backend.build import build
        from resdsl.backend.compile import best_device
        from resdsl.backend.image import class_names
    except MissingTorch as error:
        raise Usage(str(error)) from None
    try:
        device = "cpu" if portable else chosen_device(args) or best_device()
        progress(f"building {net.name} ...")
        module = build(net)
        weigh(args, net, module)
        progress(f"compiling {net.name} into {args.output} ...")
        found = find_or_fail(args, args.spec)
        made = write(
            args.output,
            net,
            module.to(device),
            at=at,
            batch=None if args.dynamic else batch,
            spec=texts(found.source, found.path),
            labels=class_names(net, args.labels),
        )
    except NotCompiled as error:
        raise Usage(f"`{net.name}` cannot be compiled into a file: {error}") from None
    except ValueError as error:
        raise Usage(f"`{net.name}`: {error}") from None
    finally:
        progress("")
    text = f"wrote {args.output} in {perf_counter() - start:.0f} s"
    where = "" if portable else f"{made.device}, "
    runs = "runs with onnxruntime" if portable else f"runs with torch {made.torch} alone"
    print(f"{text}: {where}{made.calls}; {runs}", file=sys.stderr)
    return 0
