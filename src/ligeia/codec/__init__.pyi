"""Bytes to records and back: the container, its streams, and a decoder that needs NumPy alone."""

from ._container import FieldRecord as FieldRecord, decode as decode, encode as encode, preview_of as preview_of
from ._files import read_record as read_record, write_record as write_record
from ._names import check_field_output as check_field_output, is_field_file as is_field_file
from ._numpy_field import NumpyField as NumpyField, read_plain as read_plain
from .exchange._description import describe_network as describe_network
from .exchange._onnx import to_onnx as to_onnx
from .exchange._safetensors import (
    read_named_tensors as read_named_tensors,
    read_safetensors as read_safetensors,
    to_safetensors as to_safetensors,
)
from .latents._layout import (
    GridLayout as GridLayout,
    Steps as Steps,
    layout as layout,
    picture_network as picture_network,
)
from .latents._model import FRACTION as FRACTION
from .latents._networks import VERSION as VERSION, learned as learned
from .latents._stream import (
    Latents as Latents,
    changed as changed,
    changed_by as changed_by,
    coded_levels as coded_levels,
    in_floats as in_floats,
    latents_bytes as latents_bytes,
    most_cells as most_cells,
    no_latents as no_latents,
    num_cells as num_cells,
    point_tensors as point_tensors,
)
from .lossless._writer import (
    exact_samples as exact_samples,
    smallest_lossless as smallest_lossless,
    with_samples as with_samples,
)
from .records._grid import pack_channels as pack_channels, pack_grid as pack_grid
from .records._network import ARCHITECTURES as ARCHITECTURES, pack_network as pack_network
from .residual._stream import Residual as Residual
from .voxels._rows import cheapest_rows as cheapest_rows
from .voxels._view import plain_view as plain_view
from .weights._choice import PriceCache as PriceCache
from .weights._quantized import (
    QuantizedTensor as QuantizedTensor,
    nearest_step as nearest_step,
    step_above as step_above,
    step_below as step_below,
)
from .weights._stream import pack_quantized as pack_quantized
