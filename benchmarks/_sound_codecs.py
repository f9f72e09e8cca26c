"""What FLAC, MP3, AAC and Opus make of a mono sound: bytes of the file, signal-to-noise ratio, seconds."""

import io
import time
from dataclasses import dataclass
from typing import Any, Final

import av
import numpy as np
import soundfile
from scipy.signal import correlate, resample

_PADDING: Final = 4800  # samples of silence around a sound while it is resampled, so that its ends do not meet


@dataclass(frozen=True, kw_only=True)
class SoundCodec:
    """One lossy encoder in FFmpeg."""

    name: str
    encoder: str
    container: str
    sample_rate: int | None = None
    """Of the coder, if it is not free to take the sound's own."""


LOSSY = (
    SoundCodec(name="Opus", encoder="libopus", container="ogg", sample_rate=48_000),
    SoundCodec(name="MP3 (LAME)", encoder="libmp3lame", container="mp3"),
    SoundCodec(name="AAC (FFmpeg's)", encoder="aac", container="adts"),
)


def snr(found: np.ndarray, truth: np.ndarray) -> float:
    """Return the signal-to-noise ratio in decibels."""
    return float(10 * np.log10(np.mean(truth**2) / np.mean((found - truth) ** 2)))


def resampled(samples: np.ndarray, sample_rate: int, new_rate: int) -> np.ndarray:
    """Return a sound at another rate, by Fourier's series of the sound between two silences."""
    if sample_rate == new_rate:
        return samples
    unit = sample_rate // np.gcd(sample_rate, new_rate)  # samples whose number at the other rate is whole
    after = _PADDING + -(len(samples) + 2 * _PADDING) % unit
    before = -(-_PADDING // unit) * unit
    after += -(before - _PADDING) % unit
    padded = np.pad(samples, (before, after))
    found: Any = resample(padded, len(padded) * new_rate // sample_rate)
    start = before * new_rate // sample_rate
    return found[start : start + -(-len(samples) * new_rate // sample_rate)]


def aligned(found: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, int]:
    """Return a sound without the delay at which it agrees best with the truth, as long as that; and the delay."""
    delay = int(np.argmax(correlate(found, truth))) - (len(truth) - 1)
    shifted = found[delay:] if delay >= 0 else np.pad(found, (-delay, 0))
    shifted = shifted[: len(truth)]
    return np.pad(shifted, (0, len(truth) - len(shifted))), delay


def _written(samples: np.ndarray, sample_rate: int, codec: SoundCodec, bits_per_second: int) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=codec.container) as container:
        stream: Any = container.add_stream(codec.encoder, rate=sample_rate, layout="mono")
        stream.bit_rate = bits_per_second
        frame = av.AudioFrame.from_ndarray(samples.astype(np.float32)[None], format="fltp", layout="mono")
        frame.sample_rate = sample_rate
        # the encoder wants its own format of samples and whole frames
        resampler = av.AudioResampler(stream.format.name, "mono", sample_rate, frame_size=stream.frame_size or 1024)
        for piece in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(piece))
    return file.getvalue()


def _read(file: bytes) -> np.ndarray:
    with av.open(io.BytesIO(file), "r") as container:
        frames = list(container.decode(audio=0))
    to_float = av.AudioResampler("fltp", "mono", frames[0].sample_rate)
    return np.concatenate([piece.to_ndarray()[0] for frame in frames for piece in to_float.resample(frame)])


def _row(name: str, file: bytes, samples: np.ndarray, sample_rate: int) -> dict[str, object]:
    num_seconds = len(samples) / sample_rate
    return {
        "codec": name,
        "bytes": len(file),
        "bits_per_sample": 8 * len(file) / len(samples),
        "kbit_per_second": 8 * len(file) / num_seconds / 1000,
    }


def lossy(codec: SoundCodec, samples: np.ndarray, sample_rate: int, bits_per_second: int) -> dict[str, object]:
    """Return what one lossy codec makes of a sound, its delay taken out before it is compared."""
    coded_rate = codec.sample_rate or sample_rate
    given = resampled(samples, sample_rate, coded_rate)
    began = time.perf_counter()
    file = _written(given, coded_rate, codec, bits_per_second)
    seconds = time.perf_counter() - began
    found, delay = aligned(_read(file).astype(np.float64), given)
    back = resampled(found, coded_rate, sample_rate)[: len(samples)]
    # without the codec, so that nobody takes the resampler's error for the codec's
    resampled_only = resampled(given, coded_rate, sample_rate)[: len(samples)]
    return {
        **_row(codec.name, file, samples, sample_rate),
        "setting": bits_per_second,
        "snr_db": snr(back, samples),
        "snr_db_of_resampling": None if coded_rate == sample_rate else snr(resampled_only, samples),
        "delay": delay,
        "encode_seconds": seconds,
        "encoder": f"PyAV {av.__version__}, {codec.encoder}",
    }


def flac(samples: np.ndarray, sample_rate: int, subtype: str) -> dict[str, object]:
    """Return what FLAC makes of a sound, which it keeps in 16 or 24 bits."""
    file = io.BytesIO()
    began = time.perf_counter()
    soundfile.write(file, samples, sample_rate, format="FLAC", subtype=subtype)
    seconds = time.perf_counter() - began
    file.seek(0)
    found, _ = soundfile.read(file)
    return {
        **_row(f"FLAC, {subtype.removeprefix('PCM_')} bit", file.getvalue(), samples, sample_rate),
        "snr_db": snr(found, samples),
        "encode_seconds": seconds,
        "encoder": f"soundfile {soundfile.__version__}, {soundfile.__libsndfile_version__}",
    }
