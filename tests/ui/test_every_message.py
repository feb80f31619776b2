"""Every code and every place that makes a message has a golden; every fix cures; every message fits a terminal."""

import re
import shlex
from io import BytesIO, TextIOWrapper
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
    "artefact": "run broken.pt2 --image picture.png",
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


USAGE = HERE / "usage.txt"
"""Commands that were given wrongly, and what is said of them."""
TESTED_ELSEWHERE = {
    "Usage(str(error))": "what cannot be measured or drawn here: cli/test_bench.py, render/test_draw.py",
    "does not fit into memory": "cli/test_compile.py",
    "there is no CUDA device here": "cli/test_compile.py",
    "cli/files.py": "a full disk: cli/test_named_files.py",
    "cannot use port": "cli/test_watch.py",
    "cannot write `{args.output}`": "backend/test_artefact.py",
    "cannot be compiled into a file": "backend/test_artefact.py",
    "Usage(f'`{net.name}`: {error}')": "backend/test_artefact.py",
    "was compiled for": "backend/test_artefact.py",
    "`{about.net}`": "backend/test_artefact.py",
    "BAD_IMAGE": "`image.txt`, where torch is installed",
    "BAD_WEIGHTS": "`weights.txt`, where torch is installed",
}


def write_files():
    Path("tiny.res").write_text(SPEC)
    Path("two.res").write_text(SPEC + SPEC.replace("tiny", "other"))
    Path("many.res").write_text("".join(SPEC.replace("tiny", f"tiny{i}") for i in range(15)))
    Path("open.res").write_text(SPEC.replace("classes = 10", "classes"))
    Path("blocks.res").write_text("block unit { relu }\n")
    Path("sizes.res").write_text("net sizes(width) { input x: [3, H, W]; conv(width, 3x3) }\n")
    Path("three.res").write_text("".join(SPEC.replace("tiny", name) for name in ("one", "another", "third")))
    Path("latin.txt").write_bytes(b"caf\xe9\n")
    Path("empty").mkdir()
    for name in ("binary.res", "broken.pt2", "weights.safetensors", "picture.png", "not_a_picture.png"):
        Path(name).write_bytes(b"\0not what the name says")


def run(command):
    try:
        return main(shlex.split(command))
    except SystemExit as end:
        return end.code


def transcript(capsys, monkeypatch):
    """The commands of `usage.txt`, with what is said of them now."""
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(b"\xff"), encoding="utf-8"))
    for line in USAGE.read_text("utf-8").splitlines():
        if line.startswith("$ resdsl "):
            code = run(line.removeprefix("$ resdsl "))
            out, err = capsys.readouterr()
            yield f"{line}\n{out}{err}exit {code}\n"


@pytest.mark.parametrize("name", COMMANDS | NEEDS_TORCH)
def test_command(name, golden, capsys, monkeypatch, tmp_path):
    if name in NEEDS_TORCH:
        pytest.importorskip("torch")
        pytest.importorskip("PIL")
    monkeypatch.chdir(tmp_path)
    write_files()
    if name == "image":
        import torch

        torch.save(resdsl.load("tiny.res").module().state_dict(), "tiny.pth")
    command = (COMMANDS | NEEDS_TORCH)[name]
    code = run(command)
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    said = f"$ resdsl {command}\n{out}{err}exit {code}\n"
    golden(HERE / "commands" / f"{name}.txt", said)


def test_wrong_use(golden, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    write_files()
    golden(USAGE, "".join(transcript(capsys, monkeypatch)))


def test_every_code_has_a_golden():
    text = "".join(path.read_text("utf-8") for path in GOLDENS)
    assert set(CODES) - set(re.findall(r"^(?:error|warning)\[(\S+)\]", text, re.MULTILINE)) == set()


def test_every_place_that_makes_a_message_has_a_golden(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    write_files()
    for path in (*CASES, *SYNTAX):
        checked(path)
    with recording():
        for command in COMMANDS.values():
            run(command)
    rest = unreached()
    assert [place for place in rest if not any(words in place for words in UNREACHED)] == []
    assert [words for words in UNREACHED if not any(words in place for place in rest)] == []


def test_every_place_of_the_commands_has_a_golden(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    write_files()
    with recording():
        for command in COMMANDS.values():
            run(command)
        list(transcript(capsys, monkeypatch))
    rest = unreached(("cli/*.py",), {"Usage", "problem"})
    assert [place for place in rest if not any(words in place for words in TESTED_ELSEWHERE)] == []
    assert [words for words in TESTED_ELSEWHERE if not any(words in place for place in rest)] == []


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
