"""`compress`: sizes are kept, qualities are met, and what is reported is what the file gives."""

import math
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from ligeia import codec, files
from ligeia.codec import QuantizedTensor
from ligeia.compression import _compress, _weights as _coded_weights, compress
from ligeia.compression._sizes import smallest_bytes
from ligeia.core import InputError
from ligeia.field import from_record, load
from ligeia.fitting import Checkpointer, Step, Values
from ligeia.signals import Signal, from_array

CAMERA = skimage.data.camera()[::16, ::16]
COLORS = skimage.data.astronaut()[40:104:3, 200:280:2]
TONE = (np.sin(np.arange(900) ** 1.3 / 40) * 12_000).astype(np.int16)
BALL = np.linalg.norm(np.indices((9, 10, 11)) - 5.0, axis=0).astype(np.float32)


USUAL_LEAST_STEPS = _compress._LEAST_STEPS


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits of three hundred steps, whose bytes are measured twice: these tests are of sizes and files."""
    monkeypatch.setattr(_coded_weights, "_MEASUREMENTS", 2)
    monkeypatch.setattr(_coded_weights, "_LATE_MEASUREMENTS", 2)
    monkeypatch.setattr(_compress, "_LEAST_STEPS", 300)
    monkeypatch.setitem(_compress._PASSES, 1, 1)


SIZES = {  # of each kind of signal: the smallest file, one a little larger, and one of more than twice as many bytes
    "picture": (CAMERA, (1, 0), (2, 101)),
    "colors": (COLORS, (1, 60)),
    "tone": (TONE, (2, 101)),
    "volume": (BALL, (1, 60)),
    "few": (CAMERA[:5, :7], (1, 60)),
    "one": (CAMERA[:1, :1], (1, 0), (1, 60), (2, 101)),
}


@pytest.mark.fits
@pytest.mark.parametrize("name", SIZES)
def test_a_size_is_never_exceeded(name: str) -> None:
    values, *sizes = SIZES[name]
    signal = from_array(values)
    for factor, more in sizes:
        num_bytes = factor * smallest_bytes(signal) + more
        made = compress(signal, most_bytes=num_bytes, effort=1)
        assert made.num_bytes == len(made.data) <= num_bytes
        assert made.bits_per_sample == 8 * made.num_bytes / signal.grid.num_samples
        field = from_record(codec.decode(made.data))
        assert Values(signal).quality(field).psnr_db == made.psnr_db


@pytest.mark.slow
def test_more_bytes_and_more_effort_are_better(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compress, "_LEAST_STEPS", USUAL_LEAST_STEPS)
    signal = from_array(COLORS, channels=True)
    monkeypatch.setattr(_coded_weights, "_MEASUREMENTS", 10)
    small, large, long = (
        compress(signal, most_bytes=each, effort=effort).psnr_db for each, effort in ((350, 1), (700, 1), (700, 6))
    )
    assert small < large < long


@pytest.mark.no_cover
def test_bits_per_pixel_are_those_of_the_file(tmp_path: Path) -> None:
    made = compress(CAMERA[::2, ::2], tmp_path / "camera.lig", bits_per_pixel=7.0, effort=1)
    size = (tmp_path / "camera.lig").stat().st_size
    assert 150 < size <= 224
    assert size == made.num_bytes
    assert all(isinstance(each, QuantizedTensor) for each in made.record.tensors)
    assert files.decode(load(tmp_path / "camera.lig"), tmp_path / "camera.npy") == (16, 16)


@pytest.mark.slow
@pytest.mark.parametrize("psnr_db", [16.0, 20.0])
def test_a_quality_is_missed_by_a_fifth_of_a_decibel_at_most(psnr_db: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compress, "_LEAST_STEPS", USUAL_LEAST_STEPS)
    made = compress(CAMERA, psnr_db=psnr_db, effort=5)
    assert psnr_db - 0.2 <= made.psnr_db < psnr_db + 2


@pytest.mark.slow
def test_a_sound_is_measured_by_its_snr(tmp_path: Path) -> None:
    import soundfile

    soundfile.write(tmp_path / "tone.wav", TONE, 8000)
    made = compress(tmp_path / "tone.wav", snr_db=3.0, effort=6)
    assert made.report.snr_db is not None
    assert made.report.snr_db >= 2.8


class Stopped(Exception):
    pass


@pytest.mark.fits
def test_a_stopped_run_goes_on_to_the_same_bytes_and_another_seed_to_others(tmp_path: Path) -> None:
    whole = compress(CAMERA, most_bytes=400, effort=1)
    assert compress(CAMERA, most_bytes=400, effort=1, seed=1).data != whole.data
    path = tmp_path / "camera.checkpoint"

    def stop(step: Step) -> None:
        if step.state.progress.steps == 60:
            first.write(step.state)
            raise Stopped

    first = Checkpointer(path, every_s=math.inf)
    with pytest.raises(Stopped):
        compress(CAMERA, most_bytes=400, effort=1, callbacks=[stop], checkpoint=first)
    steps: list[int] = []
    resumed = compress(
        CAMERA,
        most_bytes=400,
        effort=1,
        callbacks=[lambda step: steps.append(step.state.progress.steps)],
        checkpoint=Checkpointer(path, resume=True),
    )
    assert steps[0] == 61
    assert resumed.data == whole.data


def test_a_fit_that_led_nowhere_gives_a_constant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compress, "_LEAST_STEPS", 2)
    monkeypatch.setitem(_compress._PASSES, 1, 0.1)
    made = compress(CAMERA, most_bytes=400, effort=1)
    assert made.report.learned_nothing
    assert made.psnr_db == pytest.approx(Values(from_array(CAMERA)).constant_db, abs=1e-3)
    assert made.num_bytes < smallest_bytes(from_array(CAMERA)) + 20


@pytest.mark.fits
def test_a_sound_of_high_frequencies_is_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import soundfile

    monkeypatch.setattr(_compress, "_LEAST_STEPS", 1200)
    time = np.arange(8000) / 16_000
    soundfile.write(tmp_path / "a.wav", 0.2 * np.sin(9000 * time) * np.exp(-((8 * time - 2) ** 2)), 16_000)
    assert (compress(tmp_path / "a.wav", bits_per_sample=1.0, effort=1).report.snr_db or 0) > 10


CONSTANTS = [
    np.full((20, 30), 7, np.uint8),
    np.full((20, 30, 3), (200, 3, 77), np.uint8),
    np.full((9, 10, 11), 40_001, np.uint16),
    np.full((20, 30, 3), 0.25, np.float32),
]


@pytest.mark.parametrize("values", CONSTANTS, ids=["gray", "colors", "volume", "floats"])
def test_a_constant_signal_is_its_constant(values: np.ndarray, tmp_path: Path) -> None:
    made = compress(values, tmp_path / "a.lig", most_bytes=300)
    assert made.report.stopped_by == "exact"
    assert made.num_bytes < smallest_bytes(from_array(values)) + 20
    files.decode(load(tmp_path / "a.lig"), tmp_path / "a.npy")
    np.testing.assert_allclose(np.load(tmp_path / "a.npy"), values, rtol=1e-6)
    least = smallest_bytes(from_array(values))
    assert compress(values, most_bytes=least).num_bytes == least


@pytest.mark.fits
@pytest.mark.parametrize("values", [CAMERA, COLORS[::2], CAMERA[:1, :1], TONE[::2]])
def test_a_lossless_file_gives_back_the_samples(values: np.ndarray, tmp_path: Path) -> None:
    made = compress(values, tmp_path / "a.lig", lossless=True, effort=1)
    assert made.psnr_db == math.inf
    files.decode(load(tmp_path / "a.lig"), tmp_path / "a.npy", exact=codec.read_record(tmp_path / "a.lig"))
    again = np.load(tmp_path / "a.npy")
    assert again.dtype == values.dtype
    assert np.array_equal(again, values)


def test_lossless_files_are_of_integers() -> None:
    with pytest.raises(InputError, match="expected integer samples for a lossless file, got float32"):
        compress(BALL, lossless=True)


REFUSED = [
    ({}, "expected one size or one quality .* got 0"),
    ({"most_bytes": 900, "psnr_db": 30.0}, "expected one size or one quality .* got 2"),
    ({"bits_per_pixel": 0.3, "bits_per_sample": 0.3}, "got 2"),
    ({"most_bytes": 10}, r"expected at least \d+ bytes, the smallest file of this signal .*, got 10\."),
    ({"bits_per_pixel": 1e-6}, r"expected at least \d+ bytes, the smallest file of this signal .*, got 0\."),
    ({"bits_per_pixel": math.nan}, "expected a finite size or quality above 0, got nan"),
    ({"most_bytes": -5}, "expected a finite size or quality above 0, got -5"),
    ({"psnr_db": 500.0}, "500 dB take about as many numbers as there are samples, 1,024"),
    ({"most_bytes": 900, "effort": 0}, "expected an effort of 1 to 9, got 0"),
    ({"lossless": True, "most_bytes": 900}, "expected no size or quality for a lossless file"),
    ({"most_bytes": 900, "output": "photo.png"}, "a field is written as .lig"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_what_cannot_be_is_refused(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        compress(CAMERA, options.pop("output", None), **options)
    assert isinstance(from_array(CAMERA), Signal)
