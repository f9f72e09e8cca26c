"""Selected partial derivatives of a function of points, in the usual notation: ``t``, ``xx``, ``xx+yy``."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from ligeia.core import InputError, ShapeError
from ligeia.kernels import JetShape, JetTerm

from ._operators import PointFunction, jacobian

_HIGHEST_ORDER = 2


@runtime_checkable
class HasDerivatives(Protocol):
    """A function of points, such as a field, with a faster way to its derivatives than automatic differentiation."""

    def derivatives(self, points: Tensor, *wanted: str) -> tuple[Tensor, ...]:
        """Return the requested derivatives, each ``(n, c)``."""
        ...


class Derivative(NamedTuple):
    """A sum of partial derivatives, each as axis numbers: ``()`` is the value, ``(0, 0)`` twice along axis 0."""

    parts: tuple[tuple[int, ...], ...]


class JetPlan(NamedTuple):
    """The jet that holds all requested derivatives, and where each of them is in it."""

    shape: JetShape
    directions: tuple[int, ...]
    """Axes along which first derivatives are carried."""
    places: tuple[tuple[int, ...], ...]
    """For each derivative, the jet components that add up to it."""

    def pick(self, streams: Float[Tensor, "s n c"]) -> tuple[Float[Tensor, "n c"], ...]:
        """Return the requested derivatives."""
        return tuple(_sum([streams[each] for each in places]) for places in self.places)


def derivatives(
    function: PointFunction, points: Float[Tensor, "n d"], *wanted: str
) -> tuple[Float[Tensor, "n c"], ...]:
    """Return partial derivatives of a function at points, up to the second order, each as ``(n, c)``.

    ``""`` is the value, ``"x"`` the first derivative along the axis ``x``, ``"tx"`` a mixed one, ``"xx+yy"`` a sum.
    Axes go by their names where these are single letters, and by their numbers: ``"0"``, ``"11+22"``. Fields
    (``field``, per unit coordinate, and ``field.physical``, per the unit of each axis) compute the derivatives with the
    values in one sweep; any other callable is differentiated automatically, with axes named by number. Raises
    `InputError` for an unknown axis and for third derivatives; compose `gradient` for those.

    >>> import torch
    >>> value, slope, bend = derivatives(lambda x: x[:, :1] ** 3, torch.tensor([[2.0, 1.0]]), "", "0", "00+11")
    >>> value.item(), slope.item(), bend.item()
    (8.0, 12.0, 12.0)
    """
    if isinstance(function, HasDerivatives):
        return function.derivatives(points, *wanted)
    parsed = [parse_derivative(each, ("",) * points.shape[-1]) for each in wanted]
    known: dict[tuple[int, ...], Tensor] = {}

    def along(x: Tensor, axes: tuple[int, ...]) -> Tensor:
        if not axes:
            values = function(x)
            if values.ndim != 2:
                raise ShapeError(f"the function must return (n, channels), got {tuple(values.shape)}.")
            return values
        return jacobian(lambda y: along(y, axes[:-1]), x)[:, :, axes[-1]]

    for part in {part for derivative in parsed for part in derivative.parts}:
        known[part] = along(points, part)
    return tuple(_sum([known[part] for part in derivative.parts]) for derivative in parsed)


def parse_derivative(text: str, names: Sequence[str]) -> Derivative:
    """Return the derivative that ``text`` names on axes of these names."""
    letters = {name: number for number, name in enumerate(names) if len(name) == 1 and not name.isdigit()}
    numbers = {str(number): number for number in range(len(names))}
    known = numbers | letters
    parts = []
    for part in text.replace(" ", "").split("+"):
        if unknown := [letter for letter in part if letter not in known]:
            axes = ", ".join(letters or numbers)
            raise InputError(
                f"expected a derivative along axes {axes}, such as {_example(known)!r}, got {text!r} with "
                f"{unknown[0]!r}."
            )
        if len(part) > _HIGHEST_ORDER:
            raise InputError(
                f"expected derivatives up to the second order, got {text!r}; compose `gradient` for higher ones."
            )
        parts.append(tuple(sorted(known[letter] for letter in part)))
    return Derivative(tuple(parts))


def plan_jet(wanted: Sequence[Derivative]) -> JetPlan:
    """Return the smallest jet that holds these derivatives; a sum of second derivatives is one component."""
    parts = [part for derivative in wanted for part in derivative.parts]
    directions = tuple(sorted({axis for part in parts for axis in part}))
    at = {axis: number for number, axis in enumerate(directions)}
    terms: list[JetTerm] = []
    curvatures: dict[tuple[tuple[int, ...], ...], int] = {}
    places = []
    for derivative in wanted:
        streams = [0 if not part else 1 + at[part[0]] for part in derivative.parts if len(part) < _HIGHEST_ORDER]
        if second := tuple(part for part in derivative.parts if len(part) == _HIGHEST_ORDER):
            if second not in curvatures:
                curvatures[second] = len(curvatures)
                terms += [JetTerm(curvatures[second], at[i], at[j]) for i, j in second]
            streams.append(1 + len(directions) + curvatures[second])
        places.append(tuple(streams))
    return JetPlan(JetShape(len(directions), len(curvatures), tuple(terms)), directions, tuple(places))


def _sum(parts: Sequence[Tensor]) -> Tensor:
    return sum(parts[1:], start=parts[0])


def _example(known: dict[str, int]) -> str:
    first = next(iter(reversed(known)))
    return first + first
