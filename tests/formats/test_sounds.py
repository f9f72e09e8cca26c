import math
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ligeia.core import FormatError, InputError, MissingExtraError, SampleError, random_stream
from ligeia.formats import read_signal, read_sound, write_sound
from ligeia.signals import Signal, SoundSource

RATE = 16000
LOSSLESS = [
    ("WAV", ".wav", "PCM_U8", 8),
    ("WAV", ".wav", "PCM_16", 16),
    ("WAV", ".wav", "PCM_24", 24),
    ("WAV", ".wav", "FLOAT", 24),
    ("WAVEX", ".wav", "PCM_16", 16),
    ("RF64", ".wav", "PCM_16", 16),
    ("FLAC", ".flac", "PCM_S8", 8),
    ("FLAC", ".flac", "PCM_16", 16),
    ("FLAC", ".flac", "PCM_24", 24),
    ("AIFF", ".aiff", "PCM_24", 24),
    ("CAF", ".caf", "PCM_16", 16),
    ("AU", ".au", "PCM_16", 16),
    ("W64", ".w64", "PCM_16", 16),
]
LOSSY = [("OGG", ".ogg", "VORBIS"), ("OGG", ".opus", "OPUS"), ("MP3", ".mp3", "MPEG_LAYER_III")]


def samples(size: int, count: int, *, bits: int = 16) -> np.ndarray:
    """Return samples that so many bits hold exactly, none at full scale."""
    generator = np.random.default_rng(random_stream(0, f"{size} {count}").initial_seed())
    whole = generator.integers(-(2 ** (bits - 1)) + 1, 2 ** (bits - 1), (size, count))
    return (whole / 2 ** (bits - 1)).astype(np.float32)


def tone(size: int, count: int) -> np.ndarray:
    return 0.5 * np.sin(np.arange(size * count).reshape(size, count) / 20).astype(np.float32)


@pytest.mark.parametrize("count", [1, 2, 8])
@pytest.mark.parametrize(("kind", "suffix", "subtype", "bits"), LOSSLESS)
def test_samples_rate_and_kind_survive_reading_and_writing(
    kind: str, suffix: str, subtype: str, bits: int, count: int, tmp_path: Path
) -> None:
    path, again = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    wanted = samples(999, count, bits=bits)
    soundfile.write(path, wanted, RATE, format=kind, subtype=subtype)
    signal = read_signal(path)
    source = SoundSource(format=kind, subtype=subtype, sample_rate=RATE)
    assert signal.source == source
    assert np.array_equal(signal.values, wanted)
    (axis,) = signal.grid.axes
    assert (axis.name, axis.size, axis.extent, axis.unit) == ("time", 999, (0.0, 999 / RATE), "s")
    assert {channel.high for channel in signal.channels} == {float(np.abs(wanted).max())}
    halves = [(0, 500, wanted[:500]), (500, 999, wanted[500:])]
    write_sound(again, RATE, halves, signal.channels, source)
    assert soundfile.info(again).format == soundfile.info(path).format
    assert np.array_equal(read_sound(again).values, wanted)
    assert read_sound(again).source == source


@pytest.mark.parametrize(("kind", "suffix", "subtype"), LOSSY)
def test_lossy_sounds_are_read_and_written(kind: str, suffix: str, subtype: str, tmp_path: Path) -> None:
    path, again = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    wanted = tone(48000, 1)
    soundfile.write(path, wanted, 48000, format=kind, subtype=subtype)
    signal = read_signal(path)
    assert signal.source == SoundSource(format=kind, subtype=subtype, sample_rate=48000)
    assert len(signal.values) == pytest.approx(48000, abs=2400)
    assert np.abs(signal.values[:40000] - wanted[:40000]).max() < 0.15
    assert isinstance(signal.source, SoundSource)
    write_sound(again, 48000, [(0, 48000, wanted)], signal.channels, signal.source)
    assert read_sound(again).source == signal.source


def test_a_subtype_that_the_format_lacks_becomes_a_fine_one(tmp_path: Path) -> None:
    fine = SoundSource(format="WAV", subtype="FLOAT", sample_rate=RATE)
    coarse = SoundSource(format="WAV", subtype="PCM_U8", sample_rate=RATE)
    channels = read_tone(tmp_path).channels
    for source, subtype in ((fine, "PCM_24"), (coarse, "PCM_16")):
        write_sound(tmp_path / "b.flac", RATE, [(0, 9, tone(9, 1))], channels, source)
        assert soundfile.info(tmp_path / "b.flac").subtype == subtype


def read_tone(folder: Path, size: int = 9) -> Signal:
    soundfile.write(folder / "tone.wav", tone(size, 1), RATE, subtype="FLOAT")
    return read_sound(folder / "tone.wav")


def test_samples_beyond_full_scale_are_clipped_where_integers_are_stored(tmp_path: Path) -> None:
    source = SoundSource(format="WAV", subtype="PCM_16", sample_rate=RATE)
    loud = np.array([[2.0], [-2.0], [0.0]], np.float32)
    with pytest.warns(UserWarning, match=r"a.wav: samples up to 2 times full scale were clipped"):
        write_sound(tmp_path / "a.wav", RATE, [(0, 3, loud)], read_tone(tmp_path).channels, source)
    assert read_sound(tmp_path / "a.wav").values.ravel() == pytest.approx([1.0, -1.0, 0.0], abs=1e-4)


def test_silence_and_a_single_sample_have_a_range(tmp_path: Path) -> None:
    for name, values in (("silence", np.zeros(50)), ("single", np.zeros(1)), ("constant", np.full(20, 0.25))):
        soundfile.write(tmp_path / f"{name}.wav", values, RATE)
        signal = read_signal(tmp_path / f"{name}.wav")
        peak = float(np.abs(values).max()) or 1.0
        assert (signal.channels[0].low, signal.channels[0].high) == (-peak, peak)
        assert math.isinf(signal.snr_offset_db()) == (name != "constant")
        assert read_signal(tmp_path / f"{name}.wav", align="corners").grid.shape == (len(values),)


def test_corners_lie_on_the_first_and_the_last_sample(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(17), RATE)
    assert read_sound(tmp_path / "a.wav", align="corners").grid.axes[0].extent == (0.0, 16 / RATE)


@pytest.mark.parametrize(("kind", "suffix"), [("WAV", ".wav"), ("FLAC", ".flac"), ("AIFF", ".aiff"), ("OGG", ".ogg")])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_sound_that_is_cut_short_is_refused(kind: str, suffix: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, samples(100_000, 1), RATE, format=kind)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(FormatError, match=rf"a{suffix}: (the sound is cut short|not a readable sound)"):
        read_signal(path)


def test_an_mp3_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    soundfile.write(path, tone(100_000, 1), RATE)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(FormatError, match=r"a.mp3: the sound is cut short"):
        read_signal(path)


def test_what_is_no_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound at all, though it is called one")
    with pytest.raises(FormatError, match=r"text.wav: not a readable sound"):
        read_signal(tmp_path / "text.wav")
    soundfile.write(tmp_path / "none.wav", np.zeros(0), RATE)
    with pytest.raises(FormatError, match=r"none.wav: expected a sound with at least one sample"):
        read_signal(tmp_path / "none.wav")
    soundfile.write(tmp_path / "nan.wav", np.array([0.0, math.nan, 1.0]), RATE, subtype="FLOAT")
    with pytest.raises(SampleError, match=r"nan.wav: .* 1 of 3 are NaN or infinite"):
        read_signal(tmp_path / "nan.wav")


def test_what_no_sound_file_can_hold_is_refused(tmp_path: Path) -> None:
    signal = read_tone(tmp_path)
    source = SoundSource(format="WAV", subtype="FLOAT", sample_rate=RATE)
    with pytest.raises(InputError, match=r"a.png: a sound ends in .wav, .flac"):
        write_sound(tmp_path / "a.png", RATE, [], signal.channels, source)
    with pytest.raises(InputError, match=r"a.mp3: MP3 in MPEG_LAYER_III does not hold 1 channels at 1234 Hz"):
        write_sound(tmp_path / "a.mp3", 1234, [(0, 9, tone(9, 1))], signal.channels, source)
    with pytest.raises(InputError, match=r"a.wav: a sound has 1 to 1024 channels at 1 to"):
        write_sound(tmp_path / "a.wav", 0, [], signal.channels, source)
    assert [each.name for each in tmp_path.iterdir()] == ["tone.wav"]


def test_without_soundfile_the_line_to_type_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(5), RATE)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(MissingExtraError, match=r"sound needs the package soundfile.* pip install 'ligeia\[audio\]'"):
        read_signal(tmp_path / "a.wav")


def test_the_offset_is_what_psnr_exceeds_snr_by(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", samples(3000, 2), RATE)
    signal = read_sound(tmp_path / "a.wav")
    values = signal.values.astype(np.float64)
    error = np.random.default_rng(1).normal(0, 0.01, values.shape)
    reach = signal.channels[0].high - signal.channels[0].low
    psnr = 10 * math.log10(reach**2 / np.mean(error**2))
    snr = 10 * math.log10(np.mean(values**2) / np.mean(error**2))
    assert signal.snr_offset_db() == pytest.approx(psnr - snr, abs=1e-6)
