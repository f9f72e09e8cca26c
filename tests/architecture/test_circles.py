"""Modules that import each other, directly or by way of others, late or for types alone: none but those named.

Imports of names from a package's window count as imports of the modules that they are of.
"""

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).parents[2] / "src"

REASONS = {
    (
        "ligeia.networks._architecture",
        "ligeia.networks._network",
    ): "torch is needed when a network is built, not before",
    (
        "ligeia.networks._siren",
        "ligeia.networks._siren_architecture",
    ): "the same, for the module that compiled code knows",
}
"""Circles that are allowed, by their modules in order."""

REASONS_OF_TYPES = {
    ("ligeia.signals._grid", "ligeia.signals._sampling"): "a sampling names its grid, which makes it",
}
"""Those of types alone."""


class Imports(NamedTuple):
    """The modules that each module imports."""

    when_run: dict[str, set[str]]
    """At the top or late, in a function."""
    for_types: dict[str, set[str]]
    """For the type checker alone."""


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(node: ast.AST, package: str, *, for_types: bool = False) -> Iterator[tuple[str, list[str], bool]]:
    """Yield each import below a node: a module, the names that are wanted of it, and whether for types alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, [], for_types) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            module = importlib.util.resolve_name("." * child.level + (child.module or ""), package)
            yield module, [alias.name for alias in child.names], for_types
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            yield from imports_of(child, package, for_types=True)
        else:
            yield from imports_of(child, package, for_types=for_types)


def all_imports(source: Path) -> Imports:
    paths = {module_name(path): path for path in source.rglob("*.py")}
    packages = {name for name, path in paths.items() if path.name == "__init__.py"}
    stubs = {module_name(path): path for path in source.rglob("*.pyi")}  # windows whose names load at first use
    found = {
        name: list(imports_of(ast.parse(path.read_text()), name if name in packages else name.rpartition(".")[0]))
        for name, path in (paths | stubs).items()
    }
    windows = {package: {each: module for module, names, _ in found[package] for each in names} for package in packages}

    def owner(module: str, name: str) -> str:
        """Return the module that a name of a module is of."""
        if f"{module}.{name}" in paths:
            return f"{module}.{name}"
        return owner(windows[module][name], name) if name in windows.get(module, {}) else module

    result = Imports({name: set() for name in paths}, {name: set() for name in paths})
    for name in paths.keys() - packages:  # a window imports all of its modules, and says nothing of their order
        for module, names, for_types in found[name]:
            wanted = {owner(module, each) for each in names} if names else {module}
            (result.for_types if for_types else result.when_run)[name] |= (wanted & paths.keys()) - packages - {name}
    return result


def circles(imports: dict[str, set[str]]) -> list[tuple[str, ...]]:
    """Return the groups of modules each of which reaches all others of its group (by Tarjan's algorithm of 1972)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[tuple[str, ...]] = []

    def visit(name: str) -> None:
        order[name] = lowest[name] = len(order)
        stack.append(name)
        for each in sorted(imports[name]):
            if each not in order:
                visit(each)
            if each in stack:
                lowest[name] = min(lowest[name], lowest[each])
        if lowest[name] == order[name]:
            start = stack.index(name)
            if len(stack) - start > 1:
                found.append(tuple(sorted(stack[start:])))
            del stack[start:]

    for name in sorted(imports):
        if name not in order:
            visit(name)
    return sorted(found)


def test_circles_are_found() -> None:
    imports = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": set(), "f": {"g", "e"}, "g": {"f"}}
    assert circles(imports) == [("a", "b", "c"), ("f", "g")]
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []


def test_late_imports_and_those_for_types_are_seen() -> None:
    found = all_imports(SOURCE / "ligeia")
    assert "ligeia.networks._network" in found.when_run["ligeia.networks._architecture"]  # late
    assert "ligeia.field._field" in found.when_run["ligeia.fitting._loop"]  # by way of the window of a package


def test_modules_import_each_other_for_a_reason_only() -> None:
    found = all_imports(SOURCE / "ligeia")
    assert circles(found.when_run) == sorted(REASONS)


def test_no_import_for_types_closes_a_circle() -> None:
    found = all_imports(SOURCE / "ligeia")
    both = {name: when_run | found.for_types[name] for name, when_run in found.when_run.items()}
    assert circles(both) == sorted(REASONS | REASONS_OF_TYPES)
