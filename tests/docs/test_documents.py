"""Every block of code in the README runs, or says here why it does not."""

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from ligeia.cli import run
from ligeia.codec import ARCHITECTURES
from ligeia.formats import write_surface
from ligeia.shapes import level_set
from support.balls import ball_views, save_views

ROOT = Path(__file__).parents[2]
README, EQUATIONS, SURFACES, SCENES = (
    (ROOT / name).read_text() for name in ("README.md", "docs/equations.md", "docs/surfaces.md", "docs/scenes.md")
)
NOT_RUN = {
    "scripts/demo": "installs; its command, `ligeia demo`, is run in tests/cli",
    "scripts/test": "is what runs this test",
}


def blocks(language: str, text: str = README) -> list[str]:
    """Return the fenced blocks of a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to an empty folder with small, wide color photographs in it, and a mask."""
    monkeypatch.chdir(tmp_path)
    for name, left in (("photo", 100), ("source", 0), ("target", 150)):
        Image.fromarray(astronaut()[:240, left : left + 320]).resize((32, 24)).save(f"{name}.png")
    mask = Image.new("L", (32, 24))
    mask.paste(255, (8, 8, 20, 16))
    mask.save("mask.png")
    write_surface(Path("bunny.obj"), *ball())
    save_views(Path("photographs"), ball_views(6, size=12), "train")
    return tmp_path


def ball() -> tuple[np.ndarray, np.ndarray]:
    """Return vertices and faces of a ball around (0, 0, 1)."""
    found = level_set(lambda x: np.linalg.norm(x - [0, 0, 1], axis=1) - 0.5, [(-1, 1), (-1, 1), (0, 2)], 16)
    return found.vertices, found.faces


def test_every_block_of_the_readme_has_a_language_that_is_run_here() -> None:
    assert set(re.findall(r"```(\w+)\n", README)) == {"sh", "python"}


def test_the_python_blocks_of_the_readme_run_one_after_the_other(
    photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, object] = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    assert "psnr" in capsys.readouterr().out


@pytest.mark.no_cover
@pytest.mark.filterwarnings("ignore:.*Glyph:UserWarning")
def test_the_commands_of_the_readme_run_one_after_the_other(photo: Path) -> None:
    lines = [line.partition("#")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    for line in filter(None, lines):
        words = shlex.split(line)
        if words[0] in NOT_RUN:
            continue
        assert words[0] == "ligeia", line
        # half a minute of fitting shows no more here than half a second, and a fine mesh no more than a coarse one
        shortened = [{"30": "0.5", "60": "1", "512": "32", "300x400": "30x40"}.get(word, word) for word in words[1:]]
        shortened += {"poisson": ["--passes", "1"], "blend": ["--seconds", "0.5"]}.get(words[1], [])
        assert run(shortened) == 0, line
    assert {"photo.lig", "report.png", "large.png", "edges.png", "again.png"} <= {path.name for path in photo.iterdir()}


def test_the_page_of_networks_has_a_row_for_every_tag() -> None:
    page = (ROOT / "spec" / "networks.md").read_text()
    rows = re.findall(r"^\| (\d+) \| ([\w-]+) \|", page, flags=re.MULTILINE)
    tags = [(str(tag), cls.name) for tag, cls in ARCHITECTURES.items()]
    assert tags == [("1", "siren"), *rows]  # the page of the container has sine networks


def test_the_equation_of_the_page_on_equations_is_solved() -> None:
    names: dict[str, Any] = {}
    exec(compile("".join(blocks("python", EQUATIONS)), "equations.md", "exec"), names)
    time = np.linspace(-1, 1, 3)
    places = np.stack([time, np.full(3, 0.5)], axis=1)
    found = names["solved"].field.values_at(places.astype(np.float32))[:, 0]
    assert np.allclose(found, np.exp(-0.1 * np.pi**2 * (time + 1)), atol=1e-3)


@pytest.mark.no_cover
def test_the_python_of_the_page_on_surfaces_runs(photo: Path) -> None:
    names: dict[str, Any] = {}
    block = "".join(blocks("python", SURFACES)).replace("seconds(30)", "passes(1)")
    exec(compile(block, "surfaces.md", "exec"), names)
    distances = names["field"].physical(names["places"]).detach().numpy()[:, 0]
    assert np.allclose(distances, np.linalg.norm(names["places"].numpy() - [0, 0, 1], axis=1) - 0.5, atol=0.05)


@pytest.mark.no_cover
def test_the_page_on_scenes_runs(photo: Path) -> None:
    for line in "".join(blocks("sh", SCENES)).splitlines():
        words = shlex.split(line.partition("#")[0])
        shortened = [{"60": "2", "90": "3", "64": "16"}.get(word, word) for word in words[1:]]
        assert run(shortened) == 0, line
    names: dict[str, Any] = {}
    exec(compile("".join(blocks("python", SCENES)).replace("seconds(60)", "passes(1)"), "scenes.md", "exec"), names)
    assert names["view"].color.shape == (240, 320, 3)


@pytest.mark.parametrize(
    ("text", "folder"),
    [(README, ROOT), *((text, ROOT / "docs") for text in (EQUATIONS, SURFACES, SCENES))],
    ids=["readme", "equations", "surfaces", "scenes"],
)
def test_every_file_that_a_page_links_to_exists(text: str, folder: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("http")]
    assert [link for link in links if not (folder / link).exists()] == []
