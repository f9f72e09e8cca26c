"""Videos from file to field and back: rate and kind stay, more frames are slow motion, a frame is a picture."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from ligeia.core import InputError
from ligeia.experiments import Asked, flight, paper_video
from ligeia.field import Field, load, save
from ligeia.files import compare, decode, render
from ligeia.fitting import passes
from ligeia.formats import read_signal
from ligeia.recipes import fit
from ligeia.signals import VideoSource


@pytest.fixture
def video(tmp_path: Path) -> Path:
    time, row, column = np.indices((8, 24, 32))
    pictures = (127 + 80 * np.sin(0.3 * time + row / 7 + column / 9)).astype(np.uint8)
    with av.open(str(tmp_path / "video.mp4"), "w") as container:
        stream: Any = container.add_stream("h264", rate=25, options={"crf": "4"})
        stream.height, stream.width, stream.pix_fmt = 24, 32, "yuv420p"
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.stack([picture] * 3, axis=-1), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return tmp_path / "video.mp4"


@pytest.fixture
def field(video: Path, tmp_path: Path) -> Field:
    save(fit(video, stop=passes(40), hidden_features=32, hidden_layers=1), tmp_path / "video.lig")
    return load(tmp_path / "video.lig")


def test_a_video_comes_back_at_its_rate(video: Path, field: Field, tmp_path: Path) -> None:
    assert decode(field, tmp_path / "again.mp4", crf=4) == (8, 24, 32)
    again = read_signal(tmp_path / "again.mp4")
    assert again.source == field.source
    assert compare(video, tmp_path / "again.mp4").psnr_db > 25
    assert decode(field, tmp_path / "again.gif") == (8, 24, 32)
    with pytest.raises(InputError, match=r"a.png: a video is written as .mp4"):
        decode(field, tmp_path / "a.png")


def test_more_frames_are_slow_motion(field: Field, tmp_path: Path) -> None:
    assert render(field, tmp_path / "slow.mp4", shape=(20, 24, 32)) == (20, 24, 32)
    slow = read_signal(tmp_path / "slow.mp4")
    assert isinstance(slow.source, VideoSource)
    assert slow.source.rate_numerator == 25
    assert slow.grid.shape == (20, 24, 32)
    assert slow.grid.axes[0].extent == (0.0, 0.8)


def test_a_frame_is_a_picture(field: Field, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a picture needs 2 axes"):
        render(field, tmp_path / "all.png")
    render(field, tmp_path / "frame.png", region=[(3, 4), (0, 24), (0, 32)], scale=2)
    with Image.open(tmp_path / "frame.png") as image:
        assert (image.size, image.mode) == ((64, 48), "RGB")
    with pytest.raises(InputError, match=r"a.mp4: a video needs the values of a field that came from one"):
        render(field, tmp_path / "a.mp4", quantity="gradient")


def test_the_experiment_on_video_reaches_its_quality_and_draws_its_figure(tmp_path: Path) -> None:
    clip = flight(shape=(3, 24, 32))
    assert clip.grid.shape == (3, 24, 32)
    assert [axis.name for axis in clip.grid.axes] == ["time", "row", "column"]
    votes = iter([False] * 30)
    found = paper_video(tmp_path / "video.png", Asked(callbacks=[lambda _: next(votes, True)]))
    assert (tmp_path / "video.png").stat().st_size > 1000
    assert found.published is not None
    assert found.holds == (found.measured >= found.published - found.tolerance)
    assert not found.is_certain


def test_frames_are_compared_with_the_same_frames(video: Path, tmp_path: Path) -> None:
    part = read_signal(video, frames=(0, 4))
    save(fit(part, stop=passes(1), hidden_features=8), tmp_path / "part.lig")
    with pytest.raises(InputError, match=r"part.lig: expected time from 0 to 0.32 as in the other, got 0 to 0.16"):
        compare(video, tmp_path / "part.lig")
    with pytest.raises(InputError, match="expected frames 20 to 30, the video has 8"):
        read_signal(video, frames=(20, 30))
