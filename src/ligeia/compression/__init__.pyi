"""Files of a given size or quality: weights and latent grids that are fitted as a file holds them."""

from ._compress import compact as compact, compress as compress
from ._job import Compressed as Compressed
from ._latent_settings import LatentSettings as LatentSettings, LatentTarget as LatentTarget
from ._latent_trainer import LatentTrainer as LatentTrainer
from ._pruning import without_idle_neurons as without_idle_neurons
from ._request import CompressOptions as CompressOptions, CompressRequest as CompressRequest
from ._weights import CodedState as CodedState, CodedWeights as CodedWeights
