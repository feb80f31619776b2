"""Why a command ends early."""

from __future__ import annotations


class Usage(Exception):
    """The command was given wrongly; the text says how."""


class Failed(Exception):
    """The spec has errors, which have been shown. Its argument is what was found out, if anything was."""
