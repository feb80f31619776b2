"""Tables as LaTeX, laid out as Table 1 of the ResNet paper."""

from __future__ import annotations

import re
from collections.abc import Sequence

from resdsl.render.papertable import Cell, lines
from resdsl.render.rows import Table

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


def to_tex(tables: Sequence[Table]) -> str:
    """A `tabular` that needs amsmath: a column for each net, and its parameters and MACs at the end."""
    nets = len(tables)
    heads = " & ".join(escape(t.net.name) for t in tables)
    made = [
        "% needs \\usepackage{amsmath}",
        "\\begingroup\\renewcommand{\\arraystretch}{1.25}%",
        f"\\begin{{tabular}}{{c|{'|'.join('c' * (nets + 1))}}}",
        "\\hline",
        f"layer name & output size & {heads} \\\\",
        "\\hline",
    ]
    for line in lines(tables):
        name, output = escape(line.name), escape(line.output)
        cells = list(line.cells)
        if line.shared and nets > 1:
            shared = f"\\multicolumn{{{nets}}}{{c}}{{{_words(line.shared)}}}"
            if not any(c.blocks for c in cells):
                made += [f"{name} & {output} & {shared} \\\\", "\\hline"]
                continue
            made += [f" & & {shared} \\\\", f"\\cline{{3-{nets + 2}}}"]
            cells = [Cell("", c.blocks) for c in cells]
        made += [f"{name} & {output} & {' & '.join(map(_content, cells))} \\\\", "\\hline"]
    params = " & ".join(_power(t.total.params) for t in tables)
    macs = " & ".join(_power(t.total.macs) if t.at is not None else "--" for t in tables)
    made += [f"\\multicolumn{{2}}{{c|}}{{parameters}} & {params} \\\\", "\\hline"]
    made += [
        f"\\multicolumn{{2}}{{c|}}{{FLOPs (multiply-adds)}} & {macs} \\\\",
        "\\hline",
        "\\end{tabular}\\endgroup",
    ]
    return "\n".join(made) + "\n"


def _power(count: int) -> str:
    """A number as the paper writes it, 3.6 times ten to the 9."""
    power = max(len(str(count)) - 1, 0) // 3 * 3
    return f"${count / 10**power:.1f}\\times10^{{{power}}}$" if power else f"${count}$"


def _words(text: str) -> str:
    """`7×7 conv, 64, /2` as `7×7, 64, stride 2`, which is how the paper puts it."""
    text = re.sub(r"(\d) conv,", r"\1,", text)
    return escape(re.sub(r", /(\d+)", r", stride \1", text))


def _content(cell: Cell) -> str:
    made = [_words(cell.lead)] * bool(cell.lead)
    return ", ".join(made + [_matrix(block, count) for block, count in cell.blocks])


def _matrix(block: tuple[str, ...], count: int) -> str:
    rows = r"\\[-.3em] ".join(f"\\text{{{_words(line)}}}" for line in block)
    high = 1.1 * len(block) + 0.6  # room between the brackets and the rules
    strut = f"\\rule[-{high / 2 - 0.25:.2f}em]{{0pt}}{{{high:.2f}em}}"
    return f"${strut}\\left[\\begin{{array}}{{c}}{rows}\\end{{array}}\\right]\\times {count}$"
