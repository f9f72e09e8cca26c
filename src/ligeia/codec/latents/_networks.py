"""The networks of picture files that were trained once, on other pictures, and are part of the package.

A file names their version and which of them it starts from; it stores only its changes to these (spec/pictures.md).
`benchmarks/learn_latents.py` learned them. A version's bytes never change.
"""

import hashlib
from functools import cache
from importlib import resources
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Int32

from ligeia.core import FormatError
from ligeia.kernels import HIDDEN, context_sizes, point_sizes
from ligeia.networks import LatentGrid, NetworkConfig

from ..records._bytes import ByteReader
from ._layout import CHROMA, LUMA, SEPARATE, num_biases, num_inputs
from ._model import FRACTION, NUM_SCALES, ScaleTables

VERSION: Final = 1
_SHA256: Final = {1: "0dcc3833d1ec9e686b8f710ea0d1ec6a3b57498e88eae9e278bf58f361b48bd2"}
_NUM_FEATURES: Final = SEPARATE + 3  # of RGB
_LUMA: Final = (19595, 38470, 7471)  # of 2**16: what red, green and blue are of luma
_ONE: Final = 1 << FRACTION


class NetworksError(FormatError):
    """A file needs learned networks that are not installed, or those that are have changed."""


class LatentNetworks(NamedTuple):
    """The networks of a picture: of its bits for luma and for chroma, and of its points; in units of 2**-12."""

    luma: Int32[np.ndarray, " n"]
    chroma: Int32[np.ndarray, " n"]
    point: Int32[np.ndarray, " n"]


@final
class LearnedNetworks:
    """All networks of a version."""

    def __init__(self, version: int, data: bytes) -> None:
        reader = ByteReader(data, f"learned networks {version}")
        self.version = version
        count = reader.byte()
        self.tables = ScaleTables(np.frombuffer(reader.take(4 * NUM_SCALES), "<u4").tolist())
        self.rate_weights = np.frombuffer(reader.take(4 * count), "<f4").tolist()
        """What a bit cost when each was learned, as the mean squared error of a range of 1 per bit of a pixel."""
        self._rgb = []
        for _ in range(count):
            parts = [np.frombuffer(reader.take(2 * size), "<i2").astype(np.int32) for size in sizes(_NUM_FEATURES, 3)]
            self._rgb.append(LatentNetworks(*parts))
        reader.close()

    def networks_for(self, index: int, config: NetworkConfig) -> LatentNetworks:
        """Return the networks that a picture begins with: those of RGB, less or more what its channels are."""
        if index >= len(self._rgb):
            raise NetworksError(
                f"networks 0 to {len(self._rgb) - 1} are in version {self.version}, the file begins with {index}."
            )
        found = self._rgb[index]
        return found._replace(point=_point_for(found.point, config))


def sizes(num_features: int, num_channels: int) -> tuple[int, int, int]:
    """Return the numbers of weights of the three networks."""
    context = [sum(context_sizes(num_inputs(each), num_biases(each))) for each in (LUMA, CHROMA)]
    return context[0], context[1], sum(point_sizes(num_features, num_channels))


def sizes_for(config: NetworkConfig) -> tuple[int, int, int]:
    """Return the numbers of weights of the networks of a picture."""
    network = config.architecture
    assert isinstance(network, LatentGrid)
    return sizes(network.num_planes_features, config.out_features)


@cache
def learned(version: int) -> LearnedNetworks:
    """Return the networks of a version; `NetworksError` if it is not installed."""
    file = resources.files("ligeia.codec.latents").joinpath("learned", f"latents-{version}.bin")
    if version not in _SHA256 or not file.is_file():
        raise NetworksError(
            f"the file needs the learned networks of version {version}, which are not installed (there are "
            f"{', '.join(map(str, _SHA256))}); upgrade ligeia: pip install --upgrade ligeia"
        )
    data = file.read_bytes()
    if hashlib.sha256(data).hexdigest() != _SHA256[version]:
        raise NetworksError(f"the learned networks of version {version} have been changed; reinstall ligeia.")
    return LearnedNetworks(version, data)


def point_parts(point: np.ndarray, num_features: int, num_channels: int) -> tuple[np.ndarray, ...]:
    """Return a point network as weights ``(f, 16)``, biases, output weights ``(c, 16)`` and ``(c, f)``, and biases."""
    parts = np.split(point, np.cumsum(point_sizes(num_features, num_channels))[:-1])
    first, bias, output, straight, output_bias = parts
    return (
        first.reshape(num_features, HIDDEN),
        bias,
        output.reshape(num_channels, HIDDEN),
        straight.reshape(num_channels, num_features),
        output_bias,
    )


def _point_for(rgb: Int32[np.ndarray, " m"], config: NetworkConfig) -> Int32[np.ndarray, " n"]:
    network = config.architecture
    assert isinstance(network, LatentGrid)
    first, bias, output, straight, output_bias = point_parts(rgb, _NUM_FEATURES, 3)
    separate = network.num_planes_features - len(network.first_levels)  # levels that are features of their own
    # fewer levels: the feature of those that are summed up is that of the last
    chosen = [*range(separate), SEPARATE, *([SEPARATE + 1, SEPARATE + 2] if network.is_color else [])]
    first, straight = first[chosen], straight[:, chosen]
    if not network.is_color:
        output, straight, output_bias = (_gray(each) for each in (output, straight, output_bias))
    if config.out_features in (2, 4):  # alpha is its plane, and 1 without it
        first = np.vstack([first, np.zeros((1, HIDDEN), np.int32)])
        output = np.vstack([output, np.zeros((1, HIDDEN), np.int32)])
        straight = np.pad(straight, ((0, 1), (0, 1)))
        straight[-1, -1] = _ONE
        output_bias = np.append(output_bias, _ONE)
    parts = (first, bias, output, straight, output_bias)
    return np.concatenate([each.reshape(-1) for each in parts]).astype(np.int32)


def _gray(of_rgb: np.ndarray) -> np.ndarray:
    weighted = sum(factor * each.astype(np.int64) for factor, each in zip(_LUMA, of_rgb, strict=True))
    return (np.asarray(weighted)[None] + (1 << 15) >> 16).astype(np.int32)
