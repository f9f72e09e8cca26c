"""Fields of small tiles of a signal, fitted to samples as means over footprints, blended into a finer whole.

A small part has few enough samples for a narrow network to follow all of them, so that the fit of a part ends after a
fixed number of steps, whatever is in it. Parts overlap and fade into each other. Every place is seen by the networks of
several tilings, whose edges lie apart: what their networks make up between the samples averages out.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float

from ligeia import fitting
from ligeia.core import map_on_threads, num_threads, random_stream
from ligeia.field import Field
from ligeia.fitting import Adam, FootprintSamples, LRSchedule, Recipe, Values
from ligeia.networks import SirenArchitecture
from ligeia.signals import Channel, Grid

from ._consistency import room_for

_LEAST_LENGTH: Final = 8
_OVERLAP: Final = 1 / 8  # of a tile


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class TileSettings:
    """How the field of a tile is fitted. The defaults, and what else was tried: ``design/enlargement.md``."""

    hidden_features: int = 64
    hidden_layers: int = 3
    omega_0: float = 30.0
    radians_per_sample: float = 0.9
    """Largest phase by which the first layer advances from sample to sample, in radians, over all initial weights."""
    steps: int = 800
    """Of a tile of 4,096 samples; as the root of their number for others."""
    batch_size: int = 256
    learning_rate: float = 5e-4
    num_tilings: int = 3
    """Number of networks that cover each place; the borders of tiles differ from tiling to tiling."""
    tile_samples: int = 4096
    """Samples of the lattice in a tile, about."""

    def recipe(self) -> Recipe:
        """Return the recipe: a known number of steps over which the learning rate decays to 0."""
        return Recipe(
            name="tiles",
            optimizer=Adam(learning_rate=self.learning_rate, betas=(0.9, 0.99)),
            batch_size=self.batch_size,
            schedule=LRSchedule(warmup_steps=20, slow_after=math.inf),
            divergence_threshold=None,
        )


class Tile(NamedTuple):
    """Part of a lattice of samples: its core, and its overlap with neighboring cores."""

    number: int
    core: tuple[tuple[int, int], ...]
    """First and last (exclusive) sample along each axis."""
    reach: tuple[int, ...]
    lattice: tuple[int, ...]
    """Samples per axis of the whole."""

    def ranges(self) -> tuple[tuple[int, int], ...]:
        """Return the first and the last (exclusive) sample along each axis, with the reach."""
        parts = zip(self.core, self.reach, self.lattice, strict=True)
        return tuple((max(0, start - reach), min(size, stop + reach)) for (start, stop), reach, size in parts)

    def coordinates(self, axis: int, places: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return the coordinates in the tile's [-1, 1] of places along an axis, in samples from the lattice's edge."""
        start, stop = self.ranges()[axis]
        return 2 * (places - start) / (stop - start) - 1


ObjectiveOf = Callable[[Tile, int], Values | FootprintSamples | Float[np.ndarray, " c"]]
"""Makes the objective of a tile, given the seed of its fit; for a constant tile, returns its values instead."""


def blended(
    lattice: Sequence[int],
    shape: Sequence[int],
    channels: Sequence[Channel],
    objective_of: ObjectiveOf,
    *,
    settings: TileSettings | None = None,
    seed: int = 0,
    on_tile: Callable[[int, int], None] | None = None,
) -> Float[np.ndarray, "*shape c"]:
    """Fit a field to each tile of a lattice of samples, and return their mean at ``shape`` samples of the same domain.

    Values are in the channels' units. ``on_tile`` is called with the number of tiles done and their total. A result
    of more than 256 MiB is a memory map of a temporary file.
    """
    settings = TileSettings() if settings is None else settings
    scales = [new / old for new, old in zip(shape, lattice, strict=True)]
    tiles = all_tiles(lattice, scales, settings.num_tilings, settings.tile_samples)
    result = room_for((*shape, len(channels)))
    done = itertools.count(1)

    def fit_one(tile: Tile) -> tuple[tuple[slice, ...], np.ndarray]:
        objective = objective_of(tile, seed + tile.number)
        places, window = _window(tile, scales)
        if isinstance(objective, np.ndarray):
            found = objective.astype(np.float32)
        else:
            field = _fitted(tile, channels, objective, settings, seed + tile.number)
            edges = [tile.coordinates(axis, (each + 0.5) / scales[axis]) for axis, each in enumerate(places)]
            points = np.stack(np.meshgrid(*edges, indexing="ij"), axis=-1).astype(np.float32)
            with torch.no_grad():
                found = field(torch.from_numpy(points)).numpy()
        if on_tile is not None:
            on_tile(next(done), len(tiles))
        where = tuple(slice(int(each[0]), int(each[-1]) + 1) for each in places)
        return where, found * (window[..., None] / settings.num_tilings)

    # in groups, to limit the results waiting to be added; always in the same order, for the same bits
    group = 4 * num_threads()
    for start in range(0, len(tiles), group):
        for where, part in map_on_threads(fit_one, tiles[start : start + group]):
            result[where] += part
    return result


def all_tiles(lattice: Sequence[int], scales: Sequence[float], num_tilings: int, tile_samples: int) -> list[Tile]:
    """Return the tiles of all tilings, each of which covers the lattice."""
    lengths = _tile_lengths(lattice, scales, tile_samples)
    overlaps = [max(2, round(length * _OVERLAP)) for length in lengths]
    tiles: list[Tile] = []
    for tiling in range(num_tilings):
        cores = []
        for size, length, overlap in zip(lattice, lengths, overlaps, strict=True):
            bounds = [0, size] if length >= size else _bounds(size, length - overlap, tiling / num_tilings)
            cores.append(list(itertools.pairwise(bounds)))
        reach = tuple(overlap // 2 for overlap in overlaps)
        for core in itertools.product(*cores):
            tiles.append(Tile(len(tiles), core, reach, tuple(lattice)))
    return tiles


def _tile_lengths(lattice: Sequence[int], scales: Sequence[float], tile_samples: int) -> list[int]:
    """Return the samples of a tile per axis: as many new ones along each, about ``tile_samples`` old ones in all."""
    lengths, left = [0] * len(lattice), float(tile_samples)
    rest = sorted(range(len(lattice)), key=lambda axis: lattice[axis] * scales[axis])
    while rest:  # the shortest first: the others share the remainder
        new_length = (left * math.prod(scales[axis] for axis in rest)) ** (1 / len(rest))
        axis = rest.pop(0)
        lengths[axis] = min(lattice[axis], max(_LEAST_LENGTH, round(new_length / scales[axis])))
        left /= lengths[axis]
    return lengths


def _bounds(size: int, core: int, shift: float) -> list[int]:
    """Return where cores of about ``core`` samples meet; shifted, the first and the last are shorter."""
    count = max(1, round(size / core))
    inner = [round((each + (shift or 1)) * size / count) for each in range(count if shift else count - 1)]
    return [0, *inner, size]


def _window(tile: Tile, scales: Sequence[float]) -> tuple[list[np.ndarray], Float[np.ndarray, "*part"]]:
    """Return the new samples in a tile along each axis, and their weights, which make 1 with those of its neighbors."""
    places, window = [], np.ones((1,) * len(scales), np.float32)
    for axis, ((first, last), (start, stop)) in enumerate(zip(tile.core, tile.ranges(), strict=True)):
        scale, reach = scales[axis], tile.reach[axis]
        index = np.arange(math.ceil(start * scale - 0.5), math.ceil(stop * scale - 0.5))
        edge = (index + 0.5) / scale  # in old samples, from the edge of the first
        weight = np.ones(len(index))
        if first > 0:
            weight *= _ramp((edge - first + reach) / (2 * reach))
        if last < tile.lattice[axis]:
            weight *= 1 - _ramp((edge - last + reach) / (2 * reach))
        places.append(index)
        window = window * weight.astype(np.float32).reshape([-1 if each == axis else 1 for each in range(len(scales))])
    return places, window


def _ramp(x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    x = x.clip(0, 1)
    return x * x * (3 - 2 * x)


def _fitted(
    tile: Tile, channels: Sequence[Channel], objective: Values | FootprintSamples, settings: TileSettings, seed: int
) -> Field:
    sizes = [stop - start for start, stop in tile.ranges()]
    siren = SirenArchitecture(
        hidden_features=settings.hidden_features, hidden_layers=settings.hidden_layers, omegas=settings.omega_0
    )
    network = siren.build(
        len(sizes),
        len(channels),
        # the first weights are U(+-1/axes), and from sample to sample coordinates go 2 / size
        frequencies=[settings.radians_per_sample * size / 2 for size in sizes],
        generator=random_stream(seed, "initial weights"),
    )
    field = Field(network, Grid.of(sizes), channels)
    steps = settings.steps * math.sqrt(objective.num_points / 4096)
    num_passes = steps / math.ceil(objective.num_points / settings.batch_size)
    fitting.fit(field, objective, settings.recipe(), fitting.passes(num_passes), seed=seed)
    return field
