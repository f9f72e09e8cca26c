"""`fit` of samples: on a grid or scattered, in a file, an array or a signal."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from ligeia import fitting
from ligeia.core import InputError, checked_device
from ligeia.field import Field
from ligeia.fitting import Callback, Checkpointer, State, Stop, Values
from ligeia.networks import NetworkConfig, SirenArchitecture, check_order
from ligeia.physics import SmoothValues
from ligeia.signals import Signal, SoundSource

from ._build import AT_ONCE, checked_omegas, meet_constant, new_field, with_snr
from ._configurations import Configuration, FirstFrequency, fast_for, paper, smooth
from ._held_out import HeldOut, hold_out, hold_out_masked
from ._networks import network_config
from ._request import FitRequest, SignalLike
from ._signals import to_signal, with_footprint
from ._sizing import Size, choose_size


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class SignalPlan:
    """How a signal is going to be fitted: everything that is chosen before the first step."""

    request: FitRequest
    whole: Signal
    """The signal with all of its samples."""
    signal: Signal
    """The same without those that are not fitted."""
    held_out: HeldOut | None
    """Samples that are not fitted but measured."""
    network: NetworkConfig
    size: Size
    configuration: Configuration
    frequencies: tuple[FirstFrequency, ...]
    """Of the first layer; networks that take none leave them unused."""

    @property
    def offset_db(self) -> float:
        """By how much the PSNR of a sound exceeds its SNR; 0 of anything else."""
        return self.signal.snr_offset_db() if isinstance(self.signal.source, SoundSource) else 0.0

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is worth saying before the fit: nothing."""
        return ()

    def fit(self, *, callbacks: Sequence[Callback] = (), checkpoint: Checkpointer | None = None) -> "FittedSignal":
        """Fit the network; callbacks see every step, ``checkpoint`` keeps the state or goes on from it."""
        seed, recipe, smoothness = self.request.seed, self.configuration.recipe, self.configuration.smoothness
        omegas = [each.omega for each in self.frequencies]
        field = new_field(self.whole, self.network, omegas, seed=seed).to(checked_device(self.request.device))
        values = Values(self.signal, seed=seed)
        is_constant = meet_constant(field, values)
        objective = values if smoothness is None else SmoothValues(values, smoothness, seed=seed)
        state = State(field, recipe, objective.num_points)
        if checkpoint is not None:
            checkpoint.begin(state, self.identity())
            callbacks = [*callbacks, checkpoint]
        report = fitting.fit(
            field,
            objective,
            recipe,
            fitting.passes(AT_ONCE) if is_constant else completed(self.request.stop, self.configuration, values),
            seed=seed,
            callbacks=callbacks,
            state=state,
        )
        report = with_snr(replace(report, stopped_by="exact") if is_constant else report, self.signal)
        field.report = report
        if self.held_out is not None:
            field.report = replace(report, held_out=self.held_out.quality(field))
        return FittedSignal(field, self)

    def identity(self) -> str:
        """Return what tells this fit from others: a checkpoint of another one is refused."""
        signal, smoothness = self.signal, self.configuration.smoothness
        return fitting.identity(
            "signal",
            data=fitting.samples_part(signal.digest(), signal.grid, signal.channels),
            network=fitting.network_part(self.network),
            first_omegas=[each.omega for each in self.frequencies],
            recipe=fitting.recipe_part(self.configuration.recipe),
            prior=None if smoothness is None else [smoothness.total_variation, smoothness.hessian],
            seed=self.request.seed,
        )


@final
@dataclass(frozen=True, slots=True)
class FittedSignal:
    """A field, whose report says how its fit went, and what was chosen for it."""

    field: Field
    plan: SignalPlan


def plan_signal(source: SignalLike, request: FitRequest) -> SignalPlan:
    """Read a signal and choose how it is fitted: which samples, which network, which configuration."""
    if request.objective is not None:
        path = f"{source}: " if isinstance(source, (str, Path)) else ""
        raise InputError(
            f"{path}the objective {request.objective} is for surfaces (.ply, .obj, .stl, .off, .glb, .xyz); leave it "
            "out."
        )
    stated = paper() if request.recipe == "paper" else request.configuration
    whole = to_signal(
        source,
        align="centers" if stated is None else stated.align,
        variable=request.variable,
        frames=request.frames,
        periodic=request.periodic,
        columns=request.columns,
        channels=request.channels,
        missing=request.missing,
        working_set=request.working_set,
    )
    whole = with_footprint(whole, request.footprint)
    signal, held_out = _with_gaps(whole, request, is_read=not isinstance(source, Signal))
    omegas = None if request.first_omegas is None else checked_omegas(request.first_omegas, signal)
    # a quality widens the network of the usual configuration only: a learning rate belongs to a width
    network, size = _network_for(signal, request, omegas, request.stop if stated is None else None)
    architecture = network.architecture
    if stated is not None:
        configuration = stated
    elif request.prior is not None:
        configuration = smooth(signal, request.prior, architecture)
    else:
        configuration = fast_for(architecture)
    if configuration.smoothness is not None:
        check_order(architecture, order=configuration.smoothness.order)
    if omegas is None:
        frequencies = configuration.first_frequencies(signal, architecture.omega_0)
    elif architecture.takes_frequencies:
        axes = signal.grid.axes
        frequencies = tuple(
            FirstFrequency(axis.name, each, "as asked") for axis, each in zip(axes, omegas, strict=True)
        )
    else:
        raise InputError(
            f"the first layer of a network {architecture.name} has no frequency; leave --first-omega (first_omegas) "
            "out."
        )
    return SignalPlan(
        request=request,
        whole=whole,
        signal=signal,
        held_out=held_out,
        network=network,
        size=size,
        configuration=configuration,
        frequencies=frequencies,
    )


def completed(stop: Stop | None, configuration: Configuration, objective: Values) -> Stop:
    """Return rules that end a fit in any case: a plateau where nothing else is certain to."""
    if stop is None:
        stop = configuration.stop
    if stop is None:
        return fitting.plateau(finest_db=objective.finest_db)
    stop = stop.in_psnr(objective.signal.snr_offset_db)
    if {rule.name for rule in stop.rules} <= {"psnr", "snr"}:
        # a quality out of reach must end as well, though later than a fit without a target would
        return stop | fitting.plateau(0.3, most_steps=131_072)
    return stop


def _with_gaps(whole: Signal, request: FitRequest, *, is_read: bool) -> tuple[Signal, HeldOut | None]:
    """Return the samples to fit and those to measure; of a signal that was given, all unless asked otherwise."""
    if request.mask is not None:
        return hold_out_masked(whole, to_signal(request.mask))
    if request.hold_out is None and not is_read:
        return whole, None
    return hold_out(whole, request.hold_out, seed=request.seed)


def _network_for(
    signal: Signal, request: FitRequest, omegas: Sequence[float] | None, stop: Stop | None
) -> tuple[NetworkConfig, Size]:
    """Return the network asked for, or a sine network as wide as the end of the fit or the file's size wants it."""
    if request.network is None:
        siren = SirenArchitecture(hidden_layers=request.hidden_layers, omegas=request.omega_0)
        size = choose_size(
            signal,
            stop=stop,
            network=siren,
            hidden_features=request.hidden_features,
            most_bytes=request.most_bytes,
        )
        return NetworkConfig(siren.of_size(size.hidden_features), signal.grid.num_inputs, signal.num_channels), size
    config = network_config(signal, request.network, omegas, most_bytes=request.most_bytes)
    reason = f"of the network {request.network.name}"
    if request.most_bytes is not None:
        reason = f"the most in {request.most_bytes:,} bytes"
    return config, Size(config.num_features, reason)
