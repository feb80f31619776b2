"""Running Graphviz: `graphviz-pure` from PyPI, or the system's `dot`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

RENDERERS = ("auto", "graphviz-pure", "dot")
FAMILIES = "Arial,DejaVu Sans Condensed"
"""What `dot` writes letters in: fontconfig has fonts as wide as Arial for it, or else this one, which is nearly."""


class NoRenderer(Exception):
    """There is no program to draw with; the text says what to do."""


def render(text: str, engine: str, format: str, name: str, renderer: str = "auto") -> bytes:
    """A picture of DOT text as `svg`, `png` or `pdf`; `name` is the net's, for messages.

    Raises:
        NoRenderer: what is needed is not installed, or failed; the text says which.
    """
    program = find_renderer(format, name, renderer, text)
    if format != "svg" and program.name == "dot":
        text = text.replace('fontname="Arial"', f'fontname="{FAMILIES}"')
    try:
        from graphviz import Source
        from graphviz.backend import dot_command
    except ImportError:
        raise NoRenderer(_missing(name)) from None
    before, dot_command.DOT_BINARY = dot_command.DOT_BINARY, program
    try:
        options = {"neato_no_op": 2} if engine == "neato" else {}
        data: bytes = Source(text, engine=engine).pipe(format=format, quiet=True, **options)
    except (subprocess.CalledProcessError, OSError) as error:
        reason = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip() or str(error)
        raise NoRenderer(
            f"`{program.name}` failed: {reason.splitlines()[-1]}; try `-o {name}.dot` or another renderer"
        ) from None
    finally:
        dot_command.DOT_BINARY = before
    return data


def find_renderer(format: str, name: str = "net", renderer: str = "auto", text: str = "") -> Path:
    """The program to draw with.

    `graphviz-pure` comes first, since it brings its font and so draws the same everywhere; the system's `dot`
    writes PDF, and PNG with letters that font lacks.
    """
    # Beside Python first: what an environment holds is often not on the PATH.
    pure = shutil.which("graphviz-pure", path=str(Path(sys.executable).parent))
    pure = pure or shutil.which("graphviz-pure")
    system = shutil.which("dot")
    first = {"graphviz-pure": [pure], "dot": [system]}.get(renderer)
    if first is None:
        first = [system, pure] if format == "png" and foreign(text) else [pure, system]
    found = next((program for program in first if program and (format, program) != ("pdf", pure)), None)
    if found is None and format == "pdf":
        raise NoRenderer(f"PDF needs `pip install resdsl[pdf]` or the system's Graphviz; use `-o {name}.svg`")
    if found is None:
        raise NoRenderer(_missing(name) if renderer == "auto" else f"`{renderer}` is not installed")
    return Path(found)


def foreign(text: str) -> str:
    """The letters the font of `graphviz-pure` has no glyphs for: beyond Latin, Greek, Cyrillic and Hebrew."""
    found = re.findall(r"[^\t\n\r -\u052f\u0590-\u05ff\u1e00-\u206f\u20a0-\u20bf\u2190-\u2195\u2212]", text)
    return "".join(sorted(set(found)))


def _missing(name: str) -> str:
    return (
        f"no Graphviz found: `pip install resdsl[draw]` (no system packages needed), or use `-o {name}.dot`"
    )
