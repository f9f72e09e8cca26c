"""Files of version 1 are read to the same values by every later ligeia; the bytes never change."""

from pathlib import Path

import numpy as np
import pytest

from ligeia.codec._container import FieldRecord, decode, encode
from ligeia.networks import NetworkConfig, SirenArchitecture
from ligeia.signals import (
    ArraySource,
    Axis,
    Channel,
    GenericSource,
    Grid,
    GriddedSource,
    ImageSource,
    Missing,
    PointsSource,
    SoundSource,
    SurfaceSource,
    VideoSource,
    VolumeSource,
)

FOLDER = Path(__file__).parent


def _ramps(network: NetworkConfig, *dtypes: type[np.floating]) -> tuple[np.ndarray, ...]:
    """Return tensors of dyadic numbers, exact in either dtype, with a negative zero at the end of each."""
    tensors = []
    for number, shape in enumerate(network.tensor_shapes()):
        values = ((np.arange(np.prod(shape)) + 7 * number) % 97 - 48).astype(dtypes[number % len(dtypes)]) / 64
        values[-1] = -0.0
        tensors.append(values.reshape(shape).astype(dtypes[number % len(dtypes)]))
    return tuple(tensors)


def _image() -> FieldRecord:
    network = NetworkConfig(SirenArchitecture(hidden_features=16, hidden_layers=2), 2, 3)
    source = ImageSource(
        format="PNG",
        mode="P",
        dtype="uint8",
        bits=4,
        orientation=6,
        icc_profile=bytes(range(40)),
        palette=bytes(range(48)),
        palette_mode="RGB",
    )
    channels = tuple(Channel(name=name, low=0.0, high=255.0) for name in ("red", "green", "blue"))
    return FieldRecord(network, Grid.of((512, 768)), channels, source, _ramps(network, np.float32))


def _weather() -> FieldRecord:
    network = NetworkConfig(SirenArchitecture(hidden_features=20, hidden_layers=1, omegas=(0.1, 30.0)), 3, 2)
    axes = (
        Axis(name="time", size=2**40, extent=(0.0, 3600.5), unit="s"),
        Axis(name="latitude", size=181, extent=(90.0, -90.0), unit="°"),
        Axis(name="level", size=1),
    )
    channels = (
        Channel(name="wind", low=-40.25, high=40.25, unit="m/s"),
        Channel(name="temperature", low=180.1, high=330.0, unit="K"),
    )
    source = ArraySource(dtype="<f4", has_channel_axis=True)
    return FieldRecord(network, Grid(axes), channels, source, _ramps(network, np.float32, np.float16))


def _tone() -> FieldRecord:
    network = NetworkConfig(
        SirenArchitecture(hidden_features=3, hidden_layers=0, outermost_linear=False, omegas=(3000.0, 30.0)), 1, 1
    )
    channels = (Channel(name="value", low=-1.0, high=1.0),)
    grid = Grid.of((48000,), align="corners")
    return FieldRecord(network, grid, channels, ArraySource(dtype="<i2"), _ramps(network, np.float16))


def _speech() -> FieldRecord:
    network = NetworkConfig(SirenArchitecture(hidden_features=4, hidden_layers=1), 1, 2)
    channels = tuple(Channel(name=name, low=-0.75, high=0.75) for name in ("left", "right"))
    grid = Grid((Axis(name="time", size=48000, extent=(0.0, 3.0), unit="s"),))
    source = SoundSource(format="FLAC", subtype="PCM_24", sample_rate=16000)
    return FieldRecord(network, grid, channels, source, _ramps(network, np.float32))


def _head() -> FieldRecord:
    network = NetworkConfig(SirenArchitecture(hidden_features=4, hidden_layers=0), 3, 1)
    names = (("z", (-72.5, 116.5)), ("y", (-134.5, 98.5)), ("x", (-98.5, 98.5)))
    axes = tuple(Axis(name=name, size=int(extent[1] - extent[0]), extent=extent, unit="mm") for name, extent in names)
    header = bytes(number % 251 for number in range(348))
    channels = (Channel(name="value", low=0.0, high=255.0),)
    return FieldRecord(
        network, Grid(axes), channels, VolumeSource(dtype="|u1", header=header), _ramps(network, np.float32)
    )


def _film() -> FieldRecord:
    network = NetworkConfig(SirenArchitecture(hidden_features=3, hidden_layers=0), 3, 3)
    axes = (Axis(name="time", size=60, extent=(0.0, 2.002), unit="s"), Axis(name="row", size=144))
    source = VideoSource(
        format="mov",
        codec="h264",
        pixel_format="yuv420p",
        dtype="uint8",
        rate_numerator=30000,
        rate_denominator=1001,
        aspect_numerator=128,
        aspect_denominator=117,
        color_space=1,
        color_range=2,
    )
    channels = tuple(Channel(name=name, low=0.0, high=255.0) for name in ("red", "green", "blue"))
    grid = Grid((*axes, Axis(name="column", size=176)))
    return FieldRecord(network, grid, channels, source, _ramps(network, np.float32))


def _named() -> FieldRecord:
    network = NetworkConfig(SirenArchitecture(hidden_features=2, hidden_layers=0), 2, 1)
    channels = (Channel(name="value", low=-2.5, high=4.0),)
    source = ArraySource(dtype="<f8", name="velocity")
    return FieldRecord(network, Grid.of((30, 40)), channels, source, _ramps(network, np.float32))


def _sea() -> FieldRecord:
    network = NetworkConfig(SirenArchitecture(hidden_features=3, hidden_layers=0), 4, 1)
    ticks = (-80.0, -45.5, -20.0, -5.25, 0.0, 5.25, 20.0, 45.5, 80.0)
    axes = (
        Axis(name="time", size=2, extent=(0.0, 60.0), unit="days since 2001-1-1", calendar="360_day"),
        Axis(name="lat", size=9, extent=(-90.0, 90.0), unit="degrees_north", ticks=ticks),
        Axis(name="lon", size=4, extent=(-45.0, 315.0), unit="degrees_east", is_periodic=True),
    )
    source = GriddedSource(format="NETCDF4", name="tos", dtype=">i2", metadata=bytes(range(60)))
    channels = (Channel(name="tos", low=271.15, high=305.5, unit="K"),)
    # every eighth sample from the fourth on, as one version of zlib packs them
    missing = Missing(72, 9, bytes.fromhex("78da131080020002d90091"))
    return FieldRecord(network, Grid(axes), channels, source, _ramps(network, np.float32), missing)


def _wake() -> FieldRecord:
    network = NetworkConfig(SirenArchitecture(hidden_features=2, hidden_layers=0), 2, 1)
    grid = Grid((Axis(name="x", size=300, extent=(-2.0, 8.0)), Axis(name="y", size=120, extent=(-2.0, 2.0))))
    channels = (Channel(name="w", low=-3.5, high=3.25),)
    return FieldRecord(network, grid, channels, PointsSource(dtype="<f8"), _ramps(network, np.float32))


def _sphere() -> FieldRecord:
    network = NetworkConfig(SirenArchitecture(hidden_features=3, hidden_layers=0), 3, 1)
    grid = Grid(tuple(Axis(name=name, size=64, extent=(-1.25, 1.25), unit="m") for name in ("x", "y", "z")))
    channels = (Channel(name="distance", low=-1.25, high=1.25, unit="m"),)
    source = SurfaceSource(format="PLY", dtype="<f8", is_cloud=True)
    return FieldRecord(network, grid, channels, source, _ramps(network, np.float32))


def _heights() -> FieldRecord:
    network = NetworkConfig(SirenArchitecture(hidden_features=2, hidden_layers=0), 2, 1)
    grid = Grid((Axis(name="y", size=40, extent=(1200.0, 0.0)), Axis(name="x", size=50, extent=(-750.0, 750.0))))
    channels = (Channel(name="height", low=-11.5, high=310.25, unit="m"),)
    settings = (("cellsize", "30"), ("NODATA_value", "-9999"), ("note", "größer"))
    source = GenericSource(format="Esri ASCII grid", dtype="<f4", settings=settings, data=bytes(range(7)))
    return FieldRecord(network, grid, channels, source, _ramps(network, np.float32))


RECORDS = {
    "image": _image,
    "weather": _weather,
    "tone": _tone,
    "speech": _speech,
    "head": _head,
    "named": _named,
    "film": _film,
    "sea": _sea,
    "wake": _wake,
    "sphere": _sphere,
    "heights": _heights,
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_frozen_file_is_read_to_the_exact_values(name: str) -> None:
    data = (FOLDER / f"version_1_{name}.lig").read_bytes()
    read, wanted = decode(data), RECORDS[name]()
    assert (read.network, read.grid, read.channels) == (wanted.network, wanted.grid, wanted.channels)
    assert (read.source, read.missing) == (wanted.source, wanted.missing)
    for ours, theirs in zip(read.tensors, wanted.tensors, strict=True):
        assert isinstance(ours, np.ndarray)
        assert isinstance(theirs, np.ndarray)
        assert (ours.dtype, ours.shape, ours.tobytes()) == (theirs.dtype, theirs.shape, theirs.tobytes())
    assert encode(wanted) == data
