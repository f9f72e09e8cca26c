"""Footprints against integrals, closed forms and Pillow."""

import copy
import dataclasses
import math
import re

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from ligeia import fitting
from ligeia.core import InputError, ShapeError
from ligeia.field import Field
from ligeia.networks import Siren, SirenArchitecture
from ligeia.signals import (
    POINT,
    ArraySource,
    Axis,
    Bicubic,
    Box,
    Channel,
    Footprint,
    Gaussian,
    Grid,
    Profile,
    Signal,
    from_points,
)
from oracles.footprints import response
from support.sines import siren_of

ALL = [Box(), Box(1.7), Gaussian(0.4), Bicubic(), Profile((1.0, 2.0, 3.0, 2.0, 1.0), 2.0)]


@pytest.mark.parametrize("footprint", ALL)
def test_the_response_is_the_mean_of_a_wave(footprint: Footprint) -> None:
    frequency = np.linspace(-9, 9, 13)
    offsets, weights = footprint.nodes(4000)
    assert_allclose(np.cos(frequency[:, None] * offsets) @ weights, response(footprint, frequency), atol=4e-3)


@pytest.mark.parametrize("footprint", [POINT, *ALL])
@pytest.mark.parametrize("per_step", [1, 2, 3, 2.5])
def test_nodes_weigh_one_in_all_and_lie_evenly_on_both_sides(footprint: Footprint, per_step: float) -> None:
    offsets, weights = footprint.nodes(per_step)
    assert_allclose(weights.sum(), 1)
    assert_allclose(offsets, -offsets[::-1])
    assert_allclose(weights, weights[::-1])
    assert np.abs(offsets).max() <= footprint.reach


def test_two_nodes_a_step_are_the_centers_of_pixels_half_as_large() -> None:
    offsets, weights = Box().nodes(2)
    assert_allclose(offsets, [-0.25, 0.25])
    assert_allclose(weights, [0.5, 0.5])


def test_the_cubic_kernel_keeps_parabolas() -> None:  # Keys 1981: third-order convergence
    offsets, weights = Bicubic().nodes(2000)
    assert_allclose(weights @ offsets**2, 0, atol=1e-5)


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.nan, math.inf])
def test_lengths_are_above_zero(wrong: float) -> None:
    with pytest.raises(InputError, match="expected a width of a box above 0 steps"):
        Box(wrong)
    with pytest.raises(InputError, match="expected a standard deviation of a Gaussian above 0 steps"):
        Gaussian(wrong)


def test_a_profile_is_symmetric_and_finite() -> None:
    with pytest.raises(InputError, match="same on both sides"):
        Profile((1.0, 2.0))
    with pytest.raises(InputError, match="finite weights with a sum above 0"):
        Profile((1.0, math.nan, 1.0))
    with pytest.raises(InputError, match="finite weights with a sum above 0"):
        Profile(())


def wave(points: np.ndarray) -> np.ndarray:
    return np.sin(5 * points[..., 0] + 3 * points[..., 1])


def test_a_sampling_averages_a_function_over_its_cells() -> None:
    sampling = Grid.of((6, 9)).sampling().averaging([Box()], nodes_per_step=[40])
    values = wave(sampling.node_points_of(np.arange(54))).reshape(54, -1) @ sampling.node_weights()
    shrinkage = response(Box(), np.array([5 * 2 / 6, 3 * 2 / 9])).prod()  # the mean of a wave over a box is a wave
    assert_allclose(values, shrinkage * wave(Grid.of((6, 9)).points()), atol=1e-4)


def test_nodes_beyond_the_ends_are_at_the_ends_and_go_on_around_a_circle() -> None:
    ended = Grid((Axis(name="x", size=4),)).sampling().averaging([Box(3.0)], nodes_per_step=[1])
    assert_allclose(ended.node_points_of(np.array([0]))[:, 0], [-1, -0.75, -0.25])
    around = Grid((Axis(name="x", size=4, is_periodic=True),)).sampling().averaging([Box(3.0)], nodes_per_step=[1])
    assert_allclose(around.node_points_of(np.array([0]))[:, 0], [-1.25, -0.75, -0.25])


def test_a_grid_takes_one_footprint_for_all_axes_or_one_for_each() -> None:
    grid = Grid.of((2, 4))
    assert not grid.is_averaged
    assert grid.with_footprints([Box()]).footprints == (Box(), Box())
    assert grid.with_footprints([POINT, Box()]).is_averaged
    with pytest.raises(ShapeError, match="list"):
        grid.with_footprints([Box(), Box(), Box()])


def one_layer(seed: int) -> Field[Siren]:
    siren = SirenArchitecture(hidden_features=16, hidden_layers=0, omegas=10.0)
    return Field(siren.build(2, 1, generator=torch.Generator().manual_seed(seed)), Grid.of((8, 12)))


@pytest.mark.parametrize("footprint", ALL)
def test_the_mean_of_a_single_sine_layer_is_that_layer_with_smaller_waves(footprint: Footprint) -> None:
    field = one_layer(0)
    first, last = siren_of(field).linears()
    steps = np.array([2 / 8, 2 / 12])  # unit coordinates from sample to sample
    frequency = 10.0 * first.weight.detach().numpy() * steps
    with torch.no_grad():
        found = field.grid.sampling().averaging([footprint], nodes_per_step=[64])
        means = torch.cat([values for _, _, values in field.pieces(found)]).reshape(8, 12)
        last.weight.mul_(torch.from_numpy(response(footprint, frequency).prod(axis=1)))
        wanted = field.sample()[..., 0]
    inside = (slice(3, -3), slice(3, -3))  # of nothing that lies beyond the ends
    assert_allclose(means[inside], wanted[inside], atol=2e-3)


def of_means(field: Field[Siren], footprint: Footprint) -> Signal:
    """Return means of a one-layer field: by the closed form, that of the field with smaller waves."""
    first, last = siren_of(field).linears()
    frequency = 10.0 * first.weight.detach().numpy() * np.array([2 / 8, 2 / 12])
    downsampled = copy.deepcopy(field)
    with torch.no_grad():
        siren_of(downsampled).linears()[-1].weight.copy_(
            last.weight * torch.from_numpy(response(footprint, frequency).prod(axis=1))
        )
    return Signal(
        grid=field.grid.with_footprints([footprint]),
        values=downsampled.sample().numpy(),
        channels=(Channel(name="value", low=-1.0, high=1.0),),
        source=ArraySource(dtype="<f4"),
    )


def test_values_hold_a_field_to_means() -> None:
    field = one_layer(0)
    signal = of_means(field, Box(0.9))  # which stays within the domain
    exact = fitting.Values(signal, nodes_per_step=[16])
    as_points = fitting.Values(dataclasses.replace(signal, grid=field.grid))
    assert exact.quality(field).psnr_db > 80
    assert as_points.quality(field).psnr_db < 62
    indices = np.array([5, 40, 95])
    inputs, values = exact.batch(indices, torch.device("cpu"))
    assert inputs.shape == (3 * 15 * 15, 2)
    assert values.shape == (3, 1)
    assert float(exact.loss(field, (inputs, values)).detach()) < 1e-6


@pytest.mark.parametrize("footprint", [Box(), Bicubic()])  # the second has more places than a tile of the kernel
def test_fits_by_either_arithmetic_go_the_same_way(footprint: Footprint) -> None:
    from ligeia import kernels, recipes

    signal = of_means(one_layer(0), footprint)
    found = []
    for kernel in ("torch", "auto"):
        with kernels.using(kernel):
            field = recipes.fit(signal, stop=fitting.passes(20), hidden_features=16)
        assert field.report is not None
        found.append(field.report.psnr_db)
    assert found[0] == pytest.approx(found[1], abs=0.3)


def test_averages_at_places_of_their_own_are_those_on_a_grid() -> None:
    field = one_layer(0)
    signal = of_means(field, Box())
    on_grid = fitting.Values(signal)
    sampling = signal.grid.sampling().averaging([Box()])
    points = sampling.node_points_of(np.arange(96)).reshape(96, -1, 2)
    values = signal.scaled(signal.values.reshape(96, 1))
    averages = fitting.FootprintSamples(points, values, sampling.node_weights())
    assert averages.num_points == 96
    assert averages.quality(field).psnr_db == pytest.approx(on_grid.quality(field).psnr_db, abs=1e-3)
    batch = np.array([3, 17, 90])
    device = torch.device("cpu")
    losses = [float(each.loss(field, each.batch(batch, device)).detach()) for each in (on_grid, averages)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_scattered_samples_have_no_footprint() -> None:
    random = np.random.default_rng(0)
    points = from_points(random.random((20, 2)), random.random((20, 1)))
    averaged = Signal(
        grid=points.grid.with_footprints([Box()]),
        values=points.values,
        channels=points.channels,
        source=points.source,
        points=points.points,
    )
    with pytest.raises(InputError, match=re.escape("expected samples on a grid for footprints, got scattered ones")):
        fitting.Values(averaged)


def test_means_of_one_sine_layer_take_one_evaluation_for_each_sample() -> None:
    field = one_layer(3)
    sampling = field.grid.sampling().averaging([Box()], nodes_per_step=[5])
    assert field._averaged(sampling) is not None
    seen: list[int] = []
    forward = Field.forward

    def counted(self: Field, points: torch.Tensor) -> torch.Tensor:
        seen.append(len(points))
        return forward(self, points)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Field, "forward", counted)
        (piece,) = [values for _, _, values in field.pieces(sampling)]
    assert sum(seen) == 96  # instead of 96 * 25
    points = torch.from_numpy(sampling.node_points_of(np.arange(96)))
    with torch.no_grad():
        wanted = field(points).reshape(96, 25).mean(dim=1)
    assert_allclose(piece[:, 0], wanted, atol=2e-6)
    beyond = field.grid.sampling().averaging([Bicubic()])  # reaches beyond the ends
    assert field._averaged(beyond) is None
