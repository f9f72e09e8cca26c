"""Fields as safetensors files: weights under the names that `ligeia.Siren` gives them, and a JSON text for the rest.

docs/export.md has the keys of the JSON text, and how to rebuild the function in other programs.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Shaped

from ligeia.core import FormatError, check_readable, errors_name

from .._container import FieldRecord
from ._description import describe, record_of, tensor_names

_KEY: Final = "ligeia"


def to_safetensors(record: FieldRecord) -> bytes:
    """Return a field as a safetensors file.

    The tensors are float32, ``net.0.linear.weight`` and so on: the state dict of `ligeia.Siren`. The metadata have one
    key, ``ligeia``, a JSON text from which `read_safetensors` makes the field again.
    """
    from safetensors.numpy import save

    tensors = map(np.ascontiguousarray, record.float_tensors())  # what is stored is the memory, not the view of it
    return save(dict(zip(tensor_names(record.network), tensors, strict=True)), {_KEY: json.dumps(describe(record))})


def read_safetensors(path: Path) -> FieldRecord:
    """Return the field of a file that `to_safetensors` made, its weights bit by bit; else a `FormatError`."""
    text, named = read_named_tensors(path)
    if text is None:
        raise FormatError(f"{path}: expected the metadata of a field, there are none; ligeia did not write it.")
    with errors_name(path):
        return record_of(text, named)


def read_named_tensors(path: Path) -> tuple[str | None, Mapping[str, Shaped[np.ndarray, "..."]]]:
    """Return ligeia's text in a safetensors file, or None if there is none, and all of its tensors by name."""
    from safetensors import SafetensorError, safe_open

    check_readable(path)
    try:
        with safe_open(path, framework="np") as file:
            text = (file.metadata() or {}).get(_KEY)
            return text, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, ValueError, AttributeError, KeyError) as error:
        # the last four: a dtype that NumPy lacks, such as bfloat16
        raise FormatError(f"{path}: not a safetensors file of numbers that NumPy reads ({error}).") from error
