"""Neurons that nothing reads leave a file; what it describes stays."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from ligeia.codec import FieldRecord, NumpyField, QuantizedTensor, encode
from ligeia.compression import without_idle_neurons
from ligeia.networks import NetworkConfig, SirenArchitecture
from ligeia.signals import ArraySource, Channel, Grid

WIDTHS = (7, 6, 5)


def record(density: float, seed: int = 0) -> FieldRecord:
    generator = np.random.default_rng(seed)
    network = NetworkConfig(SirenArchitecture(hidden_features=WIDTHS, hidden_layers=2, omegas=(30.0, 20.0, 20.0)), 2, 3)
    tensors = []
    for number, shape in enumerate(network.tensor_shapes()):
        integers = generator.integers(-9, 10, shape, dtype=np.int32)
        if number % 2 == 0:
            integers *= generator.random(shape) < density
        tensors.append(QuantizedTensor(integers, 1 / 64))
    channels = tuple(Channel(name=name, low=0.0, high=1.0) for name in "rgb")
    return FieldRecord(network, Grid.of((11, 13)), channels, ArraySource(dtype="<f4"), tuple(tensors))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("density", [0.0, 0.1, 0.3])
def test_values_stay_and_the_file_is_no_larger(density: float, seed: int) -> None:
    before = record(density, seed)
    after = without_idle_neurons(before)
    points = np.random.default_rng(seed).uniform(-1, 1, (50, 2))
    assert_allclose(NumpyField(after)(points), NumpyField(before)(points), atol=1e-5)
    assert isinstance(after.network.architecture, SirenArchitecture)
    widths = after.network.architecture.hidden_widths()
    assert all(1 <= one <= other for one, other in zip(widths, WIDTHS, strict=True))
    for tensor in after.tensors[2::2]:
        assert isinstance(tensor, QuantizedTensor)
        assert tensor.integers.any(axis=0).all() or tensor.shape[1] == 1
    if sum(widths) < sum(WIDTHS):
        assert len(encode(after)) < len(encode(before))
    assert density > 0 or widths == (1, 1, 1)


def test_a_network_without_idle_neurons_is_left_as_it_is() -> None:
    before = record(1.0)
    assert without_idle_neurons(before) is before


def test_a_neuron_that_only_an_idle_one_reads_is_idle() -> None:
    before = record(1.0)
    last, middle = before.tensors[6], before.tensors[4]
    assert isinstance(last, QuantizedTensor)
    assert isinstance(middle, QuantizedTensor)
    last.integers[:, 3] = 0  # neuron 3 of the last layer is idle,
    middle.integers[[0, 1, 2, 4], 2] = 0  # and neuron 2 before it is read by that one alone
    middle.integers[3, 2] = 5
    after = without_idle_neurons(before)
    assert isinstance(after.network.architecture, SirenArchitecture)
    assert after.network.architecture.hidden_widths() == (7, 5, 4)
