"""`ligeia solve wave`."""

from typing import Annotated

import typer

from ligeia.core import check_writable

from .._console import Device, Json, MediumCircle, Output, Quiet, Seed, check_field_output
from .._parsing import parse_tuple
from .._progress import watched_fit
from ._solution import emit_solved


def wave(
    output: Output,
    pulse: Annotated[str, typer.Option(metavar="X,Y,S", help="Place and width of the pulse at time 0.")] = "0,0,0.1",
    velocity: Annotated[
        str | None, typer.Option(metavar="X,Y,S,H", help="Pulse of height H for u_t at time 0; default: 0.")
    ] = None,
    duration: Annotated[float, typer.Option(metavar="T", help="1 is the time to travel one unit.")] = 0.5,
    circle: MediumCircle = None,
    curriculum: Annotated[bool, typer.Option("--curriculum", help="With --circle: early times first.")] = False,
    seconds: Annotated[float | None, typer.Option(metavar="S", help="With --circle: stop after this time.")] = None,
    hidden_features: Annotated[int | None, typer.Option(metavar="N", help="Width; by default by the pulse.")] = None,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Solve the wave equation for a pulse: a field of time and place.

    In the square from -1 to 1 of an infinite plane the error is relative to the closed form. Around a --circle waves
    leave at the square's edges, and only the residual is known.

    Example: ligeia solve wave --pulse 0,0,0.1 --duration 0.5 -o waves.lig
    """
    check_field_output(output)
    check_writable(output)
    at = parse_tuple(pulse, 3, "--pulse 0,0,0.1")
    moving = None if velocity is None else parse_tuple(velocity, 4, "--velocity 0,0,0.1,2")
    within = None if circle is None else parse_tuple(circle, 4, "--circle 0.2,0,0.25,2")
    from ligeia import equations, fitting
    from ligeia.physics import Circle, GaussianPulse, Wave, uniform_speed

    problem = Wave(
        pulse=GaussianPulse(center=(at[0], at[1]), width=at[2]),
        velocity=None
        if moving is None
        else GaussianPulse(center=(moving[0], moving[1]), width=moving[2], height=moving[3]),
        speed=uniform_speed if within is None else Circle.of(within),
        duration=duration,
    )
    with watched_fit(quiet=quiet, checkpoint=None) as callback:
        solved = equations.solve_wave(
            problem,
            hidden_features=hidden_features,
            curriculum=curriculum,
            stop=None if seconds is None else fitting.seconds(seconds / 3 if curriculum else seconds),  # three stages
            seed=seed,
            device=device,
            callbacks=[callback],
        )
    emit_solved(solved, output, seed=seed, as_json=as_json, quiet=quiet)
