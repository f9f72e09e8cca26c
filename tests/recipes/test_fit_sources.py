from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ligeia.field import Field
from ligeia.files import decode
from ligeia.fitting import Stop, Values, passes, plateau, psnr
from ligeia.recipes import fast, fit, paper, to_signal
from ligeia.recipes._fit_signal import completed
from ligeia.signals import from_array

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)


def weights(field: Field) -> torch.Tensor:
    return torch.cat([parameter.detach().reshape(-1) for parameter in field.network.parameters()])


def test_a_path_an_array_a_tensor_and_a_signal_give_the_same_field(tmp_path: Path) -> None:
    path = tmp_path / "pixels.png"
    Image.fromarray(PIXELS).save(path)
    np.save(tmp_path / "pixels.npy", PIXELS)
    sources = [
        path,
        str(path),
        tmp_path / "pixels.npy",
        PIXELS,
        torch.from_numpy(PIXELS.copy()),
        from_array(PIXELS),
    ]
    fields = [fit(source, stop=passes(2), hidden_features=8, hidden_layers=1) for source in sources]
    for field in fields[1:]:
        assert torch.equal(weights(field), weights(fields[0]))
    report = fields[0].report
    assert report is not None
    assert (report.recipe, report.stopped_by, report.steps) == ("fast", "passes", 2)


def test_a_constant_image_is_reproduced() -> None:
    pixels = np.full((8, 8), 77, np.uint8)
    field = fit(pixels, stop=psnr(40) | passes(2000), hidden_features=16, hidden_layers=1)
    assert np.sqrt(np.mean((field.sample().numpy() - 77) ** 2)) < 2.56  # 40 dB of 255
    assert field.report is not None
    assert field.report.psnr_db >= 40


def test_the_paper_recipe_takes_corners_and_five_hundred_full_batches() -> None:
    field = fit(PIXELS, configuration=paper(), hidden_features=8, hidden_layers=1)
    assert field.grid.align == "corners"
    assert field.report is not None
    assert (field.report.steps, field.report.passes, field.report.stopped_by) == (500, 500.0, "passes")


def test_the_fast_recipe_wants_cell_centers() -> None:
    assert to_signal(PIXELS, align=fast().align).grid.align == "centers"


@pytest.mark.parametrize(
    ("stop", "names"),
    [
        (None, ["plateau"]),
        (psnr(40), ["psnr", "plateau"]),
        (passes(1), ["passes"]),
        (psnr(40) | passes(1), ["psnr", "passes"]),
        (plateau(0.1), ["plateau"]),
        (psnr(40) | plateau(0.1), ["psnr", "plateau"]),
    ],
)
def test_a_quality_out_of_reach_ends_at_a_plateau_and_other_stops_stay(stop: Stop | None, names: list[str]) -> None:
    found = completed(stop, fast(), Values(from_array(PIXELS)))
    assert [rule.name for rule in found.rules] == names


@pytest.mark.parametrize("array", [np.zeros(8000, np.float32), np.full((30, 30), 7), np.full((5, 6, 3), 200, np.uint8)])
def test_a_constant_is_met_exactly_and_at_once(array: np.ndarray) -> None:
    field = fit(array)
    assert field.report is not None
    assert (field.report.stopped_by, field.report.steps) == ("exact", 1)
    assert field.report.psnr_db > 140
    samples = field.sample().numpy().reshape(array.shape)
    assert np.array_equal(samples.round(4), array)
    almost = np.zeros(100_000, np.float32)  # one of them may be missed by those that are looked at first
    almost[77] = 1
    report = fit(almost, stop=passes(0.1), hidden_features=8).report
    assert report is not None
    assert report.stopped_by == "passes"


@pytest.mark.parametrize("num_axes", range(1, 7))
@pytest.mark.parametrize("num_channels", [None, 3])
def test_arrays_of_any_number_of_axes_come_back_in_their_shape(
    num_axes: int, num_channels: int | None, tmp_path: Path
) -> None:
    grid = (7, 5, 4, 3, 2, 3)[:num_axes]
    shape = grid if num_channels is None else (*grid, num_channels)
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    np.save(tmp_path / "array.npy", array)
    signal = to_signal(tmp_path / "array.npy", channels=num_channels is not None)
    assert signal.grid.shape == grid
    field = fit(signal, stop=passes(60), hidden_features=32)
    decode(field, tmp_path / "again.npy")
    again = np.load(tmp_path / "again.npy")
    assert (again.shape, again.dtype) == (array.shape, array.dtype)
    assert field.report is not None
    reach = float(array.max() - array.min())
    error = np.mean((again.clip(array.min(), array.max()) - array) ** 2)
    assert field.report.psnr_db == pytest.approx(10 * np.log10(reach**2 / error), abs=0.01)
