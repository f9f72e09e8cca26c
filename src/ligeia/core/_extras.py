"""Optional packages: used if installed; otherwise an error gives the command that installs them."""

import importlib
from typing import Any

from ._errors import MissingExtraError


def optional(module: str, *, extra: str, needed_for: str) -> Any:
    """Return an optional module, or raise `MissingExtraError` with the command that installs it."""
    try:
        return importlib.import_module(module)
    except (ImportError, OSError) as error:  # OSError: the package is there, its library is not
        raise MissingExtraError(
            f"{needed_for} needs the package {module}, which is not installed or does not load ({error}); "
            f"type: pip install 'ligeia[{extra}]'"
        ) from error
