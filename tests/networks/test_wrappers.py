"""Oracles: bounds, mirrors and periods, looked at on the values."""

import math

import pytest
import torch
from torch.testing import assert_close

from ligeia.core import InputError
from ligeia.networks import Bounded, Finer, HashGrid, Periodic, Radiance, Symmetric

INNER = Finer(hidden_features=16, hidden_layers=1)


def places() -> torch.Tensor:
    return torch.rand(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1


def test_values_stay_within_bounds() -> None:
    network = Bounded(inner=INNER, low=-0.25, high=0.5).build(2, 1).double()
    with torch.no_grad():
        network.tensors()[-2].mul_(1e3)
        values = network(places())
    assert -0.25 <= float(values.min()) < -0.2
    assert 0.45 < float(values.max()) <= 0.5


def test_the_first_value_is_a_density_and_the_others_are_a_color() -> None:
    """As spec/networks.md says."""
    network = Radiance(inner=INNER, scale=3.0).build(2, 4).double()
    inner = INNER.build(2, 4).double()
    for mine, theirs in zip(inner.tensors(), network.tensors(), strict=True):
        mine.detach().copy_(theirs)
    y = inner(places())
    assert_close(network(places())[:, 0], 3 * torch.log(1 + torch.exp(10 * y[:, 0])))
    assert_close(network(places())[:, 1:], (1 + torch.tanh(y[:, 1:])) / 2)


@pytest.mark.parametrize(("is_odd", "sign"), [(False, 1.0), (True, -1.0)])
def test_mirror_images_are_alike(is_odd: bool, sign: float) -> None:
    network = Symmetric(inner=INNER, axes=(0,), is_odd=is_odd).build(2, 1).double()
    x = places()
    mirrored = network(x * torch.tensor([-1.0, 1.0]).double())
    assert_close(mirrored, sign * network(x))
    other = network(x * torch.tensor([1.0, -1.0]).double())
    assert float((other - sign * network(x)).detach().abs().max()) > 1e-3


def test_both_axes_can_be_mirrored() -> None:
    network = Symmetric(inner=INNER, axes=(0, 1)).build(2, 1).double()
    for signs in ([-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]):
        assert_close(network(places() * torch.tensor(signs).double()), network(places()))


def test_activations_are_those_of_one_image() -> None:
    layers = Symmetric(inner=INNER, axes=(0, 1)).build(2, 1).activations(places().float())
    assert len(layers) == 3  # two hidden layers and the output


def test_values_repeat_after_the_domain() -> None:
    network = Periodic(inner=INNER, axes=(1,), harmonics=3).build(2, 1).double()
    assert_close(network(places() + torch.tensor([0.0, 2.0]).double()), network(places()))
    moved = network(places() + torch.tensor([2.0, 0.0]).double())
    assert float((moved - network(places())).detach().abs().max()) > 1e-3


def test_wrappers_go_around_each_other() -> None:
    network = Bounded(inner=Symmetric(inner=Periodic(inner=INNER, axes=(0,)), axes=(1,))).build(2, 1).double()
    assert_close(network(places() * torch.tensor([1.0, -1.0]).double()), network(places()))
    assert_close(network(places() + torch.tensor([2.0, 0.0]).double()), network(places()))


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="expected finite bounds low < high, got 1"):
        Bounded(inner=INNER, low=1.0, high=0.0)
    with pytest.raises(InputError, match="expected a scale above 0, got nan"):
        Radiance(inner=INNER, scale=math.nan)
    with pytest.raises(InputError, match="expected coordinates from 0 to 1 to mirror, got"):
        Symmetric(inner=INNER, axes=(2,)).build(2, 1)
    with pytest.raises(InputError, match="expected one to four different coordinates to mirror"):
        Symmetric(inner=INNER, axes=(0, 0))
    with pytest.raises(InputError, match="hash grids have up to 4 coordinates, got 6"):
        Periodic(inner=HashGrid(), axes=(0, 1)).build(4, 1)


def test_a_network_on_a_circle_sees_cosines_then_sines_in_the_place_of_a_coordinate() -> None:
    """The order is that of spec/networks.md, by which other decoders go."""
    network = Periodic(inner=INNER, axes=(1,), harmonics=2).build(3, 2).double()
    x = torch.linspace(-1, 1, 21).double().view(7, 3)
    first, angle, last = x[:, :1], math.pi * x[:, 1:2], x[:, 2:]
    seen = [first, torch.cos(angle), torch.cos(2 * angle), torch.sin(angle), torch.sin(2 * angle), last]
    inner = INNER.build(6, 2).double()
    with torch.no_grad():
        for mine, theirs in zip(inner.tensors(), network.tensors(), strict=True):
            mine.copy_(theirs)
    assert_close(network(x), inner(torch.cat(seen, dim=1)))
