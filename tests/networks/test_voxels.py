"""Sparse voxels as a network. Oracles: the renderer's definition, autograd, finite differences in float64."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from ligeia.core import InputError
from ligeia.kernels import GAINS, ROW
from ligeia.kernels.scenes._reference import density_and_features
from ligeia.networks import Network, NetworkConfig, NumpyArithmetic, Voxels

OCCUPIED = np.random.default_rng(0).random((4, 5, 3)) < 0.5


def network(occupied: np.ndarray = OCCUPIED) -> Network:
    """Return voxels of random numbers."""
    built = NetworkConfig(Voxels.of(occupied, scale=3.0), 3, 1 + ROW).build(generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for tensor in built.tensors()[:2]:
            tensor.normal_(generator=torch.Generator().manual_seed(2))
        built.tensors()[0].mul_(0.2)
    return built.double()


def places(count: int = 200) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(3).uniform(-1, 1, (count, 3)))


def test_density_and_features_are_those_that_rays_see() -> None:
    built, points = network(), places()
    grid = Voxels.of(OCCUPIED, scale=3.0).grid()
    density, features, _ = built.tensors()
    cells = (points + 1) / 2 * torch.tensor(OCCUPIED.shape)
    is_occupied = torch.from_numpy(OCCUPIED)[tuple(cells.long().T)]
    raw, gathered = density_and_features(grid, density * GAINS[0], features, cells[is_occupied])
    found = built(points).detach()
    assert_allclose(found[is_occupied, 0], 3 * torch.nn.functional.softplus(raw).detach(), rtol=1e-9)
    assert_allclose(found[is_occupied, 1:], gathered.detach(), atol=1e-12)
    assert not found[~is_occupied].any()
    assert 50 < int(is_occupied.sum()) < 150


def test_numpy_computes_the_same() -> None:
    built, points = network(), places()
    tensors = [each.detach().numpy() for each in built.tensors()]
    found = built.architecture.values(NumpyArithmetic(np.float64), points.numpy(), tensors)
    assert_allclose(found, built(points).detach(), atol=1e-12)


def test_the_jacobian_is_that_of_autograd_and_of_finite_differences() -> None:
    built, points = network(), places(50)
    _, jacobian = built.value_and_jacobian(points)
    wanted = torch.func.vmap(torch.func.jacrev(built))(points)
    assert_allclose(jacobian, wanted.detach(), atol=1e-9)
    for axis in range(3):
        step = 1e-6 * torch.eye(3, dtype=torch.float64)[axis]
        slope = (built(points + step) - built(points - step)).detach() / 2e-6
        assert_allclose(jacobian[..., axis], slope, atol=1e-5 * float(slope.abs().max()))


def test_the_normal_is_continuous_across_cells() -> None:
    built = network(np.ones((4, 5, 3), bool))
    for x in (-0.5, -0.25, 0.0, 0.25, 0.5):  # sides of cells, and their middles
        points = torch.tensor([[x - 1e-9, 0.13, -0.21], [x + 1e-9, 0.13, -0.21]], dtype=torch.float64)
        value, jacobian = built.value_and_jacobian(points)
        assert_allclose(*jacobian[:, 0], rtol=1e-6)
        assert_allclose(*value[:, 0], rtol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"cells": (4, 5)}, "expected numbers of cells along three axes"),
        ({"occupied": b"abc"}, "expected 8 bytes for a bit of each cell, got 3"),
        ({"scale": 0.0}, "expected a scale and a spacing above 0, got 0.0 and 1.0"),
    ],
)
def test_voxels_that_cannot_be_are_refused(wrong: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"cells": (4, 5, 3), "occupied": bytes(8), "scale": 1.0}
    with pytest.raises(InputError, match=message):
        Voxels(**given | wrong)
    with pytest.raises(InputError, match="voxels have 9 values, got 4"):
        NetworkConfig(Voxels.of(OCCUPIED, scale=1.0), 3, 4).tensors()
    with pytest.raises(InputError, match="voxels have 3 coordinates, got 2"):
        NetworkConfig(Voxels.of(OCCUPIED, scale=1.0), 2, 9)
