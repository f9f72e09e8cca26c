"""One idea per file: at most 600 lines in a file of Python or C++, and 60 in a function of Python.

A function is counted from its docstring to its end: the signature of a command is its table of options.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "src" / "ligeia"
SOURCES = sorted(PACKAGE.rglob("*.py"))


def too_long(path: Path) -> Iterator[str]:
    """Yield what of a file is too long, and how long it is."""
    text, name = path.read_text(), path.relative_to(PACKAGE)
    if (num_lines := len(text.splitlines())) > 600:
        yield f"{name} has {num_lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            if (num_lines := node.end_lineno - node.body[0].lineno + 1) > 60:
                yield f"{name}, line {node.lineno}: {node.name} has {num_lines} lines"


def test_a_file_has_at_most_600_lines_and_its_functions_60() -> None:
    assert [each for path in SOURCES for each in too_long(path)] == []


def num_parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of parameters of a function, but 0 of a command, whose options they are."""
    if "typer.Option" in ast.unparse(node.args):
        return 0
    names = [each.arg for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return len(names) - (names[:1] == ["self"])


def test_a_function_that_is_not_a_command_has_at_most_10_parameters() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}: {node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and num_parameters(node) > 10
    ]
    assert found == []


def test_a_file_of_the_compiled_kernels_has_at_most_600_lines_and_its_lines_120_characters() -> None:
    sources = [path for path in (PACKAGE / "kernels" / "native").rglob("*") if path.suffix in (".cpp", ".h")]
    assert sources
    for path in sources:
        lines = path.read_text().splitlines()
        assert len(lines) <= 600, path.name
        assert max(map(len, lines)) <= 120, path.name


def test_the_file_that_holds_the_loop_fits_in_160_lines() -> None:
    assert len((PACKAGE / "fitting" / "_loop.py").read_text().splitlines()) <= 160
