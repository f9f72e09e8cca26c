"""`ligeia solve`: one command per equation."""

import typer

from ._solve_helmholtz import helmholtz
from ._solve_inversion import inversion
from ._solve_wave import wave

solve = typer.Typer(help="Solve a differential equation by a field.", rich_markup_mode=None)
for _command in (helmholtz, wave, inversion):
    solve.command(_command.__name__)(_command)
