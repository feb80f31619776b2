"""Writes docs/gallery.md, its pictures and those of the README: `python docs/gallery.py`.

With `--check` it draws them as DOT only, which needs no renderer, and exits with 1 if the page is out of date.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from resdsl import load
from resdsl.files import write_file
from resdsl.pipeline import check
from resdsl.render.pictures.broken import draw_broken
from resdsl.render.pictures.draw import draw
from resdsl.source import Source

HERE = Path(__file__).parent
FIGURES = HERE / "figures" / "gallery"


class Shot(NamedTuple):
    """A picture: of which net, with which options of `draw`, how wide it is shown, and what to look at."""

    file: str
    net: str
    options: dict[str, Any]
    width: int
    text: str


SHOTS = {
    "Stages": (
        Shot(
            "stages",
            "resnet50",
            {},
            760,
            "The default: a card for each stage with its repeats, the shape of every value between them, bars for "
            "parameters and MACs, and beside it the block with its shortcuts.",
        ),
        Shot(
            "stages-dark",
            "resnet50",
            {"theme": "dark"},
            760,
            "The same in dark. `--theme auto`, the default, makes one SVG that follows the reader's setting.",
        ),
        Shot(
            "unet", "unet", {}, 760, "The layout is chosen from the graph: an encoder and a decoder make a U."
        ),
    ),
    "Strip": (Shot("strip", "resnet50", {"view": "strip"}, 880, "For a README or a slide."),),
    "Column": (
        Shot(
            "column",
            "resnet34",
            {"view": "column"},
            340,
            "Figure 3 of the ResNet paper: every convolution, the output size where it changes, solid curves for "
            "identity shortcuts and dotted ones for projections.",
        ),
        Shot(
            "folded",
            "resnet1202",
            {"view": "column"},
            340,
            "Long repeats are folded. The card stands for 197 blocks and has their shortcut; the zero-padding ones "
            "are dashed.",
        ),
        Shot(
            "wrapped",
            "resnet152",
            {"view": "column", "fold": "none", "wrap": 5},
            900,
            "All of ResNet-152 on one landscape page.",
        ),
        Shot(
            "dense",
            "densenet121",
            {"view": "column", "fold": 1},
            340,
            "DenseNet concatenates; `--fold 1` draws one block of each run, the card, and the last.",
        ),
    ),
    "Block": (
        Shot(
            "block",
            "resnet50",
            {"view": "block:conv3_x"},
            420,
            "By the name of a stage, of a block, or an address such as `layer2.0`. Norms and activations are in the "
            "box of what they follow.",
        ),
        Shot("inception", "googlenet", {"view": "block:inception4a"}, 700, "A block with branches."),
    ),
    "Graph": (
        Shot(
            "graph",
            "vit_b_16",
            {"view": "graph"},
            380,
            "Every op, blocks framed in the colour of their stage, and shapes where they change. Norms and "
            "activations are in the box of what they follow, and of blocks alike only the first is opened: "
            "`--fold 1` opens all that differ, `--fold none` draws every copy and every op.",
        ),
        Shot(
            "graph-depth",
            "resnet50",
            {"view": "graph", "depth": 0, "show": ["shapes", "params", "macs", "names"]},
            300,
            "`--depth` closes frames, `--show` says what is written.",
        ),
    ),
    "A spec with a mistake": (
        Shot(
            "broken",
            "docs/broken.res",
            {},
            380,
            "All that checks, the edges that do not fit in red, and what is said of them. The exit code is 1.",
        ),
    ),
}

INTRO = """\
# Gallery

Every view that `resdsl draw` has, with the command that draws it. `python docs/gallery.py` writes this page. Each
picture is also written as `.png`, `.pdf` and `.dot` by the suffix of `-o`; `resdsl draw resnet50 -o resnet50.html`
writes a page to explore instead.
"""

BESIDE = "## Beside other tools"
COMPARED = ("resnet50", "resnet152", "unet", "densenet121")
COMPARISON = f"""\
{BESIDE}

What the tools that draw PyTorch or Keras models make of four nets: the boxes drawn, and the size of the page in
points (A4 is 595 × 842).

| | ResNet-50 | ResNet-152 | U-Net | DenseNet-121 |
| --- | --- | --- | --- | --- |
| resdsl, `stages` | {{stages}} |
| resdsl, `column` | {{column}} |
| resdsl, `graph` | {{graph}} |
| torchview 0.2.7, depth 3 | 173, 529 × 9094 | 513, 329 × 26719 | 53, 312 × 3197 | 81, 173 × 3996 |
| torchview 0.2.7, everything | 177, 369 × 9526 | 517, 432 × 27151 | 53, 312 × 3197 | 429, 231 × 24041 |
| TorchLens 2.36.1 | 177, 728 × 22493 | 517, 728 × 67041 | 53, 822 × 7089 | 429, 486 × 58477 |
| keras 3.15.1 `plot_model` | 177, 1464 × 20252 | 517, 1392 × 61052 | 50, 1172 × 5972 | 429, 843 × 51452 |
| Netron, from ONNX | 124 | 362 | 51 | 370 |

How it was measured: torchview and TorchLens drew the modules that resdsl emits, which have torchvision's layers and
names (torch 2.13.0 on the CPU, Graphviz 2.43); torchview with `expand_nested=True`. keras drew `keras.applications`,
and the same U-Net written in Keras, with `show_shapes=True, expand_nested=True, dpi=72` on the torch backend and
pydot 4.0.1. Netron 9.3.3 exports no picture without a browser: it draws one box for each node, input and output of
the ONNX graph, and those were counted in what `torch.onnx.export` of torch 2.13.0 writes, which has the batch norms
folded into the convolutions of the ResNets and the U-Net; its page was not measured. resdsl is counted in the
boxes with an outline: cards, layers and sums, without texts.

What each shows, and what it loses:

- **resdsl** shows stages and repeats, the kind of every shortcut, shapes, parameters and MACs, by default on one page.
  It loses whatever is not in the spec: it draws specs, not modules.
- **torchview** draws any module that runs, nested in frames, with the shapes in and out of each op. Each copy of a
  repeat is drawn; which addition is a shortcut, and of what kind, is not said, nor are parameters.
- **TorchLens** draws every op as it ran, with shape, size and parameters of each, and can roll up loops. Copies of a
  block are no loop; kinds of shortcuts are not said; the page is up to 24 metres long.
- **keras** draws layers with their shapes and names, and nested models. Where a model is built flat, as these are,
  blocks and repeats are lost, and kinds of shortcuts.
- **Netron** shows attributes and weights of every node of many kinds of files. Modules, repeats and kinds of shortcuts
  are lost, and shapes unless the file holds them.
"""


def command(shot: Shot) -> str:
    """How the picture is drawn at a prompt."""
    words = ["resdsl draw", shot.net]
    for name, value in shot.options.items():
        words.append(f"--{name} {','.join(value) if isinstance(value, list) else value}")
    return " ".join([*words, f"-o {shot.file}.svg"])


def drawn(shot: Shot, format: str, **options: Any) -> bytes:
    """The picture. Of a spec with mistakes there is no net to load, only what checks."""
    if not shot.net.endswith(".res"):
        return draw(load(shot.net).net, format, **options)
    checked = check(Source(shot.net, (HERE.parent / shot.net).read_text(encoding="utf-8")))
    (net,) = checked.nets.values()
    return draw_broken(net, checked.diagnostics, format, **options)


def page() -> str:
    """The page up to the comparison. A checksum of each picture's DOT tells when it is out of date."""
    made = [INTRO]
    for heading, shots in SHOTS.items():
        made.append(f"## {heading}\n")
        for shot in shots:
            checksum = crc32(drawn(shot, "dot", **shot.options))
            made += [
                f"{shot.text}\n",
                f"```sh\n{command(shot)}\n```\n",
                f'<img alt="{shot.net}, drawn by resdsl" src="figures/gallery/{shot.file}.svg" width="{shot.width}">'
                f"<!-- {checksum:08x} -->\n",
            ]
    return "\n".join([*made, ""])


def measured(name: str, view: str) -> str:
    """Boxes and page of a picture, as in the table."""
    net = load(name).net
    try:
        dot, svg = (draw(net, format, view=view).decode() for format in ("dot", "svg"))
    except ValueError:
        return "branches"
    boxes = [line for line in dot.splitlines() if "fillcolor=" in line and " -> " not in line]
    boxes = [line for line in boxes if not line.lstrip().startswith(("graph ", "node "))]
    page = re.search(r'<svg width="(\d+)pt" height="(\d+)pt"', svg)
    assert page
    return f"{len(boxes)}, {page[1]} × {page[2]}"


def main(arguments: list[str]) -> int:
    """Write the page and the pictures, or check it."""
    made = page()
    if "--check" in arguments:
        current = (HERE / "gallery.md").read_text(encoding="utf-8")
        if current.partition(BESIDE)[0] == made:
            return 0
        print("docs/gallery.md is out of date: python docs/gallery.py", file=sys.stderr)
        return 1
    FIGURES.mkdir(parents=True, exist_ok=True)
    for shots in SHOTS.values():
        for shot in shots:
            picture = {"theme": "auto", "renderer": "graphviz-pure"} | shot.options
            write_file(FIGURES / f"{shot.file}.svg", drawn(shot, "svg", **picture))
    for theme in ("light", "dark"):  # the README's; GitHub chooses one by its own setting
        data = draw(load("resnet50").net, "svg", theme=theme, renderer="graphviz-pure")
        write_file(HERE / "figures" / f"resnet50-{theme}.svg", data)
    rows = {
        view: " | ".join(measured(net, view) for net in COMPARED) for view in ("stages", "column", "graph")
    }
    write_file(HERE / "gallery.md", made + COMPARISON.format(**rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
