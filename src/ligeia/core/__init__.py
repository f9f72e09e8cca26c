"""Errors, files, random streams and threads. Imports nothing of ligeia's."""

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
from ._extras import optional as optional
from ._files import (
    check_readable as check_readable,
    check_writable as check_writable,
    write_atomically as write_atomically,
    write_whole as write_whole,
)
from ._lazy import lazy_exports as lazy_exports

if TYPE_CHECKING:
    from ._random import random_stream as random_stream
    from ._threads import map_on_threads as map_on_threads, thread_pool as thread_pool

__getattr__, __dir__ = lazy_exports(
    __name__, {"map_on_threads": "._threads", "random_stream": "._random", "thread_pool": "._threads"}
)

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
    "map_on_threads",
    "optional",
    "random_stream",
    "thread_pool",
    "write_atomically",
    "write_whole",
]
