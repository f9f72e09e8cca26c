"""Thick slices to cubes. The truth is three balls in closed form; voxels are its means, worked out by integration."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from scipy.ndimage import zoom

from ligeia.core import InputError
from ligeia.enlargement import isotropic, thick_slices, write_isotropic
from ligeia.enlargement._consistency import Downsampling
from ligeia.enlargement._stacks import Stack, geometry_of, in_lattice, matched, nodes_of
from ligeia.formats import read_signal, volume_affine
from ligeia.signals import ArraySource, Axis, Box, Channel, Gaussian, Grid, Profile, Signal, Source, VolumeSource

SIZE = 24  # mm, along each axis
THICKNESS = 4
QUICK = replace(thick_slices(), steps=250)
CENTERS = np.array([[8.0, 9.0, 9.5], [16.0, 13.0, 14.0], [9.0, 17.0, 18.0]])  # of balls, in mm
RADII = np.array([6.0, 7.0, 4.5])


def truth(places: np.ndarray) -> np.ndarray:
    """Return values at places ``(..., 3)`` in millimeters, x, y, z: balls with edges of a millimeter or so."""
    distance = np.linalg.norm(places[..., None, :] - CENTERS, axis=-1)
    return 100 + np.tanh((RADII - distance) / 0.8) @ [40.0, -25.0, 30.0]


def voxel_centers(shape: Sequence[int], affine: np.ndarray) -> np.ndarray:
    """Return millimeters of voxels of an array ``(x, y, z)``."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    return index @ affine[:3, :3].T + affine[:3, 3]


def thick(shape: Sequence[int], affine: np.ndarray, axis: int, sigma: float | None = None) -> np.ndarray:
    """Return the means over the thickness of voxels ``(x, y, z)``, or those through a Gaussian of ``sigma`` slices."""
    centers = voxel_centers(shape, affine)
    reach = 0.5 if sigma is None else 3 * sigma
    offsets = ((np.arange(60) + 0.5) / 60 * 2 - 1) * reach
    weights = np.ones(60) if sigma is None else np.exp(-((offsets / sigma) ** 2) / 2)
    parts = [
        weight * truth(centers + offset * affine[:3, axis]) for offset, weight in zip(offsets, weights, strict=True)
    ]
    return np.sum(parts, axis=0) / weights.sum()


def along(axis: int) -> tuple[tuple[int, ...], np.ndarray]:
    """Return the shape and the affine of a stack whose slices follow each other along an axis of (x, y, z)."""
    shape, affine = [SIZE] * 3, np.eye(4)
    shape[axis], affine[axis, axis], affine[axis, 3] = SIZE // THICKNESS, THICKNESS, (THICKNESS - 1) / 2
    return tuple(shape), affine


def saved(path: Path, voxels: np.ndarray, affine: np.ndarray) -> Signal:
    image = nibabel.Nifti1Image(voxels.astype(np.float32), affine)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)
    return read_signal(path)


def stack(folder: Path, axis: int, sigma: float | None = None) -> Signal:
    shape, affine = along(axis)
    return saved(folder / f"along{axis}.nii", thick(shape, affine, axis, sigma), affine)


def oblique(folder: Path, degrees: float) -> Signal:
    """Return a stack with slices along x, turned about z around the middle of the volume."""
    shape, affine = along(0)
    turn, c, s = np.eye(4), np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn[:2, :2] = [[c, -s], [s, c]]
    middle = np.array([(SIZE - 1) / 2] * 3)
    turn[:3, 3] = middle - turn[:3, :3] @ middle
    affine = turn @ affine
    return saved(folder / "oblique.nii", thick(shape, affine, 0), affine)


TRUE = truth(voxel_centers((SIZE,) * 3, np.eye(4))).T  # (z, y, x)


def rmse(found: np.ndarray) -> float:
    return float(np.sqrt(np.mean((found - TRUE) ** 2)))


def cubic(signal: Signal, axis: int) -> np.ndarray:
    """Return what interpolation makes of a stack, slices along an axis of (z, y, x)."""
    factors = [THICKNESS if each == axis else 1 for each in range(3)]
    return np.asarray(zoom(signal.values[..., 0], factors, order=3, grid_mode=True, mode="grid-mirror"))


def of_size(*shape: int, voxel: Sequence[float] = (4.0, 1.0, 1.0), unit: str = "mm", **changes: Any) -> Signal:
    """Return a volume of noise without a file."""
    sides = zip("zyx", shape, voxel, strict=True)
    axes = tuple(Axis(name=name, size=size, extent=(0.0, size * side), unit=unit) for name, size, side in sides)
    values = np.random.default_rng(0).uniform(0, 1, (*shape, 1)).astype(np.float32)
    source: Source = ArraySource(dtype="<f4")
    if not changes.pop("without_file", False):
        affine = np.diag([*voxel[::-1], 1.0])
        header = nibabel.Nifti1Image(values[..., 0].T, changes.pop("affine", affine)).header
        source = VolumeSource(dtype="<f4", header=bytes(header.binaryblock))
    channels = (Channel(name="value", low=0.0, high=1.0),)
    return Signal(grid=Grid(axes), values=values, channels=channels, source=source)


@pytest.mark.fits
def test_one_stack_comes_closer_than_cubic_interpolation_and_has_its_means(tmp_path: Path) -> None:
    given = stack(tmp_path, 2)
    found = isotropic([given])
    assert found.values.shape == (SIZE, SIZE, SIZE, 1)
    assert found.values.dtype == np.float32
    assert found.spacing_mm == pytest.approx((1, 1, 1))
    assert rmse(found.values[..., 0]) < 0.5 * rmse(cubic(given, 0))
    means = found.values.reshape(-1, THICKNESS, SIZE, SIZE).mean(axis=1)
    np.testing.assert_allclose(means, given.values[..., 0], atol=1e-3)


@pytest.mark.fits
def test_two_orthogonal_stacks_come_closer_than_either_and_than_projections_alone(tmp_path: Path) -> None:
    axial, sagittal = stack(tmp_path, 2), stack(tmp_path, 0)
    ticks: list[tuple[int, int]] = []
    found = isotropic([axial, sagittal], on_tile=lambda done, of: ticks.append((done, of)))
    cubics = [cubic(axial, 0), cubic(sagittal, 2)]
    projected = np.mean(cubics, axis=0).astype(np.float64)
    for _ in range(20):
        for axis, given in ((0, axial), (2, sagittal)):
            shape = [SIZE // THICKNESS if each == axis else SIZE for each in range(3)]
            shape.insert(axis + 1, THICKNESS)
            shape[axis] = SIZE // THICKNESS
            means = projected.reshape(shape).mean(axis=axis + 1)
            projected += np.repeat(given.values[..., 0] - means, THICKNESS, axis=axis)
    assert rmse(found.values[..., 0]) < 0.2 * min(map(rmse, cubics))
    assert rmse(found.values[..., 0]) < 0.7 * rmse(projected)
    assert ticks == [(1, 1)]


@pytest.mark.fits
def test_an_oblique_stack_adds_to_a_straight_one(tmp_path: Path) -> None:
    axial = stack(tmp_path, 2)
    alone = isotropic([axial], settings=QUICK)
    both = isotropic([axial, oblique(tmp_path, 25.0)], settings=QUICK)
    middle = (slice(4, -4),) * 3  # the corners of the turned box stand out
    errors = [float(np.std((each.values[..., 0] - TRUE)[middle])) for each in (alone, both)]
    assert errors[1] < 0.7 * errors[0]


MEASURED = tuple(np.exp(-((((np.arange(24) + 0.5) / 24 - 0.5) * 6) ** 2) / 2))  # up to three standard deviations


@pytest.mark.fits
@pytest.mark.parametrize("profile", [Gaussian(0.4), Profile(MEASURED, 2.4)])
def test_a_slice_profile_is_honored(profile: Gaussian | Profile, tmp_path: Path) -> None:
    given = stack(tmp_path, 2, sigma=0.4)
    as_box = isotropic([given], settings=QUICK)
    as_is = isotropic([given], settings=QUICK, profile=profile)
    assert rmse(as_is.values[..., 0]) < 0.85 * rmse(as_box.values[..., 0])


def test_a_stack_stored_in_another_order_and_mirrored_lies_where_it_was(tmp_path: Path) -> None:
    axial, sagittal = stack(tmp_path, 2), stack(tmp_path, 0)
    shape, affine = along(0)
    voxels = thick(shape, affine, 0)
    change = np.array([[0, 0, -1, shape[0] - 1], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]], float)
    other = saved(tmp_path / "other.nii", voxels[::-1].transpose(1, 2, 0), affine @ change)
    signals = [axial, sagittal, other]
    geometries = [geometry_of(each, "a") for each in signals]
    stacks = in_lattice(signals, geometries, (SIZE,) * 3, Box())
    for number in (1, 2):
        known = stacks[number].along_lattice((SIZE,) * 3)
        assert known is not None
        np.testing.assert_array_equal(known[0], sagittal.values[..., 0])
        means = known[1][2].shrink(np.arange(SIZE, dtype=float)[:, None])[:, 0]
        np.testing.assert_allclose(means, 1.5 + THICKNESS * np.arange(SIZE // THICKNESS))
    pairs = [each.voxels_within(np.array([4.0, 8, 8]), np.array([10.0, 16, 20])) for each in stacks[1:]]
    keyed = [sorted(map(tuple, np.hstack(pair).round(6).tolist())) for pair in pairs]
    np.testing.assert_allclose(keyed[0], keyed[1])


def test_the_places_of_a_voxel_are_those_that_it_is_a_mean_of(tmp_path: Path) -> None:
    signals = [stack(tmp_path, 2), oblique(tmp_path, 25.0)]
    stacks = in_lattice(signals, [geometry_of(each, "a") for each in signals], (SIZE,) * 3, Box())
    offsets, weights = nodes_of(stacks)
    assert weights.shape == (THICKNESS,)
    for each, around in zip(stacks, offsets, strict=True):
        places, values = each.voxels_within(np.zeros(3), np.full(3, float(SIZE)))
        nodes = places[:, None] + around @ each.matrix.T
        means = truth(nodes[..., ::-1] - 0.5) @ weights  # a place counts from the edge of the lattice
        assert np.abs(means - values[:, 0]).max() < 2.5  # the midpoint rule with 4 nodes
        assert np.abs(truth(places[:, ::-1] - 0.5) - values[:, 0]).max() > 10


def test_the_result_is_written_where_it_lies(tmp_path: Path) -> None:
    affine = np.array([[0.0, -1.2, 0, 30], [1.2, 0, 0, -20], [0, 0, 3.6, 7], [0, 0, 0, 1]])
    voxels = np.random.default_rng(0).integers(0, 200, (12, 10, 5)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(voxels, affine), tmp_path / "a.nii.gz")
    found = isotropic([read_signal(tmp_path / "a.nii.gz")], settings=replace(QUICK, steps=20))
    assert found.values.shape == (15, 10, 12, 1)
    write_isotropic(tmp_path / "b.nii.gz", found)
    again: Any = nibabel.load(tmp_path / "b.nii.gz")
    assert again.get_data_dtype() == np.int16
    assert again.header.get_zooms() == pytest.approx((1.2, 1.2, 1.2))
    np.testing.assert_allclose(again.affine, found.affine, atol=1e-5)
    corner = [-0.5, -0.5, -0.5, 1]
    np.testing.assert_allclose(again.affine @ corner, affine @ corner, atol=1e-5)
    write_isotropic(tmp_path / "b.npy", found)
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy"), np.asanyarray(again.dataobj).T)


def test_a_length_that_cubes_do_not_divide_is_filled(tmp_path: Path) -> None:
    found = isotropic([of_size(5, 9, 8, voxel=(2.5, 1, 1))], settings=replace(QUICK, steps=5))
    assert found.values.shape == (12, 9, 8, 1)
    assert found.spacing_mm == pytest.approx((12.5 / 12, 1, 1))
    finer = isotropic([of_size(5, 9, 8)], spacing_mm=0.5, settings=replace(QUICK, steps=5))
    assert finer.values.shape == (40, 18, 16, 1)


def test_a_volume_without_a_file_needs_extents_and_is_written_as_an_array(tmp_path: Path) -> None:
    signal = of_size(4, 8, 8, voxel=(0.003, 0.001, 0.001), unit="m", without_file=True)
    found = isotropic([signal], settings=replace(QUICK, steps=5))
    assert found.spacing_mm == pytest.approx((1, 1, 1))
    np.testing.assert_allclose(found.affine[:3, 3], 0.5)
    with pytest.raises(InputError, match=r"b.nii: a NIfTI volume needs a first stack that came from one"):
        write_isotropic(tmp_path / "b.nii", found)
    with pytest.raises(InputError, match=r"b.png: expected a volume's ending, .nii, .nii.gz or .npy; rename"):
        write_isotropic(tmp_path / "b.png", found)
    with pytest.raises(InputError, match=r"the stack: expected a volume with voxel sizes, its axes have none"):
        isotropic([of_size(4, 8, 8, unit="", without_file=True)])


def test_a_flat_volume_is_met_without_a_fit() -> None:
    signal = of_size(4, 8, 8)
    found = isotropic([replace(signal, values=np.full_like(signal.values, 7.5))], settings=replace(QUICK, steps=10**9))
    np.testing.assert_allclose(found.values, 7.5)


@pytest.mark.fits
def test_values_of_another_scale_are_matched(tmp_path: Path) -> None:
    signals = [stack(tmp_path, 2), stack(tmp_path, 0)]
    other = replace(signals[1], values=(signals[1].values - 40) / 1.5)
    geometries = [geometry_of(each, "a") for each in signals]
    stacks = in_lattice([signals[0], other], geometries, (SIZE,) * 3, Box())
    (factor, term) = matched(stacks, (SIZE,) * 3)[1]
    assert (factor, term) == pytest.approx((1.5, 40), rel=0.02)
    found = isotropic([signals[0], other], match_values=True, settings=QUICK)
    unmatched = isotropic([signals[0], other], settings=QUICK)
    assert rmse(found.values[..., 0]) < 0.4 * rmse(unmatched.values[..., 0])


@pytest.mark.fits
def test_noise_is_followed_to_the_last_digit_only_if_asked_to(tmp_path: Path) -> None:
    given = stack(tmp_path, 2)
    noise = np.random.default_rng(0).normal(size=given.values.shape).astype(np.float32)
    noisy = replace(given, values=given.values + 5 * noise)
    exact, inexact = (isotropic([noisy], exact=each, settings=QUICK).values[..., 0] for each in (True, False))
    np.testing.assert_allclose(exact.reshape(-1, THICKNESS, SIZE, SIZE).mean(axis=1), noisy.values[..., 0], atol=1e-3)
    assert rmse(inexact) < rmse(exact)


def test_a_stack_between_the_voxels_of_the_lattice_is_not_projected_onto() -> None:
    def placed(origin: float, matrix: np.ndarray | None = None) -> Stack:
        return Stack(
            values=np.zeros((6, 24, 24), np.float32),
            matrix=np.diag([4.0, 1, 1]) if matrix is None else matrix,
            origin=np.array([2.0, 0.5, origin]),
            footprints=(Box(), *of_size(4, 8, 8).grid.footprints[1:]),
            slice_axis=0,
        )

    assert placed(0.51).along_lattice((24, 24, 24)) is not None
    assert placed(0.9).along_lattice((24, 24, 24)) is None
    assert placed(0.5, np.array([[4.0, 0, 0], [0, 1, 0.01], [0, 0, 1]])).along_lattice((24, 24, 24)) is None
    assert placed(100.5).along_lattice((24, 24, 24)) is None
    known = placed(10.5).along_lattice((24, 24, 24))  # half of it lies outside
    assert known is not None
    assert known[0].shape == (6, 24, 14)


def test_shrinking_between_places_is_that_of_the_whole_where_they_fill_it() -> None:
    values = np.random.default_rng(0).normal(size=(23, 2))
    for footprint in (Box(), Gaussian(0.4)):
        whole = Downsampling(23, 5, footprint)
        placed = Downsampling(23, 5, footprint, placed=(2.3, 4.6))
        np.testing.assert_allclose(placed.shrink(values), whole.shrink(values))
    np.testing.assert_allclose(
        Downsampling(23, 2, Box(), placed=(4.5, 3.0)).shrink(values),
        [values[3:6].mean(axis=0), values[6:9].mean(axis=0)],
    )


def test_the_affine_is_in_millimeters() -> None:
    header = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.float32), np.diag([2.0, 3, 4, 1])).header
    header.set_xyzt_units("micron")
    source = VolumeSource(dtype="<f4", header=bytes(header.binaryblock))
    np.testing.assert_allclose(volume_affine(source), np.diag([0.002, 0.003, 0.004, 1]))


SINGULAR = np.array([[1.0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 4, 0], [0, 0, 0, 1]])
FAR = np.array([[1.0, 0, 0, 500], [0, 1, 0, 0], [0, 0, 4, 0], [0, 0, 0, 1]])


@pytest.mark.parametrize(
    ("stacks", "options", "message"),
    [
        ([], {}, "expected at least one stack of slices, got none"),
        ([of_size(8, 8, 8, voxel=(1, 1, 1))], {}, "all voxels are already cubes of 1 mm; there is nothing to do"),
        ([of_size(4, 8, 7)], {}, "the stack: expected at least 8 voxels along each axis in a slice, got 7 along x"),
        ([of_size(4, 8, 8, affine=SINGULAR)], {}, "expected an affine with three directions, .* is singular"),
        ([of_size(4, 8, 8), of_size(4, 8, 8, affine=FAR)], {}, "stack 2 lies outside of the first"),
        ([of_size(4, 8, 8)], {"spacing_mm": 2.0}, "expected voxels of at most 1 mm, .* got 2 mm"),
        ([of_size(4, 8, 8)], {"spacing_mm": 0.0}, "expected voxels of at most 1 mm, .* got 0 mm"),
        ([of_size(4, 8, 8)], {"spacing_mm": 0.2}, "expected slices of at most 16 new voxels, got 4 mm for 0.2 mm"),
    ],
)
def test_what_cannot_be_done_is_refused(stacks: list[Signal], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        isotropic(stacks, **options)


def test_what_is_no_stack_is_refused() -> None:
    volume = of_size(4, 8, 8)
    channel = volume.channels[0]
    colors = replace(volume, values=np.zeros((4, 8, 8, 2), np.float32), channels=(channel, replace(channel, name="b")))
    with pytest.raises(InputError, match="the stack: expected one number per voxel, got 2; pass one at a time"):
        isotropic([colors])
    flat = Signal(grid=Grid.of((8, 8)), values=volume.values[0], channels=volume.channels, source=volume.source)
    with pytest.raises(InputError, match=r"expected a volume \(z, y, x\) with a value in every voxel, got axes \(row"):
        isotropic([flat])
