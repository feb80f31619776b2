"""What other libraries and papers call an op."""

from __future__ import annotations

import re

from resdsl.ops.base import OPS

_ELSEWHERE = {
    "adaptivemaxpool": "global_maxpool",
    "averagepooling": "avgpool",
    "avgpooling": "avgpool",
    "batchnormalization": "batchnorm",
    "bmm": "matmul",
    "bn": "batchnorm",
    "cat": "concat",
    "concatenate": "concat",
    "conv1x1": "conv",
    "conv2dtranspose": "conv_transpose",
    "conv3x3": "conv",
    "convolution": "conv",
    "cropping": "crop",
    "deconv": "conv_transpose",
    "dense": "linear",
    "depthtospace": "pixel_shuffle",
    "dropout1d": "channel_dropout",
    "dropout2d": "channel_dropout",
    "dropout3d": "channel_dropout",
    "fc": "linear",
    "gap": "global_avgpool",
    "globalaveragepooling": "global_avgpool",
    "globalmaxpooling": "global_maxpool",
    "globalpool": "global_avgpool",
    "groupnormalization": "groupnorm",
    "interpolate": "resize",
    "layernormalization": "layernorm",
    "lrn": "local_response_norm",
    "maxpooling": "maxpool",
    "multiheadattention": "attention",
    "normalize": "l2norm",
    "permute": "rearrange",
    "reshape": "rearrange",
    "scaleddotproductattention": "dot_product_attention",
    "spatialdropout": "channel_dropout",
    "split": "chunk",
    "stochasticdepth": "drop_path",
    "sum": "add",
    "swish": "silu",
    "transpose": "rearrange",
    "unflatten": "rearrange",
    "upsample": "resize",
    "upsampling": "resize",
    "view": "rearrange",
    "zeropad": "pad",
    "zeropadding": "pad",
}
"""PyTorch's and Keras's names and those of papers, in small letters without `_`, most without the `2d` behind them."""


def here(name: str) -> str | None:
    """The op that goes by another name, or is spelt otherwise, elsewhere: `conv` for `Conv2D`."""
    whole = name.replace("_", "").casefold()
    plain = re.sub(r"[123]d$", "", whole)
    spelt = {op.replace("_", ""): op for op in OPS}
    return _ELSEWHERE.get(whole) or _ELSEWHERE.get(plain) or spelt.get(plain)
