"""Fields as files. The container, NumPy's field and the exports need no torch; `save` and `load` bring it with them."""

from typing import TYPE_CHECKING

from ligeia.core import lazy_exports

if TYPE_CHECKING:
    from ._architecture_record import ARCHITECTURES as ARCHITECTURES
    from ._coded_latents import (
        CodedLatents as CodedLatents,
        LatentMoments as LatentMoments,
        LatentTarget as LatentTarget,
    )
    from ._coded_weights import (
        CodedMoments as CodedMoments,
        CodedWeights as CodedWeights,
        bytes_beside_weights as bytes_beside_weights,
    )
    from ._container import (
        FieldRecord as FieldRecord,
        decode as decode,
        encode as encode,
        preview_of as preview_of,
    )
    from ._description import describe_network as describe_network
    from ._field import from_record as from_record, load as load, save as save, to_record as to_record
    from ._latent_layout import picture_network as picture_network
    from ._latents import (
        Latents as Latents,
        latents_bytes as latents_bytes,
        most_cells as most_cells,
        no_latents as no_latents,
        num_cells as num_cells,
    )
    from ._lossless import (
        exact_samples as exact_samples,
        smallest_lossless as smallest_lossless,
        with_samples as with_samples,
    )
    from ._numpy_field import NumpyField as NumpyField, read_plain as read_plain
    from ._onnx import to_onnx as to_onnx
    from ._pruning import without_idle_neurons as without_idle_neurons
    from ._quantized import (
        QuantizedTensor as QuantizedTensor,
        nearest_step as nearest_step,
        step_above as step_above,
        step_below as step_below,
    )
    from ._read import read_record as read_record, write_record as write_record
    from ._records import NetworkRecord as NetworkRecord
    from ._residual import Residual as Residual
    from ._safetensors import (
        read_named_tensors as read_named_tensors,
        read_safetensors as read_safetensors,
        to_safetensors as to_safetensors,
    )

_MODULES = {
    "ARCHITECTURES": "_architecture_record",
    "CodedLatents": "_coded_latents",
    "CodedMoments": "_coded_weights",
    "CodedWeights": "_coded_weights",
    "FieldRecord": "_container",
    "LatentMoments": "_coded_latents",
    "LatentTarget": "_coded_latents",
    "Latents": "_latents",
    "NetworkRecord": "_records",
    "NumpyField": "_numpy_field",
    "QuantizedTensor": "_quantized",
    "Residual": "_residual",
    "bytes_beside_weights": "_coded_weights",
    "decode": "_container",
    "describe_network": "_description",
    "encode": "_container",
    "exact_samples": "_lossless",
    "from_record": "_field",
    "latents_bytes": "_latents",
    "most_cells": "_latents",
    "load": "_field",
    "no_latents": "_latents",
    "num_cells": "_latents",
    "picture_network": "_latent_layout",
    "preview_of": "_container",
    "nearest_step": "_quantized",
    "read_named_tensors": "_safetensors",
    "read_plain": "_numpy_field",
    "read_record": "_read",
    "read_safetensors": "_safetensors",
    "save": "_field",
    "smallest_lossless": "_lossless",
    "step_above": "_quantized",
    "step_below": "_quantized",
    "to_onnx": "_onnx",
    "to_record": "_field",
    "to_safetensors": "_safetensors",
    "with_samples": "_lossless",
    "without_idle_neurons": "_pruning",
    "write_record": "_read",
}

__getattr__, __dir__ = lazy_exports(__name__, {name: f".{module}" for name, module in _MODULES.items()})

__all__ = [
    "ARCHITECTURES",
    "CodedLatents",
    "CodedMoments",
    "CodedWeights",
    "FieldRecord",
    "LatentMoments",
    "LatentTarget",
    "Latents",
    "NetworkRecord",
    "NumpyField",
    "QuantizedTensor",
    "Residual",
    "bytes_beside_weights",
    "decode",
    "describe_network",
    "encode",
    "exact_samples",
    "from_record",
    "latents_bytes",
    "load",
    "most_cells",
    "nearest_step",
    "no_latents",
    "num_cells",
    "picture_network",
    "preview_of",
    "read_named_tensors",
    "read_plain",
    "read_record",
    "read_safetensors",
    "save",
    "smallest_lossless",
    "step_above",
    "step_below",
    "to_onnx",
    "to_record",
    "to_safetensors",
    "with_samples",
    "without_idle_neurons",
    "write_record",
]
