"""`ligeia solve`: one command per equation."""

import typer

from ._helmholtz import helmholtz
from ._inversion import inversion
from ._wave import wave

solve = typer.Typer(help="Solve a differential equation with a field.", rich_markup_mode=None)
for _command in (helmholtz, wave, inversion):
    solve.command(_command.__name__)(_command)
