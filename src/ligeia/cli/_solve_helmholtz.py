"""`ligeia solve helmholtz`."""

from typing import Annotated

import typer

from ligeia.core import check_writable

from ._console import Device, Json, MediumCircle, Output, Quiet, Seed, check_field_output, parse_tuple
from ._solved import emit_solved


def helmholtz(
    output: Output,
    wavenumber: Annotated[float, typer.Option(metavar="K", help="Radians per unit; the square's side is 2.")] = 20.0,
    source: Annotated[str, typer.Option(metavar="X,Y,S", help="Place and width of the source.")] = "0,0,0.05",
    circle: MediumCircle = None,
    hidden_features: Annotated[int | None, typer.Option(metavar="N", help="Width; as the waves need.")] = None,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find the waves of one frequency.

    They come from a source in the square from -1 to 1, and leave it through absorbing layers 0.4 thick. The error is
    that against the closed form; for a medium that is not uniform the residual alone is known.

    Example: ligeia solve helmholtz --wavenumber 20 -o waves.lig
    """
    check_field_output(output)
    check_writable(output)
    at = parse_tuple(source, 3, "--source 0,0,0.05")
    within = None if circle is None else parse_tuple(circle, 4, "--circle 0.2,0,0.25,2")
    from ligeia import recipes
    from ligeia.physics import Circle, GaussianSource, Helmholtz, uniform_speed

    medium = uniform_speed if within is None else Circle.of(within)
    problem = Helmholtz(wavenumber=wavenumber, source=GaussianSource(center=(at[0], at[1]), width=at[2]), speed=medium)
    solved = recipes.solve_helmholtz(problem, hidden_features=hidden_features, seed=seed, device=device)
    emit_solved(solved, output, seed=seed, as_json=as_json, quiet=quiet)
