"""Volumes from file to field and back: the same header, finer samplings in the same place, slices as pictures."""

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image

from ligeia.core import InputError
from ligeia.field import Field, load, save
from ligeia.files import compare, decode, render
from ligeia.fitting import passes
from ligeia.recipes import fit
from ligeia.signals import from_array

AFFINE = np.array([[0.0, 2.0, 0, -9], [-1.5, 0, 0, 12], [0, 0, 0.7, -7], [0, 0, 0, 1]])


def opened(path: Path) -> Any:
    return nibabel.load(path)


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    data = np.fromfunction(lambda x, y, z: 1000 + 50 * (x + 2 * y - z), (7, 6, 5)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(data, AFFINE), tmp_path / "volume.nii.gz")
    return tmp_path / "volume.nii.gz"


@pytest.fixture
def field(volume: Path, tmp_path: Path) -> Field:
    save(fit(volume, stop=passes(200), hidden_features=32, hidden_layers=1), tmp_path / "volume.lig")
    return load(tmp_path / "volume.lig")


def test_a_volume_comes_back_with_its_affine_and_dtype(volume: Path, field: Field, tmp_path: Path) -> None:
    assert decode(field, tmp_path / "again.nii") == (5, 6, 7)
    again = opened(tmp_path / "again.nii")
    assert again.affine.tobytes() == opened(volume).affine.tobytes()
    assert again.get_data_dtype() == np.int16
    assert compare(volume, tmp_path / "again.nii").psnr_db > 25
    assert decode(field, tmp_path / "again.npz") == (5, 6, 7)
    assert np.load(tmp_path / "again.npz")["value"].dtype == np.int16


def test_a_part_of_a_volume_lies_where_it_was(volume: Path, field: Field, tmp_path: Path) -> None:
    region = [(1, 4), (2, 6), (0, 7)]
    assert render(field, tmp_path / "part.nii", region=region, scale=2) == (6, 8, 14)
    part, original = opened(tmp_path / "part.nii"), opened(volume)
    assert part.affine @ [-0.5, -0.5, -0.5, 1] == pytest.approx(original.affine @ [-0.5, 1.5, 0.5, 1])
    assert part.affine @ [13.5, 7.5, 5.5, 1] == pytest.approx(original.affine @ [6.5, 5.5, 3.5, 1])
    render(field, tmp_path / "slope.nii.gz", quantity="gradient")
    assert opened(tmp_path / "slope.nii.gz").get_data_dtype() == np.float32


def test_a_slice_is_a_picture(field: Field, tmp_path: Path) -> None:
    render(field, tmp_path / "slice.png", region=[(2, 3), (0, 6), (0, 7)], shape=(1, 12, 21))
    with Image.open(tmp_path / "slice.png") as image:
        assert image.size == (21, 12)
    with pytest.raises(InputError, match=r"a picture needs 2 axes, .* choose a slice such as --region 2:3,0:6,0:7"):
        render(field, tmp_path / "whole.png")


def test_what_is_no_volume_is_refused_as_one(field: Field, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a.png: a volume is written as .nii, .nii.gz"):
        decode(field, tmp_path / "a.png")
    flat = fit(from_array(np.zeros((4, 4, 9))), stop=passes(1), hidden_features=4)
    with pytest.raises(InputError, match=r"a.nii: a NIfTI volume needs a field that came from one"):
        render(flat, tmp_path / "a.nii")
