"""The experiment on an unknown speed of Sitzmann et al. 2020 (s. 4.3): full-waveform inversion at one frequency."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float

from ligeia.equations import Inverted, solve_inversion
from ligeia.field import Field
from ligeia.physics import AbsorbingLayer, Circle, GaussianSource, Inversion, Speed, finite_differences
from ligeia.reports import check_figure, write_figure

from ._result import USUAL, Asked, PaperResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_RING, _NUM_SOURCES, _NUM_RECEIVERS, _WIDTH = 0.62, 5, 30, 0.05
_EVALUATIONS, _MORE_EVALUATIONS = 400, 1500
_CELLS = 240
_SEEN = 141  # places along a side at which the speed is measured
_EXTENT = (-0.7, 0.7, -0.7, 0.7)
_MEDIUM = Circle(center=(0.1, -0.08), radius=0.22, speed=1.3, edge=0.012)


def made_recordings(
    speed: Speed = _MEDIUM, *, wavenumber: float = 20.0, noise: float = 0.01, cells: int = _CELLS, seed: int = 0
) -> Inversion:
    """Return the recordings of 5 sources at 30 receivers on a ring, simulated by finite differences.

    ``noise`` is relative to the root mean square of the scattered waves there.
    """
    sources = [GaussianSource(center=(float(x), float(y)), width=_WIDTH) for x, y in _ring(_NUM_SOURCES, 0.3)]
    receivers = _ring(_NUM_RECEIVERS, 0.5)
    layer = AbsorbingLayer(thickness=0.3, strength=5.0)  # another one than the inversion's
    recordings = finite_differences(wavenumber, speed, sources, receivers, layer=layer, size=cells)
    exact = Inversion(wavenumber=wavenumber, sources=sources, receivers=receivers, recordings=recordings)
    parts = np.random.default_rng(seed).normal(size=(2, *recordings.shape))
    level = noise * np.sqrt(np.mean(np.abs(exact.scattered()) ** 2) / 2)
    return replace(exact, recordings=recordings + level * (parts[0] + 1j * parts[1]))


@final
@dataclass(frozen=True, slots=True)
class SpeedError:
    """Errors of a speed versus that of a circle, inside of the layers."""

    relative_l2: float
    """Relative to the speed itself: even without any circle it is small."""
    of_change: float
    """The same distance relative to the change in speed: 1 without any circle."""
    center_off: float
    radius: float
    """Of a disk as large as where half of the change found is exceeded."""
    peak: float
    """Mean of the 200 places that differ most from 1."""


def speed_error(field: Field, medium: Circle = _MEDIUM) -> SpeedError:
    """Measure a speed that was found against the true one, on a lattice within 0.7 of the origin along both axes."""
    points = _lattice()
    wanted, found = medium(points), field.values_at(points.astype(np.float32))[:, 0].astype(np.float64)
    distance = np.linalg.norm(found - wanted)
    change = (found - 1) * np.sign(medium.speed - 1)
    peak = float(np.sort(change)[-200:].mean())
    inside = change > max(peak / 2, 1e-6)
    cell = (1.4 / (_SEEN - 1)) ** 2
    center = points[inside].mean(axis=0) if inside.any() else np.full(2, np.nan)
    return SpeedError(
        relative_l2=float(distance / np.linalg.norm(wanted)),
        of_change=float(distance / np.linalg.norm(wanted - 1)),
        center_off=float(np.hypot(*(center - medium.center))),
        radius=float(np.sqrt(inside.sum() * cell / np.pi)),
        peak=float(1 + peak * np.sign(medium.speed - 1)),
    )


def paper_inversion(figure_path: Path, asked: Asked = USUAL) -> PaperResult:
    """Find a circle of another speed from what 30 receivers record of five sources, with noise of 1 %.

    The recordings come from finite differences, the wavenumber is 20; ``full`` takes 1,500 evaluations in place of 400.
    The paper shows pictures and prints no number: ours is the distance from the true speed.
    """
    check_figure(figure_path)
    problem = made_recordings(seed=asked.seed)
    evaluations = _MORE_EVALUATIONS if asked.full else _EVALUATIONS
    found = solve_inversion(
        problem, evaluations=evaluations, seed=asked.seed, device=asked.device, callbacks=asked.callbacks
    )
    error = speed_error(found.speed, _MEDIUM)
    write_figure(figure_path, (17, 4.6), lambda figure: _draw(figure, problem, found, error))
    return PaperResult(
        quantity=f"relative L2 distance of the speed from the true one after {found.evaluations} evaluations",
        measured=error.relative_l2,
        published=None,
        tolerance=0.0,
        source=(
            "the paper shows pictures only; no circle at all has "
            f"{error.relative_l2 / error.of_change:.3f}, so over the change of speed the distance is "
            f"{error.of_change:.3f}; center off by {error.center_off:.4f}, radius {error.radius:.3f} for "
            f"{_MEDIUM.radius:g}, peak {error.peak:.3f} for {_MEDIUM.speed:g}, {found.relative_misfit:.2%} of what was "
            "scattered to the receivers is not explained, 1 % is noise"
        ),
        is_certain=False,
    )


def _draw(figure: "Figure", problem: Inversion, found: Inverted, error: SpeedError) -> None:
    panels = figure.subplots(1, 4)
    side = (_SEEN, _SEEN)
    points = _lattice()
    speeds = _MEDIUM(points), found.speed.values_at(points.astype(np.float32))[:, 0]
    limits = {"vmin": min(each.min() for each in speeds), "vmax": max(each.max() for each in speeds)}
    titles = ("true speed", f"speed found: {error.of_change:.0%} of its change missed")
    for axes, speed, title in zip(panels[:2], speeds, titles, strict=True):
        shown = axes.imshow(speed.reshape(side).T, extent=_EXTENT, origin="lower", cmap="viridis", **limits)
        axes.plot(*problem.receivers.T, "w.", markersize=4, label="receivers")
        axes.plot(*problem.source_places.T, "r*", markersize=9, label="sources")
        axes.set_title(title)
        figure.colorbar(shown, ax=axes, shrink=0.8)
    panels[0].legend(loc="upper left", fontsize=8, facecolor="0.6")
    count = len(problem.sources)
    total = problem.free_fields(points)[0].real + found.waves.values_at(points.astype(np.float32))[:, 0]
    limit = float(np.quantile(np.abs(total), 0.99))
    panels[2].imshow(total.reshape(side).T, extent=_EXTENT, origin="lower", cmap="RdBu", vmin=-limit, vmax=limit)
    panels[2].set_title("waves of the first source, real part")
    heard = found.waves.values_at(problem.receivers.astype(np.float32))
    scattered = problem.scattered()
    receivers = np.arange(len(problem.receivers))
    for number, name, colour in ((0, "real", "tab:blue"), (count, "imaginary", "tab:red")):
        recorded = scattered[0].real if number == 0 else scattered[0].imag
        panels[3].plot(receivers, recorded, ".", color=colour, label=f"recorded, {name}")
        panels[3].plot(receivers, heard[:, number], color=colour, linewidth=1, label=f"found, {name}")
    panels[3].set(
        xlabel="receiver", ylabel="scattered waves", title=f"first source; all: {found.relative_misfit:.1%} missed"
    )
    panels[3].legend(fontsize=8)
    panels[3].grid(alpha=0.3)


def _lattice() -> Float[np.ndarray, "n 2"]:
    along = np.linspace(-0.7, 0.7, _SEEN)
    return np.stack(np.meshgrid(along, along, indexing="ij"), axis=-1).reshape(-1, 2)


def _ring(count: int, shift: float) -> Float[np.ndarray, "n 2"]:
    """Return places evenly on the ring; a shift of 1 is that to the next one."""
    angle = 2 * np.pi * (np.arange(count) + shift) / count
    return _RING * np.stack([np.cos(angle), np.sin(angle)], axis=1)
