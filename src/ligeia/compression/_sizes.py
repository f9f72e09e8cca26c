"""Sizes of networks for a file of a given number of bytes."""

import bisect
import math
from collections.abc import Sequence

import numpy as np

from ligeia import codec
from ligeia.codec import FieldRecord, QuantizedTensor
from ligeia.core import InputError
from ligeia.networks import Architecture, NetworkConfig, SirenArchitecture
from ligeia.recipes import network_config
from ligeia.signals import Signal

OMEGA_0 = 30.0
_HIDDEN_LAYERS = 4
_BITS_PER_WEIGHT = 4.6
NARROWEST, _WIDEST = 4, 1024


def smallest_bytes(signal: Signal) -> int:
    """Return the size of the smallest file of a signal: a constant network."""
    return len(codec.encode(empty_record(signal, siren_of(signal, NARROWEST))))


def siren_of(signal: Signal, hidden_features: int) -> NetworkConfig:
    """Return the sine network of a width for a signal."""
    siren = SirenArchitecture(hidden_features=hidden_features, hidden_layers=_HIDDEN_LAYERS, omegas=OMEGA_0)
    return NetworkConfig(siren, signal.grid.num_inputs, signal.num_channels)


def width_of(signal: Signal, num_bytes: int) -> int:
    """Return the width of the network whose weights take ``num_bytes`` at the usual bits per weight."""
    wanted = 8 * (num_bytes - smallest_bytes(signal)) / _BITS_PER_WEIGHT
    widths = range(NARROWEST, _WIDEST + 1)
    place = bisect.bisect_right(widths, wanted, key=lambda width: siren_of(signal, width).num_parameters())
    return widths[max(0, place - 1)]


def least_bytes(signal: Signal, architecture: Architecture | None) -> int:
    """Return the estimated bytes of the smallest network of an architecture."""
    if architecture is None:
        return 0
    smallest = network_config(signal, architecture.of_size(1))
    return smallest_bytes(signal) + math.ceil(_BITS_PER_WEIGHT * smallest.num_parameters() / 8)


def other_config(signal: Signal, architecture: Architecture, turns: Sequence[float], num_bytes: int) -> NetworkConfig:
    """Return the architecture with about as many weights as fit into ``num_bytes``."""
    config = network_config(signal, architecture, turns)
    ends = (config.in_features, config.out_features)
    smallest = NetworkConfig(config.architecture.of_size(1), *ends).num_parameters()
    least = smallest_bytes(signal) + math.ceil(_BITS_PER_WEIGHT * smallest / 8)
    if num_bytes < least:
        raise InputError(
            f"expected at least about {least} bytes for a file with a network {architecture.name}, got {num_bytes}; "
            "allow more, or make its fields smaller."
        )
    most = math.floor(8 * (num_bytes - smallest_bytes(signal)) / _BITS_PER_WEIGHT)
    return NetworkConfig(config.architecture.with_parameters(most, *ends), *ends)


def empty_record(signal: Signal, network: NetworkConfig) -> FieldRecord:
    """Return the record of a signal with a network whose weights are all 0."""
    zeros = tuple(QuantizedTensor(np.zeros(shape, np.int32), 1.0) for shape in network.tensor_shapes())
    return FieldRecord(network, signal.grid, signal.channels, signal.source, zeros, signal.missing)
