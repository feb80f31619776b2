"""A net with mistakes is drawn as far as it checks, and says what is wrong in red."""

import re
from base64 import b64decode
from pathlib import Path

import pytest

from resdsl.cli import main
from resdsl.pipeline import check
from resdsl.render.drawing.palette import WRONG
from resdsl.render.drawing.renderer import NoRenderer
from resdsl.render.pictures import draw as draw_module
from resdsl.render.pictures.broken import broken_page, broken_picture, concerning, draw_broken
from resdsl.source import Source

HERE = Path(__file__).parent
UI = HERE.parent / "ui"
BLOCK = """\
block basic(width, stride = 1) {
  residual {
    conv1 = conv(width, 3x3, stride = stride); bn1 = batchnorm; relu
    conv2 = conv(width, 3x3); bn2 = batchnorm
  } shortcut: identity
  relu
}
net tiny {
  input image: [3, H, W] at [3, 224, 224]
  conv1 = conv(64, 7x7, stride = 2); bn1 = batchnorm; relu
  layer1 = basic(64) x 2
  layer2 = basic(128, stride = 2 then 1) x 2
  global_avgpool; flatten; fc = linear(10)
}
"""


def picture(text: str, path: Path | None = None):
    checked = check(Source("broken.res", text), path)
    (net,) = checked.nets.values()
    return broken_picture(net, checked.diagnostics)


def test_the_arms_of_a_residual_in_a_block(golden):
    text = picture(BLOCK).text()
    golden(HERE / "golden" / "broken.dot", text)
    assert "! shortcut-mismatch" in text.replace("</b>", "")
    assert text.count(f'fontcolor="{WRONG.line}"') == 2  # two values meet, each with its shape
    assert text.count('label="+"') == 1


def test_a_mistake_in_a_step_that_was_built_stands_beside_it():
    made = picture("net n {\n  input image: [3, H, W]\n  conv(8, 3x3); batchnrom; relu\n}\n").text()
    assert '{ rank=same; "1, line 3"; "error 1" }' in made
    assert made.count("did you mean") == 1  # the help, once


def test_several_mistakes_at_one_value_hang_below_each_other():
    made = picture("net n {\n  input image: [3, H, W]\n  foo(3); bar(4); conv(width, 3x3)\n}\n").text()
    red = re.findall(r'"([^"]*)" -> "(error \d)"', made)
    assert red == [("#image, line 2", "error 1"), ("error 1", "error 2"), ("error 2", "error 3")]
    made = picture("net n {\n  input image: [3, H, W]\n  conv(8, 3x3, a = 1, b = 2)\n}\n").text()
    assert '"error 1" -> "error 2"' in made


def test_a_mistake_in_a_block_marks_the_steps_that_run_it():
    text = "block b { conv(8, 3x3); rellu }\nnet n {\n  input image: [3, H, W]\n  b x 2\n  conv(8, 3x3)\n}\n"
    made = picture(text).text()
    assert re.findall(r'"([^"]*)" -> "error 1"', made) == ["0, line 4"]
    assert "<b>! </b>" in made


def test_nothing_is_counted():
    assert "params" not in picture(BLOCK).text()
    assert "MACs" not in picture(BLOCK).text()


@pytest.mark.parametrize(
    "path", sorted(UI.glob("*/*.res")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_every_mistake_can_be_drawn(path):
    checked = check(Source(path.name, path.read_text("utf-8")), path)
    if checked.ok:
        return
    for net in checked.nets.values():
        text = broken_picture(net, checked.diagnostics).text()
        assert text == broken_picture(net, checked.diagnostics).text()
        for diagnostic in checked.diagnostics:
            if diagnostic.severity == "error":
                assert f"! {diagnostic.code.slug}" in text


def test_metacharacters_are_escaped():
    made = picture(BLOCK.replace("conv1 = conv(64", '"a<b>&\\"{" = conv(64').replace('\\"', ""))
    assert "a&lt;b&gt;&amp;" in made.text()


def test_what_is_said_of_one_of_several_nets():
    other = "net other {\n  input image: [3, H, W]\n  conv(8, 3x3); reluu\n}\n"
    checked = check(Source("broken.res", BLOCK + other))
    nets = checked.nets.values()
    assert {
        net.name: [d.code.slug for d in concerning(net, checked.diagnostics, nets) if d.severity == "error"]
        for net in nets
    } == {"tiny": ["shortcut-mismatch"], "other": ["unknown-name"]}


def test_the_page_has_the_picture_beside_the_messages():
    checked = check(Source("<b>.res", BLOCK))
    net = checked.nets["tiny"]
    page = broken_page(net, checked.diagnostics, title="<i>")
    assert page == broken_page(net, checked.diagnostics, title="<i>")
    assert "error[shortcut-mismatch]: identity shortcut joins" in page
    assert "&lt;b&gt;.res:5:15" in page
    assert "<b>" not in page
    assert "<i>" not in page
    assert "script-src" in page
    assert "connect-src" not in page
    assert not re.search(r"https?://", page.replace("http://www.w3.org", ""))
    found = re.search(r'src="data:image/svg\+xml;base64,([^"]*)"', page)
    if found is None:
        pytest.skip("nothing is installed to draw with")
    svg = b64decode(found[1]).decode()
    assert "shortcut-mismatch" in svg
    assert WRONG.line.lower() in svg.lower()


def test_the_page_without_a_renderer_has_the_messages(monkeypatch):
    def none(*args, **kwargs):
        raise NoRenderer("no Graphviz found")

    checked = check(Source("broken.res", BLOCK))
    monkeypatch.setattr(draw_module, "render", none)
    page = draw_broken(checked.nets["tiny"], checked.diagnostics, "html").decode()
    assert "error[shortcut-mismatch]" in page
    assert "<img" not in page
    assert "<title>tiny: 1 error</title>" in page


@pytest.mark.parametrize("renderer", ["graphviz-pure", "dot"])
@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_both_renderers(renderer, theme):
    checked = check(Source("broken.res", BLOCK))
    try:
        svg = draw_broken(checked.nets["tiny"], checked.diagnostics, "svg", theme=theme, renderer=renderer)
    except NoRenderer:
        pytest.skip(f"{renderer} is not installed")
    assert b'role="img"' in svg
    assert b"shortcut-mismatch" in svg


def test_the_command(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("broken.res").write_text(BLOCK)
    Path("syntax.res").write_text("net n {\n  conv(\n}\n")
    assert main(["draw", "broken.res", "-o", "net.dot"]) == 1
    out, err = capsys.readouterr()
    assert "error[shortcut-mismatch]" in out
    assert err == "wrote net.dot, as far as the net checks\n"
    assert Path("net.dot").read_text().startswith('digraph "tiny"')

    assert main(["draw", "broken.res", "-o", "net.html"]) == 1
    assert capsys.readouterr().err == "wrote net.html, as far as the net checks\n"

    assert main(["draw", "syntax.res", "-o", "other.dot"]) == 1
    assert capsys.readouterr().err == "nothing is drawn: no net could be read\n"
    assert not Path("other.dot").exists()
