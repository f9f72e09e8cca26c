"""Every command takes the common options."""

from pathlib import Path

import pytest

from ligeia.cli import run

GOLDEN = Path(__file__).parents[1] / "golden" / "version_1_image.lig"


@pytest.mark.parametrize(
    "words",
    [
        ["info", str(GOLDEN)],
        ["compare", str(GOLDEN), str(GOLDEN)],
        ["render", str(GOLDEN)],
        ["decode", str(GOLDEN)],
        ["export", str(GOLDEN)],
    ],
)
def test_a_command_takes_the_common_options(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = {"render": "a.png", "decode": "a.png", "export": "a.safetensors"}.get(words[0])
    output = [] if name is None else ["-o", str(tmp_path / name)]
    assert run([*words, *output, "--seed", "3", "--device", "cpu", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


COMMANDS = [
    "fit",
    "compress",
    "render",
    "decode",
    "compare",
    "info",
    "export",
    "import",
    "demo",
    "paper",
    "bench",
    "poisson",
    "blend",
    "solve helmholtz",
    "solve inversion",
    "solve wave",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_one_screen_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert f"Example: ligeia {command}" in text
    assert len(text.splitlines()) <= 45
    assert max(map(len, text.splitlines())) <= 80
