"""`fit`: any source to a field, with a configuration chosen for it."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from ligeia import fitting
from ligeia.core import InputError, random_stream
from ligeia.field import Field
from ligeia.fitting import Callback, Checkpointer, Report, State, Stop, Values
from ligeia.networks import Architecture, NetworkConfig, SirenConfig, check_order
from ligeia.physics import SmoothValues
from ligeia.signals import (
    POINT,
    Bicubic,
    Box,
    Grid,
    PointColumns,
    Signal,
    SoundSource,
    Surface,
    declare_periodic,
    from_array,
    is_surface,
    read_signal,
)

from ._configurations import Configuration, fast, fast_for
from ._networks import checked_network, network_config, turns_of_inputs
from ._sizing import choose_size

WORKING_SET = 256 << 20  # bytes
AT_ONCE = 1e-9  # passes: a single step, which moves nothing where nothing is wrong
_EXACT_DB = 120.0
_FOOTPRINTS: Final = {"point": POINT, "box": Box(), "bicubic": Bicubic()}


def fit(
    source: Path | str | np.ndarray | torch.Tensor | Signal | Surface,
    *,
    stop: Stop | None = None,
    configuration: Configuration | None = None,
    network: Architecture | None = None,
    hidden_features: int | None = None,
    most_bytes: int | None = None,
    hidden_layers: int = 3,
    omega_0: float = 30.0,
    first_omegas: Sequence[float] | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    callbacks: Sequence[Callback] = (),
    checkpoint: Checkpointer | None = None,
    working_set: int = WORKING_SET,
) -> Field:
    """Fit a network to a file, an array, a signal or a surface; the field's ``report`` says how it went.

    ``stop`` joins rules, ``psnr(40) | seconds(30)``; without it the fit ends at a plateau. ``configuration`` is
    ``recipes.fast()`` unless given. ``checkpoint`` keeps the state of the fit in a file, to be resumed from; the file
    is the caller's to delete once the field is saved. ``first_omegas`` are the frequencies of the first layer, in
    radians per unit coordinate: one, or one per axis; by default `Configuration.first_frequencies` finds them.
    ``working_set`` is that of `to_signal`.

    ``hidden_features`` is the width of the network; unless given it is chosen by `choose_size`: 256, more where a
    quality in ``stop`` needs more, and in any case so few that the field's file has ``most_bytes`` at most. A quality
    widens the network only where ``configuration`` is not given, since a learning rate belongs to a width. A mesh or a
    cloud becomes its signed distance, by `fit_surface`. ``network`` is another architecture, such as
    ``lg.Finer(omega=40)``, of its own sizes; ``most_bytes`` makes it as large as the file holds.

    >>> field = fit(np.zeros((8, 8), np.uint8), stop=fitting.passes(2), hidden_features=16)
    >>> field.sample((16, 16)).shape
    torch.Size([16, 16, 1])
    """
    if stop is not None and not isinstance(stop, Stop):
        raise InputError(f"a stop rule such as psnr(40) | seconds(30) was wanted, got {stop!r}.")
    if isinstance(source, Surface) or (isinstance(source, (str, Path)) and is_surface(Path(source))):
        options = {
            "network": network,
            "stop": stop,
            "hidden_layers": hidden_layers,
            "omega_0": omega_0,
            "seed": seed,
            "device": device,
        }
        options |= {"hidden_features": hidden_features, "callbacks": callbacks, "checkpoint": checkpoint}
        return _field_of_surface(source, configuration, most_bytes, first_omegas, options)
    signal = to_signal(source, configuration, working_set=working_set)
    size = {"hidden_features": hidden_features, "most_bytes": most_bytes}
    depth = {"hidden_layers": hidden_layers, "omega_0": omega_0}
    config, configuration = _configured(signal, stop, configuration, network, first_omegas, size, depth)
    if first_omegas is None:
        first_omegas = [found.omega for found in configuration.first_frequencies(signal, omega_0)]
    field = new_field(signal, config, first_omegas, seed=seed).to(checked_device(device))
    values = Values(signal, seed=seed)
    is_constant = meet_constant(field, values)
    smoothness = configuration.smoothness
    objective = values if smoothness is None else SmoothValues(values, smoothness, seed=seed)
    state = State(field, configuration.recipe, objective.num_points)
    if checkpoint is not None:
        checkpoint.begin(
            state, f"{signal.digest()} {config} {list(first_omegas)} {configuration.recipe} {smoothness} seed {seed}"
        )
        callbacks = [*callbacks, checkpoint]
    report = fitting.fit(
        field,
        objective,
        configuration.recipe,
        fitting.passes(AT_ONCE) if is_constant else _completed(stop, configuration, values),
        seed=seed,
        callbacks=callbacks,
        state=state,
    )
    field.report = with_snr(replace(report, stopped_by="exact") if is_constant else report, signal)
    return field


def _configured(
    signal: Signal,
    stop: Stop | None,
    configuration: Configuration | None,
    network: Architecture | None,
    first_omegas: Sequence[float] | None,
    size: dict[str, int | None],
    depth: dict[str, Any],
) -> tuple[SirenConfig | NetworkConfig, Configuration]:
    """Return the network and how it is fitted, both as asked or as the signal and the end of the fit want them."""
    if network is None:
        width, _ = choose_size(signal, stop=stop if configuration is None else None, **size, **depth)
        config = siren_config(signal.grid, signal.num_channels, width, **depth)
        return config, configuration or fast(hidden_features=width)
    network = checked_network(network)
    if size["hidden_features"] is not None:
        raise InputError(f"the sizes of a network {network.name} are its own; leave hidden_features out.")
    config = network_config(signal, network, first_omegas, most_bytes=size["most_bytes"])
    configuration = configuration or fast_for(config.architecture)
    if configuration.smoothness is not None:
        check_order(network, order=configuration.smoothness.order)
    return config, configuration


def siren_config(
    grid: Grid, num_channels: int, hidden_features: int, hidden_layers: int, omega_0: float = 30.0
) -> SirenConfig:
    """Return a sine network on a domain, with one omega_0 for all layers."""
    return SirenConfig(
        in_features=grid.num_inputs,
        hidden_features=hidden_features,
        hidden_layers=hidden_layers,
        out_features=num_channels,
        omegas=(float(omega_0),) * (hidden_layers + 1),
    )


def new_field(
    signal: Signal, config: SirenConfig | NetworkConfig, first_omegas: Sequence[float], *, seed: int = 0
) -> Field:
    """Return a field on the domain of a signal, with fresh weights that turn by ``first_omegas`` along its axes."""
    turns = turns_of_inputs(checked_omegas(first_omegas, signal), signal.grid)
    generator = random_stream(seed, "initial weights")
    network: Any  # of either kind, in which Field is generic
    if isinstance(config, SirenConfig):
        network = config.build(
            first_layer_scale=[turn / config.omegas[0] for turn in turns],
            generator=generator,
        )
    else:
        network = config.build(frequencies=turns, generator=generator)
    return Field(network, signal.grid, signal.channels, signal.source, signal.missing)


def _field_of_surface(
    source: Path | str | Surface,
    configuration: Configuration | None,
    most_bytes: int | None,
    first_omegas: Sequence[float] | None,
    options: dict[str, Any],
) -> Field:
    if configuration is not None or most_bytes is not None:
        raise InputError("a surface is fitted by `recipes.fit_surface`, without configuration and most_bytes.")
    from ._fit_surface import fit_surface, single_omega  # which are built on this file

    return fit_surface(source, first_omega=single_omega(first_omegas), **options).field


def to_signal(
    source: Path | str | np.ndarray | torch.Tensor | Signal,
    configuration: Configuration | None = None,
    *,
    variable: str | None = None,
    frames: tuple[int, int] | None = None,
    periodic: Sequence[str] = (),
    columns: PointColumns | None = None,
    channels: bool | None = None,
    working_set: int = WORKING_SET,
) -> Signal:
    """Return the signal of a file, an array or a tensor, aligned as ``configuration`` wants it; a Signal as it is.

    ``variable`` names one of several arrays in a file, ``frames`` the first and the last (exclusive) frame of a video,
    ``periodic`` axes whose ends are the same place, ``columns`` those of scattered samples, ``channels`` whether the
    last axis of an array holds channels. Memory maps, ``.npy`` files, zarr arrays and videos of more than
    ``working_set`` bytes stay on disk: a fit holds so many bytes of their samples at a time, and sees them group by
    group (design/bigger-than-memory.md).
    """
    align = "centers" if configuration is None else configuration.align
    arrays = {"channels": channels, "align": align, "working_set": working_set}
    if isinstance(source, Signal):
        signal = source
    elif isinstance(source, (torch.Tensor, np.ndarray)):
        signal = from_array(_as_numpy(source), **arrays)
    elif isinstance(source, (str, Path)):
        signal = read_signal(Path(source), variable=variable, frames=frames, columns=columns, **arrays)
    else:
        raise InputError(f"a path, an array, a tensor or a Signal was wanted, got {type(source).__name__}.")
    return declare_periodic(signal, periodic) if periodic else signal


def with_footprint(signal: Signal, name: str) -> Signal:
    """Return a signal whose samples are values at points, means over their cells or bicubic means, along every axis."""
    if name not in _FOOTPRINTS:
        raise InputError(f"a footprint of {', '.join(_FOOTPRINTS)} was wanted, got {name!r}.")
    if name == "point":
        return signal
    if signal.points is not None:
        raise InputError(f"scattered samples are values at points; the footprint {name} is for samples on a grid.")
    return replace(signal, grid=signal.grid.with_footprints([_FOOTPRINTS[name]]))


def _as_numpy(array: torch.Tensor | np.ndarray) -> np.ndarray:
    if isinstance(array, np.ndarray):
        return array
    array = array.detach().cpu()
    return (array.float() if array.dtype == torch.bfloat16 else array).numpy()


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


def checked_omegas(omegas: Sequence[float], signal: Signal) -> list[float]:
    """Return one frequency of the first layer per axis of a signal; a single one is that of all."""
    result = list(omegas) * (signal.grid.num_axes if len(omegas) == 1 else 1)
    if len(result) != signal.grid.num_axes or not all(0 < omega < np.inf for omega in result):
        names = ", ".join(axis.name for axis in signal.grid.axes)
        raise InputError(
            f"a frequency above 0 for each axis ({names}) was wanted for the first layer, or one for all, "
            f"got {', '.join(f'{omega:g}' for omega in omegas)}."
        )
    return result


def checked_device(device: str | torch.device) -> torch.device:
    """Return a device that this machine has; ``auto`` is CUDA where there is one, else the CPU."""
    has_cuda = torch.cuda.is_available()
    if device == "auto":
        return torch.device("cuda" if has_cuda else "cpu")
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise InputError(f"the device must be auto, cpu or cuda, got {device!r}.") from error
    if found.type not in ("cpu", "cuda"):
        raise InputError(f"the device must be auto, cpu or cuda, got {str(device)!r}.")
    if found.type == "cuda" and not has_cuda:
        raise InputError("the device cuda was asked for, but torch finds none on this machine; use cpu or auto.")
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise InputError(f"{found} was asked for, but torch finds {torch.cuda.device_count()} on this machine.")
    return found


def _completed(stop: Stop | None, configuration: Configuration, objective: Values) -> Stop:
    if stop is None:
        stop = configuration.stop
    if stop is None:
        return fitting.plateau(finest_db=objective.finest_db)
    stop = stop.in_psnr(objective.signal.snr_offset_db)
    if {rule.name for rule in stop.rules} <= {"psnr", "snr"}:
        # a quality out of reach must end as well, though later than a fit without a target would
        return stop | fitting.plateau(0.3, most_steps=131_072)
    return stop
