"""Why a command ends early."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resdsl.pipeline import Checked


class Usage(Exception):
    """The command was given wrongly; the text says how. Exit code 2."""


class Failed(Exception):
    """What the command was given has errors, which have been shown.

    Attributes:
        code: the exit code.
        checked: what was found out, if anything was.
    """

    def __init__(self, code: int, checked: Checked | None = None) -> None:
        super().__init__(code)
        self.code, self.checked = code, checked
