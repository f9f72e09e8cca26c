"""`solve helmholtz`: waves of one frequency, and their distance from the closed form."""

import time

import numpy as np
import torch

from ligeia.core import InputError, checked_device, random_stream
from ligeia.field import Field
from ligeia.files import values_at
from ligeia.networks import SirenArchitecture
from ligeia.physics import Constraints, Helmholtz, solve_output, uniform_speed
from ligeia.signals import Channel

from ._solution import Solved, relative_l2, with_range

_TURNS = 5.0  # radians per unit of the first layer, over the wavenumber, or over that of the source's width
_NEURONS = 0.205  # over the square of the first layer's frequencies, as many as waves fit into the domain
_FEWEST, _MOST, _TOO_MANY = 768, 4096, 2.0
_POINTS = 4.6  # per neuron
_RIDGE = 1e-11  # the weights stay small enough for float32
_CHECKED = 20_000


def solve_helmholtz(
    problem: Helmholtz,
    *,
    hidden_features: int | None = None,
    size: int = 256,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> Solved:
    """Return the field of a source: one layer of sine waves, weighted by least squares in float64.

    Its channels are real and imaginary part, its grid ``size`` x ``size`` samples of the square from -1 to 1. The width
    grows with the square of the wavenumber and of the source's inverse width, from 768 to 4,096. Media with jumps in
    speed are out of reach (design/differential-equations.md).
    """
    began = time.perf_counter()
    turns = _TURNS * max(problem.wavenumber, 1 / problem.source.width)
    wanted = round(_NEURONS * turns**2)
    if hidden_features is None and wanted > _TOO_MANY * _MOST:
        raise InputError(
            f"expected a problem of at most {_MOST:,} neurons, this one needs {wanted:,}; take a smaller wavenumber or "
            "a wider source, or choose the width yourself."
        )
    width = min(max(wanted, _FEWEST), _MOST)
    width = width if hidden_features is None else hidden_features
    siren = SirenArchitecture(hidden_features=width, hidden_layers=0, omegas=turns)
    network = siren.build(2, 2, generator=random_stream(seed, "initial weights"))
    with torch.no_grad():
        for each in network.linears()[-1].parameters():
            each.zero_()
    channels = [Channel(name=name, low=-1.0, high=1.0) for name in ("real", "imaginary")]
    field = Field(network, problem.grid(size), channels).to(checked_device(device)).double()
    generator = np.random.default_rng(seed)
    solve_output(field, problem.constraints(round(_POINTS * width), generator=generator), ridge=_RIDGE, seed=seed)
    field = with_range(field.float())
    fresh = Constraints(problem.constraints(_CHECKED, generator=generator)[:1])
    residual = 10 ** (-fresh.quality(field).psnr_db / 20)
    nothing = 0.5**0.5  # the source has no imaginary part
    return Solved(
        field, time.perf_counter() - began, residual / nothing, distance_from_free_field(field, problem, generator)
    )


def distance_from_free_field(field: Field, problem: Helmholtz, generator: np.random.Generator) -> float | None:
    """Return the relative L2 distance from the closed form outside of source and layers; None if there is none."""
    if problem.speed is not uniform_speed:
        return None
    points = generator.uniform(-1, 1, (_CHECKED, 2))
    points = points[problem.is_physical(points)]
    found = values_at(field, points)
    return relative_l2(found[:, 0] + 1j * found[:, 1], problem.source.free_field(points, problem.wavenumber))
