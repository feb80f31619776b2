"""What the generator builds: nets as data, which `render` writes as a spec and `oracle` runs in torch.

Everything is explicit here, what the language has defaults for too. Sizes along the spatial axes are
tuples, one integer for each axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import CodeType
from typing import TypeAlias

Window: TypeAlias = tuple[int, ...]

# ---------------------------------------------------------------- one call of torch


@dataclass(frozen=True)
class Conv:
    """A convolution; `mode` says what the padding holds."""

    out: int
    kernel: Window
    stride: Window
    padding: Window
    dilation: Window
    mode: str = "zeros"
    bias: bool = False


@dataclass(frozen=True)
class Transposed:
    """A transposed convolution."""

    out: int
    kernel: Window
    stride: Window
    padding: Window
    extra: Window
    dilation: Window


@dataclass(frozen=True)
class Pool:
    """`kind` is max or avg; average pools have no dilation, largest-value pools count no padding."""

    kind: str
    kernel: Window
    stride: Window
    padding: Window
    dilation: Window
    ceil: bool = False
    count_pad: bool = True


@dataclass(frozen=True)
class Resize:
    """By a factor, or to a size."""

    to: float | Window
    mode: str = "nearest"


@dataclass(frozen=True)
class Shuffle:
    """Channels to positions, or back."""

    factor: int
    back: bool = False


@dataclass(frozen=True)
class Pad:
    """Positions before and after each axis."""

    before: Window
    after: Window
    mode: str = "constant"


@dataclass(frozen=True)
class PadMultiple:
    """Positions behind, so that each size is a multiple."""

    of: Window


@dataclass(frozen=True)
class Crop:
    """Without some positions before and after."""

    before: Window
    after: Window


@dataclass(frozen=True)
class Slice:
    """From one position of an axis to another; negative ones count from the end."""

    axis: int
    start: int
    stop: int | None


@dataclass(frozen=True)
class Fold:
    """Every cell of so many positions as channels, or back: `rearrange`."""

    factors: Window
    back: bool = False


@dataclass(frozen=True)
class ZeroPad:
    """Every stride-th position, with channels of zeros behind."""

    channels: int
    stride: Window


@dataclass(frozen=True)
class Pointwise:
    """What keeps every shape: `word` is relu, sigmoid, batchnorm, identity, dropout(0.1)."""

    word: str


@dataclass(frozen=True)
class Whole:
    """A pool over everything: `kind` is avg or max."""

    kind: str


@dataclass(frozen=True)
class Adaptive:
    """Pooling to a size."""

    size: Window


@dataclass(frozen=True)
class Head:
    """Flatten, and a linear layer if it has outputs."""

    out: int | None


@dataclass(frozen=True)
class Cut:
    """Equal parts along an axis (0 is the channels), each with a name."""

    axis: int
    names: tuple[str, ...]


# ---------------------------------------------------------------- what joins values


@dataclass(frozen=True)
class Merge:
    """`kind` is add, mul, concat, scale or offset; the axis is that of concat."""

    kind: str
    axis: int = 0


@dataclass(frozen=True)
class Like:
    """The first value at the spatial size of the second.

    `kind` is resize_like, which interpolates in a mode, or crop_like, which keeps the centre or the start.
    """

    kind: str
    mode: str = "nearest"


Op: TypeAlias = (
    Conv
    | Transposed
    | Pool
    | Resize
    | Shuffle
    | Pad
    | PadMultiple
    | Crop
    | Slice
    | Fold
    | ZeroPad
    | Pointwise
    | Whole
    | Adaptive
    | Head
    | Merge
    | Like
)

# ---------------------------------------------------------------- what holds steps


@dataclass(frozen=True)
class Body:
    """Steps, one behind the other."""

    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Call:
    """A block by name, several copies one behind the other."""

    block: str
    times: int = 1


@dataclass(frozen=True)
class Repeat:
    """Copies of a body that names nothing."""

    body: Body
    times: int


@dataclass(frozen=True)
class Residual:
    """A body and its shortcut.

    Attributes:
        policy: as written: `identity`, `projection`, `zero_pad`, or a body of its own.
        otherwise: the policy behind `else`, if any.
        carried: what the shortcut runs, spelled out; an empty body is the identity.
    """

    body: Body
    policy: str | Body
    otherwise: str | Body | None
    carried: Body


@dataclass(frozen=True)
class Arms:
    """Arms from one value, joined."""

    merge: Merge
    arms: tuple[Body, ...]


@dataclass(frozen=True)
class Gate:
    """The value, and what the body makes of it: `kind` is scale, a product, or offset, a sum."""

    body: Body
    kind: str = "scale"


@dataclass(frozen=True)
class Named:
    """A step whose value has a name: with `key` it is `name = step`, else `step as name`."""

    step: Step
    name: str
    key: bool = False


@dataclass(frozen=True)
class Layer:
    """A layer that is declared, and runs where it is applied."""

    name: str
    body: Body


@dataclass(frozen=True)
class Apply:
    """Runs a layer, with the weights that it has."""

    name: str


@dataclass(frozen=True)
class Back:
    """Goes on from named values, with an op that takes as many; without one, from a single value."""

    names: tuple[str, ...]
    op: Op | None = None


Step: TypeAlias = Op | Cut | Body | Call | Repeat | Residual | Arms | Gate | Named | Layer | Apply | Back

# ---------------------------------------------------------------- the net


@dataclass(frozen=True)
class Condition:
    """What is asked of a size: as a spec says it, and as Python does; both with `{v}` for the size."""

    axis: str
    text: str
    python: str

    def holds(self, value: int) -> bool:
        """Whether a size meets it."""
        return bool(eval(_compiled(self.python), {"v": value}))

    def __str__(self) -> str:
        return self.text.format(v=self.axis)


@cache
def _compiled(python: str) -> CodeType:
    return compile(python.format(v="v"), "<condition>", "eval")


LETTERS = "ABC"


@dataclass(frozen=True)
class Block:
    """A block, or a net inside the net.

    Attributes:
        channels: of the value that it takes.
        width: a channel count that it has as a parameter.
        as_net: it is a net, whose sizes are called by the `LETTERS`.
        where: what that net asks of them.
    """

    name: str
    body: Body
    channels: int
    width: int | None = None
    as_net: bool = False
    where: tuple[Condition, ...] = ()

    def admits(self, shape: tuple[int, ...]) -> bool:
        """Whether it takes a value of this shape."""
        return all(c.holds(shape[1 + LETTERS.index(c.axis)]) for c in self.where)


@dataclass(frozen=True)
class Input:
    """An input: `axes` holds the name of a size that varies, or a fixed size."""

    name: str
    channels: int
    axes: tuple[str | int, ...]

    def shape(self, sizes: dict[str, int]) -> tuple[int, ...]:
        """At these sizes."""
        return (self.channels, *(sizes[a] if isinstance(a, str) else a for a in self.axes))


@dataclass(frozen=True)
class Program:
    """A net.

    Attributes:
        where: what it asks of the input.
        training: steps that run in training only, whose last value is an output then.
    """

    seed: int
    inputs: tuple[Input, ...]
    blocks: tuple[Block, ...]
    body: Body
    where: tuple[Condition, ...] = ()
    training: Body | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        """The sizes that vary, each once, as they come."""
        return tuple(dict.fromkeys(a for i in self.inputs for a in i.axes if isinstance(a, str)))
