"""The arithmetic in use: plain torch, or one path of the compiled kernels. One setting for the whole process."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import final

from ligeia.core import InputError

from . import _native

TORCH = "torch"
AUTO = "auto"

_asked = AUTO


@final
@dataclass(frozen=True, slots=True)
class System:
    """The kernels that this machine has, and the one in use."""

    path: str
    asked: str
    available: tuple[str, ...]
    problem: str | None
    """Why there are no compiled kernels, or why one is not used."""


_ELSEWHERE = ("neon", "portable")  # one of them is the first of `_native.PATHS`, by processor


def system() -> System:
    """Return which kernels this machine has and which one is in use."""
    return System(current_path(), _asked, available(), _problem())


def available() -> tuple[str, ...]:
    """Return the paths that can be chosen here, slowest first; ``torch`` is always among them."""
    try:
        return (TORCH, *_native.runnable())
    except _native.Broken:
        return (TORCH,)


def use(path: str) -> None:
    """Choose the arithmetic of this process: a name from `available`, or ``auto`` for the fastest.

    All paths agree to within float32 rounding (tests/kernels). Raises InputError for a path that this processor or
    this installation does not have.
    """
    global _asked  # noqa: PLW0603 - one setting for all threads, like torch's number of threads
    names = (AUTO, *available())
    if path not in names:
        known = path in _native.PATHS or path in _ELSEWHERE
        reason = "this machine does not have it" if known else "no kernel has this name"
        if known and (problem := _problem()):
            reason = problem
        raise InputError(f"the kernel must be one of {', '.join(names)} here, got {path!r}: {reason}.")
    if path == TORCH:
        import torch as torch  # requested by name, so it must be installed
    if path not in (AUTO, TORCH) and not _passes(path):
        raise InputError(f"the kernel {path} gives wrong results on this machine; use auto, and please report it.")
    _asked = path


@contextmanager
def using(path: str) -> Iterator[None]:
    """Choose the arithmetic for a while."""
    global _asked  # noqa: PLW0603
    before = _asked
    use(path)
    try:
        yield
    finally:
        _asked = before


def asked_path() -> str:
    """Return the requested name, ``auto`` for the fastest."""
    return _asked


def current_path() -> str:
    """Return the name of the arithmetic in use."""
    return _fastest() if _asked == AUTO else _asked


@cache
def _fastest() -> str:
    try:
        candidates = [_native.preferred(), *reversed(_native.runnable())]
    except _native.Absent:
        return TORCH
    except _native.Broken as broken:
        warnings.warn(f"{broken}. Going on with plain torch, which is slower.", RuntimeWarning, stacklevel=3)
        return TORCH
    for path in candidates:
        if _passes(path):
            return path
        warnings.warn(
            f"the kernel {path} gives wrong results on this machine and is not used; please report it.",
            RuntimeWarning,
            stacklevel=3,
        )
    return TORCH


@cache
def _passes(path: str) -> bool:
    from .sine._fused import agrees_with_reference

    return agrees_with_reference(path)


def _problem() -> str | None:
    try:
        failing = [path for path in _native.runnable() if not _passes(path)]
    except _native.Broken as broken:
        return str(broken)
    return f"wrong results of {', '.join(failing)}" if failing else None
