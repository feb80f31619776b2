"""`resdsl draw`."""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

from resdsl.cli.errors import Failed, Usage
from resdsl.cli.files import suffix_of
from resdsl.cli.load import load_net, sizes
from resdsl.cli.options import input_shape
from resdsl.files import write_file

OPTIONS = ("view", "theme", "title", "fold", "wrap", "depth", "show", "lr", "renderer")


def draw_command(args: argparse.Namespace) -> int:
    """Draw a net; `compile -o net.svg` comes here too, without the options."""
    from resdsl.render.draw import FORMATS, NoRenderer, draw

    output = None if args.output is None else Path(args.output)
    format = suffix_of(args.output, tuple(FORMATS)) if output is not None else "svg"
    options = _options(args)
    try:
        net = load_net(args)
    except Failed as failed:
        _draw_broken(failed, output, format, options)
        return 1
    output = output or Path(f"{net.name}.svg")
    if output.is_dir() or not output.parent.is_dir():
        # Before the drawing, which may take seconds.
        what = "is a folder" if output.is_dir() else f"there is no folder `{output.parent}`"
        raise Usage(f"cannot write `{output}`: {what}")
    at = sizes(args, net) if net.nominal is not None or input_shape(args) else None
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        try:
            data = draw(net, format, at=at, **options)
        except (NoRenderer, ValueError) as error:
            raise Usage(str(error)) from None
    for note in notes:
        print(f"note: {note.message}", file=sys.stderr)
    try:
        write_file(output, data)
    except OSError as error:
        raise Usage(f"cannot write `{output}`: {(error.strerror or str(error)).lower()}") from None
    print(f"wrote {output}", file=sys.stderr)
    return 0


def _draw_broken(failed: Failed, output: Path | None, format: str, options: dict[str, Any]) -> None:
    """Draw a net with mistakes as far as it checks. The mistakes have been shown; here nothing else fails."""
    from resdsl.render.broken import draw_broken
    from resdsl.render.draw import NoRenderer

    nets = failed.args[0].nets if failed.args else {}
    if len(nets) != 1:
        print(
            "nothing is drawn: " + ("no net could be read" if not nets else "say which net"), file=sys.stderr
        )
        return
    (net,) = nets.values()
    output = output or Path(f"{net.name}.svg")
    chosen = {k: v for k, v in options.items() if k in ("title", "theme", "renderer")}
    try:
        write_file(output, draw_broken(net, failed.args[0].diagnostics, format, **chosen))
    except (NoRenderer, ValueError) as error:
        print(f"nothing is drawn: {error}", file=sys.stderr)
        return
    except OSError as error:  # its own text names the file that is written before it is renamed
        reason = (error.strerror or str(error)).lower()
        print(f"nothing is drawn: cannot write `{output}`: {reason}", file=sys.stderr)
        return
    print(f"wrote {output}, as far as the net checks", file=sys.stderr)


def _options(args: argparse.Namespace) -> dict[str, Any]:
    """The options of the command line as those of `draw`."""
    given = {name: getattr(args, name, None) for name in OPTIONS}
    made: dict[str, Any] = {"theme": "auto"} | {k: v for k, v in given.items() if v is not None}
    if made.get("title") == "none":
        made["title"] = ""
    if "show" in made:
        made["show"] = [word.strip() for word in made["show"].split(",")]
    for name in ("fold", "wrap", "depth"):
        if name in made and not (name == "fold" and made[name] == "none"):
            made[name] = _number(made[name])
    return made


def _number(text: str) -> int | str:
    """The number in a text, or the text: what is no number is refused with the other mistakes."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text
