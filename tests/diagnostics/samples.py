"""Diagnostics, written by hand, that between them use all that the formats can show."""

from __future__ import annotations

from resdsl.diagnostics import Diagnostic, Edit, Fix, Label
from resdsl.diagnostics import codes as c
from resdsl.source import Source, Span


def at(source: Source, text: str, nth: int = 1) -> Span:
    """The span of the nth occurrence of a text."""
    start = -1
    for _ in range(nth):
        start = source.text.index(text, start + 1)
    return Span(source, start, start + len(text))


def label(source: Source, text: str, says: str = "", nth: int = 1) -> Label:
    return Label(at(source, text, nth), says)


SPEC = Source(
    "tiny.res",
    """edition 2026

block basic(width, stride = 1) {
  residual {
    conv1 = conv(width, 3x3, stride = stride); bn1 = batchnrom; relu
    conv2 = conv(width, 3x3); bn2 = batchnorm
  } shortcut: identity
  relu
}

net tiny {
  input image: [3, 32, 32]
  basic(8)
  basic(16, stride = 2)
}
""",
)
SECOND = Source("lib/blocks.res", "block unit(width) {\n  conv(width, 3x3); batchnorm\n}\n")
WIDE = Source("wide.res", "net n {\n\tinput 画像: [3, 32, 32]\n\tcafe\u0301 = conv(\t8, 3x3)\n}\n")
LONG = Source("long.res", "net n { " + "relu; " * 30 + "batchnrom; " + "relu; " * 30 + "}\n")

SHORTCUT = Diagnostic(
    c.SHORTCUT_MISMATCH,
    "identity shortcut joins tensors of different shape",
    label(SPEC, "identity", "carries 8x32x32, unchanged from the block input"),
    secondary=(
        label(SPEC, "stride = stride", "8x32x32 becomes 16x16x16 here"),
        label(SPEC, "basic(16, stride = 2)", "in this block"),
    ),
    notes=(
        "the arms differ\n"
        "           shortcut   main\n"
        "channels   8          16     x2\n"
        "height     32         16     /2",
    ),
    help=("or drop the stride",),
    fix=Fix("project the shortcut", (Edit(at(SPEC, "identity"), "identity else projection"),)),
)

MISSPELT = Diagnostic(
    c.UNKNOWN_NAME,
    "unknown name `batchnrom`",
    label(SPEC, "batchnrom", "neither an op nor a block in scope"),
    help=("did you mean `batchnorm`?",),
    fix=Fix("did you mean `batchnorm`?", (Edit(at(SPEC, "batchnrom"), "batchnorm"),), safe=True),
)

SAMPLES: dict[str, tuple[Diagnostic, ...]] = {
    "shortcut": (SHORTCUT,),
    "several": (
        SHORTCUT,
        MISSPELT,
        Diagnostic(c.UNUSED_LET, "`width` is never used", label(SPEC, "width", "")),
    ),
    "same_line": (
        Diagnostic(
            c.SHAPE_MISMATCH,
            "many things on one line",
            label(SPEC, "3x3", "the middle one"),
            secondary=(
                label(SPEC, "conv1", "the left one,\nin two lines"),
                label(SPEC, "width", "next to the middle", nth=2),
                label(SPEC, "relu", "the right one"),
                label(SPEC, "bn1 = batchnrom"),
            ),
        ),
    ),
    "overlap": (
        Diagnostic(
            c.SHAPE_MISMATCH,
            "labels inside each other",
            label(SPEC, "width", "the width", nth=2),
            secondary=(
                label(SPEC, "conv(width, 3x3, stride = stride)", "the call"),
                label(SPEC, "stride = stride", "one argument"),
            ),
        ),
    ),
    "lines": (
        Diagnostic(
            c.SHAPE_MISMATCH,
            "a label over several lines",
            Label(Span(SPEC, at(SPEC, "residual").start, at(SPEC, "identity").end), "this residual"),
            secondary=(Label(Span(SPEC, at(SPEC, "net").start, len(SPEC.text)), "this net"),),
        ),
    ),
    "files": (
        Diagnostic(
            c.SHAPE_MISMATCH,
            "the cause is in another file",
            label(SPEC, "basic(8)", "called here"),
            secondary=(label(SECOND, "batchnorm", "fails here"),),
            fix=Fix(
                "change both",
                (
                    Edit(at(SPEC, "basic(8)"), "unit(8)"),
                    Edit(at(SPEC, "basic(16"), "unit(16"),
                    Edit(at(SECOND, "batchnorm"), "groupnorm(4)"),
                ),
            ),
        ),
    ),
    "wide": (
        Diagnostic(
            c.UNUSED_VALUE,
            "`画像` has wide characters, `cafe\u0301` a combining one",
            label(WIDE, "8, 3x3", "behind tabs"),
            secondary=(label(WIDE, "画像", "四 columns"), label(WIDE, "cafe\u0301", "4 columns")),
        ),
    ),
    "long": (
        Diagnostic(
            c.UNKNOWN_NAME,
            "unknown name `batchnrom`",
            label(LONG, "batchnrom", "in the middle"),
            secondary=(label(LONG, "net", "cut off, far to the left"),),
            notes=("a fact " + "that goes on and on " * 8,),
            fix=Fix("replace it", (Edit(at(LONG, "batchnrom"), "batchnorm"),), safe=True),
        ),
        Diagnostic(c.SYNTAX, "expected `}`", label(LONG, "}", "at the end of the line")),
    ),
    "insert": (
        Diagnostic(
            c.SYNTAX,
            "expected `}` before the end of the file",
            Label(Span(SPEC, len(SPEC.text), len(SPEC.text)), "expected `}`"),
            secondary=(label(SPEC, "{", "opened here"),),
            fix=Fix("close it", (Edit(Span(SPEC, len(SPEC.text), len(SPEC.text)), "}\n"),), True),
        ),
        Diagnostic(
            c.UNUSED_VALUE,
            "a whole line goes",
            label(SPEC, "basic(8)"),
            fix=Fix("delete it", (Edit(at(SPEC, "  basic(8)\n"), ""),), safe=True),
        ),
    ),
    "no_text": (
        Diagnostic(
            c.UNREADABLE,
            "the file is not UTF-8",
            Label(Span(Source("bytes.res", ""), 0, 0), "byte 0xff at offset 3"),
            help=("save it as UTF-8",),
        ),
    ),
    "hostile": (
        Diagnostic(
            c.SYNTAX,
            "characters that steer a terminal: \x1b[31m, 100%, a, b: c\r\nsecond line",
            label(Source("a,b:c%.res", "\x1b[31m\u202ered"), "red"),
        ),
    ),
}
