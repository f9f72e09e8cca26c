"""Stacks of slices in a common lattice: the places of their voxels, and their footprints."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float

from ligeia.core import InputError
from ligeia.formats import volume_affine
from ligeia.signals import POINT, Box, Footprint, Signal, VolumeSource

from ._consistency import Downsampling

_THIN: Final = 1.5  # steps of the lattice: voxels across a slice are points up to here
_EVEN: Final = 1.05  # voxels whose sides differ by less are cubes
_LEAST_SIZE: Final = 8
_MOST_NODES: Final = 8  # along one side of a voxel
_ALIGNED: Final = 0.05  # of a lattice step: nearer than this, places are the same
_UNITS: Final = {"m": 1e3, "um": 1e-3}  # in millimeters


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Geometry:
    """The places of a stack's voxels: index ``(z, y, x)`` times ``matrix`` plus ``origin``, in millimeters."""

    shape: tuple[int, ...]
    matrix: Float[np.ndarray, "3 3"]
    origin: Float[np.ndarray, "3"]

    @property
    def voxel_mm(self) -> Float[np.ndarray, "3"]:
        """Sides of a voxel, ``(z, y, x)``."""
        return np.linalg.norm(self.matrix, axis=0)

    @property
    def is_isotropic(self) -> bool:
        """Whether the voxels are cubes."""
        return float(self.voxel_mm.max()) < _EVEN * float(self.voxel_mm.min())


def geometry_of(signal: Signal, name: str) -> Geometry:
    """Return the places of the voxels of a signal ``(z, y, x)``: by its NIfTI affine, else by its axes' extents.

    ``name`` is used in error messages. Raises `InputError` unless the signal is a stack of slices.
    """
    if signal.grid.num_axes != 3 or signal.points is not None or signal.missing is not None:
        raise InputError(
            f"{name}: expected a volume (z, y, x) with a value in every voxel, got axes "
            f"({', '.join(axis.name for axis in signal.grid.axes)}); take one volume of a series."
        )
    if signal.num_channels != 1:
        raise InputError(f"{name}: expected one number per voxel, got {signal.num_channels}; pass one at a time.")
    if not isinstance(signal.values, np.ndarray):
        raise InputError(f"{name}: expected a volume in memory, got one on disk; raise the working set.")
    matrix, origin = _frame(signal, name)
    if not (np.isfinite(matrix).all() and np.isfinite(origin).all()) or not _is_regular(matrix):
        raise InputError(
            f"{name}: expected an affine with three directions, got {matrix.tolist()}, which is singular; set the "
            "voxel sizes in the file's header."
        )
    geometry = Geometry(shape=signal.grid.shape, matrix=matrix, origin=origin)
    thickest = int(np.argmax(geometry.voxel_mm))
    for number, (axis, size) in enumerate(zip(signal.grid.axes, geometry.shape, strict=True)):
        if number != thickest and size < _LEAST_SIZE:
            raise InputError(
                f"{name}: expected at least {_LEAST_SIZE} voxels along each axis in a slice, got {size} along "
                f"{axis.name}; check the voxel sizes."
            )
    return geometry


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """A stack in a lattice, whose places count its steps from its outer edge."""

    values: Float[np.ndarray, "z y x"]
    matrix: Float[np.ndarray, "3 3"]
    """Lattice steps per voxel; one column for each axis of the stack."""
    origin: Float[np.ndarray, "3"]
    """Place of the center of the first voxel."""
    footprints: tuple[Footprint, ...]
    """Footprint of a voxel along each axis of the stack, in its own steps."""
    slice_axis: int

    def steps(self) -> Float[np.ndarray, "3"]:
        """Return the sides of a voxel in lattice steps, per axis of the stack."""
        return np.linalg.norm(self.matrix, axis=0)

    def sides(self) -> Float[np.ndarray, "3"]:
        """Return how far a voxel reaches along each axis of the lattice."""
        return np.abs(self.matrix).max(axis=1)

    def meets(self, shape: Sequence[int]) -> bool:
        """Return whether any voxel has its center in the lattice; along long axes 64 places are checked."""
        ranges = [np.linspace(0, size - 1, min(size, 64)).round() for size in self.values.shape]
        index = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1)
        places = index @ self.matrix.T + self.origin
        return bool(((places >= 0) & (places < shape)).all(axis=-1).any())

    def voxels_within(
        self, low: Float[np.ndarray, "3"], high: Float[np.ndarray, "3"]
    ) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 1"]]:
        """Return the places of voxels whose centers lie between two corners of a box, and their values."""
        corners = np.array(list(itertools.product(*zip(low, high, strict=True))))
        index = (corners - self.origin) @ np.linalg.inv(self.matrix).T
        first = np.floor(index.min(axis=0)).astype(np.int64).clip(0, self.values.shape)
        last = (np.ceil(index.max(axis=0)).astype(np.int64) + 1).clip(0, self.values.shape)
        ranges = [np.arange(start, stop) for start, stop in zip(first, last, strict=True)]
        chosen = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 3)
        places = chosen @ self.matrix.T + self.origin
        inside = ((places >= low - 1e-6) & (places < high - 1e-6)).all(axis=1)
        z, y, x = chosen[inside].T
        return places[inside], self.values[z, y, x][:, None]

    def along_lattice(self, shape: Sequence[int]) -> tuple[Float[np.ndarray, "*coarse"], list[Downsampling]] | None:
        """Return the values in the lattice's order, and the downsampling of each axis of the lattice to them.

        Only of voxels that lie in the lattice as a whole. None where the stack's axes are not the lattice's, or where
        its voxels in a slice lie between those of the lattice.
        """
        order = np.abs(self.matrix).argmax(axis=1)  # of each lattice axis, the stack's
        moved = self.matrix[:, order]
        drift = np.abs(moved - np.diag(np.diagonal(moved))) * np.array(self.values.shape)[order]
        if sorted(order) != [0, 1, 2] or drift.max() > _ALIGNED:
            return None
        values, ways = self.values.transpose(order), []
        for axis, fine in enumerate(shape):
            first, step = float(self.origin[axis]), float(moved[axis, axis])
            if step < 0:
                values = np.flip(values, axis)
                first, step = first + (values.shape[axis] - 1) * step, -step
            footprint = self.footprints[order[axis]]
            if footprint == POINT:
                shift = first - 0.5 - round(first - 0.5)
                if abs(shift) > _ALIGNED or abs(step - 1) * values.shape[axis] > _ALIGNED:
                    return None
                first, step, footprint = round(first - 0.5) + 0.5, 1.0, Box()
            half = min(footprint.reach, 0.5) * step
            start = max(0, math.ceil((half - first) / step - 1e-3))
            stop = min(values.shape[axis], math.floor((fine - half - first) / step + 1e-3) + 1)
            if start >= stop:
                return None
            values = values.take(range(start, stop), axis=axis)
            placed = (round(first + start * step, 6), round(step, 6))
            ways.append(Downsampling(fine, stop - start, footprint, placed=placed))
        return values, ways


def in_lattice(
    signals: Sequence[Signal], geometries: Sequence[Geometry], shape: Sequence[int], profile: Footprint
) -> list[Stack]:
    """Return stacks in the lattice of ``shape`` steps that fills the box of the first of them.

    Along the axis of its largest voxels a stack is seen through the profile, along others through boxes where its
    voxels are large. `InputError` for one that lies outside of the box.
    """
    first = geometries[0]
    per_voxel = np.array(shape) / np.array(first.shape)
    to_first = np.linalg.inv(first.matrix)
    stacks = []
    for number, (signal, geometry) in enumerate(zip(signals, geometries, strict=True)):
        matrix = per_voxel[:, None] * (to_first @ geometry.matrix)
        origin = per_voxel * (to_first @ (geometry.origin - first.origin) + 0.5)
        slice_axis = int(np.argmax(geometry.voxel_mm))
        steps = np.linalg.norm(matrix, axis=0)
        footprints = tuple(Box() if step > _THIN else POINT for step in steps)
        if steps[slice_axis] > _EVEN:
            footprints = (*footprints[:slice_axis], profile, *footprints[slice_axis + 1 :])
        stack = Stack(
            values=np.asarray(signal.values[..., 0], np.float32),
            matrix=matrix,
            origin=origin,
            footprints=footprints,
            slice_axis=slice_axis,
        )
        if not stack.meets(shape):
            raise InputError(
                f"expected stacks of one place, stack {number + 1} lies outside of the first: their affines are of "
                "different frames; register them."
            )
        stacks.append(stack)
    return stacks


def nodes_of(stacks: Sequence[Stack]) -> tuple[list[Float[np.ndarray, "k 3"]], Float[np.ndarray, " k"]]:
    """Return, per stack, the offsets of the places in a voxel's mean, in its own steps, and their common weights.

    The weights are the same for all stacks: where the voxels of one are thin, its places coincide.
    """
    rules = []
    for slot in range(3):  # the slices' axis, and the two in a slice
        found = [(_slot_axes(stack)[slot], stack) for stack in stacks]
        thick = [(stack.footprints[axis], stack.steps()[axis]) for axis, stack in found]
        thick = [(footprint, step) for footprint, step in thick if footprint != POINT]
        if not thick:
            rules.append((np.zeros(1), np.ones(1)))
            continue
        footprint = thick[0][0]
        most = max(step for _, step in thick)
        rules.append(footprint.nodes(min(math.ceil(most - 1e-3), _MOST_NODES)))
    weights = rules[0][1][:, None, None] * rules[1][1][:, None] * rules[2][1]
    grid = np.stack(np.meshgrid(*(offsets for offsets, _ in rules), indexing="ij"), axis=-1).reshape(-1, 3)
    result = []
    for stack in stacks:
        offsets = np.zeros_like(grid)
        for slot, axis in enumerate(_slot_axes(stack)):
            if stack.footprints[axis] != POINT:
                offsets[:, axis] = grid[:, slot]
        result.append(offsets)
    return result, weights.reshape(-1)


def matched(stacks: Sequence[Stack], shape: Sequence[int]) -> list[tuple[float, float]]:
    """Return the factor and the offset that match each stack's values to the first one's.

    They compare means over cubes of twice the thickest slice that both fill: by their mean and their spread, since
    neither is free of error.
    """
    side = 2 * max(float(stack.steps().max()) for stack in stacks)
    counts = [max(1, round(size / side)) for size in shape]
    high = np.array(shape, np.float64)
    means, numbers = [], []
    for stack in stacks:
        places, values = stack.voxels_within(np.zeros(3), high)
        cell = np.minimum((places / high * counts).astype(np.int64), np.array(counts) - 1)
        flat = np.ravel_multi_index(tuple(cell.T), counts)
        number = np.bincount(flat, minlength=math.prod(counts))
        means.append(np.bincount(flat, values[:, 0], minlength=math.prod(counts)) / number.clip(1))
        numbers.append(number)
    result = [(1.0, 0.0)]
    for mean, number in zip(means[1:], numbers[1:], strict=True):
        both = (numbers[0] > 0.5 * numbers[0].max()) & (number > 0.5 * number.max())
        spread, spread_first = float(np.std(mean[both])), float(np.std(means[0][both]))
        factor = spread_first / spread if both.sum() > 1 and spread > 0 and spread_first > 0 else 1.0
        term = float(np.mean(means[0][both]) - factor * np.mean(mean[both])) if both.any() else 0.0
        result.append((factor, term))
    return result


def _slot_axes(stack: Stack) -> list[int]:
    return [stack.slice_axis, *(axis for axis in range(3) if axis != stack.slice_axis)]


def _frame(signal: Signal, name: str) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(signal.source, VolumeSource):
        affine = volume_affine(signal.source)
        return affine[:3, 2::-1].copy(), affine[:3, 3].copy()
    if any(not axis.unit or axis.ticks for axis in signal.grid.axes):
        raise InputError(
            f"{name}: expected a volume with voxel sizes, its axes have none; pass a NIfTI file, or give the axes "
            "of its grid extents and a unit."
        )
    factors = [_UNITS.get(axis.unit, 1.0) for axis in signal.grid.axes]
    sampling = signal.grid.sampling()
    places = [sampling.physical(number) for number in range(3)]
    steps = [
        each[1] - each[0] if len(each) > 1 else np.ptp(signal.grid.axes[n].extent) for n, each in enumerate(places)
    ]
    matrix = np.zeros((3, 3))
    for number, (step, factor) in enumerate(zip(steps, factors, strict=True)):
        matrix[2 - number, number] = step * factor  # the world is (x, y, z)
    return matrix, np.array([places[n][0] * factors[n] for n in (2, 1, 0)])


def _is_regular(matrix: np.ndarray) -> bool:
    sides = np.linalg.norm(matrix, axis=0)
    return bool((sides > 0).all() and abs(np.linalg.det(matrix / np.where(sides > 0, sides, 1))) > 1e-3)
