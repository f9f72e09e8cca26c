"""`solve inversion`: an unknown speed from recordings of waves of one frequency (Sitzmann et al. 2020, s. 4.3)."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from ligeia.core import InputError, checked_device, errors_name, random_stream
from ligeia.field import Field
from ligeia.fitting import Evaluation, lbfgs
from ligeia.networks import Siren, SirenArchitecture
from ligeia.physics import Eliminated, GaussianSource, Inversion
from ligeia.signals import Axis, Channel, Grid

from ._solution import with_range

_EVALUATIONS = 400
_SPEED_WIDTH, _SPEED_TURNS, _HIDDEN_TURNS = 64, 25.0, 30.0
_LEAST_TURNS = 10.0  # radians per unit of the waves' first layer, which has the wavenumber's
_LEAST_RANGE = 1e-3  # of the speed's channel
_POINTS = 12  # per neuron of the waves
_NAMES = ("wavenumber", "sources", "width", "receivers", "recordings")


@final
@dataclass(frozen=True, slots=True)
class Inverted:
    """A speed, and how well it fits the recordings."""

    speed: Field
    """One channel over the square from -1 to 1."""
    waves: Field
    """The scattered waves of each source: real parts, source by source, then imaginary ones."""
    seconds: float
    evaluations: int
    stopped_by: str
    relative_residual: float
    """Norm of the residual of the waves' equation, relative to that of zero waves in a medium of typical contrast."""
    relative_misfit: float
    """Distance of the waves from the recordings at the receivers, relative to the scattered part."""


def solve_inversion(
    problem: Inversion,
    *,
    evaluations: int = _EVALUATIONS,
    hidden_features: int = 256,
    size: int = 256,
    seed: int = 0,
    device: str | torch.device = "cpu",
    callbacks: Sequence[Callable[[Evaluation], bool | None]] = (),
) -> Inverted:
    """Return the speed that best fits recordings, a 2-64-64-1 network, by L-BFGS with ``evaluations`` of the loss.

    ``hidden_features`` is the width of the waves' two sine layers, ``size`` the samples along a side of the speed's
    grid. Details finer than half a wavelength are blurred.
    """
    began = time.perf_counter()
    grid = Grid(tuple(Axis(name=name, size=size, extent=(-1.0, 1.0)) for name in "xy"))
    turns = max(_LEAST_TURNS, problem.wavenumber)
    count = len(problem.sources)
    channels = [
        Channel(name=f"{part}{each}", low=-1.0, high=1.0) for part in ("real", "imaginary") for each in range(count)
    ]
    waves = Field(_silent(hidden_features, turns, 2 * count, seed, "waves"), grid, channels)
    slow = Channel(name="speed", low=0.0, high=2.0)  # a network of 0 is a speed of 1
    speed = Field(_silent(_SPEED_WIDTH, _SPEED_TURNS, 1, seed, "speed"), grid, [slow])
    waves, speed = (each.to(checked_device(device)) for each in (waves, speed))
    generator = np.random.default_rng(seed)
    misfit = Eliminated(problem, waves, speed, num_points=_POINTS * hidden_features, generator=generator)
    hidden = waves.network.tensors()[:-2]

    def loss() -> Tensor:
        return misfit().total

    run = lbfgs([*hidden, *speed.network.parameters()], loss, evaluations=evaluations, callbacks=callbacks)
    misfit.store()
    with torch.no_grad():
        left = misfit()
    values = speed.sample()
    low, high = float(values.min()), float(values.max())
    return Inverted(
        speed=with_range(speed, low, max(high, low + _LEAST_RANGE)),
        waves=with_range(waves),
        seconds=time.perf_counter() - began,
        evaluations=run.evaluations,
        stopped_by=run.stopped_by,
        relative_residual=float(left.equation) ** 0.5,
        relative_misfit=float(left.recordings) ** 0.5,
    )


def read_recordings(path: Path) -> Inversion:
    """Return the problem that an ``.npz`` file holds.

    ``wavenumber`` is a number, ``sources`` (n, 2) and ``receivers`` (m, 2) are places, ``width`` is that of the
    Gaussian sources, ``recordings`` (n, m) complex.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: np.asarray(file[name]) for name in _NAMES if name in file}
    except (BadZipFile, OSError, ValueError, EOFError, AttributeError, TypeError) as error:
        raise InputError(f"{path}: expected recordings as an .npz file of numbers; it cannot be read.") from error
    if missing := [name for name in _NAMES if name not in found]:
        raise InputError(f"{path}: expected arrays {', '.join(_NAMES)}; missing: {', '.join(missing)}.")
    try:
        wavenumber, width = (float(found[name].reshape(())) for name in ("wavenumber", "width"))
        places = {name: found[name].astype(np.float64, casting="same_kind") for name in ("sources", "receivers")}
        recordings = found["recordings"].astype(np.complex128, casting="same_kind")
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path}: expected numbers: one as wavenumber and as width, real ones as places, complex recordings; "
            f"got {_described(found)}."
        ) from error
    if any(each.ndim != 2 or each.shape[1] != 2 for each in places.values()) or recordings.ndim != 2:
        raise InputError(
            f"{path}: expected sources (n, 2), receivers (m, 2) and recordings (n, m), got {_described(found)}."
        )
    with errors_name(path):
        return Inversion(
            wavenumber=wavenumber,
            sources=[GaussianSource(center=(float(x), float(y)), width=width) for x, y in places["sources"]],
            receivers=places["receivers"],
            recordings=recordings,
        )


def _described(arrays: dict[str, np.ndarray]) -> str:
    return ", ".join(f"{name} {each.shape} {each.dtype}" for name, each in arrays.items())


def _silent(width: int, turns: float, outputs: int, seed: int, name: str) -> Siren:
    """Return a network of two sine layers that gives 0."""
    siren = SirenArchitecture(hidden_features=width, hidden_layers=1, omegas=(turns, _HIDDEN_TURNS))
    network = siren.build(2, outputs, generator=random_stream(seed, f"initial {name}"))
    with torch.no_grad():
        for each in network.linears()[-1].parameters():
            each.zero_()
    return network
