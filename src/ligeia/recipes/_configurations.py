"""Whole configurations: what a name like ``fast`` or ``paper`` stands for, from coordinates to stop rule."""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, final

from ligeia.fitting import Adam, LRSchedule, Muon, Optimizer, Recipe, Stop, passes
from ligeia.networks import Architecture, SirenArchitecture, check_order
from ligeia.physics import Smoothness
from ligeia.signals import Alignment, Signal, SoundSource, rms_frequencies

_SIREN = SirenArchitecture()
_BATCH = 512
_SMOOTH_BATCH = 1024
_SMOOTH_PASSES, _SMOOTH_MOST_STEPS = 48, 3000
_FEW_SAMPLES = 1 << 17  # that a network can follow to their highest frequencies along several axes
_FOLLOWED = 24_000.0  # a single axis gets at most the geometric mean of its frequency and this one, in radians per unit


class FirstFrequency(NamedTuple):
    """How fast the first layer of a network turns along one axis."""

    axis: str
    omega: float
    """omega_0 times the factor of the first weights, which are U(+-1/axes) without it: radians per unit coordinate."""
    reason: str


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """All that `fit` needs to know beside the signal and the network's size."""

    recipe: Recipe
    align: Alignment
    first_layer_scale: float
    """Factor of the network's first weights."""
    sound_scale: float | None = None
    """Another such factor, for sounds; None is the same."""
    volume_scale: float | None = None
    """Another such factor, for signals of three axes or more; None is the same."""
    per_frequency: float | None
    """Where it is more: ``omega_0 * scale`` along an axis, over the signal's RMS frequency there; None ignores it."""
    most_per_sample: float | None
    """Largest ``omega_0 * scale`` along an axis, over its number of samples (Nyquist is pi / 2); None sets no limit."""
    most_per_point: float | None = None
    """The same for scattered samples, per axis of the domain and over the samples of its grid; None sets no limit."""
    stop: Stop | None
    """The end of a fit whose user names none; None is a plateau."""
    smoothness: Smoothness | None = None
    """What is believed of the field between samples."""

    def first_frequencies(self, signal: Signal, omega_0: float) -> tuple[FirstFrequency, ...]:
        """Return how fast the first layer turns along each axis of a signal, with the reason.

        An axis that varies fast needs more: that of a small picture of fine detail, and that of a sound, but there at
        most the geometric mean of its RMS frequency and 24,000. Along several axes the frequencies up to those of a
        large signal are more than a network has weights for, and along three or more its weights reach less far along
        each. A short axis gets less: a first layer that turns by more than the samples can tell fits them and is noise
        in between. Scattered ones leave gaps, and tell less. Only ``omega * scale`` counts: to scale coordinates is the
        same as to scale the first weights.
        """
        scale = self.first_layer_scale
        if self.sound_scale is not None and isinstance(signal.source, SoundSource):
            scale = self.sound_scale
        if self.volume_scale is not None and signal.grid.num_axes > 2:
            scale = self.volume_scale
        usual = f"{scale:g} x omega_0"
        found = [FirstFrequency(axis.name, scale * omega_0, usual) for axis in signal.grid.axes]
        if self.per_frequency is not None and (signal.grid.num_axes == 1 or signal.grid.num_samples <= _FEW_SAMPLES):
            for number, frequency in enumerate(rms_frequencies(signal)):
                times = self.per_frequency
                if signal.grid.num_axes == 1 and frequency > 0:
                    times = min(times, math.sqrt(_FOLLOWED / frequency))
                if times * frequency > found[number].omega:
                    reason = f"{times:.2g} x the signal's RMS frequency of {frequency:.0f}"
                    found[number] = found[number]._replace(omega=times * frequency, reason=reason)
        most = self.most_per_sample
        if signal.points is not None:  # the first weights, U(+-1/axes), turn by no more the more axes there are
            most = None if self.most_per_point is None else self.most_per_point * signal.grid.num_axes
        if most is not None:
            for number, size in enumerate(signal.grid.shape):
                if most * size < found[number].omega:
                    found[number] = found[number]._replace(
                        omega=most * size, reason=f"{most:.3g} radians per sample, at most"
                    )
        return tuple(found)


def fast(*, hidden_features: int = 256) -> Configuration:
    """Return the quick way to the same network: small shuffled batches, a scaled first layer, a cooled learning rate.

    The learning rate is ``2e-4 * sqrt(batch / 256) * 256 / width``, half of what was seen to fail. See
    ``design/fast-recipe.md`` for the measurements.
    """
    rate = 2e-4 * math.sqrt(_BATCH / 256) * 256 / max(64, hidden_features)
    recipe = Recipe(
        name="fast",
        optimizer=Adam(learning_rate=rate, betas=(0.8, 0.99)),
        batch_size=_BATCH,
        schedule=LRSchedule(),
    )
    return Configuration(
        recipe=recipe,
        align="centers",
        first_layer_scale=6.0,
        per_frequency=4.0,
        most_per_sample=0.7,
        most_per_point=0.075,
        volume_scale=2.0,
        stop=None,
    )


def fast_for(architecture: Architecture) -> Configuration:
    """Return the quick way to fit an architecture: that of a sine network, at its own rate, batches and frequencies."""
    usual = fast(hidden_features=architecture.num_features)
    times = architecture.frequency_scale
    return replace(
        usual,
        recipe=replace(faster(usual.recipe, architecture.rate), batch_size=architecture.batch_size),
        first_layer_scale=times * usual.first_layer_scale,
        per_frequency=None if usual.per_frequency is None else times * usual.per_frequency,
        volume_scale=None if usual.volume_scale is None else times * usual.volume_scale,
    )


def faster(recipe: Recipe, times: float) -> Recipe:
    """Return a recipe with so many times the learning rate."""
    optimizer = recipe.optimizer
    return replace(recipe, optimizer=replace(optimizer, learning_rate=times * optimizer.learning_rate))  # type: ignore[type-var]


def muon(hidden_features: int) -> Muon:
    """Return Muon at the rate that fields held to derivatives are fitted with: 0.128 over the width."""
    return Muon(learning_rate=0.128 / max(64, hidden_features))


def derivative_optimizer(network: Architecture) -> Optimizer:
    """Return what a network is fitted by that is held to derivatives: Muon, or Adam where Muon's rate is not known."""
    return muon(network.num_features) if network.takes_muon else fast_for(network).recipe.optimizer


def smooth(signal: Signal, smoothness: Smoothness, network: Architecture = _SIREN) -> Configuration:
    """Return how a signal with gaps is fitted beside a prior: Muon, and a first layer no finer than the samples known.

    With a tenth of the samples of a picture known, at random, it is 0.4 to 1.5 dB better than biharmonic inpainting
    (``scripts/bench inpainting``). Ends after 48 passes, or 3,000 steps. Another ``network`` than a sine network is
    fitted by Adam; one without second derivatives is refused where the prior needs them.
    """
    check_order(network, order=smoothness.order)
    known = 1.0 if signal.points is not None else signal.num_samples / signal.grid.num_samples
    recipe = Recipe(
        name="smooth",
        optimizer=derivative_optimizer(network),
        batch_size=_SMOOTH_BATCH,
        schedule=LRSchedule(),
    )
    return Configuration(
        recipe=recipe,
        align="centers",
        first_layer_scale=6.0,
        per_frequency=None,
        most_per_sample=0.25 * known ** (1 / signal.grid.num_axes),
        most_per_point=0.075,
        stop=passes(min(_SMOOTH_PASSES, _SMOOTH_MOST_STEPS * _SMOOTH_BATCH / signal.num_samples)),
        smoothness=smoothness,
    )


def paper() -> Configuration:
    """Return the reference experiment: full batch, Adam at 1e-4, 500 steps, corner-aligned coordinates.

    Sounds have coordinates from -100 to 100 there, which is a first layer scaled by 100.
    Source: the notebook of the reference code of Sitzmann et al. 2020 (arXiv:2006.09661).
    """
    recipe = Recipe(
        name="paper", optimizer=Adam(learning_rate=1e-4), batch_size=None, schedule=None, divergence_threshold=None
    )
    return Configuration(
        recipe=recipe,
        align="corners",
        first_layer_scale=1.0,
        sound_scale=100.0,
        per_frequency=None,
        most_per_sample=None,
        stop=passes(500),
    )
