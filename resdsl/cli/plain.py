"""Text for a terminal that does not know every character: others in their place, as wide."""

from __future__ import annotations

import codecs

from resdsl.diagnostics.columns import width

HANDLER = "resdsl.plain"
_PLAIN = str.maketrans("×·→─│…−█▉▊▋▌▍▎▏⎡⎢⎣⎤⎥⎦", "x.>-|~-#####---[[[]]]")


def _plain(error: UnicodeError) -> tuple[str, int]:
    """What stands for the characters that cannot be written. Columns stay where they are."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_PLAIN)
    return "".join(c if c.isascii() else "?" * width(c) for c in text), error.end


codecs.register_error(HANDLER, _plain)
