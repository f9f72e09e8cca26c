"""`ligeia solve helmholtz`."""

from typing import Annotated

import typer

from ligeia.core import check_writable

from .._console import Device, Json, MediumCircle, Output, Quiet, Seed, check_field_output
from .._parsing import parse_tuple
from ._solution import emit_solved


def helmholtz(
    output: Output,
    wavenumber: Annotated[float, typer.Option(metavar="K", help="Radians per unit; the square's side is 2.")] = 20.0,
    source: Annotated[str, typer.Option(metavar="X,Y,S", help="Place and width of the source.")] = "0,0,0.05",
    circle: MediumCircle = None,
    hidden_features: Annotated[int | None, typer.Option(metavar="N", help="Width; default: by wavenumber.")] = None,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Solve the Helmholtz equation: waves of one frequency.

    They come from a source in the square from -1 to 1 and leave through absorbing layers 0.4 thick. The error is
    relative to the closed form; for a nonuniform medium only the residual is known.

    Example: ligeia solve helmholtz --wavenumber 20 -o waves.lig
    """
    check_field_output(output)
    check_writable(output)
    at = parse_tuple(source, 3, "--source 0,0,0.05")
    within = None if circle is None else parse_tuple(circle, 4, "--circle 0.2,0,0.25,2")
    from ligeia import equations
    from ligeia.physics import Circle, GaussianSource, Helmholtz, uniform_speed

    medium = uniform_speed if within is None else Circle.of(within)
    problem = Helmholtz(wavenumber=wavenumber, source=GaussianSource(center=(at[0], at[1]), width=at[2]), speed=medium)
    solved = equations.solve_helmholtz(problem, hidden_features=hidden_features, seed=seed, device=device)
    emit_solved(solved, output, seed=seed, as_json=as_json, quiet=quiet)
