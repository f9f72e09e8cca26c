"""`ligeia info`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ._console import Json, NoDevice, NoSeed, Quiet, emit


def info(
    source: Annotated[Path, typer.Argument(metavar="F.lig", help="A fitted field.")],
    seed: NoSeed = 0,
    device: NoDevice = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Print everything that the header of a field says.

    Example: ligeia info photo.lig
    """
    from ligeia.codec import read_record

    record = read_record(source)
    kept = asdict(record.source)
    result: dict[str, Any] = {
        "bytes": source.stat().st_size,
        "parameters": sum(tensor.size for tensor in record.tensors),
        "weights": str(record.tensors[0].dtype),
        "network": {"kind": "siren"}
        | {name: value for name, value in asdict(record.network).items() if name != "kind"},
        "shape": record.grid.shape,
        "align": record.grid.align,
        "axes": [asdict(axis) for axis in record.grid.axes],
        "channels": [asdict(channel) for channel in record.channels],
        # bytes have no place in JSON; their number says whether there is a profile
        "source": {"kind": type(record.source).__name__}
        | {name: len(value) if isinstance(value, bytes) else value for name, value in kept.items()},
    }
    emit(result, "\n".join(_lines(result)), as_json=as_json, quiet=quiet)


def _lines(result: dict[str, Any]) -> list[str]:
    network, source = result["network"], result["source"]
    omegas = network["omegas"]
    shown = f"{omegas[0]:g}" if len(set(omegas)) == 1 else ", ".join(f"{omega:g}" for omega in omegas)
    axes = [
        f"{axis['name']} {axis['size']}"
        + ("" if axis["extent"] == (-1.0, 1.0) else f" ({axis['extent'][0]:g} to {axis['extent'][1]:g} {axis['unit']})")
        for axis in result["axes"]
    ]
    channels = [f"{each['name']} {each['low']:g}..{each['high']:g}{each['unit']}" for each in result["channels"]]
    layers = f"{network['in_features']} -> {network['hidden_features']} x {network['hidden_layers'] + 1}"
    aligned = f"{'cell ' if result['align'] == 'centers' else ''}{result['align']}"
    return [
        f"file        {result['bytes']:,} bytes, {result['parameters']:,} weights in {result['weights']}",
        f"network     {network['kind']}, {layers} -> {network['out_features']}, omega_0 {shown}",
        f"grid        {', '.join(axes)}; samples at {aligned}",
        f"channels    {', '.join(channels)}",
        "source      " + ", ".join(f"{name} {value}" for name, value in source.items() if value not in (0, "", False)),
    ]
