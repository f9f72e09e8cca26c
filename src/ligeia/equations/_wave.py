"""`solve wave`: a pulse as a field of time and place."""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from ligeia import fitting
from ligeia.core import checked_device, random_stream
from ligeia.field import Field
from ligeia.files import values_at
from ligeia.fitting import Callback, LRSchedule, Recipe, Soap, Stop
from ligeia.networks import Siren
from ligeia.physics import Constraints, Wave, plane_wave_solution, uniform_speed
from ligeia.signals import Channel

from ._solution import Solved, relative_l2

_FEATURES, _LAYERS, _OMEGA = 128, 1, 30.0  # where the speed is not the same everywhere
_TURNS = 3.0  # radians per width of the pulse, of the first layer
_RATE, _BATCH, _STEPS = 3e-3, 5250, 1700
_POOL = 1 << 17  # points inside that batches are drawn from
_FIRST_TIMES = (0.25, 0.5, 1.0)  # of the duration: the curriculum
_CHECKED = 20_000


def solve_wave(
    problem: Wave,
    *,
    hidden_features: int | None = None,
    curriculum: bool = False,
    stop: Stop | None = None,
    size: int = 129,
    num_times: int = 33,
    seed: int = 0,
    device: str | torch.device = "cpu",
    callbacks: Sequence[Callback] = (),
) -> Solved:
    """Return the field of a pulse; its grid is ``num_times`` x ``size`` x ``size`` samples of time and the square.

    With one speed everywhere the plane is infinite, and the field is one layer of sine waves, each of which solves the
    equation (`ligeia.physics.plane_wave_solution`). Otherwise waves leave at the edges, and two layers of 128 are
    fitted to all constraints by SOAP: 1,700 steps unless ``stop`` says otherwise; with a ``curriculum`` early times
    come first, in three stages that each end by ``stop``.
    """
    began = time.perf_counter()
    generator = np.random.default_rng(seed)
    if problem.speed is uniform_speed:
        waves = None if hidden_features is None else -(-hidden_features // 2)
        field = plane_wave_solution(problem, size=size, num_times=num_times, num_waves=waves, generator=generator)
        field = field.to(checked_device(device))
    else:
        width = _FEATURES if hidden_features is None else hidden_features
        grid, reach = problem.grid(size, num_times), problem.reach()
        turns = _TURNS / problem.width / _OMEGA * grid.physical_scale()
        network = Siren(
            3,
            width,
            _LAYERS,
            1,
            first_omega_0=_OMEGA,
            hidden_omega_0=_OMEGA,
            first_layer_scale=turns.tolist(),
            generator=random_stream(seed, "initial weights"),
        )
        field = Field(network, grid, [Channel(name="u", low=-reach, high=reach)]).to(checked_device(device))
        _descend(field, problem, generator, curriculum=curriculum, stop=stop, seed=seed, callbacks=callbacks)
    fresh = Constraints(problem.constraints(_CHECKED, generator=generator)[:3])  # not the edges, where waves leave
    residual = 10 ** (-fresh.quality(field).psnr_db / 20)
    error = None
    if problem.speed is uniform_speed:
        points = generator.uniform([0, -1, -1], [problem.duration, 1, 1], (_CHECKED, 3))
        error = relative_l2(values_at(field, points)[:, 0], problem.free_wave(points))
    return Solved(field, time.perf_counter() - began, residual, error)


def _descend(
    field: Field,
    problem: Wave,
    generator: np.random.Generator,
    *,
    curriculum: bool,
    stop: Stop | None,
    seed: int,
    callbacks: Sequence[Callback],
) -> None:
    recipe = Recipe(name="wave", optimizer=Soap(learning_rate=_RATE), batch_size=_BATCH, schedule=LRSchedule())
    times = _FIRST_TIMES if curriculum else (1.0,)
    for number, share in enumerate(times):
        is_last = number == len(times) - 1
        until = share * problem.duration
        objective = Constraints(problem.constraints(_POOL, generator=generator, until=until))
        steps = _STEPS * (1 if is_last else share / 2)
        usual = fitting.passes(steps * _BATCH / objective.num_points)
        chosen = usual if stop is None else stop
        report = fitting.fit(field, objective, recipe, chosen, seed=seed + number, callbacks=callbacks)
        field.report = replace(report, num_points=objective.num_points)
