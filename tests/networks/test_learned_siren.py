"""Oracle: a `Siren` of the same weights."""

import torch
from torch.testing import assert_close

from ligeia.networks import LearnedSiren, Siren


def test_at_first_it_is_a_sine_network_of_the_same_weights() -> None:
    network = LearnedSiren(hidden_features=8, hidden_layers=2, omega=20.0).build(2, 3)
    siren = Siren(2, 8, 2, 3, first_omega_0=20.0, hidden_omega_0=20.0)
    tensors = network.tensors()
    with torch.no_grad():
        for mine, theirs in zip(siren.tensors(), [*tensors[:6], *tensors[-2:]], strict=True):
            mine.copy_(theirs)
    x = torch.rand(10, 2)
    assert_close(network(x), siren(x), rtol=1e-4, atol=1e-5)


def test_a_layer_s_omega_is_fitted() -> None:
    network = LearnedSiren(hidden_features=8, hidden_layers=1).build(2, 1)
    network(torch.rand(10, 2)).square().sum().backward()
    omegas = [each for name, each in network.named_parameters() if name.endswith("omega")]
    assert len(omegas) == 2
    assert all(each.detach().item() == 1.0 and each.grad is not None and each.grad.item() != 0 for each in omegas)
    with torch.no_grad():
        before = network.activations(torch.ones(1, 2))[0].pre
        omegas[0].fill_(2.0)
        assert_close(network.activations(torch.ones(1, 2))[0].pre, 2 * before)
