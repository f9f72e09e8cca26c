"""Sounds to signals and back: WAV, FLAC, OGG, MP3 and others that libsndfile supports (package soundfile)."""

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ligeia.core import (
    FormatError,
    InputError,
    OutputError,
    check_readable,
    check_writable,
    errors_name,
    optional,
    write_atomically,
)
from ligeia.signals import Alignment, Axis, Channel, Grid, Signal, SoundSource, steps_between_ends

from ._opened import Opened, Reading
from ._output import Output

_FRAMES = 1 << 20  # read at a time: headers may promise any number
_MOST_CHANNELS = 1024  # what libsndfile takes
_FULL_SCALE = 1.01  # beyond it clipping is heard
_OGG_TAIL = 1 << 16  # bytes: pages are shorter
_LAST_PAGE = 4  # flag of the last page of an OGG stream

_FORMATS = {
    ".wav": "WAV",
    ".flac": "FLAC",
    ".ogg": "OGG",
    ".oga": "OGG",
    ".opus": "OGG",
    ".mp3": "MP3",
    ".aiff": "AIFF",
    ".aif": "AIFF",
    ".caf": "CAF",
    ".au": "AU",
    ".w64": "W64",
}
_OF_ONE_SUFFIX = {"WAVEX": "WAV", "RF64": "WAV"}  # other containers that end in .wav


class _Kind(NamedTuple):
    format: str
    subtype: str


def is_sound(opened: Opened) -> bool:
    """Return whether a file is a sound, by its first 16 bytes; MP3 without a tag by its ending as well."""
    head = opened.head
    if head[:4] in (b"RIFF", b"RIFX", b"RF64"):
        return head[8:12] == b"WAVE"
    if head[:4] == b"FORM":
        return head[8:12] in (b"AIFF", b"AIFC")
    if head[:4] in (b"fLaC", b"OggS", b"caff", b".snd", b"riff") or head[:3] == b"ID3":
        return True
    return opened.suffix in _FORMATS  # cut or of another kind: the reader says so


def read_sound(path: Path, *, align: Alignment = "centers") -> Signal:
    """Read a sound: samples in [-1, 1] for full scale, one channel per voice, along an axis of seconds.

    The channels share one range, that of the loudest sample in any of them. Raises `FormatError` for a file that is
    cut short or no sound, `MissingExtraError` without the package soundfile.
    """
    check_readable(path)
    with Opened(path) as opened:
        return sound_of(opened, Reading(align=align))


def sound_of(opened: Opened, asked: Reading) -> Signal:
    """Return the signal of a sound file, as `read_sound` does."""
    path, soundfile = opened.path, _soundfile()
    try:
        with soundfile.SoundFile(path) as file:
            source = SoundSource(format=file.format, subtype=file.subtype, sample_rate=int(file.samplerate))
            promised = int(file.frames)
            blocks = []
            while len(block := file.read(_FRAMES, dtype="float32", always_2d=True)):
                blocks.append(block)
    except soundfile.LibsndfileError as error:
        raise FormatError(f"{path}: not a readable sound ({_reason(error)}); convert it to WAV or FLAC.") from error
    values = np.concatenate(blocks) if blocks else np.zeros((0, 1), np.float32)
    if len(values) == 0:
        raise FormatError(f"{path}: expected a sound with at least one sample, this one has none.")
    if len(values) < promised < 2**62 or _is_cut(opened):
        raise FormatError(f"{path}: the sound is cut short; get the whole file.")
    with errors_name(path):
        return sound_signal(values, source, align=asked.align)


def sound_signal(values: Float[np.ndarray, "n c"], source: SoundSource, *, align: Alignment = "centers") -> Signal:
    """Return the signal of samples, with 1 as full scale, and the source record of their file."""
    size, count = values.shape
    length_s = steps_between_ends(size, align) / source.sample_rate
    axis = Axis(name="time", size=size, extent=(0.0, length_s), unit="s")
    finite = values[np.isfinite(values)]
    peak = float(np.abs(finite).max(initial=0.0)) or 1.0  # silence has a range as well
    names = {1: ("mono",), 2: ("left", "right")}.get(count, tuple(f"channel{each}" for each in range(count)))
    channels = tuple(Channel(name=name, low=-peak, high=peak) for name in names)
    return Signal(grid=Grid((axis,), align), values=values, channels=channels, source=source)


def sound_suffixes() -> tuple[str, ...]:
    """Return the file endings of sounds, in lower case, with their dots."""
    return tuple(_FORMATS)


def is_sound_output(output: Output) -> bool:
    """Return whether an output is a sound: a field of one is, unless its ending is that of an array."""
    return isinstance(output.field.source, SoundSource)


def save_sound(output: Output) -> None:
    """Write a sound of the original's length: more samples are a higher sample rate."""
    source, channels = output.field.source, output.field.channels
    assert isinstance(source, SoundSource)
    if output.quantity != "value":
        raise InputError(f"{output.path}: the {output.quantity} of a sound is no sound; write it to an .npy file.")
    ((start, stop),) = output.sampling.ends
    rate = round(source.sample_rate * output.sampling.shape[0] / max(stop - start, 1))
    low, high = channels[0].low, channels[0].high  # shared by all
    pieces = ((first, last, np.clip(values, low, high)) for first, last, values in output.pieces())
    write_sound(output.path, rate, pieces, channels, source)


def write_sound(
    path: Path,
    sample_rate: int,
    pieces: Iterable[tuple[int, int, Float[np.ndarray, "_ c"]]],
    channels: Sequence[Channel],
    source: SoundSource,
) -> None:
    """Write consecutive pieces ``(start, stop, samples)`` as the kind of sound that ``path`` ends in.

    The subtype is that of ``source`` where the format has it, else 24 bits where it has those. Samples beyond full
    scale are clipped, with a warning, but for the floating-point subtypes.
    """
    soundfile = _soundfile()
    kind = _kind(soundfile, path, source)
    count = len(channels)
    if not 1 <= sample_rate < 2**31 or count > _MOST_CHANNELS:
        raise InputError(
            f"{path}: a sound has 1 to {_MOST_CHANNELS} channels at 1 to {2**31 - 1} samples a second, "
            f"got {count} at {sample_rate}."
        )
    check_writable(path)

    def write(partial: Path) -> None:
        try:
            file = soundfile.SoundFile(partial, "w", sample_rate, count, kind.subtype, format=kind.format)
        except soundfile.LibsndfileError as error:
            raise InputError(
                f"{path}: {kind.format} in {kind.subtype} does not hold {count} channels at {sample_rate} Hz "
                f"({_reason(error)}); write a .wav file instead."
            ) from error
        try:
            with file:
                peak = 0.0
                for _, _, samples in pieces:
                    file.write(np.ascontiguousarray(samples))
                    peak = max(peak, float(np.abs(samples).max(initial=0.0)))
        except soundfile.LibsndfileError as error:
            raise OutputError(f"{path}: writing failed ({_reason(error)}); nothing was changed.") from error
        if peak > _FULL_SCALE and kind.subtype not in ("FLOAT", "DOUBLE"):
            warnings.warn(
                f"{path}: samples up to {peak:.3g} times full scale were clipped; a .wav file of a sound in floating "
                "point holds them.",
                stacklevel=4,
            )

    write_atomically(path, write)


def _soundfile() -> Any:
    return optional("soundfile", extra="audio", needed_for="sound")


def _kind(soundfile: Any, path: Path, source: SoundSource) -> _Kind:
    suffix = path.suffix.lower()
    if suffix not in _FORMATS:
        raise InputError(f"{path}: a sound ends in {', '.join(_FORMATS)}, or in .npy; rename the output.")
    name = _FORMATS[suffix]
    if _OF_ONE_SUFFIX.get(source.format) == name:
        name = source.format
    if suffix == ".opus":
        return _Kind(name, "OPUS")
    fine = source.subtype not in ("PCM_16", "PCM_U8", "PCM_S8", "ULAW", "ALAW")
    subtypes = [source.subtype, *(["PCM_24"] if fine else []), soundfile.default_subtype(name)]
    return _Kind(name, next(each for each in subtypes if soundfile.check_format(name, each)))


def _is_cut(opened: Opened) -> bool:
    """Return whether a container says that it is longer than its file, or an OGG stream lacks its last page."""
    size, head = opened.path.stat().st_size, opened.head
    if head[:4] in (b"RIFF", b"RIFX", b"FORM"):
        promised = int.from_bytes(head[4:8], "little" if head[:4] == b"RIFF" else "big")
        return promised not in (0, 2**32 - 1) and promised + 8 > size + 1  # a padding byte may be missing
    if head[:4] == b"OggS":
        file = opened.file
        file.seek(max(0, size - _OGG_TAIL))
        tail = file.read()
        last = tail.rfind(b"OggS")
        return last < 0 or last + 5 >= len(tail) or not tail[last + 5] & _LAST_PAGE
    return False


def _reason(error: Exception) -> str:
    return str(getattr(error, "error_string", error)).strip().rstrip(".")  # the whole text names a temporary file
