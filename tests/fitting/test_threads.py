"""Every kind of fit keeps all threads at work: two shares meet at a barrier, which one thread alone never passes."""

import threading
from collections.abc import Callable

import numpy as np
import pytest
import torch

from ligeia import fitting, kernels
from ligeia.core import random_stream
from ligeia.field import Field
from ligeia.fitting import Adam, FootprintSamples, Objective, Recipe, Values
from ligeia.kernels import Shape
from ligeia.networks import Finer, NetworkConfig
from ligeia.physics import Smoothness, SmoothValues
from ligeia.signals import Signal, from_array

pytest_plugins = ["support.fixtures"]

Build = Callable[..., Field]

RECIPE = Recipe(
    name="test", optimizer=Adam(learning_rate=1e-3), batch_size=1024, schedule=None, divergence_threshold=None
)


def picture() -> Signal:
    row, column = np.mgrid[:96, :128] / 96
    return from_array((127 + 100 * np.sin(5 * row) * np.cos(4 * column)).astype(np.uint8))


def averages() -> FootprintSamples:
    stream = np.random.default_rng(0)
    return FootprintSamples(
        stream.uniform(-1, 1, (2048, 4, 2)).astype(np.float32), stream.uniform(-1, 1, (2048, 1)), np.full(4, 0.25)
    )


def another_network(signal: Signal) -> Field:
    config = NetworkConfig(Finer(hidden_features=8, hidden_layers=1), 2, 1)
    return Field(config.build(generator=random_stream(0, "initial weights")), signal.grid, signal.channels)


def meet_in_pairs(module: torch.nn.Module) -> None:
    barrier = threading.Barrier(2)

    def meet(*_: object) -> None:
        barrier.wait(timeout=60)

    module.register_forward_pre_hook(meet)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("objective", [Values(picture()), averages()], ids=["values", "averages"])
def test_compiled_steps_have_every_thread(build: Build, objective: Objective, monkeypatch: pytest.MonkeyPatch) -> None:
    if kernels.current_path() == "torch":
        pytest.skip("there are no compiled steps on plain torch")
    shapes: list[Shape] = []
    workspace = fitting._step.workspace
    monkeypatch.setattr("ligeia.fitting._step.workspace", lambda shape: shapes.append(shape) or workspace(shape))
    fitting.fit(build(picture()), objective, RECIPE, fitting.passes(1))
    assert {shape.num_threads for shape in shapes} == {2}


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    "objective",
    [Values(picture()), averages(), SmoothValues(Values(picture()), Smoothness(total_variation=0.1))],
    ids=["values", "averages", "derivatives"],
)
def test_shares_of_a_batch_and_pieces_of_a_measurement_are_worked_on_at_once(objective: Objective) -> None:
    field = another_network(picture())
    with fitting.gradients_of(field, objective) as gradients:
        meet_in_pairs(field.network)
        assert np.isfinite(gradients(np.arange(1024))[0])
        if isinstance(objective, Values):
            assert np.isfinite(objective.quality(field).psnr_db)
