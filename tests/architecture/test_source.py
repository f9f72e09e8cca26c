"""What no source file does, read from its syntax tree."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "src" / "ligeia"
TREES = {path.relative_to(PACKAGE): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}
BUILTINS = {"print", "input", "breakpoint", "exec", "eval"}
GLOBAL_SEEDS = {"torch.manual_seed", "torch.seed", "torch.cuda.manual_seed", "random.seed"}


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


def test_annotations_are_values_not_text() -> None:
    offenders = [
        f"{path}, line {node.lineno}"
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if "annotations" in {alias.name for alias in node.names}
    ]
    assert offenders == [], "shape checks of a test run need annotations that are evaluated"


def test_nothing_is_hidden() -> None:
    offenders = [
        f"{path}: {name}"
        for path, tree in TREES.items()
        for name in called_names(tree)
        if name in BUILTINS | GLOBAL_SEEDS or name.endswith((".cuda", ".random.seed"))
    ]
    assert offenders == []


def test_every_public_callable_says_what_it_does() -> None:
    silent = [str(path) for path, tree in TREES.items() if not ast.get_docstring(tree)]
    assert silent == [], "a module starts with what it is for"
    assert [f"{path}: {each}" for path, tree in TREES.items() for each in undocumented(tree.body)] == []
