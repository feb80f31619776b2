"""What the architecture promises, checked on the source (docs/architecture.md lists it)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "resdsl"
FILES = sorted(PACKAGE.rglob("*.py"))


def _imports(path: Path) -> set[str]:
    """Modules a file imports, also inside functions; not those under TYPE_CHECKING."""
    found: set[str] = set()
    stack: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            stack.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        stack.extend(ast.iter_child_nodes(node))
    return found


def _importers(module: str) -> set[str]:
    return {
        str(path.relative_to(PACKAGE))
        for path in FILES
        if any(name == module or name.startswith(module + ".") for name in _imports(path))
    }


def test_only_the_back_end_imports_torch() -> None:
    assert all(name.startswith("backend/") or name == "cli/torch.py" for name in _importers("torch"))


def test_only_syntax_imports_lark() -> None:
    assert all(name.startswith("syntax/") for name in _importers("lark"))


def test_only_draw_imports_graphviz() -> None:
    assert all(name.startswith("render/") for name in _importers("graphviz"))


@pytest.mark.parametrize(
    ("layer", "forbidden"),
    [
        ("ops", ["source", "diagnostics", "syntax", "elaborate", "graph", "backend", "render", "cli", "api"]),
        ("diagnostics", ["syntax", "ops", "elaborate", "graph", "backend", "render", "cli", "api"]),
        ("syntax", ["ops", "elaborate", "graph", "backend", "render", "cli", "api"]),
        ("graph", ["syntax", "elaborate", "backend", "render", "cli", "api"]),
        ("elaborate", ["backend", "render", "cli", "api"]),
        ("render", ["backend", "syntax", "cli", "api"]),
        ("diff", ["emit", "backend", "cli", "api"]),
        ("emit", ["syntax", "backend", "render", "cli", "api"]),
        ("backend", ["syntax", "render", "cli", "api"]),
    ],
)
def test_layers(layer: str, forbidden: list[str]) -> None:
    for path in sorted((PACKAGE / layer).rglob("*.py")):
        for name in _imports(path):
            assert not any(name == f"resdsl.{f}" or name.startswith(f"resdsl.{f}.") for f in forbidden), (
                path,
                name,
            )


def test_files_stay_small() -> None:
    for path in FILES:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 450, f"{path.name} has {lines} lines: split it"
