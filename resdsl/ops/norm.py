"""Normalisation."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from resdsl.ops.base import Init, Need, New, Op, Reject, arg, axes_of, eg, fixed, inits, keywords, op, show
from resdsl.ops.geometry import divides
from resdsl.sizes import Shape


class Norm(Op):
    """What the norms share: the shape is kept, and an affine one trains a weight and a bias."""

    affine: bool
    weight: Init | None
    bias: Init | None

    def _features(self, x: Shape) -> tuple[int, ...]:
        """The shape of the trained weight."""
        if not x:
            raise Reject("needs an input with channels, got a scalar", 0)
        return (fixed(x[0], "the number of channels"),)

    def infer(self, x: Shape) -> Shape:
        """The input's shape."""
        self._features(x)
        for name, init in (("weight", self.weight), ("bias", self.bias)):
            if init is not None and not self.affine:
                raise Reject(f"there is no `{name}` with `affine = false`", name)
        return x

    def params(self, x: Shape) -> int:
        """A weight and a bias per feature."""
        return 2 * prod(self._features(x)) if self.affine else 0

    def inits(self) -> tuple[tuple[str, Init], ...]:
        """Those given for `weight` and `bias`."""
        return inits(weight=self.weight, bias=self.bias)


@op("batchnorm", category="norm")
class BatchNorm(Norm):
    """Normalise each channel over the batch and the positions.

    Shape: (C, *) -> (C, *).
    Params: 2C if affine, else 0.
    Matches torch.nn.BatchNorm1d, torch.nn.BatchNorm2d, torch.nn.BatchNorm3d.
    """

    examples = (
        eg("batchnorm", (64, 56, 56)),
        eg("batchnorm(eps = 0.001, momentum = 0.01)", (16, 10)),
        eg("batchnorm(affine = false)", (16,)),
        eg("batchnorm(weight = zeros)", (8, 4, 4, 4)),
    )
    eps: float = arg("float", "added to the variance", default=1e-5, at_least=0)
    momentum: float = arg("float", "share of a batch in the running mean", default=0.1, at_least=0, at_most=1)
    affine: bool = arg("bool", "train a weight and a bias per channel", default=True)
    weight: Init | None = arg("init", "initialiser of the weight; by default ones", default=None)
    bias: Init | None = arg("init", "initialiser of the bias; by default zeros", default=None)

    def infer(self, x: Shape) -> Shape:
        """The input's shape; up to 3 spatial axes."""
        axes_of(x, 0)
        if self.eps <= 0:
            raise Reject("`eps` must be positive: a channel may be constant", "eps")
        return super().infer(x)

    def module(self, x: Shape) -> New:
        """`nn.BatchNorm2d(64)`."""
        options = keywords(eps=(self.eps, 1e-5), momentum=(self.momentum, 0.1), affine=(self.affine, True))
        return New(f"nn.BatchNorm{max(len(x) - 1, 1)}d", self._features(x), options)

    def label(self) -> str:
        """`BN`."""
        return "BN"


@op("layernorm", category="norm")
class LayerNorm(Norm):
    """Normalise each position over the last axes.

    Shape: (*, F) -> (*, F).
    Params: 2F if affine (F the product of the last axes), else 0.
    Matches torch.nn.LayerNorm.
    """

    examples = (
        eg("layernorm", (197, 768)),
        eg("layernorm(eps = 1e-6)", (7, 7, 96)),
        eg("layernorm(axes = 3, affine = false)", (8, 4, 4)),
    )
    axes: int = arg("int", "number of last axes normalised together", default=1, at_least=1)
    eps: float = arg("float", "added to the variance", default=1e-5, at_least=0)
    affine: bool = arg("bool", "train a weight and a bias per feature", default=True)
    weight: Init | None = arg("init", "initialiser of the weight; by default ones", default=None)
    bias: Init | None = arg("init", "initialiser of the bias; by default zeros", default=None)

    def _features(self, x: Shape) -> tuple[int, ...]:
        if len(x) < self.axes:
            raise Reject(f"normalises {self.axes} axes, got `{show(x)}`", "axes")
        return tuple(fixed(d, "a normalised size") for d in x[-self.axes :])

    def module(self, x: Shape) -> New:
        """`nn.LayerNorm(768)`."""
        features = self._features(x)
        options = keywords(eps=(self.eps, 1e-5), elementwise_affine=(self.affine, True))
        return New("nn.LayerNorm", (features[0] if self.axes == 1 else features,), options)

    def label(self) -> str:
        """`LN`."""
        return "LN"


@op("groupnorm", category="norm")
class GroupNorm(Norm):
    """Normalise each group of channels over the positions.

    Shape: (C, *) -> (C, *).
    Params: 2C if affine, else 0.
    Matches torch.nn.GroupNorm.
    """

    examples = (
        eg("groupnorm(32)", (64, 56, 56)),
        eg("groupnorm(1, eps = 1e-6, affine = false)", (16, 10)),
    )
    groups: int = arg("int", "number of groups", at_least=1)
    eps: float = arg("float", "added to the variance", default=1e-5, at_least=0)
    affine: bool = arg("bool", "train a weight and a bias per channel", default=True)
    weight: Init | None = arg("init", "initialiser of the weight; by default ones", default=None)
    bias: Init | None = arg("init", "initialiser of the bias; by default zeros", default=None)

    def _features(self, x: Shape) -> tuple[int, ...]:
        (channels,) = super()._features(x)
        divides(channels, self.groups, "channels")
        return (channels,)

    def needs(self, x: Shape) -> Iterator[Need]:
        """A group has more than one value."""
        if self._features(x) == (self.groups,):
            alone = f"each of the {self.groups} groups of `{show(x)}` has only one value"
            yield from _several_positions(x, Reject(alone, "groups"))

    def module(self, x: Shape) -> New:
        """`nn.GroupNorm(32, 64)`."""
        options = keywords(eps=(self.eps, 1e-5), affine=(self.affine, True))
        return New("nn.GroupNorm", (self.groups, *self._features(x)), options)

    def label(self) -> str:
        """`GN 32`."""
        return f"GN {self.groups}"


@op("instancenorm", category="norm")
class InstanceNorm(Norm):
    """Normalise each channel of each sample over the positions.

    Shape: (C, *) -> (C, *), with more than one position.
    Params: 2C if affine, else 0.
    Matches torch.nn.InstanceNorm1d, torch.nn.InstanceNorm2d, torch.nn.InstanceNorm3d.
    """

    examples = (
        eg("instancenorm", (64, 56, 56)),
        eg("instancenorm(affine = true, bias = constant(1))", (16, 10)),
    )
    eps: float = arg("float", "added to the variance", default=1e-5, at_least=0)
    affine: bool = arg("bool", "train a weight and a bias per channel", default=False)
    weight: Init | None = arg("init", "initialiser of the weight; by default ones", default=None)
    bias: Init | None = arg("init", "initialiser of the bias; by default zeros", default=None)

    def needs(self, x: Shape) -> Iterator[Need]:
        """There are several positions."""
        axes_of(x)
        alone = f"has only one position to normalise over in `{show(x)}`"
        return _several_positions(x, Reject(alone, 0))

    def infer(self, x: Shape) -> Shape:
        """The input's shape; 1 to 3 spatial axes."""
        axes_of(x)
        return super().infer(x)

    def module(self, x: Shape) -> New:
        """`nn.InstanceNorm2d(64)`."""
        options = keywords(eps=(self.eps, 1e-5), affine=(self.affine, False))
        return New(f"nn.InstanceNorm{len(x) - 1}d", self._features(x), options)

    def label(self) -> str:
        """`IN`."""
        return "IN"


def _several_positions(x: Shape, reject: Reject) -> Iterator[Need]:
    """One axis is longer than 1; where several may be, as those of an image, that is taken to hold."""
    longer = {d: axis for axis, d in enumerate(x) if axis and d != 1} or {1: 0}
    if len(longer) == 1:
        ((size, axis),) = longer.items()
        yield Need(size, ">=", 2, reject, axis=axis)
