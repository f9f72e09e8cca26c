"""Removes idle neurons, which nothing reads: the same function with fewer weights. NumPy only."""

from dataclasses import replace

import numpy as np

from ligeia.codec import FieldRecord, QuantizedTensor
from ligeia.networks import SirenArchitecture


def without_idle_neurons(record: FieldRecord) -> FieldRecord:
    """Return a record without hidden neurons whose outgoing weights are all 0; at least one stays per layer.

    Its weights must be quantized. The function stays the same. Networks other than sine networks are not changed.
    """
    siren = record.network.architecture
    if not isinstance(siren, SirenArchitecture):
        return record
    integers, steps = [], []
    for each in record.tensors:
        assert isinstance(each, QuantizedTensor)
        integers.append(each.integers)
        steps.append(each.step)
    for number in range(len(integers) - 2, 0, -2):  # from the last layer on: what only idle neurons read is idle
        is_read = integers[number].any(axis=0)
        is_read[0] |= not is_read.any()
        integers[number] = integers[number][:, is_read]
        integers[number - 2], integers[number - 1] = integers[number - 2][is_read], integers[number - 1][is_read]
    widths = tuple(len(each) for each in integers[1:-1:2])
    if widths == siren.hidden_widths():
        return record
    network = replace(record.network, architecture=replace(siren, hidden_features=widths))
    tensors = (QuantizedTensor(np.ascontiguousarray(each), step) for each, step in zip(integers, steps, strict=True))
    return replace(record, network=network, tensors=tuple(tensors))
