"""Waves of one speed as one layer of sines, each of which solves the wave equation; only time 0 has to be fitted.

``sum_j sin(k_j x + b_j) (a_j cos w_j t + d_j / w_j sin w_j t)`` with ``w_j = abs(k_j)`` solves it in an endless plane
for any ``a`` and ``d``; these are found by least squares from ``u`` and ``u_t`` at time 0, wherever the plane can be
seen from the square in the time there is. Each term is two neurons, one wave that goes ahead and one that goes back.
"""

import math

import numpy as np
import torch

from ligeia.core import InputError
from ligeia.field import Field
from ligeia.networks import SirenArchitecture
from ligeia.signals import Channel

from ._helmholtz import uniform_speed
from ._output_layer import solved
from ._wave import Wave

_REACH = 3.4  # radians per width of the pulse: the highest frequency
_WAVES = 2.0  # over the number of waves of up to that frequency that the square seen has room for
_FEWEST, _MOST, _TOO_MANY = 256, 4096, 2.0
_PLACES, _NEAR_PULSE, _SPREAD = 2.0, 0.25, 1.5  # per wave; more around the pulses; their scatter in widths
_OMEGA = 30.0
_RIDGE = 1e-10
_PIECE = 1 << 10


def plane_wave_solution(
    problem: Wave, *, size: int, num_times: int, num_waves: int | None = None, generator: np.random.Generator
) -> Field:
    """Return the field of a problem whose speed is 1 everywhere, on a grid of ``num_times`` x ``size`` x ``size``.

    The number of waves grows with the square of what is seen and of the pulse's narrowness, from 256 to 4,096.
    """
    if problem.speed is not uniform_speed:
        raise InputError("expected a speed of 1 everywhere for plane waves; this problem has another medium.")
    half = 1 + problem.duration  # what is farther away is not seen from the square
    highest = _REACH / problem.width
    if num_waves is None:
        wanted = round(_WAVES * (2 * half * highest) ** 2 / (4 * math.pi))
        if wanted > _TOO_MANY * _MOST:
            raise InputError(
                f"expected a problem of at most {_MOST:,} waves, this one needs {wanted:,}; take a wider pulse or a "
                "shorter duration, or choose the width yourself."
            )
        num_waves = min(max(wanted, _FEWEST), _MOST)
    frequencies = highest * np.sqrt(generator.uniform(size=num_waves))
    angles, phases = generator.uniform(0, 2 * np.pi, (2, num_waves))
    waves = np.stack([frequencies * np.cos(angles), frequencies * np.sin(angles)])
    displacement, velocity = _amplitudes(problem, waves, phases, half, generator)
    amplitude = np.hypot(displacement, velocity / frequencies) / 2
    delay = np.arctan2(velocity / frequencies, displacement)
    # a sin(s) cos(wt) + d / w sin(s) sin(wt) = A (sin(s + wt - delay) + sin(s - wt + delay))
    turns = np.concatenate([np.stack([sign * frequencies, *waves], axis=1) for sign in (1, -1)])
    return _field_of(
        problem, turns, np.concatenate([phases - delay, phases + delay]), np.tile(amplitude, 2), size, num_times
    )


def _amplitudes(
    problem: Wave, waves: np.ndarray, phases: np.ndarray, half: float, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the amplitude of each wave in ``u`` and in ``u_t`` at time 0, by least squares at places."""
    count = round(_PLACES * waves.shape[1])
    sobol = torch.quasirandom.SobolEngine(2, scramble=True, seed=int(generator.integers(1 << 31)))
    parts = [half * (2 * sobol.draw(count, dtype=torch.float64).numpy() - 1)]
    for pulse in problem.pulses:
        near = generator.normal(size=(round(_NEAR_PULSE * count / len(problem.pulses)), 2))
        parts.append(np.asarray(pulse.center) + _SPREAD * pulse.width * near)
    places = np.concatenate(parts)
    known = np.zeros((len(places), 2))
    for channel, pulse in enumerate(problem.pulses):
        known[:, channel] = pulse(places)
    normal = torch.zeros(waves.shape[1], waves.shape[1], dtype=torch.float64)
    right = torch.zeros(waves.shape[1], 2, dtype=torch.float64)
    for piece in np.array_split(np.arange(len(places)), -(-len(places) // _PIECE)):
        rows = torch.from_numpy(np.sin(places[piece] @ waves + phases))
        normal.addmm_(rows.T, rows)
        right.addmm_(rows.T, torch.from_numpy(known[piece]))
    displacement, velocity = solved(normal, right, _RIDGE).numpy().T
    return displacement, velocity


def _field_of(
    problem: Wave, turns: np.ndarray, phases: np.ndarray, amplitudes: np.ndarray, size: int, num_times: int
) -> Field:
    """Return the field ``sum amplitude sin(turns (t, x, y) + phase)``."""
    siren = SirenArchitecture(hidden_features=len(phases), hidden_layers=0, omegas=_OMEGA)
    network = siren.build(3, 1, generator=torch.Generator())
    reach = problem.reach()
    field = Field(network, problem.grid(size, num_times), [Channel(name="u", low=-reach, high=reach)])
    scale = field.grid.physical_scale()  # units per unit coordinate
    low = np.array([axis.extent[0] for axis in field.grid.axes])
    first, output = network.linears()
    with torch.no_grad():
        first.weight.copy_(torch.from_numpy(turns * scale / _OMEGA))
        first.bias.copy_(torch.from_numpy((phases + turns @ (low + scale)) % (2 * np.pi) / _OMEGA))
        output.weight.copy_(torch.from_numpy(amplitudes / reach))
        output.bias.zero_()
    return field
