"""A field for writing files: torch's where torch loads, else NumPy's."""

import warnings
from pathlib import Path

from ligeia.codec import FieldRecord, NumpyField, preview_of, read_record
from ligeia.core import InputError
from ligeia.signals import Sampled


def open_field(path: Path, *, device: str = "auto", use_numpy: bool = False, preview: bool = False) -> Sampled:
    """Read a ``.lig`` file as a `Field` on a device, or as a `NumpyField` if asked for or if torch does not load.

    The latter is warned of, and a lossless file, whose field is but a start. A ``preview`` is of the coarse levels of a
    picture alone.
    """
    record = read_record(path)
    if record.residual is not None:
        warnings.warn(
            f"{path} keeps its samples beside a field that says little of them, and this is that field; "
            "`ligeia decode` gives the samples, a file of a size or a quality is a field of the whole.",
            stacklevel=2,
        )
    if preview:
        record = preview_of(record)
    problem = None if use_numpy else _problem_of_torch()
    if not use_numpy and problem is None:
        from ligeia.codec import from_record

        from ._fit import checked_device

        return from_record(record).to(checked_device(device))
    if device not in ("auto", "cpu"):
        raise InputError(f"the device must be auto or cpu for NumPy, got {device!r}.")
    if problem is not None:
        warnings.warn(f"torch does not load here ({problem}); going on with NumPy.", stacklevel=2)
    return NumpyField(record)


def open_exact(path: Path) -> tuple[Sampled, FieldRecord] | None:
    """Read a ``.lig`` file that keeps its samples without loss, for `decode`; None for one that holds a field alone."""
    record = read_record(path)
    return None if record.residual is None else (NumpyField(record), record)


def _problem_of_torch() -> str | None:
    try:
        import torch as torch
    except (ImportError, OSError) as error:  # OSError: the package is there, its libraries are not
        return " ".join(str(error).split())
    return None
