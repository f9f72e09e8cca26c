"""Gridded data to signals and back: NetCDF and zarr through xarray, interpreted by the CF conventions.

Files are opened undecoded: attributes, fill values, packed samples and times stay as they are stored, so that they can
be written again.
"""

import base64
import json
import os
import shutil
import warnings
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from ligeia.core import (
    FormatError,
    InputError,
    OutputError,
    SampleError,
    check_writable,
    errors_name,
    optional,
    write_atomically,
)
from ligeia.signals import (
    Alignment,
    Axis,
    Channel,
    Grid,
    GriddedSource,
    Missing,
    Sampling,
    Signal,
    missing_in,
    value_range_of,
)

from ._gridded_axes import axis_of
from ._opened import Opened, Reading
from ._output import Output
from ._packing import PACKING, repacked, unpacked

_ENGINES = {"NETCDF3": "scipy", "NETCDF4": "h5netcdf", "ZARR": "zarr", "ZARR2": "zarr"}
GRIDDED_SUFFIXES = (".nc", ".nc4", ".cdf", ".zarr")
_HDF = b"\x89HDF\r\n\x1a\n"
_ZARR_MARKS = ("zarr.json", ".zgroup", ".zarray")
_REFERRING = ("bounds", "climatology", "coordinates", "grid_mapping", "ancillary_variables", "cell_measures")
_MOST_BYTES = 1 << 20  # of an auxiliary variable that is kept with the samples


def is_gridded(opened: Opened) -> bool:
    """Return whether a path is a NetCDF or HDF5 file or a zarr folder, by its first bytes, its content or its name."""
    if opened.path.is_dir():
        return any((opened.path / mark).exists() for mark in _ZARR_MARKS)
    return opened.head.startswith((b"CDF\x01", b"CDF\x02", b"CDF\x05", _HDF)) or opened.suffix in GRIDDED_SUFFIXES


def read_gridded(opened: Opened, asked: Reading) -> Signal:
    """Read a variable of a NetCDF or zarr file, or several of one shape as channels: ``"u,v"``.

    Coordinate variables become physical axes, evenly spaced or not; a longitude that goes all around is periodic.
    Samples that are missing by ``_FillValue``, ``missing_value``, ``valid_min``, ``valid_max``, ``valid_range`` or NaN
    are so in the signal; packed ones (``scale_factor``, ``add_offset``) become float32 in their own unit.
    """
    path, kind = opened.path, _kind(opened)
    with errors_name(path):
        names, samples, attributes, axes, metadata = _stored(path, kind, asked)
    if any(" since " in str(attrs.get("units", "")) for attrs in attributes):
        raise SampleError(f"{path}, {names[0]}: expected samples, these are times; choose another variable.")
    found = [unpacked(raw, attrs) for raw, attrs in zip(samples, attributes, strict=True)]
    values = np.stack([each for each, _ in found], axis=-1)
    missing = np.any([gone for _, gone in found], axis=0)
    if asked.missing is not None:  # what the file says does not hold
        stated = missing_in(values, asked.missing)
        missing = np.zeros(missing.shape, bool) if stated is None else stated.mask().reshape(missing.shape)
    if missing.all():
        raise SampleError(f"{path}, {names[0]}: all {missing.size} samples are missing; choose another variable.")
    if values.dtype.kind == "f":
        values[missing] = np.nan
    mask = Missing.of(missing, asked.missing if isinstance(asked.missing, float) else None)
    channels = []
    for number, (name, attrs) in enumerate(zip(names, attributes, strict=True)):
        low, high = value_range_of(values[..., number : number + 1], mask, words_are_filled=False)
        channels.append(Channel(name=name, low=low, high=high, unit=str(attrs.get("units", ""))))
    with errors_name(f"{path}, {','.join(names)}"):
        source = GriddedSource(format=kind, name=",".join(names), dtype=samples[0].dtype.str, metadata=metadata)
        return Signal(
            grid=Grid(axes, asked.align), values=values, channels=tuple(channels), source=source, missing=mask
        )


def _stored(
    path: Path, kind: str, asked: Reading
) -> tuple[list[str], list[np.ndarray], list[dict[str, Any]], tuple[Axis, ...], bytes]:
    """Return the variables asked for: names, samples and attributes of each, their axes, and what travels with them."""
    xarray = optional("xarray", extra="science", needed_for="gridded data")
    try:
        with (
            warnings.catch_warnings(action="ignore"),  # of attributes that are looked at here
            xarray.open_dataset(path, engine=_ENGINES[kind], decode_cf=False, **_options(kind)) as data,
        ):
            names = _chosen(data, asked.variable)
            first = data[names[0]]
            different = [name for name in names if data[name].dims != first.dims or data[name].dtype != first.dtype]
            if different:
                raise InputError(f"expected variables of one shape and type, {different[0]} differs from {names[0]}.")
            samples = [np.asarray(data[name].values) for name in names]
            metadata = _packed(data, names)
            axes = tuple(_axis(data, str(name), size, asked.align) for name, size in first.sizes.items())
            return names, samples, [dict(data[name].attrs) for name in names], axes, metadata
    except InputError:  # a ValueError as well
        raise
    except (OSError, ValueError, KeyError, TypeError, IndexError, RuntimeError, MemoryError) as error:
        raise FormatError(f"{path}: not readable gridded data ({error}); get the whole file.") from error


def save_gridded(output: Output) -> None:
    """Write the variables of a field that came from gridded data."""
    source = output.field.source
    if not isinstance(source, GriddedSource):
        raise InputError(f"{output.path}: gridded data need a field that came from them; write an .npy file instead.")
    pieces, derived = output.pieces(is_physical=True), output.quantity != "value"
    stated = output.field.missing.value if output.field.missing is not None else None
    write_gridded(output.path, output.sampling, pieces, source, output.missing(), derived=derived, absent=stated)


def write_gridded(
    path: Path,
    sampling: Sampling,
    pieces: Iterable[tuple[int, int, Float[np.ndarray, "_ c"]]],
    source: GriddedSource,
    missing: Bool[np.ndarray, "..."] | None,
    *,
    derived: bool = False,
    absent: float | None = None,
) -> None:
    """Write consecutive pieces ``(start, stop, samples)`` over a sampling of the original grid as gridded data.

    The original's coordinates, attributes, packing and fill values come back; those of another sampling are worked
    out from the axes. ``derived`` samples are not the variable itself, and are written as plain float32. ``absent`` is
    the value of missing ones, if that is not what the attributes say.
    """
    xarray = optional("xarray", extra="science", needed_for="gridded data")
    kept = _unpacked_metadata(source)
    names = source.name.split(",")
    shape, dims = sampling.shape, [axis.name for axis in sampling.grid.axes]
    flat = np.concatenate([samples for _, _, samples in pieces])
    variables: dict[str, Any] = {}
    resized = {
        axis.name
        for number, axis in enumerate(sampling.grid.axes)
        if shape[number] != axis.size or sampling.ends[number] != (0.0, axis.size)
    }
    for name, (its_dims, data, attrs) in kept["variables"].items():
        if not resized & set(its_dims):
            variables[name] = xarray.Variable(its_dims, data, attrs)
        elif name in dims:
            places = sampling.physical(dims.index(name))
            own = {key: value for key, value in attrs.items() if key not in (*_REFERRING, *PACKING)}
            places = places.astype(data.dtype if data.dtype.kind == "f" else np.float64)
            variables[name] = xarray.Variable([name], places, own)
    for number, name in enumerate(names):
        attrs = kept["samples"][name]
        values = flat[:, number].reshape(shape)
        if derived:
            raw = values.astype(np.float32)
            attrs = {"_FillValue": np.float32(np.nan)} if missing is not None else {}
            fill = np.float32(np.nan)
        else:
            raw, fill = repacked(values, attrs, np.dtype(source.dtype))
            if absent is not None:
                fill = repacked(np.array(absent), attrs, np.dtype(source.dtype))[0]
        if missing is not None:
            raw[missing] = fill
        variables[name] = xarray.Variable(dims, raw, attrs)
    dataset = xarray.Dataset(variables, attrs=kept["attributes"])
    for each in dataset.variables.values():
        each.encoding = {} if "_FillValue" in each.attrs else {"_FillValue": None}
    limits = [name for name in kept["unlimited"] if name in dims]
    if path.suffix.lower() == ".zarr":
        zarr_format = 2 if source.format == "ZARR2" else 3
        with warnings.catch_warnings():  # xarray warns of files without them, zarr of files with them
            warnings.filterwarnings("ignore", message="Consolidated metadata")
            write_folder(path, lambda partial: dataset.to_zarr(partial, mode="w", zarr_format=zarr_format))
        return
    engine, kind = ("scipy", "NETCDF3_64BIT") if source.format == "NETCDF3" else ("h5netcdf", "NETCDF4")
    write_atomically(
        path, lambda partial: dataset.to_netcdf(partial, engine=engine, format=kind, unlimited_dims=limits)
    )


def _kind(opened: Opened) -> str:
    if opened.path.is_dir():
        return "ZARR" if (opened.path / "zarr.json").exists() else "ZARR2"
    return "NETCDF3" if opened.head.startswith(b"CDF") else "NETCDF4"


def _options(kind: str) -> dict[str, Any]:
    if kind == "NETCDF4":
        optional("h5netcdf", extra="science", needed_for="NetCDF-4")
        return {"phony_dims": "access"}
    if kind in ("ZARR", "ZARR2"):
        optional("zarr", extra="science", needed_for="zarr")
        return {"consolidated": False}
    return {}


def _chosen(data: Any, variable: str | None) -> list[str]:
    beside = _beside(data)
    usable = {
        str(name): f"{name} ({' x '.join(f'{dim} {size}' for dim, size in each.sizes.items())} {each.dtype})"
        for name, each in data.data_vars.items()
        if each.dtype.kind in "biuf" and each.ndim > 0 and each.size > 0 and name not in beside
    }
    named = [part.strip() for part in variable.split(",")] if variable is not None else []
    if named and all(name in usable for name in named):
        return named
    if variable is None and len(usable) == 1:
        return list(usable)
    wanted = "one variable of numbers" if variable is None else f"the variable {variable!r}"
    found = "; ".join(usable.values()) or "none"
    raise InputError(f"expected {wanted}, the file holds: {found}; name one with --variable.")


def _beside(data: Any) -> set[str]:
    """Return the names of auxiliary variables: coordinates, their bounds, and those that attributes refer to."""
    referred = {
        name
        for each in data.variables.values()
        for key in _REFERRING
        for name in str(each.attrs.get(key, "")).replace(":", " ").split()
    }
    return referred | set(map(str, data.coords))


def _axis(data: Any, name: str, size: int, align: Alignment) -> Axis:
    held = data.variables.get(name)
    if held is None or held.dims != (name,) or held.dtype.kind not in "iuf":
        return Axis(name=name, size=size)
    places, missing = unpacked(np.asarray(held.values), held.attrs)
    return axis_of(name, np.where(missing, np.nan, places.astype(np.float64)), held.attrs, align)


def _packed(data: Any, names: Sequence[str]) -> bytes:
    """Return attributes, and all small variables but the samples, as bytes."""
    beside = _beside(data)
    others = {
        str(name): [list(each.dims), _plain(np.asarray(each.values)), _plain_attributes(each.attrs)]
        for name, each in data.variables.items()
        if name in beside and each.nbytes <= _MOST_BYTES and each.dtype.kind in "biufSU"
    }
    kept = {
        "attributes": _plain_attributes(data.attrs),
        "samples": {name: _plain_attributes(data[name].attrs) for name in names},
        "variables": others,
        "unlimited": sorted(map(str, data.encoding.get("unlimited_dims", ()))),
    }
    return zlib.compress(json.dumps(kept, separators=(",", ":"), sort_keys=True).encode(), 9)


def _unpacked_metadata(source: GriddedSource) -> dict[str, Any]:
    stream = zlib.decompressobj()
    try:
        kept = json.loads(stream.decompress(source.metadata, 64 * _MOST_BYTES))
        variables = {
            name: (dims, _array(data), _attributes(attrs)) for name, (dims, data, attrs) in kept["variables"].items()
        }
        return {
            "attributes": _attributes(kept["attributes"]),
            "samples": {name: _attributes(kept["samples"][name]) for name in source.name.split(",")},
            "variables": variables,
            "unlimited": [str(name) for name in kept["unlimited"]],
        }
    except (zlib.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"the attributes of the original are damaged ({error}); get the file again.") from error


def _plain(value: np.ndarray) -> dict[str, Any]:
    data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
    return {"dtype": value.dtype.str, "shape": list(value.shape), "data": data}


def _array(plain: Mapping[str, Any]) -> np.ndarray:
    dtype = np.dtype(plain["dtype"])
    if dtype.kind not in "biufSU":
        raise ValueError(f"expected numbers or text, got {dtype}")
    return np.frombuffer(base64.b64decode(plain["data"]), dtype).reshape(plain["shape"]).copy()


def _plain_attributes(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        str(key): str(value) if isinstance(value, str) else _plain(np.asarray(value))
        for key, value in attrs.items()
        if isinstance(value, str) or np.asarray(value).dtype.kind in "biufSU"
    }


def _attributes(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value if isinstance(value, str) else _array(value)[()] for key, value in plain.items()}


def write_folder(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` make a zarr folder; it appears at ``path`` whole or not at all."""
    check_writable(path)  # refuses a folder that is there
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial.zarr")
    try:
        write(partial)
        partial.rename(path)
    except OSError as error:
        raise OutputError(f"{path}: writing failed ({error.strerror or error}); nothing was changed.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
