"""The window of a package is explicit: what it re-exports by name, and nothing else, is its ``__all__``."""

import ast
import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = Path(__file__).parents[2] / "src"
PACKAGES = sorted(".".join(path.parent.relative_to(SOURCE).parts) for path in (SOURCE / "ligeia").rglob("__init__.py"))

each_package = pytest.mark.parametrize("name", PACKAGES)


def source_of(package: ModuleType) -> ast.Module:
    assert package.__file__ is not None
    return ast.parse(Path(package.__file__).read_text())


def reexports(tree: ast.Module, package: str) -> dict[str, str]:
    """Map every ``X`` of an ``import X as X``, for the type checker alone or not, to the module that it is of."""
    result = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            origin = importlib.util.resolve_name(module, package)
            result |= {alias.name: origin for alias in node.names if alias.asname == alias.name}
    return result


def public_names(tree: ast.Module, package: str) -> list[str]:
    """Return the public names that are not modules: re-exported by name, or defined here."""
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return sorted({*reexports(tree, package), *(name for name in defined if not name.startswith("_"))})


@each_package
def test_all_is_the_list_of_public_names(name: str) -> None:
    package = importlib.import_module(name)
    assert sorted(package.__all__) == public_names(source_of(package), name)  # in which order, ruff says


@each_package
def test_every_name_of_all_is_the_object_of_the_module_it_comes_from(name: str) -> None:
    package = importlib.import_module(name)
    origins = reexports(source_of(package), name)
    for public in package.__all__:
        value = getattr(package, public)
        assert not isinstance(value, ModuleType)
        if public in origins:
            assert value is getattr(importlib.import_module(origins[public]), public)


@each_package
def test_every_name_of_all_is_listed(name: str) -> None:
    package = importlib.import_module(name)
    assert set(package.__all__) <= set(dir(package))
