from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ligeia.core import FormatError, InputError
from ligeia.formats import read_signal
from ligeia.signals import ArraySource, ImageSource

PIXELS = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)


@pytest.mark.parametrize("name", ["a.npy", "a.png", "a"])
def test_an_array_is_told_by_its_content(tmp_path: Path, name: str) -> None:
    with (tmp_path / name).open("wb") as file:
        np.save(file, PIXELS)
    signal = read_signal(tmp_path / name)
    assert isinstance(signal.source, ArraySource)
    assert np.array_equal(signal.values, PIXELS)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a"])
def test_an_image_is_told_by_its_content(tmp_path: Path, name: str) -> None:
    Image.fromarray(PIXELS).save(tmp_path / name, format="PNG")
    signal = read_signal(tmp_path / name)
    assert isinstance(signal.source, ImageSource)
    assert signal.source.format == "PNG"
    assert np.array_equal(signal.values, PIXELS)


@pytest.mark.parametrize("name", ["a.npy", "a.png"])
def test_the_alignment_reaches_the_grid(tmp_path: Path, name: str) -> None:
    if name == "a.npy":
        np.save(tmp_path / name, PIXELS)
    else:
        Image.fromarray(PIXELS).save(tmp_path / name)
    assert read_signal(tmp_path / name).grid.align == "centers"
    assert read_signal(tmp_path / name, align="corners").grid.align == "corners"


@pytest.mark.parametrize("name", ["a.npy", "a.png", "a.txt"])
def test_a_file_of_another_kind_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"to be, or not to be")
    with pytest.raises(FormatError, match=rf"{name}: "):
        read_signal(tmp_path / name)


def test_a_missing_file_a_directory_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_signal(tmp_path / "a.png")
    with pytest.raises(InputError, match="this is a directory"):
        read_signal(tmp_path)
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(InputError, match="the file is empty"):
        read_signal(tmp_path / "a.png")
