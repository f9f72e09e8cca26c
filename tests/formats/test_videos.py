import itertools
import math
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from ligeia.core import FormatError, InputError, MissingExtraError
from ligeia.formats import read_signal, read_video, write_video
from ligeia.signals import Signal, VideoSource

SHAPE = (12, 32, 48)
KINDS = [
    (".mp4", "h264", "yuv420p"),
    (".mov", "h264", "yuv444p"),
    (".mkv", "h264", "yuv420p"),
    (".mkv", "vp9", "yuv444p"),
    (".webm", "vp9", "yuv420p"),
]


def clip(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """Return a smooth moving pattern in color."""
    time, row, column = np.indices(shape)
    waves = [np.sin(0.2 * time + row / 9 + shift + column / 13) for shift in (0, 1, 2)]
    return np.stack([127 + 90 * wave for wave in waves], axis=-1).astype(np.uint8)


def encode(
    path: Path,
    pictures: np.ndarray,
    codec: str = "h264",
    pixels: str = "yuv420p",
    *,
    rate: Fraction = Fraction(25),
    times: list[int] | None = None,
) -> Path:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=rate)
        stream.height, stream.width = pictures.shape[1:3]
        stream.pix_fmt = pixels
        stream.bit_rate = 8_000_000
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[number], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def whole(values: np.ndarray) -> list[tuple[int, int, np.ndarray]]:
    flat = values.reshape(-1, values.shape[-1]).astype(np.float32)
    cuts = [0, 100, 2000, len(flat)]  # within frames and across them
    return [(start, stop, flat[start:stop]) for start, stop in itertools.pairwise(cuts)]


def decibels(one: np.ndarray, other: np.ndarray) -> float:
    return 10 * math.log10(255**2 / max(1e-9, float(np.mean((one.astype(float) - other) ** 2))))


@pytest.mark.parametrize(("suffix", "codec", "pixels"), KINDS)
def test_frames_rate_and_kind_survive_reading_and_writing(suffix: str, codec: str, pixels: str, tmp_path: Path) -> None:
    rate = Fraction(30000, 1001) if suffix in (".mp4", ".mov") else Fraction(25)
    path = encode(tmp_path / f"a{suffix}", clip(), codec, pixels, rate=rate)
    signal = read_signal(path)
    source = signal.source
    assert isinstance(source, VideoSource)
    assert (source.codec, source.pixel_format, source.dtype) == (codec, pixels, "uint8")
    assert Fraction(source.rate_numerator, source.rate_denominator) == rate
    assert signal.values.shape == (*SHAPE, 3)
    assert decibels(clip(), signal.values) > 28
    assert [axis.name for axis in signal.grid.axes] == ["time", "row", "column"]
    assert signal.grid.axes[0].extent == (0.0, pytest.approx(12 / rate))
    again = tmp_path / f"b{suffix}"
    write_video(again, SHAPE, whole(signal.values), 3, source, crf=1)
    found = read_video(again)
    assert found.source == source
    assert decibels(signal.values, found.values) > 35


@pytest.mark.parametrize(("codec", "suffix", "wanted"), [("h264", ".webm", "vp9"), ("mpeg4", ".mp4", "h264")])
def test_a_codec_that_cannot_be_written_gives_way(codec: str, suffix: str, wanted: str, tmp_path: Path) -> None:
    signal = read_video(encode(tmp_path / "a.mp4", clip(), codec))
    assert isinstance(signal.source, VideoSource)
    assert signal.source.codec == codec
    write_video(tmp_path / f"b{suffix}", SHAPE, whole(signal.values), 3, signal.source)
    found = read_video(tmp_path / f"b{suffix}").source
    assert isinstance(found, VideoSource)
    assert found.codec == wanted


def test_an_avi_is_read(tmp_path: Path) -> None:
    assert read_signal(encode(tmp_path / "a.avi", clip(), "mpeg4")).grid.shape == SHAPE


def test_a_smaller_quality_is_a_smaller_file(tmp_path: Path) -> None:
    signal = read_video(encode(tmp_path / "a.mp4", clip()))
    assert isinstance(signal.source, VideoSource)
    sizes = []
    for crf in (0, None, 50):
        write_video(tmp_path / "b.mp4", SHAPE, whole(signal.values), 3, signal.source, crf=crf)
        sizes.append((tmp_path / "b.mp4").stat().st_size)
    assert sizes == sorted(sizes, reverse=True)


def test_odd_sizes_are_written(tmp_path: Path) -> None:
    signal = read_video(encode(tmp_path / "a.mp4", clip()))
    assert isinstance(signal.source, VideoSource)
    odd = clip((3, 31, 47))
    write_video(tmp_path / "b.mp4", (3, 31, 47), whole(odd), 3, signal.source)
    assert decibels(odd, read_video(tmp_path / "b.mp4").values) > 30


def test_animated_gifs_are_videos_and_others_pictures(tmp_path: Path) -> None:
    frames = [Image.fromarray(each) for each in clip((5, 20, 30))]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=100, loop=0)
    signal = read_signal(tmp_path / "a.gif")
    assert signal.values.shape == (5, 20, 30, 3)
    assert isinstance(signal.source, VideoSource)
    assert signal.source.rate_numerator == 10
    write_video(tmp_path / "b.gif", (5, 20, 30), whole(signal.values), 3, signal.source)
    assert decibels(read_signal(tmp_path / "b.gif").values, signal.values) > 30
    frames[0].save(tmp_path / "c.gif")
    assert read_signal(tmp_path / "c.gif").grid.shape == (20, 30)


def test_a_part_of_a_video_is_read(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", clip())
    part: Signal = read_video(path, frames=(3, 8))
    assert np.array_equal(part.values, read_video(path).values[3:8])
    assert part.grid.axes[0].extent == (3 / 25, 8 / 25)
    with pytest.raises(InputError, match=r"a.mp4: expected frames 3 to 20, the video has 12"):
        read_video(path, frames=(3, 20))
    assert read_video(path, align="corners").grid.axes[0].extent == (0.0, 11 / 25)
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a.png: frames can be chosen of a video only"):
        read_signal(tmp_path / "a.png", frames=(0, 1))


def test_ten_bits_are_read_as_sixteen_and_written_again(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", clip(), "h264", "yuv420p10le")
    signal = read_video(path)
    assert signal.values.dtype == np.uint16
    assert signal.channels[0].high == 65535.0
    assert decibels(clip(), signal.values / 257) > 28
    assert isinstance(signal.source, VideoSource)
    write_video(tmp_path / "b.mp4", SHAPE, whole(signal.values), 3, signal.source, crf=1)
    assert read_video(tmp_path / "b.mp4").source == signal.source
    gray = signal.values[..., :1]
    write_video(tmp_path / "c.gif", SHAPE, whole(gray), 1, signal.source)
    assert decibels(read_video(tmp_path / "c.gif").values, gray / 257) > 30


def test_a_frame_rate_that_varies_is_refused(tmp_path: Path) -> None:
    times = [0, 40, 80, 300, 340, 380, 900, 940, 980, 1020, 1060, 1100]
    path = encode(tmp_path / "a.mkv", clip(), times=times)
    with pytest.raises(FormatError, match=r"a.mkv: expected a constant frame rate, frame \d+ is"):
        read_video(path)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7])
@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mkv"])
def test_a_video_that_is_cut_short_is_refused(suffix: str, share: float, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 64, 64, 3), dtype=np.uint8)
    path = encode(tmp_path / f"a{suffix}", noise, "vp9" if suffix == ".webm" else "h264")
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(
        FormatError,
        match=rf"a{suffix}: (not a readable video|the video is cut short|expected a video with at least one)",
    ):
        read_signal(path)


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video, though it is called one")
    with pytest.raises(FormatError, match=r"a.mp4: not a readable video"):
        read_signal(tmp_path / "a.mp4")
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream: Any = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
        frame.rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(FormatError, match=r"sound.mp4: expected a video, this file has no stream of pictures"):
        read_signal(tmp_path / "sound.mp4")


def test_without_av_the_line_to_type_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = encode(tmp_path / "a.mp4", clip())
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"video needs the package av.* pip install 'ligeia\[video\]'"):
        read_signal(path)
