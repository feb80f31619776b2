"""The names of other libraries lead to the ops that match them."""

from __future__ import annotations

import re

import pytest

from resdsl.ops import OPS
from resdsl.ops.elsewhere import here

CLASSES = sorted(
    {name for op in OPS.values() for name in re.findall(r"torch\.nn\.([A-Z]\w+)", op.__doc__ or "")}
)


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_of_torch_leads_to_an_op_that_matches_it(name):
    op = here(name)
    assert op is not None
    assert re.search(rf"\btorch\.nn\.{name}\b", OPS[op].__doc__ or "")


@pytest.mark.parametrize(
    ("name", "op"),
    [
        ("Conv2D", "conv"),
        ("Conv2DTranspose", "conv_transpose"),
        ("Dense", "linear"),
        ("MaxPooling2D", "maxpool"),
        ("AveragePooling2D", "avgpool"),
        ("GlobalAveragePooling2D", "global_avgpool"),
        ("globalpool", "global_avgpool"),
        ("BatchNormalization", "batchnorm"),
        ("SpatialDropout2D", "channel_dropout"),
        ("ZeroPadding2D", "pad"),
        ("UpSampling2D", "resize"),
        ("adaptive_avg_pool2d", "adaptive_avgpool"),
        ("max_pool2d", "maxpool"),
        ("bottleneck", None),
        ("pa", None),
        ("", None),
    ],
)
def test_names_of_keras_of_functions_and_of_papers(name, op):
    assert here(name) == op
