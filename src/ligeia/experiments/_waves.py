"""The experiments on waves of Sitzmann et al. 2020 (s. 4.3): Helmholtz's equation and the wave equation."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ligeia import fitting
from ligeia.core import checked_device, random_stream
from ligeia.equations import distance_from_free_field, relative_l2, solve_helmholtz, solve_wave
from ligeia.field import Field
from ligeia.files import values_at
from ligeia.fitting import Adam, Callback, Recipe
from ligeia.networks import SirenArchitecture
from ligeia.physics import Constraint, Constraints, GaussianPulse, GaussianSource, Helmholtz, Wave
from ligeia.reports import check_figure, write_figure
from ligeia.signals import Channel, Grid

from ._result import USUAL, Asked, PaperResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_POINTS = 1 << 18  # of the paper's steps, which draw batches of them
_SIZE = 200


def paper_helmholtz(figure_path: Path, asked: Asked = USUAL) -> PaperResult:
    """Solve for waves of wavenumber 20 around a source in a uniform medium, and compare them with the Hankel field.

    By default as `solve_helmholtz` does; ``full`` takes the paper's network, 256 x 3, and 50,000 steps of Adam at 2e-5
    on 52,900 points, of squared residuals. The source is a Gaussian of width 0.05 here, of 1e-4 there.
    """
    check_figure(figure_path)
    problem = Helmholtz(wavenumber=20.0, source=GaussianSource(center=(0.0, 0.0), width=0.05))
    generator = np.random.default_rng(asked.seed)
    if asked.full:
        channels = [Channel(name=name, low=-0.25, high=0.25) for name in ("real", "imaginary")]
        constraints = problem.constraints(_POINTS, generator=generator)
        field = _by_descent(
            problem.grid(_SIZE), channels, constraints, 256, 52_900, 50_000, asked.seed, asked.device, asked.callbacks
        )
        measured = distance_from_free_field(field, problem, generator)
    else:
        solved = solve_helmholtz(problem, seed=asked.seed, device=asked.device)
        field, measured = solved.field, solved.relative_l2
    assert measured is not None
    found = field.sample((_SIZE, _SIZE)).numpy()
    places = Grid(problem.grid(_SIZE).axes).points().astype(np.float64)
    known = problem.source.free_field(places, problem.wavenumber).reshape(_SIZE, _SIZE)
    outside = ~problem.is_physical(places).reshape(_SIZE, _SIZE)

    def draw(figure: "Figure") -> None:
        error = np.ma.array(found[..., 0] - np.real(known), mask=outside)
        limit = float(np.abs(found).max())
        shown = [
            ("real part", found[..., 0], limit),
            ("imaginary part", found[..., 1], limit),
            ("closed form, real part", np.ma.array(np.real(known), mask=outside), limit),
            (f"error of it ({measured:.2%} in all)", error, float(np.abs(error).max())),
        ]
        _draw_maps(figure, shown)

    write_figure(figure_path, (19, 4.6), draw)
    return PaperResult(
        quantity="relative L2 distance from the Hankel field, in percent, outside of source and layers",
        measured=100 * measured,
        published=None,
        tolerance=0.0,
        source="pictures only: networks of ReLU and tanh fail to converge there",
        is_certain=False,
    )


def paper_wave(figure_path: Path, asked: Asked = USUAL) -> PaperResult:
    """Solve for a pulse of width 0.1 over half a unit of time, and compare it with the closed form at three times.

    By default as `solve_wave` does; ``full`` takes the paper's network, 512 x 3, and 100,000 steps of Adam at 2e-5 on
    115,600 points, of squared residuals. The pulse of the paper has a width of 5e-4.
    """
    check_figure(figure_path)
    problem = Wave(pulse=GaussianPulse(center=(0.0, 0.0), width=0.1))
    times = (0.0, problem.duration / 2, problem.duration)
    if asked.full:
        constraints = problem.constraints(_POINTS, generator=np.random.default_rng(asked.seed))
        channels = [Channel(name="u", low=-1.0, high=1.0)]
        grid = problem.grid(_SIZE, 33)
        field = _by_descent(
            grid, channels, constraints, 512, 115_600, 100_000, asked.seed, asked.device, asked.callbacks
        )
    else:
        field = solve_wave(problem, seed=asked.seed, device=asked.device, callbacks=asked.callbacks).field
    side = np.linspace(-1, 1, _SIZE)
    plane = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
    found = [values_at(field, _at(time, plane))[:, 0] for time in times]
    errors = [relative_l2(each, problem.free_wave(_at(time, plane))) for each, time in zip(found, times, strict=True)]

    def draw(figure: "Figure") -> None:
        shown = [
            (f"time {time:g}, {error:.2%} off", each.reshape(_SIZE, _SIZE), float(np.abs(each).max()))
            for time, error, each in zip(times, errors, found, strict=True)
        ]
        last = (found[-1] - problem.free_wave(_at(times[-1], plane))).reshape(_SIZE, _SIZE)
        _draw_maps(figure, [*shown, (f"error at time {times[-1]:g}", last, float(np.abs(last).max()))])

    write_figure(figure_path, (19, 4.6), draw)
    return PaperResult(
        quantity="relative L2 distance from the closed form, in percent, at the worst of three times",
        measured=100 * max(errors),
        published=None,
        tolerance=0.0,
        source="pictures only: networks of tanh fail to find the solution there",
        is_certain=False,
    )


def _at(time: float, places: np.ndarray) -> np.ndarray:
    return np.concatenate([np.full((len(places), 1), time), places], axis=1)


def _by_descent(
    grid: Grid,
    channels: Sequence[Channel],
    constraints: Sequence[Constraint],
    hidden_features: int,
    batch_size: int,
    steps: int,
    seed: int,
    device: str | torch.device,
    callbacks: Sequence[Callback],
) -> Field:
    """Return a field that follows constraints as the paper's do."""
    siren = SirenArchitecture(hidden_features=hidden_features)
    network = siren.build(grid.num_inputs, len(channels), generator=random_stream(seed, "initial weights"))
    field = Field(network, grid, channels).to(checked_device(device))
    objective = Constraints(constraints)
    recipe = Recipe(
        name="paper",
        optimizer=Adam(learning_rate=2e-5),
        batch_size=batch_size,
        schedule=None,
        divergence_threshold=None,
    )
    stop = fitting.passes(steps * batch_size / objective.num_points)
    field.report = fitting.fit(field, objective, recipe, stop, seed=seed, callbacks=callbacks)
    return field


def _draw_maps(figure: "Figure", shown: Sequence[tuple[str, np.ndarray, float]]) -> None:
    for axes, (title, values, limit) in zip(figure.subplots(1, len(shown)), shown, strict=True):
        image = axes.imshow(values.T, cmap="RdBu_r", vmin=-limit, vmax=limit, extent=(-1, 1, -1, 1), origin="lower")
        axes.set(title=title, xlabel="x", ylabel="y")
        figure.colorbar(image, ax=axes, shrink=0.8)
