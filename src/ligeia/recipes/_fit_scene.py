"""`fit_scene`: photographs with known cameras to a radiance field, from coarse voxels to fine ones."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from jaxtyping import Float

from ligeia import fitting
from ligeia.field import Field
from ligeia.fitting import Adam, AdamState, Callback, Objective, Progress, Recipe, State, Stop
from ligeia.kernels import VoxelFit, VoxelGrid
from ligeia.scenes import Photographs, field_of, refined, scene_box, visual_hull, voxels_of
from ligeia.signals import Views

_STAGES: Final = ((0.0, 0.12, 1), (0.34, 0.3, 2), (0.67, 0.6, 2), (1.0, 1.0, 2))
"""From the first number of cells to the last, share of the budget at the end, rays along the side of a pixel."""
_FEWEST, _MOST = 64, 160  # cells along a side in the last stage
_CELLS_PER_PIXEL: Final = 1.5
_USUAL_SECONDS: Final = 60.0
_RATE: Final = 0.1
_LAST_RATE: Final = 0.05  # of the first
_BATCH: Final = 2048  # pixels
_BOX_CELLS: Final = 64  # along a side, where the box is found
_SCALE: Final = 64.0  # density of softplus 1 over the length of the box
_SPREAD: Final = 2654435761  # Knuth's: keys of one step and the next differ in most bits
_MARGIN: Final = 2  # coarse cells around the hull

_RECIPE: Final = Recipe(
    name="scene",
    optimizer=Adam(learning_rate=_RATE, betas=(0.9, 0.99), eps=1e-15),
    batch_size=_BATCH,
    schedule=None,
    divergence_threshold=None,
)


def fit_scene(
    views: Views,
    *,
    stop: Stop | None = None,
    background: tuple[float, float, float] = (1.0, 1.0, 1.0),
    held_out: Views | None = None,
    box: tuple[Sequence[float], Sequence[float]] | None = None,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
) -> Field:
    """Fit sparse voxels to photographs; the field's ``report`` is that of the finest stage.

    The first cells are the hull of what is opaque, or, of pictures without alpha, all of the box. They are fitted at 64
    cells along a side, then at 96, 128 and 160, or fewer for small pictures, each time without the cells that turned
    out to be empty. ``stop`` is the budget of all stages, a minute if it names none; a quality may end the last one.
    ``box`` are the corners of a cube. Such a field has no file yet.
    """
    fresh = Progress(num_points=1)
    budget = fitting.seconds(_USUAL_SECONDS) if stop is None else stop
    if budget.spent(fresh) is None:
        budget = budget | fitting.seconds(_USUAL_SECONDS)
    began, point_steps = time.perf_counter(), 0
    grid, last = _first_grid(views, box)
    field = field_of(grid, seed=seed)
    objective = Photographs(views, field, background=background, held_out=held_out)
    set_up = min(1.0, budget.spent(replace(fresh, seconds=time.perf_counter() - began)) or 0.0)
    for number, (position, share, sides) in enumerate(_STAGES):
        if number:
            field = refined(field, round(grid.cells[0] + position * (last - grid.cells[0])))
            objective.look_again(field)
        objective.is_rough = share < 1
        stage = _Stage(budget, share, began, point_steps, set_up, _spending(budget))
        field.report = fitting.fit(
            field,
            objective,
            _RECIPE,
            Stop((stage, *(budget.rules if share == 1 else ()))),
            seed=seed,
            callbacks=callbacks,
            take_step=_steps(field, stage, side=sides, seed=seed),
        )
        point_steps += field.report.point_steps
    return field


@final
@dataclass(frozen=True, slots=True)
class _Stage:
    """The end of a stage: a share of the budget of all of them."""

    budget: Stop
    share: float
    began: float
    point_steps: int
    """Of earlier stages."""
    set_up: float
    """Share of the budget that was spent before the first stage."""
    name: str
    """The budget that it is a share of."""

    def whole(self, progress: Progress) -> float:
        """Return the share of the whole budget that is spent; what lay between stages counts as well."""
        seconds, points = time.perf_counter() - self.began, self.point_steps + progress.point_steps
        done = self.budget.spent(replace(progress, seconds=seconds, point_steps=points))
        assert done is not None
        return done

    def reached(self, progress: Progress) -> bool:
        """Whether the stage ends here."""
        return self.spent(progress) == 1

    def spent(self, progress: Progress) -> float | None:
        """Return the share of the stage that is done."""
        return min(1.0, self.whole(progress) / (self.set_up + self.share * (1 - self.set_up)))


def _spending(budget: Stop) -> str:
    """Return the name of the first rule that has a budget."""
    return next(rule.name for rule in budget.rules if rule.spent(Progress(num_points=1)) is not None)


def _first_grid(views: Views, box: tuple[Sequence[float], Sequence[float]] | None) -> tuple[VoxelGrid, int]:
    """Return the cells that the fit begins with, and how many there are along a side at its end."""
    low, high = scene_box(views) if box is None else (np.array(each, np.float64) for each in box)
    if views.has_alpha and box is None:
        low, high = _around_hull(views, low, high)
    side = float((high - low).max())
    middle = (low + high) / 2
    pixels = max(
        side * max(camera.focal_lengths) / max(float(np.linalg.norm(camera.eye - middle)), side / 2)
        for camera in views.cameras
    )
    last = int(np.clip(32 * np.ceil(_CELLS_PER_PIXEL * pixels / 32), _FEWEST, _MOST))
    first = 32 if last < 2 * _FEWEST or not views.has_alpha else 64
    occupied = visual_hull(views, low, high, first) if views.has_alpha else np.ones((first,) * 3, bool)
    return VoxelGrid(low, high, occupied, scale=_SCALE / side), last


def _around_hull(
    views: Views, low: Float[np.ndarray, " 3"], high: Float[np.ndarray, " 3"]
) -> tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]]:
    """Return a cube around the hull of what is opaque."""
    hull = np.argwhere(visual_hull(views, low, high, _BOX_CELLS))
    side = (high - low) / _BOX_CELLS
    first, last = hull.min(axis=0) - _MARGIN, hull.max(axis=0) + 1 + _MARGIN
    half = ((last - first) * side).max() / 2
    middle = low + (first + last) / 2 * side
    return middle - half, middle + half


def _steps(field: Field, stage: _Stage, *, side: int, seed: int) -> Callable[[State, Objective, np.ndarray], float]:
    """Return steps in compiled code; the rate falls over all stages, to a twentieth."""
    kept: list[VoxelFit] = []

    def step(state: State, objective: Objective, indices: np.ndarray) -> float:
        assert isinstance(objective, Photographs)
        moments = state.optimizer_state
        assert isinstance(moments, AdamState)
        if not kept:
            kept.append(voxels_of(field))
            kept[0].first, kept[0].second = (
                tuple(each.numpy() for each in which) for which in (moments.first, moments.second)
            )
        fit = kept[0]
        if fit.num_steps != moments.num_steps:  # the state went back, or on from a checkpoint
            fit.num_steps = moments.num_steps
            fit.changed()
        pixels = objective.batch(indices, moments.parameters[0].device)
        error = fit.gradient(
            pixels.rays,
            pixels.target,
            background=None if objective.has_alpha else objective.background,
            side=side,
            key=(state.progress.steps * _SPREAD + seed) & 0xFFFFFFFF,
        )
        rate = _RATE * _LAST_RATE ** stage.whole(state.progress)
        fit.step(rate, betas=moments.settings.betas, eps=moments.settings.eps)
        moments.num_steps += 1
        return 4 * error

    return step
