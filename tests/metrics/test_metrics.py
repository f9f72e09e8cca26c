"""Oracles: the definitions written out in NumPy float64, skimage's own loop over channels, scipy's kstest."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from scipy import ndimage, stats
from torch import Tensor

from ligeia.core import InputError, ShapeError
from ligeia.metrics import arcsine_distance, decibels, mean_squared_error, psnr, snr, ssim


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def similarity_by_hand(first: np.ndarray, second: np.ndarray, peak: float) -> float:
    """Eq. 13 of Wang et al. 2004 per channel, windows wholly inside the image, all in float64."""

    def average(values: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(values, 1.5, truncate=3.5, axes=(0, 1))[5:-5, 5:-5]

    x, y = first.astype(np.float64), second.astype(np.float64)
    mean_x, mean_y = average(x), average(y)
    # variances about an image-wide offset are the same, and lose no digits to it
    a, b = x - x.mean(), y - x.mean()
    mean_a, mean_b = average(a), average(b)
    variance_x, variance_y = average(a * a) - mean_a**2, average(b * b) - mean_b**2
    covariance = average(a * b) - mean_a * mean_b
    c_1, c_2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    luminance = (2 * mean_x * mean_y + c_1) / (mean_x**2 + mean_y**2 + c_1)
    return float((luminance * (2 * covariance + c_2) / (variance_x + variance_y + c_2)).mean())


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(0, 5))
def test_the_mean_squared_error_is_the_mean_of_squares(count: int, seed: int) -> None:
    a, b = noise(count, seed=seed), noise(count, seed=seed + 100)
    expected = np.mean((a.numpy().astype(np.float64) - b.numpy()) ** 2)
    assert mean_squared_error(a, b) == pytest.approx(expected, rel=1e-12)


def test_the_mean_squared_error_adds_up_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = noise(7, 11, 3), noise(7, 11, 3, seed=1)
    whole = mean_squared_error(a, b)
    monkeypatch.setattr("ligeia.metrics._metrics._PIECE", 10)
    assert mean_squared_error(a, b) == pytest.approx(whole, rel=1e-14)


def test_a_small_error_on_a_large_offset_survives_float32() -> None:
    a = torch.full((1000,), 2.0**20)
    assert mean_squared_error(a, a + 0.125) == 0.125**2


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (0.0, 65535.0), (250.0, 310.0)])
def test_psnr_is_its_definition_after_clipping_the_candidate_alone(low: float, high: float) -> None:
    reference = low + (high - low) * torch.rand(5, 40, 3, generator=torch.Generator().manual_seed(0))
    candidate = reference + 0.3 * (high - low) * noise(5, 40, 3)
    clipped = np.clip(candidate.numpy(), np.float32(low), np.float32(high)).astype(np.float64)
    error = np.mean((clipped - reference.numpy()) ** 2)
    assert psnr(reference, candidate, low=low, high=high) == pytest.approx(10 * math.log10((high - low) ** 2 / error))
    outside = reference + 10 * (high - low)
    assert psnr(reference, outside, low=low, high=high) == pytest.approx(
        psnr(reference, torch.full_like(reference, high), low=low, high=high)
    )


def test_psnr_of_an_equal_candidate_is_infinite_and_nothing_is_rounded() -> None:
    reference = torch.tensor([0.0, 0.5, 1.0])
    assert psnr(reference, reference, low=0.0, high=1.0) == math.inf
    assert psnr(reference, torch.tensor([0.0, 0.5, 7.0]), low=0.0, high=1.0) == math.inf
    assert psnr(reference, reference - torch.tensor([0.0, 1e-4, 0.0]), low=0.0, high=1.0) == pytest.approx(
        10 * math.log10(3 / 1e-8), abs=0.01
    )


@pytest.mark.parametrize(
    ("squared_error", "expected"), [(1.0, 0.0), (0.01, 20.0), (0.25, 6.020599913279624), (100.0, -20.0)]
)
def test_decibels_against_a_peak_of_one(squared_error: float, expected: float) -> None:
    assert decibels(squared_error, peak=1.0) == pytest.approx(expected, abs=1e-12)
    assert decibels(squared_error, peak=2.0) == pytest.approx(expected + 20 * math.log10(2))


def test_decibels_of_no_error_an_infinite_error_and_an_unknown_one() -> None:
    assert decibels(0.0, peak=1.0) == math.inf
    assert decibels(math.inf, peak=1.0) == -math.inf
    assert math.isnan(decibels(math.nan, peak=1.0))


@pytest.mark.parametrize("peak", [0.0, -1.0])
def test_a_peak_that_is_not_positive_is_refused(peak: float) -> None:
    with pytest.raises(InputError, match="the peak must be positive"):
        decibels(0.5, peak=peak)
    with pytest.raises(InputError, match="the peak must be positive"):
        psnr(torch.zeros(3), torch.zeros(3), low=0.0, high=peak)


def test_snr_is_the_ratio_of_powers() -> None:
    sound = noise(1000)
    candidate = sound + 0.01 * noise(1000, seed=1)
    a, b = sound.numpy().astype(np.float64), candidate.numpy().astype(np.float64)
    assert snr(sound, candidate) == pytest.approx(10 * math.log10((a**2).sum() / ((a - b) ** 2).sum()))
    assert snr(sound, 0.9 * sound) == pytest.approx(20.0, abs=1e-4)


def test_silence_scores_zero_decibels() -> None:
    sound = 1e-3 * noise(1000)
    assert snr(sound, torch.zeros(1000)) == pytest.approx(0.0, abs=1e-12)


def test_snr_at_its_ends() -> None:
    sound = noise(10)
    assert snr(sound, sound) == math.inf
    assert snr(torch.zeros(10), sound) == -math.inf
    assert snr(torch.zeros(10), torch.zeros(10)) == math.inf
    assert snr(sound, torch.full((10,), math.inf)) == -math.inf


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_is_that_of_the_paper(channels: int) -> None:
    a = torch.rand(30, 41, channels, generator=torch.Generator().manual_seed(0))
    b = (a + 0.1 * noise(30, 41, channels)).clamp(0, 1)
    expected = np.mean([similarity_by_hand(a.numpy()[..., c], b.numpy()[..., c], 1.0) for c in range(channels)])
    assert ssim(a, b, low=0.0, high=1.0) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e5])
def test_ssim_keeps_its_digits_on_a_large_offset(offset: float) -> None:
    a = (10 * torch.rand(30, 30, 1, generator=torch.Generator().manual_seed(0)) + offset).float()
    b = (a + noise(30, 30, 1)).clamp(offset, offset + 10)
    expected = similarity_by_hand(a.numpy()[..., 0], b.numpy()[..., 0], 10.0)
    assert ssim(a, b, low=offset, high=offset + 10) == pytest.approx(expected, abs=1e-5)


def test_ssim_is_one_where_images_agree_and_clips_the_candidate() -> None:
    image = torch.rand(11, 11, 2, generator=torch.Generator().manual_seed(0)).round()
    assert ssim(image, image, low=0.0, high=1.0) == pytest.approx(1.0)
    assert ssim(image, 5 * image - 2, low=0.0, high=1.0) == pytest.approx(1.0)


@pytest.mark.parametrize("shape", [(10, 40, 1), (40, 10, 3)])
def test_ssim_refuses_images_smaller_than_its_window(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ShapeError, match="SSIM needs at least 11 x 11 pixels"):
        ssim(torch.zeros(shape), torch.zeros(shape), low=0.0, high=1.0)


def test_metrics_take_a_prediction_that_carries_its_graph() -> None:
    a, b = torch.rand(12, 12, 1, generator=torch.Generator().manual_seed(0)), torch.zeros(12, 12, 1)
    c = b.clone().requires_grad_()
    assert psnr(a, c, low=0.0, high=1.0) == psnr(a, b, low=0.0, high=1.0)
    assert snr(c, a) == snr(b, a)
    assert ssim(a, c, low=0.0, high=1.0) == ssim(a, b, low=0.0, high=1.0)
    assert arcsine_distance(c) == arcsine_distance(b)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=50))
def test_the_arcsine_distance_is_the_statistic_of_the_kolmogorov_smirnov_test(samples: list[float]) -> None:
    measured = arcsine_distance(torch.tensor(samples))
    expected = stats.kstest(np.array(samples), stats.arcsine(loc=-1, scale=2).cdf).statistic
    assert measured == pytest.approx(expected, abs=1e-9)
    assert 0 <= measured <= 1


def test_a_sine_of_a_uniform_phase_is_arcsine_and_a_constant_is_not() -> None:
    phase = (torch.arange(10_000, dtype=torch.float64) + 0.5) / 10_000 * 2 * math.pi
    assert arcsine_distance(phase.sin().reshape(100, 100)) == pytest.approx(1 / 10_000, rel=1e-3)
    assert arcsine_distance(torch.zeros(50)) == pytest.approx(0.5)
    assert arcsine_distance(torch.ones(50)) == pytest.approx(1.0)


@pytest.mark.parametrize("piece", [1, 4 * 23 * 3 * 4, 1 << 22])
def test_ssim_in_bands_is_that_of_the_whole(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from skimage.metrics import structural_similarity

    generator = torch.Generator().manual_seed(0)
    first = torch.rand(37, 23, 3, generator=generator)
    second = first + 0.1 * torch.randn(37, 23, 3, generator=generator)
    expected = structural_similarity(
        first.double().numpy(),
        second.double().clamp(0, 1).numpy(),
        data_range=1.0,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    monkeypatch.setattr("ligeia.metrics._metrics._PIECE", piece)
    assert ssim(first, second, low=0.0, high=1.0) == pytest.approx(expected, abs=1e-12)
