"""SOAP: its directions turn with the gradients, and its fits can be resumed."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from ligeia.core import random_stream
from ligeia.fitting import Recipe, Soap, Values, fit, passes
from ligeia.signals import Signal

pytest_plugins = ["support.fixtures"]


def gradients(number: int) -> list[Tensor]:
    """Gradients of two layers of one shape, of clearly different size along each direction."""
    generator = random_stream(number, "test")
    slopes = torch.tensor([3.0, 1.0, 0.3, 0.1])[:, None] * torch.tensor([2.0, 1.0, 0.5])
    return [(torch.randn(4, 3, generator=generator) + 1) * slopes for _ in range(2)]


def directions(settings: Soap, num_steps: int, left: Tensor, right: Tensor) -> list[Tensor]:
    moments = settings.moments([torch.zeros(4, 2), torch.zeros(4)] * 2)
    found: list[Tensor] = []
    for number in range(num_steps):
        found = moments.directions([left @ each @ right.mT for each in gradients(number)])
    return found


def test_directions_turn_with_the_gradients() -> None:
    settings = Soap(learning_rate=1.0, every=1)
    left = torch.linalg.qr(torch.randn(4, 4, generator=random_stream(100, "test")))[0]
    right = torch.linalg.qr(torch.randn(3, 3, generator=random_stream(101, "test")))[0]
    for found, turned in zip(
        directions(settings, 30, torch.eye(4), torch.eye(3)), directions(settings, 30, left, right), strict=True
    ):
        assert_close(left @ found @ right.mT, turned, rtol=1e-3, atol=1e-3)


def test_a_gradient_that_stays_is_followed_at_the_full_rate() -> None:
    weight, bias = torch.eye(3)[:, :2].clone(), torch.zeros(3)
    gradient = [torch.tensor([[2.0, 0.0], [0.0, 0.5], [0.0, 0.0]]), torch.tensor([0.0, 0.0, 0.1])]
    moments = Soap(learning_rate=1.0).moments([weight, bias])
    for _ in range(4):  # the first step learns the basis
        moments.step(gradient, 0.125)
    # as Adam does in the basis of the singular vectors, which here is that of the axes
    assert_close(weight, torch.tensor([[1 - 0.375, 0.0], [0.0, 1 - 0.375], [0.0, 0.0]]), rtol=1e-4, atol=1e-5)
    assert_close(bias, torch.tensor([0.0, 0.0, -0.375]), rtol=1e-4, atol=1e-5)


def test_a_state_that_is_loaded_goes_on_as_the_first() -> None:
    parameters = [torch.zeros(4, 2), torch.zeros(4)] * 2
    settings = Soap(learning_rate=1.0, every=3)
    first, second = settings.moments(parameters), settings.moments(parameters)
    for number in range(7):
        first.directions(gradients(number))
    second.load_plain(first.to_plain())
    for number in range(7, 12):
        for one, other in zip(first.directions(gradients(number)), second.directions(gradients(number)), strict=True):
            assert torch.equal(one, other)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="a learning rate above 0"):
        Soap(learning_rate=rate)


def test_a_fit_learns_by_it(signal: Signal, build) -> None:  # type: ignore[no-untyped-def]
    field = build(signal, width=32)
    recipe = Recipe(name="soap", optimizer=Soap(learning_rate=2e-3), batch_size=None, cooling=None)
    report = fit(field, Values(signal), recipe, passes(300))
    assert report.psnr_db > 45
    assert not report.restarts
