"""`fit_radiance`: photographs with known cameras to a density and a color of any network, by the plain definition."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from ligeia import fitting
from ligeia.core import InputError
from ligeia.field import Background, Field
from ligeia.fitting import Callback, Checkpointer, State, Stop
from ligeia.kernels import VoxelGrid
from ligeia.networks import Architecture, LearnedSiren, SirenArchitecture
from ligeia.scenes import Photographs, radiance_field_of, visual_hull
from ligeia.signals import Views

from ._configurations import fast_for
from ._fit_scene import Box, bounded_box, is_bounded, photographs_part, source_of_views

_CELLS: Final = 64  # along a side, a power of two: as far apart are samples
_SCALE: Final = 16.0  # density of softplus 1 over the length of the box
_OMEGA: Final = 30.0  # radians per unit coordinate of a first layer
_BATCH: Final = 1024  # pixels
_USUAL_SECONDS: Final = 300.0


def fit_radiance(
    views: Views,
    network: Architecture,
    *,
    stop: Stop | None = None,
    background: Background = (1.0, 1.0, 1.0),
    held_out: Views | None = None,
    box: Box | None = None,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
    checkpoint: Checkpointer | None = None,
) -> Field:
    """Fit a network whose values are the density and the color at a place, the same from all sides.

    Each step renders one ray of a pixel in torch. Of the 64 cells along a side of the box, those in the hull of what is
    opaque have samples. That is slow, and less exact than voxels (`fit_scene`); it takes any network. ``stop`` is five
    minutes if there is none. `InputError` for a capture without bounds.
    """
    if not is_bounded(views, background, box):
        raise InputError(
            "expected photographs of something in a box, these show something behind it everywhere; give the box "
            "(--box), or leave the network out (--network)."
        )
    low, high = bounded_box(views, box)
    occupied = visual_hull(views, low, high, _CELLS) if views.has_alpha else np.ones((_CELLS,) * 3, bool)
    field = radiance_field_of(
        VoxelGrid(low, high, occupied, scale=_SCALE / float((high - low).max())),
        LearnedSiren() if isinstance(network, SirenArchitecture) else network,
        omega=_OMEGA,
        source=source_of_views(views, background),
        seed=seed,
    )
    recipe = replace(fast_for(field.network.architecture).recipe, batch_size=_BATCH)
    objective = Photographs(views, field, background=background, held_out=held_out)
    state = State(field, recipe, objective.num_points)
    if checkpoint is not None:
        checkpoint.begin(
            state,
            fitting.identity(
                "radiance",
                views=photographs_part(views, background, box),
                network=fitting.network_part(field.network.config),
                recipe=fitting.recipe_part(recipe),
                seed=seed,
            ),
        )
        callbacks = [*callbacks, checkpoint]
    field.report = fitting.fit(
        field,
        objective,
        recipe,
        fitting.seconds(_USUAL_SECONDS) if stop is None else stop,
        seed=seed,
        callbacks=callbacks,
        state=state,
    )
    return field
