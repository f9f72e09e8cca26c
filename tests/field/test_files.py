from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ligeia.core import FormatError, InputError, OutputError
from ligeia.field import Field, load, save
from ligeia.fitting import passes
from ligeia.recipes import fit, paper
from ligeia.signals import Axis, Channel, Grid, ImageSource, Signal, from_array


def fitted(source: Signal | Path) -> Field:
    return fit(source, stop=passes(1), hidden_features=8, hidden_layers=2, omega_0=17.5)


def assert_same(first: Field, second: Field) -> None:
    for one, two in zip(first.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(one, two)
    assert second.network.config == first.network.config
    assert second.grid == first.grid
    assert second.channels == first.channels
    assert second.source == first.source


def test_weights_come_back_bit_by_bit_with_every_field(tmp_path: Path) -> None:
    grid = Grid(
        (Axis(name="lat", size=5, extent=(90.0, -90.0), unit="degrees"), Axis(name="t", size=4)), align="corners"
    )
    channels = (Channel(name="u", low=-3.0, high=2.5, unit="m/s"), Channel(name="v", low=0.0, high=1e-3))
    values = np.random.default_rng(0).random((5, 4, 2)).astype(np.float32)
    signal = Signal(grid=grid, values=values, channels=channels, source=from_array(values).source)
    field = fitted(signal)
    size = save(field, tmp_path / "field.lig")
    again = load(tmp_path / "field.lig")
    assert_same(field, again)
    assert again.report is None
    assert size == (tmp_path / "field.lig").stat().st_size
    assert torch.equal(again.sample((7, 6)), field.sample((7, 6)))


def test_what_an_image_file_was_comes_back(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("P", (5, 4)).save(tmp_path / "p.png", bits=4, icc_profile=b"profile", exif=exif.tobytes())
    field = fitted(tmp_path / "p.png")
    save(field, str(tmp_path / "field.lig"))
    again = load(str(tmp_path / "field.lig"))
    assert_same(field, again)
    assert isinstance(again.source, ImageSource)
    assert (again.source.mode, again.source.orientation) == ("P", 6)


def test_a_saved_field_is_saved_to_the_same_bytes(tmp_path: Path) -> None:
    field = fit(np.arange(30.0).reshape(5, 6), stop=passes(1), configuration=paper(), hidden_features=4)
    save(field, tmp_path / "one.lig")
    save(load(tmp_path / "one.lig"), tmp_path / "two.lig")
    assert (tmp_path / "one.lig").read_bytes() == (tmp_path / "two.lig").read_bytes()


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.lig: no such file"):
        load(tmp_path / "none.lig")
    (tmp_path / "text.lig").write_text("no field at all")
    with pytest.raises(FormatError, match=r"text\.lig: "):
        load(tmp_path / "text.lig")


def test_a_field_is_not_saved_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist; create it first"):
        save(fitted(from_array(np.zeros((3, 3), np.uint8))), tmp_path / "none" / "field.lig")
    assert list(tmp_path.iterdir()) == []
