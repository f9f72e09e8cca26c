"""A surface prepared for a fit: repaired, with a cube around it, and samples of its signed distance."""

import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, final

import numpy as np
from jaxtyping import Bool, Float

from ligeia.core import InputError, optional
from ligeia.signals import Axis, Channel, Grid, Signal, Surface

from ._cloud_distance import CloudDistance
from ._normals import estimated_normals
from ._repair import repaired

MOST_POINTS: Final = 1_000_000
"""Most points of a cloud that are fitted; from larger clouds this many are drawn at random."""
_RESOLUTION = 256  # samples per axis of a field's grid, the default density for evaluation
_FLAT = 1e-4  # of the widest spread: thinner is a plane, or a line
_ASIDE = 0.5  # spacings, a standard deviation: between the points of a cloud
_NEAR, _WIDTH, _SPREAD = 0.8, 0.004, 1.0  # share of samples near the surface; median distance, in half sides; its log


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Shape:
    """A prepared surface with its domain, and remarks on its preparation."""

    surface: Surface
    """Repaired; a cloud has normals."""
    grid: Grid
    """A cube around the surface, in its own units: coordinates -1 to 1 are isotropic."""
    is_closed: bool
    """Whether a mesh has an unambiguous inside; False for clouds."""
    held_out: Surface | None
    """Held-out points of a cloud; None for meshes."""
    diagonal: float
    """Of the surface's bounding box."""
    remarks: tuple[str, ...]
    """What was repaired, estimated or left out, one line each."""

    @property
    def half_side(self) -> float:
        """Half the side of the cube: what the network calls 1."""
        return float(self.grid.physical_scale()[0])

    @property
    def channel(self) -> Channel:
        """The signed distance, in the unit of the surface."""
        return Channel(name="distance", low=-self.half_side, high=self.half_side)

    def digest(self) -> str:
        """Return a short text that identifies this surface; its domain is not in it."""
        checksum = 0
        for part in (self.surface.vertices, self.surface.faces, self.surface.normals):
            checksum = checksum if part is None else zlib.crc32(np.ascontiguousarray(part).data, checksum)
        return f"{checksum:08x}"

    def signed_distance(self, places: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
        """Return the signed distance at physical places.

        For a mesh it is exact, with its sign by the generalized winding number; for a cloud it is `CloudDistance`, NaN
        where the side is undecided.
        """
        unit = self.grid.from_physical(places)  # far from the origin, libigl's winding numbers lose their digits
        if self.surface.is_cloud:
            return self.half_side * self._cloud.at(unit)
        vertices = self.grid.from_physical(self.surface.vertices)
        igl = optional("igl", extra="mesh", needed_for="the signed distance of a mesh")
        squares: Any = igl.point_mesh_squared_distance(unit, vertices, self.surface.faces)[0]
        # libigl's own signed distance is this times 1 - 2 w, which is no distance where w is not 0 or 1
        return self.half_side * np.where(self.holds(places), -1.0, 1.0) * np.sqrt(squares)

    def spacing(self) -> float:
        """Return the median spacing of a cloud's points, in half sides of the domain; 0 for a mesh."""
        return self._cloud.spacing if self.surface.is_cloud else 0.0

    @cached_property  # its trees take seconds for a million points
    def _cloud(self) -> CloudDistance:
        assert self.surface.normals is not None
        return CloudDistance(self.grid.from_physical(self.surface.vertices), self.surface.normals)

    def holds(self, places: Float[np.ndarray, "n 3"]) -> Bool[np.ndarray, " n"]:
        """Return which physical places lie inside of a mesh: where the generalized winding number is above 1/2."""
        igl = optional("igl", extra="mesh", needed_for="the inside of a mesh")
        vertices, unit = self.grid.from_physical(self.surface.vertices), self.grid.from_physical(places)
        found: Any = igl.fast_winding_number(vertices, self.surface.faces, unit)
        return np.asarray(found) > 0.5

    def distance_samples(self, count: int, *, seed: int = 0) -> Signal:
        """Return the signed distance at ``count`` places, four fifths of them near the surface.

        Those near the surface are normally distributed around samples of a mesh, or around points of a cloud shifted
        sideways by half their spacing; the widths are lognormal with a median of 0.4 % of the half side. The others are
        uniform over the domain. Places at which a cloud's distance is unknown are left out.
        """
        generator = np.random.default_rng([seed, 1])
        near = round(_NEAR * count)
        on_surface = self._on_surface(near, generator, seed)
        widths = self.half_side * _WIDTH * np.exp(_SPREAD * generator.normal(size=(near, 1)))
        around = self.grid.from_physical(on_surface + widths * generator.normal(size=(near, 3)))
        points = np.concatenate([around, generator.uniform(-1, 1, (count - near, 3))]).clip(-1, 1).astype(np.float32)
        values = self.signed_distance(self.grid.to_physical(points.astype(np.float64)))
        known = np.isfinite(values)
        return Signal(
            grid=self.grid,
            values=values[known].astype(np.float32)[:, None],
            channels=(self.channel,),
            source=self.surface.source,
            points=points[known],
        )

    def _on_surface(self, count: int, generator: np.random.Generator, seed: int) -> Float[np.ndarray, "n 3"]:
        """Return samples of a mesh, or places between the points of a cloud, in their tangent planes."""
        surface = self.surface
        if not surface.is_cloud:
            return surface_samples(surface, count, seed=seed)[0]
        assert surface.normals is not None
        spacings = self.half_side * self._cloud.spacings
        chosen = generator.integers(0, len(surface.vertices), count)
        aside = _ASIDE * spacings[chosen, None] * generator.normal(size=(count, 3))
        normals = surface.normals[chosen]
        return surface.vertices[chosen] + aside - np.einsum("ij,ij->i", aside, normals)[:, None] * normals


def prepared(surface: Surface, *, padding: float = 0.1, hold_out: float = 0.1, seed: int = 0) -> Shape:
    """Return a surface prepared for a fit.

    The domain is a cube around it, wider than its longest side by the share ``padding``. Meshes are repaired
    (`repaired`). A share ``hold_out`` of a cloud's points is kept from the fit; normals are estimated if it has none,
    and from more than a million points a million are drawn at random. Raises `InputError` for a surface without volume.
    """
    if not (padding >= 0.01 and np.isfinite(padding)):
        raise InputError(f"expected a padding of 0.01 or more, got {padding:g}: the surface must not touch the domain.")
    if not 0 <= hold_out < 1:
        raise InputError(f"expected a share from 0 to less than 1 to hold out, got {hold_out:g}.")
    held_out = None
    if surface.is_cloud:
        surface, held_out, remarks = _prepared_cloud(surface, hold_out, seed)
        is_closed = False
    else:
        _check_volume(surface.vertices[np.unique(surface.faces)])
        mesh = repaired(surface.vertices, surface.faces)
        surface = replace(surface, vertices=mesh.vertices, faces=mesh.faces)
        is_closed, remarks = mesh.is_closed, mesh.remarks
    low, high = surface.vertices.min(axis=0), surface.vertices.max(axis=0)
    if held_out is not None:
        low, high = np.minimum(low, held_out.vertices.min(axis=0)), np.maximum(high, held_out.vertices.max(axis=0))
    middle, half_side = (low + high) / 2, float((high - low).max()) / 2 * (1 + padding)
    axes = [
        Axis(name=name, size=_RESOLUTION, extent=(float(each - half_side), float(each + half_side)))
        for name, each in zip("xyz", middle, strict=True)
    ]
    return Shape(
        surface=surface,
        grid=Grid(tuple(axes)),
        is_closed=is_closed,
        held_out=held_out,
        diagonal=float(np.linalg.norm(high - low)),
        remarks=remarks,
    )


def surface_samples(
    surface: Surface, count: int, *, seed: int = 0
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
    """Return random points on a mesh, evenly by area, and their normals; of a cloud some of its points and theirs."""
    generator = np.random.default_rng(seed)
    if surface.is_cloud:
        assert surface.normals is not None
        chosen = generator.permutation(len(surface.vertices))[:count]
        return surface.vertices[chosen], surface.normals[chosen]
    a, b, c = (surface.vertices[surface.faces[:, each]] for each in range(3))
    normals = np.cross(b - a, c - a)
    lengths = np.linalg.norm(normals, axis=1)
    ends = np.cumsum(lengths)
    chosen = np.searchsorted(ends, generator.uniform(0, ends[-1], count)).clip(max=len(ends) - 1)
    root, second = np.sqrt(generator.uniform(size=(count, 1))), generator.uniform(size=(count, 1))
    a, b, c = a[chosen], b[chosen], c[chosen]
    # Osada et al. 2002, eq. 1: the root spreads points evenly
    points = (1 - root) * a + root * (1 - second) * b + root * second * c
    return points, normals[chosen] / np.maximum(lengths[chosen], np.finfo(np.float64).tiny)[:, None]


def _prepared_cloud(surface: Surface, hold_out: float, seed: int) -> tuple[Surface, Surface | None, tuple[str, ...]]:
    remarks = []
    points, normals = surface.vertices, surface.normals
    generator = np.random.default_rng([seed, 2])
    if len(points) > MOST_POINTS:
        chosen = np.sort(generator.choice(len(points), MOST_POINTS, replace=False))
        remarks.append(f"{MOST_POINTS:,} of {len(points):,} points drawn at random")
        points, normals = points[chosen], None if normals is None else normals[chosen]
    _check_volume(points)
    if normals is None:
        found = estimated_normals(points)
        normals = found.normals
        remarks.append(
            f"no normals: estimated from the neighbors of each point and turned outward, {found.num_uncertain:,} of "
            f"{len(points):,} uncertain, {found.num_components:,} component{'s' if found.num_components > 1 else ''}"
        )
    order = generator.permutation(len(points))
    num_held = min(round(hold_out * len(points)), len(points) - 2)
    held, kept = np.sort(order[:num_held]), np.sort(order[num_held:])

    def part(chosen: np.ndarray) -> Surface:
        return replace(surface, vertices=points[chosen], normals=normals[chosen])

    return part(kept), part(held) if num_held else None, tuple(remarks)


def _check_volume(points: Float[np.ndarray, "n 3"]) -> None:
    if len(points) < 4:
        raise InputError(f"expected a surface around a volume, got {len(points)} points; 4 are the fewest.")
    spreads = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    if spreads[2] <= _FLAT * spreads[0]:
        is_place = not (points != points[0]).any()
        kind = "at one place" if is_place else "on a line" if spreads[1] <= _FLAT * spreads[0] else "in a plane"
        raise InputError(f"expected a surface around a volume, all points lie {kind}; that has no inside.")
