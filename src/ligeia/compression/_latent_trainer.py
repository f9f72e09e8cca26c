"""The trainer of a picture's latents: a loop of its own, with the callbacks, checkpoints and report of `fitting.fit`.

Latents are no objective on the weights of a field: their noise, their rate weight, which follows a target of bytes or
of error, and the landing after a missed target are steps of their own.
"""

import math
import time
from collections.abc import Sequence
from typing import Any, Final, final

import numpy as np
from jaxtyping import Float32

from ligeia.codec import Latents, latents_bytes
from ligeia.core import DivergenceError
from ligeia.field import Field, Report, Restart
from ligeia.fitting import Callback, Checkpointer, Part, Progress, Step, Values, numbers_of
from ligeia.networks import NetworkConfig

from ._latent_settings import LatentSettings, LatentTarget
from ._latents import LatentState
from ._rate_weight import RateWeight, first_rate_weight, moves_networks_for

_PROBE: Final = 1 << 12  # points on which the quality is monitored
_LEAST_BETWEEN: Final = 8  # at least this many times as many points are fitted between two measurements
_LEAST_LEARNED_DB: Final = 0.1  # above the best constant
_MOST_RESTARTS: Final = 8
_SLOWER: Final = 0.5  # after a divergence
_SEEDS: Final = 0x9E3779B1  # keys of noise between two seeds, ...
_LANDING_KEYS: Final = 1 << 20  # ... and between a fit and its landing


@final
class LatentTrainer:
    """Fits latents to a picture and returns what a file stores.

    ``field`` is the picture's, with a `LatentGrid`; it is set from the latents whenever its quality is measured.
    ``picture`` is ``(c, h, w)`` in network units. This is also the state that callbacks see and checkpoints save.
    """

    def __init__(
        self,
        field: Field,
        network: NetworkConfig,
        picture: Float32[np.ndarray, "c h w"],
        target: LatentTarget,
        num_steps: int,
        *,
        settings: LatentSettings | None = None,
        seed: int = 0,
    ) -> None:
        settings = LatentSettings() if settings is None else settings
        self.field = field
        self.progress = Progress(picture[0].size, stage_lengths=[num_steps])
        self._target, self._num_steps, self._settings, self._seed = target, num_steps, settings, seed
        first = first_rate_weight(network, picture, target, num_steps, settings)
        self._rate_weight = RateWeight(first, target, num_steps, settings)
        moves_networks = moves_networks_for(target, settings)
        self._latents = LatentState(network, picture, first, settings, moves_networks=moves_networks)
        self._at_end: dict[str, Any] | None = None
        self._good = self._moving()

    @property
    def estimated_bytes(self) -> int:
        """About how many bytes grids and networks would take in a file now."""
        return self._latents.estimated_bytes

    def run(
        self, objective: Values, *, callbacks: Sequence[Callback] = (), checkpoint: Checkpointer | None = None
    ) -> Latents:
        """Run the fit, or the rest of a resumed one; return what a file stores.

        That has no more bytes than wanted, if it can be. Where it misses the target, some more steps are taken at
        another rate weight: callbacks see them, but a checkpoint stays that of the end of the fit, from which they are
        taken again. A step whose error is not finite is answered by a return to the last good state at half the rates,
        which the report lists; `DivergenceError` if that never helps.
        """
        progress = self.progress
        began = time.perf_counter() - progress.seconds
        while progress.steps < self._num_steps:
            self._step(objective, began)
            step = Step(self, progress.steps / self._num_steps)
            votes = [callback(step) for callback in callbacks]  # every callback runs
            if checkpoint is not None:
                checkpoint(step)
            if any(votes):
                break
        if checkpoint is not None:
            checkpoint.write(self)
        self._at_end = self.to_plain()
        return self._landed(began, callbacks)

    def report(self, psnr_db: float, num_measured: int, *, learned_nothing: bool) -> Report:
        """Return how the fit went, with the quality of the resulting file."""
        progress = self.progress
        progress.record(psnr_db, num_measured, exactly=True)
        return Report(
            recipe="latents",
            stopped_by="passes" if progress.steps >= self._num_steps else "callback",
            psnr_db=psnr_db,
            num_points=progress.num_points,
            num_measured=num_measured,
            seconds=progress.seconds,
            steps=progress.steps,
            passes=progress.passes,
            point_steps=progress.point_steps,
            parameters=sum(parameter.numel() for parameter in self.field.network.parameters()),
            curve=tuple(progress.curve),
            restarts=tuple(progress.restarts),
            seed=self._seed,
            learned_nothing=learned_nothing,
        )

    def identity(self) -> dict[str, Part]:
        """Return what tells this fit from others of the same data: parts of a `fitting.identity`."""
        return {
            "num_bytes": self._target.num_bytes,
            "error": self._target.error,
            "settings": numbers_of(self._settings),
            "num_steps": self._num_steps,
            "seed": self._seed,
        }

    def to_plain(self) -> dict[str, Any]:
        """Return the state as tensors, numbers, lists and dictionaries; after the fit that of its end."""
        if self._at_end is not None:
            return self._at_end
        return {"progress": self.progress.to_plain(), "now": self._moving(), "good": self._good}

    def load_plain(self, plain: dict[str, Any]) -> None:
        """Take over the state that `to_plain` gave; later steps are equal to those of the uninterrupted fit."""
        self.progress = Progress.from_plain(plain["progress"])
        self._good = plain["good"]
        self._load(plain["now"])

    def _step(self, objective: Values, began: float) -> None:
        progress, number = self.progress, self.progress.steps
        position = number / self._num_steps
        error = self._latents.take(
            position, number + self._seed * _SEEDS, self._rate_weight.value, slower=progress.rate_factor
        )
        if math.isfinite(error):
            self._rate_weight.follow(self._latents, position)
        progress.advance(progress.num_points, error, time.perf_counter() - began)
        if not math.isfinite(error):
            self._go_back()
        elif self._is_due(number):
            self._measure(objective)

    def _is_due(self, number: int) -> bool:
        """Return whether to measure after a step: at every sixteenth, where enough points lie between."""
        measurements, progress = self._settings.measurements, self.progress
        if int((number + 1) * measurements / self._num_steps) == int(number * measurements / self._num_steps):
            return False
        since = progress.point_steps - progress.curve[-1].point_steps if progress.curve else math.inf
        return since >= _LEAST_BETWEEN * min(_PROBE, progress.num_points)

    def _measure(self, objective: Values) -> None:
        self._latents.show(list(self.field.network.parameters()))
        quality = objective.quality(self.field, most_points=_PROBE)
        self.progress.record(quality.psnr_db, quality.num_measured, exactly=objective.num_points <= _PROBE)
        if quality.psnr_db > objective.constant_db + _LEAST_LEARNED_DB:
            self._good = self._moving()

    def _landed(self, began: float, callbacks: Sequence[Callback]) -> Latents:
        """Return the best of the end of the fit and some landings after it."""
        landing, progress = self._settings.landing, self.progress
        best: tuple[bool, float, Latents] | None = None
        for number in range(landing.most + 1):
            made, error = self._latents.coded(self._rate_weight.value)
            excess = self._rate_weight.missed(latents_bytes(made), error)
            is_too_large = excess > 0 and self._target.num_bytes is not None
            if best is None or (is_too_large, abs(excess)) < best[:2]:
                best = is_too_large, abs(excess), made
            is_enough = excess <= 0 and self._rate_weight.is_least
            if -landing.near <= excess <= 0 or is_enough or number == landing.most:
                break
            aim = excess + landing.clear * (number + 1) ** 2 if excess > 0 else excess
            begin, num_steps = self._rate_weight.land(self._latents, aim)
            for step in range(num_steps):
                position = begin + (1 - begin) * step / num_steps
                error = self._latents.take(position, step + _LANDING_KEYS, self._rate_weight.value)
                progress.advance(progress.num_points, error, time.perf_counter() - began)
                for callback in callbacks:
                    callback(Step(self, 1.0))  # the steps that were asked for are done
        assert best is not None
        return best[2]

    def _go_back(self) -> None:
        progress = self.progress
        if len(progress.restarts) >= _MOST_RESTARTS:
            raise DivergenceError(
                f"the error is not finite after {progress.steps} steps and {_MOST_RESTARTS} restarts at ever lower "
                "rates; look for outliers in the samples."
            )
        self._load(self._good)
        progress.rate_factor *= _SLOWER
        progress.loss = math.nan
        progress.restarts.append(Restart(progress.steps, "the loss was not finite", progress.rate_factor))

    def _moving(self) -> dict[str, Any]:
        return {"latents": self._latents.to_plain(), "rate_weight": self._rate_weight.to_plain()}

    def _load(self, kept: dict[str, Any]) -> None:
        self._latents.load_plain(kept["latents"])
        self._rate_weight.load_plain(kept["rate_weight"])
