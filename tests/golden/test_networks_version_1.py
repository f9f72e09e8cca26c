"""Files of every network of version 1: their bytes never change, nor do the values that they are read to."""

import hashlib

import numpy as np
import pytest

from ligeia.codec import FieldRecord, NumpyField, decode, encode
from ligeia.networks import Architecture, NetworkConfig
from ligeia.signals import ArraySource, Channel, Grid
from support.architectures import EVERY, name_of

FROZEN = {
    "relu": ("a11a7f6574f574e11e1e6c0ca92a0d08", (0.00391, 2.01562)),
    "tanh": ("7b9c380f6479671af1990ffe16318ca4", (0.00693, 2.00336)),
    "softplus": ("0ad235d17dea0fb852e0635f2119b8f0", (-0.04839, 2.18463)),
    "rbf": ("87f6ca8924a21c92a71f349fac5d9df8", (0.07021, 2.16155)),
    "nerf": ("b04b638a5f749391322a4e13e5ca1af6", (0.00391, 2.01562)),
    "fourier": ("b0d65967dd745fa2730bfe76e0215dfe", (0.03125, 2.07031)),
    "gauss": ("f6fd2b32549fbf22ca5f06b596d12304", (-0.04437, 2.13320)),
    "wire": ("f857b34fbc510da8ccbcc0a3f610b16b", (0.41158, 3.32508)),
    "wire-real": ("d63d24dc4ea663b2e4c8e66dd87d40e3", (0.91044, 3.52798)),
    "finer": ("89e059913a0575fdc57ddf7e9075ced4", (-0.00630, 1.99597)),
    "sinc": ("48aefca6e5cc62b66e9dba93a7446e39", (-0.01367, 2.07244)),
    "mfn-fourier": ("f50e14af700362dcf81ffb2c136dd897", (0.11395, 2.23606)),
    "mfn-gabor": ("cebc6730bf12cae2082cb0ba8150fe21", (-0.11299, 1.78707)),
    "bacon": ("198704124f29fd0ce8e78e459131e0e4", (0.11382, 2.23575)),
    "hash": ("e45dd7db0514a49c62af655d7fd8162f", (0.03125, 2.07031)),
    "siren-learned": ("a2a3f16532db6d5a7cf67736b2780bc3", (0.06748, 2.12832)),
    "bounded": ("8e00eaa4d721f4c80f99c1f7bbb419f3", (-0.17145, 1.75635)),
    "symmetric": ("0e4bceab38b32a615030c06ede47b862", (-0.06598, 1.89050)),
    "periodic": ("3b8fe0f5c3f71b7a845aabdc90ef1673", (-0.01826, 1.94476)),
    "radiance": ("92621ed67014297cae903012e275dfdb", (0.08148, 2.87817)),
}
"""The first half of the SHA-256 of each file, and its values at (0.25, -0.5)."""


def record(architecture: Architecture) -> FieldRecord:
    """Return a network whose tensors are ramps of dyadic numbers."""
    network = NetworkConfig(architecture, 2, 2)
    tensors = []
    for number, shape in enumerate(network.tensor_shapes()):
        ramp = ((np.arange(np.prod(shape)) + 7 * number) % 97 - 48) / 256
        tensors.append(ramp.astype(np.float32).reshape(shape))
    channels = (Channel(name="a", low=-1.0, high=1.0), Channel(name="b", low=0.0, high=4.0))
    return FieldRecord(
        network, Grid.of((6, 5)), channels, ArraySource(dtype="<f4", has_channel_axis=True), tuple(tensors)
    )


@pytest.mark.parametrize("architecture", [each for each in EVERY if each.name in FROZEN], ids=name_of)
def test_a_file_of_version_1_has_the_same_bytes_and_values(architecture: Architecture) -> None:
    digest, values = FROZEN[architecture.name]
    data = encode(record(architecture))
    assert hashlib.sha256(data).hexdigest()[:32] == digest
    found = NumpyField(decode(data))(np.array([[0.25, -0.5]], np.float32))[0]
    assert found == pytest.approx(values, abs=2e-4)


def test_every_network_of_the_specification_is_frozen() -> None:
    assert len(FROZEN) == 20
    assert {each.name for each in EVERY} >= set(FROZEN)
