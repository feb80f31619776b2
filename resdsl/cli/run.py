"""The command `run`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from resdsl.cli.errors import Usage
from resdsl.cli.files import check_readable
from resdsl.cli.options import input_shape
from resdsl.cli.show import fail, problem
from resdsl.cli.torch import Progress, check_labels, chosen_device, weigh
from resdsl.diagnostics import codes


def run_command(args: argparse.Namespace) -> int:
    """`resdsl run SPEC --image FILE`."""
    check_readable(args.image, args.weights)
    check_labels(args)
    suffix = Path(args.spec).suffix
    if suffix == ".onnx":
        raise Usage(
            f"`{args.spec}` is for onnxruntime; `run` takes a spec, or a .pt2: `resdsl compile SPEC -o net.pt2`"
        )
    return _run_artefact(args) if suffix == ".pt2" else _run(args)


def _run(args: argparse.Namespace) -> int:
    from resdsl.backend.image import BadImage, labels, predict
    from resdsl.cli.load import load_net, sizes  # an artefact needs none of the language

    net = load_net(args)
    at = sizes(args, net) if args.at else None
    progress = Progress()
    try:
        from resdsl.backend.compile import compile_net

        device = chosen_device(args)
        progress(f"building {net.name} ...")
        compiled = compile_net(net, device=device)
        weigh(args, net, compiled.eager)
        names = labels(args.labels, net)
        progress(f"compiling {net.name} and running it on {args.image} ...")
        module = compiled.eager if args.no_compile else compiled.module
        answers = predict(net, module, args.image, compiled.device, args.top, at)
    except BadImage as error:
        progress("")
        fail(args, [problem(codes.BAD_IMAGE, args.image, str(error))])
    finally:
        progress("")
    _print_answers([(names(i), probability) for i, probability in answers])
    return 0


def _run_artefact(args: argparse.Namespace) -> int:
    """`resdsl run FILE.pt2 --image FILE`."""
    from resdsl.backend.artefact.about import BadArtefact
    from resdsl.backend.artefact.load import load_artefact
    from resdsl.backend.image import BadImage

    for option in ("weights", "set", "no_compile"):
        if getattr(args, option):
            name = option.replace("_", "-")
            raise Usage(f"`{args.spec}` is a net compiled with its weights: leave --{name} out")
    check_readable(args.spec)
    try:
        device = chosen_device(args)
        artefact = load_artefact(args.spec)
        about = artefact.about
        if device is not None and device.split(":")[0] != about.device:
            raise Usage(f"`{args.spec}` was compiled for {about.device}: leave --device out")
        at = input_shape(args)
        reason = about.misfit(at) if at is not None else None
        if reason is not None:
            raise Usage(f"`{about.net}`: {reason}")
        names = Path(args.labels).read_text(encoding="utf-8").splitlines() if args.labels else about.labels
        answers = artefact.predict(args.image, args.top, at)
    except BadArtefact as error:
        fail(args, [problem(codes.BAD_ARTEFACT, args.spec, f"`{args.spec}` cannot be run: {error}")])
    except BadImage as error:
        fail(args, [problem(codes.BAD_IMAGE, args.image, str(error))])
    if about.random:
        print(
            f"note: the weights of `{args.spec}` are random: it was compiled without --weights",
            file=sys.stderr,
        )
    _print_answers([(names[i] if i < len(names) else f"class {i}", p) for i, p in answers])
    return 0


def _print_answers(answers: list[tuple[str, float]]) -> None:
    width = max(len(name) for name, _ in answers)
    for name, probability in answers:
        print(f"{name:<{width}}  {probability:.3f}")
