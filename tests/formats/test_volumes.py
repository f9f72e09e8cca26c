import gzip
import sys
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from ligeia.core import FormatError, InputError, MissingExtraError, SampleError
from ligeia.formats import read_signal, read_volume, write_volume
from ligeia.signals import VolumeSource

AFFINE = np.array([[2.0, 0, 0, -90], [0, -1.5, 0, 126], [0, 0, 0.7, -72], [0, 0, 0, 1]])
OBLIQUE = np.array([[1.9, 0.3, 0, -90], [-0.3, 1.9, 0, 126], [0, 0, 2, -72], [0, 0, 0, 1]])
DTYPES = ["u1", "<i2", "<u2", "<i4", "<f4", "<f8", ">i2", ">f4"]


def opened(path: Path) -> Any:
    return nibabel.load(path)


def voxels(shape: tuple[int, ...], dtype: str = "<i2") -> np.ndarray:
    values = np.random.default_rng(len(shape)).integers(0, 200, shape)
    return values.astype(np.dtype(dtype))


def save(path: Path, data: np.ndarray, affine: np.ndarray = AFFINE, *, kind: Any = nibabel.Nifti1Image) -> Path:
    image = kind(data, affine)
    image.header.set_xyzt_units("mm", "sec")
    if data.dtype.byteorder == ">":
        image = kind(data, affine, image.header.as_byteswapped(">"))
    nibabel.save(image, path)
    return path


def whole(values: np.ndarray) -> list[tuple[int, int, np.ndarray]]:
    flat = values.astype(np.float64).reshape(-1, 1)
    return [(0, 7, flat[:7]), (7, len(flat), flat[7:])]


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("dtype", DTYPES)
def test_voxels_affine_and_dtype_survive(dtype: str, kind: Any, suffix: str, tmp_path: Path) -> None:
    data = voxels((5, 4, 3), dtype)
    path, again = save(tmp_path / f"a{suffix}", data, kind=kind), tmp_path / f"b{suffix}"
    signal = read_signal(path)
    assert np.array_equal(signal.values[..., 0], data.T)
    assert isinstance(signal.source, VolumeSource)
    write_volume(again, signal.grid.shape, whole(signal.values), signal.source)
    first, second = opened(path), opened(again)
    assert type(second) is type(first)
    assert second.get_data_dtype() == np.dtype(dtype)
    assert first.affine.tobytes() == second.affine.tobytes()
    assert np.array_equal(np.asanyarray(second.dataobj), data)
    assert bytes(first.header.binaryblock) == bytes(second.header.binaryblock)


@pytest.mark.parametrize("times", [1, 2])
def test_vectors_are_channels_and_come_back(times: int, tmp_path: Path) -> None:
    data = voxels((5, 4, 3, times, 3), "<f4")
    image = nibabel.Nifti1Image(data, AFFINE)
    image.header.set_intent("vector")
    nibabel.save(image, tmp_path / "a.nii")
    signal = read_signal(tmp_path / "a.nii")
    assert [channel.name for channel in signal.channels] == ["channel0", "channel1", "channel2"]
    assert [axis.name for axis in signal.grid.axes] == (["time"] if times > 1 else []) + ["z", "y", "x"]
    assert np.array_equal(signal.values.reshape(times, 3, 4, 5, 3), data.transpose(3, 2, 1, 0, 4))
    assert isinstance(signal.source, VolumeSource)
    flat = signal.values.reshape(-1, 3).astype(np.float64)
    write_volume(tmp_path / "b.nii", signal.grid.shape, [(0, len(flat), flat)], signal.source)
    again = opened(tmp_path / "b.nii")
    assert again.header.get_intent()[0] == "vector"
    assert np.array_equal(np.asanyarray(again.dataobj), data)


def test_colors_are_channels_and_come_back(tmp_path: Path) -> None:
    colors = voxels((5, 4, 3, 3), "u1")
    data = np.ascontiguousarray(colors).view(np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))[..., 0]
    nibabel.save(nibabel.Nifti1Image(data, AFFINE), tmp_path / "a.nii")
    signal = read_signal(tmp_path / "a.nii")
    assert [channel.name for channel in signal.channels] == ["red", "green", "blue"]
    assert np.array_equal(signal.values, colors.transpose(2, 1, 0, 3))
    assert isinstance(signal.source, VolumeSource)
    flat = signal.values.reshape(-1, 3).astype(np.float64)
    write_volume(tmp_path / "b.nii", signal.grid.shape, [(0, len(flat), flat)], signal.source)
    again = opened(tmp_path / "b.nii")
    assert again.get_data_dtype() == data.dtype
    assert np.array_equal(np.asanyarray(again.dataobj), data)


def test_axes_are_those_of_the_affine(tmp_path: Path) -> None:
    signal = read_volume(save(tmp_path / "a.nii", voxels((5, 4, 3, 2))))
    assert [axis.name for axis in signal.grid.axes] == ["time", "z", "y", "x"]
    assert [axis.unit for axis in signal.grid.axes] == ["s", "mm", "mm", "mm"]
    assert signal.grid.axes[1].extent == pytest.approx((-72 - 0.35, -72 + 2.5 * 0.7))
    assert signal.grid.axes[2].extent == (126 + 0.75, 126 - 3.5 * 1.5)
    assert signal.grid.axes[3].extent == (-91.0, -90 + 4.5 * 2)
    centers = signal.grid.to_physical(signal.grid.points(np.array([0])))[0]
    assert centers[1:] == pytest.approx([-72, 126, -90], abs=1e-4)
    corners = read_volume(tmp_path / "a.nii", align="corners")
    assert corners.grid.axes[3].extent == (-90.0, -82.0)
    oblique = read_volume(save(tmp_path / "b.nii", voxels((5, 4, 3)), OBLIQUE))
    assert oblique.grid.axes[0].extent == pytest.approx((-1.0, 5.0))


def test_samples_that_the_file_scales_come_back_as_they_were(tmp_path: Path) -> None:
    data = np.linspace(-3, 1000, 60).reshape(5, 4, 3)
    image = nibabel.Nifti1Image(data, AFFINE)
    image.set_data_dtype(np.int16)
    nibabel.save(image, tmp_path / "a.nii")
    signal = read_volume(tmp_path / "a.nii")
    assert signal.values.dtype == np.float32
    assert np.abs(signal.values[..., 0].T - data).max() < 0.01
    assert isinstance(signal.source, VolumeSource)
    assert signal.source.dtype == "<i2"
    write_volume(tmp_path / "b.nii", signal.grid.shape, whole(signal.values), signal.source)
    assert (tmp_path / "a.nii").read_bytes() == (tmp_path / "b.nii").read_bytes()


def test_a_finer_sampling_lies_where_the_original_does(tmp_path: Path) -> None:
    signal = read_volume(save(tmp_path / "a.nii", voxels((6, 4, 2))))
    assert isinstance(signal.source, VolumeSource)
    finer = np.zeros((4, 8, 12))
    placed = [(-0.25, 0.5)] * 3
    write_volume(tmp_path / "b.nii", finer.shape, whole(finer), signal.source, dtype=np.dtype("<f4"), placed=placed)
    found = opened(tmp_path / "b.nii")
    assert found.shape == (12, 8, 4)
    assert found.get_data_dtype() == np.float32
    edge = np.array([-0.5, -0.5, -0.5, 1])
    assert found.affine @ edge == pytest.approx(AFFINE @ edge)
    far, finer_far = np.array([5.5, 3.5, 1.5, 1]), np.array([11.5, 7.5, 3.5, 1])
    assert found.affine @ finer_far == pytest.approx(AFFINE @ far)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_volume_that_is_cut_short_is_refused(suffix: str, share: float, tmp_path: Path) -> None:
    path = save(tmp_path / f"a{suffix}", voxels((30, 20, 10)))
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(FormatError, match=rf"a{suffix}: not a readable NIfTI volume"):
        read_signal(path)


def test_what_is_no_volume_of_numbers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.nii").write_text("no volume, though it is called one")
    with pytest.raises(FormatError, match=r"text.nii: not a readable NIfTI volume"):
        read_signal(tmp_path / "text.nii")
    (tmp_path / "text.nii.gz").write_bytes(gzip.compress(b"nothing"))
    with pytest.raises(FormatError, match=r"text.nii.gz: not a readable NIfTI volume"):
        read_signal(tmp_path / "text.nii.gz")
    save(tmp_path / "complex.nii", np.zeros((3, 3, 3), np.complex64))
    with pytest.raises(
        FormatError, match=r"complex.nii: expected a volume of real numbers .* got complex64 \(3, 3, 3\)"
    ):
        read_signal(tmp_path / "complex.nii")
    holes = np.zeros((3, 3, 3), np.float32)
    holes[1] = np.inf
    save(tmp_path / "inf.nii", holes)
    with pytest.raises(SampleError, match=r"inf.nii: .* 9 of 27 are NaN or infinite"):
        read_signal(tmp_path / "inf.nii")


def test_a_damaged_header_is_refused_when_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"b.nii: the header of the original volume is damaged"):
        write_volume(tmp_path / "b.nii", (2, 2, 2), [], VolumeSource(dtype="<i2", header=bytes(348)))
    assert list(tmp_path.iterdir()) == []


def test_without_nibabel_the_line_to_type_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.nii", voxels((3, 3, 3)))
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(MissingExtraError, match=r"needs the package nibabel.* pip install 'ligeia\[volume\]'"):
        read_signal(path)
