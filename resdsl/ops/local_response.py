"""Normalisation over neighbouring channels."""

from __future__ import annotations

from resdsl.ops.base import New, Op, Text, arg, axes_of, call, eg, keywords, op
from resdsl.sizes import Shape


@op("local_response_norm", category="norm")
class LocalResponseNorm(Op):
    """Divide by the energy of neighbouring channels, as AlexNet does.

    Shape: (C, *) -> (C, *), with at least one spatial axis.
    Matches torch.nn.LocalResponseNorm.
    """

    functional = True
    examples = (
        eg("local_response_norm(5)", (96, 27, 27)),
        eg("local_response_norm(5, alpha = 0.001, k = 2)", (8, 10)),
    )
    size: int = arg("int", "channels in the window", at_least=1)
    alpha: float = arg("float", "factor of the energy", default=1e-4)
    beta: float = arg("float", "exponent", default=0.75)
    k: float = arg("float", "added to the energy", default=1.0)

    def _options(self) -> tuple[tuple[str, float], ...]:
        return keywords(alpha=(self.alpha, 1e-4), beta=(self.beta, 0.75), k=(self.k, 1.0))

    def infer(self, x: Shape) -> Shape:
        """The input's shape."""
        axes_of(x, 1, 9)
        return x

    def module(self, x: Shape) -> New:
        """`nn.LocalResponseNorm(5)`."""
        return New("nn.LocalResponseNorm", (self.size,), self._options())

    def text(self, x: Shape) -> Text:
        """`F.local_response_norm(x, 5)`."""
        return call("F.local_response_norm", self.size, kwargs=self._options())

    def label(self) -> str:
        """`LRN`."""
        return "LRN"
