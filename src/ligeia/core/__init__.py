"""Errors, files and random streams. Imports nothing of ligeia's."""

from typing import TYPE_CHECKING

from ._errors import (
    DivergenceError as DivergenceError,
    FormatError as FormatError,
    InputError as InputError,
    LigeiaError as LigeiaError,
    MissingExtraError as MissingExtraError,
    OutputError as OutputError,
    SampleError as SampleError,
    ShapeError as ShapeError,
)
from ._files import (
    check_readable as check_readable,
    check_writable as check_writable,
    write_atomically as write_atomically,
)
from ._lazy import lazy_exports as lazy_exports

if TYPE_CHECKING:
    from ._random import random_stream as random_stream

__getattr__, __dir__ = lazy_exports(__name__, {"random_stream": "._random"})

__all__ = [
    "DivergenceError",
    "FormatError",
    "InputError",
    "LigeiaError",
    "MissingExtraError",
    "OutputError",
    "SampleError",
    "ShapeError",
    "check_readable",
    "check_writable",
    "lazy_exports",
    "random_stream",
    "write_atomically",
]
