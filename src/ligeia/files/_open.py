"""A field for writing files: torch's where torch loads, else NumPy's."""

import warnings
from pathlib import Path

from ligeia.codec import FieldRecord, NumpyField, preview_of, read_record
from ligeia.core import InputError
from ligeia.signals import Sampled


def open_field(path: Path, *, device: str = "auto", use_numpy: bool = False, preview: bool = False) -> Sampled:
    """Read a ``.lig`` file as a `Field` on a device, or as a `NumpyField` on request or if torch does not load.

    Warns if torch does not load, and for a lossless file, whose field is only rough. A ``preview`` has only the coarse
    levels of a picture.
    """
    record = read_record(path)
    if record.residual is not None:
        warnings.warn(
            f"{path} is lossless: its field is only a rough approximation, and its samples are stored separately; "
            "`ligeia decode` restores the samples. Compress to a size or a quality for an accurate field.",
            stacklevel=2,
        )
    return _field_of(preview_of(record) if preview else record, device=device, use_numpy=use_numpy)


def open_original(path: Path, *, device: str = "auto", use_numpy: bool = False) -> tuple[Sampled, FieldRecord | None]:
    """Read a ``.lig`` file for `decode`: its field, and its record if that keeps the samples without loss, else None.

    The field is on ``device``, or NumPy's, as `open_field` has it; that of a lossless file is NumPy's always.
    """
    record = read_record(path)
    if record.residual is not None:
        return NumpyField(record), record
    return _field_of(record, device=device, use_numpy=use_numpy), None


def _field_of(record: FieldRecord, *, device: str, use_numpy: bool) -> Sampled:
    problem = None if use_numpy else _problem_of_torch()
    if not use_numpy and problem is None:
        from ligeia.core import checked_device
        from ligeia.field import from_record

        return from_record(record).to(checked_device(device))
    if device not in ("auto", "cpu"):
        raise InputError(f"the device must be auto or cpu for NumPy, got {device!r}.")
    if problem is not None:
        warnings.warn(f"torch does not load here ({problem}); going on with NumPy.", stacklevel=3)
    return NumpyField(record)


def _problem_of_torch() -> str | None:
    try:
        import torch as torch
    except (ImportError, OSError) as error:  # OSError: the package is there, its libraries are not
        return " ".join(str(error).split())
    return None
