"""Every error that ligeia raises on purpose.

Each message says what was expected, what came, and what to do. The tree::

    LigeiaError
    ├── InputError (ValueError)      a file, an array or an option that cannot be used
    │   ├── ShapeError               an array or a size of the wrong shape
    │   ├── SampleError              NaN, infinite or complex samples
    │   └── FormatError              bytes that are not what their format promises
    ├── OutputError (OSError)        a file that cannot be written
    ├── MissingExtraError (ImportError)  an optional package that is not installed
    └── DivergenceError (ArithmeticError)  a fit that stayed lost after every restart

``InputError``, ``OutputError`` and ``MissingExtraError`` end the command line with status 2, all else with 1.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class LigeiaError(Exception):
    """Base of every error that ligeia raises on purpose."""


class InputError(LigeiaError, ValueError):
    """A file, an array or an option cannot be used."""


class ShapeError(InputError):
    """An array or a size has the wrong shape."""


class SampleError(InputError):
    """Samples are NaN, infinite or complex."""


class FormatError(InputError):
    """Bytes are not what their format promises."""


class OutputError(LigeiaError, OSError):
    """A file cannot be written; what stood there before is untouched."""


class MissingExtraError(LigeiaError, ImportError):
    """An optional package is not installed; the message holds the line to type."""


class DivergenceError(LigeiaError, ArithmeticError):
    """A fit diverged and every restart from its last good state diverged as well."""


@contextmanager
def errors_name(subject: Path | str, *, written_as: Path | None = None) -> Iterator[None]:
    """Put ``subject``, a file or a part of one, in front of the message of an `InputError`; its class stays.

    A message that already begins with ``subject`` is left unchanged. In one that begins with ``written_as``, the
    temporary name of a file being written, that name is replaced by ``subject``.

    >>> with errors_name("a.npy"):
    ...     raise ShapeError("expected two axes, got 3.")
    Traceback (most recent call last):
    ligeia.core._errors.ShapeError: a.npy: expected two axes, got 3.
    """
    try:
        yield
    except InputError as error:
        message = str(error)
        if message.startswith((f"{subject}: ", f"{subject}, ")):
            raise
        if written_as is not None:
            message = message.removeprefix(f"{written_as}: ")
        raise type(error)(f"{subject}: {message}") from error
