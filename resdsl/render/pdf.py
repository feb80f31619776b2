"""PDF from SVG with cairosvg, and without the time in it."""

from __future__ import annotations

import re


def has_cairo() -> bool:
    """Whether cairosvg and the cairo library are installed."""
    try:
        import cairosvg  # noqa: F401
    except (ImportError, OSError):  # the package without the library raises OSError
        return False
    return True


def svg_to_pdf(svg: bytes) -> bytes:
    """An SVG as PDF, with text as text."""
    from cairosvg import svg2pdf

    data: bytes = svg2pdf(bytestring=svg)
    return data


def undated(pdf: bytes) -> bytes:
    """A PDF that does not say when it was made: the same picture is the same file."""
    return re.sub(rb"(/CreationDate \(D:)(\d+)", lambda m: m[1] + b"20000101000000"[: len(m[2])], pdf)
