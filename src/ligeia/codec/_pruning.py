"""Networks without the neurons that nothing reads: the same function, fewer weights. NumPy only."""

from dataclasses import replace

import numpy as np

from ._container import FieldRecord
from ._quantized import QuantizedTensor
from ._records import NetworkRecord


def without_idle_neurons(record: FieldRecord) -> FieldRecord:
    """Return a record without the hidden neurons whose weights into the next layer are all 0; one a layer stays.

    Its weights must be quantized. The function that it describes is the same. Networks of other architectures than a
    sine network's stay as they are.
    """
    if not isinstance(record.network, NetworkRecord):
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
    if widths == record.network.hidden_widths():
        return record
    network = replace(record.network, hidden_features=widths)
    tensors = (QuantizedTensor(np.ascontiguousarray(each), step) for each, step in zip(integers, steps, strict=True))
    return replace(record, network=network, tensors=tuple(tensors))
