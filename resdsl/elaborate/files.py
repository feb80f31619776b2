"""Spec files and what they use from each other."""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resdsl import resources
from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Diagnostic, Edit, Fix, Label, Sink
from resdsl.diagnostics.suggest import closest, did_you_mean, listed, replace_fix
from resdsl.elaborate.loops import names_of
from resdsl.elaborate.values import Definition
from resdsl.files import reason
from resdsl.source import Source, Span
from resdsl.syntax import ast
from resdsl.syntax.cache import parse

if TYPE_CHECKING:
    from resdsl.ops.base import Op

EDITIONS = (2026,)
MAX_BYTES = 4_000_000


@dataclass(eq=False)
class Module:
    """One file: its tree, and what its top-level names mean.

    `names` maps to a `Definition`, or to the `Let` still to be evaluated; `imported` says where the
    names that `use` brought in came from.
    """

    source: Source
    file: ast.File
    names: dict[str, Any] = field(default_factory=dict)
    owners: dict[str, Module] = field(default_factory=dict)
    imported: dict[str, ast.Name] = field(default_factory=dict)
    lets: dict[str, Any] = field(default_factory=dict)

    @property
    def nets(self) -> dict[str, Definition]:
        """The nets and families it declares itself, in order."""
        return {
            n: d for n, d in self.names.items() if isinstance(d, Definition) and d.is_net and d.module is self
        }

    @property
    def blocks(self) -> dict[str, Definition]:
        """The blocks it declares itself, in order."""
        found = {n: d for n, d in self.names.items() if isinstance(d, Definition) and d.module is self}
        return {n: d for n, d in found.items() if not d.is_net}

    @property
    def closed_nets(self) -> list[str]:
        """Names of the nets that need no arguments; the base of a family is not one."""
        return [n for n, d in self.nets.items() if not d.is_open]


def read_source(path: Path, shown: str | None = None) -> Source | str:
    """The text of a file, or a clause that says why it cannot be read as a spec."""
    try:
        if path.is_dir():
            return "it is a folder"
        if path.stat().st_size > MAX_BYTES:
            return f"it is larger than {MAX_BYTES // 1_000_000} MB"
        data = path.read_bytes()
    except OSError as error:
        return reason(error)
    if b"\0" in data:
        return "it is a binary file"
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return f"it is not UTF-8 text (byte {error.start})"
    return Source(shown or str(path), text.replace("\r\n", "\n"))


class Loader:
    """Reads files once, follows `use`, and keeps to the folder of the first spec and the library."""

    def __init__(self, sink: Sink, root: Path | None) -> None:
        self.sink = sink
        self.root = root.resolve() if root else None
        self.modules: dict[Path, Module | None] = {}
        self.loading: list[Path] = []

    def load(self, source: Source, path: Path | None) -> Module | None:
        """Parse a source and everything it uses. None when it has syntax errors."""
        key = path.resolve() if path else None
        file = parse(source, self.sink)
        if file is None:
            if key:
                self.modules[key] = None
            return None
        module = Module(source, file)
        if key:
            self.modules[key] = module
            self.loading.append(key)
        for item in file.items:
            match item:
                case ast.Edition(year=year) if year not in EDITIONS:
                    self._error(
                        codes.EDITION,
                        f"edition {year} is not known",
                        item.span,
                        help=f"write `edition {EDITIONS[0]}`",
                        fix=Fix(
                            f"write `edition {EDITIONS[0]}`", (Edit(item.span, f"edition {EDITIONS[0]}"),)
                        ),
                    )
                case ast.Use():
                    self._use(module, item, path)
                case ast.Let():
                    for name in names_of(item.targets):
                        self._declare(module, name, item)
                case ast.Block() | ast.Family():
                    self._declare(module, item.name, Definition(item.name.id, item, module))
                case _:
                    pass
        if key:
            self.loading.pop()
        return module

    def _declare(self, module: Module, name: ast.Name, value: Any) -> None:
        from resdsl.elaborate.functions import FUNCTIONS
        from resdsl.ops import OPS
        from resdsl.ops.init import INITS

        if name.id in module.names:
            first = module.names[name.id]
            if first is None or name.id == "_":
                return  # its `use` was reported, or it names what is not needed
            self._error(
                codes.DUPLICATE_NAME,
                f"`{name.id}` is defined twice",
                name.span,
                "defined again here",
                Label(_place(module, name.id), "first defined here"),
            )
            return
        if name.id in OPS or name.id in INITS or name.id in FUNCTIONS or name.id == "projection":
            what = "an op" if name.id in OPS else "part of the language"
            self._error(
                codes.RESERVED_NAME,
                f"`{name.id}` is {what} and cannot be redefined",
                name.span,
                "choose another name",
            )
            module.names[name.id] = None
            return
        module.names[name.id] = value
        module.owners[name.id] = module

    def _error(
        self,
        code: Any,
        message: str,
        span: Span,
        label: str = "",
        *more: Label,
        help: str = "",
        fix: Fix | None = None,
    ) -> None:
        self.sink.add(Diagnostic(code, message, Label(span, label), more, (), (help,) if help else (), fix))

    def _use(self, module: Module, use: ast.Use, path: Path | None) -> None:
        if isinstance(use.origin, ast.Path) and use.origin.parts[0] == "ext":
            self._use_extension(module, use, use.origin)
            return
        other = self._find(module, use, path)
        if other is None:
            for name in use.names:
                module.names.setdefault(name.id, None)  # already reported
            return
        for name in use.names:
            if name.id not in other.names:
                self.sink.add(
                    Diagnostic(
                        codes.IMPORT_NOT_FOUND,
                        f"`{other.source.path}` has no `{name.id}`",
                        Label(name.span, "not defined there"),
                        help=tuple(filter(None, [did_you_mean(name.id, other.names)]))
                        or (f"it defines {listed(other.names)}",),
                        fix=replace_fix(name.span, name.id, other.names),
                    )
                )
                module.names.setdefault(name.id, None)
                continue
            if name.id in module.names:
                if module.names[name.id] is None:
                    continue  # the first was reported
                again = name.id in module.imported
                self._error(
                    codes.DUPLICATE_NAME,
                    f"`{name.id}` is defined twice",
                    name.span,
                    "defined again here",
                    Label(_place(module, name.id), "first defined here"),
                    help="leave one of them out" if again else "rename the one of this file",
                )
                if not again:
                    module.names[name.id] = None  # either may be meant
                continue
            module.names[name.id] = other.names[name.id]
            module.owners[name.id] = other.owners.get(name.id, other)
            module.imported[name.id] = name

    def _use_extension(self, module: Module, use: ast.Use, origin: ast.Path) -> None:
        """Take ops from another package, if it is installed and allowed."""
        from resdsl import extensions

        name = ".".join(origin.parts[1:])
        ops: dict[str, type[Op]] = {}
        try:
            ops = extensions.load(name)
        except extensions.NoExtension as problem:
            self._error(codes.IMPORT_NOT_FOUND, problem.reason, origin.span, help=problem.help)
        for word in use.names:
            if ops and word.id not in ops:
                self._error(
                    codes.IMPORT_NOT_FOUND,
                    f"the extension `{name}` has no op `{word.id}`",
                    word.span,
                    help=did_you_mean(word.id, ops) or f"it has {listed(ops)}",
                )
            module.names.setdefault(word.id, ops.get(word.id))
            module.imported[word.id] = word

    def _not_found(self, origin: ast.LayerName, text: str, target: Path, reason: str) -> None:
        """Report a file that cannot be read, with the one that was probably meant."""
        if os.path.isdir(target):
            target, text = target / "_", f"{text.rstrip('/')}/_"
        files = sorted(p for p in target.parent.glob("*.res")) if os.path.isdir(target.parent) else []
        if isinstance(origin, ast.Text):
            folder = text.rpartition("/")[0]
            near = [f"{folder}/{p.name}" if folder else p.name for p in files]
            span = Span(origin.span.source, origin.span.start + 1, origin.span.end - 1)
            if f"{text}.res" in near:
                near = [f"{text}.res"]
        else:
            span, near = origin.span, [f"{text.rpartition('.')[0]}.{p.stem}" for p in files]
        word = text.replace("\\", "/") if "\\" in text else closest(text, near)
        if word is None and len(near) == 1 and near[0] == f"{text}.res":
            word = near[0]
        self.sink.add(
            Diagnostic(
                codes.IMPORT_NOT_FOUND,
                f"cannot use `{text.removesuffix('/_')}`: {reason}",
                Label(origin.span),
                help=(f"there are {listed(near)}",) if near and word is None else (),
                fix=Fix(f"did you mean `{word}`?", (Edit(span, word),)) if word else None,
            )
        )

    def _find(self, module: Module, use: ast.Use, path: Path | None) -> Module | None:
        origin = use.origin
        if isinstance(origin, ast.Text):
            text = origin.span.text[1:-1]
            if path is None or self.root is None:
                self._error(
                    codes.IMPORT_NOT_FOUND,
                    "a spec without a file cannot use other files",
                    origin.span,
                    help="save it beside them, or write what it needs into it; `use std...` works anywhere",
                )
                return None
            base, target = self.root, path.parent / text
            library = resources.specs().resolve()
            if path.resolve().is_relative_to(library):
                base = library
        else:
            parts = (origin.id,) if isinstance(origin, ast.Name) else origin.parts
            if parts[0] != "std" or len(parts) < 2:
                file = "/".join(parts).removesuffix("/res")  # `blocks.res` may lack its quotes
                self._error(
                    codes.IMPORT_NOT_FOUND,
                    f"there is no library `{parts[0]}`",
                    origin.span,
                    help="the bundled library is `std`, ops of other packages are in `ext`; a file is used by its path:"
                    f' `use "{file}.res" {{ ... }}`',
                )
                return None
            base = resources.specs().resolve()
            target = base.joinpath(*parts[1:]).with_suffix(".res")
            text = ".".join(parts)
        resolved = Path(os.path.realpath(target))  # `resolve` raises where links go in a circle
        if not resolved.is_relative_to(base):
            self._error(
                codes.IMPORT_OUTSIDE,
                f"`{text}` lies outside the folder of the spec",
                origin.span,
                help="copy the file below the folder of the spec: a spec may only read what lies there",
            )
            return None
        if resolved in self.loading:
            names = [p.name for p in self.loading[self.loading.index(resolved) :]] + [resolved.name]
            self._error(
                codes.IMPORT_CYCLE,
                f"files use each other in a circle: {' -> '.join(names)}",
                origin.span,
                "the circle closes here",
                help="put what they share into a file of its own",
            )
            return None
        if resolved in self.modules:
            return self.modules[resolved]
        library = resources.specs().resolve()
        shown = (
            f"std/{resolved.relative_to(library)}"
            if resolved.is_relative_to(library)
            else _beside(module, text)
        )
        source = read_source(resolved, shown)
        if isinstance(source, str):
            self._not_found(origin, text, target, source)
            return None
        return self.load(source, resolved)


def _place(module: Module, name: str) -> Span:
    """Where a file defines or imports a name."""
    if name in module.imported:
        return module.imported[name].span
    item = module.names[name]
    if isinstance(item, Definition):
        return item.decl.name.span
    return next(n.span for n in names_of(item.targets) if n.id == name)


def _beside(module: Module, text: str) -> str:
    """The name a used file is shown under: as the file that uses it."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(module.source.path), text))


def texts(source: Source, path: Path | None) -> dict[str, str]:
    """The text of a spec and of the files it uses, by name."""
    if path is None:
        return {source.path: source.text}
    root = path.parent.resolve()
    loader = Loader(Sink(), root)
    loader.load(source, path)
    return {
        str(path.relative_to(root)) if path.is_relative_to(root) else module.source.path: module.source.text
        for path, module in loader.modules.items()
        if module is not None
    }
