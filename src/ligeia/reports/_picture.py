"""The report of a signal of two axes or more: pictures of it, of its error and of its derivatives."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float

from ligeia.core import map_on_threads
from ligeia.field import Field
from ligeia.signals import Signal

from ._parts import draw_activations, draw_curve, quality_of, write_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

_MOST_SHOWN = 768  # samples per side of a picture: larger ones are thinned out
_MOST_DERIVED = 384  # of a picture of derivatives, which cost several times as much
_PIECE = 1 << 12  # points at a time
_DETAIL = 40  # columns of the enlarged detail


@final
@dataclass(frozen=True, slots=True)
class _Plane:
    """The samples shown: every n-th row and column of the last two axes, the middle of all others."""

    indices: np.ndarray
    shape: tuple[int, int]
    original: Float[np.ndarray, "rows columns c"]
    shown: tuple[float, float] | None
    """The values drawn black and white, where they are not those of the whole signal."""
    missing: Bool[np.ndarray, "rows columns"]
    """Where the original is NaN."""


def draw_picture_report(field: Field, signal: Signal, path: Path) -> None:
    """Draw original, reconstruction, error, derivatives, an enlarged detail, the curve and the activations."""
    plane, coarse = _plane(signal, _MOST_SHOWN), _plane(signal, _MOST_DERIVED)
    points, fewer = (
        torch.from_numpy(signal.grid.points(each.indices)).to(next(field.parameters())) for each in (plane, coarse)
    )
    fitted = _values(field, points, plane.shape)
    fitted[plane.missing] = np.nan
    slope, curvature = _derivatives(field, fewer, coarse.shape)
    slope[coarse.missing] = np.nan
    if curvature is not None:
        curvature[coarse.missing] = np.nan
    rows, columns = plane.shape
    height = min(max(5.2 * rows / columns, 2.6), 7.5)  # inches, of pictures about 5.2 wide
    size = " x ".join(map(str, signal.grid.shape))
    low, high = plane.shown or (field.channels[0].low, field.channels[0].high)
    span = high - low
    error = np.abs(fitted - plane.original).mean(axis=2)

    def draw(figure: "Figure") -> None:
        parts: Any = figure.subfigures(3, 1, height_ratios=[height + 0.5, height + 0.5, 4.0])
        top, middle, bottom = parts
        first, second, third = top.subplots(1, 3)
        _show(
            first,
            plane.original,
            f"original, {size}{', middle slice' if signal.grid.num_axes > 2 else ''}",
            field,
            plane.shown,
        )
        _show(second, fitted, f"the field{quality_of(field)}", field, plane.shown)
        third.imshow(error, cmap="gray", vmin=0, vmax=span / 10, **_shown_as(error))
        third.set_title("absolute error x 10")
        third.set_axis_off()
        _draw_derivatives(middle, slope, curvature)
        _draw_detail(middle, field, signal, plane.shown, num_rows=int(_DETAIL * 0.8 * height / 1.66))
        curve, phases, activations = bottom.subplots(1, 3)
        draw_curve(curve, field)
        draw_activations(phases, activations, field, points)

    write_figure(path, (16, 2 * height + 5.0), draw)


def _plane(signal: Signal, most: int) -> _Plane:
    rows, columns = signal.grid.shape[-2:]
    step = max(1, -(-max(rows, columns) // most))
    leading = [np.array([size // 2]) for size in signal.grid.shape[:-2]]
    chosen = np.ix_(*leading, np.arange(0, rows, step), np.arange(0, columns, step))
    indices = np.ravel_multi_index(chosen, signal.grid.shape)
    shape = (indices.shape[-2], indices.shape[-1])
    flat = indices.reshape(-1)
    original = signal.samples(flat).astype(np.float64)
    missing = np.zeros(len(flat), bool) if signal.missing is None else signal.missing.mask()[flat]
    original[missing] = np.nan
    shown = None
    if signal.grid.num_axes > 2 and signal.num_channels == 1 and not missing.all():
        low, high = float(np.nanmin(original)), float(np.nanmax(original))
        shown = (low, high) if low < high else None  # a slice may use little of a volume's range
    return _Plane(flat, shape, original.reshape(*shape, -1), shown, missing.reshape(shape))


def _values(field: Field, points: torch.Tensor, shape: tuple[int, int]) -> np.ndarray:
    with torch.no_grad():
        values = [field(piece) for piece in points.split(_PIECE)]
    return torch.cat(values).reshape(*shape, -1).double().cpu().numpy()


def _derivatives(field: Field, points: torch.Tensor, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return gradient and Laplacian, None where the network has none."""
    # per sample of the last two axes: what neighboring pixels differ by
    has_curvature = field.network.smoothness >= 1
    per_sample = torch.tensor([2 / size for size in field.grid.shape], dtype=points.dtype, device=points.device)

    @torch.no_grad()  # here, because it does not reach into threads
    def of_piece(piece: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if has_curvature:
            jet = field.jet(piece)
            jacobian, laplacian = jet.jacobian, jet.laplacian
        else:
            jacobian = torch.stack(field.derivatives(piece, *map(str, range(field.grid.num_axes))), dim=-1)
            laplacian = jacobian[..., 0]
        slopes = (jacobian * per_sample)[..., -2:].norm(dim=-1).mean(dim=1)
        return slopes, laplacian.mean(dim=1) * float(per_sample[-1] ** 2)

    slopes, curvatures = zip(*map_on_threads(of_piece, points.split(_PIECE)), strict=True)
    slope, curvature = (torch.cat(each).reshape(shape).cpu().numpy() for each in (slopes, curvatures))
    return slope, curvature if has_curvature else None


def _displayable(
    values: Float[np.ndarray, "rows columns c"], field: Field, shown: tuple[float, float] | None
) -> np.ndarray:
    low = np.array([channel.low for channel in field.channels])[: values.shape[2]]
    high = np.array([channel.high for channel in field.channels])[: values.shape[2]]
    if shown is not None:
        low, high = shown
    scaled = np.clip((values - low) / (high - low), 0, 1)
    names = [channel.name for channel in field.channels]
    if values.shape[2] == 4 and names[0] == "cyan":
        return (1 - scaled[..., :3]) * (1 - scaled[..., 3:])
    return scaled if values.shape[2] in (3, 4) else scaled[..., 0]


def _shown_as(values: np.ndarray) -> dict[str, Any]:
    # a strip would be a hairline at its own aspect
    ratio = values.shape[0] / values.shape[1]
    return {"interpolation": "antialiased", "aspect": "equal" if 1 / 8 < ratio < 8 else "auto"}


def _show(axes: "Axes", values: np.ndarray, title: str, field: Field, shown: tuple[float, float] | None) -> None:
    axes.imshow(_displayable(values, field, shown), cmap="gray", vmin=0, vmax=1, **_shown_as(values))
    axes.set_title(title)
    axes.set_axis_off()


def _draw_derivatives(part: "SubFigure", slope: np.ndarray, curvature: np.ndarray | None) -> None:
    first = part.add_subplot(1, 3, 1)
    first.imshow(slope, cmap="gray", vmin=0, vmax=np.nanquantile(slope, 0.995), **_shown_as(slope))
    first.set_title("exact gradient, magnitude per sample")
    first.set_axis_off()
    if curvature is None:
        return
    second = part.add_subplot(1, 3, 2)
    limit = np.nanquantile(np.abs(curvature), 0.99)
    second.imshow(curvature, cmap="gray", vmin=-limit, vmax=limit, **_shown_as(curvature))
    second.set_title("exact Laplacian, per sample squared")
    second.set_axis_off()


def _draw_detail(
    part: "SubFigure", field: Field, signal: Signal, shown: tuple[float, float] | None, *, num_rows: int
) -> None:
    from PIL import Image

    start, stop = zip(*_busiest(signal, num_rows), strict=True)
    rows, columns = slice(start[-2], stop[-2]), slice(start[-1], stop[-1])
    crop = signal.values[(*start[:-2], rows, columns)].astype(np.float64)
    region = list(zip(start, stop, strict=True))
    shape = [1] * (len(start) - 2) + [4 * crop.shape[0], 4 * crop.shape[1]]
    ours = field.sample(shape, region=region).double().numpy().reshape(shape[-2], shape[-1], -1)
    channels = [Image.fromarray(crop[..., each].astype(np.float32)) for each in range(crop.shape[2])]
    size = (shape[-1], shape[-2])
    bicubic = np.stack([np.asarray(each.resize(size, Image.Resampling.BICUBIC)) for each in channels], axis=-1)
    enlarged = [
        ("detail 4x, nearest", crop.repeat(4, axis=0).repeat(4, axis=1)),
        ("bicubic", bicubic),
        ("the field", ours),
    ]
    for number, (title, values) in enumerate(enlarged):
        axes = part.add_axes((0.672 + 0.11 * number, 0.04, 0.104, 0.86))
        _show(axes, values, title, field, shown)


def _busiest(signal: Signal, num_rows: int) -> list[tuple[int, int]]:
    """Return the window whose samples vary most: flat sky shows nothing."""
    rows, columns = signal.grid.shape[-2:]
    height, width = min(num_rows, rows), min(_DETAIL, columns)
    middle = [size // 2 for size in signal.grid.shape[:-2]]
    best, place = -1.0, (0, 0)
    row_starts = np.unique(np.linspace(0, rows - height, 12, dtype=int))
    column_starts = np.unique(np.linspace(0, columns - width, 16, dtype=int))
    for row in row_starts:
        for column in column_starts:
            place_of_window = (*middle, slice(row, row + height), slice(column, column + width))
            window = signal.values[place_of_window].astype(np.float64)
            steps = (np.abs(np.diff(window, axis=along)) for along in (0, 1))
            busyness = float(sum(np.nansum(each) for each in steps))
            if busyness > best:
                best, place = busyness, (int(row), int(column))
    row, column = place
    return [(number, number + 1) for number in middle] + [(row, row + height), (column, column + width)]
