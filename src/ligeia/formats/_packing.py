"""CF's packing: what stored numbers mean by their attributes, and back. CF conventions 1.11, sections 2.5 and 8.1."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float, Shaped

from ligeia.signals import cast_samples

PACKING: Final = (
    *("scale_factor", "add_offset", "_Unsigned"),
    *("_FillValue", "missing_value", "valid_min", "valid_max", "valid_range"),
)
"""Attributes that say how numbers are stored, and so go where these are not."""


def unpacked(
    raw: Shaped[np.ndarray, "*n"], attrs: Mapping[str, Any]
) -> tuple[Shaped[np.ndarray, "*n"], Bool[np.ndarray, "*n"]]:
    """Return samples in their own unit, and where they are missing.

    Missing is what is NaN, a fill value, or outside of the valid range. A fill value that the type of the samples
    cannot hold is none of them. Packed samples become float32, or float64 of more than 16 bits.
    """
    stored = _as_stored(raw.astype(raw.dtype.newbyteorder("="), copy=False), attrs)
    missing = np.isnan(stored) if stored.dtype.kind == "f" else np.zeros(stored.shape, bool)
    for key in ("_FillValue", "missing_value"):
        for each in _numbers(attrs.get(key)):
            fill = _held(each, raw.dtype, stored.dtype)
            if fill is not None:
                missing |= stored == fill
    values = stored.copy() if stored.dtype.kind == "f" else stored
    if _is_scaled(attrs):
        kind = np.float64 if stored.dtype.itemsize > 2 else np.float32
        values = (stored * np.float64(_number(attrs, "scale_factor", 1)) + _number(attrs, "add_offset", 0)).astype(kind)
    for limit, is_low in _limits(attrs):
        # a limit has the type of what it limits: of packed numbers, or of what they stand for
        limited = values if limit.dtype.kind == "f" and stored.dtype.kind != "f" else stored
        bound = _as_stored(limit, attrs) if limit.dtype == raw.dtype else limit
        missing |= (limited < bound) if is_low else (limited > bound)
    return values, missing


def repacked(
    values: Shaped[np.ndarray, "*n"], attrs: Mapping[str, Any], dtype: np.dtype
) -> tuple[Shaped[np.ndarray, "*n"], np.ndarray]:
    """Return samples as they are stored, and what is stored for a missing one."""
    numbers: Float[np.ndarray, "*n"] = values.astype(np.float64)
    if _is_scaled(attrs):
        numbers = (numbers - _number(attrs, "add_offset", 0)) / np.float64(_number(attrs, "scale_factor", 1))
    held = _as_stored(np.zeros(1, dtype), attrs).dtype
    stored = cast_samples(numbers, held).view(dtype)
    fills = [_held(each, dtype, held) for key in ("_FillValue", "missing_value") for each in _numbers(attrs.get(key))]
    known = [each for each in fills if each is not None]
    if known:
        return stored, known[0].astype(held).view(dtype)
    if dtype.kind == "f":
        return stored, np.array(np.nan, dtype)
    beyond = [limit - 1 if is_low else limit + 1 for limit, is_low in _limits(attrs)]
    return stored, np.array(beyond[0] if beyond else 0).astype(dtype)


def _is_scaled(attrs: Mapping[str, Any]) -> bool:
    return "scale_factor" in attrs or "add_offset" in attrs


def _as_stored(raw: Shaped[np.ndarray, "..."], attrs: Mapping[str, Any]) -> Shaped[np.ndarray, "..."]:
    """Return integers as signed or unsigned as ``_Unsigned`` says: NetCDF-3 has no unsigned type of its own."""
    kind = {"true": "u", "false": "i"}.get(str(attrs.get("_Unsigned", "")).lower())
    if kind is None or raw.dtype.kind not in "iu" or raw.dtype.kind == kind:
        return raw
    return raw.view(np.dtype(f"{kind}{raw.dtype.itemsize}"))


def _held(value: np.ndarray, raw: np.dtype, stored: np.dtype) -> np.ndarray | None:
    """Return a value in the type of the samples; None if that has no such value."""
    if stored.kind == "f":
        return value.astype(stored)
    if value.dtype.kind in "iu" and value.dtype.itemsize == raw.itemsize and value.dtype.kind != stored.kind:
        return value.view(stored)  # in the signed type of the file
    if not np.isfinite(value) or value != np.rint(value):
        return None
    limits = np.iinfo(stored)
    return value.astype(stored) if limits.min <= int(value) <= limits.max else None


def _numbers(given: Any) -> list[np.ndarray]:
    """Return the numbers of an attribute, which some tools write as text: ``"0, 100"``."""
    if given is None:
        return []
    if isinstance(given, (str, bytes)):
        words = (given.decode(errors="replace") if isinstance(given, bytes) else given).replace(",", " ").split()
        try:
            return [np.array(int(word) if word.lstrip("+-").isdigit() else float(word)) for word in words]
        except ValueError:
            return []
    return [np.array(each) for each in np.atleast_1d(given) if np.asarray(each).dtype.kind in "biuf"]


def _number(attrs: Mapping[str, Any], key: str, usual: float) -> float:
    found = _numbers(attrs.get(key))
    return float(found[0]) if found else float(usual)


def _limits(attrs: Mapping[str, Any]) -> list[tuple[np.ndarray, bool]]:
    """Return the limits of valid numbers, and whether each is the lower one."""
    ends = _numbers(attrs.get("valid_range"))
    if len(ends) == 2:
        return [(ends[0], True), (ends[1], False)]
    return [(each, key == "valid_min") for key in ("valid_min", "valid_max") for each in _numbers(attrs.get(key))[:1]]
