from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ligeia.core import InputError
from ligeia.experiments import _image, camera, paper_activations
from ligeia.fitting import passes
from ligeia.formats import read_image
from ligeia.networks import Siren
from ligeia.recipes import fit
from ligeia.reports import check_figure, draw_report
from ligeia.signals import Signal, from_array

RANDOM = np.random.default_rng(0)
SHAPES = [(12, 9), (9, 20, 3), (9, 9, 4), (1, 1), (1, 5), (5, 3), (3, 8, 9), (1,), (2,), (70,), (3000,), (2, 2, 7, 6)]


def draw(signal: Signal, path: Path, *, hidden_features: int = 8) -> np.ndarray:
    field = fit(signal, stop=passes(1), hidden_features=hidden_features, hidden_layers=1)
    draw_report(field, signal, path)
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert image.width == 1600
        assert image.height > 600
        return np.asarray(image.convert("L"))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_report_is_drawn_for_any_shape(shape: tuple[int, ...], tmp_path: Path) -> None:
    shown = draw(from_array(RANDOM.integers(0, 256, shape, dtype=np.uint8)), tmp_path / "report.png")
    assert shown.std() > 10


def test_a_report_is_drawn_of_cmyk(tmp_path: Path) -> None:
    Image.fromarray(RANDOM.integers(0, 256, (9, 9, 4), dtype=np.uint8), "CMYK").save(tmp_path / "a.jpg")
    assert draw(read_image(tmp_path / "a.jpg"), tmp_path / "report.png").std() > 10


@pytest.mark.parametrize("value", [0, 77, 255])
def test_a_report_is_drawn_of_a_constant_image(value: int, tmp_path: Path) -> None:
    assert draw(from_array(np.full((8, 8), value, np.uint8)), tmp_path / "report.png").std() > 5


def test_a_report_is_drawn_where_all_phases_lie_outside_the_axes(tmp_path: Path) -> None:
    signal = from_array(np.zeros((1, 1), np.uint8))
    field = fit(signal, stop=passes(1), hidden_features=1, hidden_layers=0, omega_0=1e4)
    draw_report(field, signal, tmp_path / "report.png")
    assert (tmp_path / "report.png").stat().st_size > 0


def test_a_report_of_unknown_kind_is_refused_before_the_fit(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"report.gif: a figure ends in .png"):
        check_figure(tmp_path / "report.gif")


@pytest.mark.no_cover
@pytest.mark.parametrize("width", [1024, pytest.param(2048, marks=pytest.mark.slow)])
def test_the_activations_of_a_deep_wide_network_follow_the_paper(
    width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_image, "Siren", lambda ins, _, *rest, **more: Siren(ins, width, *rest, **more))
    found = paper_activations(tmp_path / "activations.png")
    assert found.holds
    assert abs(found.measured - 1) < 0.15
    with Image.open(tmp_path / "activations.png") as image:
        assert image.width == 1600
        assert np.asarray(image.convert("L")).std() > 10


def test_the_camera_is_the_photograph_made_smaller() -> None:
    signal = camera(size=64, align="corners")
    assert signal.values.shape == (64, 64, 1)
    assert signal.grid.align == "corners"
    from skimage.data import camera as photograph

    whole = photograph().astype(float)
    # Pillow's bilinear filter averages, so that the mean stays
    assert signal.values.mean() == pytest.approx(whole.mean(), abs=1.0)
