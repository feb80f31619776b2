"""The catalogue: everything is there, and every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from resdsl.cli import main
from resdsl.find import bundled_files
from resdsl.pipeline import Checked, check
from resdsl.render.catalogue import blocks_of
from resdsl.render.outline.rows import rows
from resdsl.render.pictures.draw import picture
from resdsl.resources import specs
from resdsl.source import Source

pytest.importorskip("graphviz")


def _checked(path: Path) -> Checked:
    return check(Source(f"std/{path.name}", path.read_text(encoding="utf-8")), path)


def test_links_lead_somewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(specs() / f"{name}.res") for name in ("lenet", "se_resnet")]
    assert main(["catalogue", *paths, "-o", str(tmp_path / "a")]) == 0
    files = {p.relative_to(tmp_path / "a"): p.read_bytes() for p in (tmp_path / "a").rglob("*.*")}
    assert f"wrote {len(files)} files" in capsys.readouterr().out
    pages = {str(name): data.decode() for name, data in files.items() if name.suffix == ".md"}
    headings = {
        f"{name}#{heading.lower().replace(' ', '-')}"
        for name, text in pages.items()
        for heading in re.findall(r"^## (.+)$", text, re.MULTILINE)
    }
    for name, text in pages.items():
        if name != "ops.md":
            for link in re.findall(r"\]\(([^)]+)\)", text):
                link = name + link if link.startswith("#") else link
                assert link in headings if "#" in link else Path(link) in files
    assert "Made by `resdsl catalogue`" in pages["README.md"]
    assert main(["catalogue", *paths, "-o", str(tmp_path / "b")]) == 0
    assert files == {p.relative_to(tmp_path / "b"): p.read_bytes() for p in (tmp_path / "b").rglob("*.*")}


def test_mistakes_write_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wrong.res").write_text("net n { input x: [3, 8, 8]; convv(3, 3x3) }")
    assert main(["catalogue", str(tmp_path / "wrong.res"), "-o", str(tmp_path / "out")]) == 1
    assert "unknown" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_every_bundled_block_is_documented_and_drawn() -> None:
    found = [_checked(path) for path in bundled_files()]
    everything = [net for checked in found for net in checked.nets.values()]
    for checked in found:
        for block in blocks_of(checked, everything):
            name = block.definition.name
            assert block.definition.decl.doc, f"{checked.source.path}: `{name}` says nothing of itself"
            assert block.net is not None, f"{checked.source.path}: no net runs `{name}`"
            assert picture(rows(block.net), f"block:{name}").text()
