"""PDF from SVG with cairosvg, and without the time in it."""

from __future__ import annotations

import re
from html import unescape

MEASURED = re.compile(r'<text([^>]*) textLength="([^"]*)" lengthAdjust="\w*">([^<]*)</text>')


def has_cairo() -> bool:
    """Whether cairosvg and the cairo library are installed."""
    try:
        import cairosvg  # noqa: F401
    except (ImportError, OSError):  # the package without the library raises OSError
        return False
    return True


def svg_to_pdf(svg: str) -> bytes:
    """An SVG as PDF, with text as text that is as wide as its `textLength`, which cairosvg itself does not read."""
    from cairosvg import svg2pdf
    from cairosvg.surface import cairo

    context = cairo.Context(cairo.ImageSurface(cairo.FORMAT_A8, 1, 1))

    def fitted(text: re.Match[str]) -> str:
        attributes, wanted, said = text.groups()
        x, size = (float(re.findall(rf' {key}="([^"]*)"', attributes)[0]) for key in ("x", "font-size"))
        bold = 'font-weight="bold"' in attributes
        context.select_font_face("Arial", weight=cairo.FONT_WEIGHT_BOLD if bold else cairo.FONT_WEIGHT_NORMAL)
        context.set_font_size(size)
        natural = context.text_extents(unescape(said))[4]
        scale = float(wanted) / natural if natural else 1.0
        return (
            f'<text{attributes} transform="matrix({scale:.4f} 0 0 1 {x * (1 - scale):.2f} 0)">{said}</text>'
        )

    data: bytes = svg2pdf(bytestring=MEASURED.sub(fitted, svg).encode())
    return data


def undated(pdf: bytes) -> bytes:
    """A PDF that does not say when it was made: the same picture is the same file."""
    return re.sub(rb"(/CreationDate \(D:)(\d+)", lambda m: m[1] + b"20000101000000"[: len(m[2])], pdf)
