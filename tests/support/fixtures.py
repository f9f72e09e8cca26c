"""Fixtures of the tests that fit: a small signal, a small field, a folder with a picture and a fit of it."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ligeia import kernels
from ligeia.cli import run
from ligeia.core import random_stream
from ligeia.field import Field
from ligeia.networks import NetworkConfig, SirenArchitecture
from ligeia.signals import Signal, from_array

Json = Callable[..., dict[str, Any]]
kernels.use(os.environ.get("LIGEIA_KERNEL", "auto"))  # so that the whole suite can be run on any of them
torch.set_num_threads(1)  # of tests that run beside each other, on networks that gain nothing by more


@pytest.fixture
def signal() -> Signal:
    row, column = np.mgrid[:12, :10] / 12
    return from_array((127 + 100 * np.sin(5 * row) * np.cos(4 * column)).astype(np.uint8))


@pytest.fixture
def build() -> Callable[..., Field]:
    def _build(signal: Signal, *, seed: int = 0, width: int = 16) -> Field:
        config = NetworkConfig(
            SirenArchitecture(hidden_features=width, hidden_layers=1), signal.grid.num_axes, signal.num_channels
        )
        network = config.build(generator=random_stream(seed, "initial weights"))
        return Field(network, signal.grid, signal.channels, signal.source)

    return _build


@pytest.fixture(scope="session")
def made_field(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder, not to be written to, with a picture and the file of a field fitted to it for a moment."""
    folder = tmp_path_factory.mktemp("field")
    write_photo(folder)
    words = ["fit", str(folder / "photo.png"), "-o", str(folder / "photo.lig")]
    assert run([*words, "--passes", "3", "--hidden-features", "8", "--quiet"]) == 0
    return folder


def write_photo(folder: Path) -> None:
    """Write a small picture in color."""
    row, column = np.mgrid[:12, :16] * 8
    Image.fromarray(np.stack([row, column, row + column], axis=-1).astype(np.uint8)).save(folder / "photo.png")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder of a test, with a picture in it."""
    monkeypatch.chdir(tmp_path)
    write_photo(tmp_path)
    return tmp_path


@pytest.fixture
def json_of(capsys: pytest.CaptureFixture[str]) -> Json:
    """Return what a command prints as its one JSON object."""

    def _json_of(*arguments: object) -> dict[str, Any]:
        status = run([*map(str, arguments), "--json"])
        captured = capsys.readouterr()
        assert status == 0, captured.err
        assert captured.out.count("\n") == 1
        return json.loads(captured.out)

    return _json_of


@pytest.fixture
def field(folder: Path, made_field: Path) -> Path:
    """Return the file of a field that is fitted to the picture for a moment, in the working folder of a test."""
    shutil.copyfile(made_field / "photo.lig", folder / "photo.lig")
    return folder / "photo.lig"


@pytest.fixture
def single_precision() -> Iterator[None]:
    """Choose a kernel that takes its products in float32."""
    before = kernels.current_path()
    kernels.use(before.removesuffix("-bf16"))
    yield
    kernels.use(before)


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Give torch two threads, whatever the run gave it."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)
