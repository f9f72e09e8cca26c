"""Files of scenes of version 1: their bytes never change, nor do the values that they are read to."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ligeia.codec import FieldRecord, NumpyField, QuantizedTensor, decode, encode
from ligeia.networks import NetworkConfig, Voxels
from ligeia.signals import Axis, Camera, Channel, Grid, SceneSource

FOLDER = Path(__file__).parent
FOUND = (6.75857, -0.05312, -0.03750, -0.02187)
"""Density and color at a place."""


def _scene() -> FieldRecord:
    x, y, z = np.indices((6, 5, 4))
    occupied = (x - 2) ** 2 + (y - 2) ** 2 + (z - 1) ** 2 < 5
    network = NetworkConfig(Voxels.of(occupied, scale=12.5, spacing=0.75), 3, 9)
    tensors = []
    for number, shape in enumerate(network.tensor_shapes()):
        ramp = ((np.arange(np.prod(shape)) + 7 * number) % 97 - 48) / 64
        tensors.append(ramp.astype(np.float32 if number < 2 else np.float16).reshape(shape))
    pose = np.array([[0.0, 0.0, 1.0, 3.5], [1.0, 0.0, 0.0, -0.25], [0.0, 1.0, 0.0, 0.5]])
    lens = {"principal_point": (4.0, 3.0), "shape": (6, 8)}
    cameras = (
        Camera(pose=pose, focal_lengths=(9.5, 9.25), k1=0.125, p2=-0.0625, **lens),
        Camera(pose=np.add(pose, (0, 0, 0, 0.5)), focal_lengths=(9.5, 9.25), k1=0.125, p2=-0.0625, **lens),
        Camera(pose=np.subtract(pose, (0, 0, 0, 0.5)), focal_lengths=(9.5, 9.5), **lens),
    )
    names = ("images/0.png", "images/größer.png", "images/2.png")
    source = SceneSource(cameras=cameras, names=names, dtype="<u2", has_alpha=True, background=(0.0, 0.5, 1.0))
    grid = Grid(
        tuple(Axis(name=name, size=size, extent=(-1.5, 1.0)) for name, size in zip("xyz", (6, 5, 4), strict=True))
    )
    channels = tuple(Channel(name=f"value{number}", low=-1.0, high=1.0) for number in range(9))
    return FieldRecord(network, grid, channels, source, tuple(tensors))


def _quantized() -> FieldRecord:
    record = _scene()
    density, features, head = record.float_tensors()
    nodes = [QuantizedTensor(np.rint(each * 16).astype(np.int32), 2.0**-4) for each in (density, features)]
    return replace(record, tensors=(*nodes, head.astype(np.float16)))


RECORDS = {"scene": _scene, "scene_quantized": _quantized}


@pytest.mark.parametrize("name", RECORDS)
def test_a_frozen_file_is_read_to_the_exact_values(name: str) -> None:
    data = (FOLDER / f"version_1_{name}.lig").read_bytes()
    read, wanted = decode(data), RECORDS[name]()
    assert (read.network, read.grid, read.channels) == (wanted.network, wanted.grid, wanted.channels)
    for ours, theirs in zip(read.float_tensors(), wanted.float_tensors(), strict=True):
        assert (ours.shape, ours.tobytes()) == (theirs.shape, theirs.tobytes())
    assert isinstance(read.source, SceneSource)
    assert read.source.names[1] == "images/größer.png"
    assert read.source.cameras[2].pose.tolist() == [[0, 0, 1, 3.0], [1, 0, 0, -0.75], [0, 1, 0, 0]]
    assert read.source.cameras[1].distortion == (0.125, 0.0, 0.0, 0.0, -0.0625)
    assert encode(wanted) == data


def test_the_values_of_a_frozen_file_stay() -> None:
    field = NumpyField(decode((FOLDER / "version_1_scene.lig").read_bytes()))
    found = field(np.array([[-0.1, 0.05, -0.3], [0.99, 0.99, 0.99]], np.float32))
    assert found[0, :4] == pytest.approx(FOUND, abs=1e-4)
    assert not found[1].any()
