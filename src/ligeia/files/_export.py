"""Fields for other programs: ONNX models and safetensors files, and their accuracy."""

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from jaxtyping import Float

from ligeia.codec import FieldRecord, NumpyField, read_record, read_safetensors, to_onnx, to_safetensors
from ligeia.core import InputError, optional, write_whole

_ENDINGS: Final = (".onnx", ".safetensors")
_NUM_POINTS: Final = 10_000
_FAR: Final = 1e-4  # of half a channel's range


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Exported:
    """The exported file, and the differences of its values from ligeia's at random places."""

    num_bytes: int
    max_abs_error: float
    """The largest difference, in the signal's units."""
    max_relative_error: float
    """The largest difference, each channel in halves of its range."""
    num_points: int
    evaluated_by: str
    """onnxruntime, or onnx (its reference evaluator) if that is not installed; NumPy for safetensors."""


def export(source: Path, output: Path) -> Exported:
    """Write a ``.lig`` file as an ``.onnx`` or ``.safetensors`` file, measured before it is written."""
    ending = output.suffix.lower()
    if ending not in _ENDINGS:
        raise InputError(f"{output}: a field is exported as {' or '.join(_ENDINGS)}; rename the output.")
    record = read_record(source)
    data = to_onnx(record) if ending == ".onnx" else to_safetensors(record)
    points = np.random.default_rng(0).uniform(-1, 1, (_NUM_POINTS, record.grid.num_axes)).astype(np.float32)
    values, evaluated_by = _from_onnx(data, points) if ending == ".onnx" else _from_safetensors(data, points)
    absolute = np.abs(values - NumpyField(record)(points)).max(axis=0)
    relative = absolute / np.array([channel.half_range for channel in record.channels])
    write_whole(output, data)
    if not relative.max() <= _FAR:
        warnings.warn(
            f"values of {output} differ by {relative.max():.1g} of half the range: the phases of this network are too "
            "large for single precision.",
            stacklevel=2,
        )
    return Exported(
        num_bytes=len(data),
        max_abs_error=float(absolute.max()),
        max_relative_error=float(relative.max()),
        num_points=len(points),
        evaluated_by=evaluated_by,
    )


def _from_onnx(data: bytes, points: Float[np.ndarray, "n d"]) -> tuple[Float[np.ndarray, "n c"], str]:
    session, evaluated_by = _session(data)
    return session.run(None, {"points": points})[0], evaluated_by


def _session(data: bytes) -> tuple[Any, str]:
    try:
        import onnxruntime
    except (ImportError, OSError):
        onnx = optional("onnx", extra="export", needed_for="running an ONNX model")
        reference = optional("onnx.reference", extra="export", needed_for="running an ONNX model")
        return reference.ReferenceEvaluator(onnx.load_from_string(data)), "onnx"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors: what it says of a machine is not about the field
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"]), "onnxruntime"


def _from_safetensors(data: bytes, points: Float[np.ndarray, "n d"]) -> tuple[Float[np.ndarray, "n c"], str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "field.safetensors"
        path.write_bytes(data)
        again: FieldRecord = read_safetensors(path)
    return NumpyField(again)(points), "numpy"
