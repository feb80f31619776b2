"""What the README shows is what resdsl says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from resdsl import api
from resdsl.diagnostics import render
from resdsl.pipeline import check
from resdsl.source import Source

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCES = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
SPEC = next(text for word, text in FENCES if word == "res")


def _blocks(word: str) -> list[str]:
    return [text for w, text in FENCES if w == word]


def test_the_spec_is_short_and_is_resnet50() -> None:
    code = [line for line in SPEC.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(code) <= 25
    net = api.loads(SPEC)
    assert (net.params, net.macs) == (25_557_032, 4_089_184_256)


def test_the_mistake_reads_as_shown() -> None:
    text = SPEC.replace("identity else projection", "identity")
    shown = next(b for b in _blocks("text") if b.startswith("error["))
    assert render(check(Source("resnet50.res", text)).diagnostics, "full").startswith(shown.rstrip("\n"))


def test_the_summary_is_as_shown() -> None:
    shown = next(b for b in _blocks("text") if "params" in b and "MACs" in b and not b.startswith("error"))
    assert api.load("resnet50").summary().rstrip() == shown.rstrip()


def test_the_sizes_are_as_shown() -> None:
    shown = next(b for b in _blocks("text") if b.startswith("resnet50d_floor"))
    assert api.load("resnet50d_floor").sizes_table(224, 240).rstrip() == shown.rstrip()


def test_the_source_is_as_shown() -> None:
    shown = next(b for b in _blocks("python") if "class " in b)
    assert shown.strip() in api.loads(SPEC).source()


def test_every_net_named_is_bundled() -> None:
    from resdsl.find import bundled_nets

    table = README[README.index("## What comes with it") : README.index("## Read on")]
    named = [n for n in re.findall(r"`(\w+)`", table) if n != "expect"]
    assert named
    assert set(named) <= set(bundled_nets())


@pytest.mark.parametrize(
    "path", re.findall(r"\((docs/[\w/.-]+|\w+\.md)\)", README) + re.findall(r'src(?:set)?="([^"]+)"', README)
)
def test_links_lead_somewhere(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_lines_of_code_are_as_shown() -> None:
    pytest.importorskip("torch")
    twins = pytest.importorskip("specs.twins", exc_type=ImportError)
    from benchmarks.lines import table

    nets, files, lines = re.findall(r"\d+", table(list(twins.TWINS)).splitlines()[-1])
    said = re.sub(r"\s+", " ", README)
    assert (
        f"The {nets} models of torchvision are among them, in {files} files and {int(lines):,} lines" in said
    )
