"""`resdsl draw`."""

from __future__ import annotations

import argparse
import sys
import warnings
from typing import Any

from resdsl.cli.errors import Failed, Usage
from resdsl.cli.files import check_writable, suffix_of, write
from resdsl.cli.load import load_net, sizes
from resdsl.cli.options import input_shape
from resdsl.pipeline import Checked

OPTIONS = ("view", "theme", "title", "fold", "wrap", "depth", "show", "lr", "renderer")


def draw_command(args: argparse.Namespace) -> int:
    """Draw a net; `compile -o net.svg` comes here too, without the options."""
    from resdsl.render.pictures.draw import FORMATS, NoRenderer, draw

    output: str | None = args.output
    format = "svg" if output is None else suffix_of(output, tuple(FORMATS))
    if output is not None:
        check_writable(output)
    options = _options(args)
    try:
        net = load_net(args)
    except Failed as failed:
        if failed.code == 1 and failed.checked is not None:
            _draw_broken(failed.checked, output, format, options)
        raise
    at = sizes(args, net) if net.nominal is not None or input_shape(args) else None
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        try:
            data = draw(net, format, at=at, **options)
        except (NoRenderer, ValueError) as error:
            raise Usage(str(error)) from None
    for note in notes:
        print(f"note: {note.message}", file=sys.stderr)
    write(output or f"{net.name}.svg", data)
    return 0


def _draw_broken(checked: Checked, output: str | None, format: str, options: dict[str, Any]) -> None:
    """Draw a net with mistakes as far as it checks. The mistakes have been shown."""
    from resdsl.render.pictures.broken import draw_broken
    from resdsl.render.pictures.draw import NoRenderer

    if len(checked.nets) != 1:
        why = "say which net" if checked.nets else "no net could be read"
        print(f"nothing is drawn: {why}", file=sys.stderr)
        return
    (net,) = checked.nets.values()
    chosen = {k: v for k, v in options.items() if k in ("title", "theme", "renderer")}
    try:
        data = draw_broken(net, checked.diagnostics, format, **chosen)
    except (NoRenderer, ValueError) as error:
        print(f"nothing is drawn: {error}", file=sys.stderr)
        return
    write(output or f"{net.name}.svg", data, ", as far as the net checks")


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
