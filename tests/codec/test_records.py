import dataclasses
import struct
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, strategies as st

from ligeia.codec.records import _source as _source_record
from ligeia.codec.records._bytes import ByteReader, RecordError, number_bytes, text_bytes, varint_bytes
from ligeia.codec.records._grid import pack_channels, pack_grid, unpack_channels, unpack_grid
from ligeia.codec.records._network import pack_network, unpack_network
from ligeia.codec.records._source import pack_source, unpack_source
from ligeia.core import ShapeError
from ligeia.networks import NetworkConfig, Siren, SirenArchitecture
from ligeia.signals import (
    ArraySource,
    Axis,
    Bicubic,
    Box,
    Channel,
    Footprint,
    Gaussian,
    GenericSource,
    Grid,
    ImageSource,
    Profile,
)

NETWORK = bytes([1, 3, 2, 4, 0, 1]) + number_bytes(30.0)
TIME = text_bytes("time") + varint_bytes(9)
SCALE = number_bytes(0.0) + number_bytes(1.0) + text_bytes("")
PNG = text_bytes("PNG") + text_bytes("L")
UINT8 = text_bytes("uint8")


@given(st.integers(0, 2**63 - 1))
def test_a_varint_is_read_as_written_in_the_fewest_bytes(value: int) -> None:
    stored = varint_bytes(value)
    assert len(stored) == max(1, -(-value.bit_length() // 7))
    assert ByteReader(stored, "test").varint() == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_bit_for_bit(value: float) -> None:
    read = ByteReader(number_bytes(value), "test").number()
    assert struct.pack("<d", read) == struct.pack("<d", value)


@pytest.mark.parametrize(("value", "size"), [(0.0, 1), (-0.0, 2), (30.0, 3), (255.0, 4), (0.1, 9)])
def test_round_numbers_are_short(value: float, size: int) -> None:
    assert len(number_bytes(value)) == size


@pytest.mark.parametrize(("hidden_layers", "outermost_linear"), [(0, True), (0, False), (3, True), (2, False)])
def test_tensor_shapes_are_those_of_the_siren_with_the_same_sizes(hidden_layers: int, outermost_linear: bool) -> None:
    omegas = (30.0,) * (hidden_layers + (1 if outermost_linear else 2))
    config = NetworkConfig(
        SirenArchitecture(
            hidden_features=5, hidden_layers=hidden_layers, outermost_linear=outermost_linear, omegas=omegas
        ),
        2,
        3,
    )
    siren = Siren(2, 5, hidden_layers, 3, outermost_linear=outermost_linear)
    assert config.tensor_shapes() == [tuple(each.shape) for each in siren.parameters()]


@pytest.mark.parametrize("kind", sorted(_source_record._SOURCES))
def test_every_field_of_a_source_has_a_place_in_the_file(kind: int) -> None:
    cls, fields = _source_record._SOURCES[kind]
    assert [field.name for field in fields] == [field.name for field in dataclasses.fields(cls)]
    assert all(field.type is each.type for field, each in zip(fields, dataclasses.fields(cls), strict=True))


def test_a_source_of_defaults_stores_only_what_has_none() -> None:
    source = ImageSource(format="PNG", mode="L", dtype="uint8")
    assert pack_source(source) == b"\2\0" + PNG + UINT8
    assert pack_source(ArraySource(dtype="<f4", has_channel_axis=True)) == b"\1\1\3<f4"


def test_a_source_of_any_kind_stores_its_settings_in_their_order() -> None:
    source = GenericSource(format="PGM", dtype="|u1", settings=(("maxval", "255"), ("a", "")), data=b"#")
    stored = b"\x09\3\3PGM\3|u1\2\6maxval\x03255\1a\0\1#"
    assert pack_source(source) == stored
    assert unpack_source(stored) == source
    assert pack_source(GenericSource(format="PGM", dtype="|u1")) == b"\x09\0\3PGM\3|u1"


@pytest.mark.parametrize("footprint", [Box(), Box(4.0), Gaussian(0.3), Bicubic(), Profile((1.0, 3.0, 1.0), 2.0)])
def test_a_footprint_is_read_as_written(footprint: Footprint) -> None:
    grid = Grid((Axis(name="z", size=5, unit="mm", footprint=footprint), Axis(name="y", size=4)))
    assert unpack_grid(pack_grid(grid)) == grid


REFUSED: list[tuple[Callable[[bytes], object], bytes, str]] = [
    (unpack_network, b"\xc8" + NETWORK[1:], "network kind 200 is unknown"),
    (unpack_network, b"\1\x0b" + NETWORK[2:], "reserved bits must be zero, got 0x8"),
    (unpack_network, bytes([1, 7, 2, 1, 4, 4, 1]) + number_bytes(30.0), "equal widths must be written once"),
    (unpack_network, bytes([1, 7, 2, 0, 4, 1]) + number_bytes(30.0), "equal widths must be written once"),
    (
        unpack_network,
        bytes([1, 7, 2, 1, 4, 0, 1]) + number_bytes(30.0),
        "hidden_features must be at least 1, got 0",
    ),
    (unpack_network, bytes([1, 7, 2, 255, 4, 5, 1]) + number_bytes(30.0), r"expected \d+ more bytes"),
    (unpack_network, NETWORK[:-1], r"expected \d+ more bytes"),
    (unpack_network, NETWORK + b"\0", "1 bytes follow the last value"),
    (
        unpack_network,
        bytes([1, 3, 0, 4, 0, 1]) + number_bytes(30.0),
        "in_features must be at least 1, got 0",
    ),
    (
        unpack_network,
        bytes([1, 3, 2, 0, 0, 1]) + number_bytes(30.0),
        "hidden_features must be at least 1, got 0",
    ),
    (
        unpack_network,
        bytes([1, 3, 2, 4, 0, 0]) + number_bytes(30.0),
        "out_features must be at least 1, got 0",
    ),
    (unpack_network, bytes([1, 3, 2, 4, 0, 1]) + number_bytes(-1.0), "every omega .* positive and finite"),
    (unpack_network, bytes([1, 3, 2, 4, 0, 1]) + b"\2\xf0\x7f", "expected finite numbers, got inf"),
    (unpack_network, bytes([1, 1, 2, 4, 0, 1]) + number_bytes(30.0), "equal omegas must be written once"),
    (unpack_network, bytes([1, 1, 2, 4, 255, 1]) + number_bytes(30.0), r"expected \d+ more bytes"),
    (unpack_network, bytes([1, 3, 0x82, 0, 4, 0, 1]) + number_bytes(30.0), "in more bytes than it needs"),
    (unpack_network, bytes([1, 3, *[255] * 9, 1, 0, 1]) + number_bytes(30.0), "more than 63 bits"),
    (unpack_network, bytes([1, 3, 2, 4, 0, 1]) + b"\3\0\x3e\x40", "a number is written in more bytes"),
    (unpack_network, bytes([1, 3, 2, 4, 0, 1]) + b"\x09" + b"\1" * 9, "at most 8 bytes, 9 are claimed"),
    (unpack_grid, b"\2\1" + TIME + b"\0", "reserved bits must be zero, got 0x2"),
    (unpack_grid, b"\0\1" + TIME + b"\x40", "reserved bits must be zero, got 0x40"),
    (unpack_grid, b"\0\1" + TIME + b"\x20\0", "footprint 0 is unknown, expected 1 to 4"),
    (unpack_grid, b"\0\1" + TIME + b"\x20\5", "footprint 5 is unknown, expected 1 to 4"),
    (unpack_grid, b"\0\1" + TIME + b"\x20\1" + number_bytes(0.0), "expected a width of a box above 0 steps"),
    (unpack_grid, b"\0\1" + TIME + b"\x20\4\x7f", "127 weights of a footprint end inside a value"),
    (unpack_grid, b"\0\1" + TIME + b"\x20\4\0" + number_bytes(1.0), "finite weights with a sum above 0"),
    (unpack_grid, b"\0\0", "a grid needs at least one axis"),
    (unpack_grid, b"\0\2" + (TIME + b"\0") * 2, "the axes of a grid need different names"),
    (unpack_grid, b"\0\1" + text_bytes("time") + b"\0\0", "must have at least one sample, got 0"),
    (unpack_grid, b"\0\2" + b"\1a" + varint_bytes(2**62) + b"\0\1b\2\0", r"at most 2\*\*62 samples"),
    (unpack_grid, b"\0\1" + TIME + b"\1" + number_bytes(-1.0) + number_bytes(1.0), "must be left out"),
    (unpack_grid, b"\0\1" + TIME + b"\1" + number_bytes(2.0) * 2, "two different finite ends"),
    (unpack_grid, b"\0\1" + TIME + b"\2\0", "an empty unit must be left out"),
    (unpack_grid, b"\0\1\2\xff\xfe\2\0", "a text is not UTF-8"),
    (unpack_grid, b"\0\1" + TIME + b"\0\0", "1 bytes follow the last value"),
    (unpack_grid, b"\0\xff" + TIME + b"\0", r"expected \d+ more bytes"),
    (unpack_channels, b"\2\1" + SCALE + b"\1v", "reserved bits must be zero"),
    (unpack_channels, b"\1\0" + SCALE, "expected 1 to 65535 channels, got 0"),
    (unpack_channels, b"\1" + varint_bytes(65536) + SCALE, "expected 1 to 65535 channels, got 65536"),
    (unpack_channels, b"\1\2" + SCALE + b"\1v", r"expected \d+ more bytes"),
    (unpack_channels, b"\1\1" + SCALE + b"\1v\0", "1 bytes follow the last value"),
    (unpack_channels, b"\0\1\1v" + SCALE, "must be written once"),
    (unpack_channels, b"\1\1" + number_bytes(1.0) * 2 + b"\0\1v", "needs a finite range low < high"),
    (unpack_source, b"\0\0\3<f4", "source kind 0 is unknown"),
    (unpack_source, b"\1\4\3<f4", "reserved bits must be zero"),
    (unpack_source, b"\1\0\2|O", "expected a dtype of real numbers"),
    (unpack_source, b"\2\0" + PNG + text_bytes("complex64"), "expected a dtype of real numbers"),
    (unpack_source, b"\2\1" + PNG + UINT8 + b"\x08", "bits must be left out where it is 8"),
    (unpack_source, b"\2\1" + PNG + UINT8 + b"\x41", "bits must lie in 1 to 64, got 65"),
    (unpack_source, b"\2\2" + PNG + UINT8 + b"\1", "orientation must be left out where it is 1"),
    (unpack_source, b"\2\2" + PNG + UINT8 + b"\x09", "orientation must lie in 1 to 8, got 9"),
    (unpack_source, b"\2\4" + PNG + UINT8 + varint_bytes(2**62), r"expected \d+ more bytes"),
    (unpack_source, b"\2\0" + PNG + UINT8 + b"\0", "1 bytes follow the last value"),
    (unpack_source, b"\x09\1\3PGM\3|u1\0", "settings must be left out where it is"),
    (unpack_source, b"\x09\1\3PGM\3|u1\2\1a\1b\1a\1c", "expected settings of different names, got a, a"),
    (unpack_source, b"\x09\1\3PGM\3|u1" + varint_bytes(2**62) + b"\1a\1b", r"expected \d+ more bytes"),
    (unpack_source, b"\x09\2\3PGM\3|u1\0", "data must be left out where it is"),
    (unpack_source, b"\x09\0\3PGM\2|O", "expected a dtype of real numbers"),
]


@pytest.mark.parametrize(
    ("unpack", "payload", "message"),
    REFUSED,
    ids=[f"{number}: {row[2]}" for number, row in enumerate(REFUSED)],
)
def test_a_malformed_record_is_refused(unpack: Callable[[bytes], object], payload: bytes, message: str) -> None:
    with pytest.raises(RecordError, match=message) as caught:
        unpack(payload)
    assert "\n" not in str(caught.value)


def test_the_base_of_the_malformed_networks_is_itself_accepted() -> None:
    assert pack_network(unpack_network(NETWORK)) == NETWORK


def test_widths_that_differ_are_read_as_written_and_equal_ones_are_one_number() -> None:
    def network(widths: Sequence[int]) -> NetworkConfig:
        return NetworkConfig(SirenArchitecture(hidden_features=widths, hidden_layers=2), 2, 1)

    stored = pack_network(network([5, 300, 7]))
    assert stored == bytes([1, 7, 2, 2, 5, 0xAC, 2, 7, 1]) + number_bytes(30.0)
    assert unpack_network(stored) == network((5, 300, 7))
    assert network((5, 300, 7)).tensor_shapes() == [(5, 2), (5,), (300, 5), (300,), (7, 300), (7,), (1, 7), (1,)]
    assert network((4, 4, 4)).architecture == SirenArchitecture(hidden_features=4, hidden_layers=2)
    assert pack_network(network((4, 4, 4))) == bytes([1, 3, 2, 4, 2, 1]) + number_bytes(30.0)
    with pytest.raises(ShapeError, match="expected 3 widths, one per hidden sine layer, got 2"):
        network((4, 5))


def test_writing_refuses_what_reading_would() -> None:
    with pytest.raises(RecordError, match="at most 255 bytes, got 256"):
        pack_channels((Channel(name="é" * 128, low=0.0, high=1.0),))
    with pytest.raises(RecordError, match="cannot be written in UTF-8"):
        pack_channels((Channel(name="\ud800", low=0.0, high=1.0),))
    with pytest.raises(RecordError, match="expected a dtype of real numbers, got 'object'"):
        pack_source(ImageSource(format="PNG", mode="L", dtype="object"))
    with pytest.raises(RecordError, match=r"expected an integer from 0 to 2\*\*63 - 1"):
        varint_bytes(2**63)
    with pytest.raises(RecordError, match="expected finite numbers, got nan"):
        number_bytes(float("nan"))
    with pytest.raises(ShapeError, match="hidden_layers must lie in 0 to 255, got 256"):
        NetworkConfig(SirenArchitecture(hidden_features=1, hidden_layers=256), 1, 1)


def test_ranges_that_differ_only_in_the_sign_of_zero_are_kept_apart() -> None:
    channels = (Channel(name="a", low=0.0, high=1.0), Channel(name="b", low=-0.0, high=1.0))
    stored = pack_channels(channels)
    assert pack_channels(unpack_channels(stored)) == stored
    assert str([each.low for each in unpack_channels(stored)]) == "[0.0, -0.0]"
