"""Weights saved by other sine networks, read as a `Siren`.

Three conventions are recognized by their parameter names:

- ``"repository"``: ``SingleBVPNet`` of the reference code (vsitzmann/siren, ``modules.py``), whose first
  name is ``net.net.0.0.weight``. Every omega is 30; the output layer is linear.
- ``"notebook"``: ``Siren`` of its ``explore_siren.ipynb``, ``net.0.linear.weight``. The omegas are 30 unless
  it was built with others; the names tell whether the output layer is linear. `Siren` saves in this form.
- ``"siren-pytorch"``: ``SirenNet`` of the package of that name (0.1.7), ``layers.0.weight``. The first omega
  is 30 and the others 1 unless it was built with others (``w0_initial``, ``w0``). Its biases may be absent;
  they are then zero.

No file records its omegas, nor its activation: weights of the repository's ReLU and tanh networks have the same names
and load without complaint, but into a different function.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor

from ligeia.core import FormatError, InputError, SampleError, ShapeError

from ._siren import Siren


class _Layout(NamedTuple):
    layer: str
    """Regular expression of a layer's name, without its ``.weight``; its only group is the layer's number."""
    example: str
    first_omega: float
    hidden_omega: float


_LAYOUTS: Final[dict[str, _Layout]] = {
    "notebook": _Layout(r"net\.(\d+)(?:\.linear)?", "net.0.linear.weight", 30.0, 30.0),
    "repository": _Layout(r"net\.net\.(\d+)\.0", "net.net.0.0.weight", 30.0, 30.0),
    "siren-pytorch": _Layout(r"layers\.(\d+)|last_layer", "layers.0.weight", 30.0, 1.0),
}


class _Layer(NamedTuple):
    name: str
    weight: Tensor
    bias: Tensor


def from_reference(
    state_dict: Mapping[str, Tensor],
    *,
    convention: str,
    first_omega_0: float | None = None,
    hidden_omega_0: float | Sequence[float] | None = None,
    outermost_linear: bool | None = None,
) -> Siren:
    """Return the network whose weights ``state_dict`` holds, as copies with their dtype and on their device.

    ``convention`` is ``"repository"``, ``"notebook"`` or ``"siren-pytorch"``; see the top of this module.

    Sizes and depth are read from the tensors. The omegas are not in the file: give the ones that the network
    was built with wherever they differ from the convention's. ``outermost_linear`` is read from the names in
    the notebook's convention and is True in the others; give False if a last sine was added, as by
    siren-pytorch's ``final_activation=Sine(w0)``, whose w0 is then the last of the hidden omegas. No other
    final activation becomes part of the result: apply it to the values.

    A prefix common to all names is dropped, as the ``module.`` of ``DataParallel``. Raises `InputError` for
    an unknown convention, `FormatError` for names that do not belong, `ShapeError` for layers that do not
    follow one another, `SampleError` for weights that are NaN or infinite.

    >>> from_reference(Siren(2, 16, 1, 3).state_dict(), convention="notebook").config.out_features
    3
    """
    if convention not in _LAYOUTS:
        raise InputError(f"convention must be one of {', '.join(_LAYOUTS)}, got {convention!r}.")
    layout = _LAYOUTS[convention]
    prefix = next((name.removesuffix(layout.example) for name in state_dict if name.endswith(layout.example)), "")
    layers = _read_layers({name.removeprefix(prefix): tensor for name, tensor in state_dict.items()}, convention)
    _check_layers(layers)
    named_linear = not layers[-1].name.endswith(".linear")
    if convention == "notebook" and outermost_linear not in (None, named_linear):
        raise InputError(f"outermost_linear is {named_linear} by the names of these weights; leave it out.")
    if outermost_linear is None:
        outermost_linear = named_linear
    first, last = layers[0].weight, layers[-1].weight
    # on the meta device the constructor draws no weights and takes no memory
    with torch.device("meta"):
        network = Siren(
            first.shape[1],
            first.shape[0],
            len(layers) - 2,
            last.shape[0],
            outermost_linear=outermost_linear,
            first_omega_0=layout.first_omega if first_omega_0 is None else first_omega_0,
            hidden_omega_0=layout.hidden_omega if hidden_omega_0 is None else hidden_omega_0,
        )
    copies = [tensor.detach().clone() for layer in layers for tensor in (layer.weight, layer.bias)]
    network.load_state_dict(dict(zip(network.state_dict(), copies, strict=True)), assign=True)
    return network


def convention_of(names: Iterable[str]) -> str | None:
    """Return the convention that all of these parameter names follow; None if there is none.

    >>> convention_of(["layers.0.weight", "last_layer.weight"])
    'siren-pytorch'
    """
    names = list(names)
    looks = (name for name, layout in _LAYOUTS.items() if names and _all_of(names, layout))
    return next(looks, None)


def _all_of(names: Iterable[str], layout: _Layout) -> bool:
    pattern = rf"(?:.*\.)?(?:{layout.layer})\.(?:weight|bias)"
    return all(re.fullmatch(pattern, name) for name in names)


def _read_layers(named: Mapping[str, Tensor], convention: str) -> list[_Layer]:
    """Return the layers in their order; every name must belong, and no layer may be missing."""
    numbered: dict[int, str] = {}
    for name in named:
        match = re.fullmatch(rf"({_LAYOUTS[convention].layer})\.(?:weight|bias)", name)
        if match is None:
            raise FormatError(
                f"the name {name!r} does not belong to the {convention} convention "
                f"({_LAYOUTS[convention].example}, ...); {_resembles(named, convention)}."
            )
        number = len(named) if match[2] is None else int(match[2])  # siren-pytorch's last layer has no number
        if numbered.setdefault(number, match[1]) != match[1]:
            raise FormatError(f"layer {number} has two names, {numbered[number]!r} and {match[1]!r}; keep one.")
    names = [numbered[number] for number in sorted(numbered)]
    _check_complete(named, names, convention)
    layers = []
    for name in names:
        weight = named[f"{name}.weight"]
        layers.append(_Layer(name, weight, named.get(f"{name}.bias", weight.new_zeros(weight.shape[:1]))))
    return layers


def _check_complete(named: Mapping[str, Tensor], names: Sequence[str], convention: str) -> None:
    if convention == "siren-pytorch":
        wanted = [f"layers.{number}" for number in range(max(len(names) - 1, 1))] + ["last_layer"]
    elif convention == "repository":
        wanted = [f"net.net.{number}.0" for number in range(max(len(names), 2))]
    else:
        wanted = [f"net.{number}.linear" for number in range(max(len(names), 2))]
        if names and names[-1] == wanted[-1].removesuffix(".linear"):
            wanted[-1] = names[-1]
    # biases are optional in this package, but then all layers lack them
    has_biases = convention != "siren-pytorch" or any(name.endswith(".bias") for name in named)
    kinds = ("weight", "bias") if has_biases else ("weight",)
    for name in (f"{layer}.{kind}" for layer in wanted for kind in kinds):
        if name not in named:
            raise FormatError(
                f"expected {name!r} by the {convention} convention, it is missing; {_resembles(named, convention)}."
            )


def _resembles(named: Mapping[str, Tensor], convention: str) -> str:
    """Say what to do about ``named``, which is not quite of ``convention``."""
    for other, layout in _LAYOUTS.items():
        if named and other != convention and _all_of(named, layout):
            return f"these names look like the {other} convention, so try convention={other!r}"
    return "pass the state_dict of the bare network, whole and with nothing else in it"


def _check_layers(layers: Sequence[_Layer]) -> None:
    for name, weight, bias in layers:
        if weight.ndim != 2 or bias.shape != weight.shape[:1]:
            raise ShapeError(
                f"{name} must have a weight (outputs, inputs) and a bias (outputs,), "
                f"got {tuple(weight.shape)} and {tuple(bias.shape)}."
            )
        for kind, tensor in (("weight", weight), ("bias", bias)):
            if not tensor.is_floating_point() or tensor.dtype != layers[0].weight.dtype:
                raise FormatError(f"{name}.{kind} is {tensor.dtype}; expected one floating dtype for all tensors.")
            if not tensor.isfinite().all():
                raise SampleError(f"{name}.{kind} holds NaN or infinite numbers; the fit that saved it had diverged.")
    width = layers[0].weight.shape[0]
    for number, (name, weight, _) in enumerate(layers):
        fan_out, fan_in = weight.shape
        if (number > 0 and fan_in != width) or (number < len(layers) - 1 and fan_out != width):
            raise ShapeError(
                f"{name}.weight is {(fan_out, fan_in)}, which does not follow {layers[0].name} "
                f"with its {width} outputs; all hidden layers of a Siren have one width."
            )
