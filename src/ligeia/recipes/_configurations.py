"""Whole configurations: what a name like ``fast`` or ``paper`` stands for, from coordinates to stop rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from ligeia.fitting import Adam, Cooling, Recipe, Stop, passes
from ligeia.signals import Alignment


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """All that `fit` needs to know beside the signal and the network's size."""

    recipe: Recipe
    align: Alignment
    first_layer_scale: float
    """Factor of the network's first weights."""
    most_per_sample: float | None
    """Largest ``omega_0 * scale`` along an axis, over its number of samples (Nyquist is pi / 2); None sets no limit."""
    stop: Stop | None
    """The end of a fit whose user names none; None is a plateau."""

    def first_layer_scales(self, shape: Sequence[int], omega_0: float) -> list[float]:
        """Return the factor of the first weights along each axis of a grid.

        A short axis gets less: a first layer that turns by more than its samples can tell fits them and is noise
        in between.
        """
        if self.most_per_sample is None:
            return [self.first_layer_scale] * len(shape)
        return [min(self.first_layer_scale, self.most_per_sample * size / omega_0) for size in shape]


def fast(*, hidden_features: int = 256) -> Configuration:
    """Return the quick way to the same network: small shuffled batches, a scaled first layer, a cooled learning rate.

    The rate falls with the width, ``4e-4 * 256 / hidden_features`` for batches of 1024: it stays below half of
    what was seen to fail. See ``design/fast-recipe.md`` for the measurements.
    """
    recipe = Recipe(
        name="fast",
        optimizer=Adam(learning_rate=4e-4 * 256 / max(64, hidden_features), betas=(0.9, 0.99)),
        batch_size=1024,
        cooling=Cooling(),
    )
    return Configuration(recipe=recipe, align="centers", first_layer_scale=3.0, most_per_sample=0.7, stop=None)


def paper() -> Configuration:
    """Return the reference experiment: full batch, Adam at 1e-4, 500 steps, corner-aligned coordinates.

    Source: the notebook of the reference code of Sitzmann et al. 2020 (arXiv:2006.09661).
    """
    recipe = Recipe(name="paper", optimizer=Adam(learning_rate=1e-4), batch_size=None, cooling=None, spike=None)
    return Configuration(recipe=recipe, align="corners", first_layer_scale=1.0, most_per_sample=None, stop=passes(500))
