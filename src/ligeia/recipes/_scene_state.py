"""The state of the fit of a scene: of the stage that it is in, and what those before it took."""

import time
from dataclasses import replace
from typing import Any, final

import numpy as np
import torch

from ligeia.field import Field, Measurement, Report, voxels_of
from ligeia.fitting import Callback, Progress, Recipe, State, Step
from ligeia.scenes import field_of


@final
class SceneState:
    """What a resumed fit of a scene needs, apart from its photographs: a `FitState` over all stages."""

    def __init__(self, field: Field, recipe: Recipe, num_points: int, began: float) -> None:
        self.number = 0
        """Of the stage."""
        self.began = began
        """When the fit began, by the clock of this process and less the time that it was stopped."""
        self.stage = State(field, recipe, num_points)
        self.exposures: np.ndarray | None = None
        """Of the photographs, as `Photographs.exposures`."""
        self._recipe = recipe
        self._before = Progress(num_points)

    @property
    def field(self) -> Field:
        """The field as it is now."""
        return self.stage.field

    @property
    def point_steps_before(self) -> int:
        """Pixels seen in earlier stages."""
        return self._before.point_steps

    @property
    def progress(self) -> Progress:
        """The counters of all stages, quality and curve of this one."""
        now = self.stage.progress
        steps, point_steps = self._before.steps + now.steps, self._before.point_steps + now.point_steps
        seconds = time.perf_counter() - self.began
        return replace(now, steps=steps, point_steps=point_steps, seconds=seconds)

    def curve(self) -> list[Measurement]:
        """Return the measurements of all stages."""
        before, points = self._before, self.stage.progress.num_points
        shifted = [
            replace(
                each,
                steps=before.steps + each.steps,
                point_steps=before.point_steps + each.point_steps,
                passes=(before.point_steps + each.point_steps) / points,
                seconds=before.seconds + each.seconds,
            )
            for each in self.stage.progress.curve
        ]
        return [*before.curve, *shifted]

    def begin_stage(self, field: Field, num_points: int) -> None:
        """Go on to the next stage with a field of other cells, and fresh moments."""
        self._before, self.number = replace(self.progress, curve=self.curve()), self.number + 1
        self.stage = State(field, self._recipe, num_points)

    def report(self, last: Report) -> Report:
        """Return the report of all stages, given that of the last one."""
        progress = self.progress
        return replace(
            last,
            seconds=progress.seconds,
            steps=progress.steps,
            passes=progress.passes,
            point_steps=progress.point_steps,
            curve=tuple(self.curve()),
        )

    def seen_by(self, callback: Callback) -> Callback:
        """Return a callback of one stage that calls another with the state of all."""
        return lambda step: callback(Step(self, step.position))

    def to_plain(self) -> dict[str, Any]:
        """Return the state as tensors, numbers, lists and dictionaries."""
        return {
            "number": self.number,
            "seconds": time.perf_counter() - self.began,
            "before": self._before.to_plain(),
            "occupied": torch.from_numpy(voxels_of(self.field).grid.occupied.copy()),
            "stage": self.stage.to_plain(),
            "exposures": None if self.exposures is None else torch.from_numpy(self.exposures),
        }

    def load_plain(self, plain: dict[str, Any]) -> None:
        """Take over the state that `to_plain` gave; later steps are equal to those of the uninterrupted fit."""
        occupied = np.asarray(plain["occupied"].numpy(), bool)
        grid = replace(voxels_of(self.field).grid, occupied=occupied)
        before = Progress.from_plain(plain["before"])
        num_points = int(plain["stage"]["progress"]["num_points"])
        stage = State(field_of(grid, source=self.field.source), self._recipe, num_points)
        stage.load_plain(plain["stage"])
        self.number, self.began = int(plain["number"]), time.perf_counter() - float(plain["seconds"])
        self._before, self.stage = before, stage
        self.exposures = None if plain["exposures"] is None else plain["exposures"].numpy()
