"""Bundled specs with slips in them: always an error with a place, and never an exception."""

import random
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resdsl import resources
from resdsl.diagnostics.model import Diagnostic, Severity
from resdsl.diagnostics.render import render
from resdsl.elaborate.functions import FUNCTIONS
from resdsl.ops import OPS
from resdsl.ops.init import INITS
from resdsl.pipeline import Checked, check
from resdsl.source import Source

SPECS = sorted(resources.specs().glob("*.res"))
UI = sorted(Path(__file__).parent.glob("*/*.res"))
WORD = re.compile(r"#[^\n]*|\"[^\"\n]*\"|(?<![A-Za-z0-9_])[A-Za-z_][A-Za-z0-9_]*")
TOKEN = re.compile(
    r"#[^\n]*|\"[^\"\n]*\"|[A-Za-z_][A-Za-z0-9_]*|[0-9][0-9x_.]*|->|[=<>!*]=|\*\*|\s+|.", re.DOTALL
)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def words(text: str) -> list[tuple[int, int]]:
    """Where the identifiers are, those in comments and texts left out."""
    return [m.span() for m in WORD.finditer(text) if m[0][0] not in '#"']


def slip(word: str, way: str, at: int, letter: str) -> str:
    at %= len(word)
    if way == "delete":
        return word[:at] + word[at + 1 :]
    if way == "double":
        return word[: at + 1] + word[at:]
    return word[:at] + letter + word[at + 1 :]


def checked(path: Path, text: str) -> Checked:
    """Check a changed text, and render it: neither may raise."""
    done = check(Source(path.name, text), path)
    for format in ("full", "json", "concise"):
        render(done.diagnostics, format)
    for d in done.diagnostics:
        assert 0 <= d.primary.span.start <= d.primary.span.end <= len(d.primary.span.source.text)
        assert d.message
        assert not d.message.endswith(".")
    return done


def errors(done: Checked) -> list[Diagnostic]:
    return [d for d in done.diagnostics if d.severity is Severity.ERROR]


def occurrences(path: Path) -> list[tuple[Path, int]]:
    return [(path, i) for i in range(len(words(path.read_text(encoding="utf-8"))))]


def misspell(path: Path, index: int, way: str, at: int, letter: str) -> None:
    """A word that was not written in the file before, in the place of one that was."""
    text = path.read_text(encoding="utf-8")
    start, end = words(text)[index]
    wrong = slip(text[start:end], way, at, letter)
    known = {text[a:b] for a, b in words(text)}
    if (
        wrong == text[start:end]
        or wrong in {*known, *OPS, *INITS, *FUNCTIONS}
        or not re.fullmatch(r"[A-Za-z_]\w*", wrong)
    ):
        return
    changed = text[:start] + wrong + text[end:]
    found = errors(checked(path, changed))
    if found:
        assert all(d.primary.span.source.text for d in found)
        return
    # Names are free: a layer, block, net or parameter may be called anything when nothing asks for it.
    before = text[:start].rstrip()
    after = text[end:].lstrip()
    declared = before.endswith(
        ("net", "block", "input", "stage", "layer", "as", "shortcut", "for", "{", ";", "}", "\n")
    )
    named = after.startswith(("=", ":", ",", "in ")) or declared
    assert named or wrong[0].isupper(), f"`{wrong}` in the place of `{text[start:end]}` is not reported"


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_misspelt_words(data):
    path = data.draw(st.sampled_from(SPECS))
    index = data.draw(st.integers(0, len(words(path.read_text(encoding="utf-8"))) - 1))
    way = data.draw(st.sampled_from(["delete", "double", "replace"]))
    misspell(path, index, way, data.draw(st.integers(0, 20)), data.draw(st.sampled_from(LETTERS)))


def test_every_misspelt_word(request):
    if not request.config.getoption("--full"):
        pytest.skip("--full takes minutes")
    chance = random.Random(0)
    for path in SPECS:
        for _, index in occurrences(path):
            misspell(path, index, chance.choice(["delete", "double", "replace"]), chance.randrange(20), "q")


@pytest.mark.parametrize(
    "word", ["batchnorm", "global_avgpool", "identity", "projection", "residual", "stride"]
)
def test_slips_of_long_words_have_a_suggestion(word):
    path = resources.specs() / "resnet.res"
    text = path.read_text(encoding="utf-8")
    start = [a for a, b in words(text) if text[a:b] == word][-1]
    for way in ("delete", "double", "replace"):
        for at in range(0, len(word), 3):
            wrong = slip(word, way, at, "q")
            if wrong == word:
                continue
            found = errors(checked(path, text[:start] + wrong + text[start + len(word) :]))
            shown = render(found, "full")
            assert word in " ".join(
                (*(h for d in found for h in d.help), *(d.fix.title for d in found if d.fix))
            ), shown


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_changed_tokens_never_raise(data):
    """Tokens dropped, doubled, swapped or put in from elsewhere."""
    path = data.draw(st.sampled_from([*SPECS, *UI, *UI]))
    tokens = TOKEN.findall(path.read_text(encoding="utf-8"))
    pool = [t for t in tokens if not t.isspace()] or ["x"]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(tokens) - 1)))
        way = data.draw(st.sampled_from(["drop", "double", "swap", "insert"]))
        if way == "drop":
            del tokens[at : at + 1]
        elif way == "double":
            tokens[at:at] = tokens[at : at + 1]
        elif way == "swap" and at + 1 < len(tokens):
            tokens[at], tokens[at + 1] = tokens[at + 1], tokens[at]
        else:
            tokens.insert(at, f" {data.draw(st.sampled_from(pool))} ")
    checked(path, "".join(tokens))
