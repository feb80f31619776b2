"""The command `compile`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import perf_counter

from resdsl.backend.errors import MissingTorch
from resdsl.cli.common import Failed, Usage, find_or_fail, load_net, sizes
from resdsl.cli.front import draw_command, summary_command
from resdsl.cli.torch import Progress, check_labels, chosen_device, weigh
from resdsl.diagnostics.model import Sink
from resdsl.elaborate.files import Loader
from resdsl.files import write_file
from resdsl.graph.model import Net

PICTURES, TABLES = (".svg", ".png", ".pdf", ".dot"), (".md", ".csv", ".json", ".tex")
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
        from resdsl.backend.bench.measure import report, survey
        from resdsl.backend.compile import compile_net

        progress(f"building {net.name} ...")
        compiled = compile_net(net, device=chosen_device(args), mode=args.mode, dynamic=args.dynamic or None)
        progress(f"compiling {net.name} {compiled.how} and comparing it with eager ...")
        text = str(report(compiled, batch, at))
        if args.dynamic:
            progress(f"comparing {net.name} with eager at other sizes ...")
            text += f"\n{survey(compiled, batch, at)}"
    except MissingTorch as error:
        raise Usage(str(error)) from None
    finally:
        progress("")
    print(text)
    return 0


def _write_artefact(args: argparse.Namespace, net: Net, batch: int) -> int:
    """`resdsl compile SPEC -o FILE.pt2`, or `FILE.onnx`."""
    check_labels(args)
    at, portable = sizes(args, net), Path(args.output).suffix == ".onnx"
    progress, start = Progress(), perf_counter()
    try:
        from resdsl.backend.artefact import package as artefact
        from resdsl.backend.artefact.onnx import write_onnx
        from resdsl.backend.build import build
        from resdsl.backend.compile import best_device
    except MissingTorch as error:
        raise Usage(str(error)) from None
    try:
        device = "cpu" if portable else chosen_device(args) or best_device()
        progress(f"building {net.name} ...")
        module = build(net)
        weigh(args, net, module)
        progress(f"compiling {net.name} into {args.output} ...")
        write = write_onnx if portable else artefact.write_artefact
        made = write(
            args.output,
            net,
            module.to(device),
            at=at,
            batch=None if args.dynamic else batch,
            spec=_texts(args),
            labels=_classes(args, net),
        )
    except artefact.NotCompiled as error:
        raise Usage(f"`{net.name}` cannot be compiled into a file: {error}") from None
    except ValueError as error:
        raise Usage(f"`{net.name}`: --dynamic compiles for many sizes at once, but {error}") from None
    finally:
        progress("")
    text = f"wrote {args.output} in {perf_counter() - start:.0f} s"
    where = "" if portable else f"{made.device}, "
    runs = "runs with onnxruntime" if portable else f"runs with torch {made.torch} alone"
    print(f"{text}: {where}{made.calls}; {runs}", file=sys.stderr)
    return 0


def _texts(args: argparse.Namespace) -> dict[str, str]:
    """The text of a spec and of the files it uses, by name."""
    found = find_or_fail(args, args.spec)
    assert found.path is not None
    root = found.path.parent.resolve()
    loader = Loader(Sink(), root)
    loader.load(found.source, found.path)
    return {
        str(path.relative_to(root)) if path.is_relative_to(root) else module.source.path: module.source.text
        for path, module in loader.modules.items()
        if module is not None
    }


def _classes(args: argparse.Namespace, net: Net) -> list[str]:
    """Names of the classes, where there are any."""
    from resdsl.backend.image import labels

    shapes = net.graph.output_shapes
    scores = shapes[0] if len(shapes) == 1 else None
    if scores is None or len(scores) != 1 or not isinstance(scores[0], int):
        return []
    names = labels(args.labels, net)
    return [names(i) for i in range(scores[0])]
