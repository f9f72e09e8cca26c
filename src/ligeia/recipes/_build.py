"""Fields before their first step: fresh weights, or those of a constant; and what a report says of a sound."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from ligeia.core import InputError, random_stream
from ligeia.field import Field, Report
from ligeia.fitting import Values
from ligeia.networks import NetworkConfig
from ligeia.signals import Signal, SoundSource

from ._networks import angular_frequencies_of_inputs

AT_ONCE = 1e-9  # passes: a single step, which moves nothing where nothing is wrong
_EXACT_DB = 120.0


def new_field(signal: Signal, config: NetworkConfig, first_omegas: Sequence[float], *, seed: int = 0) -> Field:
    """Return a field on the domain of a signal, with fresh weights that turn by ``first_omegas`` along its axes."""
    turns = angular_frequencies_of_inputs(checked_omegas(first_omegas, signal), signal.grid)
    network = config.build(frequencies=turns, generator=random_stream(seed, "initial weights"))
    return Field(network, signal.grid, signal.channels, signal.source, signal.missing)


def checked_omegas(omegas: Sequence[float], signal: Signal) -> list[float]:
    """Return one frequency of the first layer per axis of a signal; a single one is that of all."""
    result = list(omegas) * (signal.grid.num_axes if len(omegas) == 1 else 1)
    if len(result) != signal.grid.num_axes or not all(0 < omega < np.inf for omega in result):
        names = ", ".join(axis.name for axis in signal.grid.axes)
        raise InputError(
            f"expected a frequency above 0 for each axis ({names}) for the first layer, or one for all, got "
            f"{', '.join(f'{omega:g}' for omega in omegas)}."
        )
    return result


def meet_constant(field: Field, objective: Values) -> bool:
    """Make a field of a constant signal that constant; return whether it is one."""
    if objective.constant_db > -math.inf:
        return False
    device = next(field.parameters()).device
    output = field.network.output_layer()
    if output is None:
        return False
    weight, bias = output.weight.detach().clone(), output.bias.detach().clone()
    with torch.no_grad():
        output.weight.zero_()
        output.bias.copy_(objective.batch(np.arange(1), device)[1][0])
        if objective.quality(field).psnr_db > _EXACT_DB:
            return True
        output.weight.copy_(weight)
        output.bias.copy_(bias)
    return False


def with_snr(report: Report, signal: Signal) -> Report:
    """Return a report that gives the SNR too, if the signal is a sound."""
    offset_db = signal.snr_offset_db() if isinstance(signal.source, SoundSource) else math.inf
    return replace(report, snr_db=report.psnr_db - offset_db) if math.isfinite(offset_db) else report
