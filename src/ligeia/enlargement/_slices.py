"""Thick slices to cubic voxels: from one stack, or from several of one place with different orientations.

A voxel of a thick slice is the mean over its thickness. Small fields, in tiles, are fitted to these means, of all
stacks at once, and rendered at cubic voxels. The result is then projected onto the volumes with exactly these means,
one stack after the other (POCS); oblique stacks are matched by the fields alone.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, final

import numpy as np
from jaxtyping import Float

from ligeia.core import InputError
from ligeia.fitting import FootprintSamples
from ligeia.formats import is_volume_output, write_array, write_volume
from ligeia.signals import Box, Channel, Footprint, Signal, Source, VolumeSource, cast_samples

from ._consistency import make_consistent
from ._stacks import Geometry, Stack, geometry_of, in_lattice, matched, nodes_of
from ._tiles import Tile, TileSettings, blended

_ROUNDS: Final = 5  # of projections onto each stack
_MOST_THICKNESS: Final = 16  # of a slice, in new voxels: a tile has some 25 along a side
_BACKGROUND: Final = 0.01  # of the voxels have the lowest value: nothing is below


def thick_slices() -> TileSettings:
    """Return the default settings of `isotropic`; ``tile_samples`` counts voxels of the result.

    Two tilings take twice as long or more; they gain 0.2 dB of one stack, 0.7 of two: ``design/enlargement.md``.
    """
    return TileSettings(steps=600, batch_size=512, radians_per_sample=0.5, num_tilings=1, tile_samples=16384)


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class IsotropicVolume:
    """A volume of cubic voxels, and its place."""

    values: Float[np.ndarray, "z y x c"]
    """In the first stack's units."""
    spacing_mm: tuple[float, ...]
    """Sides of a voxel, ``(z, y, x)``: as requested, except that voxels fill the first stack's box."""
    affine: Float[np.ndarray, "4 4"]
    """From voxel indices ``(x, y, z, 1)`` to the first stack's world, in millimeters."""
    placed: tuple[tuple[float, float], ...]
    """Per axis the index of the first voxel, and the step to the next, in voxels of the first stack."""
    source: Source
    """Of the first stack."""
    dtype: np.dtype
    """Of the first stack's samples."""


def isotropic(
    stacks: Sequence[Signal],
    *,
    profile: Footprint | None = None,
    spacing_mm: float | None = None,
    match_values: bool = False,
    exact: bool = True,
    settings: TileSettings | None = None,
    seed: int = 0,
    on_tile: Callable[[int, int], None] | None = None,
) -> IsotropicVolume:
    """Return a volume of cubic voxels from stacks of thick slices ``(z, y, x)``, in the box of the first stack.

    Slices are stacked along the axis of the largest voxels and have the given ``profile``, in steps from slice to
    slice; by default they touch and weight their thickness evenly. The sides of the cubes are ``spacing_mm``, by
    default the smallest side of a voxel in all stacks. Places come from the affines. ``match_values`` scales and shifts
    the other stacks' values to match the first; without it all are taken to have one unit. With ``exact`` the result's
    means are exactly the stacks' voxels, including noise; for noisy stacks the fields alone, without it, are closer to
    the truth. ``on_tile`` is called after each tile with the number of tiles done and their total.

    `InputError` for cubes, for stacks that do not overlap, for fewer than 8 voxels along an axis in a slice, for a
    singular affine, for more than one number per voxel, and for slices of more than 16 new voxels.
    """
    if not stacks:
        raise InputError("expected at least one stack of slices, got none.")
    names = [f"stack {number + 1}" if len(stacks) > 1 else "the stack" for number in range(len(stacks))]
    geometries = [geometry_of(signal, name) for signal, name in zip(stacks, names, strict=True)]
    shape = _shape(geometries, spacing_mm)
    placed = in_lattice(stacks, geometries, shape, Box() if profile is None else profile)
    if match_values:
        pairs = zip(placed, matched(placed, shape), strict=True)
        placed = [replace(each, values=each.values * factor + term) for each, (factor, term) in pairs]
    values = _fitted(placed, shape, thick_slices() if settings is None else settings, seed, on_tile)
    values = _projected(values, placed, _ROUNDS if exact else 0)
    first, affine = geometries[0], np.eye(4)
    steps = np.array(first.shape) / np.array(shape)
    affine[:3, :3] = (first.matrix * steps)[:, ::-1]
    affine[:3, 3] = first.origin + first.matrix @ (steps / 2 - 0.5)
    return IsotropicVolume(
        values=values[..., None],
        spacing_mm=tuple(float(each) for each in first.voxel_mm * steps),
        affine=affine,
        placed=tuple((float(step / 2 - 0.5), float(step)) for step in steps),
        source=stacks[0].source,
        dtype=np.dtype(stacks[0].values.dtype),
    )


def write_isotropic(path: Path, volume: IsotropicVolume) -> None:
    """Write a volume as NIfTI (.nii, .nii.gz), with its affine, in the dtype of the first stack; or as ``.npy``."""
    shape, flat = volume.values.shape, volume.values.reshape(-1, 1)
    if path.suffix.lower() == ".npy":
        write_array(path, shape[:-1], volume.dtype, [(0, len(flat), cast_samples(flat, volume.dtype))])
        return
    if not is_volume_output(path):
        raise InputError(f"{path}: expected a volume's ending, .nii, .nii.gz or .npy; rename the output.")
    if not isinstance(volume.source, VolumeSource):
        raise InputError(f"{path}: a NIfTI volume needs a first stack that came from one; write an .npy file instead.")
    write_volume(path, shape[:-1], [(0, len(flat), flat)], volume.source, placed=volume.placed)


def _shape(geometries: Sequence[Geometry], spacing_mm: float | None) -> tuple[int, ...]:
    """Return the voxels of the result per axis."""
    smallest = min(float(each.voxel_mm.min()) for each in geometries)
    largest = max(float(each.voxel_mm.max()) for each in geometries)
    if spacing_mm is None:
        spacing_mm = smallest
        if all(each.is_isotropic for each in geometries):
            raise InputError(
                f"expected slices thicker than their voxels are wide, all voxels are already cubes of {smallest:g} mm; "
                "there is nothing to do."
            )
    if not (math.isfinite(spacing_mm) and 0 < spacing_mm <= 1.05 * smallest):
        raise InputError(
            f"expected voxels of at most {smallest:g} mm, the smallest of the stacks, got {spacing_mm:g} mm; make "
            "the result smaller afterwards."
        )
    if largest > _MOST_THICKNESS * spacing_mm:
        raise InputError(
            f"expected slices of at most {_MOST_THICKNESS} new voxels, got {largest:g} mm for {spacing_mm:g} mm; "
            f"ask for voxels of {largest / _MOST_THICKNESS:.3g} mm or more."
        )
    first = geometries[0]
    lengths = zip(first.shape, first.voxel_mm, strict=True)
    return tuple(max(1, round(size * float(side) / spacing_mm)) for size, side in lengths)


def _fitted(
    stacks: Sequence[Stack],
    shape: tuple[int, ...],
    settings: TileSettings,
    seed: int,
    on_tile: Callable[[int, int], None] | None,
) -> Float[np.ndarray, "z y x"]:
    low = min(float(each.values.min()) for each in stacks)
    high = max(float(each.values.max()) for each in stacks)
    channel = Channel(name="value", low=low, high=high if high > low else low + 1)
    # halfway between what is known across the slices and what is wanted: there the first layer turns less from voxel
    # to voxel, since nothing but the slices' sides tells of finer waves
    side = np.min([each.sides() for each in stacks], axis=0).clip(1)
    lattice = [max(1, round(size / math.sqrt(each))) for size, each in zip(shape, side, strict=True)]
    to_lattice = np.array(lattice) / np.array(shape)
    offsets, weights = nodes_of(stacks)

    def objective_of(tile: Tile, seed: int) -> FootprintSamples | Float[np.ndarray, " c"]:
        start, stop = np.array(tile.ranges()).T / to_lattice[:, None].T
        points, values = [], []
        for stack, around in zip(stacks, offsets, strict=True):
            places, samples = stack.voxels_within(start, stop)
            nodes = (places[:, None] + around @ stack.matrix.T) * to_lattice
            points.append(np.stack([tile.coordinates(axis, nodes[..., axis]) for axis in range(3)], axis=-1))
            values.append(samples)
        joined = np.concatenate(values)
        if joined.min() == joined.max():
            return joined[0]
        scaled = channel.scaled(joined)
        return FootprintSamples(np.concatenate(points).astype(np.float32), scaled.astype(np.float32), weights)

    settings = replace(settings, tile_samples=max(1, round(settings.tile_samples * float(np.prod(to_lattice)))))
    found = blended(lattice, shape, (channel,), objective_of, settings=settings, seed=seed, on_tile=on_tile)
    return np.asarray(found[..., 0])


def _projected(values: Float[np.ndarray, "z y x"], stacks: Sequence[Stack], rounds: int) -> Float[np.ndarray, "z y x"]:
    """Return the volume closest to ``values`` whose means are the stacks' voxels; the first stack's come last.

    If many voxels have the lowest value, the result has no lower one.
    """
    samples = np.concatenate([each.values.reshape(-1) for each in stacks])
    lowest = samples.min()
    has_background = np.mean(samples == lowest) > _BACKGROUND
    known = [each.along_lattice(values.shape) for each in reversed(stacks)] if rounds else []
    result = values.astype(np.float64)[..., None]
    for _ in range(max(rounds, 1)):
        for each in known:
            if each is not None:
                wanted, ways = each
                make_consistent(result, wanted[..., None], ways)
        if has_background:
            result = np.maximum(result, lowest)
    return result[..., 0].astype(np.float32)
