"""Tables as LaTeX, laid out as Table 1 of the ResNet paper."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from resdsl.graph.cost import Cost
from resdsl.render.numbers import short
from resdsl.render.outline.rows import Table
from resdsl.render.tables.papertable import Block, Cell, net_names, notes, totals
from resdsl.render.tables.papertable import lines as lines_of

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",
    "]": "{]}",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "→": r"$\to$",
    "−": "$-$",
    "…": r"\dots{}",
    "–": "--",
}


def escape(text: str) -> str:
    """Text as LaTeX shows it."""
    return "".join(_ESCAPES.get(char, char) for char in text)


FIT = (
    r"\resizebox*{!}{\ifdim\totalheight>.9\textheight .9\textheight\else\totalheight\fi}{%",
    r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
)
"""Makes what follows smaller where the page has no room for it."""
LINE = 36
"""Letters in a line of words, at most, where they can be broken."""


def to_tex(tables: Sequence[Table]) -> str:
    """A `tabular` that needs amsmath and graphicx, and fits the page.

    One net has its parameters and MACs in each row and in total; of several, each has a column, and its total at
    the end.
    """
    nets = len(tables)
    aside = ["params", "MACs"] if nets == 1 else []
    heads = [*map(escape, net_names(tables)), *(f"\\multicolumn{{1}}{{c}}{{{name}}}" for name in aside)]
    made = [
        "% needs \\usepackage{amsmath, graphicx}",
        *(f"% {note}".replace("×", "x") for note in notes(tables)),
        *FIT,
        "\\renewcommand{\\arraystretch}{1.25}\\setlength{\\tabcolsep}{4pt}%",
        f"\\begin{{tabular}}{{{'|'.join('c' * (nets + 2))}{'|rr' if aside else ''}}}",
        "\\hline",
        f"layer name & output size & {' & '.join(heads)} \\\\",
        "\\hline",
    ]
    for place, line in enumerate(lines_of(tables)):
        name, output = (_stack(escape(text).split(" or ")) for text in (line.name, line.output))
        cells = list(line.cells)
        if line.shared and nets > 1:
            shared = f"\\multicolumn{{{nets}}}{{c}}{{{_words(line.shared)}}}"
            cells = [c.rest for c in cells]
            if not any(c.items for c in cells):
                made += [f"{name} & {output} & {shared} \\\\", "\\hline"]
                continue
            made += [f" & & {shared} \\\\", f"\\cline{{3-{nets + 2}}}"]
        counts = _counts(tables[0], tables[0].rows[place].cost) if aside else []
        made += [f"{' & '.join([name, output, *map(_content, cells), *counts])} \\\\", "\\hline"]
    if aside:
        ends = [("total", [escape(tables[0].depth), *_counts(tables[0], tables[0].total)])]
    else:
        ends = [(name, [value.replace(" ", "~") for value in values]) for name, values in totals(tables)]
    for name, values in ends:
        made += [f"\\multicolumn{{2}}{{c|}}{{{name}}} & {' & '.join(values)} \\\\", "\\hline"]
    return "\n".join([*made, "\\end{tabular}}}"]) + "\n"


def _counts(table: Table, cost: Cost) -> list[str]:
    return [f"{cost.params:,}", short(cost.macs).replace(" ", "~") if table.at is not None else "-"]


def _words(text: str) -> str:
    """`7×7 conv, 64, /2` as `7×7, 64, stride 2`, which is how the paper puts it."""
    text = re.sub(r"(\d) conv,", r"\1,", text)
    return escape(re.sub(r", /(\d+)", r", stride \1", text))


def _content(cell: Cell) -> str:
    """Words and brackets in order, in short lines."""
    made: list[str] = []
    for words, items in groupby(cell.items, lambda item: isinstance(item, str)):
        if words:
            said = [text for item in items for text in str(item).split(" · ")]
            made += _lines([(len(text), _words(text)) for text in said], r" $\cdot$ ")
        else:
            blocks = [item for item in items if isinstance(item, Block)]
            sized = [(max(map(len, b.lines)) + 5, _matrix(b.lines, b.times)) for b in blocks]
            made += _lines(sized, ", ")
    return _stack(made)


def _lines(parts: Iterable[tuple[int, str]], between: str) -> list[str]:
    """Parts, of which the sizes in letters are known, in lines of at most `LINE` letters where that can be."""
    made: list[str] = []
    full = LINE
    for size, text in parts:
        full += size + 2
        if full <= LINE:
            made[-1] += between + text
        else:
            made.append(text)
            full = size
    return made


def _stack(lines: list[str]) -> str:
    stacked = r" \\ ".join(lines)
    return stacked if len(lines) < 2 else f"\\begin{{tabular}}{{@{{}}c@{{}}}}{stacked}\\end{{tabular}}"


def _matrix(block: tuple[str, ...], count: int) -> str:
    rows = r"\\[-.3em] ".join(f"\\text{{{_words(line)}}}" for line in block)
    high = 1.25 * len(block) + 0.8  # room between the brackets and the rules
    strut = f"\\rule[-{high / 2 - 0.25:.2f}em]{{0pt}}{{{high:.2f}em}}"
    return f"${strut}\\begin{{bmatrix}}{rows}\\end{{bmatrix}}\\times {count}$"
