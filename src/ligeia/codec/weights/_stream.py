"""The payload of the chunk `QUAN`: all tensors of a network of which some are quantized (spec/container.md, s. 4)."""

import math
import zlib
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int32, Shaped

from ..entropy._ans import Decoder, DigestError, StreamError, encode
from ..records._bytes import ByteReader, RecordError
from ._choice import ADAPTIVE_TAG, BELL_TAG, BY_SCALE_TAG, RAW_TAG, Choice, PriceCache, choose, choose_raw
from ._models import FLAT, MAX_ADAPTIVE_REACH, MAX_REACH, NUM_STRENGTHS, Adaptive, Fixed, Model, Raw
from ._quantized import QuantizedTensor, TensorError, step_byte, step_of_byte

FLOAT_DTYPES: Final = {0: np.dtype("<f4"), 1: np.dtype("<f2")}  # on disk: append, never renumber
_ZERO_TAG: Final = 2
_ZERO_STEP: Final = 1.0
_SAME_TAG: Final = 48  # and all above: the model of the last tensor of the kind, and the step
_NUM_SAME_STEPS: Final = 256 - _SAME_TAG
_FREE_WEIGHTS: Final = 1 << 16
_WEIGHTS_PER_BYTE: Final = 256

_MATRICES, _VECTORS = 0, 1  # the kinds of tensors, whose models are apart

Floats = Float[np.ndarray, "..."]
Tensor = Shaped[np.ndarray, "..."] | QuantizedTensor


def float_bytes(tensor: Shaped[np.ndarray, "..."]) -> bytes:
    """Return the dtype tag and the values of a tensor in float32 or float16."""
    tag = next(tag for tag, dtype in FLOAT_DTYPES.items() if dtype == tensor.dtype.newbyteorder("<"))
    return bytes([tag]) + np.ascontiguousarray(tensor, FLOAT_DTYPES[tag]).tobytes()


def read_float(number: int, payload: memoryview, shape: tuple[int, ...]) -> Floats:
    """Return the tensor of a payload that holds no more than its tag and its values."""
    tag = payload[0] if len(payload) else -1
    if tag not in FLOAT_DTYPES:
        raise TensorError(f"tensor {number} has dtype tag {tag}, known are {sorted(FLOAT_DTYPES)}; upgrade ligeia.")
    wanted = math.prod(shape) * FLOAT_DTYPES[tag].itemsize
    if len(payload) - 1 != wanted:
        raise TensorError(f"tensor {number} of shape {shape} takes {wanted} bytes, got {len(payload) - 1}.")
    return _floats(payload[1:], tag, shape)


def _floats(data: memoryview, tag: int, shape: tuple[int, ...]) -> Floats:
    return np.frombuffer(data, FLOAT_DTYPES[tag]).reshape(shape).astype(FLOAT_DTYPES[tag].newbyteorder("="))


def pack_quantized(tensors: Sequence[Tensor], prices: PriceCache | None = None) -> bytes:
    """Return the payload of tensors, at least one of which is quantized; ``prices`` only makes it faster."""
    quantized = {number: each for number, each in enumerate(tensors) if isinstance(each, QuantizedTensor)}
    payload = _pack(tensors, _choices(quantized, prices))
    if payload is None:  # so little information that a reader would reject it as a decompression bomb
        payload = _pack(tensors, {number: choose_raw(each.integers) for number, each in quantized.items()})
    if payload is None:
        raise TensorError("the integers are all -2**31: nothing pays for them; store the weights as float16.")
    return payload


def _choices(quantized: dict[int, QuantizedTensor], prices: PriceCache | None) -> dict[int, Choice | None]:
    """Return the model of each tensor that is not zero; None for that of the last one of its kind."""
    result: dict[int, Choice | None] = {}
    for kind in (_MATRICES, _VECTORS):
        numbers = [number for number, each in quantized.items() if _kind(each.shape) == kind and each.integers.any()]
        may_share = [step_byte(quantized[number].step) < _NUM_SAME_STEPS for number in numbers]
        chosen = choose([quantized[number].integers for number in numbers], may_share, prices)
        result.update(zip(numbers, chosen, strict=True))
    return result


def _pack(tensors: Sequence[Tensor], choices: dict[int, Choice | None]) -> bytes | None:
    """Return the payload, or None if its stream is too short for readers to accept."""
    parts, runs = [], []
    models: dict[int, Model] = {}
    digest = num_weights = 0
    for number, tensor in enumerate(tensors):
        if not isinstance(tensor, QuantizedTensor):
            parts.append(float_bytes(tensor))
            continue
        digest = _add_to_digest(digest, tensor.integers)
        num_weights += tensor.size
        if number not in choices:
            parts.append(bytes([_ZERO_TAG]))
            continue
        choice = choices[number]
        if choice is None:
            parts.append(bytes([_SAME_TAG + step_byte(tensor.step)]))
        else:
            parts.append(bytes([choice.tag, step_byte(tensor.step)]) + choice.parameters)
            reader = ByteReader(choice.parameters, "parameters")
            models[_kind(tensor.shape)] = _build(choice.tag, _read_parameters(number, choice.tag, reader))
        runs.append(models[_kind(tensor.shape)].run(tensor.integers))
    stream = encode(runs)
    if num_weights > _most_weights(stream):
        return None
    return b"".join([*parts, digest.to_bytes(4, "little"), stream])


def _kind(shape: tuple[int, ...]) -> int:
    return _VECTORS if len(shape) == 1 else _MATRICES


def _add_to_digest(digest: int, integers: Int32[np.ndarray, "..."]) -> int:
    return zlib.crc32(np.ascontiguousarray(integers, "<i4").tobytes(), digest)


def _most_weights(stream: bytes | memoryview) -> int:
    return _FREE_WEIGHTS + _WEIGHTS_PER_BYTE * len(stream)


class _Head(NamedTuple):
    """What stands before the stream about a tensor; ``parameters`` are None where those of the last one stay."""

    shape: tuple[int, ...]
    tag: int
    step: float = _ZERO_STEP
    parameters: tuple[int, ...] | None = None


def unpack_quantized(payload: bytes | memoryview, shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """Return the tensors of a payload, or raise a `FormatError`; nothing is allocated that the bytes do not pay for."""
    reader = ByteReader(payload, "QUAN chunk", TensorError)
    heads: list[_Head | Floats] = []
    has_model = [False, False]
    for number, shape in enumerate(shapes):
        head = _read_head(number, shape, reader)
        if isinstance(head, _Head):
            if head.tag >= _SAME_TAG and not has_model[_kind(shape)]:
                raise TensorError(f"tensor {number} shares the model of a tensor before it, which has none.")
            has_model[_kind(shape)] |= head.tag != _ZERO_TAG
        heads.append(head)
    quantized = [head for head in heads if isinstance(head, _Head)]
    if not quantized:
        raise RecordError("weights of which none is quantized must be in TENS chunks; the file is not ligeia's.")
    digest = int.from_bytes(reader.take(4), "little")
    stream = reader.take(reader.remaining())
    if len(stream) and stream[0] == 0:
        raise StreamError("the stream of weights begins with a zero byte; the file is not ligeia's.")
    num_weights = sum(math.prod(head.shape) for head in quantized)
    if num_weights > _most_weights(stream):
        raise TensorError(
            f"a stream of {len(stream)} bytes holds at most {_most_weights(stream)} weights, "
            f"the network has {num_weights}; the file is damaged or hostile."
        )
    return _read_stream(heads, stream, digest)


def _read_head(number: int, shape: tuple[int, ...], reader: ByteReader) -> _Head | Floats:
    tag = reader.byte()
    if tag in FLOAT_DTYPES:
        return _floats(reader.take(math.prod(shape) * FLOAT_DTYPES[tag].itemsize), tag, shape)
    if tag == _ZERO_TAG:
        return _Head(shape, tag)
    if tag >= _SAME_TAG:
        return _Head(shape, tag, step_of_byte(tag - _SAME_TAG))
    return _Head(shape, tag, step_of_byte(reader.byte()), _read_parameters(number, tag, reader))


def _read_parameters(number: int, tag: int, reader: ByteReader) -> tuple[int, ...]:
    if tag == RAW_TAG:
        bits = reader.byte()
        if not 1 <= bits <= 32:
            raise TensorError(f"tensor {number}: expected weights of 1 to 32 bits, got {bits}.")
        return (bits,)
    is_adaptive = ADAPTIVE_TAG <= tag < BY_SCALE_TAG + NUM_STRENGTHS
    if tag != BELL_TAG and not is_adaptive:
        raise TensorError(f"tensor {number} is coded by the tag {tag}, which is unknown; upgrade ligeia.")
    reach, first, change = reader.varint(), reader.byte(), reader.byte()
    most = MAX_ADAPTIVE_REACH if is_adaptive else MAX_REACH
    if not 1 <= reach <= most:
        raise TensorError(f"tensor {number}: expected a reach of 1 to {most}, got {reach}.")
    if first > FLAT:
        raise TensorError(f"tensor {number}: expected a first ratio of at most {FLAT}, got {first}.")
    return (reach, first, change)


def _build(tag: int, parameters: tuple[int, ...]) -> Model:
    if tag == RAW_TAG:
        return Raw(*parameters)
    if tag == BELL_TAG:
        return Fixed(*parameters)
    reach, first, change = parameters
    return Adaptive(reach, first, change, tag % NUM_STRENGTHS, by_scale=tag >= BY_SCALE_TAG)


def _read_stream(heads: Sequence[_Head | Floats], stream: bytes | memoryview, digest: int) -> list[Tensor]:
    decoder = Decoder(stream)
    models: dict[int, Model] = {}
    found, tensors = 0, []
    for head in heads:
        if not isinstance(head, _Head):
            tensors.append(head)
            continue
        if head.parameters is not None:
            models[_kind(head.shape)] = _build(
                head.tag, head.parameters
            )  # not before: a table is larger than its bytes
        is_zero = head.tag == _ZERO_TAG
        integers = np.zeros(head.shape, np.int32) if is_zero else models[_kind(head.shape)].read(decoder, head.shape)
        found = _add_to_digest(found, integers)
        tensors.append(QuantizedTensor(integers, head.step))
    if not decoder.is_spent():
        raise StreamError("the stream of weights does not end where its last weight does; the file is damaged.")
    if found != digest:
        raise DigestError(
            f"the weights read have the digest {found:08x}, those written had {digest:08x}; "
            "the file is damaged, or this ligeia reads it wrongly."
        )
    return tensors
