"""Weights of other programs as fields."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from ligeia.codec import FieldRecord, read_named_tensors, read_safetensors
from ligeia.core import FormatError, InputError, errors_name


def import_weights(
    path: Path,
    *,
    shape: Sequence[int] | None = None,
    omega_0: float | None = None,
    first_omega_0: float | None = None,
) -> FieldRecord:
    """Return the field of a safetensors file: one that ligeia exported, or the weights of another sine network.

    The latter, in one of the conventions of `ligeia.networks.from_reference`, do not record the samples: give their
    ``shape``; they are placed as in those codes, at ``linspace(-1, 1, n)``. Values are -1 to 1. The omegas are the
    convention's unless given: ``first_omega_0`` for the first layer, ``omega_0`` for the others and, without the
    former, for the first as well. Raises `FormatError` for names or tensors that do not form such a network.
    """
    text, named = read_named_tensors(path)
    if text is None:
        if shape is None:
            raise InputError(
                f"{path}: expected the shape of the samples, which this file of another program does not record; give "
                "it, such as --shape 512x768, and --omega unless the network has its code's usual omegas."
            )
        return _foreign(path, named, shape, omega_0, first_omega_0)
    if not (shape is None and omega_0 is None and first_omega_0 is None):
        raise InputError(f"{path}: expected no shape or omegas, an export of ligeia has its own; leave them out.")
    return read_safetensors(path)


def _foreign(
    path: Path,
    named: Mapping[str, Shaped[np.ndarray, "..."]],
    shape: Sequence[int],
    omega_0: float | None,
    first_omega_0: float | None,
) -> FieldRecord:
    import torch

    from ligeia.field import Field, to_record
    from ligeia.networks import convention_of, from_reference
    from ligeia.signals import Grid

    if (convention := convention_of(named)) is None:
        raise FormatError(
            f"{path}: expected weights named as a sine network's (net.0.linear.weight, net.net.0.0.weight or "
            f"layers.0.weight, ...), got {', '.join(sorted(named)[:3]) or 'none'}."
        )
    weights = {name: torch.from_numpy(tensor) for name, tensor in named.items()}
    with errors_name(path):
        network = from_reference(
            weights,
            convention=convention,
            first_omega_0=omega_0 if first_omega_0 is None else first_omega_0,
            hidden_omega_0=omega_0,
        )
        return to_record(Field(network.float(), Grid.of(shape, align="corners")))
