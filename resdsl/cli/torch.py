"""The commands that run networks: `compile` and `run`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import perf_counter

from resdsl.backend.errors import MissingTorch
from resdsl.cli.common import Failed, Usage, find_or_fail, input_shape, load_net, show, sizes
from resdsl.cli.front import draw_command, summary_command
from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Code, Diagnostic, Label, Sink
from resdsl.elaborate.files import Loader
from resdsl.files import write_file
from resdsl.graph.model import Net
from resdsl.source import Source, Span

PICTURES, TABLES = (".svg", ".png", ".pdf", ".dot"), (".md", ".csv", ".json", ".tex")
ARTEFACTS = (".pt2", ".onnx")
"""Nets with their weights."""


class Progress:
    """A line of what is being done, on a terminal only; silent in a pipe."""

    def __call__(self, text: str) -> None:
        """Show a text in place of the last; an empty one clears the line."""
        if sys.stderr.isatty():
            print(f"\r\x1b[K{text}" if text else "\r\x1b[K", end="", file=sys.stderr, flush=True)


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
        compiled = compile_net(net, device=_device(args), mode=args.mode, dynamic=args.dynamic or None)
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
    _check_labels(args)
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
        device = "cpu" if portable else _device(args) or best_device()
        progress(f"building {net.name} ...")
        module = build(net)
        _weigh(args, net, module)
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


def _check_labels(args: argparse.Namespace) -> None:
    """Read the class names once before anything takes long."""
    try:
        if args.labels:
            Path(args.labels).read_text(encoding="utf-8")
    except OSError as error:
        raise Usage(f"cannot read `{args.labels}`: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Usage(f"cannot read `{args.labels}`: it is not UTF-8 text") from None


def _device(args: argparse.Namespace) -> str | None:
    device: str | None = args.device
    if device is None:
        return None
    try:
        import torch
    except ImportError:
        raise MissingTorch from None
    kind = device.split(":")[0]
    if kind not in ("cpu", "cuda", "mps"):
        raise Usage(f"--device takes cpu or cuda, not `{device}`")
    if kind == "cuda" and not torch.cuda.is_available():
        raise Usage("there is no CUDA device here; leave --device out to run on the CPU")
    return device


def run_command(args: argparse.Namespace) -> int:
    """`resdsl run SPEC --image FILE`."""
    try:
        return _run(args)
    except Failed:
        return 1
    except MissingTorch as error:
        raise Usage(str(error)) from None


def _run(args: argparse.Namespace) -> int:
    from resdsl.backend.image import BadImage, labels, predict

    if args.top < 1:
        raise Usage("--top takes a number of at least 1")
    _check_labels(args)
    if Path(args.spec).suffix == ".pt2":
        return _run_artefact(args)
    net = load_net(args)
    at = sizes(args, net) if args.at else None
    progress = Progress()
    try:
        from resdsl.backend.compile import compile_net

        device = _device(args)
        progress(f"building {net.name} ...")
        compiled = compile_net(net, device=device)
        _weigh(args, net, compiled.eager)
        names = labels(args.labels, net)
        progress(f"compiling {net.name} and running it on {args.image} ...")
        module = compiled.eager if args.no_compile else compiled.module
        answers = predict(net, module, args.image, compiled.device, args.top, at)
    except BadImage as error:
        progress("")
        show(args, [_problem(codes.BAD_IMAGE, args.image, str(error))])
        return 1
    except OSError as error:
        raise Usage(f"cannot read `{error.filename}`: {error.strerror}") from None
    finally:
        progress("")
    _print_answers([(names(i), probability) for i, probability in answers])
    return 0


def _run_artefact(args: argparse.Namespace) -> int:
    """`resdsl run FILE.pt2 --image FILE`."""
    from resdsl.backend.artefact.package import BadArtefact, load_artefact
    from resdsl.backend.image import BadImage

    for option in ("weights", "set", "no_compile"):
        if getattr(args, option):
            name = option.replace("_", "-")
            raise Usage(f"`{args.spec}` is a net compiled with its weights: leave --{name} out")
    try:
        device = _device(args)
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
        show(args, [_problem(codes.BAD_ARTEFACT, args.spec, f"`{args.spec}` cannot be run: {error}")])
        return 1
    except BadImage as error:
        show(args, [_problem(codes.BAD_IMAGE, args.image, str(error))])
        return 1
    except OSError as error:
        raise Usage(f"cannot read `{error.filename}`: {error.strerror}") from None
    _print_answers([(names[i] if i < len(names) else f"class {i}", p) for i, p in answers])
    return 0


def _print_answers(answers: list[tuple[str, float]]) -> None:
    width = max(len(name) for name, _ in answers)
    for name, probability in answers:
        print(f"{name:<{width}}  {probability:.3f}")


def _weigh(args: argparse.Namespace, net: Net, module: object) -> None:
    """Load the weights that are given, or say that there are none."""
    if args.weights:
        _load(args, net, module)
    else:
        print(f"note: no --weights, so `{net.name}` has fresh random weights", file=sys.stderr)


def _load(args: argparse.Namespace, net: Net, module: object) -> None:
    from resdsl.backend.weights import load_weights

    problems = load_weights(module, Path(args.weights))  # type: ignore[arg-type]
    if problems:
        shown = problems[:20]
        if len(problems) > len(shown):
            shown.append(f"and {len(problems) - len(shown)} more")
        diagnostic = _problem(
            codes.BAD_WEIGHTS, args.weights, f"the weights do not fit `{net.name}`", tuple(shown)
        )
        show(args, [diagnostic])
        raise Failed


def _problem(code: Code, path: str, message: str, notes: tuple[str, ...] = ()) -> Diagnostic:
    return Diagnostic(code, message, Label(Span(Source(path, ""), 0, 0)), notes=notes)
