"""Every command that the docs show is one that resdsl takes."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest

from resdsl.cli.arguments import parser

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted(
    page
    for folder in (ROOT, ROOT / "docs", ROOT / "resdsl" / "diagnostics" / "explain")
    for page in folder.glob("*.md")
)
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
(ALL,) = (action.choices for action in parser()._actions if isinstance(action, argparse._SubParsersAction))


def _in(pages: list[Path], pattern: str, *, fenced: bool) -> list[str]:
    texts = [page.read_text("utf-8") for page in pages]
    found = ["\n".join(FENCE.findall(t)) if fenced else FENCE.sub("", t) for t in texts]
    return [line for text in found for line in dict.fromkeys(re.findall(pattern, text, re.MULTILINE))]


@pytest.mark.parametrize("line", _in(PAGES, r"^(?:\$ )?resdsl (\w.*)$", fenced=True))
def test_it_is_taken(line: str) -> None:
    parser().parse_args(shlex.split(line, comments=True))


@pytest.mark.parametrize("line", _in(PAGES, r"`resdsl (\w[^`]*)`", fenced=False))
def test_what_a_sentence_names_is_there(line: str) -> None:
    command, *words = shlex.split(line)
    assert {word for word in words if word.startswith("-")} <= set(ALL[command]._option_string_actions)


def test_the_readme_names_every_command() -> None:
    table = (ROOT / "README.md").read_text("utf-8").split("## Commands")[1].split("\n## ")[0]
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    named = [word.split()[0] for row in rows for word in re.findall(r"`(?:resdsl )?([^`]+)`", row)]
    assert sorted(named) == sorted(ALL)
