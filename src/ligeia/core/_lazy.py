"""Exports that load on first use, so that ``import ligeia`` stays free of torch."""

import importlib
import sys
from collections.abc import Callable, Mapping


def lazy_exports(package: str, modules: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and ``__dir__`` of a package whose names load on first use.

    ``modules`` maps each public name to the module, relative to ``package``, that defines it.
    """

    def __getattr__(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(modules[name], package), name)

    def __dir__() -> list[str]:
        return sorted(sys.modules[package].__all__)  # the names that do not wait to be loaded, too

    return __getattr__, __dir__
