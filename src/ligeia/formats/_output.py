"""Output: a field on its way into a file, as all writers take it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Bool, Shaped

from ligeia.core import InputError
from ligeia.signals import GriddedSource, Quantity, Sampled, Sampling, cast_samples

_YIELDED = 1 << 16  # samples handed over at a time


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """A field, the sampling to write, and the path."""

    field: Sampled
    path: Path
    sampling: Sampling
    quantity: Quantity = "value"
    crf: int | None = None
    """The constant quality of a video's encoder; None for its default."""
    is_original: bool = False
    """Whether this is the original sampling, in the original's own type of numbers."""
    exact: Shaped[np.ndarray, "*shape channels"] | None = None
    """The original samples, if the file keeps them."""

    @property
    def suffix(self) -> str:
        """The ending, in lower case, with its dot."""
        return self.path.suffix.lower()

    @property
    def is_slice(self) -> bool:
        """Whether an axis of the sampling is a single place, unlike the original's."""
        return not self.is_original and 1 in self.sampling.shape

    @property
    def dtype(self) -> np.dtype:
        """The type of numbers if the format allows any."""
        source = self.field.source
        if not self.is_original:
            return np.dtype(np.float32)
        dtype = np.dtype(source.dtype)
        if isinstance(source, GriddedSource) and dtype.kind != "f":  # its samples may be packed, or marked as missing
            return np.dtype(np.float32)
        return dtype

    def pieces(self, *, is_physical: bool = False) -> Iterator[tuple[int, int, np.ndarray]]:
        """Yield consecutive pieces ``(start, stop, samples)``, in the signal's units.

        Derivatives are per unit coordinate, or per physical unit for a file whose places are physical.
        """
        if self.exact is not None:
            flat = self.exact.reshape(-1, self.exact.shape[-1])
            for start in range(0, len(flat), _YIELDED):  # float64 holds every integer that a file keeps
                stop = min(start + _YIELDED, len(flat))
                yield start, stop, flat[start:stop].astype(np.float64)
            return
        scale = self._derivative_scale() if is_physical and self.quantity != "value" else None
        for start, stop, values in self.field.pieces(self.sampling, quantity=self.quantity, derivative_scale=scale):
            yield start, stop, np.asarray(values)

    def filled_pieces(self, dtype: np.dtype, *, is_physical: bool = False) -> Iterator[tuple[int, int, np.ndarray]]:
        """Yield pieces in which what stands for a missing sample in ``dtype`` is where there is no value."""
        missing = self.missing()
        flat = None if missing is None else missing.reshape(-1)
        for start, stop, values in self.pieces(is_physical=is_physical):
            if flat is not None:
                values[flat[start:stop]] = self.absent(dtype)
            yield start, stop, values

    def pieces_with_nan(self, *, is_physical: bool = False) -> Iterator[tuple[int, int, np.ndarray]]:
        """Yield pieces in `dtype` that are NaN, or 0 in a file of integers, where there is no value."""
        for start, stop, values in self.filled_pieces(self.dtype, is_physical=is_physical):
            yield start, stop, cast_samples(values, self.dtype)

    def absent(self, dtype: np.dtype) -> float:
        """Return what stands for a missing sample in ``dtype``: the original's value, or NaN, or 0 of integers."""
        missing = self.field.missing
        if missing is not None and missing.value is not None and self.quantity == "value":
            return missing.value
        return float("nan") if dtype.kind == "f" else 0.0

    def missing(self) -> Bool[np.ndarray, "..."] | None:
        """Return where the sampling has no value: where the nearest original sample has none."""
        if self.field.missing is None or self.exact is not None:
            return None
        mask = self.field.missing.mask().reshape(self.field.grid.shape)
        for number, axis in enumerate(self.field.grid.axes):
            nearest = np.rint(self.sampling.positions(number)).astype(np.int64)
            nearest = nearest % axis.size if axis.is_periodic else nearest.clip(0, axis.size - 1)
            mask = mask.take(nearest, axis=number)
        return mask

    def _derivative_scale(self) -> list[float]:
        """Return the factors to physical derivatives; those across a slice are left out.

        Derivatives along axes of different units have no sum: `InputError`.
        """
        spread = [size > 1 for size in self.sampling.shape]
        axes = self.field.grid.axes
        # degrees_north and degrees_east are the same
        units = {axis.unit.partition("_")[0] for axis, is_spread in zip(axes, spread, strict=True) if is_spread}
        if len(units) > 1:
            names = ", ".join(f"{axis.name} ({axis.unit or 'no unit'})" for axis in axes)
            raise InputError(
                f"{self.path}: expected axes of one unit for the {self.quantity}, got {names}; choose a slice with "
                "--region, or write an .npy file, which is per unit coordinate."
            )
        scale = 1 / np.abs(self.field.grid.physical_scale())
        return [float(each) if is_spread else 0.0 for each, is_spread in zip(scale, spread, strict=True)]
