"""Objectives of kinds that the library does not have, fitted by its loop and its steps as they are."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ligeia import fitting, kernels
from ligeia.core import random_stream
from ligeia.field import Field
from ligeia.fitting import Adam, Batches, FootprintSamples, LeastSquares, Objective, Quality, Recipe, ShuffledBatches
from ligeia.metrics import decibels
from ligeia.networks import NetworkConfig, SirenArchitecture
from ligeia.signals import Axis, Grid

pytest_plugins = ["support.fixtures"]

RECIPE = Recipe(
    name="test",
    optimizer=Adam(learning_rate=2e-3),
    batch_size=64,
    schedule=fitting.LRSchedule(warmup_steps=5),
    divergence_threshold=None,
)
BLOB = 0.3  # width of the density exp(-|x|^2 / width^2), which the photographs are of
CENTER = (0.2, -0.1)


def new_field(grid: Grid | None = None) -> Field:
    config = NetworkConfig(SirenArchitecture(hidden_features=24, hidden_layers=1, omegas=6.0), 2, 1)
    return Field(
        config.build(generator=random_stream(0, "initial weights")), Grid.of([32, 32]) if grid is None else grid
    )


class OneByOne:
    """Batches of whole photographs, in turns, the first of them by chance."""

    def __init__(self, num_photographs: int, rays_each: int, seed: int) -> None:
        self.first = int(torch.randint(num_photographs, (), generator=random_stream(seed, "first photograph")))
        self.num_photographs, self.rays_each = num_photographs, rays_each
        self.asked: list[int] = []

    def __getitem__(self, step: int) -> Int[np.ndarray, " n"]:
        self.asked.append(step)
        start = (self.first + step) % self.num_photographs * self.rays_each
        return np.arange(start, start + self.rays_each)


class Photographs:
    """Hold a field to photographs of a glowing blob in a plane: a point is a ray, and its value ``1 - exp(-integral)``.

    Not linear in the field, so that no compiled step applies; and no pass shuffles rays of different photographs.
    """

    finest_db, constant_db = math.inf, -math.inf
    num_photographs, rays_each = 12, 32

    def __init__(self) -> None:
        self.drawn: OneByOne | None = None

    @property
    def num_points(self) -> int:
        return self.num_photographs * self.rays_each

    def batches(self, batch_size: int | None, seed: int) -> Batches:
        self.drawn = OneByOne(self.num_photographs, self.rays_each, seed)
        return self.drawn

    def batch(self, indices: Int[np.ndarray, " n"], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Return places along the rays in the unit disk, the rays' lengths and brightness: a closed form."""
        photograph, ray = np.divmod(indices, self.rays_each)
        angle, offset = math.pi * photograph / self.num_photographs, 2 * (ray + 0.5) / self.rays_each - 1
        along = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        across = np.stack([-np.sin(angle), np.cos(angle)], axis=-1)
        half = np.sqrt(1 - offset**2)[:, None]
        steps = half * np.linspace(-0.95, 0.95, 20)
        points = (offset[:, None] * across)[:, None] + steps[..., None] * along[:, None]
        distance = offset - across @ CENTER
        integral = math.sqrt(math.pi) * BLOB * np.exp(-((distance / BLOB) ** 2))
        parts = (points, 2 * half[:, 0], 1 - np.exp(-integral))
        return tuple(torch.from_numpy(each.astype(np.float32)).to(device) for each in parts)  # type: ignore[return-value]

    def loss(self, field: Field, batch: tuple[Tensor, Tensor, Tensor]) -> Float[Tensor, ""]:
        points, lengths, brightness = batch
        integral = field(points)[..., 0].mean(dim=1) * lengths
        return (1 - torch.exp(-integral) - brightness).square().mean()

    @torch.no_grad()
    def quality(self, field: Field, *, most_points: int | None = None) -> Quality:
        indices = np.arange(self.num_points)
        return Quality(
            decibels(float(self.loss(field, self.batch(indices, torch.device("cpu")))), peak=1.0), len(indices)
        )


class Chords:
    """Hold a field to its means over chords of the square: a loss that says that it is a mean squared error."""

    finest_db, constant_db = math.inf, -math.inf

    def __init__(self) -> None:
        stream = np.random.default_rng(0)
        ends = stream.uniform(-1, 1, (2, 256, 1, 2))
        steps = (np.arange(8)[:, None] + 0.5) / 8
        self.places = (ends[0] + steps * (ends[1] - ends[0])).astype(np.float32)
        self.means = np.cos(3 * self.places).mean(axis=(1, 2))[:, None].astype(np.float32)
        self.weights = torch.full((8,), 1 / 8)
        self.num_losses = 0

    @property
    def num_points(self) -> int:
        return len(self.places)

    def batches(self, batch_size: int | None, seed: int) -> Batches:
        return ShuffledBatches(self.num_points, batch_size, seed)

    def batch(self, indices: Int[np.ndarray, " n"], device: torch.device) -> Int[Tensor, " n"]:
        return torch.from_numpy(indices).to(device)

    def inputs_and_targets(
        self, field: Field, batch: Int[Tensor, " n"]
    ) -> tuple[Float[Tensor, "points inputs"], Float[Tensor, "n c"]]:
        chosen = batch.numpy()
        return torch.from_numpy(self.places[chosen].reshape(-1, 2)), torch.from_numpy(self.means[chosen])

    def loss(self, field: Field, batch: Int[Tensor, " n"]) -> Float[Tensor, ""]:
        self.num_losses += 1
        return fitting.squared_error(self, field, batch)

    @torch.no_grad()
    def quality(self, field: Field, *, most_points: int | None = None) -> Quality:
        every = torch.arange(self.num_points)
        return Quality(decibels(float(fitting.squared_error(self, field, every)), peak=2.0), self.num_points)


def weights_after(objective: Objective) -> list[Tensor]:
    field = new_field()
    fitting.fit(field, objective, RECIPE, fitting.passes(10), seed=2)
    return [each.detach() for each in field.network.parameters()]


def test_photographs_are_fitted_with_batches_of_their_own() -> None:
    field, objective = new_field(), Photographs()
    before_db = objective.quality(field).psnr_db
    recipe = replace(RECIPE, optimizer=Adam(learning_rate=5e-3))
    report = fitting.fit(field, objective, recipe, fitting.passes(30), seed=1)
    assert objective.drawn is not None
    assert objective.drawn.asked == list(range(30 * objective.num_photographs))
    assert report.steps == 360
    assert report.psnr_db > max(before_db + 15, 30)
    points = torch.tensor([[0.0, 0.0], [0.4, 0.3], [-0.5, 0.2]])
    truth = torch.exp(-(points - torch.tensor(CENTER)).square().sum(dim=1) / BLOB**2)
    with torch.no_grad():
        assert float((field(points)[:, 0] - truth).abs().max()) < 0.1


def test_a_loss_that_is_more_than_a_squared_error_takes_no_compiled_step() -> None:
    assert not isinstance(Photographs(), LeastSquares)
    assert fitting.fused_shape(new_field(), Photographs()) is None


def test_an_objective_that_says_its_squared_error_takes_compiled_steps() -> None:
    objective = Chords()
    weights = weights_after(objective)
    if kernels.current_path() == "torch":
        assert objective.num_losses == 40
    else:
        assert objective.num_losses == 0  # the steps never asked for it
    averages = FootprintSamples(objective.places, objective.means, objective.weights.numpy())
    for mine, theirs in zip(weights, weights_after(averages), strict=True):
        assert torch.equal(mine, theirs)


def test_compiled_and_plain_steps_of_a_new_objective_go_the_same_way() -> None:
    compiled = weights_after(Chords())
    with kernels.using("torch"):
        objective = Chords()
        plain = weights_after(objective)
    assert objective.num_losses == 40
    for mine, theirs in zip(compiled, plain, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-4)


def test_targets_of_too_many_places_take_no_compiled_step() -> None:
    objective = Chords()
    if kernels.current_path() == "torch":
        pytest.skip("there are no compiled steps on plain torch")
    assert fitting.fused_shape(new_field(), objective) is not None
    objective.weights = torch.full((kernels.MOST_PER_SAMPLE + 1,), 1.0)
    assert fitting.fused_shape(new_field(), objective) is None


def test_averages_along_a_periodic_axis_are_fitted_alike_by_compiled_and_plain_steps() -> None:
    grid = Grid((Axis(name="angle", size=32, is_periodic=True),))
    places = np.random.default_rng(0).uniform(-1, 1, (64, 4, 1)).astype(np.float32)
    objective = FootprintSamples(places, np.sin(math.pi * places).mean(axis=1), np.full(4, 0.25))
    found = []
    for kernel in ("auto", "torch"):
        with kernels.using(kernel):
            field = new_field(grid)
            fitting.fit(field, objective, RECIPE, fitting.passes(20))
        found.append(field.values_at(np.linspace(-1, 1, 9, dtype=np.float32)[:, None]))
    np.testing.assert_allclose(found[0], found[1], atol=1e-4)
    assert found[0][0] == pytest.approx(found[0][-1], abs=1e-5)
