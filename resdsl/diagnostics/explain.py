"""The page of a code: why it is a mistake, an example, and what to write instead."""

from __future__ import annotations

import re
from dataclasses import dataclass

from resdsl.diagnostics.codes import CODES


@dataclass(frozen=True, slots=True)
class Page:
    """A page whose examples are specs: `bad` raises exactly this code, `good` passes."""

    title: str
    summary: str
    why: str
    bad: str
    good: str


def page(slug: str) -> str | None:
    """The page of a code as Markdown; None when there is no such code."""
    from importlib.resources import files

    if slug not in CODES:
        return None
    return (files("resdsl.diagnostics") / "explain" / f"{slug}.md").read_text("utf-8")


_PAGE = re.compile(
    r"# (?P<title>\S+)\n\n(?P<summary>.+)\n\n"
    r"## Why\n\n(?P<why>.+?)\n\n"
    r"## Example\n.*?```res\n(?P<bad>.*?)```\n.*?"
    r"## Instead\n.*?```res\n(?P<good>.*?)```",
    re.DOTALL,
)


def parse_page(text: str) -> Page | None:
    """The parts of a page; None when no single spec can show the mistake."""
    found = _PAGE.match(text)
    return Page(**found.groupdict()) if found else None
