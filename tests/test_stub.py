"""The stub of the core names what the core has, no more and no less."""

from __future__ import annotations

import ast
from importlib import resources

from pellucid import _core


def public(names: object) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def test_the_stub_names_what_the_core_has() -> None:
    tree = ast.parse(resources.files("pellucid").joinpath("_core.pyi").read_text(encoding="utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert public(classes | dict.fromkeys(functions)) == public(dir(_core)), (
        "regenerate it: pybind11-stubgen pellucid._core -o python"
    )
    for name, node in classes.items():
        members = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
        # What a class inherits stands at its base.
        assert public(members) == public(vars(getattr(_core, name))), name
