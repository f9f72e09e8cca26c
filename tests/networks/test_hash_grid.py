"""Oracle: corners, weights and hashes point by point, in whole numbers (Müller et al. 2022, s. 3 and eq. 4)."""

import itertools

import pytest
import torch
from torch.testing import assert_close

from ligeia.networks import HashGrid, Inputs

PRIMES = (1, 2654435761, 805459861)


def brute_force(architecture: HashGrid, table: torch.Tensor, point: list[float]) -> list[float]:
    """Return the features of one point, feature by feature and then level by level."""
    dims = len(point)
    found = [[0.0] * architecture.num_levels for _ in range(architecture.level_features)]
    start = 0
    for level in range(architecture.num_levels):
        cells = []
        for most in architecture.finest:
            least = min(architecture.coarsest, most)
            cells.append(round(least * (most / least) ** (level / max(1, architecture.num_levels - 1))))
        corners = 1
        for each in cells:
            corners *= each + 1
        size = min(architecture.table_size, corners)
        scaled = [(place + 1) / 2 * count for place, count in zip(point, cells, strict=True)]
        for corner in itertools.product((0, 1), repeat=dims):
            weight, index, straight = 1.0, 0, 0
            for axis in range(dims):
                whole = int(scaled[axis] // 1)
                part = scaled[axis] - whole
                weight *= part if corner[axis] else 1 - part
                index ^= (whole + corner[axis]) * PRIMES[axis]
                straight = straight * (cells[axis] + 1) + whole + corner[axis]
            entry = (index if corners > architecture.table_size else straight) % size
            for feature in range(architecture.level_features):
                found[feature][level] += weight * float(table[feature, start + entry])
        start += size
    assert table.shape[1] == start
    return [each for feature in found for each in feature]


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_features_are_those_of_the_paper_point_by_point(dims: int) -> None:
    architecture = HashGrid(
        hidden_features=3, hidden_layers=0, table_size=60, num_levels=5, coarsest=3, finest=(20, 9, 6)[:dims]
    )
    network = architecture.build(dims, 1, generator=torch.Generator().manual_seed(0)).double()
    table, weight, bias, output, shift = network.tensors()
    x = torch.rand(12, dims, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 2 - 1
    encoded = torch.tensor([brute_force(architecture, table.detach(), point) for point in x.tolist()]).double()
    assert_close(network(x), torch.relu(encoded @ weight.T + bias) @ output.T + shift, rtol=1e-6, atol=1e-9)


def test_the_finest_grid_has_a_cell_for_every_two_samples() -> None:
    suited = HashGrid().suited_to(Inputs((512, 1), (1.0, 1.0)))
    assert isinstance(suited, HashGrid)
    assert suited.finest == (256, 1)


def test_only_the_entries_near_a_point_get_a_gradient() -> None:
    network = HashGrid(num_levels=4, table_size=1 << 12, finest=(64, 64)).build(2, 1)
    network(torch.zeros(1, 2)).sum().backward()
    grad = network.tensors()[0].grad
    assert grad is not None
    assert 0 < int((grad[0] != 0).sum()) <= 4 * 4  # corners and levels


def test_entries_begin_tiny() -> None:
    table = HashGrid().build(2, 1).tensors()[0]
    assert 0 < float(table.detach().abs().max()) <= 1e-4
