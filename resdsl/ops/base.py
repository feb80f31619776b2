"""What an op is: a frozen dataclass that knows its arguments, shapes, counts and torch text.

An op is what torch has as one call. It knows nothing of spans, the syntax or diagnostics: a rule
that does not accept its input raises `Reject`, naming the argument or input to blame, and the pass
that called it finds the place. Shapes leave the batch out: an image is `(3, H, W)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, dataclass, field, fields
from fractions import Fraction
from typing import Any, ClassVar, Literal, TypeVar, dataclass_transform

from resdsl.sizes import Dim, Shape

Window = int | tuple[int, ...]
"""A size along the spatial axes; an int means the same on each."""


class Reject(Exception):
    """An op does not accept what it was given.

    Attributes:
        message: what is wrong, a lowercase clause; a function where most are never read.
        blame: name of the argument, or index of the input, that is at fault; None is the call.
        help: how to repair it.
        code: slug of the diagnostic, `bad-shape` unless the cause has a page of its own.
    """

    def __init__(
        self,
        message: str | Callable[[], str],
        blame: str | int | None = None,
        help: str | None = None,
        code: str = "bad-shape",
    ) -> None:
        super().__init__(message)
        self._message, self.blame, self.help, self.code = message, blame, help, code

    @property
    def message(self) -> str:
        """What is wrong."""
        return self._message if isinstance(self._message, str) else self._message()

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Need:
    """What must hold of the sizes an op takes: `left == right`, or `left >= right`.

    Attributes:
        reject: what to say when it does not hold.
        inputs: the inputs that the two sizes belong to.
        axis: their axis.
        stretches: a `right` of 1 will do as well.
    """

    left: Dim
    relation: Literal["==", ">="]
    right: Dim
    reject: Reject
    inputs: tuple[int, ...] = (0,)
    axis: int = 0
    stretches: bool = False

    @property
    def fails(self) -> bool:
        """Whether it does not hold of sizes that do not vary."""
        if not isinstance(self.left, int) or not isinstance(self.right, int):
            return False
        holds = self.left == self.right if self.relation == "==" else self.left >= self.right
        return not (holds or (self.stretches and self.right == 1))


# ---------------------------------------------------------------- arguments

Kind = Literal["int", "float", "bool", "str", "size", "bias", "init", "axes", "mapping", "op", "value"]


@dataclass(frozen=True, slots=True)
class Arg:
    """What an argument takes.

    Kinds: `int`, `float` (an int will do), `bool`, `str`; `size` is a `Window` (`3x3`, or an int);
    `bias` is true, false or an initialiser; `init` an initialiser or none; `axes` a list of ints;
    `mapping` is `[h, w] -> [h * w]`, and its names are arguments too: they become the field `sizes`;
    `op` is another op with its arguments; `value` is anything.
    """

    kind: Kind
    doc: str
    at_least: float | None = None
    at_most: float | None = None
    choices: tuple[str, ...] = ()


def arg(
    kind: Kind,
    doc: str,
    default: Any = MISSING,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """Declare an argument. Without a default it is required, and may be given by position."""
    return field(default=default, metadata={"arg": Arg(kind, doc, at_least, at_most, choices)})


@dataclass(frozen=True, slots=True)
class Init:
    """An initialiser: a call of `torch.nn.init` without its tensor.

    `Init("normal_", (("std", 0.01),))` is `nn.init.normal_(tensor, std=0.01)`: the function keeps its
    underscore, and the keywords are torch's. A table, which has `elements`, is no function of torch but
    one of `helpers`, and makes a tensor.
    """

    function: str
    arguments: tuple[tuple[str, Any], ...] = ()
    elements: int | None = None


# ---------------------------------------------------------------- torch text, as data


@dataclass(frozen=True, slots=True)
class New:
    """A module to create: `nn.Conv2d(3, 64, 7, stride=2, bias=False)`. Values are Python literals."""

    target: str
    args: tuple[Any, ...] = ()
    kwargs: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """An expression: `Text("F.max_pool2d({0}, {size}, stride={stride})", (("size", 3), ("stride", 2)))`.

    `{0}`, `{1}` are the inputs, `{*}` all of them with commas, `{name}` a literal, `{self}` the module.
    The inputs are names (or other atoms), and the result may be any expression: it binds weakly.
    `self.training` may stand in the template.
    """

    template: str
    literals: tuple[tuple[str, Any], ...] = ()


# ---------------------------------------------------------------- the op


class Op:
    """Base of all ops. Subclasses are declared with `@op(...)` and override what differs.

    The methods take the shapes of the inputs. Here they take anything, so that an op can name its own:
    `infer(self, x: Shape)`.

    Class attributes:
        name: the word in a spec.
        arity: number of inputs; None is any number from 1.
        body: what a body in braces means: None (takes none), "steps" or "arms".
        category: conv, linear, norm, activation, pool, merge, shape, regularisation: its colour in
            pictures.
        elementwise: inputs meet element by element, so that torch stretches a batch of 1.
        one_batch: inputs must be of one batch; one of 1 is stretched first.
        functional: `forward` needs no module: `text` does not use `{self}`. A module is then only made
            inside an `nn.Sequential`.
        imports: lines of import that the text or the module needs beside torch's, of an op outside resdsl:
            `("import mypkg",)`.
        grows: the right side of its mapping may have axes that the left has not.
        joins: its mapping has a list for each value on the left, and the right may leave axes out.
        examples: calls with their input shapes, used by the documentation and by the tests.
    """

    name: ClassVar[str]
    arity: ClassVar[int | None]
    body: ClassVar[Literal["steps", "arms"] | None]
    category: ClassVar[str]
    elementwise: ClassVar[bool] = False
    one_batch: ClassVar[bool] = False
    functional: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]] = ()
    imports: ClassVar[tuple[str, ...]] = ()
    grows: ClassVar[bool] = False
    joins: ClassVar[bool] = False

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"

    def needs(self, *xs: Any, **_: Any) -> Iterator[Need]:
        """What must hold of the sizes of the inputs; `infer` takes it for granted. Raises `Reject`."""
        return iter(())

    def infer(self, *xs: Any, **_: Any) -> Shape:
        """Shape of the output for input shapes; raises `Reject`. Dimensions may be symbolic."""
        raise NotImplementedError

    def infer_all(self, *xs: Any, **_: Any) -> tuple[Shape, ...]:
        """Shapes of all outputs, for ops with several."""
        return (self.infer(*xs),)

    def shapes(self, *xs: Any) -> tuple[Shape, ...]:
        """Shapes of all outputs, if the needs hold; those that vary are taken to hold. Raises `Reject`."""
        for need in self.needs(*xs):
            if need.fails:
                raise need.reject
        return self.infer_all(*xs)

    def params(self, *xs: Any, **_: Any) -> int:
        """Number of trained values."""
        return 0

    def macs(self, *xs: Any, **_: Any) -> int:
        """Multiply-accumulates for one sample, counted as PyTorch's FlopCounterMode does (FLOPs / 2).

        The shapes are ints here.
        """
        return 0

    def window(self, *xs: Any, **_: Any) -> tuple[tuple[int, int | Fraction], ...] | None:
        """What an output sees: (extent, stride) along each spatial axis, a fraction when upsampling.

        None sees the whole input; () keeps each position.
        """
        return ()

    def module(self, *xs: Any, **_: Any) -> New | None:
        """The module `__init__` creates; None when torch has none."""
        return None

    def chains(self, *xs: Any) -> bool:
        """Whether its module may stand in an `nn.Sequential`: it takes one value and gives the result."""
        return self.functional or self.text(*xs).template == "{self}({0})"

    @property
    def layer(self) -> Op:
        """The op whose module it runs: itself, but for an op that runs another."""
        return self

    def inits(self) -> tuple[tuple[str, Init], ...]:
        """Tensors of the module with an initialiser of their own: `(("weight", Init(...)),)`."""
        return ()

    def text(self, *xs: Any, **_: Any) -> Text:
        """The expression `forward` runs. By default calls the module."""
        return Text("{self}({0})")

    def label(self) -> str:
        """A few words for tables and pictures: `7×7 conv, 64, /2`."""
        return self.name


@dataclass(frozen=True, slots=True)
class Example:
    """A call as written in a spec, and the input shapes it is for."""

    call: str
    inputs: tuple[Shape, ...]


def eg(call: str, *inputs: Shape) -> Example:
    """An example of an op: `eg("conv(64, 3x3)", (3, 32, 32))`."""
    return Example(call, inputs)


OPS: dict[str, type[Op]] = {}
OUTSIDE: dict[str, dict[str, type[Op]]] = {}
"""Ops that other packages declare, by the module they stand in: seen by specs that `use` them."""
T = TypeVar("T", bound=Op)


@dataclass_transform(frozen_default=True, field_specifiers=(arg,))
def op(
    name: str,
    *,
    category: str,
    arity: int | None = 1,
    body: Literal["steps", "arms"] | None = None,
) -> Callable[[type[T]], type[T]]:
    """Make a class a frozen dataclass and register it under `name`."""

    def register(cls: type[T]) -> type[T]:
        home = OPS if cls.__module__.startswith("resdsl.ops.") else OUTSIDE.setdefault(cls.__module__, {})
        assert name not in home, f"duplicate op {name}"
        cls.name, cls.category, cls.arity, cls.body = name, category, arity, body
        made = dataclass(frozen=True, eq=False, repr=False, match_args=False)(cls)  # `Op` has them once
        home[name] = made
        return made

    return register


def arguments(cls: type[Op]) -> dict[str, tuple[Arg, Field[Any]]]:
    """The arguments an op declares, in order."""
    return {f.name: (f.metadata["arg"], f) for f in fields(cls) if "arg" in f.metadata}  # type: ignore[arg-type]


def required(cls: type[Op]) -> tuple[str, ...]:
    """Names of the arguments without a default: these may be given by position."""
    return tuple(name for name, (_, f) in arguments(cls).items() if f.default is MISSING)


def inits(**tensors: Any) -> tuple[tuple[str, Init], ...]:
    """The tensors that were given an initialiser."""
    return tuple((name, init) for name, init in tensors.items() if isinstance(init, Init))


# ---------------------------------------------------------------- helpers for writing torch text


def keywords(**given: tuple[Any, Any]) -> tuple[tuple[str, Any], ...]:
    """Keyword arguments as `(name, value)`, leaving out those equal to torch's default.

    `keywords(stride=((2, 2), 1))` is `(("stride", 2),)`: equal sizes on all axes print as one int.
    """
    kept = []
    for name, (value, default) in given.items():
        short = one(value)
        if short != default or isinstance(short, bool) != isinstance(default, bool):
            kept.append((name, short))
    return tuple(kept)


def call(function: str, *args: Any, kwargs: tuple[tuple[str, Any], ...] = ()) -> Text:
    """A function of the input and literals: `call("F.max_pool2d", 3, kwargs=(("stride", 2),))`."""
    positional = tuple((f"a{i}", value) for i, value in enumerate(args))
    parts = ["{0}", *(f"{{{n}}}" for n, _ in positional), *(f"{n}={{{n}}}" for n, _ in kwargs)]
    return Text(f"{function}({', '.join(parts)})", positional + kwargs)


def one(value: Any) -> Any:
    """`(3, 3)` as 3: torch takes an int for equal sizes."""
    if isinstance(value, tuple) and value and all(v == value[0] for v in value):
        return value[0]
    return value


# ---------------------------------------------------------------- helpers for shape rules


def axes_of(shape: Shape, least: int = 1, most: int = 3) -> tuple[Dim, ...]:
    """The spatial part of `(C, *spatial)`; rejects other ranks."""
    rank = len(shape) - 1
    if not least <= rank <= most:
        raise Reject(f"needs an input of {least} to {most} spatial axes, got `{show(shape)}`", 0)
    return shape[1:]


def spread(window: Window, rank: int, blame: str) -> tuple[int, ...]:
    """One int for each axis."""
    if isinstance(window, int):
        return (window,) * rank
    if len(window) != rank:
        help = f"write `{'x'.join([str(window[0])] * rank)}`" if rank > 1 and len({*window}) == 1 else None
        raise Reject(f"`{blame}` has {len(window)} sizes, but the input has {rank} spatial axes", blame, help)
    return window


def fixed(dim: Dim, what: str, help: str | None = None) -> int:
    """An int, or `Reject` for a dimension that varies with the input size."""
    if not isinstance(dim, int):
        raise Reject(f"{what} must be a fixed number, but is `{dim}`", 0, help, code="varying-size")
    return dim


def axis_at(axis: int, shape: Shape, blame: str = "axis") -> int:
    """An axis counted from the front; rejects one that the shape does not have."""
    if not -len(shape) <= axis < len(shape):
        raise Reject(f"`{show(shape)}` has no axis {axis}", blame, "axes count from 0, without the batch")
    return axis % len(shape)


def picked(axes: tuple[int, ...] | None, shape: Shape) -> tuple[int, ...]:
    """The axes that are given, counted from the front; by default the spatial ones. Rejects a second time."""
    if axes is None:
        axes_of(shape)
        return tuple(range(1, len(shape)))
    found = tuple(axis_at(axis, shape, "axes") for axis in axes)
    if len(set(found)) < len(found):
        raise Reject("an axis is given twice", "axes")
    return found


def dim(axis: int) -> int:
    """Torch's number for an axis, where the batch is 0; negative ones stay."""
    return axis + 1 if axis >= 0 else axis


def show(shape: Shape) -> str:
    """`64x56x56`; symbolic dimensions, or one alone, as `[64, ceil(H / 4), ceil(W / 4)]`."""
    if len(shape) != 1 and all(isinstance(d, int) for d in shape):
        return "x".join(map(str, shape)) or "a scalar"
    return "[" + ", ".join(map(str, shape)) + "]"


def by(window: Window) -> str:
    """A window in a label: `(3, 3)` as `3×3`, an int as it is."""
    return "×".join(map(str, window)) if isinstance(window, tuple) else str(window)


def step(stride: Window) -> str:
    """A stride in a label: `, /2`; nothing for 1."""
    short = one(stride)
    return "" if short == 1 else f", /{by(short)}"
