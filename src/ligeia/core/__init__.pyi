"""Errors, files, random streams, threads and devices. Imports nothing of ligeia's."""

from ._device import checked_device as checked_device
from ._errors import (
    DivergenceError as DivergenceError,
    FormatError as FormatError,
    InputError as InputError,
    LigeiaError as LigeiaError,
    MissingExtraError as MissingExtraError,
    OutputError as OutputError,
    SampleError as SampleError,
    ShapeError as ShapeError,
    errors_name as errors_name,
)
from ._extras import optional as optional
from ._files import (
    check_readable as check_readable,
    check_writable as check_writable,
    write_atomically as write_atomically,
    write_whole as write_whole,
)
from ._random import random_stream as random_stream
from ._requests import filled as filled
from ._threads import map_on_threads as map_on_threads, num_threads as num_threads, thread_pool as thread_pool
