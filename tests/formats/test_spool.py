"""Frames of a video that is larger than the working set are those of one in memory."""

import os
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from ligeia.core import InputError, OutputError
from ligeia.formats import read_signal, read_video
from ligeia.formats.videos import _spool
from ligeia.formats.videos._spool import Spool
from ligeia.signals import FileBlocks

FRAMES = np.random.default_rng(0).integers(0, 256, (9, 12, 16, 4), dtype=np.uint8)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    with av.open(str(tmp_path / "video.mp4"), "w") as container:
        stream: Any = container.add_stream("h264", rate=Fraction(25))
        stream.height, stream.width, stream.pix_fmt = 12, 16, "yuv420p"
        for picture in FRAMES:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[..., :3]), "rgb24")))
        container.mux(stream.encode())
    return tmp_path / "video.mp4"


def test_a_large_video_is_read_from_a_file_of_its_frames(video: Path) -> None:
    plain, on_disk = read_signal(video), read_signal(video, working_set=2000)
    assert isinstance(plain.values, np.ndarray)
    assert isinstance(on_disk.values, FileBlocks)
    assert (on_disk.grid, on_disk.channels, on_disk.source) == (plain.grid, plain.channels, plain.source)
    assert_array_equal(np.asarray(on_disk.values), plain.values)
    part = read_video(video, frames=(2, 7), working_set=2000)
    assert_array_equal(np.asarray(part.values), plain.values[2:7])
    assert isinstance(read_signal(video, working_set=plain.values.nbytes).values, np.ndarray)
    with pytest.raises(InputError, match="expected frames 2 to 70, the video has 9"):
        read_video(video, frames=(2, 70), working_set=2000)


@pytest.mark.parametrize("opaque", [True, False])
@pytest.mark.parametrize("working_set", [None, 3000])
def test_an_alpha_channel_that_is_opaque_everywhere_is_left_out(opaque: bool, working_set: int | None) -> None:
    frames = FRAMES.copy()
    if opaque:
        frames[..., 3] = 255
    spool = Spool(working_set)
    for each in frames:
        spool.append(each)
    values = spool.values()
    spool.close()
    assert isinstance(values, np.ndarray) == (working_set is None)
    assert_array_equal(np.asarray(values), frames[..., :3] if opaque else frames)


@pytest.mark.skipif(os.name == "nt", reason="there, an open file has a name")
def test_the_file_has_no_name(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    signal = read_signal(video, working_set=2000)
    assert list(folder.iterdir()) == []
    assert signal.samples(np.array([0])).shape == (1, 3)


def test_a_disk_without_room_is_told_of_at_once(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = SimpleNamespace(free=_spool._SPARE_BYTES + 9 * 12 * 16 * 3)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    assert isinstance(read_signal(video, working_set=2000).values, FileBlocks)
    usage.free -= 1
    with pytest.raises(OutputError, match=r"expected [\d.]+ GiB for samples in .*set TMPDIR to a folder with more"):
        read_signal(video, working_set=2000)


def test_a_disk_that_fills_up_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, data: memoryview) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", full)
    spool = Spool(10)
    with pytest.raises(OutputError, match=r"expected room for samples in .*, No space left on device"):
        spool.append(FRAMES[0])
    spool.close()
