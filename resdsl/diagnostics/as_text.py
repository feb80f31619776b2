"""The format for people: the code as written, with labels, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from resdsl.diagnostics.columns import clean, show, width
from resdsl.diagnostics.model import Diagnostic, Fix, Label, Severity
from resdsl.diagnostics.patch import hunks
from resdsl.diagnostics.snippet import Mark, Row, cuts, rows_under
from resdsl.source import Source

WIDTH = 100
FAR = 10**9
"""More columns than any line has."""
MORE = "  "
"""Before the second line of a long message."""

_ANSI = {
    "error": "\x1b[1;31m",
    "warning": "\x1b[1;33m",
    "frame": "\x1b[1;34m",
    "bold": "\x1b[1m",
    "old": "\x1b[31m",
    "new": "\x1b[32m",
}


def as_text(diagnostics: Sequence[Diagnostic], *, color: bool) -> str:
    """All diagnostics with an empty line between them, and a last line that counts them."""
    if not diagnostics:
        return ""
    blocks = ["\n".join(_Report(d, color).lines()) for d in diagnostics]
    return "\n\n".join((*blocks, _count(diagnostics))) + "\n"


def _count(diagnostics: Sequence[Diagnostic]) -> str:
    errors = sum(d.severity is Severity.ERROR for d in diagnostics)
    found = [
        f"{n} {word}{'' if n == 1 else 's'}"
        for n, word in ((errors, "error"), (len(diagnostics) - errors, "warning"))
        if n
    ]
    safe = sum(d.fix is not None and d.fix.safe for d in diagnostics)
    unsafe = sum(d.fix is not None and not d.fix.safe for d in diagnostics)
    ways = [f"{safe} fixable with --fix"] if safe else []
    if unsafe:
        ways.append(f"{unsafe} {'more' if safe else 'fixable'} with --unsafe-fixes")
    how = f" ({', '.join(ways)})" if ways else ""
    codes = {d.code.slug for d in diagnostics}
    page = codes.pop() if len(codes) == 1 else "CODE"
    return f"Found {' and '.join(found)}{how}.\nFor more: resdsl explain {page}"


class _Report:
    """Lines of one diagnostic."""

    def __init__(self, diagnostic: Diagnostic, color: bool) -> None:
        self.diagnostic = diagnostic
        self.color = color
        self.hunks = hunks(diagnostic.fix) if diagnostic.fix else []
        numbers = [n for labels in self._files().values() for n in _marks(labels)]
        numbers += [n for hunk in self.hunks for n in hunk.numbers]
        self.gutter = len(str(max(numbers, default=1)))
        self.room = WIDTH - self.gutter - len(" | ")

    def _files(self) -> dict[Source, list[tuple[Label, bool]]]:
        """Labels by file, that of the primary label first, and whether each is primary."""
        d = self.diagnostic
        files: dict[Source, list[tuple[Label, bool]]] = {}
        for label, primary in ((d.primary, True), *((label, False) for label in d.secondary)):
            files.setdefault(label.span.source, []).append((label, primary))
        return files

    def lines(self) -> Iterator[str]:
        d = self.diagnostic
        title = self._paint(f"{d.severity}[{d.code.slug}]", d.severity)
        head = f"{d.severity}[{d.code.slug}]: "
        first, *rest = _wrapped(f"{head}{clean(d.message)}", WIDTH - len(MORE))
        yield f"{title}{self._paint(first.removeprefix(head.rstrip(': ')), 'bold')}"
        for line in rest:
            yield f"{MORE}{self._paint(line, 'bold')}"

        said: list[tuple[str, str]] = []
        for source, labels in self._files().items():
            yield self._place(source, labels)
            if source.text:
                yield from self._snippet(source, labels)
            else:  # a file that is empty or cannot be read has no line to point at
                said.extend(("note", label.text) for label, _ in labels if label.text)

        said.extend(("note", text) for text in d.notes)
        title_of_fix = d.fix.title if d.fix and self.hunks else None
        said.extend(("help", text) for text in d.help if text != title_of_fix)
        if title_of_fix:
            said.append(("help", title_of_fix))
        if said and d.primary.span.source.text:
            yield self._bar()
        for word, text in said:
            yield from self._say(word, text)
        if d.fix and self.hunks:
            yield self._bar()
            yield from self._diff(d.fix)

    # ------------------------------------------------------------ code and labels

    def _place(self, source: Source, labels: list[tuple[Label, bool]]) -> str:
        label, primary = labels[0]
        place = label.span.place if source.text else source.path
        return f"{self._arrow('-->' if primary else ':::')} {clean(place)}"

    def _arrow(self, arrow: str) -> str:
        return self._paint(f"{' ' * self.gutter}{arrow}", "frame")

    def _snippet(self, source: Source, labels: list[tuple[Label, bool]]) -> Iterator[str]:
        yield self._bar()
        shown = _marks(labels)
        previous = None
        for number in sorted(shown):
            gap = 0 if previous is None else number - previous - 1
            if gap == 1:  # a line of dots would be no shorter
                yield self._numbered(number - 1, show(source.line_text(number - 1), self.room).text)
            elif gap:
                yield self._paint("...", "frame")
            previous = number
            for line, marks in cuts(source.line_text(number), shown[number], self.room):
                yield self._numbered(number, line.text)
                for row in rows_under(line, marks, self.room):
                    yield f"{self._bar()} {self._row(row)}"

    def _row(self, row: Row) -> str:
        text, column = "", 0
        for part in sorted(row, key=lambda part: part.column):
            style = str(self.diagnostic.severity) if part.primary else "frame"
            text += " " * (part.column - column) + self._paint(part.text, style)
            column = part.column + width(part.text)
        return text

    def _bar(self) -> str:
        return self._paint(f"{' ' * self.gutter} |", "frame")

    def _numbered(self, number: int, text: str, sign: str = "|", style: str = "") -> str:
        number_and_sign = self._paint(f"{number:>{self.gutter}} {sign}", style or "frame")
        return f"{number_and_sign} {self._paint(text, style)}".rstrip()

    # ------------------------------------------------------------ words

    def _say(self, word: str, text: str) -> Iterator[str]:
        head = f"{' ' * self.gutter} = "
        indent = len(head) + len(word) + len(": ")
        first, *rest = _wrapped(clean(text), WIDTH - indent) or [""]
        painted = self._paint(head, "frame") + self._paint(f"{word}:", "bold")
        yield f"{painted} {first}".rstrip()
        for line in rest:
            yield f"{' ' * indent}{line}".rstrip()

    def _diff(self, fix: Fix) -> Iterator[str]:
        source = self.diagnostic.primary.span.source
        for hunk in self.hunks:
            if hunk.source is not source:
                source = hunk.source
                yield f"{self._arrow(':::')} {clean(source.path)}"
            # Where one line is too long, all are cut at one place: what changed stands below what was there.
            cut = any(show(line, self.room).text != show(line, FAR).text for _, line in hunk.old + hunk.new)
            for lines, sign, style in ((hunk.old, "-", "old"), (hunk.new, "+", "new")):
                for number, line in lines:
                    text = show(line, self.room, hunk.focus, cut).text
                    yield self._numbered(number, text, sign, style)

    def _paint(self, text: str, style: str) -> str:
        return f"{_ANSI[style]}{text}\x1b[0m" if self.color and style and text else text


def _marks(labels: list[tuple[Label, bool]]) -> dict[int, list[Mark]]:
    """The marks on each line. A label over several lines marks the first and the last of them."""
    marks: dict[int, list[Mark]] = {}
    for label, primary in labels:
        source, start = label.span.source, label.span.start
        line, column = source.line_col(start)
        last, end = source.line_col(max(start, label.span.end - 1))
        begin = column - 1
        if last > line:
            long = max(len(source.line_text(line)), begin + 1)
            marks.setdefault(line, []).append(Mark(begin, long, "", primary))
            text = source.line_text(last)
            begin = min(len(text) - len(text.lstrip()), end - 1)
        marks.setdefault(last, []).append(Mark(begin, end, label.text, primary))
    return marks


def _wrapped(text: str, room: int) -> list[str]:
    from textwrap import wrap

    lines: list[str] = []
    for line in text.splitlines():
        indent = " " * (len(line) - len(line.lstrip()))
        if width(line) <= room:  # a note may hold a table: its rows stay as they are
            lines.append(line)
        else:
            lines += wrap(line, room, subsequent_indent=indent, break_long_words=False)
    return lines
