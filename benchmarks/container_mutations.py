"""Decode mutated files: is every outcome a `FormatError` or a valid record, in bounded memory and time?

Each file is one of twelve valid ones, three of them quantized, two of coded grids, two scenes, with one to three
mutations: bit flips, truncations, lying lengths, chunks swapped, doubled or dropped, bytes inserted. Half of them get
their checksums computed anew, to reach the inner readers; the others must be refused or give an equal record. Integers
must never come out as others: weights that were quantized, grids that were coded. From the repository root:

    python benchmarks/container_mutations.py --count 100000 --seed 0
"""

import argparse
import resource
import time
import tracemalloc
import zlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ligeia.codec._container import SIGNATURE, FieldRecord, decode, encode
from ligeia.codec.latents._layout import Steps, layout, picture_network
from ligeia.codec.latents._networks import VERSION, learned, sizes_for
from ligeia.codec.latents._stream import Latents, changed, coded_levels
from ligeia.codec.records._bytes import varint_bytes
from ligeia.codec.weights._quantized import QuantizedTensor, step_of_byte
from ligeia.core import FormatError
from ligeia.networks import (
    Architecture,
    FourierFeatures,
    HashGrid,
    NetworkConfig,
    SirenArchitecture,
    Symmetric,
    Voxels,
)
from ligeia.signals import ArraySource, Axis, Camera, Channel, Grid, ImageSource, SceneSource

_HEAD: Final = len(SIGNATURE) + 1
_MAX_EXTRA_MIB: Final = 100


@dataclass
class Chunk:
    """One chunk of a file to be mutated; ``length`` and ``checksum`` may lie."""

    kind: bytes
    length: bytes
    payload: bytes
    checksum: bytes


def seed_records(rng: np.random.Generator) -> list[FieldRecord]:
    """Return records that use every part of the format between them."""
    rgb = tuple(Channel(name=name, low=0.0, high=255.0) for name in ("red", "green", "blue"))
    mixed = (
        Channel(name="u", low=-0.5, high=0.1, unit="m/s"),
        Channel(name="θ", low=250.0, high=320.0, unit="K"),
    )
    photo = ImageSource(format="PNG", mode="P", dtype="uint8", bits=4, orientation=6, icc_profile=b"i" * 40,
                        palette=b"\1\2\3" * 16, palette_mode="RGB")  # fmt: skip
    globe = Grid((Axis(name="lat", size=1 << 20, extent=(90.0, -90.0), unit="degrees"), Axis(name="t", size=1 << 20)))
    records = [
        _random_record(rng, (2, 4, 1, 3), (30.0, 30.0), Grid.of((64, 48)), rgb, photo),
        _random_record(rng, (2, 3, 2, 2), (30.0, 29.5, 0.1), globe, mixed, ArraySource(dtype="<f4")),
        _random_record(rng, (1, 1, 0, 1), (90.0,), Grid.of((9,), align="corners"), rgb[:1], ArraySource(dtype="|u1")),
    ]
    sines = records[0].network
    pruned = replace(sines, architecture=replace(sines.architecture, hidden_features=(9, 20)))  # type: ignore[call-arg]
    table = HashGrid(hidden_features=4, table_size=40, num_levels=3, finest=(9, 8))
    others = [
        _other(rng, records[0], each)
        for each in (Symmetric(inner=table, axes=(1,)), FourierFeatures(hidden_features=6, num_frequencies=5))
    ]
    quantized = [(records[1], records[1].network), (records[0], pruned), (others[0], others[0].network)]
    pictures = [_picture(rng, (21, 34), rgb, photo), _picture(rng, (5, 3), rgb[:1], photo)]
    return [*records, *others, *(_quantized(rng, *each) for each in quantized), *pictures, *_scenes(rng)]


def _scenes(rng: np.random.Generator) -> list[FieldRecord]:
    """Return a radiance field with cameras, and the same with quantized nodes."""
    network = NetworkConfig(Voxels.of(rng.random((9, 6, 7)) < 0.2, scale=9.0), 3, 9)
    cameras = tuple(
        Camera.looking((3.0, number, 1.0), (0.0, 0.0, 0.0), shape=(6 + number // 2, 8)) for number in range(3)
    )
    source = SceneSource(cameras=cameras, names=("a.png", "b.png", "c.png"), background=(0.0, 0.5, 1.0))
    grid = Grid(tuple(Axis(name=name, size=9, extent=(-1.0, 2.0)) for name in "xyz"))
    channels = tuple(Channel(name=str(number), low=-1.0, high=1.0) for number in range(9))
    density, features, head = (rng.standard_normal(shape).astype(np.float32) for shape in network.tensor_shapes())
    scene = FieldRecord(network, grid, channels, source, (density, features, head))
    nodes = [QuantizedTensor(np.rint(4 * each).astype(np.int32), 0.25) for each in (density, features)]
    return [scene, replace(scene, tensors=(*nodes, head.astype(np.float16)))]


def _picture(
    rng: np.random.Generator, shape: tuple[int, int], channels: tuple[Channel, ...], source: ImageSource
) -> FieldRecord:
    """Return a picture of coded grids, escapes among them."""
    config = picture_network(shape, len(channels))
    integers = [np.rint(rng.standard_t(2, each.shape)).clip(-1e9, 1e9).astype(np.int32) for each in layout(config)]
    parts = [QuantizedTensor(np.rint(rng.standard_t(3, size)).astype(np.int32), 2.0**-6) for size in sizes_for(config)]
    changes = (parts[0], parts[1], parts[2])
    networks = changed(learned(VERSION).networks_for(1, config), changes)
    num_levels = layout(config)[0].level + 1
    split = [num_levels - 1, 1] if num_levels > 1 else [1]
    chunks = coded_levels(config, integers, networks, VERSION, split)
    return FieldRecord(
        config, Grid.of(shape), channels, source, latents=Latents(VERSION, 1, Steps(30, 4, 2), changes, chunks)
    )


def _other(rng: np.random.Generator, record: FieldRecord, architecture: Architecture) -> FieldRecord:
    """Return a record with a network of another architecture."""
    network = NetworkConfig(architecture, record.network.in_features, record.network.out_features)
    tensors = tuple(rng.standard_normal(shape).astype(np.float32) for shape in network.tensor_shapes())
    return replace(record, network=network, tensors=tensors)


def _quantized(rng: np.random.Generator, record: FieldRecord, network: NetworkConfig) -> FieldRecord:
    """Return a record of integers of every size, zeros too; with another network its first layer is float16."""
    tensors: list[np.ndarray | QuantizedTensor] = []
    for number, shape in enumerate(network.tensor_shapes()):
        integers = np.rint(rng.standard_t(3, size=shape) * (2, 3, 900, 0)[number % 4]).astype(np.int32)
        is_float = number < 2 and network != record.network
        tensors.append(
            integers.astype(np.float16) if is_float else QuantizedTensor(integers, step_of_byte(40 + number))
        )
    return replace(record, network=network, tensors=tuple(tensors))


def _random_record(
    rng: np.random.Generator,
    sizes: tuple[int, int, int, int],
    omegas: tuple[float, ...],
    grid: Grid,
    channels: tuple[Channel, ...],
    source: ArraySource | ImageSource,
) -> FieldRecord:
    network = NetworkConfig(
        SirenArchitecture(hidden_features=sizes[1], hidden_layers=sizes[2], omegas=omegas), sizes[0], sizes[3]
    )
    tensors = tuple(
        rng.standard_normal(shape).astype(np.float16 if number % 2 else np.float32)
        for number, shape in enumerate(network.tensor_shapes())
    )
    return FieldRecord(network, grid, channels, source, tensors)


def split(data: bytes) -> list[Chunk]:
    """Return the chunks of a valid file."""
    chunks, position = [], _HEAD
    while position < len(data):
        end = position + 4
        while data[end] >= 0x80:
            end += 1
        end += 1
        length = sum((byte & 0x7F) << 7 * number for number, byte in enumerate(data[position + 4 : end]))
        payload_end = end + length
        chunks.append(
            Chunk(
                data[position : position + 4],
                data[position + 4 : end],
                data[end:payload_end],
                data[payload_end : payload_end + 4],
            )
        )
        position = payload_end + 4
    return chunks


def join(head: bytes, chunks: list[Chunk], *, recompute: bool) -> bytes:
    """Return the file of chunks, with checksums as they are or computed anew."""
    parts, checksum = [head], zlib.crc32(head)
    for chunk in chunks:
        body = chunk.kind + chunk.length + chunk.payload
        checksum = zlib.crc32(body, checksum)
        parts += [body, checksum.to_bytes(4, "little") if recompute else chunk.checksum]
    return b"".join(parts)


def mutate(data: bytes, rng: np.random.Generator, *, recompute: bool) -> bytes:
    """Return ``data`` with one to three mutations, its checksums computed anew if ``recompute``."""
    head, chunks = bytearray(data[:_HEAD]), split(data)
    for _ in range(int(rng.integers(1, 4))):
        if chunks:
            _mutate_chunks(head, chunks, rng)
    mutated = join(bytes(head), chunks, recompute=recompute)
    if not rng.integers(8):
        mutated = mutated[: rng.integers(len(mutated) + 1)]
    if not recompute and not rng.integers(2):  # anywhere, the checksums included
        mutated = _flip(mutated, rng)
    return mutated


def _mutate_chunks(head: bytearray, chunks: list[Chunk], rng: np.random.Generator) -> None:
    number, other = (int(each) for each in rng.integers(len(chunks), size=2))
    chunk = Chunk(**vars(chunks[number]))
    match int(rng.choice(11, p=[0.3, 0.1, 0.1, 0.08, 0.08, 0.08, 0.08, 0.05, 0.05, 0.05, 0.03])):
        case 0:
            chunk.payload = _flip(chunk.payload, rng)
        case 1:
            chunk.payload = _overwrite(chunk.payload, rng)
        case 2:  # an inserted or removed byte, with a length that tells the truth
            cut = int(rng.integers(len(chunk.payload) + 1))
            added = rng.bytes(1) if rng.integers(2) else b""
            chunk.payload = chunk.payload[:cut] + added + chunk.payload[cut + 1 - len(added) :]
            chunk.length = varint_bytes(len(chunk.payload))
        case 3:
            chunk.length = varint_bytes(int(2 ** rng.uniform(0, 63)) - 1)
        case 4:
            chunk.length = bytes(rng.integers(128, 256, size=rng.integers(1, 10), dtype=np.uint8)) + b"\0"
        case 5:
            chunks[number], chunks[other] = chunks[other], chunks[number]
            return
        case 6:
            chunks.insert(other, chunk)
            return
        case 7:
            del chunks[number]
            return
        case 8:
            chunk.kind = _flip(chunk.kind, rng)
        case 9:
            chunk.kind = bytes(rng.integers(65, 123, size=4, dtype=np.uint8))
        case _:
            position = int(rng.integers(_HEAD))
            head[position] ^= 1 << int(rng.integers(8))
            return
    chunks[number] = chunk


def _flip(data: bytes, rng: np.random.Generator) -> bytes:
    result = bytearray(data)
    for position in rng.integers(max(len(data), 1), size=rng.integers(1, 4)) if data else ():
        result[position] ^= 1 << int(rng.integers(8))
    return bytes(result)


def _overwrite(data: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(len(data) + 1))
    filler = [b"\0", b"\xff", b"\x7f", rng.bytes(1)][int(rng.integers(4))] * int(rng.integers(1, 12))
    return (data[:start] + filler + data[start + len(filler) :])[: len(data)]


def outcome_of(mutated: bytes, original: bytes, *, recompute: bool) -> tuple[str, float]:
    """Return the name of what decoding gave, and its seconds; fail where that is no error and no record."""
    start = time.perf_counter()
    try:
        record = decode(mutated)
        integers = _integers(record)
    except FormatError as error:
        if len(str(error).splitlines()) != 1:
            raise AssertionError("expected a message of one line") from error
        return type(error).__name__, time.perf_counter() - start
    seconds = time.perf_counter() - start
    again = encode(record)
    if again == original:
        return "equal record", seconds
    assert recompute, "a damaged file passed its checksums"
    assert encode(decode(again)) == again
    assert integers in (b"", _integers(decode(original))), "the digest let other integers pass"
    return "another valid record", seconds


def _integers(record: FieldRecord) -> bytes:
    found = [each.integers for each in record.tensors if isinstance(each, QuantizedTensor)]
    if record.latents is not None:
        assert isinstance(record.network, NetworkConfig)
        found += record.latents.integers(record.network)  # which are read only now
    return b"".join(each.tobytes() for each in found)


def run(count: int, seed: int, *, traced_count: int = 10_000) -> dict[str, object]:
    """Decode ``count`` mutated files, then ``traced_count`` under tracemalloc; return what came of them."""
    rng = np.random.default_rng(seed)
    files = [encode(record) for record in seed_records(rng)]
    outcomes = {True: Counter[str](), False: Counter[str]()}
    slowest_s = 0.0
    resident_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    for number in range(count):
        original, recompute = files[number % len(files)], bool(rng.integers(2))
        mutated = mutate(original, rng, recompute=recompute)
        outcome, decode_s = outcome_of(mutated, original, recompute=recompute)
        slowest_s = max(slowest_s, decode_s)
        outcomes[recompute][outcome] += 1
    seconds = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident_before) / 1024
    return {
        "count": count,
        "seed": seed,
        "seed_file_bytes": [len(file) for file in files],
        "seconds": round(seconds, 1),
        "slowest_decode_ms": round(slowest_s * 1e3, 2),
        "resident_growth_mib": round(grown, 2),
        "traced_peak_kib": round(_traced_peak(files, traced_count, seed) / 1024, 1),
        "checksums_kept": dict(sorted(outcomes[False].items())),
        "checksums_recomputed": dict(sorted(outcomes[True].items())),
    }


def _traced_peak(files: list[bytes], count: int, seed: int) -> int:
    """Return the largest memory of one decode and re-encode, in bytes."""
    rng = np.random.default_rng(seed + 1)
    largest = 0
    tracemalloc.start()
    for number in range(count):
        mutated = mutate(files[number % len(files)], rng, recompute=True)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        outcome_of(mutated, files[number % len(files)], recompute=True)
        largest = max(largest, tracemalloc.get_traced_memory()[1] - before)
    tracemalloc.stop()
    return largest


def main() -> None:
    """Run, print the table and append one line to the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    row = run(options.count, options.seed)
    kept, recomputed = row["checksums_kept"], row["checksums_recomputed"]
    assert isinstance(kept, dict)
    assert isinstance(recomputed, dict)
    print(f"{'outcome':24}{'checksums kept':>18}{'recomputed':>14}")
    for name in sorted({*kept, *recomputed}):
        print(f"{name:24}{kept.get(name, 0):18}{recomputed.get(name, 0):14}")
    print({key: value for key, value in row.items() if not key.startswith("checksums")})
    growth = row["resident_growth_mib"]
    assert isinstance(growth, float)
    assert growth < _MAX_EXTRA_MIB, f"expected decoding took {growth} MiB, at most {_MAX_EXTRA_MIB}"
    from _common import append_row  # not at the top: the tests load this file from elsewhere

    append_row("container_mutations", row)


if __name__ == "__main__":
    main()
