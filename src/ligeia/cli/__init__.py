"""The command line: one file per command. Nothing here imports torch before a command needs it."""

import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any

import typer

from ligeia import __version__
from ligeia.core import InputError, LigeiaError, MissingExtraError, OutputError

from ._bench import bench
from ._blend import blend
from ._compare import compare
from ._compress import compress
from ._console import say
from ._decode import decode
from ._demo import demo
from ._enlarge import enlarge
from ._explain import explain
from ._export import export
from ._fit import fit
from ._import import import_
from ._info import info
from ._mesh import mesh
from ._paper import paper
from ._poisson import poisson
from ._render import render
from .solve._solve import solve

_app = typer.Typer(
    help="Any signal as a small, differentiable function.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (
    fit,
    compress,
    render,
    decode,
    enlarge,
    compare,
    mesh,
    poisson,
    blend,
    info,
    explain,
    export,
    import_,
    demo,
    paper,
    bench,
):
    _app.command(_command.__name__.rstrip("_"))(_command)
_app.add_typer(solve, name="solve")


@_app.callback(invoke_without_command=True)
def _before_any_command(
    version: bool = typer.Option(False, "--version", help="Print the version."),
    kernel: str = typer.Option(
        "auto",
        envvar="LIGEIA_KERNEL",
        help="Arithmetic of networks on the CPU: auto, torch, or one that `ligeia info --system` lists.",
    ),
) -> None:
    if version:
        typer.echo(f"ligeia {__version__}")
        raise typer.Exit
    if kernel != "auto":
        from ligeia import kernels

        kernels.use(kernel)


_INTERRUPTED = 130  # typer's exit status after Ctrl-C
# typer carries its own copy of click or uses the installed one, by version: this is the base that it raises
_UsageError: Any = typer.BadParameter.__mro__[1]


def main() -> None:
    """Run the command line of this process and end it with the command's status."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status: 0 done, 2 bad input or usage in one line, 1 anything else."""
    if not arguments or _only_kernel(arguments):
        say("ligeia: expected a command; `ligeia --help` lists them.")
        return 2
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: say(f"ligeia: {message}", quiet="--quiet" in arguments)
            status = _app(list(arguments), prog_name="ligeia", standalone_mode=False)
    except _UsageError as error:
        command = error.ctx.command_path if error.ctx is not None else "ligeia"
        say(f"ligeia: {' '.join(error.format_message().split())} (see `{command} --help`)")
        return 2
    except (InputError, OutputError, MissingExtraError) as error:
        say(f"ligeia: {' '.join(str(error).split())}")
        return 2
    except (KeyboardInterrupt, typer.Abort):
        say("ligeia: stopped.")
        return 1
    except LigeiaError as error:
        say(f"ligeia: {' '.join(str(error).split())}")
        return 1
    except Exception as error:
        if isinstance(error, MemoryError) or "can't allocate memory" in str(error):  # torch's is a RuntimeError
            say("ligeia: this machine has too little memory; choose a smaller output or network.")
            return 2
        if isinstance(error, ImportError) and (error.name or "").partition(".")[0] == "torch":
            say(f"ligeia: this needs torch, which does not load here ({error}); type: pip install torch")
            return 2
        traceback.print_exc()
        say("ligeia: this is a bug in ligeia; please report it with the lines above.")
        return 1
    if status == _INTERRUPTED:
        say("ligeia: stopped.")
        return 1
    return status if isinstance(status, int) else 0


def _only_kernel(arguments: Sequence[str]) -> bool:
    return list(arguments[:-1]) == ["--kernel"] or (len(arguments) == 1 and arguments[0].startswith("--kernel="))


__all__ = ["main", "run"]
