"""Pictures as latent grids: sizes that are kept, qualities that are met, every kind of picture, and stops."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

import ligeia as lg
from ligeia.codec import NumpyField, read_record
from ligeia.compression import Compressed, LatentTrainer, compress
from ligeia.field import from_record
from ligeia.fitting import Checkpointer, Step

CAT = data.chelsea()[100:164, 100:196]


def save(path: Path, pixels: np.ndarray) -> Path:
    """Write a PNG."""
    Image.fromarray(pixels).save(path)
    return path


def rounded(made: Compressed) -> np.ndarray:
    """Return the bytes of the picture that a file gives."""
    return np.rint(np.clip(NumpyField(made.record).sample(), 0, 255))


@pytest.mark.fits
def test_a_size_is_never_exceeded_and_nearly_used(tmp_path: Path) -> None:
    picture = save(tmp_path / "cat.png", CAT)
    for num_bytes in (800, 1200):
        made = compress(picture, tmp_path / "cat.lig", most_bytes=num_bytes, effort=1)
        assert 0.9 * num_bytes < made.num_bytes <= num_bytes
        assert (tmp_path / "cat.lig").read_bytes() == made.data
        assert made.record.latents is not None
        error = np.mean((rounded(made) - CAT) ** 2)
        assert 10 * np.log10(255**2 / error) == pytest.approx(made.psnr_db, abs=0.1)


def test_a_quality_is_met(tmp_path: Path) -> None:
    made = compress(save(tmp_path / "cat.png", CAT), psnr_db=32.0, effort=1)
    assert made.psnr_db == pytest.approx(32.0, abs=0.2)


@pytest.mark.parametrize("num_channels", [1, 2, 4])
def test_gray_and_alpha(tmp_path: Path, num_channels: int) -> None:
    alpha = np.broadcast_to(np.linspace(0, 255, 96).astype(np.uint8), CAT.shape[:2])
    gray = CAT.mean(axis=-1).astype(np.uint8)
    pixels = {1: gray, 2: np.dstack([gray, alpha]), 4: np.dstack([CAT, alpha])}[num_channels]
    made = compress(save(tmp_path / "cat.png", pixels), most_bytes=2500, effort=1)
    assert made.record.latents is not None
    assert made.psnr_db > 28
    assert NumpyField(made.record).sample().shape == (64, 96, num_channels)


@pytest.mark.fits
def test_torch_and_numpy_give_one_picture_at_any_size(tmp_path: Path) -> None:
    made = compress(save(tmp_path / "cat.png", CAT), most_bytes=1500, effort=1)
    for shape in ((64, 96), (100, 130)):
        one, other = from_record(made.record).sample(shape).numpy(), NumpyField(made.record).sample(shape)
        np.testing.assert_allclose(one, other, atol=2e-3)


@pytest.mark.no_cover
@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 300)])
def test_thin_pictures(tmp_path: Path, shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    made = compress(save(tmp_path / "thin.png", pixels), tmp_path / "thin.lig", most_bytes=900, effort=1)
    assert made.num_bytes <= 900
    assert read_record(tmp_path / "thin.lig").grid.shape == shape


def test_a_picture_of_one_color_is_exact(tmp_path: Path) -> None:
    made = compress(save(tmp_path / "one.png", np.full((40, 60, 3), (7, 200, 99), np.uint8)), most_bytes=400, effort=1)
    assert (rounded(made) == (7, 200, 99)).all()


@pytest.mark.fits
def test_a_stopped_fit_goes_on_to_the_same_file(tmp_path: Path) -> None:
    picture = save(tmp_path / "cat.png", CAT)
    whole = compress(picture, most_bytes=1500, effort=1)
    path = tmp_path / "cat.ckpt"

    def stop(step: Step) -> bool:
        assert isinstance(step.state, LatentTrainer)
        return step.state.progress.steps == 60

    first = Checkpointer(path, every_s=0)
    compress(picture, most_bytes=1500, effort=1, callbacks=[stop], checkpoint=first)
    resumed = compress(picture, most_bytes=1500, effort=1, checkpoint=Checkpointer(path, resume=True))
    assert resumed.data == whole.data


@pytest.mark.fits
def test_the_weights_alone_are_there_for_the_asking(tmp_path: Path) -> None:
    picture = save(tmp_path / "cat.png", CAT[::4, ::4])
    assert compress(picture, most_bytes=250, effort=1, network=lg.SirenArchitecture()).record.latents is None


@pytest.mark.fits
def test_gradients_of_a_file_are_those_of_float64_differences(tmp_path: Path) -> None:
    made = compress(save(tmp_path / "cat.png", CAT), tmp_path / "cat.lig", most_bytes=1500, effort=1)
    assert made.record.latents is not None
    points = torch.rand((500, 2), generator=torch.Generator().manual_seed(0)) * 1.9 - 0.95
    found = lg.jacobian(lg.load(tmp_path / "cat.lig"), points).detach().double()
    field, exact, step = lg.load(tmp_path / "cat.lig").double(), points.double(), 1e-5
    wanted = torch.empty_like(found)
    for axis in range(2):
        offset = step * torch.eye(2, dtype=torch.float64)[axis]
        wanted[..., axis] = (field(exact + offset) - field(exact - offset)).detach() / (2 * step)
    scale = float(wanted.square().mean().sqrt())
    assert float((lg.jacobian(field, exact).detach() - wanted).abs().max()) < 1e-5 * scale
    assert float((found - wanted).square().mean().sqrt()) < 1e-5 * scale


@pytest.mark.fits
def test_a_fit_that_is_stopped_while_it_lands_goes_on_to_the_same_file(tmp_path: Path) -> None:
    picture = save(tmp_path / "cat.png", CAT)
    whole = compress(picture, most_bytes=2500, effort=1)
    checkpoint = Checkpointer(tmp_path / "cat.ckpt")
    after: list[Step] = []

    def stop(step: Step) -> None:
        if step.position >= 1:
            after.append(step)
        if len(after) == 9:
            checkpoint.write(step.state)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compress(picture, most_bytes=2500, effort=1, callbacks=[stop], checkpoint=checkpoint)
    resumed = compress(picture, most_bytes=2500, effort=1, checkpoint=Checkpointer(checkpoint.path, resume=True))
    assert resumed.data == whole.data


@pytest.mark.fits
def test_seeds_differ_in_noise_alone(tmp_path: Path) -> None:
    picture = save(tmp_path / "cat.png", CAT)
    made = [compress(picture, most_bytes=1500, effort=1, seed=seed) for seed in (0, 1)]
    assert made[0].data != made[1].data
    assert made[0].psnr_db == pytest.approx(made[1].psnr_db, abs=0.5)


@pytest.mark.fits
def test_a_picture_of_black_and_white_reaches_a_high_quality(tmp_path: Path) -> None:
    pixels = np.kron(np.eye(4, dtype=np.uint8) * 255, np.ones((8, 8), np.uint8))
    assert compress(save(tmp_path / "squares.png", pixels), psnr_db=50.0, effort=1).psnr_db >= 49.8


@pytest.mark.fits
def test_what_no_grid_fits_into_is_a_sine_network(tmp_path: Path) -> None:
    made = compress(save(tmp_path / "cat.png", CAT), most_bytes=180, effort=1)
    assert made.num_bytes <= 180
    assert made.record.latents is None


@pytest.mark.fits
def test_grids_by_name_are_those_that_are_coded(tmp_path: Path) -> None:
    picture = save(tmp_path / "cat.png", CAT)
    made = [compress(picture, most_bytes=900, effort=1, network=network) for network in (None, lg.LatentGrid())]
    assert made[0].data == made[1].data
    assert made[0].record.latents is not None


@pytest.mark.fits
def test_more_bytes_than_the_steps_can_use_stay_empty(tmp_path: Path) -> None:
    picture = save(tmp_path / "cat.png", CAT)
    made = [compress(picture, most_bytes=num_bytes, effort=1) for num_bytes in (6000, 30_000)]
    assert made[1].num_bytes < 20_000
    assert made[1].psnr_db > made[0].psnr_db - 0.3
