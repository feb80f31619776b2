"""The language reference against the language: its examples run, and nothing is left out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from resdsl.diagnostics.codes import CODES
from resdsl.diagnostics.model import Severity
from resdsl.elaborate.functions import FUNCTIONS
from resdsl.graph.model import Graph
from resdsl.ops.init import INITS
from resdsl.pipeline import check
from resdsl.source import Source
from resdsl.syntax.build_expr import RESERVED
from resdsl.syntax.formatter import format_source

ROOT = Path(__file__).parents[2]
LANGUAGE = ROOT / "docs" / "language.md"
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, what its fence says, and the files it may use."""

    page: Path
    line: int
    language: str
    info: dict[str, str]
    text: str
    files: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """All fenced blocks; `file=` blocks are seen by those after them in the same `##` section."""
    text = page.read_text(encoding="utf-8")
    found: list[Block] = []
    files: tuple[tuple[str, str], ...] = ()
    last = 0
    for match in _FENCE.finditer(text):
        if re.search(r"^## ", text[last : match.start()], re.M):
            files = ()
        last = match.end()
        words = match[2].split()
        info = {key: value for key, _, value in (word.partition("=") for word in words)}
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(page, line, match[1], info, match[3], files))
        if "file" in info:
            files = (*files, (info["file"], match[3]))
    return found


PAGES = [*sorted((ROOT / "docs").glob("*.md")), *[p for p in [ROOT / "README.md"] if p.exists()]]
TUTORIAL = ROOT / "docs" / "tutorial.md"  # has a test of its own, which follows its steps
SPECS = [b for page in PAGES if page != TUTORIAL for b in blocks(page) if b.language == "res"]


@pytest.mark.parametrize("block", SPECS, ids=str)
def test_example_checks(block: Block, tmp_path: Path) -> None:
    for name, text in block.files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    path = tmp_path / block.info.get("file", "example.res")
    path.write_text(block.text, encoding="utf-8")
    checked = check(Source(str(block), block.text), path)
    got = [f"{d.code.slug}: {d.message} ({d.primary.span.place})" for d in checked.diagnostics]
    wanted = block.info.get("error")
    if wanted is None:
        assert not got
        return
    assert CODES[wanted].severity is Severity.ERROR
    errors = {d.code.slug for d in checked.diagnostics if d.severity is Severity.ERROR}
    assert errors == {wanted}, got


@pytest.mark.parametrize("block", [b for b in SPECS if "error" not in b.info], ids=str)
def test_example_is_formatted(block: Block) -> None:
    assert format_source(Source(str(block), block.text)) == block.text


def addresses(graph: Graph, before: str = "") -> list[str]:
    """The addresses of all modules, in order."""
    found = []
    for name in graph.order:
        content = graph.node(name).content
        inner = addresses(content, f"{before}{name}.") if isinstance(content, Graph) else [before + name]
        found.extend(inner)
    return found


def test_addresses() -> None:
    found = blocks(LANGUAGE)
    shown = [i for i, block in enumerate(found) if "addresses" in block.info]
    assert shown
    for i in shown:
        spec = found[i - 1]
        (net,) = check(Source(str(spec), spec.text)).nets.values()
        assert addresses(net.graph) == found[i].text.split(), str(spec)


_PREAMBLE = """
block cbr(width) { conv(width, 3x3); batchnorm; relu }
block unit(width) { conv1 = conv(width, 3x3, bias = true) }
net n { input image: [8, H, W]; """


def test_table_of_addresses() -> None:
    rows = re.findall(r"^\| `(.+?)`(.*?) \| (.+?) \|$", _section("Names and keys"), re.M)
    assert len(rows) > 8
    for statement, _, listed in rows:
        checked = check(Source("row", _PREAMBLE + statement + " }\n"))
        assert checked.ok, checked.diagnostics
        assert addresses(checked.nets["n"].graph) == re.findall(r"`(.+?)`", listed), statement


def _section(title: str) -> str:
    text = LANGUAGE.read_text(encoding="utf-8")
    return text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def _code_words() -> set[str]:
    text = LANGUAGE.read_text(encoding="utf-8")
    inline = " ".join(re.findall(r"`([^`\n]+)`", _FENCE.sub("", text)))
    fenced = " ".join(block.text for block in blocks(LANGUAGE))
    return set(re.findall(r"[A-Za-z_]\w*", f"{inline} {fenced}"))


def test_every_keyword_is_documented() -> None:
    grammar = re.sub(r"//[^\n]*", "", (ROOT / "grammars" / "res.lark").read_text(encoding="utf-8"))
    words = {*re.findall(r'"([a-z]+)"', grammar), "training"}
    assert len(words) > 30
    assert words <= _code_words()
    section = _section("Reserved words")
    assert words - {"projection"} <= set(re.findall(r"\w+", section))


def test_reserved_words_are_listed() -> None:
    (listed,) = [block for block in blocks(LANGUAGE) if "reserved" in block.info]
    assert listed.text.split() == sorted(RESERVED)


def test_functions_and_initialisers_are_documented() -> None:
    assert set(FUNCTIONS) == set(re.findall(r"^\| `(\w+)\(", _section("Functions"), re.M))
    rows = re.findall(r"^\| (`[^|]+`) \|", _section("Initialisers"), re.M)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(INITS)
    for signature in INITS.values():
        for argument in signature:
            assert f"`{argument}" in _section("Initialisers")


SINGLE = ("edition", "misleading", "positional", "syntax", "unflattened", "unreadable")


def test_codes_exist() -> None:
    text = _FENCE.sub("", LANGUAGE.read_text(encoding="utf-8"))
    mentioned = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", text))
    assert mentioned <= set(CODES)
    mentioned |= {word for word in SINGLE if f"`{word}`" in text}
    # the others are those of weights, images and options, which are not part of the language
    assert set(CODES) - mentioned <= {"bad-weights", "bad-image", "bad-artefact"}


def test_limits() -> None:
    from resdsl.elaborate import evaluate, files, functions, operators, scope
    from resdsl.syntax import build_expr, parser

    section = _section("Limits")
    for limit in (
        parser.MAX_NESTING,
        parser.MAX_DEPTH,
        scope.MAX_CALL_DEPTH,
        scope.MAX_NODES,
        scope.MAX_STEPS,
        functions.MAX_LIST,
        evaluate.MAX_TEXT,
        build_expr.MAX_DIGITS,
    ):
        assert f"| {limit:,} |".replace(",", " ") in section
    assert operators.MAX_NUMBER == 10**15
    assert files.MAX_BYTES == 4_000_000
