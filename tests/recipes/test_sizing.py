"""The width of a network: from a quality, from a budget of bytes, or as asked."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.fft import idctn

from ligeia.core import InputError
from ligeia.experiments import camera
from ligeia.field import save
from ligeia.fitting import passes, psnr, snr
from ligeia.networks import NetworkConfig, SirenArchitecture
from ligeia.recipes import choose_size, fast, fit, num_coefficients, paper
from ligeia.recipes._sizing import bytes_of
from ligeia.signals import Signal, from_array


def of_coefficients(*shape: int, count: int, seed: int = 0) -> Signal:
    """Return a signal of ``count`` equal cosine coefficients, and no more."""
    random = np.random.default_rng(seed)
    coefficients = np.zeros(math.prod(shape))
    coefficients[random.choice(coefficients.size, count, replace=False)] = 1.0
    values = np.asarray(idctn(coefficients.reshape(shape), norm="ortho"))
    return from_array(values)


def file_bytes(signal: Signal, hidden_features: int, hidden_layers: int) -> int:
    siren = SirenArchitecture(hidden_features=hidden_features, hidden_layers=hidden_layers)
    return bytes_of(signal, NetworkConfig(siren, signal.grid.num_inputs, signal.num_channels))


def noise(*shape: int) -> Signal:
    return from_array(np.random.default_rng(0).uniform(size=shape))


def test_as_many_coefficients_are_counted_as_a_signal_was_made_of() -> None:
    # none is much smaller than another, so that a high quality takes them all
    assert num_coefficients(of_coefficients(90, 110, count=300), 90) == pytest.approx(300, abs=1)
    assert num_coefficients(of_coefficients(5000, count=70), 90) == pytest.approx(70, abs=1)


def test_the_counted_coefficients_give_the_quality_and_one_less_does_not() -> None:
    from scipy.fft import dctn

    signal = camera(size=64, align="centers")
    coefficients = np.asarray(dctn(signal.values[..., 0] / 255.0, norm="ortho"))
    order = np.argsort(np.abs(coefficients), axis=None)[::-1]
    for target in (25.0, 35.0):
        count = round(num_coefficients(signal, target))
        qualities = []
        for kept in (count, count - 1):
            part = np.zeros(coefficients.size)
            part[order[:kept]] = coefficients.ravel()[order[:kept]]
            error = np.asarray(idctn(part.reshape(64, 64), norm="ortho")) - signal.values[..., 0] / 255.0
            qualities.append(-10 * math.log10(np.square(error).mean()))
        assert qualities[0] >= target - 1e-3
        assert qualities[1] < target + 1e-3


def test_blocks_stand_for_a_signal_of_more_samples() -> None:
    # white noise has the same share of large coefficients everywhere
    small, large = noise(300, 300), noise(1100, 1000)
    expected = num_coefficients(small, 20) / 300**2
    assert num_coefficients(large, 20) / 1_100_000 == pytest.approx(expected, rel=0.02)


def test_more_decibels_take_as_many_features_or_more() -> None:
    signal = noise(500, 500)
    widths = [choose_size(signal, stop=psnr(target)).hidden_features for target in (8, 15, 20, 30, 60)]
    assert widths == sorted(widths)
    assert widths[0] == 256
    assert widths[-1] > 256


def test_the_weights_are_no_more_than_a_step_above_the_values_of_the_signal() -> None:
    size = choose_size(noise(500, 500), stop=psnr(100))
    assert 3 * (size.hidden_features - 32) ** 2 < 250_000


def test_a_small_signal_has_the_usual_width_at_any_quality() -> None:
    assert choose_size(camera(size=256, align="centers"), stop=psnr(60)).hidden_features == 256


def test_without_a_quality_or_a_budget_the_width_is_the_usual_one() -> None:
    for stop in (None, passes(3)):
        assert choose_size(noise(500, 500), stop=stop) == (256, "as usual")


def test_what_was_asked_for_wins_over_the_quality() -> None:
    assert choose_size(noise(500, 500), stop=psnr(60), hidden_features=17) == (17, "as asked")


def test_an_snr_takes_the_width_of_the_psnr_that_it_means() -> None:
    signal = noise(300_000)
    offset_db = signal.snr_offset_db()
    expected = choose_size(signal, stop=psnr(20 + offset_db)).hidden_features
    assert expected > 256
    assert choose_size(signal, stop=snr(20)).hidden_features == expected


@pytest.mark.parametrize("hidden_layers", [0, 1, 3])
@pytest.mark.parametrize("most_bytes", [900, 5_001, 40_000])
def test_a_file_is_as_large_as_its_budget_allows(tmp_path: Path, hidden_layers: int, most_bytes: int) -> None:
    signal = from_array(np.indices((9, 7, 3)).sum(axis=0))
    size = choose_size(signal, stop=None, most_bytes=most_bytes, network=SirenArchitecture(hidden_layers=hidden_layers))
    field = fit(signal, stop=passes(1), most_bytes=most_bytes, hidden_layers=hidden_layers)
    assert field.network.config.num_features == size.hidden_features
    num_bytes = save(field, tmp_path / "a.lig")
    assert num_bytes == file_bytes(signal, size.hidden_features, hidden_layers)
    assert num_bytes <= most_bytes < file_bytes(signal, size.hidden_features + 1, hidden_layers)


def test_a_budget_that_holds_no_network_is_refused_with_the_least() -> None:
    signal = noise(8, 8)
    least = file_bytes(signal, 1, 3)
    assert choose_size(signal, stop=None, most_bytes=least).hidden_features == 1
    for most_bytes in (least - 1, 0, -5):
        with pytest.raises(InputError, match=f"takes {least} bytes at least, {most_bytes} were asked for"):
            choose_size(signal, stop=None, most_bytes=most_bytes)


def test_a_budget_bounds_what_a_quality_needs() -> None:
    signal = noise(500, 500)
    wanted = choose_size(signal, stop=psnr(40))
    assert choose_size(signal, stop=psnr(40), most_bytes=100_000) == choose_size(signal, stop=None, most_bytes=100_000)
    assert choose_size(signal, stop=psnr(40), most_bytes=100_000_000) == wanted


def test_a_width_that_a_budget_does_not_hold_is_refused() -> None:
    with pytest.raises(InputError, match=r"a field of 256 hidden features takes 7.* more than the 1000 asked for"):
        choose_size(noise(8, 8), stop=None, hidden_features=256, most_bytes=1000)
    assert choose_size(noise(8, 8), stop=None, hidden_features=8, most_bytes=10_000).hidden_features == 8


def test_a_given_configuration_is_not_widened_by_a_quality() -> None:
    signal = noise(500, 500)
    stop = psnr(40) | passes(0.001)
    wide = fit(signal, stop=stop)
    assert wide.network.config.max_width > 256
    for configuration in (fast(), paper()):
        kept = fit(noise(20, 20), stop=psnr(3) | passes(1), configuration=configuration)
        assert kept.network.config.num_features == 256
