"""One idea per file: at most 600 lines in a file and 60 in a function.

A function is counted from its docstring to its end: the signature of a command is its table of options.
"""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "ligeia"
SOURCES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_has_at_most_600_lines_and_its_functions_60(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 600
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.body[0].lineno + 1 <= 60, f"{node.name} at line {node.lineno}"


def test_the_file_that_holds_the_loop_fits_in_160_lines() -> None:
    assert len((PACKAGE / "fitting" / "_loop.py").read_text().splitlines()) <= 160
