"""resdsl says at exactly which input sizes a net fits: nets at random, against torch.

`python -m tests.sizes.test_proofs --nets 2000` (or `pytest --full`) makes and compares more than CI does.
"""
# ruff: noqa: E402

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from itertools import count as counted
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from resdsl.sets import EVERY, NONE, SizeSet, periodic

from .generate import generate
from .oracle import Oracle, Refused
from .program import Program
from .proof import Claim, Count, Disagreement, admitting, claim, prove
from .render import render

PARTS = 20
SOME, MANY = 3, 100  # nets in each part


@pytest.mark.parametrize("part", range(PARTS))
def test_proofs(part: int, request: pytest.FixtureRequest, counts: dict[str, Any]) -> None:
    """A net is accepted exactly where torch runs, and has the shapes that torch gives."""
    nets = MANY if request.config.getoption("--full") else SOME
    total = counts.setdefault("proofs of sizes", Count())
    for seed in range(part * nets, (part + 1) * nets):
        total += prove(generate(seed))


@pytest.mark.parametrize("part", range(PARTS))
def test_the_where_it_asks_for(part: int, request: pytest.FixtureRequest, counts: dict[str, Any]) -> None:
    """With the condition that resdsl says, a net has no error, and takes exactly the sizes as before."""
    nets = MANY if request.config.getoption("--full") else SOME
    total = counts.setdefault("proofs with the `where` that was asked for", Count())
    for seed in range(part * nets, (part + 1) * nets):
        program = generate(seed)
        told = claim(program)
        if told.errors and told.kind != "never":
            total += prove_where(program, told)


def prove_where(program: Program, told: Claim) -> Count:
    """Compares the net with the `where` it was told to have."""
    better = admitting(program, told)
    again = claim(better)
    assert not again.errors, again.text
    assert again.fits == told.fits, again.text
    return prove(better, again, swept=60)


def test_no_net_is_made_twice() -> None:
    texts = [render(generate(seed)) for seed in range(200)]
    assert len(set(texts)) == 200
    assert texts[7] == render(generate(7))


def test_meta_is_cpu(counts: dict[str, Any]) -> None:
    """Tensors without storage get the shapes, and the refusals, of those with numbers."""
    asked, threads = 0, torch.get_num_threads()
    torch.set_num_threads(1)
    for seed in range(40):
        program = generate(seed)
        meta, cpu = Oracle(program), Oracle(program, "cpu")
        for size in (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16):
            sizes = dict.fromkeys(program.variables, size)
            assert _outcome(meta, sizes) == _outcome(cpu, sizes), (seed, sizes)
        asked += cpu.torch.calls
    torch.set_num_threads(threads)
    counts["calls of torch with numbers"] = asked


def _outcome(oracle: Oracle, sizes: dict[str, int]) -> object:
    try:
        return oracle.shapes(sizes)
    except Refused:
        return None


# ---------------------------------------------------------------- the suite sees mistakes


def _first(kind: str) -> tuple[Program, Claim]:
    """The first net with one variable that fits so often."""
    for seed in counted():
        program = generate(seed)
        if len(program.variables) == 1 and (told := claim(program)).kind == kind:
            return program, told
    raise AssertionError


def _with(told: Claim, sizes: SizeSet) -> Claim:
    return replace(told, fits=dict.fromkeys(told.fits, sizes))


@pytest.mark.parametrize(
    "kind", ["always", "at some remainders", "from a size on", "at finitely many", "never"]
)
def test_wrong_sets_are_seen(kind: str) -> None:
    program, told = _first(kind)
    prove(program, told)
    (right,) = told.fits.values()
    one = SizeSet(38, 1 << 37, 1, 0)  # the size 37
    by_two = periodic(2, 1)
    wrong = [~right, right | one if 37 not in right else right - one]
    wrong += [s for s in (EVERY, NONE, right & by_two, right | by_two) if s != right]
    for sizes in wrong:
        with pytest.raises(Disagreement):
            prove(program, _with(told, sizes))


def test_wrong_shapes_are_seen() -> None:
    program, told = _first("at some remainders")
    (right,) = told.fits.values()
    last = [size for size in range(1, 301) if size in right][-1]

    def shapes(sizes: dict[str, int]) -> dict[str, tuple[int, ...]]:
        made = told.shapes(sizes)
        if last in sizes.values():
            made[""] = (*made[""][:-1], made[""][-1] + 1)
        return made

    with pytest.raises(Disagreement, match=str(last)):
        prove(program, replace(told, shapes=shapes))


def test_a_wrong_rule_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shape rule that leaves out what one argument means disagrees soon."""
    from resdsl.ops import geometry

    slide = geometry.slide
    monkeypatch.setattr("resdsl.ops.pool.slide", lambda *args, ceil_mode=False, **rest: slide(*args, **rest))
    assert any(_disagrees(generate(seed)) for seed in range(60))


def _disagrees(program: Program) -> bool:
    try:
        prove(program, swept=40)
    except Disagreement:
        return True
    return False


# ---------------------------------------------------------------- on its own


def main() -> int:
    """Proves as many nets as asked for, says what was compared, and shows every disagreement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    given = parser.parse_args()
    total, again, failed, started = Count(), Count(), 0, time.monotonic()
    for seed in range(given.first, given.first + given.nets):
        try:
            program = generate(seed)
            told = claim(program)
            total += prove(program, told)
            if told.errors and told.kind != "never":
                again += prove_where(program, told)
        except Exception as error:
            failed += 1
            print(f"{type(error).__name__}: {error}\n", flush=True)
        if sys.stderr.isatty():
            print(f"\r{seed + 1 - given.first}", end="", file=sys.stderr)
    print(f"{total}\nWith the `where` that was asked for: {again}")
    print(f"{failed} failed. {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
