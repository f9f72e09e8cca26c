"""Networks by name, and as a signal wants them."""

import difflib
import math
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from ligeia.codec import ARCHITECTURES
from ligeia.core import InputError
from ligeia.networks import Architecture, Inputs, NetworkConfig, Radiance, SirenArchitecture, Voxels
from ligeia.signals import Grid, Signal

from ._configurations import fast
from ._sizing import bytes_of

_KNOWN = {cls.name: cls for cls in ARCHITECTURES.values() if cls not in (Radiance, Voxels)}  # those of scenes


def network_names() -> list[str]:
    """Return the names of all networks, the sine network first."""
    return list(_KNOWN)


def network_named(
    text: str,
    *,
    hidden_features: int | None = None,
    hidden_layers: int | None = None,
    omega: float | None = None,
) -> Architecture:
    """Return the architecture of a name, such as ``siren``, ``finer`` or ``finer:omega=40,first_bias=5``.

    The sizes and ``omega`` are those of its fields that have these names. Unknown names and fields raise `InputError`.
    """
    name, _, rest = text.partition(":")
    name = name.lower()
    if name == SirenArchitecture.name:  # whose fields hold a number for each layer
        if rest:
            raise InputError(f"siren has no fields here, got {rest!r}; use --hidden-features or --omega.")
        given = {"hidden_features": hidden_features, "hidden_layers": hidden_layers, "omegas": omega}
        return SirenArchitecture(**{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]
    if name not in _KNOWN:
        close = difflib.get_close_matches(name, network_names(), n=1, cutoff=0.5)
        hint = f"; did you mean {close[0]}?" if close else "."
        raise InputError(f"expected a network of {', '.join(network_names())}, got {name!r}{hint}")
    cls = _KNOWN[name]
    known = {field.name: field.type for field in fields(cls)}  # type: ignore[arg-type]
    given: dict[str, Any] = {}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if key not in known or not equals:
            raise InputError(f"the fields of a network {name} are {', '.join(known)}, as in omega=40; got {part!r}.")
        if key in given:
            raise InputError(f"{key} of a network {name} was given twice; leave one out.")
        given[key] = _value(known[key], value, f"{name}:{part}")
    asked = {"hidden_features": hidden_features, "hidden_layers": hidden_layers, "omega": omega}
    for key, value in asked.items():
        if value is None:
            continue
        if key not in known:
            raise InputError(f"a network {name} has no {key}; its fields are {', '.join(known)}.")
        if key in given:
            raise InputError(f"{key} of a network {name} was given twice; leave one out.")
        given[key] = value
    if "inner" in known and "inner" not in given:
        raise InputError(f"expected a network within, as in {name}:inner=finer.")
    return cls(**given)


def _value(kind: Any, text: str, place: str) -> Any:
    """Return a text as the type of a field; several numbers are joined by x."""
    try:
        if kind is Architecture:
            return network_named(text)
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        if kind in (tuple[int, ...], tuple[float, ...]):
            one = int if kind == tuple[int, ...] else float
            return tuple(one(each) for each in text.split("x"))
        return kind(text)
    except InputError:
        raise
    except (ValueError, KeyError) as error:
        wanted = {int: "a whole number", float: "a number", bool: "true or false"}.get(kind, "numbers such as 6x5")
        raise InputError(f"expected {wanted} in {place!r}.") from error


def network_config(
    signal: Signal,
    architecture: Architecture,
    first_omegas: Sequence[float] | None = None,
    *,
    most_bytes: int | None = None,
) -> NetworkConfig:
    """Return an architecture on the domain of a signal, with what it leaves open chosen for that.

    ``most_bytes`` makes it as large as a file of so many bytes holds.
    """
    architecture = checked_network(architecture)
    if first_omegas is None:
        first_omegas = [each.omega for each in fast().first_frequencies(signal, architecture.omega_0)]
    inputs = inputs_of(signal.grid, first_omegas).scaled(architecture.frequency_scale)
    inputs = inputs._replace(channels=tuple(channel.name for channel in signal.channels))
    suited = architecture.suited_to(inputs)
    config = NetworkConfig(suited, signal.grid.num_inputs, signal.num_channels)
    if most_bytes is None:
        return config
    least = bytes_of(signal, replace(config, architecture=suited.of_size(1)))
    if least > most_bytes:
        raise InputError(
            f"a field of this signal with a network {suited.name} takes {least} bytes at least, {most_bytes} were "
            "asked for; allow more, or make its other fields smaller."
        )
    most = most_bytes // 4
    while True:  # what stands beside the weights is a few hundred bytes
        config = replace(config, architecture=suited.with_parameters(most, config.in_features, config.out_features))
        excess = bytes_of(signal, config) - most_bytes
        if excess <= 0:
            return config
        most -= -(-excess // 4)


def checked_network(network: object) -> Architecture:
    """Return an architecture, or raise `InputError` for anything else."""
    if not isinstance(network, Architecture):
        raise InputError(
            "expected an architecture such as lg.Finer(omega=40) as the network, got "
            f"{type(network).__name__}; leave it out for a sine network."
        )
    return network


def inputs_of(grid: Grid, first_omegas: Sequence[float]) -> Inputs:
    """Return what is known of a network's inputs, given how fast a sine network turns along each axis."""
    sizes: list[int] = []
    for axis in grid.axes:
        sizes += [axis.size] * (2 if axis.is_periodic else 1)
    return Inputs(tuple(sizes), tuple(angular_frequencies_of_inputs(first_omegas, grid)))


def angular_frequencies_of_inputs(omegas: Sequence[float], grid: Grid) -> list[float]:
    """Return how fast a first layer turns along each input of a network, given that along each axis.

    Cosine and sine of ``pi x`` change pi times as fast as ``x`` does.
    """
    turns = []
    for omega, axis in zip(omegas, grid.axes, strict=True):
        turns += [omega / math.pi] * 2 if axis.is_periodic else [omega]
    return turns
