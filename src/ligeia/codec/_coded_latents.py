"""The latents of a picture as an optimizer of a fit: grids, networks, and a price of bits that follows a target."""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, final

import numpy as np
import torch
from jaxtyping import Float32, Int32
from torch import Tensor

from ligeia.kernels import Relaxation
from ligeia.networks import NetworkConfig

from ._latent_fit import Relaxing, analyze, fit_of, move_networks, network_moments, set_steps
from ._latent_layout import Steps, picture_network
from ._latent_model import FRACTION
from ._latent_networks import VERSION, learned
from ._latents import Latents, changed, changed_by, coded_levels, in_floats, latents_bytes, point_tensors
from ._quantized import QuantizedTensor
from ._weights import pack_quantized

_ONE: Final = 1 << FRACTION
_STEP_OF_PRICE: Final = 2 * 1.2 * math.sqrt(8.66 / 4)  # of level 0 over the root of a price in network units
_FINER_LEVEL, _FINER_CHROMA = 4, 2  # eighths of an octave
_CHANGE_NATS, _CHANGE_WIDTH = 2.5, 2.0**-6  # a change of a weight by d costs 2.5 ln(1 + d / width), ...
_CHANGE_BITS: Final = 4.6  # ... and takes so many bits for each unit of the logarithm, in the steps chosen at the end
_FINENESSES: Final = range(4, 10)  # of changes, as negative powers of 2
_FOLLOWED: Final = (0.15, 0.94)  # shares of a fit between which the price moves
_POSITIONS: Final = (0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
# how much more bits and error rounded values give then than at the end, as shares (design/picture-files.md): the bits
# where there are 0.3 of them per pixel, and fewer by the factor in which these are more
_BITS_THEN: Final = (0.42, 0.355, 0.295, 0.25, 0.18, 0.13, 0.09, 0.055, 0.028, 0.008, 0.0)
_ERROR_THEN: Final = (0.26, 0.19, 0.14, 0.11, 0.065, 0.04, 0.025, 0.013, 0.006, 0.001, 0.0)
_SPREAD: Final = (0.62, 1.27)
_GAIN: Final = 0.47  # changes of logarithms of bits at the end over those of the price at the beginning
_LAG: Final = 0.06  # shares of a fit until bits have followed the price, but for 1/e
_ANSWER, _MOST_ANSWER = 0.35, 0.2  # of what is foretold to miss the target, at each look; change of the logarithm
_FARTHEST: Final = 2.5  # factor between the price and that for which steps were chosen
_LOOKS: Final = 50  # per fit, at what rounding would give
_FIRST_PRICE: Final = 6e-3
_LEAST_PRICE: Final = 1e-3  # over the steps of a fit: below it these do not suffice, and more bytes make it worse
_MOST_PRICE: Final = 1.0
_PILOT_STEPS, _MOST_PILOT_STEPS, _MOST_PILOTS = 24, 96, 4
_PILOT_WORK: Final = 24 << 17  # pixels times steps
_MOST_PILOT_PIXELS, _TILE = 1 << 20, 192  # larger pictures are sampled by so many pixels, in tiles of that side
_PILOT_BITS, _PILOT_ERROR = 0.08, 0.3  # powers of how much longer a fit is, by which it ends with less of both
_BITS_PER_PRICE, _ERROR_PER_PRICE = 0.48, 0.56  # changes of logarithms, from fit to fit
_PILOT_NEAR: Final = 0.2
_COARSE_LEVELS: Final = 2  # of all but these are in a file's first chunk
_TINY: Final = 400  # bytes
_SPARE: Final = 0.008  # of the bytes wanted
_NEAR: Final = 0.024  # of the bytes, or the error: what may be missed
_CLEAR: Final = 0.004  # of what is too large, that is taken away beside it: the first time, then 4, 9, ... times that
_MOST_LANDINGS: Final = 6  # more steps after a fit that missed its target
_FAR, _BITS_PER_STEPS = 0.05, 0.9  # missed by more: other steps; changes of logarithms then, bits over price
_LANDINGS: Final = ((0.02, 0.85), (_FAR, 0.6), (math.inf, 0.4))  # missed by so much: where in a fit they begin
_LANDING, _LEAST_LANDING = 0.3, 24  # how many of the steps that would be left then; at least
_NUMBERS: Final = (
    "price",
    "_bits",
    "_rounded_bits",
    "_rounded_error",
    "_looked_at",
    "_pending",
    "_settled",
    "_steps_price",
)
_OTHER_KEYS: Final = 1 << 20  # of noise, than those of the fit
_LEAST_ERROR: Final = 1e-12
_MOST_WEIGHT: Final = 15.9  # of the networks, in a file


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class LatentTarget:
    """What a picture file is to be: so many bytes for its grids and networks, of a mean squared error, or of a price.

    Errors are in network units, whose range is 2; the price is that of a bit per pixel. One of the three is given.
    """

    num_bytes: int | None = None
    error: float | None = None
    price: float | None = None


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class CodedLatents:
    """How latents are fitted; ``network`` and ``picture`` ``(c, h, w)`` in network units say to what."""

    network: NetworkConfig
    picture: Float32[np.ndarray, "c h w"] = field(repr=False)
    target: LatentTarget
    num_steps: int
    """Of the whole fit."""
    relaxing: Relaxing = field(default_factory=Relaxing)
    version: int = VERSION

    @property
    def learning_rate(self) -> float:
        """That of the latents, at first."""
        return self.relaxing.latent_rate

    def moments(self, parameters: Sequence[Tensor]) -> "LatentMoments":
        """Return the state of such a fit; the parameters are those of the picture's network, which it sets."""
        return LatentMoments(self, parameters)


@final
class LatentMoments:
    """Latents, networks, their moments and the price, from step to step."""

    def __init__(self, settings: CodedLatents, parameters: Sequence[Tensor]) -> None:
        self.settings = settings
        self.parameters = list(parameters)
        self._pixels = settings.picture.shape[1] * settings.picture.shape[2]
        self._least_price = _LEAST_PRICE / settings.num_steps
        self._bits = math.nan
        self._rounded_bits = self._rounded_error = math.nan
        self._looked_at = -math.inf
        self._pending = 0.0
        # so few bytes hold no changes of networks
        self._is_tiny = settings.target.num_bytes is not None and settings.target.num_bytes < _TINY
        self._at_end: dict[str, Any] | None = None
        self.price = settings.target.price or self._first_price()
        self._settled = math.log(self.price)  # the price whose bits these would be, had it been the same all along
        self._begin(self.price)
        self.show()

    def _begin(self, price: float) -> None:
        """Choose steps and learned networks for a price, and begin with the pyramid of the picture."""
        found = learned(self.settings.version)
        self.price = self._steps_price = price
        self.steps = _steps_at(price)
        # a range of 1 is half as wide as that of network units
        self.index = int(np.argmin(np.abs(np.log(np.array(found.prices) * 4 / price))))
        self._base = found.networks_for(self.index, self.settings.network)
        self._vectors = [in_floats(each) for each in self._base]
        self._adam = network_moments(self._vectors)
        self._fit = fit_of(
            self.settings.network, self.settings.picture, self.steps, self._vectors[:2], self._vectors[2]
        )
        analyze(self._fit, self.settings.relaxing.dead_zones)

    def _first_price(self) -> float:
        """Return the price at which a few short fits, of a sample of large pictures, foretell the target."""
        if self._pixels > _MOST_PILOT_PIXELS:
            return LatentMoments(_sampled(self.settings), ()).price
        target, price = self.settings.target, _FIRST_PRICE
        longer = math.log(self.settings.num_steps / self._num_pilot_steps())
        for _ in range(_MOST_PILOTS):
            bits, error = self._pilot(price)
            if target.num_bytes is not None:
                excess = (math.log(bits / (8 * target.num_bytes)) - _PILOT_BITS * longer) / _BITS_PER_PRICE
            else:
                excess = (math.log((target.error or error) / error) + _PILOT_ERROR * longer) / _ERROR_PER_PRICE
            price = min(max(self._least_price, price * math.exp(excess)), _MOST_PRICE)
            if abs(excess) < _PILOT_NEAR:
                break
        return price

    def _pilot(self, price: float) -> tuple[float, float]:
        """Return bits and error that a short fit ends with."""
        self._begin(price)
        num_steps = self._num_pilot_steps()
        for step in range(num_steps):
            self.take(step / num_steps, step, follow=False)
        nats, error = self._fit.evaluate(Relaxation(is_hard=True))
        return float(nats.sum()) / math.log(2) + self._network_bits(), max(_LEAST_ERROR, error)

    def _num_pilot_steps(self) -> int:
        return min(_MOST_PILOT_STEPS, max(_PILOT_STEPS, _PILOT_WORK // self._pixels))

    def take(self, position: float, key: int, *, follow: bool = True, slower: float = 1.0) -> float:
        """Take a step at a share of the fit; return the mean squared error before it.

        ``key`` tells its noise from that of other steps. The price follows the target unless ``follow`` is False.
        ``slower`` multiplies the rates.
        """
        relaxation = self.settings.relaxing.relaxation(position, key * 0x85EBCA6B)
        step = self._fit.num_steps
        price = self.price / (self._pixels * math.log(2))  # of a nat
        nats, error = self._fit.evaluate(relaxation, price=price, with_grad=True)
        self._bits = float(nats.sum()) / math.log(2)
        if not math.isfinite(error):
            return error
        self.settings.relaxing.move_latents(self._fit, position, slower)
        grads = [*self._fit.context_grads, self._fit.point_grad]
        for vector, base, grad in zip(self._vectors, self._base, grads, strict=True):
            change = vector - in_floats(base)
            slope = np.sign(change) / (np.abs(change) + np.float32(_CHANGE_WIDTH))
            np.add(grad, np.float32(price * _CHANGE_NATS) * slope, out=grad)
        if not self._is_tiny:
            move_networks(self._adam, grads, slower * self.settings.relaxing.rates(position, step)[1])
        if follow:
            self._follow(position)
        return error

    def _follow(self, position: float) -> None:
        """Move the price towards the target, given what comes of bits and error from here to the end."""
        first, last = _FOLLOWED
        since = position - self._looked_at
        if self.settings.target.price is not None or not first <= position <= last or since < 1 / _LOOKS:
            return
        self._looked_at = position
        nats, self._rounded_error = self._fit.evaluate(Relaxation(is_hard=True))
        self._rounded_bits = float(nats.sum()) / math.log(2)
        self._pending *= math.exp(-since / _LAG)
        excess = self._excess(position) - self._pending
        change = min(max(-_MOST_ANSWER, _ANSWER * excess / _gain(position)), _MOST_ANSWER)
        least, farthest = max(self._least_price, self._steps_price / _FARTHEST), self._steps_price * _FARTHEST
        price = min(max(least, self.price * math.exp(change)), farthest)
        change = math.log(price / self.price)
        self._pending += _gain(position) * change
        self._settled += (1 - position) * change
        self.price = price

    def _excess(self, position: float) -> float:
        """Return the logarithm of the bits over those wanted, or of the wanted error over that there is, at the end."""
        target = self.settings.target
        if target.num_bytes is not None:
            room = max(1.0, (1 - _SPARE) * 8.0 * target.num_bytes - self._network_bits())
            least, slope = _SPREAD
            spread = least + slope * self._rounded_bits / self._pixels
            return math.log(
                self._rounded_bits / (1 + float(np.interp(position, _POSITIONS, _BITS_THEN)) / spread) / room
            )
        error = max(_LEAST_ERROR, self._rounded_error) / (1 + float(np.interp(position, _POSITIONS, _ERROR_THEN)))
        return math.log((target.error or error) / error)

    def _network_bits(self) -> float:
        changes = [np.abs(v - in_floats(b)) for v, b in zip(self._vectors, self._base, strict=True)]
        return _CHANGE_BITS * float(sum(np.log1p(each / _CHANGE_WIDTH).sum() for each in changes))

    @property
    def foretold_bytes(self) -> int:
        """About how many bytes grids and networks would take now."""
        return 0 if math.isnan(self._bits) else round((self._bits + self._network_bits()) / 8)

    def show(self) -> None:
        """Set the parameters, if there are any, to what a file would give now, but for the rounding of the networks."""
        if not self.parameters:
            return
        integers = self.integers()
        point = np.rint(self._vectors[2] * _ONE).astype(np.int32)
        with torch.no_grad():
            for parameter, plan, each in zip(self.parameters, self._fit.plans, integers, strict=False):
                parameter.copy_(torch.from_numpy(each)).mul_(plan.step)
            tensors = point_tensors(point, self.settings.network)
            for parameter, tensor in zip(self.parameters[len(integers) :], tensors, strict=True):
                parameter.copy_(torch.from_numpy(tensor))

    def integers(self) -> list[Int32[np.ndarray, "..."]]:
        """Return the latents, rounded."""
        return [np.floor(each + np.float32(0.5)).astype(np.int32) for each in self._fit.latents]

    def finish(self, watch: Callable[[], object] = lambda: None) -> Latents:
        """Return what a file holds; where it misses the target, after some more steps at another price.

        It has no more bytes than wanted, if that can be. ``watch`` is called after each step; the state to be kept is
        that of the end of the fit, from which all this is done again.
        """
        self._at_end = self.to_plain()
        best: tuple[bool, float, Latents] | None = None
        for number in range(_MOST_LANDINGS + 1):
            vectors = [each.copy() for each in self._vectors]
            made, error = self._rounded()
            for vector, each in zip(self._vectors, vectors, strict=True):
                vector[:] = each
            excess = self._missed(latents_bytes(made), error)
            is_too_large = excess > 0 and self.settings.target.num_bytes is not None
            if best is None or (is_too_large, abs(excess)) < best[:2]:
                best = is_too_large, abs(excess), made
            is_enough = excess <= 0 and self.price <= self._least_price
            if -_NEAR <= excess <= 0 or is_enough or number == _MOST_LANDINGS:
                break
            self._land(excess + _CLEAR * (number + 1) ** 2 if excess > 0 else excess, watch)
        assert best is not None
        return best[2]

    def _missed(self, num_bytes: int, error: float) -> float:
        """Return by how much the logarithm of the bytes, or of the quality, is too large; 0 where all is well."""
        target = self.settings.target
        if target.num_bytes is not None:
            return math.log(num_bytes / target.num_bytes)
        error = max(_LEAST_ERROR, error)
        missed = math.log((target.error or error) / error)
        return 0.0 if abs(missed) <= _NEAR else missed

    def _land(self, excess: float, watch: Callable[[], object]) -> None:
        """Take some more steps, softly rounded at first, at another price; in other steps if the target is far off."""
        begin = next(position for most, position in _LANDINGS if abs(excess) <= most)
        if abs(excess) > _FAR:
            price = math.exp(self._settled + excess / _BITS_PER_STEPS)
            self.price = self._steps_price = max(self._least_price, price)
            self.steps = _steps_at(self.price)
            set_steps(self._fit, self.settings.network, self.steps)
            self._settled = math.log(self.price)
        else:
            price = max(math.log(self._least_price), self._settled + excess / _gain(begin))
            self.price = math.exp(price)
            self._settled += (1 - begin) * (price - self._settled)
        num_steps = max(_LEAST_LANDING, round(_LANDING * (1 - begin) * self.settings.num_steps))
        for step in range(num_steps):
            self.take(begin + (1 - begin) * step / num_steps, step + _OTHER_KEYS, follow=False)
            watch()

    def _rounded(self) -> tuple[Latents, float]:
        """Return what a file holds, the networks rounded, and the mean squared error then."""
        changes = self._rounded_changes()
        networks = changed(self._base, changes)
        _, error = self._fit.evaluate(Relaxation(is_hard=True))
        latents = Latents(self.settings.version, self.index, self.steps, changes, ())
        num_levels = self._fit.plans[0].level + 1
        fine = min(_COARSE_LEVELS, num_levels - 1)
        split = [num_levels - fine, fine] if fine else [num_levels]
        chunks = coded_levels(self.settings.network, self.integers(), networks, self.settings.version, split)
        return replace(latents, chunks=chunks), error

    def _rounded_changes(self) -> tuple[QuantizedTensor, QuantizedTensor, QuantizedTensor]:
        """Return the changes of the networks, each in the steps that cost least."""
        found: list[QuantizedTensor] = []
        for vector, base in zip(self._vectors, self._base, strict=True):
            exact, candidates = np.clip(vector, -_MOST_WEIGHT, _MOST_WEIGHT) - in_floats(base), []
            for fineness in _FINENESSES:
                integers = np.rint(exact * 2.0**fineness).astype(np.int32)
                change = QuantizedTensor(integers, 2.0**-fineness if integers.any() else 1.0)
                vector[:] = in_floats(changed_by(base, change))
                nats, error = self._fit.evaluate(Relaxation(is_hard=True))
                bits = float(nats.sum()) / math.log(2) + 8 * len(pack_quantized([change]))
                candidates.append((error + self.price * bits / self._pixels, fineness, change))
            found.append(min(candidates, key=lambda each: each[:2])[2])
            vector[:] = in_floats(changed_by(base, found[-1]))
        return found[0], found[1], found[2]

    def to_plain(self) -> dict[str, Any]:
        """Return the state as tensors and numbers."""
        if self._at_end is not None:
            return self._at_end
        return {
            "arrays": [torch.from_numpy(each.copy()) for each in self._arrays()],
            "numbers": [getattr(self, name) for name in _NUMBERS],
            "latent_steps": self._fit.num_steps,
            "networks": copy.deepcopy(self._adam.to_plain()),
            "begun": [*self.steps, self.index],
        }

    def load_plain(self, plain: dict[str, Any]) -> None:
        """Take over the state that `to_plain` gave."""
        if [*self.steps, self.index] != plain["begun"]:
            raise ValueError("a checkpoint of other steps")
        for mine, theirs in zip(self._arrays(), plain["arrays"], strict=True):
            mine[:] = theirs.numpy()
        for name, value in zip(_NUMBERS, plain["numbers"], strict=True):
            setattr(self, name, value)
        self._fit.num_steps = plain["latent_steps"]
        self._adam.load_plain(plain["networks"])

    def _arrays(self) -> list[np.ndarray]:
        return [*self._fit.latents, *self._fit.moments, *self._vectors]


def _gain(position: float) -> float:
    """Return how much bits, or the error, are changed at the end of a fit by a change of the price there, in logs."""
    return _GAIN * (1 - position)


def _sampled(settings: CodedLatents) -> CodedLatents:
    """Return how tiles of a large picture, evenly apart, would be fitted."""
    num_channels, *sides = settings.picture.shape
    counts = [-(-side // _TILE) for side in sides]
    thinner = math.sqrt(math.prod(counts) * _TILE**2 / _MOST_PILOT_PIXELS)
    kept = [max(1, min(count, math.floor(count / thinner))) for count in counts]
    picture = settings.picture
    for axis, (side, count) in enumerate(zip(sides, kept, strict=True), 1):
        length = min(side, _TILE)
        starts = np.linspace(0, side - length, count).round().astype(np.int64)
        picture = picture.take((starts[:, None] + np.arange(length)).ravel(), axis)
    share = picture[0].size / settings.picture[0].size
    target = settings.target
    if target.num_bytes is not None:
        target = replace(target, num_bytes=max(1, round(target.num_bytes * share)))
    rows, columns = picture.shape[1:]
    network = picture_network((rows, columns), num_channels)
    return replace(settings, network=network, picture=np.ascontiguousarray(picture), target=target)


def _steps_at(price: float) -> Steps:
    return Steps.near(_STEP_OF_PRICE * math.sqrt(price), _FINER_LEVEL, _FINER_CHROMA)
