"""The front end on one screen: parse, resolve names, elaborate (bind, shape and count), lint. Torch-free.

A pass never raises on what a user wrote: it returns what it could do and adds diagnostics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Diagnostic, Label, Severity, Sink
from resdsl.diagnostics.suggest import did_you_mean, listed
from resdsl.elaborate.files import Loader, Module
from resdsl.elaborate.nets import elaborate_net
from resdsl.elaborate.resolve import report_unused, resolve
from resdsl.elaborate.scope import Session
from resdsl.graph.lint import lint
from resdsl.graph.model import Net
from resdsl.graph.verify import verify
from resdsl.source import Source, Span
from resdsl.syntax import ast


@dataclass(frozen=True)
class Checked:
    """What the front end found out.

    Attributes:
        module: the parsed file and its names; None after a syntax error.
        nets: the nets that could be built, by name.
        diagnostics: everything to report, by place.
    """

    source: Source
    module: Module | None
    nets: dict[str, Net]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return all(d.severity is not Severity.ERROR for d in self.diagnostics)


def check(
    source: Source,
    path: Path | None = None,
    nets: Sequence[str] | None = None,
    settings: Mapping[str, str] | None = None,
) -> Checked:
    """Check a spec: all its nets, or the named ones.

    Args:
        source: the text.
        path: where it lies, for the files it uses; None for a text without a file.
        nets: names of the nets to build; all that need no arguments by default.
        settings: arguments from outside (`--set`), by parameter name, as text of the language.
    """
    sink = Sink()
    session = Session(sink)
    try:
        module = Loader(sink, path.parent if path else None).load(source, path)
        if module is None:
            return Checked(source, None, {}, sink.sorted())
        resolve(session, module)
        built: dict[str, Net] = {}
        for name in _chosen(module, nets, settings, sink):
            net = elaborate_net(session, module.nets[name], settings)
            if net is not None:
                built[name] = net
        report_unused(session)
        if not sink.has_errors:
            for net in built.values():
                verify(net.graph)
            lint(sink, list(built.values()))
    except RecursionError:
        message = "calls, braces or parentheses are nested too deeply"
        help = "give what lies inside a name of its own: a `block`, or a `let`"
        place = Label(session.at, "in what this runs") if session.at else Label(Span(source, 0, 0))
        sink.add(Diagnostic(codes.TOO_DEEP, message, place, help=(help,)))
        return Checked(source, None, {}, sink.sorted())
    return Checked(source, module, built, sink.sorted())


def one_net(checked: Checked) -> Net | Diagnostic:
    """The net of a spec that has one, or a diagnostic that lists them."""
    if len(checked.nets) == 1:
        return next(iter(checked.nets.values()))
    place = Label(Span(checked.source, 0, 0))
    if not checked.nets:
        return _no_net(checked, place)
    return Diagnostic(
        codes.NO_NET,
        f"`{checked.source.path}` has {len(checked.nets)} nets: {listed(checked.nets)}",
        place,
        help=(f"say which: `{checked.source.path}:{next(iter(checked.nets))}`",),
    )


def _no_net(checked: Checked, place: Label) -> Diagnostic:
    """Nothing was built, be it that all nets of the file wait for arguments."""
    bases = checked.module.nets if checked.module else {}
    decl = next((net.decl for net in bases.values()), None)
    if isinstance(decl, ast.Block):
        wanted = next(p.name.id for p in decl.params if p.default is None)
        name = decl.name.id
        return Diagnostic(
            codes.NO_NET,
            f"`{checked.source.path}` has no net without arguments to give: {listed(bases)}",
            Label(decl.name.span, f"needs `{wanted}`"),
            help=(f"give it with `--set {wanted}=...`, or declare `net mine = {name}({wanted} = ...)`",),
        )
    return Diagnostic(
        codes.NO_NET,
        f"`{checked.source.path}` declares no net",
        place,
        help=("add `net NAME { input image: [3, H, W] ... }`",),
    )


def _chosen(
    module: Module, nets: Sequence[str] | None, settings: Mapping[str, str] | None, sink: Sink
) -> list[str]:
    declared = module.nets
    if nets is None:
        if not declared and not module.names:
            end = Span(module.source, 0, 0)
            sink.add(
                Diagnostic(
                    codes.EMPTY_FILE,
                    "the file declares nothing",
                    Label(end),
                    help=("start with `net NAME { ... }`, or let `resdsl new` write a first spec",),
                )
            )
        return [n for n, d in declared.items() if settings or not d.is_open]
    found = []
    for name in nets:
        if name in declared:
            found.append(name)
            continue
        help = did_you_mean(name, declared) or (
            f"it has {listed(declared)}" if declared else "it declares no net"
        )
        sink.add(
            Diagnostic(
                codes.NO_NET,
                f"`{module.source.path}` has no net `{name}`",
                Label(Span(module.source, 0, 0)),
                help=(help,),
            )
        )
    return found
