"""What each command takes."""

from __future__ import annotations

import argparse

from resdsl import __version__
from resdsl.cli.parser import Parser

FORMATS = ("full", "concise", "json", "github", "sarif")
DTYPES = ("fp32", "bf16", "fp16")
MODES = ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")
SPEC = "a file, FILE:NET, or the name of a bundled net"
EXIT_CODES = """\
exit codes: 0 fine; 1 what a file holds has errors; 2 the command was given
wrongly, or names what is not there. `resdsl new net.res` writes a first spec,
`resdsl COMMAND --help` says what a command takes."""


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; `command` is the name of the one that was given."""
    made = Parser(
        prog="resdsl",
        description="A language and compiler for residual networks.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument(
        "--version", action="version", version=f"resdsl {__version__}", help="print the version"
    )
    commands = made.add_subparsers(title="commands", metavar="COMMAND")

    def plain(name: str, help: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help, description=help + ".", allow_abbrev=False)
        command.set_defaults(command=name)
        return command

    def extension(to: argparse._ActionsContainer) -> None:
        to.add_argument(
            "--extension",
            action="append",
            default=[],
            metavar="NAME",
            help="allow the ops of an installed package",
        )

    def add(
        name: str, help: str, *, nets: str | None = "+", settings: bool = True
    ) -> argparse.ArgumentParser:
        command = plain(name, help)
        if nets:
            command.add_argument("spec", metavar="SPEC", nargs=None if nets == "1" else nets, help=SPEC)
        common = command.add_argument_group("options of most commands")  # shown after its own
        if settings:
            common.add_argument(
                "--set", action="append", default=[], metavar="NAME=VALUE", help="give a parameter of the net"
            )
        extension(common)
        common.add_argument("--format", choices=FORMATS, default="full", help="how mistakes are shown (full)")
        common.add_argument(
            "--color",
            choices=("auto", "always", "never"),
            default="auto",
            help="auto (default): on a terminal, unless NO_COLOR is set",
        )
        return command

    check = add("check", "Check specs: names, arguments, shapes for every input size")
    check.add_argument("--fix", action="store_true", help="apply the safe fixes to the files")
    check.add_argument("--unsafe-fixes", action="store_true", help="apply also those that change the net")

    summary = add("summary", "Print the table of stages; of several nets, Table 1 as in the paper")
    summary.add_argument("--at", metavar="SIZE", help="input size, like 256 or 3x224x224")
    summary.add_argument("--batch", type=_count, metavar="N", help="inputs per call, for the memory (1)")
    summary.add_argument(
        "--depth", choices=("stage", "block", "op"), default="stage", help="what a row is (stage)"
    )
    _written(summary, "md", "csv", "json", "tex")

    fits = add("sizes", "Print at which input sizes a net fits, exactly", nets="1")
    fits.add_argument("--at", metavar="SIZES", help="sizes to show, like 224,240,225x400")
    _written(fits, "md", "csv", "json")

    search = add("sweep", "Print what a net costs at every combination of settings", nets="1")
    search.add_argument(
        "--at",
        action="append",
        default=[],
        metavar="SHAPE,...",
        help="input shapes, like 3x224x224,3x320x320",
    )
    search.add_argument("--where", metavar="CONDITION", help="show only such, like 'macs < 300e6'")
    search.add_argument("--sort", metavar="COLUMN", help="by params, macs, activations or a parameter")
    search.add_argument("--sample", type=_count, metavar="N", help="try only so many, chosen at random")
    search.add_argument("--seed", type=_number, default=0, metavar="N", help="of the sample (0)")
    _written(search, "md", "csv", "json")

    draw = add("draw", "Draw a net, or write its page", nets="1")
    draw.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help=".svg (NET.svg by default), .png, .pdf or .dot, or .html for a page",
    )
    draw.add_argument("--at", metavar="SIZE", help="input size, like 256 or 3x224x224")
    draw.add_argument("--view", metavar="VIEW", help="stages (default), column, strip, block:NAME or graph")
    draw.add_argument(
        "--theme", metavar="THEME", help="auto (default: an SVG follows the reader's setting), light or dark"
    )
    draw.add_argument("--title", metavar="TEXT", help="instead of the net's name; none for no title")
    draw.add_argument(
        "--fold",
        metavar="N",
        help="draw N copies of a repeat and the others as one card, none draws all (column, graph)",
    )
    draw.add_argument("--wrap", metavar="N", help="in N columns (column)")
    draw.add_argument(
        "--depth", metavar="N", help="how deep blocks are opened, 0 for not at all (column, block, graph)"
    )
    draw.add_argument("--show", metavar="WHAT", help="what is written: shapes,params,macs,names")
    draw.add_argument("--lr", action="store_true", default=None, help="from left to right (block, graph)")
    draw.add_argument("--renderer", metavar="NAME", help="graphviz-pure, dot, or auto (default)")

    watch = add(
        "watch",
        "Check a spec whenever it is saved, and show its page in a browser (on this machine only)",
        nets="1",
    )
    watch.add_argument("--net", metavar="NAME", help="this net alone (all of the file)")
    watch.add_argument("--port", type=_number, metavar="N", help="of the page (the first free one from 8080)")

    compare = add(
        "diff",
        "Say what differs between two nets, and which weights of the first the second takes",
        nets=None,
    )
    compare.epilog = (
        "exit codes: 0 nothing differs; 1 something does, or a spec has errors; 2 as for all commands."
    )
    compare.add_argument("spec", metavar="A", help=SPEC)
    compare.add_argument(
        "other", metavar="B", nargs="?", help="the same; A alone is compared with git's HEAD"
    )
    compare.add_argument(
        "--git", metavar="REV", help="take A as it was in a git revision; with v1..v2 B too, as it was in v2"
    )
    compare.add_argument(
        "--set-b", action="append", default=[], metavar="NAME=VALUE", help="give a parameter of B alone"
    )
    compare.add_argument("--at", metavar="SIZE", help="input size of both, like 256 or 3x224x224")
    _written(compare, "md", "json", more=", or a picture: .svg .png .pdf .dot")
    compare.add_argument(
        "--theme", choices=("auto", "light", "dark"), default="auto", help="of the picture (auto)"
    )
    compare.add_argument(
        "--rename-map", metavar="FILE", help="write JSON of A's keys and the keys of the same tensors in B"
    )

    compile = add(
        "compile",
        "Compile a net and compare it with eager, or write what -o asks for",
        nets="1",
    )
    compile.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help=".pt2 compiled net with its weights, .onnx, .py source, .svg .png .pdf .dot picture, "
        ".html page, .md .csv .json .tex table",
    )
    compile.add_argument("--at", metavar="SIZE", help="input size, like 256 or 3x224x224")
    compile.add_argument(
        "--batch", type=_count, metavar="N", help="inputs per call (1, and 2 with --dynamic)"
    )
    compile.add_argument("--dynamic", action="store_true", help="once for every batch and size that fits")
    compile.add_argument(
        "--weights", metavar="FILE", help="weights for a .pt2 or .onnx: .safetensors or .pth"
    )
    compile.add_argument("--labels", metavar="FILE", help="class names for a .pt2 or .onnx, one a line")
    _device(compile)
    compile.add_argument("--dtype", choices=DTYPES, help="what to compute in (fp32)")
    compile.add_argument("--mode", choices=MODES, help="max-autotune takes minutes to find what is fastest")
    compile.add_argument(
        "--report", action="store_true", help="say how inference and training are compiled, and why so"
    )

    run = add("run", "Run a net on an image and print the most likely classes", nets=None)
    run.add_argument("spec", metavar="SPEC", help=f"{SPEC}; or a .pt2 that `resdsl compile -o` wrote")
    run.add_argument("--image", required=True, metavar="FILE", help="a picture that Pillow reads")
    run.add_argument("--weights", metavar="FILE", help=".safetensors, or .pth read with weights_only=True")
    run.add_argument("--labels", metavar="FILE", help="class names, one a line (ImageNet's for 1000 classes)")
    run.add_argument("--top", type=_count, default=5, metavar="N", help="how many classes to print (5)")
    run.add_argument("--at", metavar="SIZE", help="input size, like 256 or 3x256x256")
    _device(run)
    run.add_argument("--no-compile", action="store_true", help="run eagerly")

    bench = add("bench", "Measure how fast a net runs, next to other ways to run it", nets="1")
    bench.add_argument("--at", metavar="SIZE", help="input size, like 256 or 3x224x224")
    bench.add_argument("--batch", type=_count, default=1, metavar="N", help="inputs per call (1)")
    bench.add_argument("--train", action="store_true", help="a training step, forward and backward")
    bench.add_argument(
        "--against",
        default="eager,torch,frozen,onnxruntime",
        metavar="SIDES",
        help="what else to run: eager, torch (torch.compile), frozen (the same with constant weights), onnxruntime",
    )
    bench.add_argument("--runs", type=_count, default=20, metavar="N", help="turns of each (20)")
    _device(bench)
    bench.add_argument("--dtype", choices=DTYPES, default="fp32", help="what to compute in (fp32)")
    bench.add_argument("--json", metavar="FILE", help="write all numbers to a file")
    bench.add_argument("--plot", metavar="FILE", help="draw images a second as bars (.svg)")

    fmt = add("fmt", "Format specs", nets=None, settings=False)
    fmt.add_argument("paths", nargs="+", metavar="PATH", help="files or folders; - is standard input")
    fmt.add_argument("--check", action="store_true", help="write nothing; exit 1 if something would change")
    fmt.add_argument("--diff", action="store_true", help="print what would change and write nothing")

    test = add("test", "Check the `expect` lines of specs", nets=None, settings=False)
    test.add_argument("paths", nargs="+", metavar="PATH", help="files or folders")

    book = add(
        "catalogue",
        "Write a folder of markdown about specs: every net and block, with its picture",
        nets=None,
        settings=False,
    )
    book.add_argument(
        "paths", nargs="*", metavar="PATH", help="files or folders; the bundled specs by default"
    )
    book.add_argument("-o", "--output", metavar="FOLDER", required=True, help="made where it is missing")

    new = plain("new", "Write a first spec")
    new.add_argument("path", metavar="FILE", help="the file to make, like mynet.res")

    plain("list", "List the bundled nets")

    ops = plain("ops", "Describe the ops, or one of them")
    ops.add_argument("name", nargs="?", metavar="OP", help="like conv; all by default")
    ops.add_argument("--markdown", action="store_true", help="the whole reference as markdown")
    extension(ops)

    explain = plain("explain", "Explain a diagnostic code")
    explain.add_argument(
        "code", nargs="?", metavar="CODE", help="like shortcut-mismatch; lists all by default"
    )
    return made


def _written(command: argparse.ArgumentParser, *formats: str, more: str = "") -> None:
    """`--as` and `-o` of a command that prints a text."""
    command.add_argument("--as", dest="table", choices=("text", *formats), help="how it is written (text)")
    suffixes = " ".join(f".{format}" for format in formats)
    command.add_argument("-o", "--output", metavar="FILE", help=f"write to a file: {suffixes}{more}")


def _device(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--device", type=_a_device, metavar="DEVICE", help="cuda or cpu (cuda where there is one)"
    )


def _number(text: str) -> int:
    """A number from 0."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"takes a number, not `{text}`")
    return int(text)


def _count(text: str) -> int:
    """A number from 1."""
    if text == "0" or text.startswith("-"):
        raise argparse.ArgumentTypeError(f"takes a number of at least 1, not `{text}`")
    return _number(text)


def _a_device(text: str) -> str:
    """A device of torch, like `cuda:1`; whether there is one is not known yet."""
    if text.split(":")[0] not in ("cpu", "cuda", "mps"):
        raise argparse.ArgumentTypeError(f"takes cpu or cuda, not `{text}`")
    return text
