"""A photograph in, class names out: the ImageNet evaluation transform, with Pillow.

Shorter side to 256/224 of the input (bilinear), the centre cut out, scaled to [0, 1], normalised with the
ImageNet mean and deviation: as torchvision's `ImageClassification` preset does for its V1 weights.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from resdsl.backend.errors import MissingTorch
from resdsl.graph.model import Net, sizes_for

if TYPE_CHECKING:
    import numpy
    import torch

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MAX_PIXELS = 200_000_000


class BadImage(Exception):
    """An image cannot be read, or the net does not take images; the text says why."""


def image_size(net: Net, at: dict[str, int] | None = None) -> tuple[int, int, int]:
    """(channels, height, width) of the pictures a net takes, at sizes or its own. Raises `BadImage`."""
    shapes = net.graph.input_shapes
    if len(shapes) != 1 or shapes[0] is None or len(shapes[0]) != 3 or shapes[0][0] not in (1, 3):
        raise BadImage(f"`{net.name}` does not take one image of 1 or 3 channels")
    from resdsl.sizes import shape_at

    try:
        at = sizes_for(net, None) if at is None else at
    except ValueError:
        at = {name: max(224, net.least[name]) for name in net.sizes}
    channels, height, width = shape_at(shapes[0], at)
    return channels, height, width


def read_image(path: str | Path, channels: int, height: int, width: int) -> numpy.ndarray:
    """A picture as a batch of one, (1, C, H, W) float32. Raises `BadImage`."""
    try:
        import numpy
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise MissingTorch from None
    try:
        with Image.open(path) as file:
            if file.width * file.height > MAX_PIXELS:
                raise BadImage(f"the image has {file.width}x{file.height} pixels, which is too large")
            image = file.convert("RGB" if channels == 3 else "L")
    except FileNotFoundError:
        raise BadImage("there is no such file") from None
    except UnidentifiedImageError:
        raise BadImage("it is not an image that Pillow reads") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadImage(f"the image is damaged: {error}") from None
    short = round(max(height, width) * 256 / 224)
    if image.width <= image.height:
        image = image.resize((short, int(short * image.height / image.width)), Image.Resampling.BILINEAR)
    else:
        image = image.resize((int(short * image.width / image.height), short), Image.Resampling.BILINEAR)
    left, top = round((image.width - width) / 2.0), round((image.height - height) / 2.0)
    image = image.crop((left, top, left + width, top + height))
    pixels = numpy.array(image, dtype=numpy.float32).reshape(height, width, channels) / numpy.float32(255)
    mean, deviation = (numpy.array(v[:channels], dtype=numpy.float32) for v in (MEAN, DEVIATION))
    return numpy.ascontiguousarray(((pixels - mean) / deviation).transpose(2, 0, 1)[None])


def labels(path: str | None, net: Net) -> Callable[[int], str]:
    """Class names by index: from a file, ImageNet's for 1000 classes, or plain numbers."""
    shape = net.graph.output_shapes[0]
    lines: list[str] = []
    if path is not None:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    elif shape == (1000,):
        lines = (
            (Path(__file__).parent.parent / "data" / "imagenet.txt").read_text(encoding="utf-8").splitlines()
        )
    return lambda index: lines[index] if index < len(lines) else f"class {index}"


def class_names(net: Net, path: str | None = None) -> list[str]:
    """Names of all classes, as `labels` gives them; none where a net does not give one score for each class."""
    shapes = net.graph.output_shapes
    scores = shapes[0] if len(shapes) == 1 else None
    if scores is None or len(scores) != 1 or not isinstance(scores[0], int):
        return []
    names = labels(path, net)
    return [names(i) for i in range(scores[0])]


def predict(
    net: Net,
    module: torch.nn.Module,
    path: str | Path,
    device: torch.device | str,
    top: int,
    at: dict[str, int] | None = None,
) -> list[tuple[int, float]]:
    """The `top` most likely classes of a picture: (index, probability). Raises `BadImage`."""
    shape = net.graph.output_shapes
    if len(shape) != 1 or shape[0] is None or len(shape[0]) != 1:
        raise BadImage(f"`{net.name}` does not give one score for each class")
    image = read_image(path, *image_size(net, at))
    import torch

    with torch.inference_mode():
        scores = module.eval()(torch.from_numpy(image).to(device))[0]
    return likeliest(scores.float().cpu().numpy(), top)


def likeliest(scores: numpy.ndarray, top: int) -> list[tuple[int, float]]:
    """The `top` most likely classes by their scores, (classes): (index, probability)."""
    import numpy

    odds = numpy.exp(scores.astype(numpy.float64) - scores.max())
    best = numpy.argsort(-odds, kind="stable")[:top]
    return [(int(i), float(odds[i] / odds.sum())) for i in best]
