"""Differential operators on functions of points, by automatic differentiation: exact up to rounding.

Every operator takes a callable ``(n, d) -> (n, c)`` in which each output row depends only on its own input row (no
batch normalization, no attention across points), and calls it once for all points. Results are per unit of
the callable's coordinates: for physical units, pass a callable of physical coordinates.

Rules shared by all operators:

- They compose. Where gradients are recorded, a result carries its graph to the weights behind the callable
  and to whatever produced the points, so it can enter a loss or be differentiated again. Under
  ``torch.no_grad`` and ``torch.inference_mode`` the derivative is the same, and comes without a graph.
- The derivative along a coordinate that the values do not depend on is zero. That includes a callable that detaches
  its input, which autograd cannot distinguish from a constant.
- Device and dtype are those of the points. A callable that does not return ``(n, c)`` raises `ShapeError`.

torch cannot differentiate a compiled module twice: pass the original module, before ``torch.compile``.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from ligeia.core import InputError, ShapeError

PointFunction: TypeAlias = Callable[[Tensor], Tensor]
"""Maps points ``(n, d)`` to values ``(n, c)``, row by row."""


def gradient(function: PointFunction, points: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Return the gradient of a scalar field, a function with one channel.

    Raises `ShapeError` for more channels.

    >>> gradient(lambda x: x.square().sum(dim=1, keepdim=True), torch.tensor([[1.0, 2.0]])).tolist()
    [[2.0, 4.0]]
    """

    def derive(values: Tensor, x: Tensor, keep_graph: bool) -> Tensor:
        num_channels = values.shape[1]
        if num_channels != 1:
            raise ShapeError(f"a gradient needs 1 channel, the function gave {num_channels}; use `jacobian`.")
        return _slopes(values[:, 0], x, keep_graph)

    return _differentiate(function, points, derive)


def jacobian(function: PointFunction, points: Float[Tensor, "n d"]) -> Float[Tensor, "n c d"]:
    """Return the derivative of every channel (second axis) along every coordinate (third axis)."""
    return _differentiate(function, points, _jacobian)


def divergence(function: PointFunction, points: Float[Tensor, "n d"]) -> Float[Tensor, "n 1"]:
    """Return the divergence of a vector field; its one channel makes the result a scalar field again.

    Raises `ShapeError` unless the function has as many channels as coordinates.

    >>> divergence(lambda x: x**3, torch.tensor([[1.0, 2.0]])).tolist()
    [[15.0]]
    """

    def derive(values: Tensor, x: Tensor, keep_graph: bool) -> Tensor:
        _check_vector_field("divergence", values, x)
        return _jacobian(values, x, keep_graph).diagonal(dim1=1, dim2=2).sum(dim=1, keepdim=True)

    return _differentiate(function, points, derive)


def curl(function: PointFunction, points: Float[Tensor, "n d"]) -> Float[Tensor, "n r"]:
    """Return the curl of a vector field: 3 channels in three dimensions, 1 channel in two.

    The axes count as right-handed in their order; the curl in the plane is ``d_0 f_1 - d_1 f_0``, positive
    for a turn from axis 0 towards axis 1. Raises `ShapeError` unless the function has as many channels as
    coordinates, two or three.

    >>> curl(lambda x: torch.stack([-x[:, 1], x[:, 0]], dim=1), torch.tensor([[1.0, 2.0]])).tolist()
    [[2.0]]
    """

    def derive(values: Tensor, x: Tensor, keep_graph: bool) -> Tensor:
        _check_vector_field("curl", values, x)
        if x.shape[1] not in (2, 3):
            raise ShapeError(f"a curl needs points with 2 or 3 coordinates, got {x.shape[1]}; use `jacobian`.")
        slopes = _jacobian(values, x, keep_graph)
        turning = slopes.transpose(1, 2) - slopes  # [:, i, j] is d_i f_j - d_j f_i
        pairs = [(0, 1)] if x.shape[1] == 2 else [(1, 2), (2, 0), (0, 1)]
        return torch.stack([turning[:, i, j] for i, j in pairs], dim=1)

    return _differentiate(function, points, derive)


def hessian(function: PointFunction, points: Float[Tensor, "n d"]) -> Float[Tensor, "n c d d"]:
    """Return the second derivatives of every channel (second axis) along every pair of coordinates."""

    def derive(values: Tensor, x: Tensor, keep_graph: bool) -> Tensor:
        rows = [
            _slopes(slope, x, keep_graph)
            for channel in values.unbind(dim=1)
            for slope in _slopes(channel, x, keep_graph=True).unbind(dim=1)
        ]
        return torch.stack(rows, dim=1).unflatten(1, (values.shape[1], x.shape[1]))

    _check_smooth("Hessian", function)
    return _differentiate(function, points, derive)


def laplacian(function: PointFunction, points: Float[Tensor, "n d"]) -> Float[Tensor, "n c"]:
    """Return the Laplacian of every channel: the sum of its second derivatives along the coordinates.

    Takes ``c (1 + d)`` reverse sweeps; for a sine network, `Siren.jet` gives the same in one forward sweep.

    >>> laplacian(lambda x: x.square().sum(dim=1, keepdim=True), torch.tensor([[1.0, 2.0]])).tolist()
    [[4.0]]
    """

    def derive(values: Tensor, x: Tensor, keep_graph: bool) -> Tensor:
        sums = []
        for channel in values.unbind(dim=1):
            slopes = _slopes(channel, x, keep_graph=True).unbind(dim=1)
            # only the diagonal of the Hessian is kept: memory for one row suffices
            seconds = [_slopes(slope, x, keep_graph)[:, axis] for axis, slope in enumerate(slopes)]
            sums.append(torch.stack(seconds).sum(dim=0))
        return torch.stack(sums, dim=1)

    _check_smooth("Laplacian", function)
    return _differentiate(function, points, derive)


def _differentiate(function: PointFunction, points: Tensor, derive: Callable[[Tensor, Tensor, bool], Tensor]) -> Tensor:
    """Evaluate ``function`` with gradients recorded; return ``derive(values, points, keep_graph)`` of it."""
    keep_graph = torch.is_grad_enabled()
    with torch.inference_mode(False), torch.enable_grad():
        x = _as_variable(points, keep_graph)
        values = function(x)
        if values.ndim != 2 or values.shape[0] != points.shape[0]:
            wanted = f"({points.shape[0]}, channels)"
            raise ShapeError(
                f"the function must return {wanted} for these points, got {tuple(values.shape)}; "
                "a scalar field keeps its axis of one channel."
            )
        result = derive(values, x, keep_graph)
    return result if keep_graph else result.detach()


def _as_variable(points: Tensor, keep_graph: bool) -> Tensor:
    """Return the points as a separate tensor, so that other uses of the same points add no derivative."""
    if keep_graph and points.requires_grad:
        return points.view_as(points)
    # autograd refuses to save tensors made under inference_mode; a copy is an ordinary tensor
    own = points.clone() if points.is_inference() else points
    return own.detach().requires_grad_()


def _slopes(values: Tensor, x: Tensor, keep_graph: bool) -> Tensor:
    """Return the ``(n, d)`` gradient of ``(n,)`` values; zero where they do not depend on ``x``."""
    if not values.requires_grad:
        return torch.zeros_like(x)
    # rows are independent, so the gradient of the sum holds the gradient of every row
    (slopes,) = torch.autograd.grad(
        values.sum(), x, create_graph=keep_graph, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return slopes


def _jacobian(values: Tensor, x: Tensor, keep_graph: bool) -> Tensor:
    return torch.stack([_slopes(channel, x, keep_graph) for channel in values.unbind(dim=1)], dim=1)


def _check_smooth(operator: str, function: PointFunction) -> None:
    """Refuse second derivatives of a field or a network whose gradient is discontinuous."""
    if getattr(function, "smoothness", math.inf) < 1:
        raise InputError(
            f"expected a network with a continuous gradient for the {operator}, this one's jumps; use `gradient`, or "
            "a smooth network."
        )


def _check_vector_field(operator: str, values: Tensor, x: Tensor) -> None:
    if values.shape[1] != x.shape[1]:
        raise ShapeError(
            f"a {operator} needs as many channels as coordinates ({x.shape[1]}), "
            f"the function gave {values.shape[1]}; use `jacobian`."
        )
