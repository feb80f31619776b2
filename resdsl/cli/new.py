"""The command `new`."""

from __future__ import annotations

import argparse
from pathlib import Path

from resdsl.cli.errors import Usage
from resdsl.cli.files import write
from resdsl.pipeline import check
from resdsl.source import Source

FIRST_SPEC = """\
## A small residual network for 32x32 images.
edition 2026

## Two 3x3 convolutions and a shortcut; where the shapes differ, it is a 1x1 convolution.
block basic(width, stride = 1) {
  residual {
    conv1 = conv(width, 3x3, stride = stride); bn1 = batchnorm; relu
    conv2 = conv(width, 3x3); bn2 = batchnorm
  } shortcut downsample: identity else projection
  relu
}

net NAME(classes = 10) {
  input image: [3, H, W] at [3, 32, 32]
  stage stem { conv1 = conv(16, 3x3); bn1 = batchnorm; relu }
  stage stage1 { layer1 = basic(16) x 2 }
  stage stage2 { layer2 = basic(32, stride = 2 then 1) x 2 }
  stage stage3 { layer3 = basic(64, stride = 2 then 1) x 2 }
  stage head { global_avgpool; flatten; fc = linear(classes) }
}
"""


def new_command(args: argparse.Namespace) -> int:
    """`resdsl new FILE`."""
    path = Path(args.path if args.path.endswith(".res") else f"{args.path}.res")
    if path.exists():
        raise Usage(f"`{path}` exists already")
    text = FIRST_SPEC.replace("NAME", path.stem)
    if not check(Source(str(path), text)).ok:  # `net.res`, `first-net.res`
        text = FIRST_SPEC.replace("NAME", "mynet")
    write(path, text, f"; try: resdsl summary {path}")
    return 0
