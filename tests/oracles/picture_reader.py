"""A second reader of coded grids of pictures, in plain Python, written from spec/pictures.md alone.

It knows nothing of ligeia, takes files of pictures with `LATN` and `LATT` only, and is as short and as slow as the page
allows.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from oracles.quantized_reader import Coder, check, chunks_of, coder_of, raw, read_tensors, symbol, take, varint

Grid = list[list[int]]
Key = tuple[int, int]
OWN = [(0, -1), (-1, 0), (-1, -1), (-1, 1), (0, -2), (-2, 0), (-1, -2), (-1, 2), (-2, -1), (-2, 1)]
ROOTS = [256, 235, 215, 197, 181, 166, 152, 140]


@dataclass
class Network:
    """What `NETW` says of a grid network: its grids are (level, plane), in the order of tensors."""

    sizes: list[int]
    num_levels: int
    separate: int
    num_planes: int
    keys: list[Key]

    def shape(self, level: int) -> list[int]:
        """Return rows and columns of a level."""
        return [-(-size // 2**level) for size in self.sizes]

    def is_chroma(self, plane: int) -> bool:
        """Return whether the plane is one of color."""
        return self.num_planes > 2 and plane in {1, 2}


@dataclass
class Context:
    """A network that predicts the cells of luma or of chroma."""

    w: Grid
    b: Grid
    v: Grid
    d: list[int]
    o: Grid
    s: Grid
    e: Grid


def read_picture(data: bytes, learned: bytes) -> tuple[list[float], list[Grid]]:
    """Return the step and the integers of each grid of a file, in the order of tensors.

    Raise ValueError for a stream that does not end where its last integer does, or integers of another digest.
    """
    chunks = chunks_of(data[9:])
    by_kind = dict(chunks)
    network = _network(iter(by_kind[b"NETW"]))
    rest = iter(by_kind[b"LATN"])
    version, index, first, per_level, chroma = take(rest, 5)
    if version != 1:
        raise ValueError("unknown version of the learned networks")
    codes = [first + level * per_level + chroma * network.is_chroma(plane) for level, plane in network.keys]
    if max(codes) > 255:
        raise ValueError("a step that is too fine")
    steps = [ROOTS[code % 8] * 2.0 ** -(5 + code // 8) for code in codes]
    decays, weights = _learned(learned, index)
    reader = _Reader(network, decays, *_contexts(_changed(network, weights, rest)))
    level = network.num_levels
    for kind, payload in chunks:
        if kind != b"LATT":
            continue
        levels = range(level - payload[0], level)
        if not payload[0] or levels.start < 0:
            raise ValueError("a chunk of no level, or of more than are left")
        level = levels.start
        coder = coder_of(payload[5:])
        keys = [key for key in network.keys if key[0] in levels]
        for key in keys:
            reader.read(coder, key)
        check(coder, payload[1:5], [cell for key in keys for row in reader.grids[key] for cell in row])
    if level:
        raise ValueError("levels are missing")
    return steps, [reader.grids[key] for key in network.keys]


def _network(rest: Iterator[int]) -> Network:
    kind, _, num_channels, width = next(rest), varint(rest), varint(rest), varint(rest)
    sizes = [varint(rest) for _ in range(varint(rest))]
    firsts = [varint(rest) for _ in range(varint(rest))]
    num_levels, separate = varint(rest), varint(rest)
    if kind != 21 or width != 16 or len(sizes) != 2 or num_levels > 7 or separate != min(3, num_levels - 1):
        raise ValueError("not the network of a picture")
    m = min(1, num_levels - 1)
    forms = {1: [0], 2: [0, 0], 3: [0, m, m], 4: [0, m, m, 0]}
    if firsts != forms.get(num_channels) or list(rest) != [num_channels > 2]:
        raise ValueError("planes of another form")
    levels = reversed(range(num_levels))
    keys = [(level, plane) for level in levels for plane, first in enumerate(firsts) if level >= first]
    return Network(sizes, num_levels, separate, num_channels, keys)


def _learned(data: bytes, index: int) -> tuple[list[int], list[list[int]]]:
    """Return decays, and weights of the luma context and the chroma context."""
    sizes = [_context_size(14, 7), _context_size(16, 14), _point_size(6, 3)]
    if index >= data[0] or len(data) != 1 + 4 * 169 + data[0] * (4 + 2 * sum(sizes)):
        raise ValueError("unknown index of the learned networks")
    start = 1 + 4 * 169 + 4 * data[0] + index * 2 * sum(sizes)
    weights = iter(struct.unpack_from(f"<{sum(sizes)}h", data, start))
    return list(struct.unpack_from("<169I", data, 1)), [_row(weights, size) for size in sizes[:2]]


def _context_size(num_inputs: int, num_biases: int) -> int:
    return 18 * num_inputs + 18 * num_biases + 16 * 16 + 16 + 2 * 16


def _point_size(num_features: int, num_channels: int) -> int:
    return 16 * num_features + 16 + 16 * num_channels + num_channels * num_features + num_channels


def _changed(network: Network, weights: list[list[int]], rest: Iterator[int]) -> list[list[int]]:
    """Return the weights of the picture's luma and chroma contexts; the point network has no part in integers."""
    shapes = [(len(each), 1) for each in weights]
    shapes.append((_point_size(network.separate + network.num_planes, network.num_planes), 1))
    changes = read_tensors(rest, shapes, 1)
    if len(changes) < len(shapes) or any(step not in {2.0**-k for k in range(13)} for step, _ in changes):
        raise ValueError("a step of changes that is not allowed")
    result = []
    for vector, (step, integers) in zip(weights, changes, strict=False):
        result.append([a + int(4096 * step) * b for a, b in zip(vector, integers, strict=True)])
        if any(abs(each) >= 2**16 for each in result[-1]):
            raise ValueError("a weight that is too large")
    return result


def _contexts(weights: list[list[int]]) -> tuple[Context, Context]:
    result = []
    for vector, num_inputs, num_biases in zip(weights, (14, 16), (7, 14), strict=True):
        rest = iter(vector)
        w, b, v, d = _rows(rest, num_inputs, 16), _rows(rest, num_biases, 16), _rows(rest, 16, 16), _row(rest, 16)
        o, s, e = _rows(rest, 2, 16), _rows(rest, 2, num_inputs), _rows(rest, num_biases, 2)
        result.append(Context(w, b, v, d, o, s, e))
    return result[0], result[1]


def _row(rest: Iterator[int], count: int) -> list[int]:
    return list(islice(rest, count))


def _rows(rest: Iterator[int], num_rows: int, num_columns: int) -> Grid:
    return [_row(rest, num_columns) for _ in range(num_rows)]


class _Reader:
    """The integers of the streams, grid after grid."""

    def __init__(self, network: Network, decays: list[int], luma: Context, chroma: Context) -> None:
        self.network, self.decays, self.luma, self.chroma = network, decays, luma, chroma
        self.grids: dict[Key, Grid] = {}
        self.tables: dict[Key, list[int]] = {}

    def read(self, coder: Coder, key: Key) -> None:
        """Read the integers of a grid."""
        num_rows, num_columns = self.network.shape(key[0])
        grid = self.grids[key] = [[0] * num_columns for _ in range(num_rows)]
        places = [(row, column) for row in range(num_rows) for column in range(num_columns)]
        for row, column in sorted(places, key=lambda place: (3 * place[0] + place[1], place[0])):
            mean, scale = self._predict(key, self._inputs(key, row, column))
            grid[row][column] = self._integer(coder, mean, scale)

    def _inputs(self, key: Key, row: int, column: int) -> list[int]:
        def cell(key: Key, row: int, column: int) -> int:
            grid = self.grids.get(key, [])
            inside = 0 <= row < len(grid) and 0 <= column < len(grid[0])
            return min(max(grid[row][column], -255), 255) if inside else 0

        level, plane = key
        inputs = [cell(key, row + down, column + along) for down, along in OWN]
        r, c, last = row >> 1, column >> 1, self.network.shape(level + 1)[0] - 1
        near = min(max(r + (1 if row % 2 else -1), 0), last), c + (1 if column % 2 else -1)
        inputs += [cell((level + 1, plane), i, j) for i, j in ((r, c), (r, near[1]), (near[0], c), near)]
        if self.network.is_chroma(plane):
            inputs += [cell((level, 0), row, column), cell((level, 1), row, column) if plane == 2 else 0]
        return inputs

    def _predict(self, key: Key, x: list[int]) -> tuple[int, int]:
        """Return mean and scale."""
        level, plane = key
        is_chroma = self.network.is_chroma(plane)
        net, bias = (self.chroma, 2 * level + plane - 1) if is_chroma else (self.luma, level)
        p = [max(0, net.b[bias][j] + sum(w[j] * value for w, value in zip(net.w, x, strict=True))) for j in range(16)]
        q = [sum(v[j] * each for v, each in zip(net.v, p, strict=True)) + 2**12 * (p[j] + net.d[j]) for j in range(16)]
        q = [min(max(0, each) >> 12, 2**30 - 1) for each in q]
        straight = [net.e[bias][i] + sum(s * value for s, value in zip(net.s[i], x, strict=True)) for i in range(2)]
        y = [sum(o * each for o, each in zip(net.o[i], q, strict=True)) + 2**12 * straight[i] for i in range(2)]
        mean, scale = ((each + 2**19) >> 20 for each in y)
        return min(max(mean, -(2**20)), 2**20), min(max(scale + 72, 0), 168)

    def _integer(self, coder: Coder, mean: int, scale: int) -> int:
        nearest = (mean + 8) >> 4
        c = self._table(scale, mean - 16 * nearest)
        reach, i = (len(c) - 4) // 2, symbol(coder, c)
        if 0 < i < len(c) - 2:
            return nearest + i - 1 - reach
        k = raw(coder, 5)
        if k > 29:
            raise ValueError("an escape that is too long")
        above = 2**k + raw(coder, min(k, 16))
        above += 2**16 * raw(coder, max(k - 16, 0))
        integer = nearest + (reach + above if i else -reach - above)
        if abs(integer) >= 2**30:
            raise ValueError("an integer that is too large")
        return integer

    def _table(self, scale: int, part: int) -> list[int]:
        if (scale, part) not in self.tables:
            tails = [2**23]
            while len(tails) <= 16 * 256:
                tails.append(tails[-1] * self.decays[scale] >> 32)
            reach = next((each for each in range(1, 255) if tails[16 * each] < 2**9), 255)
            n, bounds = 2 * reach + 3, [0]
            for i in range(1, n):
                g = 16 * (i - 1 - reach) - 8 - part
                bounds.append(tails[-g] if g <= 0 else 2**24 - tails[g])
            bounds.append(2**24)
            self.tables[scale, part] = [(bound * (2**24 - n) >> 24) + i for i, bound in enumerate(bounds)]
        return self.tables[scale, part]
