"""Sounds from file to field and back: the measure is SNR, more samples are a higher rate."""

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ligeia.core import InputError
from ligeia.field import load, save
from ligeia.files import compare, decode, render
from ligeia.fitting import passes, snr
from ligeia.formats import read_sound
from ligeia.recipes import fit, paper
from ligeia.signals import SoundSource

RATE, SIZE = 8000, 4000


@pytest.fixture
def chord(tmp_path: Path) -> Path:
    time = np.arange(SIZE) / RATE
    left = 0.4 * np.sin(2 * np.pi * 220 * time) + 0.2 * np.sin(2 * np.pi * 550 * time)
    path = tmp_path / "chord.flac"
    soundfile.write(path, np.stack([left, 0.5 * left[::-1]], axis=1), RATE, subtype="PCM_24")
    return path


def test_a_sound_is_fitted_to_an_snr_and_comes_back_as_it_was(chord: Path, tmp_path: Path) -> None:
    field = fit(chord, stop=snr(30), hidden_features=64, hidden_layers=2)
    report = field.report
    assert report is not None
    assert report.stopped_by == "snr"
    assert report.snr_db is not None
    assert report.snr_db >= 30
    save(field, tmp_path / "chord.lig")
    again = load(tmp_path / "chord.lig")
    assert again.source == SoundSource(format="FLAC", subtype="PCM_24", sample_rate=RATE)
    assert decode(again, tmp_path / "again.flac") == (SIZE,)
    info = soundfile.info(tmp_path / "again.flac")
    assert (info.samplerate, info.channels, info.subtype, info.frames) == (RATE, 2, "PCM_24", SIZE)
    found = compare(chord, tmp_path / "again.flac")
    assert found.snr_db == pytest.approx(report.snr_db, abs=0.01)
    assert found.ssim is None
    # by hand, from the two files
    wanted, got = read_sound(chord).values.astype(np.float64), read_sound(tmp_path / "again.flac").values
    assert found.snr_db == pytest.approx(10 * math.log10(np.mean(wanted**2) / np.mean((wanted - got) ** 2)), abs=0.01)
    assert compare(chord, tmp_path / "chord.lig").snr_db == pytest.approx(report.snr_db, abs=0.01)


def test_twice_the_samples_are_twice_the_rate(chord: Path, tmp_path: Path) -> None:
    field = fit(chord, stop=snr(25), hidden_features=64, hidden_layers=2)
    assert render(field, tmp_path / "large.wav", scale=2) == (2 * SIZE,)
    assert render(field, tmp_path / "part.wav", shape=[900], region=[(1000, 2000)]) == (900,)
    large, part = soundfile.info(tmp_path / "large.wav"), soundfile.info(tmp_path / "part.wav")
    assert (large.samplerate, large.frames, large.duration) == (2 * RATE, 2 * SIZE, SIZE / RATE)
    assert (part.samplerate, part.frames, part.duration) == (7200, 900, 1000 / RATE)
    # between the samples as well: the tone itself, whose samples in the middle of cells are half a new one late
    time = (2 * np.arange(2 * SIZE) + 1) / (4 * RATE) - 0.5 / RATE
    left = 0.4 * np.sin(2 * np.pi * 220 * time) + 0.2 * np.sin(2 * np.pi * 550 * time)
    assert 10 * np.log10(np.mean(left**2) / np.mean((left - read_sound(tmp_path / "large.wav").values[:, 0]) ** 2)) > 20


def test_what_is_no_sound_is_refused_as_output(chord: Path, tmp_path: Path) -> None:
    field = fit(chord, stop=passes(1), hidden_features=8)
    with pytest.raises(InputError, match=r"a.png: a sound ends in .wav"):
        render(field, tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a.wav: the gradient of a sound is no sound; write it to an .npy file"):
        render(field, tmp_path / "a.wav", quantity="gradient")
    assert render(field, tmp_path / "a.npy", quantity="gradient") == (SIZE,)
    assert decode(field, tmp_path / "b.npy") == (SIZE,)
    assert np.load(tmp_path / "b.npy").shape == (SIZE, 2)


def test_silence_has_no_snr(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(100), RATE)
    with pytest.raises(InputError, match="expected a signal that is not silent for an SNR, every sample is 0"):
        fit(tmp_path / "silence.wav", stop=snr(30))
    report = fit(tmp_path / "silence.wav", stop=passes(3), hidden_features=8).report
    assert report is not None
    assert report.snr_db is None
    assert compare(tmp_path / "silence.wav", tmp_path / "silence.wav").snr_db is None


def test_the_recipe_of_the_paper_has_coordinates_up_to_a_hundred(chord: Path) -> None:
    (found,) = paper().first_frequencies(read_sound(chord, align="corners"), 30.0)
    assert found.omega == 3000.0
