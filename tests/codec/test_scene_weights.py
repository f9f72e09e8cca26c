"""Quantized nodes of voxels, files of scenes, and views by NumPy. Oracles: there and back, damage, `Field.render`."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from ligeia.codec import FieldRecord, QuantizedTensor, decode, encode, plain_view
from ligeia.codec.entropy._ans import StreamError
from ligeia.codec.voxels._rows import pack_rows, unpack_rows
from ligeia.codec.weights._quantized import TensorError
from ligeia.core import FormatError, InputError
from ligeia.field import Field, from_record, load, save, to_record, voxels_of
from ligeia.kernels import VoxelGrid
from ligeia.networks import ReluMlp, Voxels
from ligeia.scenes import compacted, field_of
from ligeia.signals import Grid, SceneSource
from support.balls import MIDDLE, RADIUS, ball_views


def ball(cells: int = 20) -> Field:
    """Return a ball whose color says where its surface looks, with the cameras of three views."""
    views = ball_views(3)
    low, high = MIDDLE - 0.8, MIDDLE + 0.8
    middles = (np.indices((cells,) * 3).reshape(3, -1).T + 0.5) / cells * 1.6 - 0.8
    occupied = (np.linalg.norm(middles, axis=1) < RADIUS + 0.1).reshape((cells,) * 3)
    source = SceneSource(cameras=views.cameras, names=views.names, has_alpha=True, background=(1.0, 1.0, 1.0))
    field = field_of(VoxelGrid(low, high, occupied, scale=40.0), source=source)
    grid = voxels_of(field).grid
    density, features, _ = field.network.tensors()
    at = (np.stack(np.unravel_index(grid.places, grid.node_shape), axis=1) - 1) / cells * 1.6 - 0.8
    with torch.no_grad():
        density.copy_(torch.from_numpy(8 * (RADIUS - np.linalg.norm(at, axis=1))))
        features[:, :3] = torch.from_numpy(0.5 * at / np.maximum(np.linalg.norm(at, axis=1, keepdims=True), 0.1))
        features[:, 3:] = torch.from_numpy(np.sin(7 * at @ np.arange(15).reshape(3, 5)))
    return field


def quantized(field: Field, *, density: float = 0.125, features: float = 0.0625) -> FieldRecord:
    record = to_record(field)
    found: list[QuantizedTensor | np.ndarray] = []
    for tensor, step in zip(record.float_tensors()[:2], (density, features), strict=True):
        found.append(QuantizedTensor(np.rint(tensor / step).astype(np.int32), step))
    return replace(record, tensors=(*found, record.float_tensors()[2].astype(np.float16)))


def num_rows(occupied: np.ndarray) -> int:
    return VoxelGrid(np.zeros(3), np.ones(3), occupied, 1.0).num_rows


def test_a_scene_looks_the_same_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "ball.lig"
    field = ball()
    save(field, path)
    again = load(path)
    assert isinstance(again.source, SceneSource)
    for one, other in zip(field.network.tensors(), again.network.tensors(), strict=True):
        assert torch.equal(one, other)
    ours, theirs = (each.render(again.source.cameras[1], background=(1.0, 1.0, 1.0)) for each in (field, again))
    assert_array_equal(ours.color, theirs.color)
    assert encode(to_record(again)) == path.read_bytes()


def test_quantized_nodes_come_back() -> None:
    record = quantized(ball())
    data = encode(record)
    read = decode(data)
    assert b"ROWS" in data
    assert encode(read) == data
    for ours, theirs in zip(read.tensors[:2], record.tensors[:2], strict=True):
        assert isinstance(ours, QuantizedTensor)
        assert isinstance(theirs, QuantizedTensor)
        assert ours.step == theirs.step
        assert_array_equal(ours.integers, theirs.integers)


@pytest.mark.parametrize("reach", [0, 1, 300, 2**31 - 1])
def test_integers_of_any_size_come_back(reach: int) -> None:
    draws = np.random.default_rng(0)
    occupied = draws.random((9, 4, 6)) < 0.3
    rows = num_rows(occupied)
    density = QuantizedTensor(draws.integers(-reach, reach, rows, np.int32, endpoint=True), 0.5)
    features = QuantizedTensor(draws.integers(-reach // 3, reach, (rows, 8), np.int32, endpoint=True), 0.25)
    payload = pack_rows(density, features, occupied)
    assert payload is not None
    found = unpack_rows(payload, rows, lambda: occupied)
    assert_array_equal(found[0].integers, density.integers)
    assert_array_equal(found[1].integers, features.integers)


def test_neighbors_make_smooth_nodes_small() -> None:
    record = quantized(ball())
    density, features = record.tensors[:2]
    assert isinstance(density, QuantizedTensor)
    assert isinstance(features, QuantizedTensor)
    order = np.random.default_rng(0).permutation(len(density.integers))
    others = [QuantizedTensor(np.ascontiguousarray(each.integers[order]), each.step) for each in (density, features)]
    assert len(encode(record)) < 0.8 * len(encode(replace(record, tensors=(*others, record.tensors[2]))))


def test_nodes_that_say_nothing_are_written_so_that_bytes_pay_for_them() -> None:
    occupied = np.ones((24, 24, 24), bool)
    rows = num_rows(occupied)
    nothing = (QuantizedTensor(np.zeros(rows, np.int32), 0.5), QuantizedTensor(np.zeros((rows, 8), np.int32), 0.5))
    assert pack_rows(*nothing, occupied) is None
    record = quantized(field_of(VoxelGrid(-np.ones(3), np.ones(3), occupied, 1.0)))
    assert decode(encode(record)).tensors[0].shape == (rows,)
    few = (QuantizedTensor(np.zeros(8, np.int32), 0.5), QuantizedTensor(np.zeros((8, 8), np.int32), 0.5))
    small = pack_rows(*few, np.ones((1, 1, 1), bool))
    assert small is not None
    with pytest.raises(TensorError, match="holds at most"):
        unpack_rows(small, rows, lambda: occupied)


def test_damaged_nodes_are_refused() -> None:
    draws = np.random.default_rng(0)
    occupied = draws.random((6, 6, 6)) < 0.4
    rows = num_rows(occupied)
    tensors = [QuantizedTensor(draws.integers(-4, 5, shape, np.int32), 0.5) for shape in ((rows,), (rows, 8))]
    payload = pack_rows(tensors[0], tensors[1], occupied)
    assert payload is not None
    with pytest.raises(StreamError):
        unpack_rows(payload[:-4], rows, lambda: occupied)
    for place in [*range(33), *draws.integers(33, len(payload), 10)]:
        changed = bytearray(payload)
        changed[place] ^= int(draws.integers(1, 256))
        try:
            found = unpack_rows(bytes(changed), rows, lambda: occupied)
        except FormatError:
            continue
        for mine, other in zip(found, tensors, strict=True):  # another step, or a range that nothing comes near
            assert_array_equal(mine.integers, other.integers)


def test_numpy_alone_sees_what_compiled_code_sees() -> None:
    field = ball(12)
    assert isinstance(field.source, SceneSource)
    camera, background = field.source.cameras[0], (0.2, 0.4, 0.6)
    found = plain_view(decode(encode(to_record(field))), camera, background=background)
    wanted = field.render(camera, background=background).color
    assert_allclose(found, wanted, atol=1e-3)  # a sample just below the least weight for one
    assert np.abs(found - wanted).mean() < 1e-4


def test_views_of_other_fields_are_refused() -> None:
    camera = ball_views(1).cameras[0]
    with pytest.raises(InputError, match="expected a field of voxels"):
        plain_view(
            to_record(Field(ReluMlp(hidden_features=2, hidden_layers=0).build(3, 1), Grid.of((2, 2, 2)))), camera
        )
    everywhere = VoxelGrid(-np.ones(3), np.ones(3), np.pad(np.ones((4,) * 3, bool), 2), 1.0, is_contracted=True)
    with pytest.raises(InputError, match="expected a scene in a box, this one holds all of space"):
        plain_view(to_record(field_of(everywhere)), camera)


def test_contracted_space_comes_back_and_only_such_as_can_be() -> None:
    cells = np.pad(np.ones((4,) * 3, bool), 2)
    record = to_record(field_of(VoxelGrid(-np.ones(3), np.ones(3), cells, 1.0, is_contracted=True)))
    read = decode(encode(record)).network.architecture
    assert isinstance(read, Voxels)
    assert read.is_contracted
    for occupied, message in (
        (np.ones((8, 8, 6), bool), "multiples of 4 cells"),
        (np.ones((8, 8, 8), bool), "no cell that is occupied between the outer parts"),
    ):
        voxels = Voxels.of(occupied, scale=1.0, is_contracted=True)
        with pytest.raises(FormatError, match=message):
            replace(record, network=replace(record.network, architecture=voxels))


def test_a_small_file_keeps_what_its_cameras_see() -> None:
    field = ball()
    record = compacted(field, error_weight=1e4, steps=(0.02, 0.04))
    small, whole = encode(record), encode(to_record(field))
    assert len(small) < len(whole) / 8
    again = from_record(decode(small))
    for camera in ball_views(3).cameras:
        assert np.square(again.render(camera).color - field.render(camera).color).mean() < 1e-4  # 40 dB


def test_a_small_file_needs_cameras() -> None:
    with pytest.raises(InputError, match="expected a scene, fitted to photographs with known cameras"):
        compacted(field_of(voxels_of(ball()).grid))
