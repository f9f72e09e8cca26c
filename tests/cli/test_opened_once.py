"""How often commands open their input and decode a field, seen by the hooks of Python itself."""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from ligeia.cli import run
from ligeia.codec import _files as _read

COUNTED: list[Counter[str]] = []


def _count(event: str, arguments: tuple[object, ...]) -> None:
    if COUNTED and event == "open" and isinstance(arguments[0], (str, Path)):
        COUNTED[-1][Path(arguments[0]).name] += 1


sys.addaudithook(_count)  # for good: a hook cannot be taken away


@pytest.fixture
def opens() -> Iterator[Counter[str]]:
    """Return how often each file was opened, by its name."""
    COUNTED.append(Counter())
    yield COUNTED[-1]
    COUNTED.pop()


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the sizes of the containers that were decoded."""
    sizes: list[int] = []

    def counting(data: bytes) -> object:
        sizes.append(len(data))
        return decode(data)

    decode = _read.decode
    monkeypatch.setattr(_read, "decode", counting)
    return sizes


def picture(path: Path) -> None:
    pixels = np.arange(12 * 16 * 3, dtype=np.uint16).reshape(12, 16, 3)
    if path.suffix == ".tif":
        tifffile.imwrite(path, pixels, photometric="rgb")
    else:
        Image.fromarray(pixels.astype(np.uint8)).save(path)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.gif", "a"])
def test_a_picture_is_opened_once_to_be_fitted(name: str, here: Path, opens: Counter[str]) -> None:
    given = here / (name if "." in name else "a.png")
    picture(given)
    given.replace(here / name)
    opens.clear()
    assert run(["fit", name, "-o", "b.lig", "--passes", "1", "--hidden-features", "8", "--quiet"]) == 0
    assert opens[name] == 1


@pytest.mark.fits
@pytest.mark.parametrize("lossless", [False, True])
def test_a_field_is_opened_and_decoded_once(
    lossless: bool, here: Path, opens: Counter[str], decoded: list[int]
) -> None:
    picture(here / "a.png")
    wanted = ["--lossless"] if lossless else ["--bytes", "300"]
    assert run(["compress", "a.png", "-o", "b.lig", *wanted, "--effort", "1", "--quiet"]) == 0
    for command in ("decode", "render"):
        if command == "render" and lossless:
            continue  # of the field alone, with a warning
        opens.clear()
        decoded.clear()
        assert run([command, "b.lig", "-o", "c.png", "--quiet"]) == 0
        assert (opens["b.lig"], len(decoded)) == (1, 1), command
