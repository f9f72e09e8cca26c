"""Oracle: tifffile's own writer and reader."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from ligeia.core import InputError
from ligeia.files import decode, render
from ligeia.fitting import passes
from ligeia.formats import read_signal, read_stack, write_stack
from ligeia.recipes import fit

OPTIONS: list[dict[str, Any]] = [
    {},
    {"imagej": True, "metadata": {"axes": "ZYX"}},
    {"compression": "zlib"},
    {"tile": (16, 16)},
    {"bigtiff": True},
]


def values(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["u1", "u2", ">u2", "i2", "f4"])
@pytest.mark.parametrize(
    "options",
    [{}, {"imagej": True, "metadata": {"axes": "ZYX"}}, {"compression": "zlib"}, {"tile": (16, 16)}, {"bigtiff": True}],
)
def test_a_stack_is_an_array(options: dict[str, Any], dtype: str, tmp_path: Path) -> None:
    if options.get("imagej") and dtype == "i2":
        pytest.skip("ImageJ has no such numbers")
    wanted = values((5, 20, 30), dtype)
    tifffile.imwrite(tmp_path / "a.tif", wanted, photometric="minisblack", **options)
    signal = read_signal(tmp_path / "a.tif")
    assert [axis.name for axis in signal.grid.axes] == ["z", "y", "x"]
    assert signal.values.dtype == np.dtype(dtype).newbyteorder("=")
    assert np.array_equal(signal.values[..., 0], wanted)


def test_colors_and_more_axes_are_told_apart(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "rgb.tif", values((5, 20, 30, 3), "u1"), photometric="rgb")
    assert read_signal(tmp_path / "rgb.tif").values.shape == (5, 20, 30, 3)
    hyper = values((4, 2, 3, 20, 30), "u2")
    tifffile.imwrite(tmp_path / "hyper.tif", hyper, imagej=True, metadata={"axes": "TZCYX"})
    signal = read_signal(tmp_path / "hyper.tif")
    assert signal.grid.shape == (4, 2, 20, 30)
    assert np.array_equal(signal.values, np.moveaxis(hyper, 2, -1))


@pytest.mark.parametrize(("shape", "dtype"), [((5, 6, 7, 1), "<u2"), ((2, 5, 6, 7, 1), "<f4"), ((5, 6, 7, 3), "|u1")])
def test_a_stack_is_written_page_by_page(shape: tuple[int, ...], dtype: str, tmp_path: Path) -> None:
    wanted = values(shape, dtype)
    flat = wanted.reshape(-1, shape[-1]).astype(np.float32)
    pieces = [(0, 50, flat[:50]), (50, len(flat), flat[50:])]
    write_stack(tmp_path / "a.tif", shape, np.dtype(dtype), pieces)
    found = tifffile.imread(tmp_path / "a.tif")
    assert found.dtype == np.dtype(dtype)
    assert np.array_equal(found.reshape(shape), wanted)


def test_a_stack_comes_back_and_a_slice_of_it_is_a_picture(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", values((5, 12, 9), "u2"), photometric="minisblack")
    field = fit(tmp_path / "a.tif", stop=passes(1), hidden_features=8)
    assert decode(field, tmp_path / "b.tif") == (5, 12, 9)
    assert read_stack(tmp_path / "b.tif").values.dtype == np.uint16
    assert render(field, tmp_path / "c.tif", scale=2) == (10, 24, 18)
    assert read_stack(tmp_path / "c.tif").grid.shape == (10, 24, 18)
    render(field, tmp_path / "d.tif", region=[(2, 3), (0, 12), (0, 9)])
    assert read_signal(tmp_path / "d.tif").grid.shape == (12, 9)


def test_pages_of_different_sizes_are_refused(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(values((20, 30), "u1"))
        file.write(values((25, 30), "u1"))
    with pytest.raises(InputError, match=r"a.tif: expected one picture, this TIFF holds 2 pages"):
        read_signal(tmp_path / "a.tif")
