"""Rays through voxels. Oracles: the definition in float64, closed forms, finite differences, Adam as torch has it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from ligeia import kernels
from ligeia.core import InputError
from ligeia.kernels import EMPTY, HEAD, ROW, PixelRays, VoxelFit, VoxelGrid, contracted_cells, pixel_error, render_rays
from ligeia.kernels.scenes._reference import _samples, density_and_features, hits, largest_weights

LOW, HIGH = np.array([-1.0, -0.5, 2.0]), np.array([1.0, 1.2, 3.5])
BLUE = (0.1, 0.2, 0.7)


@pytest.fixture(params=kernels.available())
def path(request: pytest.FixtureRequest) -> Iterator[str]:
    with kernels.using(request.param):
        yield request.param


def voxels(seed: int = 0, *, is_contracted: bool = False) -> VoxelFit:
    """Return voxels of random numbers, of which a third is occupied."""
    rng = np.random.default_rng(seed)
    if is_contracted:
        cells = (16, 12, 8)
        occupied = (rng.random(cells) < 0.35) & contracted_cells(cells)
        grid = VoxelGrid(LOW, HIGH, occupied, scale=1.0, spacing=0.7, is_contracted=True)
    else:
        grid = VoxelGrid(LOW, HIGH, rng.random((7, 6, 5)) < 0.35, scale=2.0, spacing=0.7)
    return VoxelFit(
        grid,
        rng.normal(0, 0.2, grid.num_rows).astype(np.float32),
        rng.normal(0, 1, (grid.num_rows, ROW)).astype(np.float32),
        rng.normal(0, 5, HEAD).astype(np.float32),
    )


def rays(count: int = 60, seed: int = 1) -> PixelRays:
    """Return rays from places around the box towards it, and one that misses it."""
    rng = np.random.default_rng(seed)
    origin = rng.normal(0, 3, (count, 3))
    origin *= 4 / np.linalg.norm(origin, axis=1, keepdims=True)
    origin += (LOW + HIGH) / 2
    aims = LOW + (HIGH - LOW) * rng.random((count, 3))
    direction = aims - origin
    direction[0] *= -1
    sides = rng.normal(0, 0.1, (2, count, 3))
    return PixelRays(*(np.ascontiguousarray(each, np.float32) for each in (origin, direction, *sides)))


def in_float64(fit: VoxelFit) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    raw, features, head = fit._evaluated()
    return raw.double().requires_grad_(), features.double().requires_grad_(), head.double().requires_grad_()


@pytest.mark.parametrize("side", [1, 2])
@pytest.mark.parametrize("is_contracted", [False, True])
def test_pictures_are_those_of_the_definition(path: str, side: int, is_contracted: bool) -> None:
    fit = voxels(is_contracted=is_contracted)
    seen = fit.picture(rays(), side=side)
    raw, features, head = in_float64(fit)
    wanted = render_rays(fit.grid, raw, features, head, rays(), side=side)
    # far away, a distance is the inverse of what is rounded
    for found, expected, rtol in zip(seen, wanted, (0, 0, 2e-3 if is_contracted else 0), strict=True):
        assert_allclose(found, expected.detach(), rtol=rtol, atol=2e-5)
    if not is_contracted:
        assert not seen.opacity[0]
    assert 0.2 < seen.opacity[1:].mean() < 0.9


@pytest.mark.parametrize("background", [None, BLUE])
@pytest.mark.parametrize("key", [None, 7])
@pytest.mark.parametrize("is_contracted", [False, True])
def test_errors_and_gradients_are_those_of_the_definition(
    path: str, background: tuple[float, float, float] | None, key: int | None, is_contracted: bool
) -> None:
    fit = voxels(is_contracted=is_contracted)
    target = np.random.default_rng(2).random((60, 4), np.float32)
    how: dict[str, Any] = {"side": 2, "key": key}
    error = fit.gradient(rays(), target, background=background, **how)
    given = in_float64(fit)
    raw, features, head = given
    seen = render_rays(fit.grid, raw, features, head, rays(), **how)
    wanted = pixel_error(seen, torch.from_numpy(target).double(), background=background)
    wanted = wanted / (60 * (4 if background is None else 3))
    assert error == pytest.approx(float(wanted.detach()), rel=1e-5)
    for found, expected in zip(fit.gradients(), torch.autograd.grad(wanted, given), strict=True):
        assert_allclose(found, expected, atol=2e-5 * float(expected.abs().max()))


def test_equal_threads_give_equal_bits(path: str) -> None:
    target = np.random.default_rng(2).random((60, 4), np.float32)
    found = []
    for _ in range(2):
        fit = voxels()
        for key in range(3):
            fit.gradient(rays(), target, background=None, side=2, key=key)
            fit.step(0.03)
        found.append(fit.parameters)
    for one, other in zip(*found, strict=True):
        assert_array_equal(one, other)


def test_steps_are_those_of_adam_on_weights_that_have_a_gradient(path: str) -> None:
    fit = voxels()
    target = np.random.default_rng(2).random((60, 4), np.float32)
    before = [each.astype(np.float64) for each in fit.parameters]
    moments = [[np.zeros_like(each) for each in before] for _ in range(2)]
    for number in (1, 2, 3):
        fit.gradient(rays(count=60, seed=number), target, background=None)
        grads = [gain * each.astype(np.float64) for gain, each in zip((10, 1, 0.1), fit.gradients(), strict=True)]
        fit.step(0.03)
        for value, first, second, grad in zip(before, *moments, grads, strict=True):
            moved = (grad != 0) if value.ndim == 1 else (grad != 0).any(axis=1)
            first[moved] = 0.9 * first[moved] + 0.1 * grad[moved]
            second[moved] = 0.99 * second[moved] + 0.01 * grad[moved] ** 2
            step = 0.03 * first[moved] / (1 - 0.9**number)
            value[moved] -= step / (np.sqrt(second[moved] / (1 - 0.99**number)) + 1e-15)
    for found, expected in zip(fit.parameters, before, strict=True):
        assert_allclose(found, expected, atol=2e-3)  # where a gradient is rounding, so is its sign
        assert np.median(np.abs(found - expected)) < 1e-6


def test_the_definitions_gradient_is_that_of_finite_differences() -> None:
    fit = voxels()
    target = torch.from_numpy(np.random.default_rng(2).random((60, 4)))

    def error(raw: torch.Tensor, features: torch.Tensor, head: torch.Tensor) -> torch.Tensor:
        return pixel_error(render_rays(fit.grid, raw, features, head, rays(), side=1), target, background=None)

    given = in_float64(fit)
    grads = torch.autograd.grad(error(*given), given)
    for number, grad in enumerate(grads):
        towards = torch.from_numpy(np.random.default_rng(number).normal(size=grad.shape)) * 1e-6
        ends = [[each + sign * towards if i == number else each for i, each in enumerate(given)] for sign in (1, -1)]
        with torch.no_grad():
            slope = (error(*ends[0]) - error(*ends[1])) / 2
        assert float(slope) == pytest.approx(float((grad * towards).sum()), rel=1e-3)


def test_uniform_fog_takes_light_as_beer_and_lambert_say(path: str) -> None:
    grid = VoxelGrid(np.zeros(3), np.array([2.0, 1.0, 1.0]), np.ones((8, 4, 4), bool), scale=100.0, spacing=0.5)
    fit = VoxelFit(
        grid,
        np.full(grid.num_rows, EMPTY / 10, np.float32),  # as it is beyond, so that it is uniform
        np.ones((grid.num_rows, ROW), np.float32),
        np.zeros(HEAD, np.float32),
    )
    towards = PixelRays(
        *(np.array([each], np.float32) for each in ([-1, 0.4, 0.6], [2, 0, 0], [0, 0, 0], [0, 0, 0]))  # of any length
    )
    color, opacity, depth = fit.picture(towards)
    density = 100 * np.log1p(np.exp(EMPTY))
    assert opacity[0] == pytest.approx(1 - np.exp(-2 * density), abs=1e-3)
    assert_allclose(color[0], 1.5 * opacity[0], rtol=5e-3)  # features and half the opacity
    middle = 1 + 1 / density - 2 * np.exp(-2 * density) / (1 - np.exp(-2 * density))
    assert depth[0] / opacity[0] == pytest.approx(middle, abs=grid.step / 2)


def test_density_and_its_slope_are_continuous_across_cells() -> None:
    rng = np.random.default_rng(0)
    grid = VoxelGrid(np.zeros(3), np.full(3, 6.0), np.ones((6, 6, 6), bool), scale=1.0)
    raw = torch.from_numpy(rng.normal(size=grid.num_rows))
    features = torch.zeros(grid.num_rows, ROW, dtype=torch.float64)
    for side in (2.0, 2.5, 3.0):  # of a cell, and where the nearest corner is another
        places = torch.tensor([[side - 1e-9, 2.3, 2.7], [side + 1e-9, 2.3, 2.7]], dtype=torch.float64)
        places.requires_grad_()
        density, _ = density_and_features(grid, raw, features, places)
        (slopes,) = torch.autograd.grad(density.sum(), places)
        assert_allclose(density.detach()[0], density.detach()[1], atol=1e-7)
        assert_allclose(slopes[0], slopes[1], atol=1e-7)


def contracted(x: np.ndarray) -> np.ndarray:
    """Return places in contracted space: MERF, p. 4."""
    r = np.abs(x).max(axis=-1, keepdims=True)
    beyond = np.where(np.abs(x) == r, (2 - 1 / r) * np.sign(x), x / r)
    return np.where(r <= 1, x, beyond)


def test_samples_in_contracted_space_are_where_the_contraction_puts_them() -> None:
    grid = voxels(is_contracted=True).grid
    found = _samples(grid, rays(200), 1, 0, None, torch.float64)
    heading = found.heading.numpy()
    places = rays(200).origin[:, None] + found.distance.numpy()[..., None] * heading[:, None]
    quarter = (HIGH - LOW) / 4
    wanted = (contracted((places - (LOW + HIGH) / 2) / quarter) + 2) * grid.cells / 4
    seen = found.is_sample.numpy()
    assert seen.sum() > 1000
    assert_allclose(found.places.numpy()[seen], wanted[seen], atol=1e-9)
    assert found.distance[found.is_sample].max() > 50  # far beyond the box


def test_samples_in_contracted_space_are_at_equal_lengths_and_go_on_to_infinity() -> None:
    grid = voxels(is_contracted=True).grid
    cells = grid.cells
    full = VoxelGrid(LOW, HIGH, contracted_cells(cells), scale=1.0, spacing=0.7, is_contracted=True)
    found = _samples(full, rays(200), 1, 0, None, torch.float64)
    steps = (found.places.diff(dim=1) / torch.from_numpy(full.per_unit)).norm(dim=-1)
    both = found.is_sample[:, 1:] & found.is_sample[:, :-1]
    assert both[1:].sum(dim=1).min() > 8  # the first goes away from the box
    assert np.median(steps[both]) == pytest.approx(full.step)
    assert float((steps[both] - full.step).abs().gt(1e-9).double().mean()) < 0.2  # from one part to another
    half = (HIGH - LOW) / 4
    for number, heading in enumerate(found.heading.numpy()[1:], start=1):
        slope = heading / half
        axis = np.abs(slope).argmax()
        end = slope / abs(slope[axis])
        if np.sort(np.abs(end))[1] > 0.7:
            continue  # its last part may be shorter than a step
        end[axis] *= 2
        last = found.places[number][found.is_sample[number]][-1].numpy()
        assert np.linalg.norm((last / (np.array(cells) / 4) - 2 - end) * half) <= full.step


def test_pixels_that_see_no_occupied_cell_are_known(path: str) -> None:
    fit = voxels()
    found = fit.hits(rays(200), side=2)
    assert_array_equal(found, hits(fit.grid, rays(200), side=2))
    assert not found[0]
    assert found.sum() > 150
    assert not fit.picture(rays(200), side=2).opacity[~found].any()


@pytest.mark.parametrize("is_contracted", [False, True])
def test_the_largest_weights_in_cells_are_those_of_the_definition(path: str, is_contracted: bool) -> None:
    fit = voxels(is_contracted=is_contracted)
    found = fit.largest_weights(rays(200))
    assert_allclose(found, largest_weights(fit.grid, in_float64(fit)[0].detach(), rays(200)), atol=1e-5)
    assert not found[~fit.grid.occupied].any()
    assert 0.1 < found.max() < 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"low": np.array([0.0, 0.0, np.nan])}, "expected a box of finite corners, low < high"),
        ({"high": np.array([-2.0, 1.0, 4.0])}, "expected a box of finite corners, low < high"),
        ({"occupied": np.zeros((2, 2, 2), bool)}, "expected a cell that is occupied, all are empty"),
        ({"is_contracted": True}, "expected multiples of 4 cells along the sides of contracted space, got "),
        (
            {"is_contracted": True, "occupied": np.ones((4, 4, 4), bool)},
            "expected no cell that is occupied between the outer parts of contracted space",
        ),
        ({"spacing": 1e-4}, "expected at most 4096 samples along a ray, got "),
    ],
)
def test_grids_that_cannot_be_are_refused(wrong: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"low": LOW, "high": HIGH, "occupied": np.ones((2, 2, 2), bool), "scale": 1.0}
    with pytest.raises(InputError, match=message):
        VoxelGrid(**given | wrong)
