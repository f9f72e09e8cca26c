"""Sums of cosines: closed forms, and the samples themselves."""

import numpy as np
import pytest

from ligeia.physics._cosines import lowest_modes, refined, slope


def wave(size: int, k: int) -> np.ndarray:
    return np.cos(np.pi / 2 * k * ((2 * np.arange(size) + 1) / size))


@pytest.mark.parametrize("k", [0, 1, 6])
def test_a_product_of_cosines_is_continued_and_differentiated_exactly(k: int) -> None:
    def picture(rows: int, columns: int) -> np.ndarray:
        return (wave(rows, k)[:, None] * wave(columns, 3))[..., None]

    values = picture(7, 10)
    assert np.allclose(refined(values, 3), picture(21, 30), atol=1e-12)
    sines = np.sin(np.pi / 2 * k * ((2 * np.arange(7) + 1) / 7))
    expected = -np.pi / 2 * k * sines[:, None] * wave(10, 3)
    assert np.allclose(slope(values, 0)[..., 0], expected, atol=1e-11)
    assert np.allclose(slope(values, 0, 2), -((np.pi / 2 * k) ** 2) * values, atol=1e-10)
    assert np.allclose(slope(values, 1, 2), -((np.pi / 2 * 3) ** 2) * values, atol=1e-10)


def test_a_refined_sum_goes_through_the_samples_and_has_no_slope_across_the_border() -> None:
    values = np.random.default_rng(0).normal(size=(9, 1))
    fine = refined(values, 5)
    assert np.allclose(fine[2::5], values)
    dense = slope(refined(values, 999), 0)
    assert abs(dense[0, 0]) < 0.01 * np.abs(dense).max()


def test_the_lowest_modes_are_means_of_samples_times_normalized_cosines() -> None:
    values = np.random.default_rng(0).normal(size=(12, 9, 2))
    found = lowest_modes(values, (5, 4))
    for i in range(5):
        for j in range(4):
            mode = wave(12, i)[:, None] * wave(9, j) * np.sqrt(2.0) ** ((i > 0) + (j > 0))
            assert np.allclose(found[i, j], (values * mode[..., None]).mean(axis=(0, 1)))
