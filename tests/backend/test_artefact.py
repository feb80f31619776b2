"""Nets compiled into one file: what they compute, what they say of themselves, and what is said of bad files."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resdsl.cli import main

from .specs import net

torch = pytest.importorskip("torch")

from resdsl.backend.artefact import package as artefact  # noqa: E402
from resdsl.backend.artefact.package import About, load_artefact, read_about  # noqa: E402
from resdsl.backend.build import build  # noqa: E402
from resdsl.backend.dynamic import example  # noqa: E402
from resdsl.backend.image import predict  # noqa: E402

from .reference import randomise  # noqa: E402

BLOCKS = "edition 2026\nblock stem(width) { conv1 = conv(width, 3x3, stride = 2); bn1 = batchnorm; relu }\n"
SPEC = """edition 2026
use "blocks.res" { stem }
net n {
  input image: [3, H, W] where H % 4 == 0 at [3, 32, 32]
  stem = stem(16)
  residual { conv2 = conv(32, 3x3, stride = 2); bn2 = batchnorm; relu } shortcut: projection
  global_avgpool; flatten; fc = linear(3)
}"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec, weights, class names, a picture, and the net compiled for one size and for all."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("artefact")
    (folder / "n.res").write_text(SPEC)
    (folder / "blocks.res").write_text(BLOCKS)
    (folder / "names.txt").write_text("cat\ndög\nbird\n")
    Image.effect_mandelbrot((60, 50), (-3, -2.5, 2, 2.5), 100).convert("RGB").save(folder / "p.png")
    torch.save(_module(folder).state_dict(), folder / "w.pth")
    for name, options in [("one", ["--batch", "2"]), ("all", ["--dynamic"])]:
        command = [
            "compile",
            str(folder / "n.res"),
            "-o",
            str(folder / f"{name}.pt2"),
            "--device",
            "cpu",
            *options,
        ]
        weights = ["--weights", str(folder / "w.pth"), "--labels", str(folder / "names.txt")]
        assert main([*command, *weights]) == 0
    assert not list(folder.glob(".*")), "nothing is left beside the files"
    return folder


def _net(folder: Path) -> Any:
    from resdsl import load

    return load(str(folder / "n.res")).net


def _module(folder: Path) -> Any:
    torch.manual_seed(0)
    module = build(_net(folder))
    randomise(module)
    return module.eval()


# ---------------------------------------------------------------- what it computes


@pytest.mark.parametrize(
    ("name", "calls"), [("one", [(2, 32, 32)]), ("all", [(1, 32, 32), (5, 8, 41), (2, 64, 20)])]
)
def test_outputs(home: Path, name: str, calls: list[tuple[int, int, int]]) -> None:
    loaded, module, made = load_artefact(home / f"{name}.pt2"), _module(home), _net(home)
    for batch, height, width in calls:
        (x,) = example(made, batch, {"H": height, "W": width})
        with torch.no_grad():
            wanted, got = module(x), loaded(x.to(memory_format=torch.channels_last))
        assert float((got - wanted).abs().max()) < 1e-5 * float(wanted.abs().max())


def test_command(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = predict(_net(home), _module(home), home / "p.png", "cpu", 2)
    lines = []
    for name in ("one", "all"):
        assert main(["run", str(home / f"{name}.pt2"), "--image", str(home / "p.png"), "--top", "2"]) == 0
        lines.append(capsys.readouterr().out.splitlines())
    names = ["cat", "dög", "bird"]
    assert (
        lines[0]
        == lines[1]
        == [f"{names[i]:<{max(len(names[j]) for j, _ in wanted)}}  {p:.3f}" for i, p in wanted]
    )


def test_another_size(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = predict(_net(home), _module(home), home / "p.png", "cpu", 3, {"H": 48, "W": 40})
    got = load_artefact(home / "all.pt2").predict(home / "p.png", 3, (3, 48, 40))
    assert [i for i, _ in got] == [i for i, _ in wanted]
    assert [p for _, p in got] == pytest.approx([p for _, p in wanted], abs=1e-5)
    shown = []
    for spec in ("n.res", "all.pt2"):
        weights = (
            ["--weights", str(home / "w.pth"), "--labels", str(home / "names.txt")] if spec == "n.res" else []
        )
        command = ["run", str(home / spec), "--image", str(home / "p.png"), "--at", "3x48x40", *weights]
        assert main([*command, "--device", "cpu", *(["--no-compile"] if weights else [])]) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]


def test_without_resdsl(home: Path) -> None:
    """In a fresh process, with torch alone and without a C++ compiler."""
    code = f"""
import json, sys, torch
run = torch._inductor.aoti_load_package({str(home / "one.pt2")!r})
about = json.loads(run.loader.get_metadata()["resdsl"])
assert tuple(run(torch.zeros(2, *about["inputs"][0])).shape) == (2, 3)
assert "resdsl" not in sys.modules
print(about["net"], *about["labels"][::2])
"""
    place = {**os.environ, "PATH": "/nowhere", "CXX": "/nowhere/g++", "PYTHONPATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=place, cwd=home, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "n cat bird\n"), done.stderr


# ---------------------------------------------------------------- what it says of itself


def test_about(home: Path) -> None:
    one, all = read_about(home / "one.pt2"), read_about(home / "all.pt2")
    assert one.spec == all.spec == {"n.res": SPEC, "blocks.res": BLOCKS}
    assert (one.inputs, one.sizes, one.batch) == (((3, 32, 32),), {}, 2)
    assert [str(d) for d in all.inputs[0]] == ["3", "H", "W"]
    assert all.calls == "[3, H, W]; any batch; H % 4 == 0 and H >= 8; W >= 5"
    assert (all.at, all.labels, all.outputs) == ({"H": 32, "W": 32}, ("cat", "dög", "bird"), ("[3]",))
    text = json.loads(all.to_json())
    assert text["spec"]["n.res"]["sha256"] == hashlib.sha256((home / "n.res").read_bytes()).hexdigest()
    assert text["sizes"]["H"]["condition"] == "H % 4 == 0 and H >= 8"
    assert (text["format"], text["dtype"], text["preprocessing"]["divide"]) == (1, "float32", 255)
    assert About.of_json(text) == all


@pytest.mark.parametrize(
    ("name", "shape", "says"),
    [
        ("one", "3x64x64", "the input is [3, 32, 32]"),
        ("all", "3x31x32", "`H` = 31 does not meet `H % 4 == 0 and H >= 8`; the next that does is 32"),
        ("all", "3x4x32", "`H` must be at least 8, this is 4"),
        ("all", "1x32x32", "the input is [3, H, W]"),
        ("all", "3x32", "the input is [3, H, W], which has 3 dimensions"),
    ],
)
def test_sizes_it_was_not_compiled_for(
    home: Path, name: str, shape: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(home / f"{name}.pt2"), "--image", str(home / "p.png"), "--at", shape]) == 2
    assert capsys.readouterr().err == f"resdsl: `n`: {says}\n"
    x = torch.zeros(2, *map(int, shape.split("x")))
    with pytest.raises(ValueError, match="n: "):
        load_artefact(home / f"{name}.pt2")(x)


def test_batches_it_was_not_compiled_for(home: Path) -> None:
    with pytest.raises(ValueError, match="n: it was compiled for a batch of 2, this is one of 3"):
        load_artefact(home / "one.pt2")(torch.zeros(3, 3, 32, 32))


# ---------------------------------------------------------------- bad files


def _changed(home: Path, path: Path, change: dict[str, Any]) -> None:
    """A copy that says something else of itself."""
    with zipfile.ZipFile(home / "one.pt2") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("_metadata.json"):
                entry = json.loads(data)
                entry["resdsl"] = json.dumps({**json.loads(entry["resdsl"]), **change})
                data = json.dumps(entry).encode()
            new.writestr(name, data)


def _zip(home: Path, path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", b"data")


def _flipped(home: Path, path: Path) -> None:
    data = bytearray((home / "one.pt2").read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)


FOREIGN = "it is not a file that `resdsl compile -o FILE.pt2` writes"
DAMAGED = "the file is truncated or damaged"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda home, path: path.write_bytes(b""), FOREIGN),
        (lambda home, path: path.write_bytes(b"hello"), FOREIGN),
        (_zip, FOREIGN),
        (lambda home, path: path.write_bytes((home / "one.pt2").read_bytes()[:-100]), DAMAGED),
        (lambda home, path: path.write_bytes((home / "one.pt2").read_bytes()[:3000]), DAMAGED),
        (_flipped, DAMAGED),
        (
            lambda h, p: _changed(h, p, {"format": 2, "resdsl": "9.0"}),
            "resdsl 9.0 wrote it in a newer format",
        ),
        (
            lambda h, p: _changed(h, p, {"torch": "2.1.0"}),
            "it was compiled by torch 2.1.0, and this is torch ",
        ),
        (
            lambda h, p: _changed(h, p, {"cpu": "SVE512"}),
            "it was compiled for a CPU with SVE512, and this one has ",
        ),
        (
            lambda h, p: _changed(h, p, {"device": "cuda"}),
            "it was compiled for a CUDA device, and there is none here",
        ),
        (lambda h, p: _changed(h, p, {"inputs": 3}), "what it says of itself is damaged"),
        (lambda h, p: _changed(h, p, {"sizes": {"H": {}}}), "what it says of itself is damaged"),
    ],
)
def test_bad_files(
    home: Path,
    make: Callable[[Path, Path], Any],
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if "CUDA" in says and torch.cuda.is_available():
        pytest.skip("there is one here")
    make(home, tmp_path / "bad.pt2")
    assert main(["run", str(tmp_path / "bad.pt2"), "--image", str(home / "p.png")]) == 1
    out = capsys.readouterr().out
    assert out.startswith(f"error[bad-artefact]: `{tmp_path / 'bad.pt2'}` cannot be run: {says}")


def test_cpus(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What was compiled for a plain CPU runs on a better one, not the other way round."""
    for made, here, runs in [("DEFAULT", "AVX512", True), ("AVX2", "AVX2", True), ("AVX512", "AVX2", False)]:
        _changed(home, tmp_path / "n.pt2", {"cpu": made})
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda here=here: here)
        if runs:
            load_artefact(tmp_path / "n.pt2")
        else:
            with pytest.raises(artefact.BadArtefact, match="for a CPU with AVX512, and this one has AVX2"):
                load_artefact(tmp_path / "n.pt2")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["run", "none.pt2", "--image", "p.png"], 2, "cannot read `none.pt2`: No such file or directory"),
        (["run", "one.pt2", "--image", "none.png"], 1, "there is no such file"),
        (["run", "one.pt2", "--image", "p.png", "--weights", "w.pth"], 2, "leave --weights out"),
        (["run", "one.pt2", "--image", "p.png", "--no-compile"], 2, "leave --no-compile out"),
        (["run", "one.pt2", "--image", "p.png", "--set", "a=1"], 2, "leave --set out"),
        (["run", "one.pt2", "--image", "p.png", "--labels", "none"], 2, "cannot read `none`"),
        (["compile", "n.res", "--weights", "w.pth"], 2, "--weights goes with -o FILE.pt2 or FILE.onnx"),
        (
            ["compile", "n.res", "-o", "n.py", "--labels", "names.txt"],
            2,
            "--labels goes with -o FILE.pt2 or FILE.onnx",
        ),
        (["compile", "n.res", "-o", "x.pt2", "--mode", "default"], 2, "--mode is of torch.compile"),
        (["compile", "n.res", "-o", "x.pt2", "--weights", "none.pth"], 1, "error[bad-weights]"),
        (["compile", "n.res", "-o", "x.onnx", "--device", "cpu"], 2, "a .onnx is for every device"),
        (
            ["compile", "n.res", "-o", "x.pt2", "--labels", "p.png"],
            2,
            "cannot read `p.png`: it is not UTF-8 text",
        ),
        (["compile", "n.res", "-o", "x.pt2", "--labels", "none"], 2, "cannot read `none`"),
        (
            ["compile", "n.res", "-o", "x.pt2", "--at", "3x30x32"],
            2,
            "`n`: `H` = 30 does not meet `H % 4 == 0`",
        ),
        (
            ["compile", "n.res", "-o", "x.pt2", "--at", "3x4x4", "--dynamic"],
            2,
            "--dynamic compiles for many sizes",
        ),
        (["compile", "none.res", "-o", "x.pt2", "--dynamic"], 1, "error[unreadable]"),
        (["compile", "never.res", "-o", "x.pt2", "--dynamic"], 1, "error[no-size]"),
        (["compile", "n.res", "-o", "none/x.pt2"], 2, "there is no such folder"),
        (["compile", "n.res", "-o", "folder.pt2"], 2, "it is a folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_commands(
    home: Path,
    arguments: list[str],
    code: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(home)
    (home / "folder.pt2").mkdir(exist_ok=True)
    never = "add { { maxpool(2x2, 2); resize(2) }; identity }"
    (home / "never.res").write_text(f"net n {{\n  input x: [3, H, W] where H % 2 == 1\n  {never}\n}}\n")
    assert main(arguments) == code
    assert says in "".join(capsys.readouterr())
    assert not Path("x.pt2").exists()


# ---------------------------------------------------------------- what keeps it from being written


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (KeyboardInterrupt(), 130, "resdsl: interrupted"),
        (RuntimeError("x.cpp: error: No space left on device"), 2, "no space left on device"),
        (OSError(28, "No space left on device"), 2, "no space left on device"),
        (
            RuntimeError("C++ compile error\n\nx.cpp:3: error: what is this"),
            2,
            "does not: x.cpp:3: error: what is this",
        ),
        (
            RuntimeError("Constraints violated (T)! For more"),
            2,
            "cannot keep `T` open in it for every size that fits",
        ),
        (RuntimeError("no such kernel\nand more"), 2, "cannot be compiled into a file: torch "),
    ],
)
def test_it_stops(
    home: Path,
    error: BaseException,
    code: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(torch._inductor, "aoti_compile_and_package", fail)
    (tmp_path / "n.pt2").write_text("as before")
    assert main(["compile", str(home / "n.res"), "-o", str(tmp_path / "n.pt2"), "--device", "cpu"]) == code
    assert says in capsys.readouterr().err
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("n.pt2", "as before")]


def test_no_compiler(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config: Any = torch._inductor.config
    with config.patch({"cpp.cxx": ("/nowhere/g++",), "force_disable_caches": True}):
        made = main(["compile", str(home / "n.res"), "-o", str(tmp_path / "n.pt2"), "--device", "cpu"])
    assert made == 2
    assert "this needs a C++ compiler, and none was found: install g++" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_nets_that_take_no_picture(home: Path, tmp_path: Path) -> None:
    """`run` names what is on a picture; other nets are for `load_artefact`."""
    from resdsl.backend.image import BadImage

    about = read_about(home / "all.pt2")
    sound = net("edition 2026\nnet n { input x: [4, T] at [4, 16]\n conv(4, 3, bias = true) }")
    shape = sound.graph.input_shapes[0]
    assert shape is not None
    other = artefact.Artefact(
        About(**{**about.__dict__, "inputs": (shape,), "sizes": sound.fits, "at": {"T": 16}}), None
    )
    with pytest.raises(BadImage, match="does not take one image"):
        other.predict(home / "p.png", 1)


# ---------------------------------------------------------------- ONNX


@pytest.mark.parametrize(
    ("options", "calls"),
    [(["--batch", "2"], [(2, 32, 32)]), (["--dynamic"], [(1, 32, 32), (5, 8, 41), (2, 64, 20)])],
)
def test_onnx(home: Path, options: list[str], calls: list[tuple[int, int, int]], tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    path, module, made = tmp_path / "n.onnx", _module(home), _net(home)
    command = ["compile", str(home / "n.res"), "-o", str(path), "--weights", str(home / "w.pth"), *options]
    assert main(command) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["n.onnx"]
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    about = About.of_json(json.loads(session.get_modelmeta().custom_metadata_map["resdsl"]))
    assert about.spec == {"n.res": SPEC, "blocks.res": BLOCKS}
    for batch, height, width in calls:
        (x,) = example(made, batch, {"H": height, "W": width})
        (got,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        with torch.no_grad():
            wanted = module(x)
        assert float((torch.from_numpy(got) - wanted).abs().max()) < 1e-5 * float(wanted.abs().max())


def test_no_onnx(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from resdsl.backend.artefact import onnx

    monkeypatch.setattr(onnx, "NEEDED", ("no_such_package", "torch"))
    assert main(["compile", str(home / "n.res"), "-o", str(tmp_path / "n.onnx")]) == 2
    assert "this needs no_such_package: pip install no_such_package torch" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
