import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import structural_similarity

from ligeia.codec import with_samples, write_record
from ligeia.core import ShapeError
from ligeia.field import save, to_record
from ligeia.files import compare, open_field
from ligeia.fitting import passes
from ligeia.formats import read_signal
from ligeia.recipes import fit

RANDOM = np.random.default_rng(0)


def test_two_pictures_are_compared_as_numpy_does(tmp_path: Path) -> None:
    first = RANDOM.integers(0, 256, (16, 14, 3), dtype=np.uint8)
    second = np.clip(first + RANDOM.normal(0, 9, first.shape), 0, 255).astype(np.uint8)
    Image.fromarray(first).save(tmp_path / "a.png")
    Image.fromarray(second).save(tmp_path / "b.png")
    found = compare(tmp_path / "a.png", tmp_path / "b.png")
    error = np.mean((first.astype(float) - second) ** 2)
    assert found.mse == pytest.approx(error)
    assert found.psnr_db == pytest.approx(10 * math.log10(255**2 / error))
    # as in Wang et al. 2004, which the function's documentation says how to match
    wanted = structural_similarity(
        first, second, data_range=255, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert found.ssim == pytest.approx(wanted, abs=1e-4)
    assert found.shape == (16, 14)


def test_a_field_is_clipped_to_the_range_of_the_reference(tmp_path: Path) -> None:
    pixels = RANDOM.integers(0, 2, (12, 12), dtype=np.uint8) * 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    field = fit(tmp_path / "a.png", stop=passes(3), hidden_features=8)
    save(field, tmp_path / "a.lig")
    error = np.mean((field.sample().numpy()[..., 0].clip(0, 255).astype(float) - pixels) ** 2)
    found = compare(tmp_path / "a.png", tmp_path / "a.lig")
    assert found.psnr_db == pytest.approx(10 * math.log10(255**2 / error), abs=1e-4)
    assert field.report is not None
    assert found.psnr_db == pytest.approx(field.report.psnr_db, abs=1e-3)


@pytest.mark.parametrize("bits", [1, 4, 16])
def test_another_bit_depth_is_scaled_to_the_reference(bits: int, tmp_path: Path) -> None:
    coarse = RANDOM.integers(0, 2, (12, 12), dtype=np.uint8)  # black and white are in every depth
    Image.fromarray(coarse * 255).save(tmp_path / "a.png")
    match bits:
        case 1:
            Image.fromarray(coarse * 255).convert("1", dither=Image.Dither.NONE).save(tmp_path / "b.png")
        case 4:
            Image.fromarray(coarse * 255).save(tmp_path / "b.png", bits=4)
        case _:
            Image.fromarray(coarse.astype(np.uint16) * 65535).save(tmp_path / "b.png")
    assert compare(tmp_path / "a.png", tmp_path / "b.png").mse == 0
    assert compare(tmp_path / "b.png", tmp_path / "a.png").mse == 0


def test_signed_integers_of_two_depths_are_compared_as_they_are(tmp_path: Path) -> None:
    values = RANDOM.integers(-50, 50, (4, 5))
    np.save(tmp_path / "a.npy", values.astype(np.int16))
    np.save(tmp_path / "b.npy", (values // 2).astype(np.int32))
    found = compare(tmp_path / "a.npy", tmp_path / "b.npy")
    assert found.mse == pytest.approx(np.mean((values - values // 2) ** 2))


def test_equal_files_are_infinitely_close_and_small_ones_have_no_ssim(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", RANDOM.random((5, 40)))
    found = compare(tmp_path / "a.npy", tmp_path / "a.npy")
    assert (found.psnr_db, found.mse, found.ssim) == (math.inf, 0.0, None)


def test_a_lossless_file_is_compared_by_its_samples_and_its_field_is_warned_of(tmp_path: Path) -> None:
    picture, lossless = tmp_path / "a.png", tmp_path / "a.lig"
    Image.fromarray(RANDOM.integers(0, 256, (12, 14, 3), dtype=np.uint8)).save(picture)
    field = fit(picture, stop=passes(1), hidden_features=8, hidden_layers=1)
    write_record(with_samples(to_record(field), np.asarray(read_signal(picture).values)), lossless)
    assert compare(picture, lossless).psnr_db == compare(lossless, picture).psnr_db == math.inf
    with pytest.warns(UserWarning, match="a.lig is lossless: .*`ligeia decode` restores the samples"):
        open_field(lossless)


def test_other_shapes_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((4, 5)))
    np.save(tmp_path / "b.npy", np.zeros((5, 4)))
    with pytest.raises(ShapeError, match=r"b.npy: expected the shape \(4, 5, 1\) of .*a.npy, channels last,"):
        compare(tmp_path / "a.npy", tmp_path / "b.npy")
