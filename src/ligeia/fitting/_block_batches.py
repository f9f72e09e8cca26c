"""Shuffled batches of samples that are on disk: groups of random blocks are read ahead, and shuffled in memory."""

import atexit
import threading
import weakref
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Int, Shaped

from ligeia.core import InputError, random_stream
from ligeia.signals import Blocks

_ORDER_BYTES = 4  # of a sample's place in the order of its group
_MANY = 4096  # blocks of a group that cost nothing in quality (design/bigger-than-memory.md)
_MOST_PARTS = 17  # of a block, to reach that number: a block is read once per part in a pass
_LEAST_PART = 16  # samples, for which a block is read
_PATIENCE_S = 5.0  # with a thread that reads when the program ends
_GROUPS = 2  # in memory: the one that batches come from, and the next


@final
class _Parts(Blocks):
    """Blocks of every n-th sample of other blocks: more places at a time, for more reading."""

    def __init__(self, blocks: Blocks, num_parts: int) -> None:
        super().__init__(blocks.shape, blocks.dtype, working_set=blocks.working_set)
        self._blocks = blocks
        self._num_parts = num_parts

    @property
    def largest(self) -> int:
        return -(-self._blocks.largest // self._num_parts)

    def read(self, number: int) -> Shaped[np.ndarray, "n channels"]:
        return self._blocks.read(number // self._num_parts)[number % self._num_parts :: self._num_parts]

    def take(self, indices: Int[np.ndarray, " n"]) -> Shaped[np.ndarray, "n channels"]:
        return self._blocks.take(indices)

    def locate(self, indices: Int[np.ndarray, " n"]) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
        numbers, offsets = self._blocks.locate(indices)
        offsets, parts = np.divmod(offsets, self._num_parts)
        return numbers * self._num_parts + parts, offsets

    def place(self, numbers: Int[np.ndarray, " n"], offsets: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        numbers, parts = np.divmod(numbers, self._num_parts)
        return self._blocks.place(numbers, offsets.astype(np.int64) * self._num_parts + parts)

    def _all_sizes(self) -> np.ndarray:
        parts = np.arange(self._num_parts)
        return ((self._blocks.sizes[:, None] - parts + self._num_parts - 1) // self._num_parts).reshape(-1)


@final
@dataclass(frozen=True, slots=True)
class _Group:
    """Samples of random blocks, and the order that they are drawn in."""

    numbers: Int[np.ndarray, " blocks"]
    """Of the blocks, ascending."""
    starts: Int[np.ndarray, " blocks"]
    """Of their samples, among those of the group."""
    samples: Shaped[np.ndarray, "n channels"]
    order: Int[np.ndarray, " n"]


@final
class BlockBatches:
    """Mini-batches of samples on disk.

    A pass sees every sample once. It takes all blocks in random order, in groups of as many as fit into half of the
    working set (including the order of the samples); the samples of a group are shuffled together. If a group has few
    blocks, it takes random parts of more blocks instead. A thread reads the next group meanwhile.
    """

    def __init__(self, blocks: Blocks, batch_size: int | None, seed: int) -> None:
        most = blocks.working_set // (_GROUPS * (blocks.sample_bytes + _ORDER_BYTES))
        if batch_size is None:
            raise InputError(
                "expected batches for an array larger than the working set, this recipe takes all samples at "
                "once; choose the recipe fast, or a larger working set."
            )
        if most < max(blocks.largest, batch_size):
            least = max(blocks.largest, batch_size) * _GROUPS * (blocks.sample_bytes + _ORDER_BYTES)
            raise InputError(
                f"expected a working set of {-(-least >> 20)} MiB or more for blocks (chunks) of {blocks.largest} "
                f"samples and batches of {batch_size}, got {blocks.working_set / 2**20:g} MiB; allow more."
            )
        num_parts = min(-(-_MANY * blocks.largest // most), _MOST_PARTS, blocks.largest // _LEAST_PART)
        # an odd number: in boxes of 16^3, every 16th sample would form a plane, every 17th forms a lattice
        blocks = _Parts(blocks, (num_parts - 1) | 1) if num_parts > 2 else blocks
        self.num_points = blocks.num_samples
        self.num_per_pass = -(-self.num_points // batch_size)
        self._blocks = blocks
        self._seed = seed
        num_groups = -(-blocks.num_blocks // (most // blocks.largest))
        self._bounds = np.arange(num_groups + 1) * blocks.num_blocks // num_groups
        self._passes: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._groups: dict[tuple[int, int], _Group] = {}
        self._ahead: tuple[tuple[int, int], _Reading] | None = None
        self._stopped = threading.Event()
        weakref.finalize(self, self._stopped.set)

    def __getitem__(self, step: int) -> Int[np.ndarray, " n"]:
        """Return the flat indices of the points that step ``step`` (from 0) sees; `samples` has them until the next."""
        number, position = divmod(step, self.num_per_pass)
        start = position * self.num_points // self.num_per_pass
        stop = (position + 1) * self.num_points // self.num_per_pass
        ends = self._order_of_pass(number)[1]
        first = int(np.searchsorted(ends, start, side="right")) - 1
        last = int(np.searchsorted(ends, stop, side="left")) - 1
        wanted = [(number, each) for each in range(first, last + 1)]
        self._hold(wanted)
        found = []
        for key in wanted:
            group = self._groups[key]
            low, high = (min(max(each - int(ends[key[1]]), 0), len(group.order)) for each in (start, stop))
            chosen = group.order[low:high]
            block = np.searchsorted(group.starts, chosen, side="right") - 1
            found.append(self._blocks.place(group.numbers[block], chosen - group.starts[block]))
        return found[0] if len(found) == 1 else np.concatenate(found)

    def samples(self, indices: Int[np.ndarray, " n"]) -> Shaped[np.ndarray, "n channels"] | None:
        """Return the samples at flat indices if all are in memory."""
        numbers, offsets = self._blocks.locate(indices)
        found = np.empty((len(indices), self._blocks.shape[-1]), self._blocks.dtype)
        left = np.ones(len(indices), bool)
        for group in self._groups.values():
            block = np.minimum(np.searchsorted(group.numbers, numbers), len(group.numbers) - 1)
            here = group.numbers[block] == numbers
            if here.all():
                return group.samples[group.starts[block] + offsets]
            found[here] = group.samples[group.starts[block[here]] + offsets[here]]
            left &= ~here
        return None if left.any() else found

    def _hold(self, wanted: list[tuple[int, int]]) -> None:
        """Keep only the ``wanted`` groups in memory, and start reading the next one if there is room."""
        if list(self._groups) == wanted:
            return
        self._groups = {key: group for key, group in self._groups.items() if key in wanted}
        for key in wanted:
            if key not in self._groups:
                ahead, self._ahead = self._ahead, None
                if ahead is not None and ahead[0] != key:
                    ahead[1].result()  # an extra group, after a jump
                self._groups[key] = ahead[1].result() if ahead is not None and ahead[0] == key else self._read(key)
        self._groups = {key: self._groups[key] for key in wanted}
        if len(wanted) < _GROUPS and self._ahead is None:
            number, group = wanted[-1]
            key = (number, group + 1) if group + 2 < len(self._bounds) else (number + 1, 0)
            self._ahead = key, _Reading(self._blocks, *self._content(key), self._stopped)

    def _read(self, key: tuple[int, int]) -> _Group:
        return _Reading(self._blocks, *self._content(key), self._stopped).result()

    def _content(self, key: tuple[int, int]) -> tuple[np.ndarray, torch.Generator]:
        """Return the numbers of the blocks of a group, and the generator that shuffles their samples."""
        number, group = key
        numbers = self._order_of_pass(number)[0][self._bounds[group] : self._bounds[group + 1]]
        index = number * (len(self._bounds) - 1) + group
        return np.sort(numbers), random_stream(self._seed, "samples of a group", index)

    def _order_of_pass(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the blocks of a pass in order, and where in it each group begins (and the last one ends)."""
        if number not in self._passes:
            stream = random_stream(self._seed, "blocks", number)
            order = torch.randperm(self._blocks.num_blocks, generator=stream, dtype=torch.int32).numpy()
            ends = np.cumsum(self._blocks.sizes[order])[self._bounds[1:] - 1]
            self._passes = {each: kept for each, kept in self._passes.items() if abs(each - number) == 1}
            self._passes[number] = order, np.concatenate([[0], ends])
        return self._passes[number]


@final
class _Reading:
    """A thread that reads a group. It keeps no reference to its caller, and ends early once that is gone."""

    def __init__(
        self,
        blocks: Blocks,
        numbers: Int[np.ndarray, " blocks"],
        generator: torch.Generator,
        stopped: threading.Event,
    ) -> None:
        self._content = blocks, numbers, generator, stopped
        self._group: _Group | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)  # the program waits only briefly for it
        self._thread.start()
        _readings.add(self)

    def end(self) -> None:
        """Ask the thread to end after the current block, and wait briefly: torch aborts if Python is gone."""
        self._content[-1].set()
        self._thread.join(_PATIENCE_S)

    def result(self) -> _Group:
        """Wait for the group."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._group is not None
        return self._group

    def _run(self) -> None:
        blocks, numbers, generator, stopped = self._content
        try:
            ends = np.cumsum(blocks.sizes[numbers])
            starts = ends - blocks.sizes[numbers]
            samples = np.empty((int(ends[-1]), blocks.shape[-1]), blocks.dtype)
            for number, start, end in zip(numbers.tolist(), starts.tolist(), ends.tolist(), strict=True):
                if stopped.is_set():
                    return
                samples[start:end] = blocks.read(number)
            if stopped.is_set():
                return
            order = torch.randperm(len(samples), generator=generator, dtype=torch.int32).numpy()
            self._group = _Group(numbers, starts, samples, order)
        except BaseException as error:  # raised again where the group is requested
            self._error = error


_readings: weakref.WeakSet[_Reading] = weakref.WeakSet()


@atexit.register
def _end_readings() -> None:
    for reading in list(_readings):
        reading.end()


@final
class BlockSamples:
    """The samples of a signal on disk that a fit needs: those of its batches, and a random subset for measurements.

    The subset is drawn uniformly from all samples, read once and kept.
    """

    def __init__(self, blocks: Blocks, num_measured: int, seed: int) -> None:
        self.blocks = blocks
        self.batches: BlockBatches | None = None
        # at most an eighth of the working set, in addition to the groups
        most = max(1 << 12, blocks.working_set // (8 * (blocks.sample_bytes + 8)))
        count = min(num_measured, most, blocks.num_samples)
        if count == blocks.num_samples:
            self._drawn = torch.randperm(count, generator=random_stream(seed, "measured samples")).numpy()
        else:
            stream = random_stream(seed, "measured samples")
            self._drawn = torch.randint(blocks.num_samples, (count,), generator=stream).numpy()
        self._indices = np.sort(self._drawn)
        self._samples = blocks.take(self._indices)

    @property
    def num_measured(self) -> int:
        """Number of samples that can be measured on."""
        return len(self._drawn)

    def measured(self, count: int) -> Int[np.ndarray, " n"]:
        """Return the flat indices of ``count`` samples to measure on, ascending."""
        return np.sort(self._drawn[:count])

    def __getitem__(self, indices: Int[np.ndarray, " n"]) -> Shaped[np.ndarray, "n channels"]:
        """Return the samples at flat indices; others than those of a batch or measured ones are read now."""
        found = None if self.batches is None else self.batches.samples(indices)
        if found is not None:
            return found
        place = np.minimum(np.searchsorted(self._indices, indices), len(self._indices) - 1)
        if bool((self._indices[place] == indices).all()):
            return self._samples[place]
        return self.blocks.take(indices)
