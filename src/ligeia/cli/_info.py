"""`ligeia info`."""

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ligeia.core import InputError

from ._console import Json, NoDevice, NoSeed, Quiet, emit

if TYPE_CHECKING:
    from ligeia.networks import NetworkConfig
    from ligeia.signals import Source


def info(
    source: Annotated[Path | None, typer.Argument(metavar="[F.lig]", help="A fitted field.")] = None,
    system: Annotated[bool, typer.Option("--system", help="Show this machine and the kernel in use.")] = False,
    seed: NoSeed = 0,
    device: NoDevice = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Print what a field's header says.

    With --system: the kernels and versions on this machine.

    Example: ligeia info photo.lig

    Example: ligeia info --system
    """
    if system == (source is not None):
        raise InputError("expected either a field or --system; `ligeia info photo.lig` or `ligeia info --system`.")
    if source is None:
        _system(as_json=as_json, quiet=quiet)
        return
    from ligeia.codec import QuantizedTensor, read_record

    record = read_record(source)
    residual_bytes = 0 if record.residual is None else record.residual.num_bytes
    weights = ["quantized" if isinstance(each, QuantizedTensor) else str(each.dtype) for each in record.tensors]
    weights += [] if record.latents is None else ["coded grids"]
    result: dict[str, Any] = {
        "bytes": source.stat().st_size,
        "parameters": sum(math.prod(shape) for shape in record.network.tensor_shapes()),
        "weights": ", ".join(dict.fromkeys(weights)),
        "lossless": record.residual is not None,
        "field_bytes": source.stat().st_size - residual_bytes,
        "residual_bytes": residual_bytes,
        "network": _network(record.network),
        "shape": record.grid.shape,
        "align": record.grid.align,
        "axes": [asdict(axis) | {"footprint": repr(axis.footprint)} for axis in record.grid.axes],
        "channels": [asdict(channel) for channel in record.channels],
        "source": {"kind": type(record.source).__name__} | _source(record.source),
    }
    emit(result, "\n".join(_lines(result)), as_json=as_json, quiet=quiet)


def _network(network: "NetworkConfig") -> dict[str, Any]:
    """Return a network as JSON has it; of voxels only how many cells are occupied."""
    from ligeia.codec import describe_network
    from ligeia.networks import Voxels

    described = describe_network(network)
    if isinstance(voxels := network.architecture, Voxels):
        described["occupied"] = int(voxels.occupied_cells().sum())
    return described


def _source(source: "Source") -> dict[str, Any]:
    """Return a source as JSON has it, bytes as their number, which shows whether there is a profile."""
    from ligeia.signals import SceneSource

    if isinstance(source, SceneSource):
        return {
            "views": len(source.cameras),
            "names": source.names,
            "dtype": source.dtype,
            "has_alpha": source.has_alpha,
            "background": source.background,
        }
    return {name: len(value) if isinstance(value, bytes) else value for name, value in asdict(source).items()}


def _system(*, as_json: bool, quiet: bool) -> None:
    import platform

    import torch

    from ligeia import __version__, kernels

    found = kernels.system()
    result = {
        "ligeia": __version__,
        "kernel": found.path,
        "kernel_asked": found.asked,
        "kernels": found.available,
        "kernel_problem": found.problem,
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
        "torch": torch.__version__,
        "cuda": torch.cuda.is_available(),
        "python": platform.python_version(),
    }
    asked = "chosen by ligeia" if found.asked == "auto" else "as asked"
    lines = [
        f"kernel      {found.path} ({asked}), {result['threads']} threads",
        f"available   {', '.join(found.available)}; choose with `ligeia --kernel NAME` or LIGEIA_KERNEL",
        f"versions    ligeia {__version__}, torch {torch.__version__}, Python {result['python']}",
        f"machine     {result['machine']}, {'a' if result['cuda'] else 'no'} CUDA device",
    ]
    if found.problem:
        lines.insert(1, f"problem     {found.problem}")
    emit(result, "\n".join(lines), as_json=as_json, quiet=quiet)


def _extent(axis: dict[str, Any]) -> str:
    low, high = axis["extent"]
    return f"{low:g} to {high:g} {axis['unit']}".rstrip()


def _network_line(network: dict[str, Any]) -> str:
    ends = (network["in_features"], network["out_features"])
    if network["kind"] == "voxels":
        cells = network["cells"]
        share = network["occupied"] / math.prod(cells)
        return f"voxels, {_shown(cells)} cells, {network['occupied']:,} occupied ({share:.1%})"
    if network["kind"] != "siren":
        rest = ", ".join(f"{name} {_shown(value)}" for name, value in network.items() if name not in _ENDS)
        return f"{network['kind']}, {ends[0]} -> {ends[1]}, {rest}"
    omegas = network["omegas"]
    shown = f"{omegas[0]:g}" if len(set(omegas)) == 1 else ", ".join(f"{omega:g}" for omega in omegas)
    widths = network["hidden_features"]
    hidden = f"{widths} x {network['hidden_layers'] + 1}" if isinstance(widths, int) else ", ".join(map(str, widths))
    return f"siren, {ends[0]} -> {hidden} -> {ends[1]}, omega_0 {shown}"


def _source_line(source: dict[str, Any]) -> str:
    if source["kind"] != "SceneSource":
        return ", ".join(f"{name} {value}" for name, value in source.items() if value not in (0, "", False))
    alpha = "with alpha" if source["has_alpha"] else "without alpha"
    background = source["background"]
    behind = "unknown" if background is None else ", ".join(f"{each:g}" for each in background)
    return f"photographs {alpha}, {source['views']} views, background {behind}"


_ENDS = ("kind", "in_features", "out_features")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        fields = (f"{name} {_shown(each)}" for name, each in value.items() if name != "kind")
        return f"({', '.join([value['kind'], *fields])})"
    if isinstance(value, list):
        return "x".join(f"{each:g}" for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _lines(result: dict[str, Any]) -> list[str]:
    network, source = result["network"], result["source"]
    axes = [
        f"{axis['name']} {axis['size']}" + ("" if axis["extent"] == (-1.0, 1.0) else f" ({_extent(axis)})")
        for axis in result["axes"]
    ]
    channels = [f"{each['name']} {each['low']:g}..{each['high']:g}{each['unit']}" for each in result["channels"]]
    footprints = list(dict.fromkeys(axis["footprint"] for axis in result["axes"]))
    means = "" if footprints == ["Point()"] else f", means by {', '.join(footprints)}"
    aligned = f"{'cell ' if result['align'] == 'centers' else ''}{result['align']}"
    lossless = [f"lossless    {result['field_bytes']:,} bytes of field, {result['residual_bytes']:,} of residual"]
    return [
        f"file        {result['bytes']:,} bytes, {result['parameters']:,} weights in {result['weights']}",
        *(lossless if result["lossless"] else []),
        f"network     {_network_line(network)}",
        f"grid        {', '.join(axes)}; samples at {aligned}{means}",
        f"channels    {', '.join(channels)}",
        f"source      {_source_line(source)}",
    ]
