"""What one can ask of a picture."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Literal

from resdsl.diagnostics.suggest import did_you_mean

SHOWN = ("shapes", "params", "macs", "names")
"""What `show` may name."""
LISTED = 12


@dataclass(frozen=True)
class Options:
    """What a picture is asked to show; None leaves it to the view.

    Attributes:
        fold: how many copies of a repeat are drawn before the others are one card; `none` draws all.
        wrap: in how many columns.
        depth: how deep blocks are opened; 0 opens none.
        show: what is written, of `SHOWN`.
        lr: from left to right.
    """

    fold: int | Literal["none"] | None = None
    wrap: int | None = None
    depth: int | None = None
    show: tuple[str, ...] | None = None
    lr: bool | None = None

    def shows(self, what: str, otherwise: bool = True) -> bool:
        """Whether something is written: as asked, or as the view would by itself."""
        return otherwise if self.show is None else what in self.show

    def check(self, view: str, known: Collection[str], views: Mapping[str, Collection[str]] = {}) -> None:
        """Raise ValueError for an option that a view does not know, or that is no such number or word.

        Args:
            view: the view that is asked for.
            known: the options it knows.
            views: those of every view, to name the ones that know what this does not.
        """
        for field in fields(self):
            if getattr(self, field.name) is not None and field.name not in known:
                takes = f"it takes {', '.join(f'`{k}`' for k in known)}" if known else "it takes none"
                others = [f"`{other}`" for other, options in views.items() if field.name in options]
                do = f" ({' and '.join(others)} {'do' if others[1:] else 'does'})" if others else ""
                raise ValueError(f"the view `{view}` does not take `{field.name}`{do}; {takes}")
        for name, least in (("fold", 1), ("wrap", 1), ("depth", 0)):
            value = getattr(self, name)
            if value is None or (name == "fold" and value == "none"):
                continue
            if type(value) is not int or value < least:
                also = " or `none`" if name == "fold" else ""
                raise ValueError(f"`{name}` is a number from {least}{also}, not `{value}`")
        for word in self.show or ():
            if word not in SHOWN:
                raise ValueError(unknown("word in `show`", word, SHOWN))


def unknown(what: str, word: str, known: Collection[str]) -> str:
    """A message about a word that is none of the known."""
    guess = did_you_mean(word, known)
    listed = ", ".join(list(known)[:LISTED]) + (", ..." if len(known) > LISTED else "")
    return f"unknown {what} `{word}`: " + (f"{guess} ({listed})" if guess else f"there are {listed}")
