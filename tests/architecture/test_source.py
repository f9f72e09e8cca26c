"""What no source file does, read from its syntax tree."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "ligeia"
SOURCES = sorted(PACKAGE.rglob("*.py"))
BUILTINS = {"print", "input", "breakpoint", "exec", "eval"}
GLOBAL_SEEDS = {"torch.manual_seed", "torch.seed", "torch.cuda.manual_seed", "random.seed"}

each_source = pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))


def called_names(tree: ast.Module) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def undocumented(body: list[ast.stmt], owner: str = "") -> Iterator[str]:
    """Yield public functions and classes, and public methods of public classes, without a docstring."""
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        setter = any(ast.unparse(decorator).endswith(".setter") for decorator in node.decorator_list)
        if not (ast.get_docstring(node) or setter):
            yield f"{owner}{node.name}, line {node.lineno}"
        if isinstance(node, ast.ClassDef):
            yield from undocumented(node.body, f"{node.name}.")


@each_source
def test_annotations_are_values_not_text(path: Path) -> None:
    imported = {
        alias.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
        for alias in node.names
    }
    assert "annotations" not in imported, "shape checks of a test run need annotations that are evaluated"


@each_source
def test_nothing_is_hidden(path: Path) -> None:
    names = called_names(ast.parse(path.read_text()))
    assert not names & BUILTINS
    assert not names & GLOBAL_SEEDS
    assert not {name for name in names if name.endswith((".cuda", ".random.seed"))}


@each_source
def test_every_public_callable_says_what_it_does(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "a module starts with what it is for"
    assert list(undocumented(tree.body)) == []
