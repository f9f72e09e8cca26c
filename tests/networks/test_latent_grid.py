"""Oracles: SciPy's B-splines place by place, finite differences in float64, and the points themselves for rasters."""

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline
from torch.testing import assert_close

from ligeia.core import InputError
from ligeia.networks import Inputs, LatentGrid, Network, NetworkConfig
from ligeia.networks.grids import _latent_grid

CUBIC = BSpline.basis_element(np.arange(-2.0, 3.0), extrapolate=False)


def network(config: NetworkConfig) -> Network:
    """Return a network whose grids hold random numbers."""
    generator = torch.Generator().manual_seed(0)
    built = config.build(generator=generator).double()
    with torch.no_grad():
        for tensor in built.tensors()[:-4]:
            tensor.normal_(generator=generator)
    return built


def spline(place: float, count: int, level: int, size: int, coefficients: np.ndarray) -> np.ndarray:
    """Return the sum over all coefficients along the first axis, those beyond the ends equal to the last ones."""
    at = (place + 1) / 2 * size / 2**level - 0.5
    total = np.zeros(coefficients.shape[1:])
    for index in range(-4, count + 4):
        weight = np.nan_to_num(CUBIC(at - index))
        total = total + weight * coefficients[min(max(index, 0), count - 1)]
    return total


def smooth_relu(x: np.ndarray) -> np.ndarray:
    """Return the ReLU averaged over a parabola of half-width 1/16, by summation."""
    offsets = (np.arange(20_000) + 0.5) / 10_000 - 1
    weights = 0.75 * (1 - offsets**2) / 10_000
    return (np.maximum(x[..., None] + offsets / 16, 0) * weights).sum(-1)


@pytest.mark.parametrize(
    ("architecture", "inputs", "outputs"),
    [
        (LatentGrid(sizes=(11, 14), first_levels=(0, 1, 1), num_levels=4, is_color=True), 2, 3),
        (LatentGrid(sizes=(9,), first_levels=(0,), num_levels=3, separate=1), 1, 1),
        (LatentGrid(sizes=(5, 6, 7), first_levels=(0, 0), num_levels=2, separate=0), 3, 2),
    ],
)
def test_values_are_sums_of_splines_through_a_smooth_layer(architecture: LatentGrid, inputs: int, outputs: int) -> None:
    built = network(NetworkConfig(architecture, inputs, outputs))
    *grids, weight, bias, output, output_bias = (each.detach().numpy() for each in built.tensors())
    points = np.random.default_rng(0).uniform(-1, 1, (7, inputs))
    found = built(torch.from_numpy(points)).detach().numpy()
    for point, values in zip(points, found, strict=True):
        features = np.zeros(architecture.num_planes_features)
        for grid, tensor in zip(architecture.grids(inputs), grids, strict=True):
            part = tensor
            for place, count, size in zip(point, grid.shape, architecture.sizes, strict=True):
                part = spline(place, count, grid.level, size, part)
            features[architecture.feature_of(grid.level, grid.plane)] += part
        hidden = smooth_relu(weight @ features + bias)
        expected = output @ np.concatenate([hidden, features]) + output_bias
        np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)


def test_a_raster_is_its_points() -> None:
    architecture = LatentGrid(sizes=(45, 37), first_levels=(0, 1, 1), num_levels=5, is_color=True)
    built = network(NetworkConfig(architecture, 2, 3)).float()
    tensors = [each.detach().numpy() for each in built.tensors()]
    rows, columns = np.linspace(-1, 1, 301), np.linspace(-0.9, 0.7, 333)
    pieces = list(architecture.raster([rows, columns], tensors))
    assert [piece[0] for piece in pieces[1:]] == [piece[1] for piece in pieces[:-1]]
    assert len(pieces) > 1
    points = np.stack(np.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2).astype(np.float32)
    expected = built(torch.from_numpy(points)).detach().numpy()
    np.testing.assert_allclose(np.concatenate([piece[2] for piece in pieces]), expected, atol=2e-4)


def test_first_and_second_derivatives_are_those_of_finite_differences() -> None:
    built = network(NetworkConfig(LatentGrid(sizes=(12, 9), first_levels=(0,), num_levels=3), 2, 1))
    x = torch.rand(40, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 1.8 - 0.9
    jet = built.jet(x)
    step = 1e-5
    laplacian = torch.zeros(40, 1, dtype=torch.float64)
    with torch.no_grad():
        for axis in range(2):
            shift = torch.zeros(2, dtype=torch.float64)
            shift[axis] = step
            ahead, behind = built(x + shift), built(x - shift)
            assert_close(jet.jacobian[:, :, axis].detach(), (ahead - behind) / (2 * step), rtol=1e-5, atol=1e-5)
            laplacian += (ahead - 2 * built(x) + behind) / step**2
    assert_close(jet.laplacian.detach(), laplacian, rtol=1e-3, atol=2e-2)


def test_second_derivatives_do_not_jump_from_cell_to_cell() -> None:
    built = network(NetworkConfig(LatentGrid(sizes=(8,), first_levels=(0,), num_levels=1, separate=0), 1, 1))
    knots = (torch.arange(1, 7, dtype=torch.float64) + 0.5) / 4 - 1
    sides = [built.jet((knots + side)[:, None]).laplacian for side in (-1e-9, 1e-9)]
    assert_close(sides[0], sides[1], rtol=1e-5, atol=1e-4)


def test_planes_are_chosen_for_the_signal() -> None:
    color = LatentGrid().suited_to(Inputs((511, 300), (1.0, 1.0), ("red", "green", "blue")))
    assert isinstance(color, LatentGrid)
    assert (color.sizes, color.first_levels, color.is_color) == ((256, 150), (0, 1, 1), True)
    stereo = LatentGrid().suited_to(Inputs((1000,), (1.0,), ("left", "right")))
    assert isinstance(stereo, LatentGrid)
    assert (stereo.sizes, stereo.first_levels, stereo.is_color) == ((500,), (0, 0), False)


def test_output_weights_begin_as_the_transform_from_luma_and_chroma() -> None:
    config = NetworkConfig(LatentGrid(sizes=(8, 8), first_levels=(0, 1, 1), num_levels=3, is_color=True), 2, 3)
    built = config.build(generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for tensor in built.tensors()[:-4]:
            tensor.zero_()
        for grid, tensor in zip(config.architecture.grids(2), built.tensors(), strict=False):  # type: ignore[attr-defined]
            tensor.fill_((0.5, 0.1, -0.2)[grid.plane] if grid.level == 1 else 0.0)
    found = built(torch.zeros(1, 2))[0].detach()
    assert_close(found, torch.tensor([0.5 - 0.28, 0.5 + 0.143 - 0.034, 0.5 + 0.177]), rtol=0, atol=0.03)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"num_levels": 0}, "levels"),
        ({"separate": 9}, "expected 0 to . separate levels, got 9"),
        ({"sizes": (0, 4)}, "cells"),
        ({"sizes": (1 << 16, 1 << 16)}, "cells"),
        ({"first_levels": (7,)}, "first levels"),
        ({"first_levels": (0,) * 65}, "planes"),
        ({"hidden_features": 0}, "hidden_features"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        LatentGrid(**fields)  # type: ignore[arg-type]


def test_coordinates_beyond_four_are_refused() -> None:
    with pytest.raises(InputError, match="up to 4 coordinates"):
        NetworkConfig(LatentGrid(), 5, 1)
    with pytest.raises(InputError, match="cells along 1"):
        NetworkConfig(LatentGrid(sizes=(3, 4)), 1, 1)


def test_a_raster_comes_in_small_pieces_on_more_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_latent_grid, "_BLOCK", 60)
    built = network(NetworkConfig(LatentGrid(sizes=(5, 6, 7), num_levels=3), 3, 2)).float()
    tensors = [each.detach().numpy() for each in built.tensors()]
    axes = [np.linspace(-1, 1, count) for count in (4, 9, 13)]
    pieces = list(_latent_grid.LatentGrid.raster(built.architecture, axes, tensors))  # type: ignore[arg-type]
    assert max(stop - start for start, stop, _ in pieces) <= 60
    assert [piece[0] for piece in pieces[1:]] == [piece[1] for piece in pieces[:-1]]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3).astype(np.float32)
    expected = built(torch.from_numpy(points)).detach().numpy()
    np.testing.assert_allclose(np.concatenate([piece[2] for piece in pieces]), expected, atol=2e-4)


def test_grids_grow_to_a_number_of_weights() -> None:
    suited = LatentGrid().suited_to(Inputs((300, 451), (1.0, 1.0), ("red", "green", "blue")))
    for most in (3000, 90_000):
        grown = suited.with_parameters(most, 2, 3)
        assert 0.9 * most < NetworkConfig(grown, 2, 3).num_parameters() <= most
