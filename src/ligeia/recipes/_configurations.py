"""Whole configurations: what a name like ``fast`` or ``paper`` stands for, from coordinates to stop rule."""

import math
from dataclasses import dataclass
from typing import final

from ligeia.fitting import Adam, Cooling, Recipe, Stop, passes
from ligeia.signals import Alignment, Signal, SoundSource, rms_frequencies

_BATCH = 512


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
    per_frequency: float | None
    """Where it is more: ``omega_0 * scale`` along an axis, over the signal's RMS frequency there; None ignores it."""
    most_per_sample: float | None
    """Largest ``omega_0 * scale`` along an axis, over its number of samples (Nyquist is pi / 2); None sets no limit."""
    stop: Stop | None
    """The end of a fit whose user names none; None is a plateau."""

    def first_layer_scales(self, signal: Signal, omega_0: float) -> list[float]:
        """Return the factor of the first weights along each axis of a signal.

        A long axis that varies fast, such as that of a sound, needs more. A short one gets less: a first layer that
        turns by more than the samples can tell fits them and is noise in between.
        """
        scale = self.first_layer_scale
        if self.sound_scale is not None and isinstance(signal.source, SoundSource):
            scale = self.sound_scale
        scales = [scale] * signal.grid.num_axes
        if self.per_frequency is not None:
            wanted = [self.per_frequency * frequency / omega_0 for frequency in rms_frequencies(signal)]
            scales = [max(pair) for pair in zip(scales, wanted, strict=True)]
        if self.most_per_sample is not None:
            most = [self.most_per_sample * size / omega_0 for size in signal.grid.shape]
            scales = [min(pair) for pair in zip(scales, most, strict=True)]
        return scales


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
        cooling=Cooling(),
    )
    return Configuration(
        recipe=recipe, align="centers", first_layer_scale=6.0, per_frequency=2.5, most_per_sample=0.7, stop=None
    )


def paper() -> Configuration:
    """Return the reference experiment: full batch, Adam at 1e-4, 500 steps, corner-aligned coordinates.

    Sounds have coordinates from -100 to 100 there, which is a first layer scaled by 100.
    Source: the notebook of the reference code of Sitzmann et al. 2020 (arXiv:2006.09661).
    """
    recipe = Recipe(name="paper", optimizer=Adam(learning_rate=1e-4), batch_size=None, cooling=None, spike=None)
    return Configuration(
        recipe=recipe,
        align="corners",
        first_layer_scale=1.0,
        sound_scale=100.0,
        per_frequency=None,
        most_per_sample=None,
        stop=passes(500),
    )
