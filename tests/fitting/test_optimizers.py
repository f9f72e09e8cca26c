"""Muon and SOAP against their definitions, and through the loop."""

import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from ligeia.core import InputError, random_stream
from ligeia.fitting import Adam, Muon, Soap, orthogonalized


def parameters() -> list[Tensor]:
    shapes = [(6, 2), (6,), (6, 6), (6,), (6, 6), (6,)]  # the last matrix is square by chance: it is the output's
    return [torch.randn(shape, generator=random_stream(number, "test")) for number, shape in enumerate(shapes)]


def gradients(step: int) -> list[Tensor]:
    return [
        torch.randn(each.shape, generator=random_stream(step, "gradients", n)) for n, each in enumerate(parameters())
    ]


def test_muon_moves_hidden_matrices_by_the_orthogonal_matrix_and_the_rest_by_adam() -> None:
    weights, plain = parameters(), parameters()
    state = Muon(learning_rate=0.01, muon=2.0).init_state(weights)
    adam = Adam(learning_rate=0.01, betas=(0.9, 0.99)).init_state(plain)
    momentum = torch.zeros(6, 6)
    for step in range(3):
        before = weights[2].clone()
        state.step(gradients(step), 0.005)
        adam.step(gradients(step), 0.005)
        momentum = 0.9 * momentum + 0.1 * gradients(step)[2]
        turn = orthogonalized(0.9 * momentum + 0.1 * gradients(step)[2])
        assert_close(weights[2], before - 0.005 * 2.0 * 0.2 * math.sqrt(6) * turn)
    for number in (0, 1, 3, 4, 5):
        assert_close(weights[number], plain[number])


def test_the_first_step_of_soap_learns_its_basis_and_the_next_is_adam_in_it() -> None:
    weights = parameters()
    state = Soap(learning_rate=0.01, every=100).init_state(weights)
    state.step(gradients(0), 0.01)
    assert_close(weights, parameters())
    state.step(gradients(1), 0.01)
    both = [torch.cat([each[2], each[3][:, None]], dim=1) for each in (gradients(0), gradients(1))]
    rows, columns = (torch.linalg.eigh(each)[1] for each in (both[0] @ both[0].T, both[0].T @ both[0]))
    turned = rows.T @ both[1] @ columns
    moved = rows @ (turned / (turned.abs() + 1e-8)) @ columns.T  # Adam's first step is the sign of the gradient
    assert_close(weights[2], parameters()[2] - 0.01 * moved[:, :-1], rtol=1e-3, atol=1e-5)
    assert_close(weights[3], parameters()[3] - 0.01 * moved[:, -1], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("settings", [Muon(learning_rate=0.01), Soap(learning_rate=0.01, every=2)])
def test_a_state_that_is_kept_and_loaded_goes_on_alike(settings: Muon | Soap) -> None:
    weights, again = parameters(), parameters()
    first, second = settings.init_state(weights), settings.init_state(again)
    for step in range(3):
        first.step(gradients(step), 0.01)
    second.load_plain(first.to_plain())
    for mine, theirs in zip(again, weights, strict=True):
        mine.copy_(theirs)
    first.step(gradients(3), 0.01)
    second.step(gradients(3), 0.01)
    assert_close(again, weights, rtol=0, atol=0)


@pytest.mark.parametrize("settings", [Muon, Soap])
def test_a_learning_rate_that_is_none_is_refused(settings: type) -> None:
    with pytest.raises(InputError, match="learning rate above 0"):
        settings(learning_rate=math.nan)


def test_a_rate_of_muon_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="rate of Muon above 0"):
        Muon(learning_rate=0.1, muon=0.0)
