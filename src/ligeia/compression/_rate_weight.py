"""The rate weight of a picture file: where it begins, how it follows a target, and how a fit that missed it ends.

The fit minimizes the error plus the rate weight times the bits per pixel, so a target of bytes or of error is met by
the right rate weight: short fits find the first one, looks at what rounding would give correct it on the way.
"""

import math
from dataclasses import replace
from typing import Any, Final, NamedTuple, final

import numpy as np
from jaxtyping import Float32

from ligeia.codec import picture_network
from ligeia.networks import NetworkConfig

from ._latent_settings import LatentSettings, LatentTarget
from ._latents import LEAST_ERROR, LatentState

_NUMBERS: Final = ("value", "_looked_at", "_pending", "_settled", "_steps_value")


class Landing(NamedTuple):
    """More steps after a fit that missed its target."""

    begin: float
    """The share of a fit that they begin at."""
    num_steps: int


@final
class RateWeight:
    """The rate weight of a bit per pixel, in squared errors of network units."""

    def __init__(self, first: float, target: LatentTarget, num_steps: int, settings: LatentSettings) -> None:
        self.value = first
        self._target, self._num_steps, self._settings = target, num_steps, settings
        self._least = settings.rate_weight.least / num_steps
        self._steps_value = first  # for which the steps of the grids were chosen
        self._settled = math.log(first)  # of the rate weight whose bits these would be, had it been the same all along
        self._looked_at = -math.inf
        self._pending = 0.0  # what past changes have yet to change

    @property
    def is_least(self) -> bool:
        """Whether more bits could not be asked for."""
        return self.value <= self._least

    def follow(self, state: LatentState, position: float) -> None:
        """Move towards the target, given what comes of bits and error from here to the end."""
        settings = self._settings.rate_weight
        first, last = settings.followed
        since = position - self._looked_at
        if not first <= position <= last or since < 1 / settings.looks:
            return
        self._looked_at = position
        self._pending *= math.exp(-since / settings.lag)
        gain = self._gain(position)
        excess = self._excess(state, position) - self._pending
        change = min(max(-settings.most_answer, settings.answer * excess / gain), settings.most_answer)
        least = max(self._least, self._steps_value / settings.farthest)
        rate_weight = min(max(least, self.value * math.exp(change)), self._steps_value * settings.farthest)
        change = math.log(rate_weight / self.value)
        self._pending += gain * change
        self._settled += (1 - position) * change
        self.value = rate_weight

    def missed(self, num_bytes: int, error: float) -> float:
        """Return by how much the logarithm of the bytes, or of the quality, is too large; 0 where all is well."""
        if self._target.num_bytes is not None:
            return math.log(num_bytes / self._target.num_bytes)
        error = max(LEAST_ERROR, error)
        missed = math.log((self._target.error or error) / error)
        return 0.0 if abs(missed) <= self._settings.landing.near else missed

    def land(self, state: LatentState, excess: float) -> Landing:
        """Choose another rate weight, and grid steps if the target is far off; return which steps of the fit follow."""
        settings = self._settings.landing
        begin = next(position for most, position in settings.begins if abs(excess) <= most)
        if abs(excess) > settings.far:
            rate_weight = math.exp(self._settled + excess / settings.bits_per_steps)
            self.value = self._steps_value = max(self._least, rate_weight)
            state.choose_steps(self.value)
            self._settled = math.log(self.value)
        else:
            rate_weight = max(math.log(self._least), self._settled + excess / self._gain(begin))
            self.value = math.exp(rate_weight)
            self._settled += (1 - begin) * (rate_weight - self._settled)
        num_steps = max(settings.least_steps, round(settings.share * (1 - begin) * self._num_steps))
        return Landing(begin, num_steps)

    def to_plain(self) -> dict[str, Any]:
        """Return the state as numbers."""
        return {name: getattr(self, name) for name in _NUMBERS}

    def load_plain(self, plain: dict[str, Any]) -> None:
        """Take over the state that `to_plain` gave."""
        for name in _NUMBERS:
            setattr(self, name, plain[name])

    def _excess(self, state: LatentState, position: float) -> float:
        """Return the logarithm of the bits over those wanted, or of the wanted error over that there is, at the end."""
        bits, error = state.evaluate_rounded()
        settings = self._settings.rate_weight
        if self._target.num_bytes is not None:
            spare = self._settings.landing.spare
            room = max(1.0, (1 - spare) * 8.0 * self._target.num_bytes - state.network_bits())
            least, slope = settings.spread
            spread = least + slope * bits / state.num_pixels
            more = float(np.interp(position, settings.positions, settings.bits_then)) / spread
            return math.log(bits / (1 + more) / room)
        error = max(LEAST_ERROR, error) / (1 + float(np.interp(position, settings.positions, settings.error_then)))
        return math.log((self._target.error or error) / error)

    def _gain(self, position: float) -> float:
        """Return d log bits, or d log error, at the end of a fit over d log rate weight here."""
        return self._settings.rate_weight.gain * (1 - position)


def first_rate_weight(
    network: NetworkConfig,
    picture: Float32[np.ndarray, "c h w"],
    target: LatentTarget,
    num_steps: int,
    settings: LatentSettings,
) -> float:
    """Return the rate weight at which a few short fits are estimated to meet the target; large pictures are sampled."""
    pilots = settings.pilots
    while picture[0].size > pilots.most_pixels:  # of a narrow picture more than once
        network, picture, target = _sampled(picture, target, settings)
    rate_weight, least = pilots.first_rate_weight, settings.rate_weight.least / num_steps
    pilot_steps = min(pilots.most_steps, max(pilots.least_steps, pilots.work // picture[0].size))
    longer = math.log(num_steps / pilot_steps)
    moves_networks = moves_networks_for(target, settings)
    for _ in range(pilots.most_fits):
        state = LatentState(network, picture, rate_weight, settings, moves_networks=moves_networks)
        for step in range(pilot_steps):
            state.take(step / pilot_steps, step, rate_weight)
        bits, error = state.evaluate_rounded()
        bits, error = bits + state.network_bits(), max(LEAST_ERROR, error)
        if target.num_bytes is not None:
            excess = (
                math.log(bits / (8 * target.num_bytes)) - pilots.bits_power * longer
            ) / pilots.bits_per_rate_weight
        else:
            excess = (
                math.log((target.error or error) / error) + pilots.error_power * longer
            ) / pilots.error_per_rate_weight
        rate_weight = min(max(least, rate_weight * math.exp(excess)), settings.rate_weight.most)
        if abs(excess) < pilots.near:
            break
    return rate_weight


def moves_networks_for(target: LatentTarget, settings: LatentSettings) -> bool:
    """Return whether a file of a target has room for changes of networks."""
    return target.num_bytes is None or target.num_bytes >= settings.tiny_bytes


def _sampled(
    picture: Float32[np.ndarray, "c h w"], target: LatentTarget, settings: LatentSettings
) -> tuple[NetworkConfig, Float32[np.ndarray, "c rows columns"], LatentTarget]:
    """Return tiles of a large picture, evenly apart, with the network and the target that they would have."""
    num_channels, *sides = picture.shape
    num_pixels, tile = picture[0].size, settings.pilots.tile
    counts = [-(-side // tile) for side in sides]
    thinner = math.sqrt(math.prod(counts) * tile**2 / settings.pilots.most_pixels)
    kept = [max(1, min(count, math.floor(count / thinner))) for count in counts]
    for axis, (side, count) in enumerate(zip(sides, kept, strict=True), 1):
        length = min(side, tile)
        starts = np.linspace(0, side - length, count).round().astype(np.int64)
        picture = picture.take((starts[:, None] + np.arange(length)).ravel(), axis)
    if target.num_bytes is not None:
        share = picture[0].size / num_pixels
        target = replace(target, num_bytes=max(1, round(target.num_bytes * share)))
    rows, columns = picture.shape[1:]
    return picture_network((rows, columns), num_channels), np.ascontiguousarray(picture), target
