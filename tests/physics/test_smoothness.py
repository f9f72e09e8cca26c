"""The prior against finite differences in float64, and what it does between samples."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ligeia import fitting
from ligeia.core import InputError, random_stream
from ligeia.field import Field
from ligeia.fitting import Values
from ligeia.networks import Siren, SirenArchitecture
from ligeia.physics import Smoothness, SmoothValues
from ligeia.recipes import fit, hold_out, hold_out_masked, smooth
from ligeia.signals import Channel, Missing, from_array

ROWS, COLUMNS = np.mgrid[0:24, 0:32]
PICTURE = np.rint(127 + 60 * np.sin(ROWS / 4 + 1) * np.cos(COLUMNS / 5) + 2.0 * COLUMNS).astype(np.uint8)


def new_field() -> Field:
    signal = from_array(np.zeros((5, 8, 2)), channels=True)
    network = Siren(2, 12, 1, 2, first_omega_0=3.0, hidden_omega_0=3.0, generator=random_stream(0, "test"))
    return Field(
        network, signal.grid, [Channel(name="a", low=-2.0, high=4.0), Channel(name="b", low=0.0, high=1.0)]
    ).double()


@pytest.mark.parametrize("order", [1, 2])
def test_the_penalty_is_the_mean_norm_of_differences_from_sample_to_sample(order: int) -> None:
    field = new_field()
    points = torch.from_numpy(np.random.default_rng(0).uniform(-0.9, 0.9, (40, 2)))
    steps = torch.tensor([2 / 5, 2 / 8], dtype=torch.float64)
    h = 1e-3

    def scaled(moved: torch.Tensor) -> torch.Tensor:
        return (field(moved) - torch.tensor([1.0, 0.5])) / torch.tensor([3.0, 0.5])

    def along(axis: int, side: float) -> torch.Tensor:
        offset = torch.zeros(2, dtype=torch.float64)
        offset[axis] = side * h * steps[axis]
        return offset

    if order == 1:
        parts = [(scaled(points + along(i, 1)) - scaled(points + along(i, -1))) / (2 * h) for i in (0, 1)]
    else:
        parts = [
            torch.stack(
                [a * b * scaled(points + along(i, a / 2) + along(j, b / 2)) for a in (1, -1) for b in (1, -1)]
            ).sum(dim=0)
            / h**2
            for i in (0, 1)
            for j in (0, 1)
        ]
    squares = torch.stack(parts).square().sum(dim=(0, 2))
    wanted = float(((squares + 1e-6).sqrt() - 1e-3).mean().detach())
    prior = Smoothness(total_variation=0.5) if order == 1 else Smoothness(hessian=0.5)
    assert float(prior(field, points).detach()) == pytest.approx(0.5 * wanted, rel=1e-4)
    both = Smoothness(total_variation=1.0, hessian=1.0)(field, points)
    assert float(both.detach()) > wanted


def test_a_batch_has_half_as_many_points_of_the_prior_and_the_same_ones_again() -> None:
    signal = from_array(PICTURE)
    objective = SmoothValues(Values(signal), Smoothness(hessian=0.1), seed=3)
    first, again, other = (objective.batch(np.arange(start, start + 9), torch.device("cpu")) for start in (0, 0, 9))
    assert first[2].shape == (5, 2)
    assert torch.equal(first[2], again[2])
    assert not torch.equal(first[2], other[2])
    assert objective.num_points == PICTURE.size


@pytest.mark.no_cover
@pytest.mark.parametrize("name", ["total_variation", "hessian"])
def test_a_prior_fills_gaps_closer_than_none(name: str) -> None:
    disk = np.where((ROWS - 10) ** 2 + (COLUMNS - 15) ** 2 < 49, 200.0, 60.0)
    noisy = disk + 8 * np.random.default_rng(0).normal(size=disk.shape)
    seen, gone = hold_out(from_array(noisy.astype(np.uint8)), 0.5, seed=1)
    assert gone is not None
    qualities = []
    for weight in (1e-9, 0.1):
        configuration = smooth(seen, Smoothness(**{name: weight}), SirenArchitecture(hidden_features=64))
        field = fit(seen, configuration=configuration, hidden_features=64, hidden_layers=2, stop=fitting.passes(200))
        qualities.append(gone.quality(field).psnr_db)
    assert qualities[1] > qualities[0] + 1.0


def test_a_mask_takes_out_what_is_bright_in_it() -> None:
    signal = from_array(PICTURE)
    mask = np.zeros((24, 32, 3), np.uint8)
    mask[2:5, 7:11] = 255
    mask[9, 9] = 30  # compression left it
    seen, gone = hold_out_masked(signal, from_array(mask, channels=True))
    assert seen.missing is not None
    assert np.array_equal(seen.missing.mask().reshape(24, 32), mask[..., 0] > 127)
    assert len(gone.indices) == 12
    already = replace(signal, missing=Missing.of(np.arange(24 * 32) < 70))
    both, _ = hold_out_masked(already, from_array(mask[..., 0]))
    assert both.missing is not None
    assert both.missing.num_missing == 70 + 12 - 0 - int((np.flatnonzero(mask[..., 0] > 127) < 70).sum())


def test_what_makes_no_mask_and_no_prior_is_refused() -> None:
    signal = from_array(PICTURE)
    with pytest.raises(InputError, match=r"expected a mask of 24 x 32 samples, .* got 32 x 24"):
        hold_out_masked(signal, from_array(np.ones((32, 24), np.uint8)))
    with pytest.raises(InputError, match="dark everywhere"):
        hold_out_masked(signal, from_array(np.zeros((24, 32), np.uint8)))
    with pytest.raises(InputError, match="bright everywhere"):
        hold_out_masked(signal, from_array(np.full((24, 32), 255, np.uint8)))
    for weights in ({}, {"hessian": -1.0}, {"total_variation": np.nan}):
        with pytest.raises(InputError, match="weights of 0 or more"):
            Smoothness(**weights)
