"""The window of a package is explicit: what it re-exports by name, and nothing else, is its ``__all__``."""

import ast
import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

SOURCE = Path(__file__).parents[2] / "src"
PACKAGES = sorted(".".join(path.parent.relative_to(SOURCE).parts) for path in (SOURCE / "ligeia").rglob("__init__.py"))


def source_of(package: ModuleType) -> ast.Module:
    """Return the window of a package: its stub, where names load at first use."""
    assert package.__file__ is not None
    path = Path(package.__file__)
    stub = path.with_suffix(".pyi")
    return ast.parse((stub if stub.exists() else path).read_text())


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


def test_all_is_the_list_of_public_names() -> None:
    found, wanted = {}, {}
    for name in PACKAGES:
        package = importlib.import_module(name)
        found[name] = sorted(package.__all__)  # in which order, ruff says
        wanted[name] = public_names(source_of(package), name)
    assert found == wanted


def test_every_name_of_all_is_the_object_of_the_module_it_comes_from() -> None:
    offenders = []
    for name in PACKAGES:
        package = importlib.import_module(name)
        origins = reexports(source_of(package), name)
        for public in package.__all__:
            value = getattr(package, public)
            origin = importlib.import_module(origins[public]) if public in origins else package
            if isinstance(value, ModuleType) or value is not getattr(origin, public):
                offenders.append(f"{name}.{public}")
    assert offenders == []


def test_every_name_of_all_is_listed() -> None:
    packages = [importlib.import_module(name) for name in PACKAGES]
    assert {each.__name__: set(each.__all__) - set(dir(each)) for each in packages} == {
        name: set() for name in PACKAGES
    }
