"""A folder of markdown about some specs: their nets and blocks, with documentation, counts and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from resdsl.elaborate.values import Definition
from resdsl.graph.model import Net
from resdsl.pipeline import Checked
from resdsl.render.numbers import shape_text
from resdsl.render.outline.rows import rows
from resdsl.render.pictures.draw import draw
from resdsl.render.reference import markdown


@dataclass(frozen=True)
class Block:
    """A block, and the first net that runs it."""

    definition: Definition
    net: Net | None


def catalogue(specs: Sequence[Checked]) -> Iterator[tuple[str, bytes]]:
    """The files of the folder: `README.md`, `ops.md`, a page for each spec, and the pictures in `pictures/`.

    Args:
        specs: checked files without errors.

    Raises:
        NoRenderer: when Graphviz is not installed.
    """
    yield "README.md", _contents(specs).encode()
    yield "ops.md", markdown().encode()
    everything = [net for checked in specs for net in checked.nets.values()]
    for checked in specs:
        stem, blocks = _stem(checked), blocks_of(checked, everything)
        yield f"{stem}.md", _page(checked, blocks).encode()
        for net in checked.nets.values():
            yield f"pictures/{stem}/{net.name}.svg", draw(net, "svg", theme="auto")
        for block in blocks:
            if block.net is not None:
                view = f"block:{block.definition.name}"
                yield _picture(stem, block), draw(block.net, "svg", view=view, theme="auto")


def _stem(checked: Checked) -> str:
    return PurePosixPath(checked.source.path).stem


def _picture(stem: str, block: Block) -> str:
    return f"pictures/{stem}/block-{block.definition.name}.svg"


def blocks_of(checked: Checked, everything: Sequence[Net]) -> list[Block]:
    """The blocks of a file, each with a net that runs it: the first of the file, or else of all."""
    assert checked.module is not None
    nets = (*checked.nets.values(), *everything)
    return [
        Block(definition, next((net for net in nets if _runs(net, name)), None))
        for name, definition in checked.module.blocks.items()
    ]


def _runs(net: Net, block: str) -> bool:
    return any(g.kind == "block" and g.name == block for g in net.graph.signatures())


def _contents(specs: Sequence[Checked]) -> str:
    lines = ["# Catalogue", "", "Made by `resdsl catalogue`. [All ops](ops.md).", ""]
    lines += ["| spec | what it is | nets | blocks |", "| --- | --- | --- | --- |"]
    for checked in specs:
        assert checked.module is not None
        stem = _stem(checked)
        blocks = [b.definition.name for b in blocks_of(checked, ())]
        doc = (checked.module.file.doc or "").split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
        links = " ".join(f"[`{n}`]({stem}.md#{n.lower()})" for n in checked.nets)
        inner = " ".join(f"[`{n}`]({stem}.md#block-{n.lower()})" for n in blocks)
        lines.append(f"| [{stem}]({stem}.md) | {doc} | {links} | {inner} |")
    return "\n".join(lines) + "\n"


def _page(checked: Checked, blocks: Sequence[Block]) -> str:
    assert checked.module is not None
    stem = _stem(checked)
    lines = [f"# {stem}", "", *_doc(checked.module.file.doc)]
    if checked.nets:
        lines += ["| net | input | output | parameters | MACs |", "| --- | --- | --- | ---: | ---: |"]
        lines += [_row(net) for net in checked.nets.values()]
        lines.append("")
    for net in checked.nets.values():
        lines += [f"## {net.name}", "", *_doc(net.doc), f"![{net.name}](pictures/{stem}/{net.name}.svg)", ""]
    for block in blocks:
        name = block.definition.name
        lines += [f"## block {name}", "", "```res", block.definition.head, "```", ""]
        lines += _doc(block.definition.decl.doc)
        if block.net is not None:
            lines += [f"![{name} in {block.net.name}]({_picture(stem, block)})", ""]
    return "\n".join(lines).rstrip() + "\n"


def _doc(text: str | None) -> list[str]:
    return [text, ""] if text else []


def _row(net: Net) -> str:
    """Shapes and counts of a net; MACs where the spec says a size."""
    table = rows(net)
    inputs, outputs = (
        ", ".join(shape_text(shape, table.at) for shape in shapes)
        for shapes in (net.graph.input_shapes, net.graph.output_shapes)
    )
    macs = f"{table.total.macs:,}" if table.at is not None else "-"
    return f"| [{net.name}](#{net.name.lower()}) | {inputs} | {outputs} | {table.total.params:,} | {macs} |"
