"""How large the networks of `compress` are for the bytes of a file."""

import bisect
import math
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from ligeia import codec
from ligeia.codec import FieldRecord, NetworkRecord, QuantizedTensor
from ligeia.core import InputError
from ligeia.networks import Architecture, NetworkConfig, SirenConfig
from ligeia.signals import Signal

from ._networks import network_config

OMEGA_0 = 30.0
_HIDDEN_LAYERS = 4
_BITS_PER_WEIGHT = 4.6
NARROWEST, _WIDEST = 4, 1024


def smallest_bytes(signal: Signal) -> int:
    """Return the size of the smallest file of a signal: a network that gives a constant."""
    return len(codec.encode(empty_record(signal, siren_of(signal, NARROWEST))))


def siren_of(signal: Signal, hidden_features: int) -> SirenConfig:
    """Return the sine network of a width for a signal."""
    return SirenConfig(
        in_features=signal.grid.num_inputs,
        hidden_features=hidden_features,
        hidden_layers=_HIDDEN_LAYERS,
        out_features=signal.num_channels,
        omegas=(OMEGA_0,) * (_HIDDEN_LAYERS + 1),
    )


def width_of(signal: Signal, num_bytes: int) -> int:
    """Return the width of the network whose weights take so many bytes at the usual bits per weight."""
    wanted = 8 * (num_bytes - smallest_bytes(signal)) / _BITS_PER_WEIGHT
    widths = range(NARROWEST, _WIDEST + 1)
    place = bisect.bisect_right(widths, wanted, key=lambda width: siren_of(signal, width).num_parameters())
    return widths[max(0, place - 1)]


def least_bytes(signal: Signal, architecture: Architecture | None) -> int:
    """Return about how many bytes the smallest network of a kind takes."""
    if architecture is None:
        return 0
    smallest = network_config(signal, architecture._grown(1))
    return smallest_bytes(signal) + math.ceil(_BITS_PER_WEIGHT * smallest.num_parameters() / 8)


def other_config(signal: Signal, architecture: Architecture, turns: Sequence[float], num_bytes: int) -> NetworkConfig:
    """Return an architecture of about as many weights as go into so many bytes."""
    config = network_config(signal, architecture, turns)
    ends = (config.in_features, config.out_features)
    smallest = NetworkConfig(config.architecture._grown(1), *ends).num_parameters()
    least = smallest_bytes(signal) + math.ceil(_BITS_PER_WEIGHT * smallest / 8)
    if num_bytes < least:
        raise InputError(
            f"a file with a network {architecture.name} takes about {least} bytes at least, {num_bytes} were asked "
            "for; allow more, or make its fields smaller."
        )
    most = math.floor(8 * (num_bytes - smallest_bytes(signal)) / _BITS_PER_WEIGHT)
    return NetworkConfig(config.architecture.with_parameters(most, *ends), *ends)


def empty_record(signal: Signal, config: SirenConfig | NetworkConfig) -> FieldRecord:
    """Return what a file says of a signal and a network whose weights are all 0."""
    network = config if isinstance(config, NetworkConfig) else NetworkRecord(**asdict(config))
    zeros = tuple(QuantizedTensor(np.zeros(shape, np.int32), 1.0) for shape in network.tensor_shapes())
    return FieldRecord(network, signal.grid, signal.channels, signal.source, zeros, signal.missing)
