"""A sine network by the fastest applicable arithmetic: the fused kernel where it applies, else plain torch."""

from collections.abc import Sequence
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import forward_ad

from ligeia.core import num_threads

from .._choice import TORCH, current_path
from ._fused import BFLOAT16, MOST_DERIVATIVES, OutOfDomain, Shape, workspace
from ._reference import JetShape, sine_mlp, sine_mlp_jet

Omegas = Sequence[float | None]


def fused_sine_mlp(
    x: Float[Tensor, "*batch d"],
    weights: Sequence[Float[Tensor, "_ _"]],
    biases: Sequence[Float[Tensor, " _"]],
    omegas: Omegas,
) -> Float[Tensor, "*batch c"]:
    """Compute `sine_mlp` with the kernel in use; differentiable to any order, with first derivatives fused.

    The plain definition takes over where compiled code does not reach: other devices and types than float32 on the
    CPU, autocast, ``torch.func`` and forward-mode transforms, ``torch.compile``, second derivatives, phases too large
    to be reduced exactly (25,000 radians on the path ``portable``, four million on the others).
    """
    parameters = [each for pair in zip(weights, biases, strict=True) for each in pair]
    if not _fits(x, parameters, omegas) or (path := current_path()) == TORCH:
        return sine_mlp(x, weights, biases, omegas)
    flat = x.reshape(-1, x.shape[-1])
    shape = _shape(parameters, omegas, path)
    try:
        if torch.is_grad_enabled() and any(each.requires_grad for each in (x, *parameters)):
            values = _FusedSineMlp.apply(shape, flat, *parameters)
        else:
            with workspace(shape) as network:
                network.pack(parameters)
                values = network.values(flat)
    except OutOfDomain:
        return sine_mlp(x, weights, biases, omegas)
    assert isinstance(values, Tensor)
    return values.view(*x.shape[:-1], values.shape[-1])


def fused_sine_mlp_jacobian(
    x: Float[Tensor, "n d"],
    weights: Sequence[Float[Tensor, "_ _"]],
    biases: Sequence[Float[Tensor, " _"]],
    omegas: Omegas,
) -> tuple[Float[Tensor, "n c"], Float[Tensor, "n c d"]]:
    """Return values and Jacobian by the kernel in use, detached: not differentiable further.

    One forward and, per channel, one backward sweep, which is faster than a jet for few channels.
    """
    parameters = [each for pair in zip(weights, biases, strict=True) for each in pair]
    if _fits(x, parameters, omegas) and (path := current_path()) != TORCH:
        try:
            with workspace(_shape(parameters, omegas, path)) as network:
                network.pack(parameters)
                return network.jacobian(x)
        except OutOfDomain:
            pass
    identity = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    streams = torch.cat([x[None], identity[:, None].expand(-1, len(x), -1)])
    with torch.no_grad():
        jet = sine_mlp_jet(streams, weights, biases, omegas, JetShape(x.shape[1], 0, ()))
    return jet[0], jet[1:].permute(1, 2, 0)


def fused_sine_mlp_jet(
    streams: Float[Tensor, "s n d"],
    weights: Sequence[Float[Tensor, "_ _"]],
    biases: Sequence[Float[Tensor, " _"]],
    omegas: Omegas,
    shape: JetShape,
) -> Float[Tensor, "s n c"]:
    """Compute `sine_mlp_jet` with the kernel in use, with a backward sweep of its own to the parameters.

    The plain definition takes over where compiled code does not reach, as for `fused_sine_mlp`, and where gradients
    with respect to the jet components of the inputs are requested.
    """
    parameters = [each for pair in zip(weights, biases, strict=True) for each in pair]
    is_small = max(shape.num_first_derivatives, shape.num_second_derivatives) <= MOST_DERIVATIVES
    needs_graph = torch.is_grad_enabled() and streams.requires_grad
    fits = is_small and not needs_graph and _fits(streams, parameters, omegas)
    if not fits or (path := current_path()) == TORCH:
        return sine_mlp_jet(streams, weights, biases, omegas, shape)
    network_shape = _shape(parameters, omegas, path)
    try:
        if torch.is_grad_enabled() and any(each.requires_grad for each in parameters):
            found = _FusedJet.apply(network_shape, shape, streams, *parameters)
            assert isinstance(found, Tensor)
            return found
        with workspace(network_shape) as network:
            network.pack(parameters)
            return network.jet(streams, shape)
    except OutOfDomain:
        return sine_mlp_jet(streams, weights, biases, omegas, shape)


def fused_shape(parameters: Sequence[Tensor], omegas: Omegas) -> Shape | None:
    """Return the shape of the fused network that can train these parameters in place; None if only torch can.

    ``bfloat16`` is set where the kernel in use has it: it is for training alone.
    """
    fits = _fits(parameters[0], parameters, omegas) and all(each.is_contiguous() for each in parameters)
    if not fits or (path := current_path()) == TORCH:
        return None
    return _shape(parameters, omegas, path)._replace(bfloat16=path == BFLOAT16)


def _shape(parameters: Sequence[Tensor], omegas: Omegas, path: str) -> Shape:
    widths = (parameters[0].shape[1], *[bias.shape[0] for bias in parameters[1::2]])
    return Shape(widths, tuple(omega or 0.0 for omega in omegas), path, num_threads())


def _fits(x: Tensor, parameters: Sequence[Tensor], omegas: Omegas) -> bool:
    if torch.compiler.is_compiling() or torch._C._is_tracing() or is_transformed():
        return False
    if torch.is_autocast_enabled("cpu"):  # other types were requested
        return False
    fan_in = x.shape[-1] if x.ndim else 0
    for weight, bias in zip(parameters[::2], parameters[1::2], strict=True):
        if weight.shape != (*bias.shape, fan_in):  # torch raises its own error then
            return False
        fan_in = weight.shape[0]
    is_sine_network = all(omega is not None and omega > 0 for omega in omegas[:-1])
    is_sine_network &= omegas[-1] is None or omegas[-1] > 0
    return is_sine_network and all(
        each.dtype == torch.float32
        and each.device.type == "cpu"
        and type(each) in (Tensor, torch.nn.Parameter)
        and each.layout == torch.strided
        and not each.is_neg()
        and forward_ad.unpack_dual(each).tangent is None
        for each in (x, *parameters)
    )


def is_transformed() -> bool:
    """Return whether a transform of ``torch.func`` is active, under which values cannot be inspected."""
    return torch._C._are_functorch_transforms_active()  # by torch.func; there is no public name for this


@final
class _FusedSineMlp(torch.autograd.Function):
    """Keeps only its inputs: a tile's activations are cheaper to recompute than to write to memory."""

    @staticmethod
    def forward(ctx: Any, shape: Shape, x: Tensor, *parameters: Tensor) -> Tensor:
        ctx.shape = shape
        ctx.save_for_backward(x, *parameters)
        with workspace(shape) as network:
            network.pack(parameters)
            return network.values(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = grads
        x, *parameters = ctx.saved_tensors
        wanted = ctx.needs_input_grad[1:]
        create_graph = torch.is_grad_enabled()  # the gradient itself will be differentiated
        if create_graph or is_transformed() or torch._C._functorch.is_legacy_batchedtensor(grad):  # type: ignore[attr-defined]
            omegas = [omega or None for omega in ctx.shape.omegas]
            inputs = [each for each, needed in zip((x, *parameters), wanted, strict=True) if needed]
            with torch.enable_grad():
                values = sine_mlp(x, parameters[::2], parameters[1::2], omegas)
            found = iter(torch.autograd.grad(values, inputs, grad, create_graph=create_graph))
            return (None, *[next(found) if needed else None for needed in wanted])
        with workspace(ctx.shape) as network:
            network.pack(parameters)
            grad_x, grad_parameters = network.backward(x, grad, to_x=wanted[0], to_parameters=any(wanted[1:]))
        all_grads = [grad_x, *(grad_parameters or [None] * len(parameters))]
        return (None, *[each if needed else None for each, needed in zip(all_grads, wanted, strict=True)])


@final
class _FusedJet(torch.autograd.Function):
    """Keeps only its inputs, as `_FusedSineMlp` does."""

    @staticmethod
    def forward(ctx: Any, network_shape: Shape, shape: JetShape, streams: Tensor, *parameters: Tensor) -> Tensor:
        ctx.network_shape, ctx.shape = network_shape, shape
        ctx.save_for_backward(streams, *parameters)
        with workspace(network_shape) as network:
            network.pack(parameters)
            return network.jet(streams, shape)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = grads
        streams, *parameters = ctx.saved_tensors
        wanted = ctx.needs_input_grad[3:]
        if torch.is_grad_enabled() or is_transformed() or torch._C._functorch.is_legacy_batchedtensor(grad):  # type: ignore[attr-defined]
            omegas = [omega or None for omega in ctx.network_shape.omegas]
            inputs = [each for each, needed in zip(parameters, wanted, strict=True) if needed]
            create_graph = torch.is_grad_enabled()
            with torch.enable_grad():
                jets = sine_mlp_jet(streams, parameters[::2], parameters[1::2], omegas, ctx.shape)
            found = iter(torch.autograd.grad(jets, inputs, grad, create_graph=create_graph))
            return (None, None, None, *[next(found) if needed else None for needed in wanted])
        with workspace(ctx.network_shape) as network:
            network.pack(parameters)
            all_grads = network.jet_backward(streams, grad, ctx.shape)
        return (None, None, None, *[each if needed else None for each, needed in zip(all_grads, wanted, strict=True)])
