"""What tells a fit from others, so that a checkpoint is taken over by its own fit alone.

It is written field by field. What the classes of the settings and their fields are called has no part in it: a renamed
field neither refuses a checkpoint nor accepts another fit's.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, is_dataclass
from typing import TypeAlias

from ligeia.codec import pack_channels, pack_grid, pack_network
from ligeia.core import InputError
from ligeia.networks import NetworkConfig
from ligeia.signals import Channel, Grid

from ._recipe import LRSchedule, Optimizer, Recipe
from .optimizers._adam import Adam
from .optimizers._muon import Muon
from .optimizers._soap import Soap

Part: TypeAlias = str | int | float | bool | Sequence["Part"] | Mapping[str, "Part"] | None


def identity(kind: str, *, version: int = 1, **parts: Part) -> str:
    """Return the text that tells a fit of this kind from others: its parts by their names, in any order.

    ``version`` grows with a change of the parts, or of the program, after which a checkpoint is of no use.

    >>> identity("signal", seed=0, rate=0.5) == identity("signal", rate=0.5, seed=0)
    True
    """
    return json.dumps({"kind": kind, "version": version, **parts}, sort_keys=True, separators=(",", ":"))


def samples_part(digest: str, grid: Grid, channels: Sequence[Channel]) -> dict[str, Part]:
    """Return what tells samples of a digest, on this grid and in these channels, from others."""
    return {"samples": digest, "grid": pack_grid(grid).hex(), "channels": pack_channels(tuple(channels)).hex()}


def network_part(network: NetworkConfig) -> Part:
    """Return what tells a network from others: its record in a file."""
    return pack_network(network).hex()


def recipe_part(recipe: Recipe, optimizer: Mapping[str, Part] | None = None) -> dict[str, Part]:
    """Return the numbers of a recipe, with those of its ``optimizer`` where that is none of `optimizer_part`."""
    schedule = recipe.schedule
    return {
        "name": recipe.name,
        "optimizer": optimizer_part(recipe.optimizer) if optimizer is None else optimizer,
        "batch_size": recipe.batch_size,
        "schedule": None if schedule is None else _schedule_part(schedule),
        "divergence_threshold": recipe.divergence_threshold,
        "backoff": recipe.backoff,
    }


def optimizer_part(optimizer: Optimizer) -> dict[str, Part]:
    """Return the numbers of an optimizer; `InputError` for one that is not known here."""
    match optimizer:
        case Adam():
            numbers: dict[str, Part] = {"kind": "adam", "eps": optimizer.eps}
        case Muon():
            numbers = {"kind": "muon", "muon": optimizer.muon}
        case Soap():
            numbers = {"kind": "soap", "memory": optimizer.memory, "every": optimizer.every, "eps": optimizer.eps}
        case _:
            raise InputError(
                f"expected Adam, Muon or Soap in a fit with a checkpoint, got {type(optimizer).__name__}; leave the "
                "checkpoint out."
            )
    return numbers | {"learning_rate": optimizer.learning_rate, "betas": list(optimizer.betas)}


def numbers_of(settings: object) -> list[float]:
    """Return all numbers of a dataclass and of those in it, in ascending order, for settings that have very many.

    Neither their names nor their order count then; two settings that swap their values are not told apart.
    """
    assert is_dataclass(settings)
    assert not isinstance(settings, type)
    return sorted(_leaves(astuple(settings)))


def _leaves(value: object) -> Iterator[float]:
    if isinstance(value, tuple):
        for each in value:
            yield from _leaves(each)
    elif isinstance(value, (int, float)):
        yield value


def _schedule_part(schedule: LRSchedule) -> dict[str, Part]:
    return {
        "warmup_steps": schedule.warmup_steps,
        "first_stage": schedule.first_stage,
        "slow_after": schedule.slow_after,
        "slow_power": schedule.slow_power,
    }
