"""`poisson`: reconstructs a picture from its gradient or its Laplacian alone (Sitzmann et al. 2020, s. 4.2)."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ligeia import fitting
from ligeia.core import InputError, checked_device
from ligeia.field import Field
from ligeia.fitting import Callback, LRSchedule, Recipe, Stop
from ligeia.networks import Architecture, SirenArchitecture, check_order
from ligeia.physics import DerivativesOf, Known
from ligeia.recipes import derivative_optimizer, network_config, new_field, to_signal
from ligeia.signals import Signal

_BATCH = 2048
_STEPS, _MOST_STEPS, _USUAL_SAMPLES, _POWER = 1500, 6500, 1 << 16, 0.8  # steps grow with this power of the samples
_TURNS_PER_SAMPLE = 0.175  # radians per unit coordinate by which the first layer turns along an axis, over its samples
_LEAST_TURNS, _MOST_TURNS = 30.0, 90.0


def poisson(
    source: Path | str | np.ndarray | torch.Tensor | Signal,
    known: Known,
    *,
    stop: Stop | None = None,
    recipe: Recipe | None = None,
    network: Architecture | None = None,
    hidden_features: int = 256,
    hidden_layers: int = 3,
    seed: int = 0,
    device: str | torch.device = "cpu",
    callbacks: Sequence[Callback] = (),
) -> Field:
    """Return the field whose derivatives are those of a signal on a grid; its ``report`` has the PSNR of its values.

    Only the ``gradient`` or the ``laplacian`` is fitted; the signal's mean, which neither determines, is added at the
    end. Without ``stop`` the fit takes 1,500 steps of 2,048 points, up to 6,500 for more than 256 x 256 samples;
    without ``recipe`` they are Muon's, or Adam's for another ``network`` than a sine network. Raises `InputError` for
    the Laplacian of a network that has none, such as one of ReLU.

    >>> rows, columns = np.mgrid[0:12, 0:16]
    >>> picture = np.cos(rows / 4) + np.sin(columns / 5)
    >>> field = poisson(picture, "gradient", stop=fitting.passes(3), hidden_features=16, hidden_layers=1)
    >>> field.sample((24, 32)).shape
    torch.Size([24, 32, 1])
    """
    if known not in ("gradient", "laplacian"):
        raise InputError(f"expected gradient or laplacian as what is known, got {known!r}.")
    if network is None:
        network = SirenArchitecture(hidden_features=hidden_features, hidden_layers=hidden_layers)
    check_order(network, order=2 if known == "laplacian" else 1)
    signal = to_signal(source)
    objective = DerivativesOf(signal, known)
    turns = [min(max(_TURNS_PER_SAMPLE * size, _LEAST_TURNS), _MOST_TURNS) for size in signal.grid.shape]
    config = network_config(signal, network, turns)
    field = new_field(signal, config, turns, seed=seed).to(checked_device(device))
    if recipe is None:
        recipe = Recipe(
            name="poisson", optimizer=derivative_optimizer(network), batch_size=_BATCH, schedule=LRSchedule()
        )
    steps = min(_STEPS * max(1.0, signal.grid.num_samples / _USUAL_SAMPLES) ** _POWER, _MOST_STEPS)
    stop = fitting.passes(steps * _BATCH / objective.num_points) if stop is None else stop
    report = fitting.fit(field, objective, recipe, stop, seed=seed, callbacks=callbacks)
    objective.set_constant(field)
    field.report = replace(report, num_points=signal.grid.num_samples)
    return field
