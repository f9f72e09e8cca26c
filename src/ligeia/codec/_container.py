"""Fields to bytes and back, as specified in spec/container.md. NumPy only: nothing here imports torch.

A file is a signature, a version and chunks; each chunk has a type, a length, a payload and a CRC-32. The
reader walks them once, in their one order, and allocates nothing that the bytes present do not pay for.
"""

import sys
import zlib
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from jaxtyping import Float

from ligeia.core import FormatError, InputError
from ligeia.networks import LatentGrid, NetworkConfig, Voxels
from ligeia.signals import Channel, Grid, Missing, Source

from .latents._stream import Latents, num_cells, pack_levels, pack_networks, unpack_levels, unpack_networks
from .records._bytes import ByteReader, RecordError, number_bytes, varint_bytes
from .records._grid import pack_channels, pack_grid, pack_missing, unpack_channels, unpack_grid, unpack_missing
from .records._network import has_cells, pack_network, pack_occupied, unpack_network
from .records._source import pack_source, unpack_source
from .residual._stream import Residual, check_residual
from .voxels._cells import check_cells
from .voxels._rows import pack_rows, unpack_rows
from .weights._quantized import QuantizedTensor, TensorError
from .weights._stream import (
    DigestError as DigestError,
    StreamError as StreamError,
    Tensor,
    float_bytes,
    pack_quantized,
    read_float,
    unpack_quantized,
)

SIGNATURE: Final = b"\x89LIG\r\n\x1a\n"
VERSION: Final = 1

_CELLS: Final = b"CELL"
_MISSING: Final = b"miss"
_FILL: Final = b"fill"
_ROWS: Final = b"ROWS"
_QUANTIZED: Final = b"QUAN"
_LATENT_NETWORKS: Final = b"LATN"
_LATENT_LEVELS: Final = b"LATT"
_RESIDUAL: Final = b"RSID"
_KNOWN: Final = (
    *(b"NETW", _CELLS, b"GRID", b"CHAN", b"SRCE", _MISSING, _FILL),
    *(_ROWS, b"TENS", _QUANTIZED, _LATENT_NETWORKS, _LATENT_LEVELS, _RESIDUAL, b"DONE"),
)


class SignatureError(FormatError):
    """The bytes do not begin with the signature of a ligeia file."""


class VersionError(FormatError):
    """This version of ligeia cannot read the version of the file."""


class TruncationError(FormatError):
    """The file ends before its announced content does."""


class ChecksumError(FormatError):
    """A chunk was changed after it was written."""


class UnknownChunkError(FormatError):
    """A critical chunk is of an unknown type."""


class ChunkOrderError(FormatError):
    """A known chunk is in the wrong place."""


class TrailingBytesError(FormatError):
    """Bytes follow the last chunk."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class FieldRecord:
    """Everything that a file holds: a network, its weights, and what its coordinates and values mean.

    ``tensors`` are weight, bias, weight, bias, ... from the first layer to the last, or those that another architecture
    names, in float32 or float16, finite, or quantized, of the shapes that ``network`` fixes; empty with ``latents``.
    Records are compared by their encodings. Raises `RecordError` where the parts contradict each other and
    `TensorError` where a tensor does not fit.
    """

    network: NetworkConfig
    grid: Grid
    channels: tuple[Channel, ...]
    source: Source
    tensors: tuple[Tensor, ...] = ()
    missing: Missing | None = None
    residual: Residual | None = None
    """The residual that restores the original samples (`ligeia.codec.with_samples`)."""
    latents: Latents | None = None
    """The coded grids of a picture, in place of tensors."""

    def __post_init__(self) -> None:
        _check_sizes(self.network, self.grid, self.channels)
        if self.missing is not None and self.missing.num_samples != self.grid.num_samples:
            raise RecordError(
                f"expected a mask of {self.grid.num_samples} samples, got one of {self.missing.num_samples}."
            )
        if self.residual is not None:
            check_residual(self.residual, len(self.channels))
        if self.latents is not None:
            _check_latents(self.latents, self.network, len(self.tensors))
            return
        shapes = self.network.tensor_shapes()
        if len(self.tensors) != len(shapes):
            raise TensorError(f"expected {len(shapes)} tensors for this network, got {len(self.tensors)}.")
        for number, (tensor, shape) in enumerate(zip(self.tensors, shapes, strict=True)):
            _check_tensor(number, tensor, shape)

    def float_tensors(self) -> list[Float[np.ndarray, "..."]]:
        """Return the weights and biases in float32, however they are stored."""
        if self.latents is not None:
            return self.latents.tensors(self.network)
        return [
            each.values() if isinstance(each, QuantizedTensor) else each.astype(np.float32, copy=False)
            for each in self.tensors
        ]


def preview_of(record: FieldRecord) -> FieldRecord:
    """Return a record with only the coarse levels of its picture, which are read quickly."""
    if record.latents is None:
        raise InputError(
            "expected a picture compressed as grids for a preview; render this field with --scale 0.25 instead."
        )
    return replace(record, latents=record.latents.coarse(record.network))


def encode(record: FieldRecord) -> bytes:
    """Return the file of a record; the same record always gives the same bytes.

    >>> from ligeia.networks import SirenArchitecture
    >>> from ligeia.signals import ArraySource
    >>> network = NetworkConfig(SirenArchitecture(hidden_features=2, hidden_layers=0), 1, 1)
    >>> tensors = tuple(np.zeros(shape, np.float32) for shape in network.tensor_shapes())
    >>> channels = (Channel(name="value", low=0.0, high=1.0),)
    >>> data = encode(FieldRecord(network, Grid.of((100,)), channels, ArraySource(dtype="<f4"), tensors))
    >>> len(data), decode(data).grid.shape
    (159, (100,))
    """
    chunks = _header_chunks(record)
    shapes = [] if record.latents else record.network.tensor_shapes()
    for number, (tensor, shape) in enumerate(zip(record.tensors, shapes, strict=True)):
        _check_tensor(number, tensor, shape)  # again: its values may have changed since
    if record.latents is not None:
        chunks.append((_LATENT_NETWORKS, pack_networks(record.latents)))
        chunks += [(_LATENT_LEVELS, pack_levels(each)) for each in record.latents.chunks]
    elif (rows := _rows_of(record)) is not None:
        chunks += rows
    elif any(isinstance(tensor, QuantizedTensor) for tensor in record.tensors):
        chunks.append((_QUANTIZED, pack_quantized(record.tensors)))
    else:
        chunks += [(b"TENS", float_bytes(each)) for each in record.tensors if isinstance(each, np.ndarray)]
    if record.residual is not None:
        chunks.append((_RESIDUAL, record.residual.packed))
    chunks.append((b"DONE", b""))

    parts = [SIGNATURE + bytes([VERSION])]
    checksum = zlib.crc32(parts[0])
    for kind, payload in chunks:
        body = kind + varint_bytes(len(payload)) + payload
        checksum = zlib.crc32(body, checksum)
        parts += [body, checksum.to_bytes(4, "little")]
    data = b"".join(parts)
    if isinstance(record.network.architecture, Voxels):
        check_cells(record.network.architecture.cells, len(data))
    return data


def _rows_of(record: FieldRecord) -> list[tuple[bytes, bytes]] | None:
    """Return the chunks of voxels whose nodes are quantized and whose head is not; None for all others."""
    voxels = record.network.architecture
    if not isinstance(voxels, Voxels):
        return None
    density, features, head = record.tensors
    if not isinstance(density, QuantizedTensor) or not isinstance(features, QuantizedTensor):
        return None
    if isinstance(head, QuantizedTensor):
        return None
    payload = pack_rows(density, features, voxels.occupied_cells())
    return None if payload is None else [(_ROWS, payload), (b"TENS", float_bytes(head))]


def _header_chunks(record: FieldRecord) -> list[tuple[bytes, bytes]]:
    """Return the chunks before the weights."""
    header = {b"NETW": pack_network(record.network)}
    if (cells := pack_occupied(record.network)) is not None:
        header[_CELLS] = cells
    header |= {
        b"GRID": pack_grid(record.grid),
        b"CHAN": pack_channels(record.channels),
        b"SRCE": pack_source(record.source),
    }
    # sizes and numbers of other types than the file's (say, a large int as `low`) must not change on the way
    network = unpack_network(header[b"NETW"], cells or b"", file_bytes=sys.maxsize)
    read_back = (network, unpack_grid(header[b"GRID"]), unpack_channels(header[b"CHAN"]))
    if read_back != (record.network, record.grid, record.channels):
        raise RecordError("the network, grid or channels hold a number that float64 cannot; round it first.")
    if record.missing is not None:
        header[_MISSING] = pack_missing(record.missing)
        if record.missing.value is not None:
            header[_FILL] = number_bytes(record.missing.value)
    return [*header.items()]


def decode(data: bytes) -> FieldRecord:
    """Return the record of a file, its tensors as arrays of their own.

    Whatever the bytes, the outcome is a valid record or a `FormatError`, of the subclass that the
    specification names for that refusal; memory stays within a small multiple of ``len(data)``, or, where weights
    are quantized, of 1 KiB per byte.
    """
    chunks = _ChunkReader(data)
    payload = chunks.next(b"NETW")
    cells = chunks.next(_CELLS) if has_cells(payload) else b""
    network = unpack_network(payload, cells, file_bytes=len(data))
    grid = unpack_grid(chunks.next(b"GRID"))
    channels = unpack_channels(chunks.next(b"CHAN"))
    _check_sizes(network, grid, channels)
    source = unpack_source(chunks.next(b"SRCE"))
    mask = chunks.optional(_MISSING)
    missing = None if mask is None else unpack_missing(mask, grid, chunks.optional(_FILL))
    latents = _read_latents(chunks, network)
    tensors = [] if latents is not None else _read_tensors(chunks, network)
    packed = chunks.optional(_RESIDUAL)
    residual = None if packed is None else Residual(bytes(packed))
    if residual is not None:
        check_residual(residual, len(channels))
    chunks.finish()
    return FieldRecord(network, grid, channels, source, tuple(tensors), missing, residual, latents)


def _read_tensors(chunks: "_ChunkReader", network: NetworkConfig) -> list[Tensor]:
    voxels, shapes = network.architecture, network.tensor_shapes()
    if isinstance(voxels, Voxels) and (rows := chunks.optional(_ROWS)) is not None:
        nodes = unpack_rows(rows, shapes[0][0], voxels.occupied_cells)
        return [*nodes, read_float(2, chunks.next(b"TENS"), shapes[2])]
    if (quantized := chunks.optional(_QUANTIZED)) is not None:
        return unpack_quantized(quantized, shapes)
    return [read_float(number, chunks.next(b"TENS"), shape) for number, shape in enumerate(shapes)]


def _read_latents(chunks: "_ChunkReader", network: NetworkConfig) -> Latents | None:
    payload = chunks.optional(_LATENT_NETWORKS)
    if payload is None:
        return None
    if not isinstance(network.architecture, LatentGrid):
        raise RecordError("coded grids belong to a picture's network only; the file was put together wrongly.")
    found = unpack_networks(payload, network)
    levels = []
    while (payload := chunks.optional(_LATENT_LEVELS)) is not None:
        levels.append(unpack_levels(payload))
    found = replace(found, chunks=tuple(levels))
    if (wanted := num_cells(network)) > (most := found.most_cells):
        raise TensorError(f"expected coded grids of at most {most:,} integers in this many bytes, got {wanted:,}.")
    return found


@final
class _ChunkReader:
    """Walks the chunks of a file: bounds, checksums and order; ancillary chunks are skipped."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._reader = ByteReader(data, "file", TruncationError)
        if not SIGNATURE.startswith(data[: len(SIGNATURE)]):
            raise SignatureError(
                f"a ligeia file begins with {SIGNATURE!r}, this one with {bytes(data[:8])!r}; "
                "check that it is one and was not copied as text."
            )
        self._reader.take(len(SIGNATURE))
        version = self._reader.byte()
        if version > VERSION:
            raise VersionError(
                f"the file is of version {version}, this ligeia reads version {VERSION}; "
                "upgrade it: pip install --upgrade ligeia"
            )
        if version < VERSION:
            raise VersionError(f"the file is of version {version}, which never existed; get the file again.")
        self._checksum = zlib.crc32(self._data[: self._reader.position])
        self._ahead: tuple[bytes, memoryview] | None = None

    def next(self, wanted: bytes) -> memoryview:
        """Return the payload of the next known chunk, which must be ``wanted``."""
        kind, payload = self._next_known()
        if kind != wanted:
            raise ChunkOrderError(
                f"expected a {wanted.decode()} chunk before byte {self._reader.position}, got {kind.decode()}; the "
                "file was put together wrongly."
            )
        return payload

    def optional(self, wanted: bytes) -> memoryview | None:
        """Return the payload of the next known chunk if it is ``wanted``."""
        kind, payload = self._next_known()
        if kind == wanted:
            return payload
        self._ahead = kind, payload
        return None

    def _next_known(self) -> tuple[bytes, memoryview]:
        if self._ahead is not None:
            found, self._ahead = self._ahead, None
            return found
        while True:
            kind, payload = self._read_chunk()
            if not kind.isalpha():
                raise UnknownChunkError(f"a chunk type is four ASCII letters, got {kind!r}; the file is not ligeia's.")
            if kind in _KNOWN:
                return kind, payload
            if kind[:1].isupper():
                raise UnknownChunkError(
                    f"the critical chunk {kind.decode()} is of an unknown type; upgrade ligeia to read it."
                )

    def finish(self) -> None:
        """Read the last chunk and refuse whatever follows it."""
        if len(self.next(b"DONE")):
            raise RecordError("the DONE chunk must be empty; the file is damaged or from a newer ligeia: upgrade.")
        if self._reader.remaining():
            raise TrailingBytesError(
                f"the file should end at byte {self._reader.position}, "
                f"{self._reader.remaining()} more follow; cut them off."
            )

    def _read_chunk(self) -> tuple[bytes, memoryview]:
        start = self._reader.position
        kind = bytes(self._reader.take(4))
        name = f"the chunk {kind.decode()}" if kind.isalpha() else "the chunk"
        try:
            payload = self._reader.take(self._reader.varint())
            # it continues from chunk to chunk, so that dropped, doubled or moved chunks are detected as well
            self._checksum = zlib.crc32(self._data[start : self._reader.position], self._checksum)
            stored = int.from_bytes(self._reader.take(4), "little")
        except TruncationError as error:
            raise TruncationError(f"{name} is cut short: {error}") from None
        if stored != self._checksum:
            raise ChecksumError(
                f"{name} at byte {start} should have checksum {self._checksum:08x}, it has {stored:08x}; "
                "the file is damaged: get it again."
            )
        return kind, payload


def _check_sizes(network: NetworkConfig, grid: Grid, channels: tuple[Channel, ...]) -> None:
    if grid.num_inputs != network.in_features:
        raise RecordError(f"the network takes {network.in_features} coordinates, the grid has {grid.num_inputs}.")
    if len(channels) != network.out_features:
        raise RecordError(f"the network returns {network.out_features} values, there are {len(channels)} channels.")
    if isinstance(network.architecture, Voxels):
        _check_box(network.architecture, grid)


def _check_box(voxels: Voxels, grid: Grid) -> None:
    if grid.num_axes != 3 or any(axis.is_periodic for axis in grid.axes):
        raise RecordError("expected three axes for voxels, none of them periodic.")
    low, high = zip(*(axis.extent for axis in grid.axes), strict=True)
    try:
        voxels.check_box(low, high)
        voxels.check_box((-1.0,) * 3, (1.0,) * 3)  # in coordinates
    except InputError as error:
        raise RecordError(f"voxels: {error}") from error


def _check_latents(latents: Latents, network: NetworkConfig, num_tensors: int) -> None:
    architecture = network.architecture
    if not isinstance(architecture, LatentGrid):
        raise RecordError("coded grids belong to a picture's network only.")
    if num_tensors:
        raise TensorError(f"expected no tensors in a file with coded grids, got {num_tensors}.")
    found = sum(chunk.num_levels for chunk in latents.chunks)
    if found != architecture.num_levels:
        raise RecordError(
            f"expected coded grids of {architecture.num_levels} levels, got {found}; the file is damaged."
        )


def _check_tensor(number: int, tensor: Tensor, shape: tuple[int, ...]) -> None:
    if tensor.shape != shape:
        raise TensorError(f"tensor {number} must be {shape} for this network, got {tensor.shape}.")
    if isinstance(tensor, QuantizedTensor):
        return
    if tensor.dtype not in (np.float32, np.float16):
        raise TensorError(f"tensor {number} must be float32 or float16, got {tensor.dtype}; convert it first.")
    if not np.isfinite(tensor).all():
        raise TensorError(f"tensor {number} holds NaN or infinite weights; a field must be finite.")
