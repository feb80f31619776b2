"""Every diagnostic code, one line each. Each has a page `explain/<slug>.md`, which is tested."""

from __future__ import annotations

from resdsl.diagnostics.model import Code, Severity

CODES: dict[str, Code] = {}


def _error(slug: str, summary: str) -> Code:
    CODES[slug] = Code(slug, Severity.ERROR, summary)
    return CODES[slug]


def _warning(slug: str, summary: str) -> Code:
    CODES[slug] = Code(slug, Severity.WARNING, summary)
    return CODES[slug]


# files and syntax
UNREADABLE = _error("unreadable", "the file cannot be read as a spec")
EMPTY_FILE = _error("empty-file", "the file declares nothing")
SYNTAX = _error("syntax", "the text does not follow the grammar")
TOO_DEEP = _error("too-deep", "the text is nested too deeply")
EDITION = _error("edition", "the edition is not known")

# files that use others
IMPORT_NOT_FOUND = _error("import-not-found", "a used file or one of its names does not exist")
IMPORT_OUTSIDE = _error("import-outside", "a used file lies outside the folder of the spec")
IMPORT_CYCLE = _error("import-cycle", "files use each other in a circle")

# names
UNKNOWN_NAME = _error("unknown-name", "a name is not defined here")
UNKNOWN_VALUE = _error("unknown-value", "no value or layer has this name")
UNKNOWN_ARGUMENT = _error("unknown-argument", "an op, block or net has no such argument")
DUPLICATE_NAME = _error("duplicate-name", "a name is defined twice")
RESERVED_NAME = _error("reserved-name", "a word of the language cannot be a name")
RECURSIVE_BLOCK = _error("recursive-block", "blocks use each other in a circle")
UNUSED_PARAMETER = _error("unused-parameter", "a parameter has no effect")
UNUSED_LET = _warning("unused-let", "a `let` is never used")
UNUSED_IMPORT = _warning("unused-import", "a used name is never needed")
UNUSED_VALUE = _warning("unused-value", "a value is made and never used")

# arguments and values
MISSING_ARGUMENT = _error("missing-argument", "an argument without a default is not given")
BAD_ARGUMENT = _error("bad-argument", "an argument has the wrong type or range, or is given twice")
POSITIONAL = _error("positional", "an argument that has a default must be given by name")
BAD_VALUE = _error("bad-value", "an expression cannot be computed")
BAD_SCHEDULE = _error("bad-schedule", "`then` does not go with the repeat")
BAD_REPEAT = _error("bad-repeat", "`x` needs a whole number of at least 1")
TOO_LARGE = _error("too-large", "the net grows beyond what can be built")
NOT_A_STEP = _error("not-a-step", "this cannot stand here as a step")

# shapes
BAD_SHAPE = _error("bad-shape", "an op does not accept the shape that arrives")
NOT_EVERY_SIZE = _error("not-every-size", "the net fits at some of the admitted input sizes only")
NO_SIZE = _error("no-size", "the net fits at no input size")
SHAPE_MISMATCH = _error("shape-mismatch", "values that meet have different shapes")
SHORTCUT_MISMATCH = _error("shortcut-mismatch", "an identity shortcut joins different shapes")
INPUT_TOO_SMALL = _error("input-too-small", "a window does not fit its input")
VARYING_SIZE = _error("varying-size", "a number is needed where the size varies with the input")
WRONG_ANNOTATION = _error("wrong-annotation", "a shape is not what the annotation says")
EXPECT_FAILED = _error("expect-failed", "an expectation does not hold")

# nets
NO_NET = _error("no-net", "the file has no net, or not the one asked for")
NO_INPUT = _error("no-input", "a net declares no input")
NO_OUTPUT = _error("no-output", "a net has nothing between input and output")
BAD_INPUT = _error("bad-input", "an input is declared wrongly, or given a shape it does not admit")
BAD_SETTING = _error("bad-setting", "`--set` does not fit the net")

# lints
BARE_CONV = _warning("bare-conv", "a convolution has neither bias nor norm")
MISLEADING = _warning("misleading", "the lines suggest another meaning than the text has")
INPUT_LAYOUT = _warning("input-layout", "an input seems to have the channels last, or the batch")
UNFLATTENED = _warning("unflattened", "a linear layer takes one position for its features, not the channels")
BARE_DROP_PATH = _warning("bare-drop-path", "`drop_path` ends a residual that has no shortcut")

# weights, images and the back end
BAD_WEIGHTS = _error("bad-weights", "weights do not fit the net")
BAD_IMAGE = _error("bad-image", "an image cannot be read")
BAD_ARTEFACT = _error("bad-artefact", "a compiled net cannot be run here")
