"""The table of formats against lists written out: what each file is read as, and what each output is written as."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from ligeia.core import InputError
from ligeia.field import Field
from ligeia.formats import Output, write_output
from ligeia.formats._formats import FORMATS
from ligeia.formats._opened import Opened, PointColumns, Reading
from ligeia.formats._read import format_of, format_of_output
from ligeia.networks import Siren
from ligeia.signals import (
    ArraySource,
    Channel,
    GenericSource,
    Grid,
    GriddedSource,
    ImageSource,
    PointsSource,
    SoundSource,
    Source,
    VideoSource,
    VolumeSource,
)

HEADS = {
    "array": b"\x93NUMPY\1\0",
    "archive": b"PK\3\4",
    "gridded": b"\x89HDF\r\n\x1a\n",
    "video": b"\0\0\0\x18ftypmp42",
    "sound": b"RIFF\0\0\0\0WAVE",
    "volume": bytes(344) + b"n+1\0",
    "image": b"\x89PNG\r\n\x1a\n",
}
BY_NAME = {
    "a.csv": "points",
    "a.tsv": "points",
    "a.mat": "MATLAB array",
    "a.nc": "gridded",
    "a.npz": "archive",
    "a.npy": "array",
    "a.mkv": "video",
    "a.flac": "sound",
    "a.nii.gz": "volume",
    "a.ply": "surface",
    "a.gif": "image",  # which says that it is none
    "a.txt": "image",
    "a": "image",
}
SOURCES: dict[str, Source] = {
    "array": ArraySource(dtype="<f4"),
    "image": ImageSource(format="PNG", mode="L", dtype="uint8"),
    "sound": SoundSource(format="WAV", subtype="PCM_16", sample_rate=8000),
    "volume": VolumeSource(dtype="<f4", header=bytes(348)),
    "video": VideoSource(format="mov", codec="h264", pixel_format="yuv420p", dtype="uint8", rate_numerator=25),
    "gridded": GriddedSource(format="NETCDF4", name="u", dtype="<f4", metadata=b""),
    "points": PointsSource(dtype="<f4"),
    "generic": GenericSource(format="PGM", dtype="|u1"),
}


def found(path: Path, asked: Reading | None = None) -> str:
    with Opened(path) as opened:
        return format_of(opened, asked or Reading()).name


@pytest.mark.parametrize("name", HEADS)
def test_a_file_is_known_by_its_first_bytes_whatever_its_name(name: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(HEADS[name] + bytes(400))
    assert found(tmp_path / "a") == name


@pytest.mark.parametrize("name", BY_NAME)
def test_a_file_whose_bytes_say_nothing_is_known_by_its_ending(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"to be, or not to be")
    assert found(tmp_path / name) == BY_NAME[name]


def test_pages_and_frames_and_columns_tell_formats_of_one_ending_apart(tmp_path: Path) -> None:
    pixels = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    tifffile.imwrite(tmp_path / "one.tif", pixels[0])
    tifffile.imwrite(tmp_path / "three.tif", pixels, photometric="minisblack")
    assert [found(tmp_path / name) for name in ("one.tif", "three.tif")] == ["image", "stack"]
    first, *others = (Image.fromarray(each) for each in pixels)
    first.save(tmp_path / "one.gif")
    first.save(tmp_path / "three.gif", save_all=True, append_images=others)
    assert [found(tmp_path / name) for name in ("one.gif", "three.gif")] == ["image", "video"]
    for name in ("a.npz", "a.mat", "a.txt"):
        (tmp_path / name).write_bytes(b"PK\3\4")
        assert found(tmp_path / name, Reading(columns=PointColumns())) == "points"


@pytest.mark.parametrize(
    ("asked", "taken", "message"),
    [
        (Reading(columns=PointColumns()), {"points"}, "scattered samples come from"),
        (Reading(channels=True), {"MATLAB array", "archive", "array"}, "channels along the last axis"),
        (Reading(variable="u"), {"points", "MATLAB array", "gridded", "archive"}, "holds one signal, so 'u' cannot"),
        (Reading(frames=(0, 1)), {"video"}, "frames can be chosen of a video only"),
    ],
)
def test_what_a_format_does_not_offer_is_refused(asked: Reading, taken: set[str], message: str, tmp_path: Path) -> None:
    for name, expected in BY_NAME.items():
        (tmp_path / name).write_bytes(b"to be, or not to be")
        if expected in taken or (asked.columns and name.endswith((".npz", ".mat", ".txt"))):
            assert found(tmp_path / name, asked) == (expected if asked.columns is None else "points")
        else:
            with pytest.raises(InputError, match=f"{name}: .*{message}"):
                found(tmp_path / name, asked)


def output(name: str, source: str, shape: tuple[int, ...], *, is_original: bool = False) -> Output:
    channels = (Channel(name="value", low=-1.0, high=1.0),)
    field = Field(Siren(len(shape), 2, 0, 1), Grid.of(shape), channels, source=SOURCES[source])
    return Output(field=field, path=Path(name), sampling=field.grid.sampling(), is_original=is_original)


@pytest.mark.parametrize(
    ("name", "source", "shape", "expected"),
    [
        ("a.NPY", "sound", (8,), "array"),
        ("a.npz", "image", (4, 5), "archive"),
        ("a.npz", "points", (4, 5), "points"),
        ("a.zarr", "array", (4, 5), "zarr array"),
        ("a.zarr", "gridded", (4, 5), "gridded"),
        ("a.nc", "image", (4, 5), "gridded"),
        ("a.wav", "sound", (8,), "sound"),
        ("a.png", "sound", (8,), "sound"),
        ("a.nii.gz", "volume", (3, 4, 5), "volume"),
        ("a.mp4", "video", (3, 4, 5), "video"),
        ("a.mp4", "image", (4, 5), "image"),
        ("a.gif", "video", (3, 4, 5), "video"),
        ("a.gif", "image", (4, 5), "image"),
        ("a.tif", "volume", (3, 4, 5), "stack"),
        ("a.tif", "volume", (1, 4, 5), "image"),
        ("a.tif", "image", (4, 5), "image"),
        ("a.png", "generic", (4, 5), "image"),
        ("a.ply", "array", (3, 4, 5), "image"),
        ("a.csv", "points", (4, 5), "image"),
    ],
)
def test_an_output_is_written_as_its_ending_says_or_its_source(
    name: str, source: str, shape: tuple[int, ...], expected: str
) -> None:
    assert format_of_output(output(name, source, shape)).name == expected


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("a.png", "video", "a video is written as .mp4, .webm, .mkv, .gif, .npy or .npz; rename"),
        ("a.txt", "volume", "a volume is written as .nii, .nii.gz, .npy or .npz; rename"),
        ("a.jpg", "gridded", "gridded data are written as .nc, .zarr, .npy or .npz; rename"),
    ],
)
def test_an_original_of_three_axes_is_no_picture(name: str, source: str, message: str) -> None:
    with pytest.raises(InputError, match=f"{name}: {message}"):
        write_output(output(name, source, (3, 4, 5), is_original=True))


def test_names_of_formats_differ_and_endings_are_lower_case() -> None:
    assert len({each.name for each in FORMATS}) == len(FORMATS)
    assert all(ending == ending.lower() and ending.startswith(".") for each in FORMATS for ending in each.endings)
