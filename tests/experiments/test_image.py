"""The reference experiment at full size, against a plain loop written here."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from ligeia import experiments


class PlainLayer(nn.Module):
    """One layer of the reference, with nothing of ligeia's."""

    def __init__(self, fan_in: int, fan_out: int, half_width: float) -> None:
        super().__init__()
        self.linear = nn.Linear(fan_in, fan_out)
        nn.init.uniform_(self.linear.weight, -half_width, half_width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sin(30 * self.linear(x))


def plain_loop(picture: np.ndarray, num_steps: int) -> float:
    """Return the PSNR of the reference notebook's loop: full batch, Adam at 1e-4, corner-aligned coordinates."""
    torch.manual_seed(0)
    bound = math.sqrt(6 / 256) / 30
    output = nn.Linear(256, 1)
    nn.init.uniform_(output.weight, -bound, bound)
    network = nn.Sequential(PlainLayer(2, 256, 1 / 2), *[PlainLayer(256, 256, bound) for _ in range(3)], output)
    axes = [torch.linspace(-1, 1, size) for size in picture.shape]
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, 2)
    values = torch.from_numpy(picture.astype(np.float32) / 255).reshape(-1, 1) * 2 - 1
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    for _ in range(num_steps):
        optimizer.zero_grad()
        ((network(points) - values) ** 2).mean().backward()
        optimizer.step()
    with torch.no_grad():
        error = float(((network(points).clamp(-1, 1) - values) ** 2).mean()) / 4
    return -10 * math.log10(error)


@pytest.mark.slow
def test_paper_image_comes_within_half_a_decibel_of_a_plain_loop(tmp_path: Path) -> None:
    expected = plain_loop(experiments.camera(size=256, align="corners").values[..., 0], 500)
    found = experiments.paper_image(tmp_path / "image.png")
    assert found.measured == pytest.approx(expected, abs=0.5)
    assert expected == pytest.approx(35.5, abs=0.5)  # what earlier runs of this loop gave


def test_paper_image_draws_its_figure_and_says_what_it_is_held_against(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = experiments.camera
    monkeypatch.setattr(
        "ligeia.experiments._image.camera", lambda *, size, align: original(size=size // 16, align=align)
    )
    found = experiments.paper_image(tmp_path / "image.png")
    with Image.open(tmp_path / "image.png") as figure:
        assert min(figure.size) > 300
    assert found.holds == (abs(found.measured - 36.8) <= 2)
    assert found.to_plain()["paper"] == 36.8
    assert not found.is_certain


def test_every_experiment_has_a_row() -> None:
    assert list(experiments.EXPERIMENTS) == list(experiments.NAMES)
    assert {*experiments.RECORDED, *experiments.EVALUATED} <= set(experiments.NAMES)
