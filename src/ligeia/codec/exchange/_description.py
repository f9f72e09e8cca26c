"""Everything in a record except its weights, as JSON and back (docs/export.md).

Reading trusts nothing: types are checked here, ranges by the container's own rules.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from types import UnionType
from typing import Any, Final, TypeAlias, TypeVar, get_args, get_origin

import numpy as np
from jaxtyping import Shaped

from ligeia.core import FormatError, InputError
from ligeia.networks import Architecture, NetworkConfig, SirenArchitecture
from ligeia.signals import (
    ArraySource,
    Axis,
    Bicubic,
    Box,
    Camera,
    Channel,
    Footprint,
    Gaussian,
    GenericSource,
    Grid,
    GriddedSource,
    ImageSource,
    Missing,
    Point,
    PointsSource,
    Profile,
    SceneSource,
    Settings,
    SoundSource,
    SurfaceSource,
    VideoSource,
    VolumeSource,
)

from .._container import FieldRecord, TensorError, decode, encode
from ..records._bytes import RecordError
from ..records._network import ARCHITECTURES

Made = TypeVar("Made")
_Rows: TypeAlias = tuple[tuple[float, ...], ...]

_VERSION: Final = 1  # of the description; rises where a key changes its meaning
_SOURCES: Final[dict[str, type]] = {
    "array": ArraySource,
    "image": ImageSource,
    "sound": SoundSource,
    "volume": VolumeSource,
    "video": VideoSource,
    "gridded": GriddedSource,
    "points": PointsSource,
    "surface": SurfaceSource,
    "generic": GenericSource,
    "scene": SceneSource,
}
_FOOTPRINTS: Final[dict[str, type]] = {
    "point": Point,
    "box": Box,
    "gaussian": Gaussian,
    "bicubic": Bicubic,
    "profile": Profile,
}


def describe(record: FieldRecord) -> dict[str, Any]:
    """Return a record as JSON values, without its weights."""
    network, missing = record.network, record.missing
    return {
        "version": _VERSION,
        "network": _described(network),
        "grid": {"align": record.grid.align, "axes": [_plain(axis) for axis in record.grid.axes]},
        "channels": [_plain(channel) for channel in record.channels],
        "source": _plain(record.source),
        "missing": None if missing is None else _described_mask(missing),
    }


def describe_network(network: NetworkConfig) -> dict[str, Any]:
    """Return a network as JSON values, without its weights."""
    ends = {"in_features": network.in_features, "out_features": network.out_features}
    return _plain(network.architecture) | ends


def tensor_names(network: NetworkConfig) -> list[str]:
    """Return the names that the state dict of a network has for its tensors, in the order of a file."""
    return [each.name for each in network.tensors()]


def record_of(text: str, named: Mapping[str, Shaped[np.ndarray, "..."]]) -> FieldRecord:
    """Return the record of a description and its weights by name, or raise a `FormatError`.

    What a ``.lig`` file could not hold is refused by the container's rules.
    """
    try:
        described = json.loads(text, parse_constant=_no_constant)
        version = _take(described, "version", int)
        if version != _VERSION:
            raise RecordError(f"the description is of version {version}, this ligeia reads {_VERSION}; upgrade it.")
        grid = _grid(_take(described, "grid", dict))
        channels = tuple(_made(Channel, each, "channel") for each in _take(described, "channels", list))
        source = _one_of(_SOURCES, _take(described, "source", dict), "source")
        network = _network(_take(described, "network", dict))
        missing = _missing(described.get("missing"), grid)
        record = FieldRecord(network, grid, channels, source, _in_order(named, tensor_names(network)), missing)
        return decode(encode(record))
    except FormatError:
        raise
    except InputError as error:
        raise RecordError(f"the description is invalid: {error}") from error
    except (ValueError, OverflowError, RecursionError) as error:
        raise RecordError(f"the description is not JSON that can be read ({error}); get the file again.") from error


def _in_order(
    named: Mapping[str, Shaped[np.ndarray, "..."]], names: Sequence[str]
) -> tuple[Shaped[np.ndarray, "..."], ...]:
    if set(named) != set(names):
        wrong = sorted(set(names) ^ set(named))[0]
        raise TensorError(
            f"expected {len(names)} tensors {names[0]} to {names[-1]} for this network, {wrong[:60]!r} is "
            f"{'missing' if wrong in names else 'none of them'}."
        )
    return tuple(named[name] for name in names)


def _plain(value: object) -> Any:
    """Return a value as JSON has it: bytes in base64, a source or footprint with its kind."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Architecture):
        return {"kind": value.name} | {field.name: _plain(getattr(value, field.name)) for field in fields(value)}  # type: ignore[arg-type]
    kinds = [name for table in (_SOURCES, _FOOTPRINTS) for name, cls in table.items() if type(value) is cls]
    if kinds or isinstance(value, (Axis, Camera, Channel)):
        named = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}  # type: ignore[arg-type]
        return ({"kind": kinds[0]} if kinds else {}) | named
    return value


def _described(network: NetworkConfig) -> dict[str, Any]:
    siren = network.architecture
    if not isinstance(siren, SirenArchitecture):
        return describe_network(network)
    return {  # docs/export.md: as it was before there were other networks
        "kind": siren.name,
        "widths": [network.in_features, *siren.hidden_widths(), network.out_features],
        "omegas": list(siren.layer_omegas()),
        "outermost_linear": siren.outermost_linear,
    }


def _network(given: Mapping[str, Any]) -> NetworkConfig:
    if _take(given, "kind", str) != SirenArchitecture.name:
        ends = ("in_features", "out_features")
        architecture = _architecture({key: each for key, each in given.items() if key not in ends})
        return NetworkConfig(architecture, *(_take(given, name, int) for name in ends))
    widths = tuple(_typed(each, int, "widths") for each in _take(given, "widths", list))
    if len(widths) < 3:
        raise RecordError(f"expected widths of the input, of each sine layer and of the output, got {widths}.")
    siren = SirenArchitecture(
        hidden_features=widths[1:-1],
        hidden_layers=len(widths) - 3,
        outermost_linear=_take(given, "outermost_linear", bool),
        omegas=tuple(_typed(each, float, "omegas") for each in _take(given, "omegas", list)),
    )
    return NetworkConfig(siren, widths[0], widths[-1])


def _architecture(given: object) -> Architecture:
    kind = _take(given, "kind", str)
    known = {cls.name: cls for cls in ARCHITECTURES.values() if not cls.has_kernel}  # which stand in no other network
    if kind not in known:
        names = ", ".join(cls.name for cls in ARCHITECTURES.values())
        raise RecordError(f"expected a network of {names}, got {kind[:20]!r}; upgrade ligeia.")
    named = {name: value for name, value in _typed(given, dict, "network").items() if name != "kind"}
    if "inner" in named:
        named["inner"] = _architecture(named["inner"])
    return _made(known[kind], named, "network")


def _grid(given: Mapping[str, Any]) -> Grid:
    axes = [dict(_typed(each, dict, "axes")) for each in _take(given, "axes", list)]
    for axis in axes:
        if "footprint" in axis:
            axis["footprint"] = _one_of(_FOOTPRINTS, _typed(axis["footprint"], dict, "footprint"), "footprint")
    align = _take(given, "align", str)
    if align not in ("centers", "corners"):
        raise RecordError(f"align must be centers or corners, got {align[:20]!r}.")
    return Grid(tuple(_made(Axis, axis, "axis") for axis in axes), align)


def _camera(given: object) -> Camera:
    named = dict(_typed(given, dict, "camera"))
    rows = _typed(_take(named, "pose", list), _Rows, "pose")
    if tuple(map(len, rows)) != (4, 4, 4):
        raise RecordError("pose must be 3 lists of 4 numbers each, got others.")
    return _made(Camera, named | {"pose": np.array(rows)}, "camera")


def _described_mask(missing: Missing) -> dict[str, Any]:
    found = {"count": missing.num_missing, "mask": _plain(missing.packed)}
    return found if missing.value is None else found | {"value": missing.value}


def _missing(given: object, grid: Grid) -> Missing | None:
    if given is None:
        return None
    named = dict(_typed(given, dict, "missing"))
    count, mask = _take(named, "count", int), _typed(_take(named, "mask", str), bytes, "mask")
    value = named.get("value")
    missing = Missing(grid.num_samples, count, mask, None if value is None else _typed(value, float, "value"))
    if grid.num_samples <= 8 * 1032 * (len(mask) + 1):  # zlib packs 1032 bytes in one at most: more is no mask
        missing.mask()
        return missing
    raise RecordError(f"expected a mask of {grid.num_samples} samples, got one of fewer.")


def _one_of(kinds: Mapping[str, type], given: Mapping[str, Any], what: str) -> Any:
    kind = _take(given, "kind", str)
    if kind not in kinds:
        raise RecordError(f"the kind of a {what} must be one of {', '.join(kinds)}, got {kind[:20]!r}.")
    return _made(kinds[kind], {name: value for name, value in given.items() if name != "kind"}, what)


def _made(cls: type[Made], given: object, what: str) -> Made:
    """Return a record of plain values, each of the type that the record declares."""
    known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    named = _typed(given, dict, what)
    if unknown := sorted(set(named) - set(known)):
        raise RecordError(f"the keys in the {what} are {', '.join(known) or 'none'}, got {unknown[0][:40]!r}.")
    values = {name: _typed(value, known[name].type, f"{what} {name}") for name, value in named.items()}
    for name, field in known.items():
        if name not in values and field.default is MISSING:
            raise RecordError(f"the key {name!r} is missing in the {what}; get the file again.")
    return cls(**values)


def _take(given: object, key: str, wanted: type[Made]) -> Made:
    if not isinstance(given, dict) or key not in given:
        raise RecordError(f"the key {key!r} of the description is missing; get the file again.")
    return _typed(given[key], wanted, key)


def _typed(value: Any, wanted: Any, what: str) -> Any:
    """Return a value of JSON as the type that it is to have: bytes from base64, numbers as float, lists as tuples."""
    if isinstance(value, (Footprint, Architecture, np.ndarray)):  # made already
        return value
    if wanted is Camera:
        return _camera(value)
    if isinstance(wanted, UnionType):  # with None
        return None if value is None else _typed(value, get_args(wanted)[0], what)
    if wanted is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if wanted is bytes and type(value) is str:
        return base64.b64decode(value, validate=True)  # binascii.Error is a ValueError
    if wanted in (str, int, bool, list, dict) and type(value) is wanted:
        return value
    if get_origin(wanted) is tuple and type(value) is list:
        kinds = get_args(wanted)
        many = kinds[:1] * len(value) if kinds[-1] is ... else kinds
        if len(many) == len(value):
            return tuple(_typed(each, kind, what) for each, kind in zip(value, many, strict=True))
    raise RecordError(f"{what} must be {_NAMES[wanted]}, got {str(value)[:40]!r}.")


_NAMES: Final[dict[Any, str]] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    bytes: "a text in base64",
    list: "a list",
    dict: "an object",
    tuple[float, float]: "a list of two numbers",
    tuple[float, float, float]: "a list of three numbers",
    tuple[float, ...]: "a list of numbers",
    tuple[int, ...]: "a list of whole numbers",
    tuple[int, int]: "a list of two whole numbers",
    tuple[str, str]: "a pair of texts",
    tuple[str, ...]: "a list of texts",
    tuple[Camera, ...]: "a list of cameras",
    _Rows: "a list of lists of numbers",
    Settings: "a list of pairs of texts",
    Architecture: "an object with a kind",
    Footprint: "an object with a kind",
}


def _no_constant(name: str) -> None:
    raise RecordError(f"expected finite numbers in the description, got {name}.")
