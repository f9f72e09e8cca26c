"""Enlargement: its operators against dense algebra and Pillow, its tiles, and its files as a user sees them."""

import dataclasses
import json
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import skimage.data
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from ligeia.cli import run
from ligeia.core import InputError
from ligeia.enlargement import (
    KERNELS,
    Downsampling,
    TileSettings,
    check_enlarged_output,
    downsampled,
    enlarge,
    make_consistent,
    write_enlarged,
)
from ligeia.enlargement._consistency import room_for
from ligeia.enlargement._tiles import _window, all_tiles
from ligeia.field import Field
from ligeia.formats import read_signal
from ligeia.signals import Bicubic, Box, Footprint, Gaussian, from_array

QUICK = TileSettings(steps=12, num_tilings=1, hidden_features=16)
RANDOM = np.random.default_rng(0)


def dense(way: Downsampling) -> np.ndarray:
    return way.shrink(np.eye(way.fine))


def test_a_mean_over_pixels_is_pillows() -> None:
    pixels = skimage.data.camera()
    for scale in (2, 3, 4):
        cut = pixels[: 512 // scale * scale, : 512 // scale * scale]
        ways = [Downsampling(len(cut), len(cut) // scale, Box())] * 2
        found = downsampled(cut[..., None].astype(np.float32), ways)[..., 0]
        assert np.abs(found - np.asarray(Image.fromarray(cut).reduce(scale))).max() <= 0.56


def test_a_bicubic_reduction_is_pillows() -> None:
    pixels = skimage.data.camera().astype(np.float32)
    for rows, columns in ((256, 128), (171, 200)):
        ways = [Downsampling(512, rows, Bicubic()), Downsampling(512, columns, Bicubic())]
        wanted = Image.fromarray(pixels).resize((columns, rows), Image.Resampling.BICUBIC)
        assert_allclose(downsampled(pixels[..., None], ways)[..., 0], np.asarray(wanted), atol=2e-2)


@pytest.mark.parametrize("footprint", [Box(), Bicubic(), Gaussian(0.4)])
@pytest.mark.parametrize(("fine", "coarse"), [(24, 12), (30, 10), (32, 8), (27, 17), (9, 9)])
def test_the_least_norm_way_back_is_the_pseudo_inverse(footprint: Footprint, fine: int, coarse: int) -> None:
    way = Downsampling(fine, coarse, footprint)
    assert_allclose(dense(way).sum(axis=1), 1)
    assert_allclose(way.least_norm(np.eye(coarse)), np.linalg.pinv(dense(way)), atol=1e-9)


def test_what_is_made_consistent_moves_no_farther_than_it_must() -> None:
    ways = [Downsampling(12, 6, Bicubic()), Downsampling(15, 5, Box())]
    values, wanted = RANDOM.random((12, 15, 2)).astype(np.float32), RANDOM.random((6, 5, 2)).astype(np.float32)
    moved = values.copy()
    make_consistent(moved, wanted, ways)
    assert_allclose(downsampled(moved, ways), wanted, atol=1e-5)
    operator = np.kron(dense(ways[0]), dense(ways[1]))
    for channel in range(2):
        missing = wanted[..., channel].ravel() - operator @ values[..., channel].ravel()
        nearest = values[..., channel].ravel() + np.linalg.pinv(operator) @ missing
        assert_allclose(moved[..., channel].ravel(), nearest, atol=1e-5)


def test_a_result_larger_than_memory_allows_is_a_map_of_a_file() -> None:
    assert not isinstance(room_for((10, 10)), np.memmap)
    large = room_for((1 << 13, 1 << 13, 2))
    assert isinstance(large, np.memmap)
    large[-1, -1] = 3.0
    assert large[-1, -1, 0] == 3


@pytest.mark.parametrize(
    ("lattice", "scales"),
    [((150, 233), (2.0, 2.0)), ((9, 700), (1.7, 1.7)), ((40, 60, 50), (4.0, 1.0, 1.0)), ((8, 8), (3.0, 3.0)), ((9000,), (2.0,))],  # noqa: E501
)  # fmt: skip
def test_the_weights_of_tiles_make_one_everywhere(lattice: tuple[int, ...], scales: tuple[float, ...]) -> None:
    shape = tuple(round(size * scale) for size, scale in zip(lattice, scales, strict=True))
    scales = tuple(new / old for new, old in zip(shape, lattice, strict=True))
    total = np.zeros(shape)
    tiles = all_tiles(lattice, scales, 3, 4096)
    assert [tile.number for tile in tiles] == list(range(len(tiles)))
    for tile in tiles:
        places, window = _window(tile, scales)
        total[np.ix_(*places)] += window
        sizes = [stop - start for start, stop in tile.ranges()]
        assert min(sizes) >= 3
        assert np.prod(sizes) < 12000
    assert_allclose(total, 3, atol=1e-5)


def test_an_enlargement_has_the_shape_asked_for_and_shrinks_to_what_was_given() -> None:
    pixels = skimage.data.astronaut()[100:130, 200:241]
    asked: list[tuple[float | None, tuple[int, int] | None, tuple[int, int]]]
    asked = [(2, None, (60, 82)), (1.7, None, (51, 70)), (None, (30, 99), (30, 99))]
    for scale, wanted, shape in asked:
        for kernel in (None, Bicubic()):
            source = from_array(pixels, channels=True)
            found = enlarge(source, scale=scale, shape=wanted, downscaled_by=kernel, settings=QUICK)
            assert found.shape == shape
            ways = [Downsampling(new, old, kernel or Box()) for new, old in zip(shape, (30, 41), strict=True)]
            assert np.abs(downsampled(found.values, ways) - pixels).max() < 0.01
            assert found.consistency < 0.01


@pytest.mark.fits
def test_an_enlarged_photograph_is_nearer_to_the_truth_than_interpolation() -> None:
    truth = skimage.data.astronaut()[60:188, 160:288]
    given = Image.fromarray(truth).reduce(2)
    found = enlarge(from_array(np.asarray(given), channels=True), scale=2, settings=TileSettings(num_tilings=1))

    def error(values: np.ndarray) -> float:
        return float(np.sqrt(np.mean((values[4:-4, 4:-4].astype(float) - truth[4:-4, 4:-4]) ** 2)))

    others = [error(np.asarray(given.resize((128, 128), how))) for how in (Image.BICUBIC, Image.LANCZOS)]  # type: ignore[attr-defined]
    assert error(found.values) < 0.95 * min(others)  # 0.45 dB


@pytest.mark.fits
def test_the_same_seed_gives_the_same_picture_on_any_number_of_threads() -> None:
    import torch

    signal = from_array(skimage.data.camera()[:70, :130])
    before = torch.get_num_threads()
    found = []
    for num_threads in (1, 2):
        torch.set_num_threads(num_threads)
        found.append(enlarge(signal, scale=2, settings=QUICK, seed=3).values)
    torch.set_num_threads(before)
    assert_array_equal(*found)
    assert (found[0] != enlarge(signal, scale=2, settings=QUICK, seed=4).values).any()


def test_arrays_of_any_number_of_axes_are_enlarged(tmp_path: Path) -> None:
    for shape in ((40,), (9, 10, 11), (8, 8, 8, 8)):
        array = RANDOM.random(shape).astype(np.float32)
        signal = from_array(array)
        found = enlarge(signal, scale=1.5, settings=QUICK)
        check_enlarged_output(signal, tmp_path / "a.npy")
        write_enlarged(tmp_path / "a.npy", found.values, found.channels, found.source)
        assert np.load(tmp_path / "a.npy").shape == found.shape
        assert found.shape == tuple(round(size * 1.5) for size in shape)
        assert found.consistency < 1e-2


@pytest.mark.parametrize(
    ("pixels", "asked", "wanted"),
    [
        (np.zeros((7, 20), np.uint8), {"scale": 2}, "expected at least 8 samples along each axis, got 7 x 20"),
        (np.zeros((8, 20), np.uint8), {"scale": 0.5}, "expected a scale of 1 or more, got 0.5; `ligeia render`"),
        (np.zeros((8, 20), np.uint8), {"scale": float("nan")}, "expected a scale of 1 or more, got nan"),
        (np.zeros((8, 20), np.uint8), {"shape": (16, 19)}, "expected at least the given 8 x 20 samples, got 16 x 19"),
        (np.zeros((8, 20), np.uint8), {"shape": (16,)}, "expected 2 sizes, got 1"),
        (np.zeros((8, 20), np.uint8), {}, "either the scale of an enlargement or its shape"),
    ],
)  # fmt: skip
def test_what_cannot_be_enlarged_is_refused(pixels: np.ndarray, asked: dict[str, float], wanted: str) -> None:
    with pytest.raises(InputError, match=wanted):
        enlarge(from_array(pixels), **asked)  # type: ignore[arg-type]


def test_samples_that_are_missing_are_refused() -> None:
    array = np.ma.masked_equal(RANDOM.integers(0, 9, (10, 10)), 3)
    with pytest.raises(InputError, match="samples that all have a value"):
        enlarge(from_array(array), scale=2)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    photo = skimage.data.chelsea()[100:140, 100:150]
    Image.fromarray(photo).save("rgb.png")
    alpha = np.full((40, 50, 1), 255, np.uint8)
    alpha[:20], alpha[:, :10] = 100, 0
    Image.fromarray(np.concatenate([photo, alpha], axis=2)).save("rgba.png")
    (tmp_path / "deep.png").write_bytes(imagecodecs.png_encode(photo[..., 0].astype(np.uint16) * 257 + 3))
    Image.fromarray(photo).quantize(20).save("palette.png")
    Image.fromarray(photo[..., 0] > 100).save("bits.png")
    Image.fromarray(photo).convert("CMYK").save("print.tif")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "mode"),
    [("rgb", "RGB"), ("rgba", "RGBA"), ("deep", "I;16"), ("palette", "RGB"), ("bits", "L")],
)
def test_the_command_enlarges_every_kind_of_picture(
    name: str, mode: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ligeia.enlargement._tiles.TileSettings", lambda: QUICK)
    assert run(["enlarge", f"{name}.png", "-o", "large.png", "--scale", "100x60", "--json"]) == 0
    said = capsys.readouterr()
    result = json.loads(said.out)
    assert result["shape"] == [60, 100]
    with Image.open("large.png") as image:
        assert (image.size, image.mode) == ((100, 60), mode)
    if name == "bits":  # a new pixel shared by a black and a white one cannot suit both
        return
    assert result["consistency"] <= 0.6
    given, found = read_signal(folder / f"{name}.png"), read_signal(folder / "large.png")
    values = [each.values.astype(np.float64) for each in (given, found)]
    if name == "rgba":
        values = [each[..., :3] * each[..., 3:] / 255 for each in values]
    ways = [Downsampling(60, 40, Box()), Downsampling(100, 50, Box())]
    assert np.abs(downsampled(values[1].astype(np.float32), ways) - values[0]).max() < 1.6


def test_transparent_places_do_not_bleed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[:, 8:] = (200, 40, 40, 255)
    pixels[:, :8, :3] = (0, 255, 0)  # green that nobody sees
    Image.fromarray(pixels).save(folder / "half.png")
    found = enlarge(read_signal(folder / "half.png"), scale=2, settings=dataclasses.replace(QUICK, steps=200)).values
    seen = found[..., 3] > 128
    assert np.abs(found[..., 1][seen] - 40).max() < 60


REFUSED = [
    ("enlarge rgb.png -o x.png --scale 0.5", "expected a scale of 1 or more, got 0.5"),
    ("enlarge rgb.png -o x.png --scale two", "a factor such as 2 or 1.7"),
    ("enlarge rgb.png -o x.png --scale 3x", "a factor such as 2 or 1.7|a shape such as"),
    ("enlarge rgb.png -o x.png", "expected the scale: --scale 2"),
    ("enlarge rgb.png -o x.mp3 --scale 2", "x.mp3: expected the ending of an image or .npy"),
    (
        "enlarge rgb.png -o x.png --scale 2 --downscaled-by nearest",
        "one of box, bicubic, unknown, got 'nearest'",
    ),
    ("enlarge none.png -o x.png --scale 2", "none.png: no such file"),
    ("enlarge rgb.png -o rgb.png --scale 2", "rgb.png: the output would overwrite an input"),
    ("enlarge rgba.png -o x.jpg --scale 2", "x.jpg: a JPEG cannot hold the alpha channel"),
    ("enlarge rgb.png -o x.png --scale 2 --moving", "--moving does not apply to a single picture; leave it out"),
    ("enlarge rgb.png -o x.png --scale 2 --inexact", "--inexact does not apply to a single picture"),
    (
        "enlarge rgb.png rgb.png -o x.png --scale 2 --downscaled-by box",
        "--downscaled-by does not apply to several exposures",
    ),
    ("enlarge rgb.png -o x.nii --scale 2 --isotropic", "--scale does not apply to volumes"),
    ("enlarge rgb.png -o x.png --isotropic", "x.png: expected a volume's ending, .nii, .nii.gz or .npy"),
    ("enlarge rgb.png -o x.nii --isotropic --slice-profile flat", "one of box, gaussian, got 'flat'"),
    ("enlarge rgb.png rgba.png -o x.png --scale 2", "expected frames of one camera"),
]


@pytest.mark.parametrize(("command", "wanted"), REFUSED)
def test_bad_input_is_one_line_and_status_2(
    command: str, wanted: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import re

    before = sorted(folder.iterdir())
    assert run(command.split()) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert re.search(wanted, said.err)
    assert sorted(folder.iterdir()) == before


def test_every_kernel_has_a_name() -> None:
    assert {*KERNELS} == {"box", "bicubic", "unknown"}
    assert all(isinstance(kernel, Footprint) for kernel in KERNELS.values())
    assert not any(isinstance(kernel, Field) for kernel in KERNELS.values())
