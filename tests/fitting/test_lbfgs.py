"""L-BFGS within a budget: closed forms, the way back from a loss that is not finite, and a field's residual."""

import numpy as np
import pytest
import torch

from ligeia.core import DivergenceError, InputError
from ligeia.field import Field
from ligeia.fitting import Evaluation, lbfgs
from ligeia.networks import NetworkConfig, SirenArchitecture
from ligeia.physics import Constraint, Constraints
from ligeia.signals import Axis, Grid


def test_a_quadratic_comes_down_to_its_closed_form() -> None:
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(12, 12, dtype=torch.float64, generator=generator)
    matrix, right = root @ root.T + torch.eye(12), torch.randn(12, dtype=torch.float64, generator=generator)
    parts = [torch.zeros(5, dtype=torch.float64, requires_grad=True), torch.zeros(7, dtype=torch.float64)]
    parts[1].requires_grad_()

    def loss() -> torch.Tensor:
        x = torch.cat(parts)
        return x @ matrix @ x / 2 - right @ x

    run = lbfgs(parts, loss, evaluations=200)
    wanted = torch.linalg.solve(matrix, right)
    assert torch.allclose(torch.cat(parts), wanted, atol=1e-5)
    assert run.loss == pytest.approx(float(-right @ wanted / 2), rel=1e-9)
    assert all(part.grad is None for part in parts)


def test_the_budget_is_kept_and_the_best_is_left() -> None:
    x = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    seen: list[Evaluation] = []

    def valley() -> torch.Tensor:  # Rosenbrock's
        return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2

    run = lbfgs([x], valley, evaluations=17, callbacks=[seen.append])
    assert (run.evaluations, run.stopped_by) == (17, "evaluations")
    assert [each.taken for each in seen] == list(range(1, 18))
    assert seen[-1].position == 1
    assert float(valley().detach()) == run.loss == min(each.loss for each in seen)
    assert lbfgs([x], valley, evaluations=99, callbacks=[lambda step: step.taken == 3]).stopped_by == "callback"


def test_it_comes_back_from_where_the_loss_is_not_finite() -> None:
    x = torch.tensor([1.9], dtype=torch.float64, requires_grad=True)

    def cliff() -> torch.Tensor:  # below 1 it is NaN, and the first step leads there
        return (3 * x * x - torch.log(x - 1)).sum()

    run = lbfgs([x], cliff, evaluations=60)
    assert np.isfinite(run.loss)
    assert float(x.detach()) == pytest.approx((3 + 15**0.5) / 6, rel=1e-6)
    with pytest.raises(DivergenceError, match="expected a loss that is finite at the start, got nan"):
        lbfgs([x], lambda: x.sum() * torch.nan, evaluations=60)
    with pytest.raises(InputError, match="a number of evaluations above 0"):
        lbfgs([x], cliff, evaluations=0)


def test_a_residual_gets_lower_than_by_as_many_steps_of_adam() -> None:
    def new() -> Field:
        config = NetworkConfig(SirenArchitecture(hidden_features=24, hidden_layers=1, omegas=(10.0, 30.0)), 1, 1)
        grid = Grid((Axis(name="x", size=64, extent=(-1.0, 1.0)),))
        return Field(config.build(generator=torch.Generator().manual_seed(1)), grid)

    def oscillator(field: object, points: torch.Tensor) -> torch.Tensor:
        value, bend = field.derivatives(points, "", "xx")  # type: ignore[attr-defined]
        return (bend + 36 * value) / 36

    along = np.linspace(-1, 1, 128)[:, None]
    ends = np.array([[-1.0], [1.0]])
    problem = Constraints(
        [
            Constraint(oscillator, along),
            Constraint(lambda field, points, known: field(points) - known, ends, (np.cos(6 * ends),)),
        ]
    )
    batch = problem.batch(np.arange(problem.num_points), torch.device("cpu"))
    steps = 150
    field = new()
    run = lbfgs(list(field.network.parameters()), lambda: problem.loss(field, batch), evaluations=steps)
    other = new()
    optimizer = torch.optim.Adam(other.network.parameters(), lr=1e-3)
    lowest = np.inf
    for _ in range(steps):
        optimizer.zero_grad()
        loss = problem.loss(other, batch)
        loss.backward()
        optimizer.step()
        lowest = min(lowest, float(loss.detach()))
    assert run.loss < 0.1 * lowest
