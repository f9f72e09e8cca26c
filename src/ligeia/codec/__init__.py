"""Fields as files. The container itself needs NumPy alone; `save` and `load` bring torch with them."""

from typing import TYPE_CHECKING

from ligeia.core import lazy_exports

if TYPE_CHECKING:
    from ._container import FieldRecord as FieldRecord, decode as decode, encode as encode
    from ._field import load as load, save as save
    from ._read import read_record as read_record
    from ._records import NetworkRecord as NetworkRecord

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "FieldRecord": "._container",
        "NetworkRecord": "._records",
        "decode": "._container",
        "encode": "._container",
        "load": "._field",
        "read_record": "._read",
        "save": "._field",
    },
)

__all__ = ["FieldRecord", "NetworkRecord", "decode", "encode", "load", "read_record", "save"]
