"""Every code and every place that makes a message has a golden; every fix cures; every message fits a terminal."""

import re
from pathlib import Path

import pytest
from reached import CASES, SYNTAX, checked, file_of, recording, unreached

import resdsl
from resdsl.cli import main, plain
from resdsl.diagnostics.codes import CODES
from resdsl.diagnostics.fixes import apply_fixes
from resdsl.diagnostics.model import Diagnostic, Severity
from resdsl.pipeline import check
from resdsl.source import Source

HERE = Path(__file__).parent
GOLDENS = [*HERE.glob("*/*.stderr"), *HERE.glob("commands/*.txt")]
SPEC = "net tiny(classes = 10) {\n  input image: [3, 8, 8]\n  flatten; linear(classes)\n}\n"

COMMANDS = {
    "missing_file": "check tyny.res",
    "not_a_spec": "check binary.res",
    "folder": "check .",
    "missing_net": "check tiny.res:tinny",
    "missing_bundled": "summary resnet51",
    "no_net": "summary blocks.res",
    "several_nets": "summary two.res",
    "many_nets": "compile many.res -o many.py",
    "nets_for_a_picture": "draw two.res -o two.svg",
    "nets_for_a_table": "summary two.res -o two.md",
    "open_net": "summary open.res",
    "setting": "check tiny.res --set clases=3",
    "setting_value": "check tiny.res --set classes=many",
    "setting_cut_off": "check tiny.res --set classes=[3,",
    "setting_twice": "check tiny.res --set classes=3 --set classes=4",
    "artefact": "run broken.pt2 --image picture.png",
    "command": "chekc tiny.res",
    "option": "check tiny.res --fxi",
    "format": "check tiny.res --format jsn",
    "at": "summary tiny.res --at 3x8",
    "explain": "explain shortcut-mismach",
    "op": "ops covn",
}
NEEDS_TORCH = {
    "weights": "run tiny.res --image picture.png --weights weights.safetensors",
    "image": "run tiny.res --image not_a_picture.png --weights tiny.pth",
}
UNREACHED = {
    "has no op": "an extension is a package that is installed: tests/docs/test_extension.py",
    "is below 1": "resdsl's own ops say what they need; this stands behind those of other packages",
}
"""Messages that no golden can show, by their words."""
# A cure that shows the next mistake, which was hidden behind the first.
SHOWS_MORE = {"missing_name", "missing_name_in_std", "misspelt_words", "names_of_pytorch"}


def write_files():
    Path("tiny.res").write_text(SPEC)
    Path("two.res").write_text(SPEC + SPEC.replace("tiny", "other"))
    Path("many.res").write_text("".join(SPEC.replace("tiny", f"tiny{i}") for i in range(15)))
    Path("open.res").write_text(SPEC.replace("classes = 10", "classes"))
    Path("blocks.res").write_text("block unit { relu }\n")


def run(name):
    try:
        return main((COMMANDS | NEEDS_TORCH)[name].split())
    except SystemExit as end:
        return end.code


@pytest.mark.parametrize("name", COMMANDS | NEEDS_TORCH)
def test_command(name, golden, capsys, monkeypatch, tmp_path):
    if name in NEEDS_TORCH:
        pytest.importorskip("torch")
        pytest.importorskip("PIL")
    monkeypatch.chdir(tmp_path)
    write_files()
    for other in ("binary.res", "broken.pt2", "weights.safetensors", "picture.png", "not_a_picture.png"):
        Path(other).write_bytes(b"\0not what the name says")
    if name == "image":
        import torch

        torch.save(resdsl.load("tiny.res").module().state_dict(), "tiny.pth")
    code = run(name)
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    said = f"$ resdsl {(COMMANDS | NEEDS_TORCH)[name]}\n{out}{err}exit {code}\n"
    golden(HERE / "commands" / f"{name}.txt", said)


def test_every_code_has_a_golden():
    text = "".join(path.read_text("utf-8") for path in GOLDENS)
    assert set(CODES) - set(re.findall(r"^(?:error|warning)\[(\S+)\]", text, re.MULTILINE)) == set()


def test_every_place_that_makes_a_message_has_a_golden(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    write_files()
    for path in (*CASES, *SYNTAX):
        checked(path)
    with recording():
        for name in COMMANDS:
            run(name)
    rest = unreached()
    assert [place for place in rest if not any(words in place for words in UNREACHED)] == []
    assert [words for words in UNREACHED if not any(words in place for place in rest)] == []


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_fix_cures_its_mistake_and_makes_no_other(path):
    source, before = checked(path).source, checked(path).diagnostics
    for diagnostic in before:
        new, applied = apply_fixes(source, [diagnostic], unsafe=True)
        if not applied:  # none, or in another file
            continue
        after = check(Source(path.name, new), file_of(path)).diagnostics
        assert _said(after).count(_said([diagnostic])[0]) < _said(before).count(_said([diagnostic])[0])
        errors = [d for d in after if d.severity is Severity.ERROR]
        assert path.stem in SHOWS_MORE or set(_said(errors)) <= set(_said(before))


def _said(diagnostics: list[Diagnostic]) -> list[tuple[str, str]]:
    return [(d.code.slug, d.message) for d in diagnostics]


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_message_fits_a_terminal(path):
    assert max(map(len, path.read_text("utf-8").splitlines())) <= 100


def test_a_terminal_without_unicode_keeps_its_columns():
    text = "日本 × ─ é"
    assert text.encode("ascii", errors=plain.HANDLER) == b"???? x - ?"
