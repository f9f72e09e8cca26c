"""`explain`: analyzes a network layer by layer and frequency by frequency, and advises what to change.

Spectra are those of lines along the axis with most samples, twice as dense as these, under a Hann window. The effective
rank of a layer is the exponential of the entropy of its singular values (Roy & Vetterli 2007, eq. 2): the number of
directions that its features fill.
"""

import itertools
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ligeia.core import InputError, random_stream
from ligeia.field import Field, network_inputs
from ligeia.signals import Signal

from ._parts import draw_activations, write_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINES, _LONGEST = 24, 2048  # number of lines, and most samples of each
_POINTS: Final = 2048  # whose features a rank is of
_COLLAPSED, _FULL = 0.04, 0.35  # of the width: an effective rank below, or above in every layer
_IDLE = 1e-5  # of the largest activation: a feature that varies less does not vary
_MANY_IDLE = 0.25  # of the features, in every layer: a narrower network would do
_CONSTANT = 1e-3  # of the range: a field that varies less is one
_BETWEEN = 0.01  # of the power above what the samples can tell
_MISSED = 0.5  # error over the signal's power in a band, above which the band was not learned
_BANDS = 8
_COUNTS = 0.1  # share of the total error in a band that makes it worth mentioning
_REACH = 0.9  # of the first layer's power lies below its reach


@final
@dataclass(frozen=True, slots=True)
class LayerFound:
    """Measurements of one hidden layer on the domain."""

    width: int
    effective_rank: float
    idle: int
    """Features that do not vary."""
    reach: float
    """Frequency below which nine tenths of its power lie, in radians per unit."""
    spectrum: Float[np.ndarray, " f"]
    """Power by frequency, summed over neurons and lines, 1 in all."""


@final
@dataclass(frozen=True, slots=True)
class Explanation:
    """The analysis of a network; frequencies are in radians per unit coordinate along ``axis``."""

    axis: str
    nyquist: float
    """The Nyquist frequency of the samples along the axis."""
    frequencies: Float[np.ndarray, " f"]
    layers: tuple[LayerFound, ...]
    values: Float[np.ndarray, " f"]
    """Power of the field's values by frequency, of all lines and channels."""
    signal: Float[np.ndarray, " known"] | None
    """That of the reference signal, up to Nyquist; None without one."""
    error: Float[np.ndarray, " known"] | None
    """That of the difference."""
    advice: tuple[str, ...]
    """What to change, in sentences."""


def explain(field: Field, signal: Signal | None = None) -> Explanation:
    """Analyze a field's network; ``signal``, on the same grid, is the reference for its values.

    >>> import numpy as np
    >>> from ligeia import fitting, recipes
    >>> waves = np.sin(np.linspace(0, 60, 256))[None] * np.ones((16, 1))
    >>> field = recipes.fit(waves, stop=fitting.passes(3), hidden_features=16)
    >>> len(explain(field, recipes.to_signal(waves)).layers)
    4
    """
    grid = field.grid
    if signal is not None and (signal.grid.shape != grid.shape or signal.num_channels != len(field.channels)):
        raise InputError(
            f"expected the signal that the field was fitted to, {' x '.join(map(str, grid.shape))} with "
            f"{len(field.channels)} channels, got {' x '.join(map(str, signal.grid.shape))} with "
            f"{signal.num_channels}."
        )
    if signal is not None and (signal.points is not None or signal.missing is not None):
        raise InputError("expected samples on a grid, none missing, for an error spectrum; leave the reference out.")
    along = int(np.argmax(grid.shape))
    lines = _lines(field, along)
    with torch.no_grad():
        layers = _layers(field, lines)
        values = [_values(field, line) for line in lines.points]
    if not layers:
        raise InputError(
            f"expected a network of layers to look into, {field.network.architecture.name} has none; render it instead."
        )
    target = error = None
    if signal is not None:
        known = [_samples(signal, along, lines, place) for place in lines.places]
        target = sum(map(_spectrum, known), start=np.zeros(1))
        missing = (one - other[::2] for one, other in zip(known, values, strict=True))
        error = sum(map(_spectrum, missing), start=np.zeros(1))
    found = Explanation(
        axis=grid.axes[along].name,
        nyquist=math.pi / 2 * grid.shape[along],
        frequencies=lines.frequencies,
        layers=layers,
        values=sum(map(_spectrum, values), start=np.zeros(1)),
        signal=target,
        error=error,
        advice=(),
    )
    return replace(
        found, advice=tuple(_advice(found, np.concatenate(values), field.network.architecture.takes_frequencies))
    )


class _Lines(NamedTuple):
    """Places along lines, two per sample, in float32: ``(lines, 2 length, axes)``."""

    points: Float[Tensor, "lines n d"]
    places: tuple[tuple[int, ...], ...]
    """Indices of each line along all axes, 0 along its own."""
    start: int
    length: int
    frequencies: Float[np.ndarray, " f"]


def _lines(field: Field, along: int) -> _Lines:
    shape = field.grid.shape
    size = shape[along]
    length = min(size, _LONGEST)
    start = (size - length) // 2
    others = [1 if axis == along else other for axis, other in enumerate(shape)]
    total = math.prod(others)
    chosen = np.unique(np.linspace(0, total - 1, min(_LINES, total)).round().astype(np.int64))
    places = tuple(tuple(int(each) for each in np.unravel_index(number, others)) for number in chosen)
    coordinates = [field.grid.coordinates(axis) for axis in range(field.grid.num_axes)]
    near = coordinates[along][start : start + length]
    dense = np.stack([near, near + 1 / size], axis=1).reshape(-1)
    points = np.empty((len(places), len(dense), len(shape)), np.float32)
    for number, place in enumerate(places):
        points[number] = [coordinates[axis][index] for axis, index in enumerate(place)]
        points[number, :, along] = dense
    frequencies = math.pi * size / length * np.arange(length + 1)
    given = torch.from_numpy(points.clip(-1, 1)).to(next(field.parameters()))
    return _Lines(given, places, start, length, frequencies)


def _spectrum(values: Float[np.ndarray, "n c"]) -> Float[np.ndarray, " f"]:
    """Return the power by frequency of values minus their means, summed over channels."""
    window = np.hanning(len(values) + 2)[1:-1, None]
    transformed = np.fft.rfft((values - values.mean(axis=0)) * window, axis=0)
    return np.square(np.abs(transformed)).sum(axis=1) / np.square(window.sum())


def _values(field: Field, line: Float[Tensor, "n d"]) -> Float[np.ndarray, "n c"]:
    return field.network(network_inputs(field.grid, line)).double().cpu().numpy()


def _samples(signal: Signal, along: int, lines: _Lines, place: tuple[int, ...]) -> Float[np.ndarray, "n c"]:
    """Return the samples of a signal on a line, as the network sees them."""
    index: list[int | slice] = list(place)
    index[along] = slice(lines.start, lines.start + lines.length)
    return signal.scaled(np.asarray(signal.values[tuple(index)])).astype(np.float64)


def _layers(field: Field, lines: _Lines) -> tuple[LayerFound, ...]:
    draws = torch.rand(_POINTS, field.grid.num_axes, generator=random_stream(0, "places")) * 2 - 1
    everywhere = field.network.activations(network_inputs(field.grid, draws.to(lines.points)))[:-1]
    powers = [np.zeros(lines.length + 1) for _ in everywhere]
    for line in lines.points:
        for number, layer in enumerate(field.network.activations(network_inputs(field.grid, line))[:-1]):
            powers[number] += _spectrum(layer.post.double().cpu().numpy())
    found = []
    for layer, power in zip(everywhere, powers, strict=True):
        features = layer.post.double()
        centered = features - features.mean(dim=0)
        largest = max(float(features.abs().max()), 1e-300)
        shares = torch.linalg.svdvals(centered)
        shares = (shares / shares.sum().clamp_min(1e-300)).clamp_min(1e-300)
        total = max(float(power.sum()), 1e-300)
        reach = lines.frequencies[min(np.searchsorted(np.cumsum(power), _REACH * total), len(power) - 1)]
        found.append(
            LayerFound(
                width=features.shape[1],
                effective_rank=float(torch.exp(-(shares * shares.log()).sum())),
                idle=int((centered.abs().amax(dim=0) < _IDLE * largest).sum()),
                reach=float(reach),
                spectrum=power / total,
            )
        )
    return tuple(found)


def _advice(found: Explanation, values: Float[np.ndarray, "n c"], takes_frequencies: bool) -> list[str]:
    """Return advice that follows from the measurements, at least one sentence."""
    if float(values.std(axis=0).max()) < _CONSTANT:
        constant = (
            "The field is a constant: nothing was learned. Fit again with a lower --omega or --first-omega, and look "
            "for outliers in the samples."
        )
        return [constant]
    says = [*_on_layers(found.layers), *_on_frequencies(found, takes_frequencies)]
    missed = _missed_band(found)
    ranks = [layer.effective_rank / layer.width for layer in found.layers]
    if missed is None and found.error is not None and min(ranks) > _FULL:
        says.append(
            f"Every layer fills its features (effective ranks of {min(ranks):.0%} of the width or more) and the error "
            "is spread over the frequencies: more passes, or a larger --hidden-features, would bring it down."
        )
    return says or ["Nothing stands out: try more passes or a larger --hidden-features."]


def _on_layers(layers: Sequence[LayerFound]) -> list[str]:
    says = []
    for number, layer in enumerate(layers, start=1):
        if layer.effective_rank < max(2.0, _COLLAPSED * layer.width):
            says.append(
                f"Layer {number} has collapsed: its {layer.width} features fill {layer.effective_rank:.1f} directions. "
                "Its weights have grown or vanished; fit again with a lower learning rate (more --passes let it decay "
                "longer), a lower --omega, or fewer --hidden-features."
            )
    idle = min(layer.idle / layer.width for layer in layers)
    if idle > _MANY_IDLE:
        width = math.ceil((1 - idle) * layers[0].width)
        says.append(
            f"{idle:.0%} of the features of every layer do not vary: a narrower network (--hidden-features {width}) "
            "would do the same."
        )
    return says


def _on_frequencies(found: Explanation, takes_frequencies: bool) -> list[str]:
    beyond = found.frequencies > found.nyquist * 1.1
    between = float(found.values[beyond].sum() / max(found.values.sum(), 1e-300))
    first = found.layers[0].reach if found.layers else math.nan
    if between > _BETWEEN:
        noisy = (
            f"{between:.1%} of the field's power lies above {found.nyquist:.0f} radians per unit, where samples along "
            f"{found.axis} carry no information: it is noise between them. Fit again with "
            + (
                f"a lower first frequency, such as --first-omega {first / 2:.3g}."
                if takes_frequencies
                else "fewer passes."
            )
        )
        return [noisy]
    missed = _missed_band(found)
    if missed is None:
        return []
    if not takes_frequencies:
        other = (
            f"From {missed:.0f} radians per unit on, more than half of the signal's power is missing, and this network "
            "has no frequencies to raise. Fit again with more passes, or with one that has, such as siren or fourier."
        )
        return [other]
    slow = (
        f"From {missed:.0f} radians per unit on, more than half of the signal's power is missing, and the first layer "
        f"turns by {first:.0f} at most. Fit for more passes or seconds first. If that does not help, omega_0 is too "
        "low: fit again with --first-omega up to twice as high as `fit` printed."
    )
    return [slow]


def _missed_band(found: Explanation) -> float | None:
    """Return the frequency from which on the signal was not learned; None if there is none."""
    if found.signal is None or found.error is None:
        return None
    edges = np.linspace(0, len(found.signal), _BANDS + 1).astype(int)
    whole = max(float(found.signal.sum()), 1e-300)
    for start, stop in itertools.pairwise(edges):
        power, error = float(found.signal[start:stop].sum()), float(found.error[start:stop].sum())
        # a negligible part is not worth mentioning
        if error > _MISSED * power and error > _COUNTS * found.error.sum() and power > _COUNTS * 1e-3 * whole:
            return float(found.frequencies[max(start, 1)])
    return None


def draw_explanation(explanation: Explanation, field: Field, path: Path) -> None:
    """Draw the layers' distributions, spectra and ranks, the spectra of field, signal and error, and the advice."""
    draws = torch.rand(_POINTS, field.grid.num_axes, generator=random_stream(0, "places")) * 2 - 1
    points = draws.to(next(field.parameters()))

    def draw(figure: "Figure") -> None:
        parts: Any = figure.subfigures(3, 1, height_ratios=[4.0, 4.0, 0.5 + 0.55 * len(explanation.advice)])
        phases, activations = parts[0].subplots(1, 2)
        draw_activations(phases, activations, field, points)
        by_layer, of_values, ranks = parts[1].subplots(1, 3)
        _draw_layers(by_layer, explanation)
        _draw_values(of_values, explanation)
        _draw_ranks(ranks, explanation)
        lines = (textwrap.fill(each, 150, subsequent_indent="   ") for each in explanation.advice)
        parts[2].text(0.02, 0.9, "\n".join(f"- {line}" for line in lines), va="top", fontsize=11)

    write_figure(path, (16, 9.5 + 0.55 * len(explanation.advice)), draw)


def _draw_layers(axes: "Axes", explanation: Explanation) -> None:
    for number, layer in enumerate(explanation.layers, start=1):
        smooth = _smoothed(layer.spectrum)
        axes.plot(explanation.frequencies, smooth, label=f"layer {number}", linewidth=1)
    axes.axvline(explanation.nyquist, color="gray", linestyle=":")
    _in_decades(axes, "spectra of activations, by layer", explanation)


def _draw_values(axes: "Axes", explanation: Explanation) -> None:
    known = explanation.frequencies[: 0 if explanation.signal is None else len(explanation.signal)]
    axes.plot(explanation.frequencies, _smoothed(explanation.values), label="the field", color="tab:blue", linewidth=1)
    for values, label, color in (
        (explanation.signal, "the signal", "black"),
        (explanation.error, "error", "tab:red"),
    ):
        if values is not None:
            axes.plot(known, _smoothed(values), label=label, color=color, linewidth=1)
    axes.axvline(explanation.nyquist, color="gray", linestyle=":", label="Nyquist")
    _in_decades(axes, "spectra of values", explanation)


def _in_decades(axes: "Axes", title: str, explanation: Explanation) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(title, fontsize=11)
    axes.set_xlabel(f"frequency along {explanation.axis}, radians per unit")
    axes.set_ylabel("power")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)


def _draw_ranks(axes: "Axes", explanation: Explanation) -> None:
    numbers = np.arange(1, len(explanation.layers) + 1)
    axes.bar(numbers, [layer.width for layer in explanation.layers], color="lightgray", label="features")
    ranks = [layer.effective_rank for layer in explanation.layers]
    bars = axes.bar(numbers, ranks, color="tab:blue", label="effective rank")
    axes.bar_label(bars, [f"{rank:.0f}" for rank in ranks], fontsize=9)
    axes.set_xticks(numbers)
    axes.set_ylim(0, 1.25 * max(layer.width for layer in explanation.layers))  # room for the legend
    axes.set_title("directions that each layer's features fill", fontsize=11)
    axes.set_xlabel("layer")
    axes.legend(fontsize=8)


def _smoothed(power: Float[np.ndarray, " f"]) -> Float[np.ndarray, " f"]:
    """Return means over neighbors, so that a line can be read on a logarithmic scale."""
    width = max(1, len(power) // 128)
    return np.convolve(np.pad(power, width // 2, mode="edge"), np.full(width, 1 / width), mode="valid")[: len(power)]
