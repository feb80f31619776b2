"""Puts the page together: one file with its style, its program and what it knows of the net."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from html import escape
from pathlib import Path

from resdsl.emit import classes
from resdsl.render.drawing.palette import BLACK, DARK, DARK_WRONG, GREY, INK, NEUTRAL, PAPER, STAGES, WRONG
from resdsl.render.drawing.svg import Theme
from resdsl.render.html.data import data
from resdsl.render.outline.describe import describe, subtitle
from resdsl.render.outline.rows import Table
from resdsl.render.tables.summary import summary

HERE = Path(__file__).parent
SCRIPTS = (
    "model.js",
    "layout.js",
    "bowl.js",
    "routes.js",
    "draw.js",
    "panel.js",
    "view.js",
    "main.js",
)
"""In the order in which they are read; they share one scope."""


@dataclass(frozen=True)
class Live:
    """What a page that is served while its spec is written knows more.

    Attributes:
        version: the page asks `events` of its server whether there is another.
        nets: names of the nets one can look at.
        net: the one shown.
        problems: diagnostics, when the spec has errors and the page shows it as it was before.
    """

    version: str
    nets: tuple[str, ...] = ()
    net: str = ""
    problems: str = ""


def page(table: Table, *, theme: Theme = "auto", live: Live | None = None) -> str:
    """A page to look into a net, as the text of one HTML file. It asks the network for nothing.

    Args:
        table: the net and its counts.
        theme: `light`, `dark`, or `auto` for the reader's own.
        live: of a page that `resdsl watch` serves; it asks that server alone.
    """
    title = f"{table.title or table.net.name}: {subtitle(table)}"
    facts = data(table, *classes(table.net))
    return _page(
        "page.html",
        SCRIPTS,
        live,
        theme=theme,
        title=escape(title),
        description=escape(describe(table)),
        table=escape(summary(table.net, table.at)),
        data=_json(facts),
    )


def problems_page(
    title: str, problems: str, picture: str = "", *, theme: Theme = "auto", live: Live | None = None
) -> str:
    """A page that shows diagnostics, and beside them an SVG of what there is of the net, if it is given."""
    if picture:
        # As an image it is out of reach of the page's style, and the page of its own.
        data = b64encode(picture.encode()).decode()
        picture = f'<img alt="The net as far as it checks" src="data:image/svg+xml;base64,{data}">'
    return _page(
        "problems.html",
        (),
        live and replace(live, problems=""),
        theme=theme,
        title=escape(title),
        problems=escape(problems),
        picture=picture,
    )


def _page(template: str, scripts: tuple[str, ...], live: Live | None, **parts: str) -> str:
    style = _read("page.css").replace("/* colours */", _colours())
    if live is not None:
        scripts = ("live.js", *scripts)  # first, as it takes room
        parts["live"] = f'<script type="application/json" id="live">{_json(asdict(live))}</script>\n'
    script = "(() => {\n" + "\n".join(map(_read, scripts)) + "})();\n" if scripts else ""
    parts |= {"style": style, "script": script, "policy": _policy(style, script, live is not None)}
    if parts.get("picture"):
        parts["policy"] += "; img-src data:"
    return re.sub(r"\{\{(\w+)\}\}", lambda m: parts.get(m[1], ""), _read(template))


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _json(value: object) -> str:
    """JSON that no name in it can end: `</script>` and `<!--` begin with a `<`."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _policy(style: str, script: str, live: bool) -> str:
    """What a browser may do: take this very style and script, and ask who served the page, if it is live."""

    def hashed(text: str) -> str:
        return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"

    policy = f"default-src 'none'; style-src {hashed(style)}; script-src {hashed(script)}"
    return f"{policy}; connect-src 'self'" if live else policy


def _colours() -> str:
    """The palette as CSS variables, for both themes."""
    light = {"ink": INK, "grey": GREY, "black": BLACK, "paper": PAPER}
    for number, colors in enumerate((*STAGES, NEUTRAL)):
        light[f"fill{number}"], light[f"line{number}"] = colors
    light["wrong-fill"], light["wrong-line"] = WRONG
    dark = {name: (DARK | DARK_WRONG)[color] for name, color in light.items()}

    def rules(colors: dict[str, str], scheme: str) -> str:
        return "".join(f"--{name}:{color};" for name, color in colors.items()) + f"color-scheme:{scheme};"

    return (
        f":root{{{rules(light, 'light')}}}\n"
        f":root[data-theme=dark]{{{rules(dark, 'dark')}}}\n"
        f"@media (prefers-color-scheme:dark){{:root[data-theme=auto]{{{rules(dark, 'dark')}}}}}\n"
        f"@media print{{:root:root{{{rules(light, 'light')}}}}}"
    )
