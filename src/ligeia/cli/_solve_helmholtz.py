"""`ligeia solve helmholtz`."""

from typing import Annotated

import typer

from ligeia.core import check_writable

from ._console import Device, Json, Output, Quiet, Seed, check_field_output, emit, parse_tuple


def helmholtz(
    output: Output,
    wavenumber: Annotated[float, typer.Option(metavar="K", help="Radians per unit; the square's side is 2.")] = 20.0,
    source: Annotated[str, typer.Option(metavar="X,Y,S", help="Place and width of the source.")] = "0,0,0.05",
    circle: Annotated[
        str | None, typer.Option(metavar="X,Y,R,C", help="Waves C times as fast within a circle of radius R.")
    ] = None,
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
    from ligeia import codec, recipes
    from ligeia.physics import Circle, GaussianSource, Helmholtz, uniform_speed

    medium = uniform_speed
    if within is not None:
        medium = Circle(center=(within[0], within[1]), radius=within[2], speed=within[3])
    problem = Helmholtz(wavenumber=wavenumber, source=GaussianSource(center=(at[0], at[1]), width=at[2]), speed=medium)
    solved = recipes.solve_helmholtz(problem, hidden_features=hidden_features, seed=seed, device=device)
    found = {
        "relative_l2": solved.relative_l2,
        "relative_residual": solved.relative_residual,
        "seconds": solved.seconds,
        "parameters": solved.field.network.config.num_parameters(),
        "bytes": codec.save(solved.field, output),
        "output": str(output),
        "seed": seed,
    }
    known = "no closed form" if solved.relative_l2 is None else f"{solved.relative_l2:.2%} from the closed form"
    summary = (
        f"{output}: {known}, residual {solved.relative_residual:.2%} of the source, in {solved.seconds:.1f} s\n"
        f"{found['parameters']:,} parameters, {found['bytes']:,} bytes"
    )
    emit(found, summary, as_json=as_json, quiet=quiet)
