"""`fit_scene`: photographs with known cameras to a radiance field, from coarse voxels to fine ones."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, final

import numpy as np
from jaxtyping import Float

from ligeia import fitting
from ligeia.field import Background, Field, voxels_of
from ligeia.fitting import Adam, AdamState, Callback, Checkpointer, Objective, Progress, Recipe, State, Stop
from ligeia.kernels import VoxelFit, VoxelGrid
from ligeia.scenes import SPREAD, Photographs, edge_colors, field_of, refined, scene_box, seen_cells, visual_hull
from ligeia.signals import SceneSource, Views

from ._scene_state import SceneState

Box: TypeAlias = tuple[Sequence[float], Sequence[float]]
"""The low and the high corner of a cube."""
_Stages: TypeAlias = tuple[tuple[float, float, int], ...]
"""From the first number of cells to the last, share of the budget at the end, rays along the side of a pixel."""

_STAGES: Final[_Stages] = ((0.0, 0.12, 1), (0.34, 0.3, 2), (0.67, 0.6, 2), (1.0, 1.0, 2))
_FEWEST, _MOST = 64, 160  # cells along a side in the last stage
_CELLS_PER_PIXEL: Final = 1.5
_USUAL_SECONDS: Final = 60.0
_RATE: Final = 0.1
_LAST_RATE: Final = 0.05  # of the first
_BATCH: Final = 2048  # pixels
_BOX_CELLS: Final = 64  # along a side, where the box is found
_SCALE: Final = 64.0  # density of softplus 1 over the length of the box
_ALIKE: Final = 0.05  # colors that differ by less
_SPACE_STAGES: Final[_Stages] = ((0.0, 0.2, 1), (0.34, 0.45, 1), (0.67, 0.7, 1), (1.0, 1.0, 1))
_SPACE_FIRST, _SPACE_MOST = 32, 192  # cells along a side of all of space
_SPACE_CELLS_PER_PIXEL: Final = 0.8
_SPACE_RATE: Final = 0.03  # faster, and what is close to one camera explains its picture alone
_SPACE_FOG: Final = -4.0  # raw density: light passes most of space at first, so that all of it has a gradient
_WATCHED: Final = 1 << 18  # pixels that say which cells are seen
_LONGEST_NAME: Final = 60  # of a view's file, from its end
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
    background: Background = (1.0, 1.0, 1.0),
    held_out: Views | None = None,
    box: Box | None = None,
    exposures: bool = False,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
    checkpoint: Checkpointer | None = None,
) -> Field:
    """Fit sparse voxels to photographs; the field's ``report`` is that of the finest stage.

    The first cells are the hull of what is opaque, or, of pictures without alpha, all of the box. They are fitted at 64
    cells along a side, then at 96, 128 and 160, or fewer for small pictures, each time without the cells that turned
    out to be empty. ``stop`` is the budget of all stages, a minute if it names none; a quality may end the last one.

    Pictures without alpha whose borders are mostly not the ``background`` are taken to be of a capture without bounds,
    unless a box is given: cells then hold all of space, contracted outside of the box that the cameras look at
    (`VoxelGrid`), from 32 to at most 192 along a side. What only one camera sees, or no ray reaches, is empty.

    With ``exposures``, each photograph may be brighter or darker than the others, by a gain and an offset for each
    color: they are found from what the field shows at the end of a stage, and the photographs are fitted without them.

    ``box`` are the corners of a cube. ``checkpoint`` keeps the state of the fit, or goes on from it.
    """
    fresh = Progress(num_points=1)
    budget = fitting.seconds(_USUAL_SECONDS) if stop is None else stop
    if budget.spent(fresh) is None:
        budget = budget | fitting.seconds(_USUAL_SECONDS)
    began = time.perf_counter()
    field, last, stages, rate = _first_field(views, background, box, seed)
    grid = voxels_of(field).grid
    sides = [round(grid.cells[0] + position * (last - grid.cells[0])) for position, _, _ in stages]
    objective = Photographs(views, field, background=background, held_out=held_out)
    set_up = min(1.0, budget.spent(replace(fresh, seconds=time.perf_counter() - began)) or 0.0)
    state = SceneState(field, _RECIPE, objective.num_points, began)
    if checkpoint is not None:
        checkpoint.begin(state, _identity(views, background, box, exposures=exposures, seed=seed))
        callbacks = [*callbacks, checkpoint]
        if state.number:  # it goes on with other cells than those that the objective began with
            objective.look_again(state.field)
        if state.exposures is not None:
            objective.expose(state.exposures)
    seen = [state.seen_by(each) for each in callbacks]
    while True:
        _, share, rays = stages[state.number]
        objective.is_rough = share < 1
        stage = _Stage(budget, share, state.began, state.point_steps_before, set_up, _spending(budget))
        report = fitting.fit(
            state.field,
            objective,
            _RECIPE,
            Stop((stage, *(budget.rules if share == 1 else ()))),
            seed=seed,
            callbacks=seen,
            state=state.stage,
            take_step=_steps(state.field, stage, side=rays, rate=rate, seed=seed),
        )
        if share == 1 or report.stopped_by == "callback":
            break
        if exposures:
            objective.find_exposures(state.field)
            state.exposures = objective.exposures
        following = _finer(state.field, objective, sides[state.number + 1])
        objective.look_again(following)
        state.begin_stage(following, objective.num_points)
    state.field.report = state.report(report)
    return state.field


def _first_field(views: Views, background: Background, box: Box | None, seed: int) -> tuple[Field, int, _Stages, float]:
    """Return the field that a fit begins with, its cells along a side at the end, its stages and its first rate."""
    source = source_of_views(views, background)
    if is_bounded(views, background, box):
        grid, last = _first_grid(views, box)
        return field_of(grid, source=source, seed=seed), last, _STAGES, _RATE
    grid, last = _first_cells_of_space(views)
    return field_of(grid, source=source, seed=seed, raw_density=_SPACE_FOG), last, _SPACE_STAGES, _SPACE_RATE


def _identity(views: Views, background: Background, box: Box | None, *, exposures: bool, seed: int) -> str:
    """Return what tells this fit from others."""
    return fitting.identity(
        "scene",
        views=photographs_part(views, background, box),
        recipe=fitting.recipe_part(_RECIPE),
        stages=[list(each) for each in (*_STAGES, *_SPACE_STAGES)],
        exposures=exposures,
        seed=seed,
    )


def _finer(field: Field, objective: Photographs, cells: int) -> Field:
    """Return the field that the next stage begins with; of all of space, without cells that no ray sees."""
    if not voxels_of(field).grid.is_contracted:
        return refined(field, cells)
    return refined(field, round(cells / 4) * 4, objective.some_rays(_WATCHED))


def source_of_views(views: Views, background: Background) -> SceneSource:
    """Return what the file of the field says of the photographs."""
    return SceneSource(
        cameras=views.cameras,
        names=tuple(name[-_LONGEST_NAME:] for name in views.names),
        dtype=views.pictures[0].dtype.str,
        has_alpha=views.has_alpha,
        background=background,
    )


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


def photographs_part(views: Views, background: Background, box: Box | None) -> fitting.Part:
    """Return what tells these photographs from others in the identity of a fit."""
    digest = hashlib.sha256()
    for number, (camera, mask) in enumerate(zip(views.cameras, views.masks, strict=True)):
        lens = [*camera.focal_lengths, *camera.principal_point, *camera.distortion]
        parts = [camera.pose, np.array(lens), views.pictures[number], *([] if mask is None else [mask])]
        for part in parts:
            digest.update(np.ascontiguousarray(part).tobytes())
    corners = None if box is None else [[float(each) for each in corner] for corner in box]
    return [digest.hexdigest(), list(background), corners]


def _spending(budget: Stop) -> str:
    """Return the name of the first rule that has a budget."""
    return next(rule.name for rule in budget.rules if rule.spent(Progress(num_points=1)) is not None)


def _first_grid(views: Views, box: Box | None) -> tuple[VoxelGrid, int]:
    """Return the cells that the fit begins with, and how many there are along a side at its end."""
    low, high = bounded_box(views, box)
    side = float((high - low).max())
    pixels = _pixels_across(views, low, high)
    last = int(np.clip(32 * np.ceil(_CELLS_PER_PIXEL * pixels / 32), _FEWEST, _MOST))
    first = 32 if last < 2 * _FEWEST or not views.has_alpha else 64
    occupied = visual_hull(views, low, high, first) if views.has_alpha else np.ones((first,) * 3, bool)
    return VoxelGrid(low, high, occupied, scale=_SCALE / side), last


def bounded_box(views: Views, box: Box | None) -> tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]]:
    """Return the corners of a cube around what is seen: the given one, or one around the hull of what is opaque."""
    if box is not None:
        return np.array(box[0], np.float64), np.array(box[1], np.float64)
    low, high = scene_box(views)
    return _around_hull(views, low, high) if views.has_alpha else (low, high)


def is_bounded(views: Views, background: Background, box: Box | None) -> bool:
    """Return whether a box holds all that is seen: it is given, or most of what borders the pictures is background."""
    if box is not None or views.has_alpha:
        return True
    missed = np.abs(edge_colors(views) - np.array(background, np.float32)).max(axis=1)
    return len(missed) > 0 and bool(np.median(missed) < _ALIKE)


def _first_cells_of_space(views: Views) -> tuple[VoxelGrid, int]:
    """Return the cells that a fit of all of space begins with, and how many there are along a side at its end."""
    low, high = scene_box(views)
    last = int(
        np.clip(32 * np.ceil(_SPACE_CELLS_PER_PIXEL * _pixels_across(views, low, high) / 32), _FEWEST, _SPACE_MOST)
    )
    low, high = low - (high - low) / 2, high + (high - low) / 2
    occupied = seen_cells(views, low, high, _SPACE_FIRST)
    return VoxelGrid(low, high, occupied, scale=_SCALE / float((high - low).max()), is_contracted=True), last


def _pixels_across(views: Views, low: Float[np.ndarray, " 3"], high: Float[np.ndarray, " 3"]) -> float:
    """Return how many pixels the side of a cube covers in the picture that shows it largest."""
    middle, side = (low + high) / 2, float((high - low).max())
    return max(
        side * max(camera.focal_lengths) / max(float(np.linalg.norm(camera.eye - middle)), side / 2)
        for camera in views.cameras
    )


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


def _steps(
    field: Field, stage: _Stage, *, side: int, rate: float, seed: int
) -> Callable[[State, Objective, np.ndarray], float]:
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
            key=(state.progress.steps * SPREAD + seed) & 0xFFFFFFFF,
        )
        fit.step(
            rate * _LAST_RATE ** stage.whole(state.progress), betas=moments.settings.betas, eps=moments.settings.eps
        )
        moments.num_steps += 1
        return 4 * error

    return step
