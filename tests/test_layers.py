"""The arrows of the architecture point one way, and importing the package loads no client.

studio -> cli, integrations, evaluation, tuning -> graph -> nodes -> policies, triggers, models -> reasoning -> state
(and like)
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "trigreason_graph"

LAYERS = (
    ("state", "reports", "settings", "events", "channels", "errors", "bridge"),
    ("reasoning",),
    ("triggers", "policies", "models"),
    ("nodes",),
    ("graph",),
    ("testing", "integrations", "evaluation", "tuning"),
    ("cli",),
    ("studio",),
    ("", "__main__"),
)
"""Bottom first. A module imports from its own layer and from those below; "" is the package's own face."""

CLIENTS = {
    *("openai", "langchain_openai", "ollama", "langchain_ollama", "xllamacpp", "httpx"),
    *("rich", "rapidfuzz", "tenacity", "genai_prices", "matplotlib", "numpy"),
}
"""Heavy, or only needed by some: imported where used."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def parsed(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"), filename=str(MODULES[name]))


def on_import(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a module that run when it is imported: nothing in functions, nothing for type checkers alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from on_import(child)


def imported_by(nodes: Iterable[ast.AST]) -> set[str]:
    """Dotted names that this code imports; what is imported *from* a module counts as its member."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names}
    return names


def module_of(imported: str) -> str | None:
    """The module of this package that an imported dotted name is, or is a member of; None for another package's."""
    if imported.split(".")[0] != PACKAGE.name:
        return None
    return imported if imported in MODULES else imported.rpartition(".")[0]


def layer(module: str) -> int:
    part = module.removeprefix(PACKAGE.name).lstrip(".").split(".")[0]
    for height, parts in enumerate(LAYERS):
        if part in parts:
            return height
    raise AssertionError(f"{module} stands in no layer: put {part!r} into LAYERS and into docs/architecture.md")


@pytest.mark.parametrize("name", MODULES)
def test_no_module_imports_from_a_layer_above(name: str) -> None:
    upwards = {
        imported
        for imported in imported_by(ast.walk(parsed(name)))
        if (module := module_of(imported)) is not None and layer(module) > layer(name)
    }
    assert not upwards, f"{name} imports from above: {sorted(upwards)}"


@pytest.mark.parametrize("name", MODULES)
def test_imports_are_written_in_full(name: str) -> None:
    assert not [imported for imported in imported_by(ast.walk(parsed(name))) if imported.startswith(".")]


def test_modules_import_one_another_in_no_circle() -> None:
    graph = {
        name: {module for imported in imported_by(on_import(parsed(name))) if (module := module_of(imported))} - {name}
        for name in MODULES
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("name", MODULES)
def test_nothing_private_to_langgraph_is_used(name: str) -> None:
    private = {
        imported
        for imported in imported_by(ast.walk(parsed(name)))
        if imported.startswith("langgraph") and any(part.startswith("_") for part in imported.split("."))
    }
    assert not private, f"{name} leans on private parts of langgraph: {sorted(private)}"


@pytest.mark.parametrize("name", MODULES)
def test_no_text_is_run_as_code(name: str) -> None:
    lines = [
        node.lineno
        for node in ast.walk(parsed(name))
        if isinstance(node, ast.Call) and ast.unparse(node.func).removeprefix("builtins.") in ("eval", "exec")
    ]
    assert not lines, f"{name} runs text as code in lines {lines}"


@cache
def loaded_by(code: str) -> frozenset[str]:
    """Names of all modules loaded in a fresh interpreter that ran `code`."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return frozenset(json.loads(done.stdout))


OURS = "import langgraph.graph; from trigreason_graph import create_trigreason_graph"


def test_importing_the_package_alone_loads_nothing() -> None:
    """So that the command line answers at once, and ends at once on Ctrl-C."""
    ours = {name for name in loaded_by("import trigreason_graph.cli") if name.startswith("trigreason_graph")}
    assert ours == {"trigreason_graph", "trigreason_graph.cli"}
    assert not {"langgraph", "langchain_core"} & loaded_by("import trigreason_graph.cli.app")


def test_importing_the_package_loads_no_client() -> None:
    ours = loaded_by(OURS) - loaded_by("import langgraph.graph")
    loaded = CLIENTS & {name.split(".")[0] for name in ours}
    assert not loaded, f"import trigreason_graph loads {sorted(loaded)}"


def test_no_loaded_module_imports_a_client_at_its_top() -> None:
    """LangGraph itself loads some of them, which hides them from the test above."""
    loaded = loaded_by(OURS) & MODULES.keys()
    found = {
        (name, imported)
        for name in loaded
        for imported in imported_by(on_import(parsed(name)))
        if imported.split(".")[0] in CLIENTS
    }
    assert not found, f"imported at the top of a module: {sorted(found)}"
