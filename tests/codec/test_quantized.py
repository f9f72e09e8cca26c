import math
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

import ligeia as lg
from ligeia.codec import (
    FieldRecord,
    QuantizedTensor,
    decode,
    encode,
    nearest_step,
    step_above,
    step_below,
)
from ligeia.codec._container import SIGNATURE, ChunkOrderError, DigestError, StreamError, TensorError
from ligeia.codec.records._bytes import RecordError, varint_bytes
from ligeia.codec.weights._quantized import step_byte, step_of_byte
from ligeia.codec.weights._stream import pack_quantized, unpack_quantized
from ligeia.core import FormatError, InputError
from ligeia.networks import NetworkConfig, SirenArchitecture
from ligeia.signals import ArraySource, Channel, Grid

SHAPES = [(2, 1), (2,), (1, 2), (1,)]
BELL = bytes([3, 150, 200])


def record(tensors: tuple[np.ndarray | QuantizedTensor, ...], widths: int | tuple[int, ...] = 2) -> FieldRecord:
    num_hidden = 1 if isinstance(widths, int) else len(widths)
    network = NetworkConfig(SirenArchitecture(hidden_features=widths, hidden_layers=num_hidden - 1), 1, 1)
    channels = (Channel(name="value", low=0.0, high=1.0),)
    return FieldRecord(network, Grid.of((10,)), channels, ArraySource(dtype="<f4"), tensors)


def quantized(*values: list[int], step: float = 0.125) -> tuple[QuantizedTensor, ...]:
    return tuple(
        QuantizedTensor(np.array(each, np.int32).reshape(shape), step)
        for each, shape in zip(values, SHAPES, strict=True)
    )


SMALL = quantized([3, -1], [0, 0], [-2, 1], [5])


def assert_same(ours: tuple[np.ndarray | QuantizedTensor, ...], theirs: list[np.ndarray | QuantizedTensor]) -> None:
    for one, two in zip(ours, theirs, strict=True):
        assert type(one) is type(two)
        if isinstance(one, QuantizedTensor) and isinstance(two, QuantizedTensor):
            assert np.array_equal(one.integers, two.integers)
            assert one.step == two.step or not one.integers.any()
        elif isinstance(one, np.ndarray) and isinstance(two, np.ndarray):
            assert (one.dtype, one.tobytes()) == (two.dtype, two.tobytes())


def test_every_byte_is_a_step_and_every_step_a_byte() -> None:
    assert [step_byte(step_of_byte(byte)) for byte in range(256)] == list(range(256))
    assert len({step_of_byte(byte) for byte in range(256)}) == 256
    for wrong in (0.0, -1.0, math.nan, math.inf, 16.0, 0.1, 2.0**-29, 17 / 16):
        with pytest.raises(TensorError, match="a step is"):
            step_byte(wrong)


@given(st.floats(1e-12, 1e3))
def test_steps_are_the_nearest_ones(wanted: float) -> None:
    steps = [step_of_byte(byte) for byte in range(256)]
    assert step_below(wanted) == max((step for step in steps if step <= wanted), default=min(steps))
    assert step_above(wanted) == min((step for step in steps if step >= wanted), default=max(steps))
    assert nearest_step(wanted) == min(steps, key=lambda step: max(step / wanted, wanted / step))


def test_a_step_that_is_no_positive_number_is_refused() -> None:
    for wrong in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(InputError, match="expected a positive, finite step"):
            nearest_step(wrong)


def test_a_value_is_the_product_rounded_once() -> None:
    integers = np.array([-(2**31), 2**31 - 1, 16777217, 0, -3], np.int32)
    values = QuantizedTensor(integers, 15 / 8).values()
    assert values.tolist() == [float(np.float32(15 / 8 * int(integer))) for integer in integers]
    assert not np.signbit(values[3])
    with pytest.raises(TensorError, match="quantized weights are int32, got int64"):
        QuantizedTensor(integers.astype(np.int64), 1.0)


@st.composite
def tensors(draw: st.DrawFn) -> list[np.ndarray | QuantizedTensor]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    result: list[np.ndarray | QuantizedTensor] = []
    for _ in range(draw(st.integers(1, 4))):
        fan_in, fan_out = (int(each) for each in rng.integers(1, 12, size=2))
        for shape in ((fan_out, fan_in), (fan_out,)):
            spread = draw(st.sampled_from([0, 0.3, 1, 4, 20, 300, 5000, 2**31]))
            integers = np.rint(rng.standard_t(3, size=shape) * spread).clip(-(2**31), 2**31 - 1).astype(np.int32)
            kind = draw(st.integers(0, 9))
            if kind < 2:
                result.append((integers / 2.0**32).astype((np.float32, np.float16)[kind]))
            else:
                result.append(QuantizedTensor(integers, step_of_byte(draw(st.integers(0, 255)))))
    last = np.array([draw(st.integers(-(2**31), 2**31 - 1))], np.int32)
    return [*result, QuantizedTensor(last[:, None], 1.0), QuantizedTensor(last, 1.0)]


@pytest.mark.no_cover
@given(tensors())
@settings(deadline=None, max_examples=60)
def test_integers_of_any_size_are_read_back_beside_floats(given_tensors: list[np.ndarray | QuantizedTensor]) -> None:
    payload = pack_quantized(given_tensors)
    read = unpack_quantized(payload, [each.shape for each in given_tensors])
    assert_same(tuple(given_tensors), read)
    assert pack_quantized(read) == payload


@pytest.mark.parametrize("most", [127, 128, 4095, 4096, 2**31 - 1])
def test_one_far_weight_is_neither_clipped_nor_dear_to_the_others(most: int) -> None:
    integers = np.rint(np.random.default_rng(0).normal(0, 3, size=(60, 60))).astype(np.int32)
    integers[30, 30] = -most
    payload = pack_quantized([QuantizedTensor(integers, 0.5)])
    assert_same((QuantizedTensor(integers, 0.5),), unpack_quantized(payload, [(60, 60)]))
    assert len(payload) < (1720 if most < 4096 else 3600 * most.bit_length())


def test_a_network_of_17000_weights_costs_its_entropy_and_some_ten_bytes() -> None:
    rng = np.random.default_rng(0)
    shapes = [(64, 2), (64,), *[(64, 64), (64,)] * 4, (3, 64), (3,)]
    law = np.exp(-(np.arange(-15, 16) ** 2) / 18.0)
    law /= law.sum()
    integers = [rng.choice(np.arange(-15, 16, dtype=np.int32), size=shape, p=law) for shape in shapes]
    counts = np.bincount(np.concatenate([each.ravel() for each in integers]) + 15, minlength=31)
    information = -(counts @ np.log2(law)) / 8
    payload = pack_quantized([QuantizedTensor(each, 0.25) for each in integers])
    assert len(payload) - information < 36


@pytest.mark.no_cover
def test_weights_of_hardly_any_information_still_pay_for_themselves() -> None:
    for value in (0, -1, 3):
        tensor = QuantizedTensor(np.full((300, 300), value, np.int32), 1.0)
        payload = pack_quantized([tensor])
        assert len(payload) > (300 * 300 - 65536) / 256
        assert_same((tensor,), unpack_quantized(payload, [(300, 300)]))
    with pytest.raises(TensorError, match=r"the integers are all -2\*\*31"):
        pack_quantized([QuantizedTensor(np.full((300, 300), -(2**31), np.int32), 1.0)])
    assert len(pack_quantized([QuantizedTensor(np.zeros((256, 256), np.int32), 1.0)])) == 5


def test_the_bytes_are_the_same_without_constriction(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("constriction")
    integers = np.rint(np.random.default_rng(0).normal(0, 3, size=(100, 100))).astype(np.int32)
    tensors = [QuantizedTensor(integers, 1.0), QuantizedTensor(integers[0], 1.0)]
    with_it = pack_quantized(tensors)
    monkeypatch.setattr("ligeia.codec.entropy._ans._stream", None)
    assert pack_quantized(tensors) == with_it
    assert_same(tuple(tensors), unpack_quantized(with_it, [(100, 100), (100,)]))


def test_reading_needs_neither_torch_nor_constriction() -> None:
    code = (
        "import sys; sys.modules['torch'] = sys.modules['constriction'] = None\n"
        "from ligeia.codec._container import decode, encode\n"
        "data = sys.stdin.buffer.read()\n"
        "assert encode(decode(data)) == data\n"
    )
    done = subprocess.run([sys.executable, "-c", code], input=encode(record(SMALL)), capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def payload(heads: bytes, stream: bytes = b"", integers: list[int] | None = None) -> bytes:
    digest = zlib.crc32(np.array(integers if integers is not None else [0] * 7, "<i4").tobytes())
    return heads + digest.to_bytes(4, "little") + stream


ZEROS = b"\2\2\2\2"
REFUSED: list[tuple[bytes, type[FormatError], str]] = [
    (payload(b"\6" + ZEROS), TensorError, "tensor 0 is coded by the tag 6, which is unknown; upgrade"),
    (payload(b"\x2f\0" + ZEROS)[:2], TensorError, r"expected \d+ more bytes"),
    (payload(b"\2\2\x30\2"), TensorError, "tensor 2 shares the model of a tensor before it, which has none"),
    (payload(b"\2\4\0" + BELL + b"\x30\2"), TensorError, "tensor 2 shares the model of a tensor before it"),
    (payload(b"\3\0\0" + ZEROS[1:]), TensorError, "expected weights of 1 to 32 bits, got 0"),
    (payload(b"\3\0\x21" + ZEROS[1:]), TensorError, "expected weights of 1 to 32 bits, got 33"),
    (payload(b"\4\0\0\1\1" + ZEROS[1:]), TensorError, "expected a reach of 1 to 4095, got 0"),
    (payload(b"\4\0" + varint_bytes(4096) + b"\1\1" + ZEROS[1:]), TensorError, "expected a reach of 1 to 4095"),
    (payload(b"\x10\0" + varint_bytes(128) + b"\1\1" + ZEROS[1:]), TensorError, "expected a reach of 1 to 127"),
    (payload(b"\4\0\3\xd1\1" + ZEROS[1:]), TensorError, "expected a first ratio of at most 208, got 209"),
    (payload(b"\4\0\x83\0\1\1" + ZEROS[1:]), RecordError, "in more bytes than it needs"),
    (b"\0" + bytes(7), TensorError, "expected 8 more bytes"),
    (b"\0" + bytes(8) + b"\1" + bytes(4) + b"\0" + bytes(8) + b"\1\0\0", RecordError, "must be in TENS chunks"),
    (ZEROS + b"abc", TensorError, "expected 4 more bytes"),
    (payload(ZEROS, b"\0"), StreamError, "begins with a zero byte"),
    (payload(ZEROS, b"\1"), StreamError, "does not end where its last weight does"),
    (payload(ZEROS, integers=[0] * 5), DigestError, "the weights read have the digest .* those written had"),
    (payload(b"\4\0" + BELL + ZEROS[1:]), DigestError, "the weights read have the digest"),
]


@pytest.mark.parametrize(("wrong", "error", "message"), REFUSED, ids=[row[2] for row in REFUSED])
def test_a_malformed_payload_is_refused(wrong: bytes, error: type[FormatError], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        unpack_quantized(wrong, SHAPES)
    assert "\n" not in str(caught.value)


def test_the_base_of_the_malformed_payloads_is_itself_accepted() -> None:
    assert [each.size for each in unpack_quantized(payload(ZEROS), SHAPES)] == [2, 2, 2, 1]


def test_a_network_that_its_stream_does_not_pay_for_is_refused_at_no_cost() -> None:
    heads = b"\4\0" + BELL
    with pytest.raises(TensorError, match=r"a stream of 3 bytes holds at most 66304 weights, the network has"):
        unpack_quantized(payload(heads, b"abc"), [(2**20, 2**20)])
    with pytest.raises(TensorError, match="holds at most 65536 weights, the network has 65537"):
        unpack_quantized(payload(b"\2"), [(65537, 1)])
    with pytest.raises(TensorError, match=r"expected \d+ more bytes"):
        unpack_quantized(b"\0" + payload(b"\2"), [(2**30, 2**30), (2**30,)])


def with_payload(change: Callable[[bytes], bytes], data: bytes) -> bytes:
    """Return a file whose `QUAN` was changed, its checksums right."""
    parts, position = [SIGNATURE + b"\1"], 9
    checksum = zlib.crc32(parts[0])
    while position < len(data):
        kind, end, length = data[position : position + 4], position + 4, 0
        while True:
            length |= (data[end] & 0x7F) << 7 * (end - position - 4)
            end += 1
            if data[end - 1] < 128:
                break
        content = data[end : end + length]
        content = change(content) if kind == b"QUAN" else content
        body = kind + varint_bytes(len(content)) + content
        checksum = zlib.crc32(body, checksum)
        parts += [body, checksum.to_bytes(4, "little")]
        position = end + length + 4
    return b"".join(parts)


def test_every_truncation_of_a_file_and_of_its_weights_is_refused() -> None:
    data = encode(record(SMALL))
    size = len(pack_quantized(SMALL))
    for length in range(len(data)):
        with pytest.raises(FormatError, match=r"expected \d+ more bytes"):
            decode(data[:length])
    for length in range(size):
        with pytest.raises(FormatError, match=r"more bytes|does not end|digest|begins with a zero"):
            decode(with_payload(lambda content, length=length: content[:length], data))


def test_no_flipped_bit_of_the_weights_gives_other_integers() -> None:
    rng = np.random.default_rng(0)
    integers = [np.rint(rng.normal(0, 3, size=shape)).astype(np.int32) for shape in ((9, 1), (9,), (1, 9), (1,))]
    original = record(tuple(QuantizedTensor(each, 0.25) for each in integers), widths=9)
    data = encode(original)
    for bit in range(8 * len(pack_quantized(original.tensors))):

        def flip(content: bytes, bit: int = bit) -> bytes:
            return content[: bit // 8] + bytes([content[bit // 8] ^ 1 << bit % 8]) + content[bit // 8 + 1 :]

        try:
            read = decode(with_payload(flip, data))
        except FormatError:
            continue
        # a step may have changed, which is another valid file
        assert all(isinstance(each, QuantizedTensor) for each in read.tensors)
        for one, two in zip(read.tensors, integers, strict=True):
            assert isinstance(one, QuantizedTensor)
            assert np.array_equal(one.integers, two)


def test_quantized_weights_stand_in_one_chunk_in_place_of_all_others() -> None:
    data = encode(record(SMALL))
    assert (data.count(b"QUAN"), data.count(b"TENS")) == (1, 0)
    floats = record(tuple(each.values() for each in SMALL))
    assert (encode(floats).count(b"QUAN"), encode(floats).count(b"TENS")) == (0, 4)
    body = b"TENS" + b"\5" + bytes(5)
    end = data.index(b"DONE")
    checksum = zlib.crc32(body, int.from_bytes(data[end - 4 : end], "little"))
    with pytest.raises(ChunkOrderError, match=r"expected a DONE chunk before byte .* got TENS"):
        decode(data[:end] + body + checksum.to_bytes(4, "little") + data[end:])


def test_a_tensor_of_another_shape_is_refused() -> None:
    with pytest.raises(TensorError, match=r"tensor 2 must be \(1, 2\) for this network, got \(2, 1\)"):
        record((*SMALL[:2], SMALL[0], SMALL[3]))


def test_a_field_of_pruned_widths_and_quantized_weights_is_loaded(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    widths = (7, 3, 5)
    shapes = [(7, 1), (7,), (3, 7), (3,), (5, 3), (5,), (1, 5), (1,)]
    tensors = tuple(QuantizedTensor(rng.integers(-9, 10, size=shape, dtype=np.int32), 0.03125) for shape in shapes)
    original = record((tensors[0].values().astype(np.float16), *tensors[1:]), widths=widths)
    (tmp_path / "field.lig").write_bytes(encode(original))
    field = lg.load(tmp_path / "field.lig")
    assert field.network.config == original.network
    for parameter, tensor in zip(field.network.parameters(), tensors, strict=True):
        assert torch.equal(parameter.detach(), torch.from_numpy(tensor.values()))
    assert field.sample((20,)).shape == (20, 1)
    lg.save(field, tmp_path / "again.lig")
    again = lg.load(tmp_path / "again.lig")
    assert again.network.config == field.network.config
    assert torch.equal(again.sample((20,)), field.sample((20,)))


def test_a_step_that_tensors_share_the_model_of_may_be_any() -> None:
    alike = np.rint(np.random.default_rng(0).normal(0, 3, size=(4, 30))).astype(np.int32)
    steps = [step_of_byte(byte) for byte in (20, 207, 208, 255)]
    given_tensors = [QuantizedTensor(row, step) for row in alike for step in steps]
    assert_same(tuple(given_tensors), unpack_quantized(pack_quantized(given_tensors), [(30,)] * len(given_tensors)))
    first = replace(record(SMALL), tensors=tuple(replace(each, step=steps[-1]) for each in SMALL))
    assert_same(first.tensors, list(decode(encode(first)).tensors))
