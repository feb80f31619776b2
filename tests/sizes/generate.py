"""Makes nets at random: `generate(seed)` is always the same program for the same seed."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from typing import get_args

from .draw import DEEPEST, LINEAR, Drawn, Flow, Layers, Mood
from .program import (
    LETTERS,
    Adaptive,
    Apply,
    Arms,
    Back,
    Block,
    Body,
    Call,
    Condition,
    Conv,
    Cut,
    Gate,
    Head,
    Input,
    Layer,
    Like,
    Merge,
    Named,
    Pad,
    PadMultiple,
    Pointwise,
    Program,
    Repeat,
    Residual,
    Resize,
    Step,
    Whole,
    Window,
    ZeroPad,
)

AXES = {1: ("T",), 2: ("H", "W"), 3: ("T", "H", "W")}
OTHERS = ("U", "V", "S")


def generate(seed: int) -> Program:
    """The program of a seed."""
    rng = random.Random(f"program {seed}")
    rank = rng.choices((1, 2, 3), (60, 32, 8))[0]
    mood: Mood = rng.choices(get_args(Mood), (20, 40, 25, 15))[0]
    axes: tuple[str | int, ...] = AXES[rank]
    if rank > 1 and rng.random() < 0.12:
        axes = (AXES[2][0],) * rank  # one size for all
    if rank > 1 and rng.random() < 0.15:
        fixed = rng.randrange(rank)
        axes = tuple(rng.choice((1, 7, 12, 24)) if i == fixed else a for i, a in enumerate(axes))
    return Maker(rng, rank, mood).program(seed, axes)


class Maker(Layers):
    """Draws steps; blocks that it calls are collected."""

    def __init__(self, rng: random.Random, rank: int, mood: Mood) -> None:
        super().__init__(rng, rank, mood)
        self.blocks: list[Block] = []
        self.count = 0
        self.inside = False  # a block

    def name(self) -> str:
        """A new name."""
        self.count += 1
        return f"v{self.count}"

    # ---------------------------------------------------------------- the net

    def program(self, seed: int, axes: tuple[str | int, ...]) -> Program:
        """A net with this input, now and then with a second one."""
        first = Input("x", self.rng.randint(1, 4), axes)
        inputs: tuple[Input, ...] = (first,)
        start = Flow(first.channels, (Fraction(1),) * self.rank)
        steps: list[Step] = []
        if self.chance(0.08):
            steps, start, second = self.second(start, axes)
            inputs = (first, second)
        more, flow = self.steps(start, self.rng.choices((1, 2, 3, 4, 5), (2, 4, 4, 3, 2))[0], 2)
        steps += more
        if self.mood == "rare":
            self.tame = False
            rare, flow = self.rare(flow)
            steps += rare
        else:
            steps += self.head(flow)
        training = None
        named = [s.name for s in more if isinstance(s, Named)]
        if named and all(isinstance(a, str) for a in axes) and self.chance(0.08):
            # How many channels such a value has is forgotten by now: a pool does not ask.
            aside = self.window(
                self.rng.choice(("max", "avg")), self.all(2), 1, shift=-self.rng.randint(0, 1)
            )
            aside[-1] = Named(aside[-1], self.name())
            training = Body((Back((self.rng.choice(named),)), *aside))
            steps.append(Named(Pointwise("identity"), self.name()))
        made = Program(seed, inputs, tuple(self.blocks), Body(tuple(steps)), training=training)
        often = 0.0 if self.mood == "rare" else 0.14
        return replace(made, where=self.conditions(made.variables, often))

    def second(self, flow: Flow, axes: tuple[str | int, ...]) -> tuple[list[Step], Flow, Input]:
        """Two inputs, of the same sizes or of others, and how they come together."""
        same = self.chance(0.5)
        other = Input("y", self.rng.randint(1, 3), axes if same else OTHERS[: self.rank])
        start, one, two = Flow(other.channels, flow.scale), self.name(), self.name()
        out = self.rng.randint(1, 4)
        if same:
            strides = self.strides(flow)
            left, end = self.reduce(flow, strides, out)
            right, _ = self.reduce(start, strides, out)
            merge = Merge(self.rng.choice(("add", "concat")))
        else:
            left, end = self.keep(flow, out)
            right, _ = self.reduce(start, self.strides(start), out)
            right = [*right, Whole("avg")]
            merge = Merge("scale")
        left[-1], right[-1] = Named(left[-1], one), Named(right[-1], two)
        channels = 2 * out if merge.kind == "concat" else out
        return [Back(("x",)), *left, Back(("y",)), *right, Back((one, two), merge)], end.by(channels), other

    def head(self, flow: Flow) -> list[Step]:
        """How a net ends."""
        kind = self.rng.choices(("nothing", "whole", "adaptive", "resize"), (6, 2, 1, 1))[0]
        if kind == "nothing":
            return [] if self.chance(0.85) else [Head(None)] if self.chance(0.4) else [self.flat(flow)]
        size = tuple(self.rng.randint(1, 4) for _ in range(self.rank))
        if kind == "resize" and self.rank > 1:
            return [Resize(size, "area")]
        made: Step = Whole(self.rng.choice(("avg", "max"))) if kind == "whole" else Adaptive(size)
        return [made, *([Head(self.rng.randint(1, 3))] if self.chance(0.5) else [])]

    def flat(self, flow: Flow) -> Step:
        """Ways that end in one axis each, joined. (What has several axes is not added: equal products say little.)"""
        kind = "add" if self.rank == 1 and self.chance(0.5) else "concat"
        strides, out = self.strides(flow), self.rng.randint(1, 3)
        one, two = (self.reduce(flow, strides, out)[0] for _ in range(2))
        if self.chance(0.3):
            two = self.keep(flow, self.rng.randint(1, 3))[0]
        return Arms(Merge(kind), tuple(Body((*steps, Head(None))) for steps in (one, two)))

    def conditions(self, names: tuple[str, ...], often: float) -> tuple[Condition, ...]:
        """What is asked of some sizes, so that something is left."""
        made = []
        for axis in names:
            asked: list[Condition] = []
            while self.chance(often):
                more = [*asked, Condition(axis, *self.asked())]
                if any(all(c.holds(size) for c in more) for size in range(1, 200)):
                    asked = more
            made += asked
        return tuple(made)

    def asked(self) -> tuple[str, str]:
        """A condition on `{v}`, in the language and in Python."""
        kind = self.rng.choices(("divides", "rest", "least", "quotient", "any"), (6, 2, 3, 2, 1))[0]
        by = self.rng.choice((2, 2, 3, 4, 6, 8, 16))
        if kind == "divides":
            return (text := f"{{v}} % {by} == 0"), text
        if kind == "least":
            return (text := f"{{v}} {self.rng.choice(('>=', '>'))} {self.rng.randint(2, 40)}"), text
        if kind == "rest":
            relation = self.rng.choice(("==", "!=", "<", ">="))
            text = f"({{v}} + {self.rng.randint(0, 5)}) % {by} {relation} {self.rng.randrange(1, by)}"
            return text, text
        if kind == "quotient":
            outer = self.rng.choice((2, 3))
            if self.chance(0.5):
                return f"floor({{v}} / {by}) % {outer} == 0", f"({{v}} // {by}) % {outer} == 0"
            return f"ceil({{v}} / {by}) % {outer} == 0", f"(-(-{{v}} // {by})) % {outer} == 0"
        (a, b), (c, d) = self.asked(), self.asked()
        word = self.rng.choice(("and", "or"))
        return f"({a} {word} {c})", f"({b} {word} {d})"

    # ---------------------------------------------------------------- motifs

    def steps(self, flow: Flow, count: int, depth: int) -> Drawn:
        """Several motifs, one behind the other."""
        made: list[Step] = []
        motifs = TAME if self.tame else MOTIFS
        for _ in range(count):
            motif = self.rng.choices(*zip(*motifs.items(), strict=True))[0]
            steps, flow = getattr(self, motif)(flow, depth)
            made += steps
        return made, flow

    def stem(self, flow: Flow, depth: int) -> Drawn:
        """A layer that divides, keeps, takes from or multiplies the sizes; some have a name."""
        kinds, weights = ("reduce", "keep", "shrink", "multiple", "by half", "grow"), (12, 8, 4, 1, 1, 2)
        kind = self.rng.choices(kinds, weights)[0]
        out = self.rng.randint(1, 6)
        if kind == "reduce":
            steps, end = self.reduce(flow, self.strides(flow), out)
        elif kind == "shrink" and not self.tame:
            steps, end = self.shrink(flow)
        elif kind == "multiple":
            steps, end = [PadMultiple(self.strides(flow))], flow
        elif kind == "by half" and not self.tame and max(flow.scale) <= 1:
            factor = self.rng.choice((0.75, 1.5, 1.25, 0.625))
            steps, end = [Resize(factor)], flow.by(flow.channels, (Fraction(factor),) * self.rank)
        elif kind == "grow" and max(flow.scale) <= 1:
            steps, end = self.grow(flow, self.all(2), out)
        else:
            steps, end = self.keep(flow, out)
        if self.chance(0.4):
            steps[-1] = Named(steps[-1], self.name(), self.chance(0.5))
        return steps, end

    def residual(self, flow: Flow, depth: int) -> Drawn:
        """An arm and a shortcut."""
        kind = self.rng.choices(("keep", "down", "return"), (3, 6, 0 if self.tame else 3))[0]
        if kind == "down":
            return self.residual_down(flow)
        if kind == "keep":
            steps, middle = self.keep(flow)
            steps += self.keep(middle)[0] if self.chance(0.5) else []
            other = self.rng.choice((None, "projection", "zero_pad")) if not self.wild else None
            return [Residual(Body(tuple(steps)), "identity", other, Body(()))], flow
        factors = self.strides(flow)
        steps, middle = self.reduce(flow, factors, self.rng.randint(1, 4))
        steps += self.keep(middle)[0] if self.chance(0.3) else []
        steps += self.grow(middle, factors, flow.channels)[0]
        return [Residual(Body(tuple(steps)), "identity", None, Body(()))], flow

    def residual_down(self, flow: Flow) -> Drawn:
        """A residual that divides the sizes, and the ways past it."""
        strides, one = self.strides(flow), self.all(1)
        out = self.rng.randint(flow.channels, flow.channels + 3)
        steps, end = self.reduce(flow, strides, out, only=("conv", "conv", "max", "avg"))
        policy = self.rng.choice(("projection", "projection(norm = none)", "zero_pad", "body", "body"))
        if policy == "body":
            own = Body(tuple(self.reduce(flow, strides, out)[0]))
            return [Residual(Body(tuple(steps)), own, None, own)], end
        carried: list[Step] = [Conv(out, one, strides, self.all(0), one)]
        if policy == "projection":
            carried.append(Pointwise("batchnorm"))
        elif policy == "zero_pad":
            carried = [ZeroPad(out, strides)]
        differs = out != flow.channels or strides != one
        way, arm = Body(tuple(carried)), Body(tuple(steps))
        if differs and self.chance(0.5):
            return [Residual(arm, "identity", policy, way)], end
        return [Residual(arm, policy, None, way)], end

    def arm(self, flow: Flow, strides: Window, out: int, depth: int) -> list[Step]:
        """From a value to one of so many channels, divided by the strides."""
        steps, end = self.keep(flow, out) if set(strides) == {1} else self.reduce(flow, strides, out)
        if self.chance(0.3):
            steps = steps + self.keep(end)[0]
        if depth and self.chance(0.15):
            more, end = self.arms(end, depth - 1, self.all(1))
            steps = [*steps, *more, *self.widen(end, out)]
        return steps

    def arms(self, flow: Flow, depth: int, strides: Window | None = None) -> Drawn:
        """Two or three ways, joined."""
        if strides is None:
            strides = self.strides(flow) if self.chance(0.75) else self.all(1)
        count = self.rng.choice((2, 2, 3))
        kind = self.rng.choices(("add", "mul", "concat", "along"), (5, 1, 3, 1))[0]
        out = self.rng.randint(1, 4)
        wide = [self.rng.randint(1, 3) for _ in range(count)] if kind == "concat" else [out] * count
        ways = [strides] * count
        if self.chance(2 * self.wild):
            ways[0] = tuple(s + 1 for s in strides)
        made = [Body(tuple(self.arm(flow, s, c, depth))) for s, c in zip(ways, wide, strict=True)]
        if set(strides) == {1} and wide[0] == flow.channels and self.chance(0.5):
            made[0] = Body(())
        factors = [Fraction(1, s) for s in strides]
        axis = self.rng.randint(1, self.rank) if kind == "along" else 0
        if axis:
            factors[axis - 1] *= count
        end = flow.by(sum(wide) if kind == "concat" else out, tuple(factors))
        return [Arms(Merge("concat" if kind == "along" else kind, axis), tuple(made))], end

    def gate(self, flow: Flow, depth: int) -> Drawn:
        """A value times what is made of it."""
        one = self.all(1)
        kind = self.rng.choices(("squeeze", "spatial", "return"), (4, 3, 0 if self.tame else 2))[0]
        if kind == "squeeze":
            pool = Whole(self.rng.choice(("avg", "max")))
            steps: list[Step] = [pool, Conv(flow.channels, one, one, self.all(0), one)]
        elif kind == "spatial":
            steps = self.keep(flow, 1)[0]
        else:
            strides = self.strides(flow)
            steps, middle = self.reduce(flow, strides, 2)
            steps += self.grow(middle, strides, self.rng.choice((1, flow.channels)))[0]
        word = self.rng.choice(("scale", "scale", "scale", "offset"))
        return [Gate(Body((*steps, Pointwise("sigmoid"))), word)], flow

    def unet(self, flow: Flow, depth: int) -> Drawn:
        """Down, something, up again, and together with what was before."""
        skip, up, joined = self.name(), self.name(), self.name()
        steps, flow = self.keep(flow, self.rng.randint(1, 4))
        steps[-1] = Named(steps[-1], skip)
        down, middle = self.reduce(flow, self.strides(flow), self.rng.randint(1, 4))
        steps += down
        if depth and self.chance(0.5):
            inner, middle = self.steps(middle, 1, depth - 1)
            steps += inner
        join = self.rng.choice(("add", "concat"))
        out = flow.channels if join == "add" else self.rng.randint(1, 3)
        back = tuple(a / b for a, b in zip(flow.scale, middle.scale, strict=True))
        ways = ["like"]
        if all(f.denominator == 1 and f <= 4 for f in back):
            ways += ["crop skip"] if self.tame else ["grow", "grow", "crop", "crop skip"]
        way = self.rng.choice(ways)
        if way == "like":
            steps += [*self.widen(middle, out), Named(self.pointwise(), up)]
            mode = self.rng.choice(("nearest", LINEAR[self.rank]))
            steps.append(Named(Back((up, skip), Like("resize_like", mode)), joined))
        else:
            more, _ = self.grow(middle, tuple(int(f) for f in back), out)
            if way != "grow" and self.chance(0.5):  # more than needed, so that there is something to crop
                pad = (self.all(self.rng.randint(0, 3)), self.all(self.rng.randint(0, 3)))
                more.append(Pad(*pad))
            more[-1] = Named(more[-1], joined if way == "grow" else up)
            steps += more
        if way.startswith("crop"):
            pair = (skip, up) if way == "crop skip" and not self.tame else (up, skip)
            keep = self.rng.choice(("centre", "centre", "start"))
            steps.append(Named(Back(pair, Like("crop_like", keep)), joined))
            skip = up if pair[0] == skip else skip
        steps.append(Back((joined, skip) if self.chance(0.7) else (skip, joined), Merge(join)))
        if self.chance(0.5):
            steps[-1] = Named(steps[-1], self.name())
        return steps, flow.by(flow.channels + (0 if join == "add" else out))

    def parts(self, flow: Flow, depth: int) -> Drawn:
        """Equal parts along an axis, and together again."""
        count, axis = self.rng.choice((2, 2, 3, 4)), self.rng.randint(1, self.rank)
        names = tuple(self.name() for _ in range(count))
        kind = self.rng.choice(("add", "mul", "concat", "along", "one"))
        factors = [Fraction(1)] * self.rank
        if kind != "along":
            factors[axis - 1] /= count
        if kind == "one":
            last: list[Step] = [Back((self.rng.choice(names),)), self.pointwise()]
        else:
            along = Merge("concat", axis)
            last = [Back(names, along if kind == "along" else Merge(kind))]
        channels = flow.channels * (count if kind == "concat" else 1)
        return [Cut(axis, names), *last], flow.by(channels, tuple(factors))

    def repeat(self, flow: Flow, depth: int) -> Drawn:
        """Copies of a few steps."""
        times = self.rng.randint(2, 3)
        if self.chance(0.5) and min(flow.scale) / 2**times >= DEEPEST:
            steps, end = self.reduce(flow, self.all(2), flow.channels)
        else:
            (steps, end), times = self.keep(flow), 2
        ratio = tuple((b / a) ** times for a, b in zip(flow.scale, end.scale, strict=True))
        return [Repeat(Body(tuple(steps)), times)], flow.by(flow.channels, ratio)

    def called(self, flow: Flow, depth: int) -> Drawn:
        """A block, called once or twice."""
        if self.inside or not depth:
            return self.stem(flow, depth)
        self.inside = True
        steps, end = self.steps(flow, self.rng.randint(1, 2), depth - 1)
        self.inside = False
        ratio = tuple(b / a for a, b in zip(flow.scale, end.scale, strict=True))
        scales = [s * r for s, r in zip(end.scale, ratio, strict=True)]
        times = 2 if all(DEEPEST <= s <= 2 for s in scales) and self.chance(0.8) else 1
        if times == 2:
            steps = steps + self.widen(end, flow.channels)
        widths = [s.out for s in steps if isinstance(s, Conv)]
        as_net = self.chance(0.25)
        block = Block(
            f"b{len(self.blocks)}",
            Body(tuple(steps)),
            flow.channels,
            self.rng.choice(widths) if widths and self.chance(0.6) else None,
            as_net,
            self.conditions(tuple(LETTERS[: self.rank]), 0.15) if as_net and not self.tame else (),
        )
        self.blocks.append(block)
        call: list[Step] = [Call(block.name, times)]
        if times == 2 and self.chance(0.5):
            call = [Call(block.name), self.pointwise(), Call(block.name)]
        if self.chance(0.3):
            call[-1] = Named(call[-1], self.name(), self.chance(0.5))
        last = flow.channels if times == 2 else end.channels
        return call, flow.by(last, tuple(r**times for r in ratio))

    def shared(self, flow: Flow, depth: int) -> Drawn:
        """A layer that runs twice, on values of two sizes."""
        if self.inside or depth < 2:
            return self.repeat(flow, depth)
        self.inside = True
        steps, end = self.steps(flow, 1, depth - 1)
        self.inside = False
        made = Layer(self.name(), Body((*steps, *self.widen(end, flow.channels))))
        first = Flow(flow.channels, end.scale)
        between, middle = (
            self.keep(first) if self.chance(0.4) else self.reduce(first, self.all(2), flow.channels)
        )
        one = Named(Apply(made.name), self.name()) if self.chance(0.5) else Apply(made.name)
        ratio = tuple(b / a for a, b in zip(flow.scale, end.scale, strict=True))
        return [made, one, *between, Apply(made.name)], middle.by(flow.channels, ratio)

    def rare(self, flow: Flow) -> Drawn:
        """What fits at few sizes, or at none."""
        kind = self.rng.choice(("arms", "identity", "gate", "fixed", "along"))
        strides = self.all(self.rng.choice((1, 2, 2, 3)))
        if kind == "identity":
            steps = self.reduce(flow, self.all(2), flow.channels)[0]
            return [Residual(Body(tuple(steps)), "identity", None, Body(()))], flow
        if kind == "gate":
            steps = self.reduce(flow, self.all(2), self.rng.choice((1, flow.channels)))[0]
            return [Gate(Body((*steps, Pointwise("sigmoid"))))], flow
        one, two = self.reduce(flow, strides, 2)[0], self.reduce(flow, tuple(s + 1 for s in strides), 2)[0]
        if kind == "fixed":
            two = [*self.widen(flow, 2), Adaptive(tuple(self.rng.randint(1, 6) for _ in range(self.rank)))]
        merge = Merge(self.rng.choice(("add", "concat")))
        if kind == "along":
            axis = self.rng.randint(1, self.rank)
            two = [
                *self.widen(flow, 2),
                Arms(Merge("concat", axis), (Body(tuple(self.keep(flow.by(2))[0])), Body(()))),
            ]
        end = flow.by(4 if merge.kind == "concat" else 2, tuple(Fraction(1, s) for s in strides))
        return [Arms(merge, (Body(tuple(one)), Body(tuple(two))))], end


MOTIFS = {
    "stem": 6,
    "residual": 4,
    "arms": 4,
    "gate": 2,
    "unet": 3,
    "parts": 1,
    "repeat": 1,
    "called": 3,
    "shared": 1,
}
TAME = {**MOTIFS, "parts": 0}
