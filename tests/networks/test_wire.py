"""Oracles: torch's complex numbers; eq. 3 of Saragadam et al. 2023."""

import pytest
import torch
from torch.testing import assert_close

from ligeia.core import InputError
from ligeia.networks import RealWire, Wire


def test_pairs_of_real_numbers_are_the_complex_network() -> None:
    network = Wire(hidden_features=5, hidden_layers=2, omega=7.0, scale=3.0).build(
        2, 3, generator=torch.Generator().manual_seed(0)
    )
    (weight, bias), *layers, (output, shift) = zip(*[iter(network.double().tensors())] * 2, strict=True)
    x = torch.rand(10, 2).double()

    def gabor(z: torch.Tensor) -> torch.Tensor:
        return torch.exp(1j * 7.0 * z - (3.0 * z).abs() ** 2)

    found = gabor((x @ weight.T + bias).to(torch.complex128))
    for (real, real_bias), (imaginary, imaginary_bias) in zip(layers[::2], layers[1::2], strict=True):
        found = gabor(found @ torch.complex(real, imaginary).T + torch.complex(real_bias, imaginary_bias))
    last = torch.complex(output[:, :5], output[:, 5:])
    assert_close(network(x), (found @ last.T).real + shift)


def test_the_real_network_is_oscillations_under_bells() -> None:
    network = RealWire(hidden_features=5, hidden_layers=1, omega=7.0, scale=3.0).build(
        2, 3, generator=torch.Generator().manual_seed(0)
    )
    *tensors, output, shift = network.double().tensors()
    x = torch.rand(10, 2).double()
    hidden = x
    for number in (0, 4):
        weight, bias, bell, bell_bias = tensors[number : number + 4]
        width = hidden @ bell.T + bell_bias
        hidden = torch.cos(7.0 * (hidden @ weight.T + bias)) * torch.exp(-((3.0 * width) ** 2))
    assert_close(network(x), hidden @ output.T + shift)


def test_a_wavelet_is_local_in_space() -> None:
    network = Wire(hidden_features=1, hidden_layers=0, omega=20.0, scale=10.0).build(1, 1).double()
    with torch.no_grad():
        network.tensors()[0].fill_(1.0)
        network.tensors()[1].zero_()
        layer = network.activations(torch.tensor([[0.0], [0.1], [0.5]]).double())[0].post
    assert_close(layer[0], torch.ones(1).double())
    assert float(layer[2].abs()) < 1e-10


def test_a_negative_scale_is_refused() -> None:
    with pytest.raises(InputError, match="scale of a network wire must be 0 or more and finite, got -1"):
        Wire(scale=-1.0)
