"""The commands that run networks: `compile` and `run`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from resdsl.backend.errors import MissingTorch
from resdsl.cli.common import Failed, Usage, load_net, show, sizes
from resdsl.cli.front import draw_command, summary_command
from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Code, Diagnostic, Label
from resdsl.files import write_file
from resdsl.graph.model import Net
from resdsl.source import Source, Span

PICTURES, TABLES = (".svg", ".png", ".pdf", ".dot"), (".md", ".csv", ".json", ".tex")


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
    if args.output and suffix != ".py":
        known = ", ".join((".py", *PICTURES, *TABLES))
        raise Usage(f"`{args.output}`: the suffix decides what is written; known: {known}")
    if args.output and args.dynamic:
        raise Usage("--dynamic says how a net is compiled, and -o writes one: leave out one of them")
    batch = args.batch if args.batch is not None else 2 if args.dynamic else 1
    if batch < 1:
        raise Usage("--batch takes a number of at least 1")
    try:
        net = load_net(args)
    except Failed:
        return 1
    if args.output:
        from resdsl.backend.emit import emit

        text = emit(net)
        write_file(args.output, text)
        print(f"wrote {args.output}: {len(text.splitlines())} lines, runs with torch alone", file=sys.stderr)
        return 0
    at = sizes(args, net)
    progress = Progress()
    try:
        from resdsl.backend.compile import compile_net
        from resdsl.backend.measure import report, survey

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
    net = load_net(args)
    progress = Progress()
    try:
        from resdsl.backend.compile import compile_net

        device = _device(args)
        progress(f"building {net.name} ...")
        compiled = compile_net(net, device=device)
        if args.weights:
            _load(args, net, compiled.eager)
        else:
            print(f"note: no --weights, so `{net.name}` has fresh random weights", file=sys.stderr)
        names = labels(args.labels, net)
        progress(f"compiling {net.name} and running it on {args.image} ...")
        module = compiled.eager if args.no_compile else compiled.module
        answers = predict(net, module, args.image, compiled.device, args.top)
    except BadImage as error:
        progress("")
        show(args, [_problem(codes.BAD_IMAGE, args.image, str(error))])
        return 1
    except OSError as error:
        raise Usage(f"cannot read `{error.filename}`: {error.strerror}") from None
    finally:
        progress("")
    width = max(len(names(i)) for i, _ in answers)
    for index, probability in answers:
        print(f"{names(index):<{width}}  {probability:.3f}")
    return 0


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
