import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from ligeia.codec import with_samples, write_record
from ligeia.core import InputError
from ligeia.field import Field, to_record
from ligeia.files import decode, open_original, render
from ligeia.fitting import passes
from ligeia.formats import read_signal
from ligeia.recipes import fit
from ligeia.signals import Box, from_array

RANDOM = np.random.default_rng(0)


def bytes_of(*shape: int) -> np.ndarray:
    return RANDOM.integers(0, 256, shape, dtype=np.uint8)


def quick(source: Path | np.ndarray) -> Field:
    return fit(source, stop=passes(1), hidden_features=8, hidden_layers=1)


@pytest.fixture(scope="module")
def field() -> Field:
    return quick(bytes_of(8, 6, 3))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_decode_gives_back_the_kind_of_a_png(mode: str, tmp_path: Path) -> None:
    with Image.fromarray(bytes_of(6, 5, 4)) as image:
        image.convert("RGB").convert(mode).save(tmp_path / "a.png")
    assert decode(quick(tmp_path / "a.png"), tmp_path / "b.png") == (6, 5)
    with Image.open(tmp_path / "b.png") as image:
        assert (image.format, image.mode, image.size) == ("PNG", mode, (5, 6))


def test_decode_gives_back_sixteen_bits(tmp_path: Path) -> None:
    Image.fromarray(RANDOM.integers(0, 65536, (6, 5), dtype=np.uint16)).save(tmp_path / "a.png")
    field = quick(tmp_path / "a.png")
    decode(field, tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as image:
        assert image.mode == "I;16"
        assert_array_equal(np.asarray(image), field.sample()[..., 0].clamp(0, 65535).round().numpy())


def test_decode_gives_back_a_jpeg(tmp_path: Path) -> None:
    Image.fromarray(bytes_of(6, 5, 3)).save(tmp_path / "a.jpg")
    decode(quick(tmp_path / "a.jpg"), tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (5, 6))


def test_decode_gives_back_floats_of_a_tiff(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", RANDOM.normal(size=(6, 5)).astype(np.float32))
    field = quick(tmp_path / "a.tif")
    decode(field, tmp_path / "b.tif")
    again = tifffile.imread(tmp_path / "b.tif")
    assert again.dtype == np.float32
    assert_array_equal(again, field.sample()[..., 0].numpy())


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((9,), np.float32), ((6, 5), np.uint8), ((6, 5), ">f4"), ((4, 3, 6), np.float64), ((4, 5, 3), np.int16),
     ((2, 3, 4, 5), np.float32), ((4, 5, 1), np.uint16), ((5, 4), bool)],
)  # fmt: skip
def test_decode_gives_back_the_shape_and_dtype_of_an_array(shape: tuple[int, ...], dtype: Any, tmp_path: Path) -> None:
    array = (RANDOM.random(shape) * 200).astype(dtype)
    np.save(tmp_path / "a.npy", array)
    decode(quick(tmp_path / "a.npy"), tmp_path / "b.npy")
    again = np.load(tmp_path / "b.npy")
    assert (again.shape, again.dtype) == (array.shape, array.dtype)


def test_render_writes_the_field_as_an_array(field: Field, tmp_path: Path) -> None:
    path = tmp_path / "r.npy"
    assert render(field, path) == (8, 6)
    assert_array_equal(np.load(path), field.sample().numpy())
    assert render(field, path, shape=(3, 4)) == (3, 4)
    assert_array_equal(np.load(path), field.sample((3, 4), footprints=[Box()]).numpy())
    assert render(field, path, scale=0.5, region=[(2, 6), (0, 5)]) == (2, 2)
    part = field.sample((2, 2), region=[(2, 6), (0, 5)], footprints=[Box()])
    assert_array_equal(np.load(path), part.numpy())


def test_render_at_the_original_size_of_a_region_is_that_part_of_the_whole(field: Field, tmp_path: Path) -> None:
    path = tmp_path / "r.npy"
    assert render(field, path, region=[(2, 6), (1, 5)]) == (4, 4)
    assert_allclose(np.load(path), field.sample().numpy()[2:6, 1:5], rtol=0, atol=1e-3)


@pytest.mark.parametrize("quantity", ["gradient", "laplacian"])
def test_render_derivatives_agree_with_differences(quantity: Any, tmp_path: Path) -> None:
    field = quick(bytes_of(8, 6)).double()
    render(field, tmp_path / "q.npy", shape=(9, 7), quantity=quantity)
    points = torch.from_numpy(field.grid.resampled((9, 7)).points()).double()
    step, first, second = 1e-4, 0.0, 0.0
    with torch.no_grad():
        for axis in range(2):
            shift = torch.zeros(2, dtype=torch.float64)
            shift[axis] = step
            ahead, here, behind = (field(points + sign * shift) for sign in (1, 0, -1))
            first = first + ((ahead - behind) / (2 * step)) ** 2
            second = second + (ahead - 2 * here + behind) / step**2
    wanted = torch.as_tensor(first).sqrt() if quantity == "gradient" else torch.as_tensor(second)
    assert_allclose(np.load(tmp_path / "q.npy").reshape(-1, 1), wanted.numpy(), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("quantity", ["gradient", "laplacian"])
def test_pictures_of_derivatives_are_gray(field: Field, quantity: Any, tmp_path: Path) -> None:
    assert render(field, tmp_path / "q.png", scale=2, quantity=quantity) == (16, 12)
    with Image.open(tmp_path / "q.png") as image:
        assert (image.mode, image.size) == ("I;16", (12, 16))
        assert np.asarray(image).std() > 1000


def test_a_rendering_smaller_than_the_original_shows_no_moire(tmp_path: Path) -> None:
    # a plate of rings that get finer outwards: points of it, taken too far apart, show rings that are not there
    rows, columns = np.meshgrid(np.arange(96), np.arange(96), indexing="ij")
    rings = np.cos(0.016 * (rows**2 + columns**2)) * 100 + 128  # 3.0 radians from pixel to pixel at the far corner
    signal = from_array(rings.astype(np.uint8))
    field = fit(signal, stop=passes(60), hidden_features=64)
    assert field.report is not None
    assert field.report.psnr_db > 25
    render(field, tmp_path / "small.npy", shape=(24, 24))
    small = np.load(tmp_path / "small.npy")[..., 0]
    points = field.sample((24, 24)).numpy()[..., 0]
    wanted = rings.reshape(24, 4, 24, 4).mean(axis=(1, 3))
    outer = (slice(14, None), slice(14, None))  # where four pixels hold a ring and more: they should be gray
    assert np.abs(wanted[outer] - 128).max() < 40
    assert np.sqrt(np.mean((small - wanted) ** 2)) < 8
    assert points[outer].std() > 4 * small[outer].std()


def test_a_field_of_means_is_decoded_to_means(tmp_path: Path) -> None:
    array = bytes_of(12, 10)
    signal = from_array(array)
    averaged = dataclasses.replace(signal, grid=signal.grid.with_footprints([Box()]))
    field = fit(averaged, stop=passes(100), hidden_features=48)
    decode(field, tmp_path / "again.npy")
    means = field.sample(footprints=[Box()]).numpy()[..., 0]
    assert_array_equal(np.load(tmp_path / "again.npy"), np.rint(means.clip(0, 255)))
    assert np.abs(field.sample().numpy()[..., 0] - means).max() > 5


def test_a_picture_of_one_axis_or_three_is_refused(tmp_path: Path) -> None:
    for shape in ((9,), (3, 4, 5)):
        field = quick(RANDOM.random(shape))
        for write in (render, decode):
            with pytest.raises(InputError, match=f"a picture needs 2 axes, this sampling has {len(shape)}; "):
                write(field, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_shape_and_scale_together_are_refused(field: Field, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected the shape or the scale of a rendering, got both"):
        render(field, tmp_path / "a.png", shape=(4, 4), scale=2)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf"), 1e308])
def test_a_scale_that_gives_no_size_is_refused(field: Field, scale: float, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a scale above 0"):
        render(field, tmp_path / "a.png", scale=scale)


def lossless(source: Path, lig: Path) -> None:
    field = quick(source)
    write_record(with_samples(to_record(field), np.asarray(read_signal(source).values)), lig)


def pixels_of(path: Path) -> np.ndarray:
    if path.suffix == ".npy":
        return np.load(path)
    if path.suffix == ".tif":
        return tifffile.imread(path)
    with Image.open(path) as image:
        return np.asarray(image.convert("RGBA") if image.mode in ("P", "PA") else image)


def decode_exactly(source: Path, output: Path) -> None:
    lig = output.with_suffix(".lig")
    lossless(source, lig)
    field, exact = open_original(lig)
    assert exact is not None
    decode(field, output, exact=exact)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_lossless_png_comes_back_pixel_by_pixel(mode: str, orientation: int, tmp_path: Path) -> None:
    with Image.fromarray(bytes_of(9, 7, 4)) as image:
        exif = Image.Exif()
        exif[274] = orientation
        whole = image.convert("RGB").convert(mode) if mode != "RGBA" else image
        whole.save(tmp_path / "a.png", exif=exif, icc_profile=b"profile")
    decode_exactly(tmp_path / "a.png", tmp_path / "b.png")
    assert_array_equal(pixels_of(tmp_path / "a.png"), pixels_of(tmp_path / "b.png"))
    with Image.open(tmp_path / "a.png") as before, Image.open(tmp_path / "b.png") as after:
        assert (before.mode, before.getexif().get(274, 1), before.info.get("icc_profile")) == (
            after.mode,
            after.getexif().get(274, 1),
            after.info.get("icc_profile"),
        )


def test_lossless_sixteen_bits_palettes_with_alpha_and_cmyk_come_back(tmp_path: Path) -> None:
    deep = RANDOM.integers(0, 65536, (6, 5, 3), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "deep.tif", deep, photometric="rgb")
    tifffile.imwrite(tmp_path / "cmyk.tif", bytes_of(6, 5, 4), photometric="separated")
    np.save(tmp_path / "signed.npy", RANDOM.integers(-(2**31), 2**31 - 1, (6, 5), dtype=np.int32))
    with Image.fromarray(bytes_of(6, 5, 3)) as image:
        image.convert("P").save(tmp_path / "clear.png", transparency=3)
        image.convert("L").save(tmp_path / "gray.png", transparency=7)
    Image.fromarray(deep[..., 0]).save(tmp_path / "sixteen.png")
    for name in ("deep.tif", "cmyk.tif", "signed.npy", "clear.png", "sixteen.png"):
        decode_exactly(tmp_path / name, tmp_path / f"again-{name}")
        assert_array_equal(pixels_of(tmp_path / f"again-{name}"), pixels_of(tmp_path / name))
    decode_exactly(tmp_path / "gray.png", tmp_path / "again-gray.png")
    with Image.open(tmp_path / "gray.png") as before, Image.open(tmp_path / "again-gray.png") as after:
        assert_array_equal(np.asarray(before.convert("LA")), np.asarray(after))


@pytest.mark.parametrize("ending", ["jpg", "bmp"])
def test_an_ending_that_loses_samples_is_refused_and_nothing_written(ending: str, tmp_path: Path) -> None:
    Image.fromarray(RANDOM.integers(0, 65536, (6, 5), dtype=np.uint16)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="expected a file that keeps every sample"):
        decode_exactly(tmp_path / "a.png", tmp_path / f"b.{ending}")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.png", "b.lig"]


def test_a_file_of_a_field_alone_has_no_exact_samples(field: Field, tmp_path: Path) -> None:
    write_record(to_record(field), tmp_path / "a.lig")
    assert open_original(tmp_path / "a.lig")[1] is None
