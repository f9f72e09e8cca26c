"""Every architecture in container, description, NumPy's decoder and ONNX; oracles: the network in torch, mutations."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from ligeia.codec import (
    ARCHITECTURES,
    FieldRecord,
    NumpyField,
    decode,
    encode,
    read_safetensors,
    to_onnx,
    to_safetensors,
)
from ligeia.core import FormatError, InputError
from ligeia.field import Field, from_record, to_record
from ligeia.networks import Architecture, Bacon, Bounded, Finer, HashGrid, NetworkConfig, ReluMlp
from ligeia.signals import Channel, Grid
from support.architectures import EVERY, name_of, small

each_architecture = pytest.mark.parametrize("architecture", EVERY, ids=name_of)
CHANNELS = (Channel(name="r", low=0.0, high=255.0), Channel(name="g", low=-1.0, high=3.0))


def field_of(architecture: Architecture, seed: int = 0) -> Field:
    network = NetworkConfig(architecture, 2, 2).build(generator=torch.Generator().manual_seed(seed))
    return Field(network, Grid.of((6, 5)), CHANNELS)


def record_of(architecture: Architecture) -> FieldRecord:
    return to_record(field_of(architecture))


def points() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (40, 2)).astype(np.float32)


@each_architecture
def test_a_field_comes_back_bit_for_bit(architecture: Architecture) -> None:
    field = field_of(architecture)
    data = encode(to_record(field))
    again = from_record(decode(data))
    assert again.network.config == field.network.config
    for mine, theirs in zip(again.network.tensors(), field.network.tensors(), strict=True):
        assert torch.equal(mine, theirs)
        assert mine.requires_grad == theirs.requires_grad
    assert encode(to_record(again)) == data


@each_architecture
def test_numpy_alone_decodes_the_same_values(architecture: Architecture) -> None:
    field = field_of(architecture)
    found = NumpyField(to_record(field))(points())
    with torch.no_grad():
        expected = field(torch.from_numpy(points()))
    assert_close(torch.from_numpy(found), expected, rtol=1e-4, atol=2e-3)


@each_architecture
def test_a_description_says_all_but_the_weights(architecture: Architecture, tmp_path: object) -> None:
    path = tmp_path / "field.safetensors"  # type: ignore[operator]
    record = record_of(architecture)
    path.write_bytes(to_safetensors(record))
    assert encode(read_safetensors(path)) == encode(record)


@pytest.mark.parametrize("architecture", [each for each in EVERY if each.has_graph], ids=name_of)
def test_an_onnx_model_computes_the_same(architecture: Architecture) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    record = record_of(architecture)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(to_onnx(record), options, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"points": points()})
    expected = NumpyField(record)(points())
    assert np.abs(found - expected).max() < 1e-4 * 255


def test_onnx_of_a_hash_grid_is_refused_before_it_is_made() -> None:
    with pytest.raises(InputError, match=r"a network hash cannot be written as an ONNX graph; export a \.safetensors"):
        to_onnx(record_of(small(HashGrid)))


def test_tags_are_never_renumbered() -> None:
    assert {tag: cls.name for tag, cls in ARCHITECTURES.items()} == {
        1: "siren",
        2: "relu",
        3: "tanh",
        4: "softplus",
        5: "rbf",
        6: "nerf",
        7: "fourier",
        8: "gauss",
        9: "wire",
        10: "wire-real",
        11: "finer",
        12: "sinc",
        13: "mfn-fourier",
        14: "mfn-gabor",
        15: "bacon",
        16: "hash",
        17: "siren-learned",
        18: "bounded",
        19: "symmetric",
        20: "periodic",
        21: "grid",
        22: "voxels",
        23: "radiance",
    }
    assert len({cls.name for cls in ARCHITECTURES.values()}) == len(ARCHITECTURES)


def network_payload(data: bytes) -> tuple[int, int]:
    """Return where the network's payload begins and ends; its length takes one byte here."""
    start = data.index(b"NETW") + 5
    return start, start + data[start - 1]


def with_payload(record: FieldRecord, payload: bytes) -> bytes:
    """Return a file whose network is other bytes, its checksums right."""
    import zlib

    data = encode(record)
    start, stop = network_payload(data)
    assert len(payload) < 128
    parts = [data[: start - 1], bytes([len(payload)]), payload]
    body = b"".join(parts)
    return body + zlib.crc32(body).to_bytes(4, "little") + data[stop + 4 :]


def payload_of(record: FieldRecord) -> bytes:
    data = encode(record)
    start, stop = network_payload(data)
    return data[start:stop]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda payload: b"\xc8" + payload[1:], "network kind 200 is unknown, known are 1 siren, 2 relu, 3 tanh"),
        (lambda payload: payload[:-1], r"expected \d+ more bytes"),
        (lambda payload: payload + b"\0", "1 bytes follow the last value"),
        (lambda payload: payload[:1] + b"\0" + payload[2:], "expected 1 to 65535 coordinates and values, got 0 and 2"),
        (lambda payload: payload[:3] + b"\0" + payload[4:], "hidden_features of a network finer must lie in 1 to"),
    ],
)
def test_networks_that_cannot_be_are_refused(change: object, message: str) -> None:
    record = record_of(Finer(hidden_features=7, hidden_layers=1))
    with pytest.raises(FormatError, match=message):
        decode(with_payload(record, change(payload_of(record))))  # type: ignore[operator]


def test_networks_go_four_deep_and_no_deeper() -> None:
    inner: Architecture = ReluMlp(hidden_features=2, hidden_layers=0)
    for _ in range(4):
        inner = Bounded(inner=inner)
    assert decode(encode(record_of(inner))).network == NetworkConfig(inner, 2, 2)
    with pytest.raises(FormatError, match="networks within networks go 4 deep"):
        decode(encode(record_of(Bounded(inner=inner))))


def test_a_claim_of_many_numbers_is_refused_before_memory_is_taken() -> None:
    record = record_of(Bacon(hidden_features=3, hidden_layers=0, bandwidths=(8.0, 9.0)))
    payload = payload_of(record)
    numbers = payload[: payload.rindex(b"\x02", 0, len(payload) - 3)]
    huge = numbers + b"\xff\xff\xff\xff\x7f"
    with pytest.raises(FormatError):
        decode(with_payload(record, huge))


@each_architecture
def test_changed_files_are_refused_or_valid(architecture: Architecture) -> None:
    record = record_of(architecture)
    payload = payload_of(record)
    draws = np.random.default_rng(0)
    refused = 0
    for _ in range(100):
        changed = bytearray(payload)
        for place in draws.integers(0, len(changed), draws.integers(1, 3)):
            changed[place] = draws.integers(0, 256)
        try:
            found = decode(with_payload(record, bytes(changed)))
        except FormatError:
            refused += 1
            continue
        assert NumpyField(found)(points()[:2]).shape == (2, 2)
    assert refused > 33  # of 100


def test_a_grid_of_other_coordinates_is_refused() -> None:
    with pytest.raises(FormatError, match="the network takes 2 coordinates, the grid has 1"):
        replace(record_of(ReluMlp(hidden_features=2, hidden_layers=0)), grid=Grid.of((6,)))
