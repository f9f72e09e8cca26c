"""The output layer by least squares: constraints that are linear in a field are linear in its last weights.

The linear half of variable projection (Golub & Pereyra 1973); for networks: Cyr et al. 2020, arXiv:1912.04862. For a
residual that is not linear it is one step of Gauss and Newton in these weights.
"""

from collections.abc import Iterator, Sequence
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Num
from torch import Tensor

from ligeia.core import InputError, random_stream
from ligeia.field import Field

from ._constraints import Constraint, check_places, checked

_PIECE = 1 << 10  # points whose features are held at a time
_RIDGE = 1e-12  # of the diagonal: rounding of features that are nearly alike


def solve_output(
    field: Field,
    constraints: Sequence[Constraint],
    *,
    ridge: float = _RIDGE,
    most_points: int = 1 << 17,
    seed: int = 0,
) -> None:
    """Set a field's output layer, in place, to the least-squares solution of the constraints for its features.

    Of more than ``most_points`` points of a constraint a random choice is taken. ``ridge`` is added to the normal
    equations, relative to their diagonal.
    """
    output = field.network.output_layer()
    if output is None:
        raise InputError("expected a network with a linear output layer to solve for, this network's is not.")
    check_places(constraints, field.grid)
    size = output.weight.numel() + output.bias.numel()
    normal = torch.zeros(size, size, dtype=torch.float64, device=output.weight.device)
    right = torch.zeros(size, dtype=torch.float64, device=output.weight.device)
    for number, constraint in enumerate(constraints):
        for points, known, share in pieces(constraint, most_points, output.weight, seed + number):
            rows, residual = linearized(field, constraint, points, known)
            factor = constraint.weight * share / residual.shape[1]
            flat = rows.flatten(0, 1)
            normal += factor * (flat.T @ flat)
            right -= factor * (flat.T @ residual.flatten())
    change = solved(normal, right[:, None], ridge)[:, 0]
    change = change.view(len(output.bias), -1)
    with torch.no_grad():
        output.weight.add_(change[:, :-1])
        output.bias.add_(change[:, -1])


def solved(normal: Num[Tensor, "w w"], right: Num[Tensor, "w r"], ridge: float) -> Num[Tensor, "w r"]:
    """Return the solution of normal equations, by a ridge, over their diagonal, as small as rounding allows."""
    scale = torch.rsqrt(normal.diagonal().real.clamp_min(1e-300))
    normal, right = normal * scale * scale[:, None], scale[:, None] * right
    while ridge < 1:
        factor, failed = torch.linalg.cholesky_ex(normal + ridge * torch.eye(len(normal)).to(normal))
        if not failed:
            return scale[:, None] * torch.cholesky_solve(right, factor)
        ridge = max(10 * ridge, 1e-16)
    raise InputError("expected finite constraints that determine the output layer; check their residuals.")


def linearized(
    field: Field, constraint: Constraint, points: Float[Tensor, "n d"], known: Sequence[Tensor]
) -> tuple[Float[Tensor, "n r w"], Float[Tensor, "n r"]]:
    """Return the derivatives of a residual for the output layer's weights and biases, in float64, and the residual."""
    function = field.physical
    recorder = _Recorder(field, points)
    with torch.enable_grad():
        residual = checked(constraint.residual(recorder, points, *known), points)
    if not residual.requires_grad:
        raise InputError("expected a residual that depends on the field, on `u(points)` or its derivatives.")
    wanted = [name for name, _ in recorder.asked]
    plan = function.plan(wanted)
    with torch.no_grad():
        features = plan.pick(function.features(points, plan))
    half_range = field.half_range.to(points)
    constant = [torch.full_like(points[:, :1], float(name == "")) for name in wanted]
    columns = torch.stack([torch.cat(pair, dim=1) for pair in zip(features, constant, strict=True)])  # q n f+1
    rows = []
    for equation in residual.unbind(dim=1):
        leaves = [leaf for _, leaf in recorder.asked]
        slopes = torch.autograd.grad(equation.sum(), leaves, retain_graph=True, materialize_grads=True)
        along = torch.stack([slope * half_range for slope in slopes])  # q n c
        rows.append(torch.einsum("qnc,qnf->ncf", along.double(), columns.double()).flatten(1))
    return torch.stack(rows, dim=1), residual.detach().double()


@final
class _Recorder:
    """Stands in for a field: records which derivatives a residual requests, as leaves to differentiate for."""

    def __init__(self, field: Field, points: Float[Tensor, "n d"]) -> None:
        self.field, self._points = field, points
        self.asked: list[tuple[str, Tensor]] = []

    def __call__(self, points: Tensor) -> Tensor:
        return self.derivatives(points, "")[0]

    def derivatives(self, points: Tensor, *wanted: str) -> tuple[Tensor, ...]:
        if points is not self._points:
            raise InputError("expected a residual that evaluates the field at its own points only, to solve for it.")
        with torch.no_grad():
            found = self.field.physical.derivatives(points, *wanted)
        leaves = tuple(each.detach().requires_grad_() for each in found)
        self.asked += zip(wanted, leaves, strict=True)
        return leaves


def pieces(
    constraint: Constraint, most_points: int, like: Tensor, seed: int
) -> Iterator[tuple[Tensor, list[Tensor], float]]:
    """Yield points of a constraint, the known quantities there, and each point's share of the mean."""
    count = len(constraint.points)
    chosen = np.arange(count)
    if count > most_points:
        chosen = torch.randperm(count, generator=random_stream(seed, "points of least squares"))[:most_points].numpy()
    for piece in np.array_split(chosen, -(-len(chosen) // _PIECE)):
        points, *known = (
            torch.from_numpy(np.ascontiguousarray(part[piece])).to(like)
            for part in (constraint.points, *constraint.known)
        )
        yield points, known, 1 / len(chosen)
