"""Shapes of inputs as other libraries write them: with the batch, or with the channels last."""

from __future__ import annotations

from resdsl.sizes import Dim, Shape

CHANNELS = (1, 3, 4)  # of images
SMALLEST_SIDE = 8


def meant(shape: Shape) -> tuple[Shape, str] | None:
    """The shape that was probably meant by the one of an input, and the rule it breaks; None if it looks right."""
    with_batch = len(shape) == 4 and (shape[0] == 1 or str(shape[0]) in ("B", "N"))
    image = shape[1:] if with_batch else shape
    if len(image) == 4:
        return _clip(image)
    if len(image) != 3:
        return None
    if image[2] in CHANNELS and _is_side(image[0]) and _is_side(image[1]):
        rule = "a shape has the channels first" + (", and leaves the batch out" if with_batch else "")
        return (image[2], image[0], image[1]), rule
    if with_batch and image[0] in CHANNELS and _is_side(image[1]) and _is_side(image[2]):
        return image, "a shape leaves the batch out"
    return None


def _clip(shape: Shape) -> tuple[Shape, str] | None:
    """The same of a clip, whose frames other libraries have in front."""
    frames, *rest = shape
    rule = "a clip has the channels first, then the frames"
    if frames in CHANNELS:
        return None
    if rest[0] == 3 and _is_side(rest[1]) and _is_side(rest[2]):
        return (3, frames, rest[1], rest[2]), rule
    if rest[2] in CHANNELS and _is_side(rest[0]) and _is_side(rest[1]):
        return (rest[2], frames, rest[0], rest[1]), rule
    return None


def _is_side(size: Dim) -> bool:
    return not isinstance(size, int) or size >= SMALLEST_SIDE
