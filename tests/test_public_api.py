"""The package's face: exactly the names in ``__all__``, each with words that explain it."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import typing

import pytest

import trigreason_graph

FACES = [
    "trigreason_graph",
    *(
        found.name
        for found in pkgutil.walk_packages(trigreason_graph.__path__, "trigreason_graph.")
        if found.ispkg and found.name != "trigreason_graph.cli"
    ),
]
"""The package and its subpackages; the command line has no Python face."""


def public(face: str) -> list[str]:
    return list(getattr(importlib.import_module(face), "__all__", []))


NAMES = [(face, name) for face in FACES for name in public(face)]


def documented(value: object) -> bool:
    """Whether a class, function or module says what it is. Constants and type aliases have nowhere to say it."""
    if not inspect.isclass(value) and not inspect.isroutine(value) and not inspect.ismodule(value):
        return True
    doc = value.__doc__ or ""
    generated = doc.startswith(f"{getattr(value, '__name__', '')}(") or doc == dict.__doc__
    return bool(doc.strip()) and not generated


def test_the_face_is_exactly_all() -> None:
    tree = ast.parse(inspect.getsource(trigreason_graph))
    ours = [
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("trigreason_graph")
        for alias in node.names
    ]
    assert sorted([*ours, "__version__"]) == sorted(trigreason_graph.__all__)


@pytest.mark.parametrize("face", FACES)
def test_a_face_has_words(face: str) -> None:
    assert (importlib.import_module(face).__doc__ or "").strip(), f"{face} has no docstring"


@pytest.mark.parametrize("face", FACES)
def test_a_face_lists_each_name_once(face: str) -> None:
    assert len(public(face)) == len(set(public(face)))


@pytest.mark.parametrize(("face", "name"), NAMES)
def test_a_public_name_is_there_and_explained(face: str, name: str) -> None:
    value = getattr(importlib.import_module(face), name)
    assert documented(value), f"{face}.{name} has no docstring"


@pytest.mark.parametrize("name", trigreason_graph.__all__)
def test_public_methods_are_explained(name: str) -> None:
    value = getattr(trigreason_graph, name)
    if not inspect.isclass(value) or typing.is_typeddict(value) or getattr(value, "_is_protocol", False):
        return
    bare = [
        member
        for member, method in vars(value).items()
        if not member.startswith("_") and inspect.isfunction(method) and not inspect.getdoc(getattr(value, member))
    ]
    assert not bare, f"{name} has methods without a docstring: {bare}"
