"""Fields as files. The container itself needs NumPy alone; `save` and `load` bring torch with them."""

from typing import TYPE_CHECKING

from ligeia.core import lazy_exports

if TYPE_CHECKING:
    from ._container import FieldRecord as FieldRecord, decode as decode, encode as encode
    from ._field import load as load, save as save
    from ._quantized import (
        QuantizedTensor as QuantizedTensor,
        nearest_step as nearest_step,
        step_above as step_above,
        step_below as step_below,
    )
    from ._read import read_record as read_record
    from ._records import NetworkRecord as NetworkRecord

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "FieldRecord": "._container",
        "NetworkRecord": "._records",
        "QuantizedTensor": "._quantized",
        "decode": "._container",
        "encode": "._container",
        "load": "._field",
        "nearest_step": "._quantized",
        "read_record": "._read",
        "save": "._field",
        "step_above": "._quantized",
        "step_below": "._quantized",
    },
)

__all__ = [
    "FieldRecord",
    "NetworkRecord",
    "QuantizedTensor",
    "decode",
    "encode",
    "load",
    "nearest_step",
    "read_record",
    "save",
    "step_above",
    "step_below",
]
