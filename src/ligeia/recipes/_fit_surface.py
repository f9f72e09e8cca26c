"""`fit` of a surface: a mesh or a cloud of points to the field of its signed distance."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, final

import numpy as np
import torch

from ligeia import fitting
from ligeia.core import InputError, random_stream
from ligeia.field import Field
from ligeia.fitting import Adam, Callback, Checkpointer, Cooling, Objective, Recipe, State, Stop, Values
from ligeia.networks import Architecture, NetworkConfig
from ligeia.shapes import (
    FieldSurface,
    OrientedSurface,
    PaperSurface,
    Shape,
    SurfaceQuality,
    prepared,
    surface_quality,
)
from ligeia.signals import Surface, read_surface

from ._configurations import fast, faster
from ._fit import checked_device, siren_config
from ._networks import checked_network, inputs_of
from ._sizing import USUAL_WIDTH

SurfaceObjective: TypeAlias = Literal["distance", "eikonal", "paper"]

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


def single_omega(omegas: Sequence[float] | None) -> float | None:
    """Return the one frequency of the first layer that a surface takes: its axes are alike."""
    if omegas is not None and len(omegas) != 1:
        raise InputError(
            f"one frequency of the first layer was wanted, the axes of a surface are alike, got {len(omegas)}."
        )
    return None if omegas is None else float(omegas[0])


def fit_surface(
    source: Path | str | Surface | Shape,
    *,
    objective: SurfaceObjective | None = None,
    stop: Stop | None = None,
    recipe: Recipe | None = None,
    network: Architecture | None = None,
    hidden_features: int | None = None,
    hidden_layers: int = 3,
    omega_0: float = 30.0,
    first_omega: float | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    callbacks: Sequence[Callback] = (),
    checkpoint: Checkpointer | None = None,
) -> FittedSurface:
    """Fit the signed distance of a mesh or a cloud, negative inside, in the surface's own units.

    ``distance`` holds a field to the distance of a mesh or a cloud at 500,000 places (`shapes.Shape.signed_distance`),
    ``eikonal`` to the points and normals of a cloud, or to 100,000 on a mesh (`shapes.OrientedSurface`), ``paper`` to
    the same by the paper's own losses, Adam at 1e-4 and batches of 1,400. Without ``stop`` a fit sees 12 million
    places, or 3 million with slopes: two to four minutes of two cores. ``network`` is another architecture than a sine
    network. The field's PSNR is that of the distances, or of 0 at points of the surface; the peak is the side of the
    domain.

    >>> from ligeia.signals import surface_of
    >>> ball = np.random.default_rng(0).normal(size=(500, 3))
    >>> ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    >>> fitted = fit_surface(surface_of(ball, normals=ball), stop=fitting.passes(1), hidden_features=16)
    >>> fitted.field(torch.zeros(1, 3)).shape
    torch.Size([1, 1])
    """
    shape = source if isinstance(source, Shape) else read_shape(source, seed=seed)
    objective = usual_objective(shape) if objective is None else objective
    target, spacing = _objective(shape, objective, seed)
    if first_omega is None:
        first_omega = omega_0 if objective == "paper" else min(_TURNS, _TURNS_PER_SPACING / max(spacing, 1e-6))
    if not 0 < first_omega < np.inf:
        raise InputError(f"a frequency above 0 was wanted for the first layer, got {first_omega:g}.")
    generator = random_stream(seed, "initial weights")
    built: Any  # of either kind, in which Field is generic
    if network is None:
        hidden_features = USUAL_WIDTH if hidden_features is None else hidden_features
        config = siren_config(shape.grid, 1, hidden_features, hidden_layers, omega_0)
        built = config.build(first_layer_scale=first_omega / omega_0, generator=generator)
        recipe = _usual_recipe(objective, hidden_features) if recipe is None else recipe
    else:
        network = checked_network(network)
        inputs = inputs_of(shape.grid, [first_omega] * shape.grid.num_axes).finer(network.fineness)
        config = NetworkConfig(network.suited_to(inputs), shape.grid.num_inputs, 1)
        built = config.build(frequencies=inputs.frequencies, generator=generator)
        recipe = _usual_recipe(objective, network.num_features, network.rate) if recipe is None else recipe
    field = Field(built, shape.grid, (shape.channel,), shape.surface.source).to(checked_device(device))
    state = State(field, recipe, target.num_points)
    if checkpoint is not None:
        checkpoint.begin(state, f"{shape.digest()} {objective} {config} {first_omega} {recipe} seed {seed}")
        callbacks = [*callbacks, checkpoint]
    stop = _completed(stop, objective, target)
    field.report = fitting.fit(field, target, recipe, stop, seed=seed, callbacks=callbacks, state=state)
    return FittedSurface(field, shape, objective)


def _usual_recipe(objective: SurfaceObjective, hidden_features: int = 256, times: float = 1.0) -> Recipe:
    """Return how a surface is fitted: Adam, in batches of 512 places, or as the reference code does.

    Our own rates are so many ``times`` a sine network's.
    """
    if objective == "distance":
        return faster(fast(hidden_features=hidden_features).recipe, times)
    if objective == "paper":
        return Recipe(
            name="paper", optimizer=Adam(learning_rate=1e-4), batch_size=_PAPER_BATCH, cooling=None, spike=None
        )
    rate = times * _EIKONAL_RATE * 256 / max(64, hidden_features)
    optimizer = Adam(learning_rate=rate, betas=(0.8, 0.99))
    return Recipe(name="eikonal", optimizer=optimizer, batch_size=_EIKONAL_BATCH, cooling=Cooling())


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
        case _:
            raise InputError(f"the objective must be distance, eikonal or paper, got {objective!r}.")


def _completed(stop: Stop | None, objective: SurfaceObjective, target: Objective) -> Stop:
    budget = fitting.passes(_POINT_STEPS[objective] / target.num_points)
    if stop is None:
        return budget
    if {rule.name for rule in stop.rules} <= {"psnr"}:  # a quality out of reach must end as well
        return stop | fitting.passes(8 * _POINT_STEPS[objective] / target.num_points)
    return stop
