from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from math import prod
from pathlib import Path
from typing import Any

import pytest

from resdsl.diagnostics.columns import width as columns_of
from resdsl.find import bundled_files
from resdsl.graph.cost import Cost, cost
from resdsl.graph.memory import memory
from resdsl.graph.model import Net
from resdsl.render.numbers import bytes_text, percent, short
from resdsl.render.outline.rows import rows
from resdsl.render.tables.formats import escape as markdown
from resdsl.render.tables.papertable import Block, cell, lines
from resdsl.render.tables.summary import summaries, summary
from resdsl.render.tables.tex import escape, to_tex
from resdsl.sizes import shape_at
from tests.conftest import Golden
from tests.diff.pairs import everything, text
from tests.render.nets import HERE, SOME, net, sizes
from tests.render.nets import file as nets_of

GOLDEN = HERE / "golden"


@pytest.mark.parametrize(
    ("file", "name", "options"),
    [
        ("resnet50.txt", "resnet:resnet50", {}),
        ("resnet50_80.txt", "resnet:resnet50", {"width": 80}),
        ("resnet50_120.txt", "resnet:resnet50", {"width": 120}),
        ("resnet50.md", "resnet:resnet50", {"format": "md"}),
        ("resnet50.csv", "resnet:resnet50", {"format": "csv"}),
        ("resnet50.json", "resnet:resnet50", {"format": "json"}),
        ("resnet50.tex", "resnet:resnet50", {"format": "tex"}),
        ("resnet20.txt", "cifar_resnet:resnet20", {}),
        ("resnet20_op.txt", "cifar_resnet:resnet20", {"depth": "op"}),
        ("mixed_block.txt", "mixed", {"depth": "block"}),
        ("unet.txt", "unet", {}),
        ("two.txt", "two", {}),
        ("vit_b_16_op.txt", "vit:vit_b_16", {"depth": "op"}),
        ("resnet152.txt", "resnet:resnet152", {}),
        ("hourglass8.txt", "hourglass:hourglass8", {}),
        ("swin_t.txt", "swin:swin_t", {"batch": 8}),
        ("swin_t.md", "swin:swin_t", {"format": "md", "batch": 8}),
        ("swin_t.tex", "swin:swin_t", {"format": "tex"}),
        ("unet.tex", "unet:unet", {"format": "tex"}),
    ],
)
def test_golden(golden: Golden, file: str, name: str, options: dict[str, Any]) -> None:
    made = net(name)
    golden(GOLDEN / file, summary(made, **options))


def test_without_a_size(golden: Golden) -> None:
    golden(GOLDEN / "open.txt", summary(net("open")))
    assert "--at 3x224x224" in summary(net("open"))
    found = json.loads(summary(net("open"), format="json"))
    assert found["total"]["params"] == cost(net("open").graph, {"H": 9, "W": 9}).params
    assert found["total"]["macs"] is None
    assert found["rows"][0]["output"] == [8, "H", "W"]


@pytest.mark.parametrize("name", SOME)
def test_json_is_exact(name: str) -> None:
    made = net(name)
    found = json.loads(summary(made, sizes(made), format="json"))
    total = cost(made.graph, sizes(made))
    assert (found["total"]["params"], found["total"]["macs"]) == (total.params, total.macs)
    assert sum(row["params"] for row in found["rows"]) == total.params
    assert sum(row["macs"] for row in found["rows"]) == total.macs


@pytest.mark.parametrize("name", SOME)
def test_csv_parses(name: str) -> None:
    text = summary(net(name), sizes(net(name)), format="csv")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert sum(int(line["params"]) for line in lines) == cost(net(name).graph, sizes(net(name))).params


@pytest.mark.parametrize("name", [n for n in SOME if n != "deep"])
@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_no_line_is_wider_than_asked(name: str, width: int) -> None:
    for depth in ("stage", "block", "op"):
        text = summary(net(name), sizes(net(name)), width=width, depth=depth)  # type: ignore[arg-type]
        lines = text.split("\n\n")[1 if width < 80 else 0 :]
        assert max(map(columns_of, "\n".join(lines[: 1 if width < 80 else None]).splitlines())) <= width


def test_bars_go_first_then_activations() -> None:
    made = net("resnet:resnet50")
    at = sizes(made)
    heads = {width: summary(made, at, width=width).splitlines()[2] for width in (100, 99, 80, 70)}
    assert ["act." in heads[w] for w in (100, 99, 80, 70)] == [True, True, False, False]
    assert ["█" in summary(made, at, width=w) for w in (100, 99)] == [True, False]


@pytest.mark.parametrize("file", sorted(path.stem for path in bundled_files()))
def test_every_bundled_net(file: str) -> None:
    """Totals are the sums of the rows and those of `cost`; 20 lines hold a table, and 100 columns each line."""
    for made in nets_of(file).values():
        at = sizes(made)
        table = rows(made, at)
        total = cost(made.graph, at)
        summed = sum((row.cost for row in table.rows), Cost())
        assert (summed.params, summed.macs, summed.activations) == (
            total.params,
            total.macs,
            total.activations,
        )
        text = summary(made, at)
        assert max(map(columns_of, text.splitlines())) <= 100, made.name
        body = text.split("\n\n")[1].splitlines()
        assert len(body) <= 20
        assert ("rows are left out" in text) == (len(table.rows) > 16)
        needs = memory(made, at, total.params)
        assert needs.weights == 4 * total.params
        assert needs.peak >= 4 * max(map(prod, _inputs(made, at)))
        assert set(summary(made, at, format="tex")) - set(map(chr, range(128))) == set(), made.name


def _inputs(made: Net, at: dict[str, int]) -> list[tuple[int, ...]]:
    return [shape_at(shape, at) for shape in made.graph.input_shapes if shape is not None]


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (short(9_999), "9,999"),
        (short(10_000), "10.0 k"),
        (short(999_499_999), "999 M"),
        (short(999_500_000), "1.00 G"),
        (short(83_272 * 10**12), "83.3 P"),
        (short(5 * 10**22), "50,000 E"),
        (bytes_text(12), "12 bytes"),
        (bytes_text(320 * 2**10), "320.0 KiB"),
        (bytes_text(102_228_128), "97.5 MiB"),
        (bytes_text(2**30), "1.00 GiB"),
        (bytes_text(1_930_236_816 * 2**20), "1.80 PiB"),
        (percent(200, 212), "+6.0 %"),
        (percent(10**5, 10**5 - 1), "-0.001 %"),
        (percent(2, 1_000), "+49,900 %"),
        (percent(0, 1), ""),
    ],
)
def test_numbers_have_units_that_suit_them(made: str, text: str) -> None:
    assert made == text


# ---------------------------------------------------------------- several nets

PAPER = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")


@pytest.mark.parametrize("format", ["text", "md", "csv", "tex"])
def test_table_1(golden: Golden, format: Any) -> None:
    nets = [(net(f"resnet:{name}"), None) for name in PAPER]
    golden(GOLDEN / f"table1.{format.replace('text', 'txt')}", summaries(nets, format=format))


def test_nets_without_room_are_named() -> None:
    nets = [(net(f"resnet:{name}"), None) for name in PAPER]
    text = summaries(nets, width=80)
    assert max(map(columns_of, text.splitlines())) <= 80
    assert "no room in 80 columns for resnet152" in text


def test_several_nets_as_json() -> None:
    nets = [(net("resnet:resnet18"), None), (net("resnet:resnet34"), None)]
    found = json.loads(summaries(nets, format="json"))
    assert [(one["net"], one["total"]["params"]) for one in found] == [
        ("resnet18", 11_689_512),
        ("resnet34", 21_797_672),
    ]


def test_nets_of_one_name_are_told_apart_by_their_files() -> None:
    nets = [(net(name), None) for name in ("resnet:resnet50", "resnet:resnet50", "resnet:resnet101")]
    for format in ("text", "md"):
        said = summaries(nets, format=format)  # type: ignore[arg-type]
        assert said.count("resnet.res)") == 2
        assert "resnet101 (" not in said


def test_stages_of_one_name_share_a_row() -> None:
    tables = [rows(net(name)) for name in ("resnet:resnet50", "swin:swin_t")]
    names = [line.name for line in lines(tables)]
    assert (names[0], names[-1]) == ("conv1 or features.0", "head")
    assert len(names) == len(set(names)) == 6 + 9 - 2
    for place, table in enumerate(tables):
        cells = [line.cells[place] for line in lines(tables)]
        assert [c for c in cells if str(c)] == [cell(row) for row in table.rows]


def test_every_step_of_a_row_is_in_the_papers_table() -> None:
    """Of every bundled net: what its text says besides the blocks, in order, and each block once."""
    for _, made in everything():
        for row in rows(made).rows:
            items = cell(row).items
            blocks = sum(item.times for item in items if isinstance(item, Block))
            left = iter(item for item in items if isinstance(item, str))
            for part in row.parts:
                many = f" × {len(part.graphs)}" if len(part.graphs) > 1 else ""
                if not part.graphs or blocks == 0:
                    assert part.text + many in left, (made.name, row.name)
            said = sum(map(_count, (item for item in items if isinstance(item, str))))
            apart = sum(not part.graphs for part in row.parts)
            assert blocks + said - apart == sum(len(part.graphs) for part in row.parts), (made.name, row.name)


def _count(words: str) -> int:
    found = re.search(r" × (\d+)$", words)
    return int(found[1]) if found else 1


POOLED = """
block res(width) {
  residual { conv1 = conv(width, 3x3); conv2 = conv(width, 3x3) } shortcut down: identity else projection
}
net n {
  input x: [3, 32, 32]
  stage a { conv(8, 1x1); res(8) x 2; maxpool(2x2, stride = 2); res(8); avgpool(2x2, stride = 2) }
  head = linear(10)
}
"""


def test_pools_after_blocks_are_in_the_papers_table() -> None:
    table = rows(text(POOLED))
    assert str(cell(table.rows[0])) == (
        "1×1 conv, 8 · [3×3, 8; 3×3, 8] × 2 · 2×2 max pool, /2 · [3×3, 8; 3×3, 8] × 1 · 2×2 avg pool, /2"
    )
    made = to_tex([table])
    order = ("1$\\times$1, 8", "times 2$", "max pool, stride 2", "times 1$", "avg pool, stride 2")
    assert sorted(order, key=made.index) == list(order)


def test_what_all_nets_do_stands_across_their_columns() -> None:
    nets = [(net(f"resnet:{name}"), None) for name in ("resnet18", "resnet50")]
    lines = summaries(nets).splitlines()
    shared, rule = next(line for line in lines if "7×7" in line), lines[1]
    assert len(shared) == len(rule)
    assert re.search(r"─ 7×7 conv, 64, /2 ─+$", shared)
    alone = summaries([(net("resnet:resnet18"), None), (net("unet:unet"), None)])
    assert "─ 7×7" not in alone


# ---------------------------------------------------------------- LaTeX and markdown


HARSH = "a\\b|c_d&e%f$g#h{i}j~k^l<m>n[o]`p`*q*"


def test_special_characters() -> None:
    assert escape(HARSH) == (
        r"a\textbackslash{}b\textbar{}c\_d\&e\%f\$g\#h\{i\}j\textasciitilde{}k\textasciicircum{}l"
        r"\textless{}m\textgreater{}n{[}o{]}`p`*q*"
    )
    assert markdown(HARSH) == r"a\\b\|c\_d&e%f$g#h{i}j~k^l\<m\>n\[o\]\`p\`\*q\*"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs LaTeX")
def test_latex_compiles(tmp_path: Path) -> None:
    tables = [[rows(net(f"resnet:{name}")) for name in PAPER]]
    tables += [[rows(net(name))] for name in ("resnet:resnet50", "swin:swin_t", "unet:unet", "mixed", "two")]
    tables += [[rows(net(name)) for name in ("mixed", "unet:unet", "swin:swin_t")]]
    body = "\n\\newpage\\noindent\n".join([escape(HARSH), *map(to_tex, tables)])
    text = (
        "\\documentclass{article}\\usepackage{amsmath, graphicx}"
        f"\\begin{{document}}\\noindent\n{body}\n\\end{{document}}\n"
    )
    (tmp_path / "a.tex").write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert (tmp_path / "a.pdf").exists()
    assert b"Overfull" not in done.stdout  # however many nets, the page has room for them
    assert f"({len(tables) + 1} pages".encode() in done.stdout


def test_tex_is_balanced() -> None:
    for name in SOME:
        text = summary(net(name), sizes(net(name)), format="tex")
        bare = text.replace("\\{", "").replace("\\}", "")
        assert bare.count("{") == bare.count("}")
        assert text.count("\\begin{") == text.count("\\end{")
        for line in text.splitlines():
            if line.endswith(" \\\\"):
                assert line.replace("\\&", "").count("&") == (3 if line.startswith("\\multicolumn") else 4)


@pytest.mark.parametrize("name", SOME)
def test_tex_counts_as_the_text_does(name: str) -> None:
    made = net(name)
    lines = [
        line[:-3].split(" & ")
        for line in summary(made, sizes(made), format="tex").splitlines()
        if " & " in line
    ]
    params = [int(line[-2].replace(",", "")) for line in lines[1:]]
    total = cost(made.graph, sizes(made))
    assert sum(params[:-1]) == params[-1] == total.params
    assert lines[-1][-1] == short(total.macs).replace(" ", "~")


def test_color_only_adds_escapes() -> None:
    import re

    made = net("cifar_resnet:resnet20")
    assert re.sub("\x1b\\[[0-9]+m", "", summary(made, color=True)) == summary(made)


def test_nothing_is_written_twice(tmp_path: Path) -> None:
    made = net("resnet:resnet50")
    assert summary(made, sizes(made)) == summary(made, sizes(made))
