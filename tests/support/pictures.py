"""A whole picture through the writer's pieces."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ligeia.formats import write_image
from ligeia.signals import ArraySource, Channel, ImageSource, Source


def write_whole(
    path: Path,
    values: np.ndarray,
    channels: Sequence[Channel],
    source: Source,
    *,
    upright: bool = False,
) -> None:
    """Write a picture held as one array (rows, columns, channels), in two uneven pieces."""
    assert isinstance(source, ArraySource | ImageSource)
    rows, columns, count = values.shape
    flat = values.reshape(-1, count)
    cut = len(flat) // 3
    pieces = [(start, stop, flat[start:stop]) for start, stop in ((0, cut), (cut, len(flat))) if stop > start]
    write_image(path, (rows, columns), pieces, channels, source, upright=upright)
