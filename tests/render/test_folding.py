"""Rows that are drawn as one."""

from __future__ import annotations

from itertools import permutations

import pytest

from resdsl.pipeline import check
from resdsl.render.outline.folding import together
from resdsl.render.outline.rows import Row, rows
from resdsl.source import Source


def _rows(stages: str) -> dict[str, Row]:
    text = f"""block unit(width) {{ residual {{ conv(width, 3x3); batchnorm }} shortcut: identity }}
block other(width) {{ residual {{ conv(width, 1x1); batchnorm }} shortcut: identity }}
net n {{
  input x: [8, 32, 32]
  {stages}
}}
"""
    checked = check(Source("n.res", text))
    assert checked.ok, [d.message for d in checked.diagnostics]
    return {row.name: row for row in rows(checked.nets["n"]).rows}


MIXED = """stage a {{ unit(8) x {} }}
  stage b {{ conv(8, 3x3) }}
  stage c {{ unit(8) x 3 }}
  stage d {{ other(8) x 2 }}"""


@pytest.mark.parametrize("first", [1, 2])
@pytest.mark.parametrize("order", [*permutations("abc"), *permutations("acd"), *permutations("abcd")])
def test_what_is_not_one_kind_of_block_has_no_repeat(first: int, order: tuple[str, ...]) -> None:
    found = _rows(MIXED.format(first))
    left, right = found[order[0]], found[order[-1]]
    for name in order[1:]:
        left = together(left, found[name])
    for name in reversed(order[:-1]):
        right = together(found[name], right)
    assert left.repeat == 0
    assert right.repeat == 0


def test_blocks_of_one_kind_are_counted() -> None:
    found = _rows("stage a { unit(8) x 2 }\n stage b { unit(8) x 3 }\n stage c { unit(8) x 4 }")
    assert together(together(found["a"], found["b"]), found["c"]).repeat == 9
    assert together(found["a"], together(found["b"], found["c"])).repeat == 9
