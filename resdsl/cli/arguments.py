"""What each command takes."""

from __future__ import annotations

import argparse

from resdsl import __version__
from resdsl.cli.parser import Parser

FORMATS = ("full", "concise", "json", "github", "sarif")
DTYPES = ("fp32", "bf16", "fp16")
MODES = ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; `command` is the name of the one that was given."""
    made = Parser(
        prog="resdsl", description="A language and compiler for residual networks.", allow_abbrev=False
    )
    made.add_argument("--version", action="version", version=f"resdsl {__version__}")
    commands = made.add_subparsers(title="commands", metavar="COMMAND")

    def add(
        name: str, help: str, *, nets: str | None = "+", settings: bool = True
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help, description=help + ".", allow_abbrev=False)
        command.set_defaults(command=name)
        if nets:
            what = "a file, FILE:NET, or the name of a bundled net"
            command.add_argument("spec", metavar="SPEC", nargs=None if nets == "1" else nets, help=what)
        command.add_argument(
            "--extension", action="append", default=[], metavar="NAME", help="allow the ops of a package"
        )
        if settings:
            command.add_argument(
                "--set", action="append", default=[], metavar="NAME=VALUE", help="give a parameter of the net"
            )
        command.add_argument("--format", choices=FORMATS, default="full", help="how mistakes are shown")
        command.add_argument("--color", choices=("auto", "always", "never"), default="auto")
        return command

    check = add("check", "Check specs: names, arguments, shapes for every input size")
    check.add_argument("--fix", action="store_true", help="apply the safe fixes to the files")
    check.add_argument("--unsafe-fixes", action="store_true", help="apply also those that change the net")

    compile = add(
        "compile",
        "Compile a net and compare it with eager, or write what -o asks for",
        nets="1",
    )
    compile.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help=".pt2 compiled net with its weights, .onnx, .py source, .svg .png .pdf .dot picture, .html page, "
        ".md .json .csv .tex table",
    )
    compile.add_argument("--at", metavar="SHAPE", help="input shape, like 3x224x224")
    compile.add_argument("--batch", type=int, help="images per call (1, and 2 with --dynamic)")
    compile.add_argument("--dynamic", action="store_true", help="once for every batch and size that fits")
    compile.add_argument("--device", help="cuda or cpu (cuda where there is one)")
    compile.add_argument("--dtype", choices=DTYPES, help="what to compute in (fp32)")
    compile.add_argument("--mode", choices=MODES, help="max-autotune takes minutes to find what is fastest")
    compile.add_argument(
        "--report", action="store_true", help="say how inference and training are compiled, and why so"
    )
    compile.add_argument(
        "--weights", metavar="FILE", help="weights for a .pt2 or .onnx: .safetensors or .pth"
    )
    compile.add_argument("--labels", metavar="FILE", help="class names for a .pt2 or .onnx, one a line")

    run = add("run", "Run a net on an image and print the most likely classes", nets="1")
    run.epilog = "SPEC may also be a .pt2 that `resdsl compile -o` wrote."
    run.add_argument("--image", required=True, metavar="FILE", help="a picture that Pillow reads")
    run.add_argument("--weights", metavar="FILE", help=".safetensors, or .pth read with weights_only=True")
    run.add_argument("--labels", metavar="FILE", help="one class name a line (ImageNet's for 1000 classes)")
    run.add_argument("--top", type=int, default=5, help="how many classes to print (5)")
    run.add_argument("--at", metavar="SHAPE", help="input shape, like 3x256x256")
    run.add_argument("--device", help="cuda or cpu (cuda where there is one)")
    run.add_argument("--no-compile", action="store_true", help="run eagerly")

    bench = add("bench", "Measure how fast a net runs, next to other ways to run it", nets="1")
    bench.add_argument("--at", metavar="SHAPE", help="input shape, like 3x224x224")
    bench.add_argument("--batch", type=int, default=1, metavar="N", help="images per call (1)")
    bench.add_argument("--train", action="store_true", help="a training step, forward and backward")
    bench.add_argument(
        "--against",
        default="eager,torch,frozen,onnxruntime",
        metavar="SIDES",
        help="what else to run: eager, torch (torch.compile), frozen (the same with constant weights), onnxruntime",
    )
    bench.add_argument("--runs", type=int, default=20, metavar="N", help="turns of each (20)")
    bench.add_argument("--device", help="cuda or cpu (cuda where there is one)")
    bench.add_argument("--dtype", choices=DTYPES, default="fp32", help="what to compute in (fp32)")
    bench.add_argument("--json", metavar="FILE", help="write all numbers to a file")
    bench.add_argument("--plot", metavar="FILE", help="draw images a second as bars (.svg)")

    summary = add("summary", "Print the table of stages; of several nets, Table 1 as in the paper")
    summary.add_argument("--at", metavar="SIZE", help="input size, like 256 or 3x224x224")
    summary.add_argument("--batch", type=int, metavar="N", help="inputs at a time, for the memory (1)")
    summary.add_argument("--depth", choices=("stage", "block", "op"), default="stage")
    summary.add_argument("--as", dest="table", choices=("text", "md", "csv", "json", "tex"), default=None)
    summary.add_argument("-o", "--output", metavar="FILE", help=".md .csv .json .tex")

    fits = add("sizes", "Print at which input sizes a net fits, exactly", nets="1")
    fits.add_argument("--at", metavar="SIZES", help="sizes to show, like 224,240,225x400")
    fits.add_argument("--as", dest="table", choices=("text", "md", "csv", "json"), default=None)
    fits.add_argument("-o", "--output", metavar="FILE", help=".md .csv .json")

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
    search.add_argument("--sample", type=int, metavar="N", help="try only so many, chosen at random")
    search.add_argument("--seed", type=int, default=0, metavar="N", help="of the sample (0)")
    search.add_argument("--as", dest="table", choices=("text", "md", "csv", "json"), default=None)
    search.add_argument("-o", "--output", metavar="FILE", help=".md .csv .json")

    draw = add("draw", "Draw a net", nets="1")
    draw.add_argument(
        "-o", "--output", metavar="FILE", help=".svg (default NET.svg), .png, .pdf, .dot or .html"
    )
    draw.add_argument("--at", metavar="SHAPE", help="input shape, like 3x224x224")
    draw.add_argument("--view", help="stages (default), column, strip, block:NAME or graph")
    draw.add_argument("--theme", help="auto (default: an SVG follows the reader's setting), light or dark")
    draw.add_argument("--title", metavar="TEXT", help="instead of the net's name; none for no title")
    draw.add_argument(
        "--fold", metavar="N", help="draw N copies of a repeat and the others as one card; none draws all"
    )
    draw.add_argument("--wrap", metavar="N", help="in N columns")
    draw.add_argument("--depth", metavar="N", help="how deep blocks are opened, 0 for not at all")
    draw.add_argument("--show", metavar="WHAT", help="what is written: shapes,params,macs,names")
    draw.add_argument("--lr", action="store_true", default=None, help="from left to right")
    draw.add_argument("--renderer", metavar="NAME", help="graphviz-pure, dot, or auto (default)")

    watch = add(
        "watch",
        "Check a spec whenever it is saved, and show its page in a browser (on this machine only)",
        nets="1",
    )
    watch.add_argument("--net", metavar="NAME", help="this net alone (all of the file)")
    watch.add_argument("--port", type=int, metavar="N", help="of the page (the first free one from 8080)")

    compare = add(
        "diff",
        "Say what differs between two nets, and which weights of the first the second takes",
        nets=None,
    )
    compare.epilog = (
        "Exit code: 0 when nothing differs, 1 when something does. SPEC alone is compared with HEAD."
    )
    compare.add_argument("spec", metavar="A", help="a file, FILE:NET, or the name of a bundled net")
    compare.add_argument("other", metavar="B", nargs="?", help="the same; by default A as it is now")
    compare.add_argument(
        "--git", metavar="REV", help="take A as it was in a git revision; with v1..v2 B too, as it was in v2"
    )
    compare.add_argument(
        "--set-b", action="append", default=[], metavar="NAME=VALUE", help="give a parameter of B alone"
    )
    compare.add_argument("--at", metavar="SHAPE", help="input shape of both, like 3x224x224")
    compare.add_argument("--as", dest="table", choices=("text", "md", "json"), default=None)
    compare.add_argument(
        "-o", "--output", metavar="FILE", help=".md .json, or a picture: .svg .png .pdf .dot"
    )
    compare.add_argument("--theme", choices=("auto", "light", "dark"), default="auto")
    compare.add_argument(
        "--rename-map", metavar="FILE", help="write JSON of A's keys and the keys of the same tensors in B"
    )

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
    book.add_argument("-o", "--output", metavar="FOLDER", required=True)

    ops = commands.add_parser("ops", help="Describe the ops, or one of them")
    ops.set_defaults(command="ops")
    ops.add_argument("name", nargs="?")
    ops.add_argument("--markdown", action="store_true", help="the whole reference as markdown")

    listing = commands.add_parser("list", help="List the bundled nets")
    listing.set_defaults(command="list")

    explain = commands.add_parser("explain", help="Explain a diagnostic code")
    explain.set_defaults(command="explain")
    explain.add_argument("code", nargs="?", metavar="CODE")

    new = commands.add_parser("new", help="Write a first spec")
    new.set_defaults(command="new")
    new.add_argument("path", metavar="FILE", help="the file to make, like mynet.res")
    return made
