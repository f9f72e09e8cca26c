"""`fit` of a surface: a mesh or a cloud of points to the field of its signed distance."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from ligeia import fitting
from ligeia.core import InputError, checked_device, random_stream
from ligeia.field import Field
from ligeia.fitting import Adam, Callback, Checkpointer, LRSchedule, Objective, Recipe, State, Stop, Values
from ligeia.formats import read_surface
from ligeia.networks import NetworkConfig, SirenArchitecture
from ligeia.shapes import (
    FieldSurface,
    OrientedSurface,
    PaperSurface,
    Shape,
    SurfaceQuality,
    prepared,
    surface_quality,
)
from ligeia.signals import Surface

from ._configurations import fast, faster
from ._networks import inputs_of
from ._request import FitRequest, SurfaceObjective
from ._sizing import USUAL_WIDTH

_SAMPLES = 500_000  # of a mesh's signed distance
_POINTS = 100_000  # drawn on a mesh whose distance is not used
_POINT_STEPS = {"distance": 12_000_000, "eikonal": 3_000_000, "paper": 3_000_000}
_TURNS = 60.0  # radians per unit by which the first layer turns, ...
_TURNS_PER_SPACING = 2.0  # ... or fewer: so many between two points of a cloud
_EIKONAL_BATCH, _EIKONAL_RATE = 512, 5e-4
_PAPER_BATCH = 1400
_COARSE, _MOST_SIDES = 64, 12  # cells; vertices of a surface, in those of a side of the domain


@final
@dataclass(frozen=True, slots=True)
class FittedSurface:
    """A field of signed distance, and what it was made from."""

    field: Field
    shape: Shape
    objective: SurfaceObjective


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class SurfacePlan:
    """How a surface is going to be fitted."""

    request: FitRequest
    shape: Shape
    objective: SurfaceObjective

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is worth saying of the surface before the fit."""
        return self.shape.remarks

    @property
    def offset_db(self) -> float:
        """By how much a PSNR exceeds an SNR: a surface has none."""
        return 0.0

    def fit(self, *, callbacks: Sequence[Callback] = (), checkpoint: Checkpointer | None = None) -> FittedSurface:
        """Fit the network; callbacks see every step, ``checkpoint`` keeps the state or goes on from it."""
        request, shape, objective, seed = self.request, self.shape, self.objective, self.request.seed
        target, spacing = _objective(shape, objective, seed)
        first_omega = _single_omega(request.first_omegas)
        if first_omega is None:
            first_omega = (
                request.omega_0 if objective == "paper" else min(_TURNS, _TURNS_PER_SPACING / max(spacing, 1e-6))
            )
        if not 0 < first_omega < np.inf:
            raise InputError(f"expected a frequency above 0 for the first layer, got {first_omega:g}.")
        network = request.network
        if network is None:
            width = USUAL_WIDTH if request.hidden_features is None else request.hidden_features
            network = SirenArchitecture(
                hidden_features=width, hidden_layers=request.hidden_layers, omegas=request.omega_0
            )
        inputs = inputs_of(shape.grid, [first_omega] * shape.grid.num_axes).scaled(network.frequency_scale)
        config = NetworkConfig(network.suited_to(inputs), shape.grid.num_inputs, 1)
        built = config.build(frequencies=inputs.frequencies, generator=random_stream(seed, "initial weights"))
        recipe = _usual_recipe(objective, network.num_features, network.rate)
        field = Field(built, shape.grid, (shape.channel,), shape.surface.source).to(checked_device(request.device))
        state = State(field, recipe, target.num_points)
        if checkpoint is not None:
            identity = fitting.identity(
                "surface",
                data=fitting.samples_part(shape.digest(), shape.grid, [shape.channel]),
                objective=objective,
                network=fitting.network_part(config),
                first_omega=first_omega,
                recipe=fitting.recipe_part(recipe),
                seed=seed,
            )
            checkpoint.begin(state, identity)
            callbacks = [*callbacks, checkpoint]
        stop = _completed(request.stop, objective, target)
        field.report = fitting.fit(field, target, recipe, stop, seed=seed, callbacks=callbacks, state=state)
        return FittedSurface(field, shape, objective)


def plan_surface(source: Path | str | Surface | Shape, request: FitRequest) -> SurfacePlan:
    """Read a surface and choose what it is fitted by; `InputError` for what cannot be said of a surface."""
    path = f"{source}: " if isinstance(source, (str, Path)) else ""
    if not_meant := _not_meant(request):
        raise InputError(f"{path}{', '.join(not_meant)} cannot be said of a surface; leave it out.")
    if request.recipe == "paper" and request.objective == "distance":
        raise InputError("the recipe paper is the paper's eikonal losses; leave the objective distance out.")
    if isinstance(source, Shape):
        shape = source
    else:
        shape = read_shape(source, hold_out=0.1 if request.hold_out is None else request.hold_out, seed=request.seed)
    if request.hold_out is not None and (isinstance(source, Shape) or not shape.surface.is_cloud):
        what = "a shape has its points held out" if isinstance(source, Shape) else "this is a mesh"
        raise InputError(f"{path}points are held out of a cloud, {what}; leave hold_out out (--hold-out).")
    objective = "paper" if request.recipe == "paper" else request.objective
    objective = usual_objective(shape) if objective is None else objective
    if objective not in _POINT_STEPS:
        raise InputError(f"the objective must be distance, eikonal or paper, got {objective!r}.")
    return SurfacePlan(request=request, shape=shape, objective=objective)


def _not_meant(request: FitRequest) -> list[str]:
    """Return what is asked that cannot be said of a surface."""
    columns = request.columns
    said = {
        "snr": request.stop is not None and any(rule.name == "snr" for rule in request.stop.rules),
        "configuration": request.configuration is not None,
        "most_bytes (--bytes)": request.most_bytes is not None,
        "variable": request.variable is not None,
        "frames": request.frames is not None,
        "channels": request.channels is not None,
        "periodic": bool(request.periodic),
        "coordinates": columns is not None and bool(columns.coordinates),
        "values": columns is not None and bool(columns.values),
        "box": columns is not None and columns.box is not None,
        "mask": request.mask is not None,
        "prior": request.prior is not None,
        "footprint": request.footprint != "point",
    }
    return [name for name, is_said in said.items() if is_said]


def read_shape(source: Path | str | Surface, *, padding: float = 0.1, hold_out: float = 0.1, seed: int = 0) -> Shape:
    """Return the surface of a file, ready for a fit (`shapes.prepared`); errors name the file."""
    surface = source if isinstance(source, Surface) else read_surface(Path(source))
    try:
        return prepared(surface, padding=padding, hold_out=hold_out, seed=seed)
    except InputError as error:
        raise error if isinstance(source, Surface) else type(error)(f"{source}: {error}") from error


def usual_objective(shape: Shape) -> SurfaceObjective:
    """Return how a surface is fitted unless asked otherwise: meshes by their distance, clouds by their normals."""
    return "eikonal" if shape.surface.is_cloud else "distance"


def _single_omega(omegas: Sequence[float] | None) -> float | None:
    """Return the one frequency of the first layer that a surface takes: its axes are alike."""
    if omegas is not None and len(omegas) != 1:
        raise InputError(
            f"expected one frequency of the first layer, the axes of a surface are alike, got {len(omegas)}."
        )
    return None if omegas is None else float(omegas[0])


def _usual_recipe(objective: SurfaceObjective, hidden_features: int = 256, times: float = 1.0) -> Recipe:
    """Return how a surface is fitted: Adam, in batches of 512 places, or as the reference code does.

    Our own rates are so many ``times`` a sine network's.
    """
    if objective == "distance":
        return faster(fast(hidden_features=hidden_features).recipe, times)
    if objective == "paper":
        return Recipe(
            name="paper",
            optimizer=Adam(learning_rate=1e-4),
            batch_size=_PAPER_BATCH,
            schedule=None,
            divergence_threshold=None,
        )
    rate = times * _EIKONAL_RATE * 256 / max(64, hidden_features)
    optimizer = Adam(learning_rate=rate, betas=(0.8, 0.99))
    return Recipe(name="eikonal", optimizer=optimizer, batch_size=_EIKONAL_BATCH, schedule=LRSchedule())


def quality_of_surface(fitted: FittedSurface, resolution: int = 256) -> SurfaceQuality:
    """Return how near the mesh of a field comes to the surface that it was fitted to; `InputError` if it has none.

    A field that has learned next to nothing, as after a second, has surfaces all over its domain: those are measured
    with 64 cells at most, since a finer look would take minutes.
    """
    surface = FieldSurface(fitted.field)
    found = surface.mesh(min(resolution, _COARSE))
    if len(found.vertices) < _MOST_SIDES * _COARSE**2 and resolution > _COARSE:
        found = surface.mesh(resolution)
    return surface_quality(fitted.shape, found.vertices, found.faces)


def _objective(shape: Shape, objective: SurfaceObjective, seed: int) -> tuple[Objective, float]:
    """Return what a fit is held to, and the spacing of the points it knows, in unit coordinates."""
    match objective:
        case "distance":
            return Values(shape.distance_samples(_SAMPLES, seed=seed), seed=seed), shape.spacing()
        case "eikonal":
            oriented = OrientedSurface(shape, num_points=_POINTS, seed=seed)
            return oriented, oriented.spacing
        case "paper":
            return PaperSurface(shape, num_points=_POINTS, seed=seed), 0.0


def _completed(stop: Stop | None, objective: SurfaceObjective, target: Objective) -> Stop:
    budget = fitting.passes(_POINT_STEPS[objective] / target.num_points)
    if stop is None:
        return budget
    if {rule.name for rule in stop.rules} <= {"psnr"}:  # a quality out of reach must end as well
        return stop | fitting.passes(8 * _POINT_STEPS[objective] / target.num_points)
    return stop
