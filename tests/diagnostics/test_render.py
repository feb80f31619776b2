from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest
from samples import SAMPLES, SHORTCUT, SPEC

from resdsl.diagnostics import Diagnostic, Label, codes, render
from resdsl.diagnostics.columns import width
from resdsl.diagnostics.render import Format
from resdsl.source import Source, Span

GOLDEN = Path(__file__).parent / "golden"
MACHINE = ("concise", "json", "github", "sarif")


@pytest.mark.parametrize("name", SAMPLES)
def test_full(name, golden):
    golden(GOLDEN / f"{name}.full", render(SAMPLES[name], "full"))


@pytest.mark.parametrize("format", MACHINE)
@pytest.mark.parametrize("name", ["several", "files", "hostile"])
def test_other_formats(name, format, golden):
    golden(GOLDEN / f"{name}.{format}", render(SAMPLES[name], format))


def test_no_golden_is_left_over():
    used = {f"{name}.full" for name in SAMPLES}
    used |= {f"{n}.{f}" for n in ("several", "files", "hostile") for f in MACHINE}
    assert {path.name for path in GOLDEN.iterdir()} == used


@pytest.mark.parametrize("format", get_args(Format))
def test_nothing_found(format):
    text = render((), format)
    assert json.loads(text) is not None if format in {"json", "sarif"} else text == ""


@pytest.mark.parametrize("name", SAMPLES)
def test_color_adds_only_escapes(name):
    colored = render(SAMPLES[name], "full", color=True)
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render(SAMPLES[name], "full")


@pytest.mark.parametrize("format", get_args(Format))
def test_no_control_character_gets_through(format):
    text = render(SAMPLES["hostile"], format)
    if format in {"full", "concise", "json", "sarif"}:
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "\r" not in text


def test_code_is_cut_to_the_width():
    code = [line for line in render(SAMPLES["long"], "full").splitlines() if "relu" in line]
    assert len(code) == 5  # one of them twice: its labels lie too far apart
    assert all(width(line) <= 100 for line in code)


@pytest.mark.parametrize("place", range(0, 400, 7))
@pytest.mark.parametrize("char", ["x", "\t", "界", "e\u0301"])
def test_a_mark_stands_under_its_code_wherever_the_line_is_cut(place, char):
    source = Source("s.res", char * place + "HERE" + char * 200)
    start = source.text.index("HERE")
    diagnostic = Diagnostic(codes.SYNTAX, "m", Label(Span(source, start, start + 4)))
    _, _, _, code, marks, *_ = render([diagnostic], "full").splitlines()
    assert width(code) <= 100
    assert width(code[: code.index("HERE")]) == marks.index("^")
    assert marks.count("^") == 4


def test_json_round_trip():
    first, *_ = json.loads(render([SHORTCUT], "json"))
    span = first["span"]
    assert SPEC.text[span["start"]["offset"] : span["end"]["offset"]] == "identity"
    assert (span["start"]["line"], span["start"]["column"]) == (7, 15)
    assert [label["primary"] for label in first["labels"]] == [True, False, False]
    assert list(first) == [
        "code", "severity", "message", "span", "labels", "notes", "help", "fix",
    ]  # fmt: skip


def test_github_escapes():
    (line,) = render(SAMPLES["hostile"], "github").splitlines()
    assert line.startswith("::error file=a%2Cb%3Ac%25.res,line=1,endLine=1,col=7,title=syntax::")
    assert line.endswith("100%25, a, b: c%0D%0Asecond line")


def test_github_leaves_out_columns_of_several_lines():
    (line,) = render(SAMPLES["lines"], "github").splitlines()
    assert "line=4,endLine=7,title=" in line


def test_sarif_structure():
    log = json.loads(render([d for ds in SAMPLES.values() for d in ds], "sarif"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == sorted({rule["id"] for rule in rules})
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning"}
        assert result["message"]["text"]
        changes = [c for fix in result.get("fixes", ()) for c in fix["artifactChanges"]]
        regions = [r["deletedRegion"] for change in changes for r in change["replacements"]]
        for location in result["locations"] + result.get("relatedLocations", []):
            physical = location["physicalLocation"]
            assert re.fullmatch(r"[\w./%]+", physical["artifactLocation"]["uri"])
            regions.append(physical["region"])
        for region in regions:
            start = region["startLine"], region["startColumn"]
            assert (1, 1) <= start <= (region["endLine"], region["endColumn"])


def test_sarif_absolute_path():
    source = Source("/a b/net.res", "x")
    text = render([Diagnostic(codes.SYNTAX, "m", Label(Span(source, 0, 1)))], "sarif")
    (result,) = json.loads(text)["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "file:///a%20b/net.res"}
