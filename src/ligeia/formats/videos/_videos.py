"""Videos to signals and back: MP4, WebM, MKV, GIF and others that FFmpeg supports (package av)."""

import functools
import operator
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ligeia.core import FormatError, InputError, OutputError, check_readable, check_writable, optional, write_atomically
from ligeia.signals import Alignment, Axis, Channel, Grid, Signal, VideoSource, steps_between_ends

from .._opened import Opened
from .._output import Output
from ..images._stacks import whole_blocks
from ._spool import Spool

_CODECS = {  # by ending: FFmpeg's name of the container, and the codec where the original's does not fit
    ".mp4": ("mp4", "h264"),
    ".m4v": ("mp4", "h264"),
    ".mov": ("mov", "h264"),
    ".mkv": ("matroska", "h264"),
    ".webm": ("webm", "vp9"),
    ".gif": ("gif", "gif"),
}
# the codecs that are written, at a loss next to invisible; HEVC's encoder can end the process
_CRF = {"h264": 18, "vp9": 24}
_MOST_BYTES = 8 << 30
_FEW_FRAMES = 5  # that an edit list or a rounded duration may account for
_UNSPECIFIED = 2  # of FFmpeg's color spaces
_EXACT = ("BICUBIC", "ACCURATE_RND", "FULL_CHR_H_INT", "FULL_CHR_H_INP")  # else grays lose a level and more on average
_NAMES = {1: ("gray",), 3: ("red", "green", "blue"), 4: ("red", "green", "blue", "alpha")}
_LAYOUTS = {  # FFmpeg's name of what is read, by number of channels and dtype
    (1, "uint8"): "gray",
    (3, "uint8"): "rgb24",
    (4, "uint8"): "rgba",
    (1, "uint16"): "gray16le",
    (3, "uint16"): "rgb48le",
    (4, "uint16"): "rgba64le",
}


def is_video(opened: Opened) -> bool:
    """Return whether a file is a video, by its first 16 bytes and its ending; a GIF of one frame is a picture."""
    head = opened.head
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return _is_animated(opened)
    if head[4:8] == b"ftyp":
        return head[8:12] not in (b"avif", b"avis", b"heic", b"mif1")
    if head[:4] == b"\x1aE\xdf\xa3" or (head[:4] == b"RIFF" and head[8:12] == b"AVI "):
        return True
    # cut or of another kind: the reader says so
    return opened.suffix in _CODECS and opened.suffix != ".gif"


def is_video_output(path: Path) -> bool:
    """Return whether a file of this name is a video."""
    return path.suffix.lower() in _CODECS


def read_video(
    path: Path,
    *,
    frames: tuple[int, int] | None = None,
    align: Alignment = "centers",
    working_set: int | None = None,
) -> Signal:
    """Read a video as ``(time, row, column)``, upright, in 8 or 16 bits a channel; sound tracks are left out.

    ``frames`` is the first and the last (exclusive) frame to read. Frames of more than ``working_set`` bytes go to a
    temporary file. A frame rate that varies is refused: a grid has one step. Raises `MissingExtraError` without the
    package av.
    """
    check_readable(path)
    with closing(Spool(working_set)) as pictures:
        return _read_video(path, pictures, frames, align)


def _read_video(path: Path, pictures: Spool, frames: tuple[int, int] | None, align: Alignment) -> Signal:
    av = _av()
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise FormatError(f"{path}: expected a video, this file has no stream of pictures.")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            first, stop = (0, None) if frames is None else frames
            promised = _promised(container, stream)
            times = _decoded(path, container, stream, first, stop, pictures)
            source = _source(container, stream, pictures)
    except av.error.FFmpegError as error:
        raise FormatError(f"{path}: not a readable video ({error.strerror}); get the whole file.") from error
    count = pictures.num_items
    if frames is not None and count < frames[1] - frames[0]:
        raise InputError(
            f"{path}: expected frames {first} to {stop}, the video has {first + count if count else promised}."
        )
    if not count:
        raise FormatError(f"{path}: expected a video with at least one frame, this one has none.")
    rate = Fraction(source.rate_numerator, source.rate_denominator)
    _check_steady(path, times, rate)
    if frames is None and promised - count > max(_FEW_FRAMES, promised // 20):
        raise FormatError(f"{path}: the video is cut short, {count} of {promised} frames; get the whole file.")
    values = pictures.values()
    rows, columns = values.shape[1:3]
    ends = (float(first / rate), float((first + steps_between_ends(count, align)) / rate))
    time = Axis(name="time", size=count, extent=ends, unit="s")
    high = float(np.iinfo(values.dtype).max)
    return Signal(
        grid=Grid((time, Axis(name="row", size=rows), Axis(name="column", size=columns)), align),
        values=values,
        channels=tuple(Channel(name=name, low=0.0, high=high) for name in _NAMES[values.shape[-1]]),
        source=source,
    )


def video_suffixes() -> tuple[str, ...]:
    """Return the file endings of videos, in lower case, with their dots."""
    return tuple(_CODECS)


def is_video_of(output: Output) -> bool:
    """Return whether an output is a video: it has the ending of one, and a GIF three axes."""
    return is_video_output(output.path) and len(output.sampling.shape) == 3


def save_video(output: Output) -> None:
    """Write a video of the original's frame rate: more frames are slow motion."""
    source, channels = output.field.source, output.field.channels
    if not isinstance(source, VideoSource) or output.quantity != "value":
        raise InputError(
            f"{output.path}: a video needs the values of a field that came from one; write an .npy file instead."
        )
    write_video(output.path, output.sampling.shape, output.pieces(), len(channels), source, crf=output.crf)


def write_video(
    path: Path,
    shape: Sequence[int],
    pieces: Iterable[tuple[int, int, Float[np.ndarray, "_ c"]]],
    num_channels: int,
    source: VideoSource,
    *,
    crf: int | None = None,
) -> None:
    """Write consecutive pieces ``(start, stop, samples)`` of ``(time, row, column)`` as the kind of video of ``path``.

    Frame rate, pixel format and colors are the original's; so is the codec if it is H.264 or VP9 and the container
    takes it, others become one of those. ``crf`` is the encoder's constant quality: 0 is its best, larger is smaller;
    by default a loss that is next to invisible.
    """
    av = _av()
    container_format, codec = _CODECS[path.suffix.lower()]
    check_writable(path)
    pictures = whole_blocks(pieces, (shape[1], shape[2], num_channels), np.dtype(source.dtype))

    def write(partial: Path) -> None:
        if container_format == "gif":
            _write_gif(partial, pictures, source)
            return
        try:
            with av.open(str(partial), "w", format=container_format) as container:
                chosen = source.codec if source.codec in _CRF and source.codec in container.supported_codecs else codec
                stream = _stream(container, chosen, shape, source, crf)
                for picture in pictures:
                    container.mux(stream.encode(_frame(av, picture, stream, source)))
                container.mux(stream.encode())
        except av.error.FFmpegError as error:
            raise OutputError(f"{path}: writing failed ({error.strerror}); nothing was changed.") from error

    write_atomically(path, write)


def _decoded(path: Path, container: Any, stream: Any, first: int, stop: int | None, pictures: Spool) -> list[float]:
    """Decode frames into ``pictures``, and return their times."""
    times = []
    last = _promised(container, stream) if stop is None else stop
    for number, frame in enumerate(container.decode(stream)):
        if stop is not None and number >= stop:
            break
        if number < first:
            continue
        picture = _upright(frame)
        if pictures.first is not None and picture.shape != pictures.first.shape:
            raise FormatError(
                f"{path}: expected one size, frame {number} is {picture.shape}, not {pictures.first.shape}."
            )
        pictures.append(picture, num_expected=last - first)
        if frame.time is not None and container.format.name != "avi":  # which has a constant rate, and no times
            times.append(frame.time)
        if picture.nbytes * pictures.num_items > _MOST_BYTES and not pictures.is_bounded:
            raise InputError(
                f"{path}: the frames take more than {_MOST_BYTES >> 30} GiB; choose some with --frames 0:{number}."
            )
    return times


def _upright(frame: Any) -> np.ndarray:
    components = frame.format.components
    count = 1 if len(components) == 1 and not frame.format.has_palette else 3
    if any(each.is_alpha for each in components):
        count = 4
    dtype = "uint16" if max(each.bits for each in components) > 8 else "uint8"
    picture = frame.to_ndarray(format=_LAYOUTS[count, dtype], interpolation=_exactly())
    picture = picture.reshape(*picture.shape[:2], -1)
    return np.rot90(picture, frame.rotation // 90 % 4) if frame.rotation else picture


def _promised(container: Any, stream: Any) -> int:
    if stream.frames:
        return int(stream.frames)
    duration_s = container.duration / 1_000_000 if container.duration else 0.0
    return int(duration_s * (stream.average_rate or 0))


def _source(container: Any, stream: Any, pictures: Spool) -> VideoSource:
    rate = Fraction(stream.average_rate or stream.guessed_rate or 1)
    aspect = Fraction(stream.sample_aspect_ratio or 1)
    context = stream.codec_context
    return VideoSource(
        format=container.format.name.split(",")[0],
        codec=context.codec.canonical_name,
        pixel_format=str(context.pix_fmt or ""),
        dtype="uint8" if pictures.first is None else pictures.first.dtype.name,
        rate_numerator=rate.numerator,
        rate_denominator=rate.denominator,
        aspect_numerator=aspect.numerator,
        aspect_denominator=aspect.denominator,
        color_space=int(context.colorspace),
        color_range=int(context.color_range),
    )


def _check_steady(path: Path, times: list[float], rate: Fraction) -> None:
    if len(times) < 2:
        return
    wanted = times[0] + np.arange(len(times)) / float(rate)
    late = np.abs(np.array(times) - wanted)
    if late.max() > 0.75 / float(rate):
        number = int(late.argmax())
        raise FormatError(
            f"{path}: expected a constant frame rate, frame {number} is {late[number]:.3f} s off at "
            f"{float(rate):.3f} a second; convert it first, such as by `ffmpeg -i IN -vsync cfr OUT`."
        )


def _stream(container: Any, codec: str, shape: Sequence[int], source: VideoSource, crf: int | None) -> Any:
    options = {"crf": str(_CRF[codec] if crf is None else crf)} | ({"b:v": "0"} if codec == "vp9" else {})
    stream = container.add_stream(codec, rate=Fraction(source.rate_numerator, source.rate_denominator), options=options)
    stream.height, stream.width = shape[1], shape[2]
    known = [each.name for each in stream.codec_context.codec.video_formats or []]
    wanted = [source.pixel_format, "yuv420p"]
    if shape[1] % 2 or shape[2] % 2:  # colors of half the resolution need even sizes
        wanted = [each for each in wanted if "420" not in each and "422" not in each] + ["yuv444p"]
    chosen = next((each for each in wanted if each in known), None)
    if chosen is None:
        raise InputError(f"{codec} holds no picture of {shape[2]} x {shape[1]} pixels; choose even sizes, or .mkv.")
    stream.pix_fmt = chosen
    stream.codec_context.sample_aspect_ratio = Fraction(source.aspect_numerator, source.aspect_denominator)
    stream.codec_context.colorspace = source.color_space
    stream.codec_context.color_range = source.color_range
    return stream


def _frame(av: Any, picture: np.ndarray, stream: Any, source: VideoSource) -> Any:
    layout = _LAYOUTS[picture.shape[-1], picture.dtype.name]
    samples = picture[..., 0] if picture.shape[-1] == 1 else picture
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(samples), format=layout)
    colors = {} if source.color_space == _UNSPECIFIED else {"dst_colorspace": source.color_space}
    if source.color_range:
        colors["dst_color_range"] = source.color_range
    return frame.reformat(format=stream.pix_fmt, interpolation=_exactly(), **colors)


def _write_gif(path: Path, pictures: Iterator[np.ndarray], source: VideoSource) -> None:
    from PIL import Image

    duration_ms = 1000 * source.rate_denominator / source.rate_numerator
    bytes_of = (each if each.dtype == np.uint8 else (each >> 8).astype(np.uint8) for each in pictures)
    frames = (Image.fromarray(each[..., 0] if each.shape[-1] == 1 else each) for each in bytes_of)
    first = next(frames)
    first.save(path, format="GIF", save_all=True, append_images=frames, duration=duration_ms, loop=0)


def _is_animated(opened: Opened) -> bool:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(opened.file) as image:
            return getattr(image, "n_frames", 1) > 1
    except (UnidentifiedImageError, OSError, EOFError, SyntaxError):
        return False


def _exactly() -> Any:
    from av.video.reformatter import Interpolation

    return functools.reduce(operator.or_, (Interpolation[name] for name in _EXACT))


def _av() -> Any:
    return optional("av", extra="video", needed_for="video")
