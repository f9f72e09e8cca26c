"""Fits latent grids to a picture: noisy values, their bits, the decoded picture, and all gradients, in one sweep.

`LatentFit` holds the grids with their moments and takes steps in compiled code, or, where there is none, in torch
(`_latents_reference`, which defines what is computed).
"""

import ctypes
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, final

import numpy as np
from jaxtyping import Float, Float32

from ligeia.core import num_threads

from .. import _native
from .._choice import TORCH, current_path
from ._plan import GridPlan, Relaxation, num_biases_of, pixel_taps

MOST_INPUTS: Final = 24
MOST_FEATURES: Final = 16
MOST_CHANNELS: Final = 8

_MARGIN, _ABOVE = 8, 3


class _Input(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in ("source", "row", "column", "grid")]


class _Grid(ctypes.Structure):
    _fields_ = [
        *[(name, ctypes.c_int) for name in ("rows", "columns", "stride", "network", "bias", "parent", "feature")],
        ("step", ctypes.c_float),
        *[(name, ctypes.c_void_p) for name in ("latent", "first", "second", "value", "slope", "grad")],
        *[(name, ctypes.c_void_p) for name in ("across", "across_grad", "column_index", "column_weight")],
        *[(name, ctypes.c_void_p) for name in ("row_index", "row_weight", "row_span")],
        ("inputs", _Input * MOST_INPUTS),
    ]


class _Context(ctypes.Structure):
    _fields_ = [
        ("num_inputs", ctypes.c_int),
        ("num_biases", ctypes.c_int),
        ("weights", ctypes.c_void_p),
        ("grad", ctypes.c_void_p),
    ]


class _Point(ctypes.Structure):
    _fields_ = [
        ("num_features", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("weights", ctypes.c_void_p),
        ("grad", ctypes.c_void_p),
    ]


class _Fit(ctypes.Structure):
    _fields_ = [
        *[(name, ctypes.c_int) for name in ("height", "width", "num_grids", "num_networks")],
        ("grids", ctypes.c_void_p),
        ("networks", ctypes.c_void_p),
        ("point", _Point),
        *[(name, ctypes.c_void_p) for name in ("target", "values", "feature_grad", "scratch")],
    ]


class _Relaxation(ctypes.Structure):
    _fields_ = [
        ("temperature", ctypes.c_float),
        ("noise", ctypes.c_float),
        ("key", ctypes.c_uint32),
        ("is_hard", ctypes.c_int),
    ]


class _Adam(ctypes.Structure):
    _fields_ = [(name, ctypes.c_float) for name in ("rate", "beta1", "beta2", "eps", "correction1", "correction2")]


@final
class LatentFit:
    """Latent grids fitted to a picture ``(c, h, w)`` in network units, together with their networks.

    ``contexts`` are the flat weights of each context network, with how many inputs they have; ``point`` those of the
    point network. They are changed by whoever holds them; `evaluate` reads them and leaves their gradients in
    ``context_grads`` and ``point_grad``.
    """

    def __init__(
        self,
        plans: Sequence[GridPlan],
        target: Float32[np.ndarray, "c h w"],
        contexts: Sequence[Float32[np.ndarray, "..."]],
        point: Float32[np.ndarray, " m"],
        num_features: int,
    ) -> None:
        self.plans = tuple(plans)
        self.target = np.ascontiguousarray(target, np.float32)
        self.contexts, self.point, self.num_features = list(contexts), point, num_features
        self.context_grads = [np.zeros_like(each) for each in contexts]
        self.point_grad = np.zeros_like(point)
        self.num_steps = 0
        num_channels, height, width = self.target.shape
        if num_features > MOST_FEATURES or num_channels > MOST_CHANNELS:
            raise ValueError(
                f"expected up to {MOST_FEATURES} features and {MOST_CHANNELS} channels, got {num_features} and "
                f"{num_channels}."
            )
        self._keep: list[np.ndarray] = []
        self._views: dict[str, list[np.ndarray]] = {name: [] for name in _BUFFERS}
        self._grids = (_Grid * len(self.plans))()
        for grid, plan in zip(self._grids, self.plans, strict=True):
            self._lay_out(grid, plan, height, width)
        self._networks = (_Context * len(self.contexts))()
        for number, (weights, grad) in enumerate(zip(self.contexts, self.context_grads, strict=True)):
            users = [plan for plan in self.plans if plan.network == number]
            num_inputs = len(users[0].inputs) if users else 0
            num_biases = num_biases_of(len(weights), num_inputs)
            self._networks[number] = _Context(num_inputs, num_biases, weights.ctypes.data, grad.ctypes.data)
        self._fit = _Fit(
            height,
            width,
            len(self.plans),
            len(self.contexts),
            ctypes.addressof(self._grids),
            ctypes.addressof(self._networks),
            _Point(num_features, num_channels, point.ctypes.data, self.point_grad.ctypes.data),
            self.target.ctypes.data,
            None,
            self._array(num_features * height * width).ctypes.data,
            None,
        )
        self._scratch: tuple[str, np.ndarray] | None = None

    @property
    def latents(self) -> list[Float32[np.ndarray, "..."]]:
        """The parameters being fitted, a view of each grid; rounded, they give the values."""
        return self._views["latent"]

    @property
    def moments(self) -> list[Float32[np.ndarray, "..."]]:
        """Views of Adam's first and second moments of the latents."""
        return [*self._views["first"], *self._views["second"]]

    @property
    def values(self) -> list[Float32[np.ndarray, "..."]]:
        """Views of the values that were evaluated last."""
        return self._views["value"]

    @property
    def grads(self) -> list[Float32[np.ndarray, "..."]]:
        """Views of the gradients of the last evaluation with respect to `values`."""
        return self._views["grad"]

    @property
    def slopes(self) -> list[Float32[np.ndarray, "..."]]:
        """Views of the derivatives of `values` with respect to the latents."""
        return self._views["slope"]

    def evaluate(
        self,
        how: Relaxation,
        *,
        rate_weight: float = 0.0,
        with_grad: bool = False,
        values: Float32[np.ndarray, "c h w"] | None = None,
    ) -> tuple[Float[np.ndarray, " grids"], float]:
        """Return the nats of each grid, and the mean squared error in network units.

        ``with_grad`` leaves the gradients of the error plus ``rate_weight`` times the nats. ``values`` receives the
        picture.
        """
        for each in (*self.context_grads, self.point_grad):
            each[:] = 0
        nats = np.zeros(len(self.plans))
        factor = 1 / self.target.size
        path = current_path()
        if path == TORCH:
            from ._reference import Arrays, evaluate

            arrays = Arrays(
                plans=self.plans,
                target=self.target,
                num_features=self.num_features,
                latents=self.latents,
                contexts=self.contexts,
                point=self.point,
                values=self.values,
                slopes=self.slopes,
                grads=self.grads,
                context_grads=self.context_grads,
                point_grad=self.point_grad,
            )
            error = evaluate(arrays, how, rate_weight, factor, with_grad=with_grad, nats=nats, values=values)
            return nats, error * factor
        library, number = _native.library(), _native.PATHS.index(path)
        if self._scratch is None or self._scratch[0] != path:  # each path has vectors of its own width
            size = library.ligeia_latents_scratch(number, ctypes.addressof(self._fit))
            self._scratch = path, _aligned(size)
            self._fit.scratch = self._scratch[1].ctypes.data
        self._fit.values = None if values is None else values.ctypes.data
        error_sum = ctypes.c_double()
        relaxation = _Relaxation(how.temperature, how.noise, how.key & 0xFFFFFFFF, how.is_hard)
        library.ligeia_latents_evaluate(
            number,
            ctypes.addressof(self._fit),
            ctypes.addressof(relaxation),
            rate_weight,
            factor,
            with_grad,
            num_threads(),
            nats.ctypes.data,
            ctypes.addressof(error_sum),
        )
        return nats, error_sum.value * factor

    def move(self, rate: float, betas: tuple[float, float], eps: float) -> None:
        """Update the latents by a step of Adam, from the gradients that `evaluate` left."""
        self.num_steps += 1
        corrections = [1 / (1 - beta**self.num_steps) for beta in betas]
        path = current_path()
        if path == TORCH:
            from ._reference import move

            parts = [self._views[name] for name in ("latent", "first", "second", "grad", "slope")]
            for latent, first, second, grad, slope in zip(*parts, strict=True):
                move(latent, first, second, grad, slope, rate, betas, eps, corrections)
            return
        how = _Adam(rate, *betas, eps, *corrections)
        _native.library().ligeia_latents_adam(
            _native.PATHS.index(path), ctypes.addressof(self._fit), ctypes.addressof(how), num_threads()
        )

    def set_steps(self, steps: Sequence[float]) -> None:
        """Switch to other quantization steps while keeping nearly the same picture."""
        for number, (plan, step) in enumerate(zip(self.plans, steps, strict=True)):
            factor = plan.step / step
            for name, power in (("latent", 1), ("first", -1), ("second", -2)):
                view = self._views[name][number]
                np.multiply(view, np.float32(factor**power), out=view)
            self._grids[number].step = step
        self.plans = tuple(replace(plan, step=step) for plan, step in zip(self.plans, steps, strict=True))

    def _lay_out(self, grid: _Grid, plan: GridPlan, height: int, width: int) -> None:
        rows, columns = plan.shape
        if len(plan.inputs) > MOST_INPUTS:
            raise ValueError(f"a context network has at most {MOST_INPUTS} inputs, got {len(plan.inputs)}.")
        stride = 2 * _MARGIN + -(-columns // 16) * 16
        grid.rows, grid.columns, grid.stride = rows, columns, stride
        grid.network, grid.bias, grid.parent = plan.network, plan.bias, plan.parent
        grid.feature, grid.step = plan.feature, plan.step
        for name in _BUFFERS:
            flat = self._array((rows + _ABOVE + 1) * stride + 16)
            first = _ABOVE * stride + _MARGIN
            setattr(grid, name, flat[first:].ctypes.data)
            whole = flat[: (rows + _ABOVE + 1) * stride].reshape(-1, stride)
            self._views[name].append(whole[_ABOVE : _ABOVE + rows, _MARGIN : _MARGIN + columns])
        grid.across, grid.across_grad = (self._array(rows * width).ctypes.data for _ in range(2))
        column_index, column_weight = pixel_taps(width, columns, plan.level)
        row_index, row_weight = pixel_taps(height, rows, plan.level)
        span = np.empty((rows, 2), np.int32)
        span[:, 0], span[:, 1] = height, 0
        lines = np.arange(height, dtype=np.int32)
        for tap in row_index:
            np.minimum.at(span[:, 0], tap, lines)
            np.maximum.at(span[:, 1], tap, lines + 1)
        kept = [
            column_index,
            column_weight,
            np.ascontiguousarray(row_index.T),
            np.ascontiguousarray(row_weight.T),
            span,
        ]
        self._keep += kept
        names = ("column_index", "column_weight", "row_index", "row_weight", "row_span")
        for name, array in zip(names, kept, strict=True):
            setattr(grid, name, array.ctypes.data)
        for number, source in enumerate(plan.inputs):
            grid.inputs[number] = _Input(*source)

    def _array(self, size: int) -> Float32[np.ndarray, " n"]:
        """Return zeros aligned to a cache line, and keep them alive."""
        self._keep.append(_aligned(size))
        return self._keep[-1]


def _aligned(size: int) -> Float32[np.ndarray, " n"]:
    """Return zeros aligned to a cache line."""
    whole = np.zeros(size + 16, np.float32)
    first = -whole.ctypes.data % 64 // 4
    return whole[first : first + size]


_BUFFERS = ("latent", "first", "second", "value", "slope", "grad")
