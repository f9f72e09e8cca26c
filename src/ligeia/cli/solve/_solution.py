"""The summary of a solution that the commands of `ligeia solve` print."""

from pathlib import Path
from typing import TYPE_CHECKING

from .._console import emit

_UNRESOLVED = 0.1

if TYPE_CHECKING:
    from ligeia.equations import Solved


def emit_solved(solved: "Solved", output: Path, *, seed: int, as_json: bool, quiet: bool) -> None:
    """Write the field of a solution, and print its error or its residual."""
    from ligeia.field import save

    found = {
        "relative_l2": solved.relative_l2,
        "relative_residual": solved.relative_residual,
        "seconds": solved.seconds,
        "parameters": solved.field.network.config.num_parameters(),
        "bytes": save(solved.field, output),
        "output": str(output),
        "seed": seed,
    }
    known = "no closed form" if solved.relative_l2 is None else f"{solved.relative_l2:.2%} from the closed form"
    summary = (
        f"{output}: {known}, residual {solved.relative_residual:.2%}, in {solved.seconds:.1f} s\n"
        f"{found['parameters']:,} parameters, {found['bytes']:,} bytes"
    )
    if max(solved.relative_residual, solved.relative_l2 or 0.0) > _UNRESOLVED:
        summary += "\nwarning: not resolved; allow more --hidden-features, or choose an easier problem"
    emit(found, summary, as_json=as_json, quiet=quiet)
