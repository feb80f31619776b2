"""Writes a program as a spec, in varied syntax: the same program may be written in many ways."""

from __future__ import annotations

import random

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
    Crop,
    Cut,
    Fold,
    Gate,
    Head,
    Layer,
    Like,
    Merge,
    Named,
    Op,
    Pad,
    PadMultiple,
    Pointwise,
    Pool,
    Program,
    Repeat,
    Residual,
    Resize,
    Shuffle,
    Slice,
    Step,
    Transposed,
    Whole,
    Window,
    ZeroPad,
)


def render(program: Program) -> str:
    """The text of the spec; its net is called `n`."""
    return _Writer(program).text()


def _where(conditions: tuple[Condition, ...]) -> str:
    return f" where {', '.join(map(str, conditions))}" if conditions else ""


class _Writer:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.rng = random.Random(f"text {program.seed}")
        self.width: int | None = None  # the channels that a block has as a parameter
        self.used = False
        self.blocks = {b.name: b for b in program.blocks}
        self.written: set[str] = set()  # blocks that take a width

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def text(self) -> str:
        blocks = [self.block(b) for b in self.program.blocks]
        inputs = ", ".join(
            f"{i.name}: [{', '.join(map(str, (i.channels, *i.axes)))}]" for i in self.program.inputs
        )
        lines = [f"  input {inputs}{_where(self.program.where)}", self.lines(self.program.body, 1, top=True)]
        if self.program.training is not None:
            main, other = self.program.body.steps[-1], self.program.training.steps[-1]
            assert isinstance(main, Named)
            assert isinstance(other, Named)
            lines.append(self.lines(self.program.training, 1))
            lines.append(f"  output {main.name}\n  output {other.name} if training")
        net = "\n".join(lines)
        return "\n\n".join([*blocks, f"net n {{\n{net}\n}}"]) + "\n"

    def block(self, block: Block) -> str:
        self.width, self.used = block.width, False
        body = self.lines(block.body, 1)
        taken, self.width = self.used, None
        if taken:
            self.written.add(block.name)
        if block.as_net:
            sizes = ", ".join(LETTERS[: len(self.program.inputs[0].axes)])
            body = f"  input y: [{block.channels}, {sizes}]{_where(block.where)}\n{body}"
        return f"{'net' if block.as_net else 'block'} {block.name}{'(width)' if taken else ''} {{\n{body}\n}}"

    # ---------------------------------------------------------------- statements

    def lines(self, body: Body, depth: int, top: bool = False) -> str:
        """The statements of a body, indented; short neighbours may share a line."""
        written: list[str] = []
        texts = [self.statement(step, depth) for step in body.steps]
        i = 0
        while i < len(texts):
            text, i = texts[i], i + 1
            if top and "\n" not in text and self.chance(0.05):
                text = f"stage s{i} {{ {text} }}"
            elif "\n" not in text and self.chance(0.03):
                text = f"if {self.rng.choice(['true', '1 < 2', 'not false'])} {{ {text} }}"
            pad = "  " * depth
            last = written[-1] if written else "\n"
            if "\n" not in text + last and len(last) + len(text) < 90 and self.chance(0.4):
                written[-1] = f"{last}; {text}"
            else:
                written.append(pad + text)
        return "\n".join(written)

    def statement(self, step: Step, depth: int) -> str:
        match step:
            case Named(key=True):
                return f"{step.name} = {self.statement(step.step, depth)}"
            case Named():
                return f"{self.statement(step.step, depth)} as {step.name}"
            case Cut():
                return f"chunk({self.cut(step)}) as {', '.join(step.names)}"
            case Back():
                start = f"from {', '.join(step.names)}"
                return start if step.op is None else f"{start} -> {self.call(step.op)}"
            case Call():
                times = f" x {step.times}" if step.times > 1 else ""
                return f"{step.block}{self.arguments(step.block)}{times}"
            case Layer():
                return f"layer {step.name} = {self.braces(step.body, depth)}"
            case Apply():
                return f"apply {step.name}"
            case Repeat(body=Body(steps=(single,))) if self.chance(0.5):
                return f"{self.statement(single, depth)} x {step.times}"
            case Repeat() if self.chance(0.3):
                return f"for i{depth} in range({step.times}) {self.braces(step.body, depth)}"
            case Repeat():
                return f"{self.braces(step.body, depth)} x {step.times}"
            case Residual():
                return self.residual(step, depth)
            case Arms():
                return f"{self.call(step.merge)} {self.braces(Body(step.arms), depth, arms=True)}"
            case Gate():
                return f"{step.kind} {self.braces(step.body, depth)}"
            case Body():
                return self.grouped(step, depth)
            case _:
                return self.call(step)

    def grouped(self, body: Body, depth: int) -> str:
        """Several steps as one statement: a chain, or braces."""
        simple = all(not isinstance(s, Named | Cut | Repeat | Body) for s in body.steps)
        texts = [self.statement(s, depth) for s in body.steps] if simple else ["\n"]
        if all("\n" not in t for t in texts) and body.steps and (len(texts) == 1 or self.chance(0.5)):
            tail = texts[1:]
            if all(not t.startswith("from ") for t in tail):
                return " -> ".join(texts)
        return self.braces(body, depth)

    def braces(self, body: Body, depth: int, arms: bool = False) -> str:
        """`{ a; b }`, on one line where it is short."""
        texts = []
        for step in body.steps:
            if arms and isinstance(step, Body):
                texts.append(self.grouped(step, depth + 1) if step.steps else "identity")
            else:
                texts.append(self.statement(step, depth + 1))
        flat = f"{{ {'; '.join(texts)} }}"
        if "\n" not in flat and len(flat) < 70 and self.chance(0.8):
            return flat
        inner = "\n".join("  " * (depth + 1) + t for t in texts)
        return f"{{\n{inner}\n{'  ' * depth}}}"

    def residual(self, step: Residual, depth: int) -> str:
        body = self.braces(step.body, depth)
        name = f" sc{self.rng.randrange(10**6)}" if self.chance(0.3) else ""
        policy = f"shortcut{name}: {self.policy(step.policy, depth)}"
        if step.otherwise is not None:
            policy += f" else {self.policy(step.otherwise, depth)}"
        return f"residual {policy} {body}" if self.chance(0.2) else f"residual {body} {policy}"

    def policy(self, policy: str | Body, depth: int) -> str:
        return policy if isinstance(policy, str) else self.braces(policy, depth)

    def arguments(self, block: str) -> str:
        if block not in self.written:
            return ""
        width = self.blocks[block].width
        return f"({width})" if self.chance(0.5) else f"(width = {width})"

    # ---------------------------------------------------------------- calls

    def call(self, op: Op) -> str:
        name, given = self.parts(op)
        return f"{name}({', '.join(given)})" if given else name

    def parts(self, op: Op) -> tuple[str, list[str]]:
        """The word and its arguments."""
        match op:
            case Conv():
                return "conv", [
                    *self.outer(op.out, op.kernel),
                    *self.option("stride", op.stride, 1),
                    *self.padding(op.padding, op.kernel, op.stride, op.dilation),
                    *self.option("dilation", op.dilation, 1),
                    *([f'padding_mode = "{op.mode}"'] if op.mode != "zeros" or self.chance(0.05) else []),
                    *(["bias = true"] if op.bias else []),
                ]
            case Transposed():
                return "conv_transpose", [
                    *self.outer(op.out, op.kernel),
                    *self.option("stride", op.stride, 1),
                    *self.padding(op.padding, op.kernel, op.stride, op.dilation),
                    *self.option("output_padding", op.extra, 0),
                    *self.option("dilation", op.dilation, 1),
                ]
            case Pool():
                stride = self.window(op.stride)
                return f"{op.kind}pool", [
                    self.window(op.kernel),
                    stride if self.chance(0.5) else f"stride = {stride}",
                    *self.padding(op.padding, op.kernel, op.stride, op.dilation),
                    *(self.option("dilation", op.dilation, 1) if op.kind == "max" else []),
                    *(["ceil_mode = true"] if op.ceil else []),
                    *([] if op.count_pad else ["count_include_pad = false"]),
                ]
            case Resize():
                to = "x".join(map(str, op.to)) if isinstance(op.to, tuple) else str(op.to)
                return "resize", [to, *self.mode(op.mode)]
            case Shuffle():
                return f"pixel_{'un' if op.back else ''}shuffle", [str(op.factor)]
            case Pad():
                after = [] if op.after == op.before else [f"after = {self.window(op.after)}"]
                mode = [f'mode = "{op.mode}"'] if op.mode != "constant" else []
                return "pad", [self.window(op.before), *after, *mode]
            case PadMultiple():
                return "pad_to_multiple", [self.window(op.of)]
            case Crop():
                after = [] if op.after == op.before else [f"after = {self.window(op.after)}"]
                return "crop", [self.window(op.before), *after]
            case Slice():
                start = [f"start = {op.start}"] if op.start or self.chance(0.2) else []
                return "slice", [str(op.axis), *start, *([] if op.stop is None else [f"stop = {op.stop}"])]
            case Fold():
                return "rearrange", self.fold(op)
            case ZeroPad():
                return "zero_pad", [str(op.channels), self.window(op.stride)]
            case Pointwise():
                return op.word, []
            case Whole():
                return f"global_{op.kind}pool", []
            case Adaptive():
                return "adaptive_avgpool", [self.window(op.size)]
            case Head():
                return ("flatten", []) if op.out is None else ("flatten; linear", [str(op.out)])
            case Merge():
                axis = [f"axis = {op.axis}"] if op.axis else []
                return op.kind, axis
            case Like():
                if op.kind == "resize_like":
                    return op.kind, self.mode(op.mode)
                return op.kind, ['keep = "start"'] if op.mode == "start" else []

    def outer(self, out: int, kernel: Window) -> list[str]:
        """Channels and kernel, by position or by name."""
        channels = str(out)
        if out == self.width and self.chance(0.8):
            channels, self.used = "width", True
        size = self.window(kernel)
        return [f"out = {channels}", f"size = {size}"] if self.chance(0.1) else [channels, size]

    def option(self, name: str, value: Window, default: int) -> list[str]:
        """An argument with a default, which is rarely written."""
        plain = all(v == default for v in value)
        return [] if plain and self.chance(0.9) else [f"{name} = {self.window(value)}"]

    def padding(self, padding: Window, kernel: Window, stride: Window, dilation: Window) -> list[str]:
        """Left out now and then where it is what the language takes by itself."""
        usual = []
        for k, s, d in zip(kernel, stride, dilation, strict=True):
            if k == s and d == 1:
                usual.append(0)
            else:
                usual.append(d * (k - 1) // 2 if d * (k - 1) % 2 == 0 else -1)
        if tuple(usual) == padding and self.chance(0.8):
            return []
        return [f"padding = {self.window(padding)}"]

    def mode(self, mode: str) -> list[str]:
        return [f'mode = "{mode}"'] if mode != "nearest" or self.chance(0.1) else []

    def fold(self, fold: Fold) -> list[str]:
        """`[c, h * a, w * b] -> [c * a * b, h, w], a = 2, b = 2`, or the other way."""
        axes, parts = "hwd"[: len(fold.factors)], "abf"[: len(fold.factors)]
        wide = f"[{', '.join(['c', *(f'{n} * {p}' for n, p in zip(axes, parts, strict=True))])}]"
        deep = f"[{' * '.join(['c', *parts])}, {', '.join(axes)}]"
        sizes = [f"{p} = {n}" for p, n in zip(parts, fold.factors, strict=True)]
        return [f"{deep} -> {wide}" if fold.back else f"{wide} -> {deep}", *sizes]

    def cut(self, cut: Cut) -> str:
        return f"{len(cut.names)}, axis = {cut.axis}" if cut.axis or self.chance(0.3) else f"{len(cut.names)}"

    def window(self, window: Window) -> str:
        if len(set(window)) == 1 and (len(window) == 1 or self.chance(0.5)):
            return str(window[0])
        listed = 0 in window or self.chance(0.1)  # a 0 stands in no window, but in a list
        return f"[{', '.join(map(str, window))}]" if listed else "x".join(map(str, window))
