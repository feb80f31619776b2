"""`resdsl sizes`, run in this process, and its twins in Python."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import resdsl
from resdsl.api import loads
from resdsl.graph.given import NoSuchSize

UNET = """\
net n {
  input image: [3, H, W] where H % 2 == 0, W % 2 == 0 at [3, 64, 64]
  conv(8, 3x3, bias = true) as s; maxpool(2x2, 2)
  conv_transpose(8, 2x2, stride = 2, bias = true)
  concat { identity; from s }
}
"""
BROKEN = UNET.replace(" where H % 2 == 0, W % 2 == 0", "")


def test_a_bundled_net(cli):
    code, out, err = cli("sizes", "resnet50")
    assert (code, err) == (0, "")
    assert out.startswith("resnet50   input image: [3, H, W] at [3, 224, 224]\n\nfits      at every size\n")
    assert out.endswith("head     [1000]                              1000        1000\n")


def test_sizes_that_do_not_fit_have_a_column_and_a_reason(cli):
    Path("a.res").write_text(UNET)
    code, out, _ = cli("sizes", "a.res", "--at", "6, 7x8,3x10x9")
    assert code == 0
    assert "shape       6×6     7×8    10×9" in out
    assert "\n7×8 does not fit: H = 7 does not meet H % 2 == 0; the next that fits is 8×8\n" in out
    assert out.endswith("10×9 does not fit: W = 9 does not meet W % 2 == 0; the next that fits is 10×10\n")


def test_a_net_whose_only_mistake_is_its_sizes(cli):
    Path("a.res").write_text(BROKEN)
    code, out, err = cli("sizes", "a.res")
    assert code == 1
    assert err.startswith("error[not-every-size]")
    assert out.startswith("n   input image")
    assert "where     does not say so" in out
    assert (
        "fails     at H = 3 or W = 3: concat (line 5) meets 2 with 3; maxpool (line 3) rounds 3 / 2 down to 1"
        in out
    )


def test_a_net_that_fits_nowhere(cli):
    Path("a.res").write_text(UNET.replace("H % 2 == 0", "H % 2 == 1").replace("[3, 64", "[3, 63"))
    code, out, err = cli("sizes", "a.res", "--as", "json")
    assert code == 1
    assert err.startswith("error[no-size]")
    found = json.loads(out)
    assert (found["verdict"], found["smallest"]) == ("none", None)


def test_other_mistakes_are_shown_alone(cli):
    Path("a.res").write_text(BROKEN.replace("maxpool", "maxpol"))
    code, out, err = cli("sizes", "a.res")
    assert (code, err) == (1, "")
    assert out.startswith("error[unknown-name]")
    assert "fits" not in out
    assert cli("sizes", "resnet51")[0] == 2
    Path("b.res").write_text(UNET + UNET.replace("net n", "net m"))
    code, out, _ = cli("sizes", "b.res")
    assert code == 2
    assert "error[no-net]" in out
    assert cli("sizes", "b.res:m")[0] == 0


def test_warnings_go_to_stderr(cli):
    Path("a.res").write_text(UNET.replace("  concat", "  let spare = 3\n  concat"))
    code, out, err = cli("sizes", "a.res")
    assert code == 0
    assert "warning[unused-let]" in err
    assert out.startswith("n   input image")


def test_settings(cli):
    assert cli("sizes", "resnet50", "--set", "classes=7")[1].splitlines()[-1].split() == [
        "head",
        "[7]",
        "7",
        "7",
    ]


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ("x", "--at takes sizes like 224,240,225x400, not `x`"),
        ("", "--at takes sizes like 224,240,225x400, not ``"),
        ("-5", "--at takes sizes like 224,240,225x400, not `-5`"),
        ("2.5", "--at takes sizes like 224,240,225x400, not `2.5`"),
        ("²", "--at takes sizes like 224,240,225x400, not `²`"),
        ("224,,225", "--at takes sizes like 224,240,225x400, not `224,,225`"),
        ("[3,224]", "--at takes sizes like 224,240,225x400, not `[3,224]`"),
        ("224x", "--at takes sizes like 224,240,225x400, not `224x`"),
        ("9" * 101, f"--at takes sizes like 224,240,225x400, not `{'9' * 101}`"),
        ("0", "`resnet50` at 0: a size is at least 1"),
        ("8,7x7x7x7", "`resnet50` at 7x7x7x7: `H` and `W` vary: one number for both, or 2 like 224x400"),
        ("4x224x224", "`resnet50` at 4x224x224: the input is [3, H, W]"),
        ("8,4000000000", "`resnet50` at 4000000000: a tensor has less than 2**63 elements"),
        ("1000000000", "`resnet50` at 1000000000: a tensor has less than 2**63 elements"),
    ],
)
def test_wrong_sizes(cli, at, message):
    assert cli("sizes", "resnet50", f"--at={at}") == (2, "", f"resdsl: {message}\n")


def test_a_fixed_input(cli):
    code, out, _ = cli("sizes", "lenet5")
    assert code == 0
    assert "fits  at its one size: the input is fixed\n" in out
    assert cli("sizes", "lenet5", "--at", "1x32x32") == (0, out, "")
    fixed = "resdsl: `lenet5` at 32: the input is fixed: no size of it varies\n"
    assert cli("sizes", "lenet5", "--at", "32") == (2, "", fixed)
    assert cli("sizes", "lenet5", "--at", "1x28x28") == (
        2,
        "",
        "resdsl: `lenet5` at 1x28x28: the input is [1, 32, 32]\n",
    )


def test_formats_and_files(cli):
    assert json.loads(cli("sizes", "resnet50", "--as", "json", "--at", "64")[1])["columns"][0]["at"] == {
        "H": 64,
        "W": 64,
    }
    assert (
        "| conv1 | `[64, ceil(H / 2), ceil(W / 2)]` | 64×112×112 | 64×1×1 |"
        in cli("sizes", "resnet50", "--as", "md")[1]
    )
    for suffix in ("md", "csv", "json"):
        assert cli("sizes", "resnet50", "-o", f"t.{suffix}") == (0, "", f"wrote t.{suffix}\n")
        assert Path(f"t.{suffix}").read_text().rstrip("\n") == cli("sizes", "resnet50", "--as", suffix)[
            1
        ].rstrip("\n")
    assert cli("sizes", "resnet50", "--as", "text", "-o", "t.txt")[0] == 0
    code, _, err = cli("sizes", "resnet50", "-o", "t.pdf")
    assert (code, err) == (
        2,
        "resdsl: `t.pdf`: the suffix decides what is written; known: .md, .csv, .json\n",
    )


def test_color(cli):
    assert cli("sizes", "resnet50", "--color", "always")[1].startswith("\x1b[1mresnet50\x1b[0m")
    assert "\x1b" not in cli("sizes", "resnet50")[1]


def test_it_needs_no_torch(tmp_path):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from resdsl.cli import main\n"
        "sys.exit(main(['sizes', 'resnet50']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_in_python():
    net = loads(UNET)
    assert net.fits(64)
    assert net.fits(64, 66)
    assert net.fits(3, 64, 66)
    assert not net.fits(64, 65)
    assert not net.fits(1, 64, 64)
    with pytest.raises(ValueError, match="`H` and `W` vary"):
        net.fits()
    assert "6×6     8×10" in net.sizes_table(6, (8, 10))
    assert net.sizes_table().startswith("n   input image")
    assert json.loads(net.sizes_table((3, 7, 8), format="json"))["columns"][0]["next"] == {"H": 8, "W": 8}
    with pytest.raises(NoSuchSize, match=r"no input of `n` is \(1, 7, 8\)"):
        net.sizes_table((1, 7, 8))
    assert resdsl.load("lenet5").fits(1, 32, 32)
