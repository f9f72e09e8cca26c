"""The fused sine network: all layers of a tile of points at once, forward and backward, in compiled code."""

import ctypes
import itertools
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from .. import _native
from ._reference import JetShape, sine_mlp, sine_mlp_jet

_TILE = 128  # points: a small batch is one tile a thread, and its activations stay in a cache of 2 MiB
_MOST_IDLE = 8

MOST_DERIVATIVES = 8
"""Most first, and most second, derivatives of a jet in compiled code."""

MOST_PER_SAMPLE = _TILE
"""Most points in the weighted sum that gives a sample in `FusedNetwork.adam_step`."""

BFLOAT16 = "avx512-bf16"


class OutOfDomain(Exception):
    """Range reduction is no longer exact: the plain definition must be used."""


class Shape(NamedTuple):
    """The sizes that determine the memory of a `FusedNetwork`."""

    widths: tuple[int, ...]
    omegas: tuple[float, ...]
    """Frequency factor of each layer, 0 for a linear one."""
    path: str
    num_threads: int
    bfloat16: bool = False
    """Products between hidden layers in bfloat16, sums in float32; phases, first and last layer stay float32."""


@final
class FusedNetwork:
    """A sine network in compiled code, with its own memory; one caller at a time.

    ``parameters`` are weight and bias of each layer in turn: contiguous float32 tensors on the CPU.
    """

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self._library = _native.library()
        widths, omegas, path, num_threads, bfloat16 = shape
        self._plan = self._library.ligeia_plan_new(
            _native.PATHS.index(path),
            len(omegas),
            (ctypes.c_int * len(widths))(*widths),
            (ctypes.c_float * len(omegas))(*omegas),
            bfloat16,
            _TILE,
            num_threads,
        )
        if not self._plan:
            raise MemoryError(f"no memory for a network of widths {widths}.")

    def __del__(self) -> None:
        if getattr(self, "_plan", None):
            self._library.ligeia_plan_free(self._plan)

    def pack(self, parameters: Sequence[Tensor]) -> None:
        """Copy the weights in, for `values`, `jacobian` and `backward`."""
        parameters = [parameter.detach().contiguous() for parameter in parameters]
        self._library.ligeia_pack(self._plan, _pointers(parameters))

    def values(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n c"]:
        """Return the network's values."""
        result = x.new_empty(len(x), self.shape.widths[-1])
        x = x.detach().contiguous()
        self._done(self._library.ligeia_values(self._plan, x.data_ptr(), len(x), result.data_ptr()))
        return result

    def jacobian(self, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n c"], Float[Tensor, "n c d"]]:
        """Return values and Jacobian in one sweep."""
        num_in, num_out = self.shape.widths[0], self.shape.widths[-1]
        values, slopes = x.new_empty(len(x), num_out), x.new_empty(len(x), num_out, num_in)
        x = x.detach().contiguous()
        status = self._library.ligeia_jacobian(self._plan, x.data_ptr(), len(x), values.data_ptr(), slopes.data_ptr())
        self._done(status)
        return values, slopes

    def backward(
        self, x: Float[Tensor, "n d"], grad: Float[Tensor, "n c"], *, to_x: bool, to_parameters: bool
    ) -> tuple[Float[Tensor, "n d"] | None, list[Tensor] | None]:
        """Return the gradients of a loss for ``x`` and the parameters, from its gradient ``grad`` for the values."""
        x, grad = x.detach().contiguous(), grad.detach().contiguous()
        grad_x = torch.empty_like(x) if to_x else None
        grads = self._empty_gradients() if to_parameters else None
        status = self._library.ligeia_backward(
            self._plan,
            x.data_ptr(),
            grad.data_ptr(),
            len(x),
            None if grad_x is None else grad_x.data_ptr(),
            None if grads is None else _pointers(grads),
        )
        self._done(status)
        return grad_x, grads

    def jet(self, streams: Float[Tensor, "s n d"], jet_shape: JetShape) -> Float[Tensor, "s n c"]:
        """Return values and derivatives, given those of the inputs: `sine_mlp_jet` in compiled code."""
        streams, native = streams.detach().contiguous(), _native_jet_shape(jet_shape)
        jets = streams.new_empty(*streams.shape[:2], self.shape.widths[-1])
        status = self._library.ligeia_jet(
            self._plan, ctypes.addressof(native), streams.data_ptr(), streams.shape[1], jets.data_ptr()
        )
        self._done(status)
        return jets

    def jet_backward(
        self, streams: Float[Tensor, "s n d"], grad: Float[Tensor, "s n c"], jet_shape: JetShape
    ) -> list[Tensor]:
        """Return the gradients of a loss for the parameters, from its gradient ``grad`` for the jets."""
        streams, grad, native = streams.detach().contiguous(), grad.detach().contiguous(), _native_jet_shape(jet_shape)
        grads = self._empty_gradients()
        status = self._library.ligeia_jet_backward(
            self._plan,
            ctypes.addressof(native),
            streams.data_ptr(),
            grad.data_ptr(),
            streams.shape[1],
            _pointers(grads),
        )
        self._done(status)
        return grads

    def adam_step(
        self,
        parameters: Sequence[Tensor],
        moments: Sequence[Sequence[Tensor]],
        x: Float[Tensor, "points d"],
        y: Float[Tensor, "n c"],
        settings: "AdamSettings",
        weights: Float[Tensor, " group"] | None = None,
    ) -> float:
        """Update the parameters, in place, by one step of Adam on the mean squared error; return that error.

        ``moments`` are the averages of the gradients and those of their squares, like the parameters. With ``weights``
        each sample ``y`` is compared with the weighted sum of the values at that many consecutive points of ``x``, at
        most `MOST_PER_SAMPLE`.
        """
        weights = torch.ones(1) if weights is None else weights.contiguous()
        assert len(x) == len(y) * len(weights)
        rate, (beta1, beta2), eps, number = settings
        step = _NativeAdamStep(
            rate=rate,
            eps=eps,
            beta2=beta2,
            rest1=1 - beta1,
            rest2=1 - beta2,
            correction1=1 - beta1**number,
            correction2=1 - beta2**number,
        )
        x, y = x.contiguous(), y.contiguous()
        loss = ctypes.c_double()
        status = self._library.ligeia_step(
            self._plan,
            _pointers(parameters),
            _pointers(moments[0]),
            _pointers(moments[1]),
            x.data_ptr(),
            y.data_ptr(),
            weights.data_ptr(),
            len(weights),
            len(y),
            ctypes.addressof(step),
            ctypes.addressof(loss),
        )
        self._done(status)
        torch.autograd.graph.increment_version(parameters)  # changed in place behind torch's back
        return loss.value

    def coded_steps(
        self,
        fit: "CodedFit",
        x: Float[Tensor, "points d"],
        y: Float[Tensor, "n c"],
        weights: Float[Tensor, " group"],
        num_batches: int,
    ) -> tuple[int, float]:
        """Update weights that a file stores as multiples of quantization steps, once per batch of the samples.

        Returns how many steps were taken, fewer where a phase could leave the domain, and the mean squared error of
        the samples, those of no step counted as met. What is evaluated by the last step's weights is rounded.
        """
        x, y, loss = x.contiguous(), y.contiguous(), ctypes.c_double()
        done = self._library.ligeia_coded_steps(
            self._plan,
            ctypes.addressof(fit.native),
            x.data_ptr(),
            y.data_ptr(),
            weights.data_ptr(),
            len(weights),
            len(y),
            num_batches,
            ctypes.addressof(loss),
        )
        torch.autograd.graph.increment_version(fit.evaluated)  # changed in place behind torch's back
        return done, loss.value

    def _empty_gradients(self) -> list[Tensor]:
        shapes = itertools.pairwise(self.shape.widths)
        return [
            torch.empty(size, dtype=torch.float32)
            for fan_in, fan_out in shapes
            for size in ((fan_out, fan_in), (fan_out,))
        ]

    def _done(self, status: int) -> None:
        if status == _native.OUT_OF_DOMAIN:
            raise OutOfDomain("a phase could be too large")


class AdamSettings(NamedTuple):
    """The inputs of a step of Adam other than its moments; ``number`` counts from 1."""

    learning_rate: float
    betas: tuple[float, float]
    eps: float
    number: int


class _NativeAdamStep(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_float) for name in ("rate", "eps", "beta2", "rest1", "rest2", "correction1", "correction2")
    )


class _NativeJetTerm(ctypes.Structure):
    _fields_ = (("curvature", ctypes.c_int), ("i", ctypes.c_int), ("j", ctypes.c_int), ("factor", ctypes.c_float))


class _NativeJetShape(ctypes.Structure):
    _fields_ = (
        ("num_slopes", ctypes.c_int),
        ("num_curvatures", ctypes.c_int),
        ("num_terms", ctypes.c_int),
        ("terms", ctypes.POINTER(_NativeJetTerm)),
    )


def _native_jet_shape(shape: JetShape) -> _NativeJetShape:
    terms = (_NativeJetTerm * len(shape.terms))(*shape.terms)
    return _NativeJetShape(shape.num_first_derivatives, shape.num_second_derivatives, len(shape.terms), terms)


class _NativeCodedFit(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("evaluated", "weights", "first", "second")),
        *((name, ctypes.c_void_p) for name in ("steps", "prices", "muon_rates", "polynomials", "slopes")),
        *((name, ctypes.c_double) for name in ("rate", "eps", "beta1", "beta2")),
        ("num_steps", ctypes.c_int64),
        ("rounded", ctypes.c_int),
        ("num_polynomials", ctypes.c_int),
    )


@final
class CodedFit:
    """The tensors that `FusedNetwork.coded_steps` reads and changes in place, weight and bias of each layer in turn.

    ``evaluated`` are the parameters of the network, ``weights`` what is fitted. A weight is evaluated as the nearest
    multiple of its tensor's step, or with uniform noise as wide as that step.
    ``slopes`` receives the sums of gradient times evaluated minus fitted weight, averaged over batches;
    ``rate_weights`` times the weight is added to each gradient. Square matrices with a rate above 0 in ``muon_rates``
    move by the orthogonal matrix nearest to Nesterov's momentum, times that and the rate, instead of by Adam (Muon:
    Jordan et al. 2024); ``polynomials`` are the factors of M, M M'M and M M'M M'M in each step towards that matrix.
    """

    def __init__(
        self,
        evaluated: Sequence[Tensor],
        weights: Sequence[Tensor],
        first: Sequence[Tensor],
        second: Sequence[Tensor],
        polynomials: Float[np.ndarray, "k 3"],
    ) -> None:
        self.evaluated = list(evaluated)
        self._held = [_pointers(tensors) for tensors in (evaluated, weights, first, second)]
        self.steps = np.ones(len(self.evaluated), np.float32)
        self.rate_weights, self.muon_rates = np.zeros((2, len(self.evaluated)), np.float32)
        self._polynomials = np.ascontiguousarray(polynomials, np.float32)
        self.slopes = np.zeros(len(self.evaluated))
        self.native = _NativeCodedFit(
            *(ctypes.addressof(each) for each in self._held),
            steps=self.steps.ctypes.data,
            prices=self.rate_weights.ctypes.data,
            muon_rates=self.muon_rates.ctypes.data,
            polynomials=self._polynomials.ctypes.data,
            slopes=self.slopes.ctypes.data,
            num_polynomials=len(polynomials),
        )

    def set(self, settings: AdamSettings, *, rounded: bool) -> None:
        """Set the inputs of the next steps; ``settings.number`` is the number of the first of them."""
        self.native.rate, self.native.eps = settings.learning_rate, settings.eps
        self.native.beta1, self.native.beta2 = settings.betas
        self.native.num_steps, self.native.rounded = settings.number - 1, rounded


_idle: list[FusedNetwork] = []  # the latest last; list methods are atomic


@contextmanager
def workspace(shape: Shape) -> Iterator[FusedNetwork]:
    """Lend a network of a shape from the pool: allocating its memory takes longer than a small batch."""
    network = None
    for candidate in reversed(_idle):
        if candidate.shape == shape:
            try:
                _idle.remove(candidate)
            except ValueError:  # another thread was faster
                continue
            network = candidate
            break
    network = FusedNetwork(shape) if network is None else network
    try:
        yield network
    finally:
        _idle.append(network)
        if len(_idle) > _MOST_IDLE:
            _idle.pop(0)


def agrees_with_reference(path: str) -> bool:
    """Return whether values and gradients of a small network are those of the plain definition.

    Takes a few milliseconds, so that a miscompiled kernel or a faulty processor does not go unnoticed.
    """
    # whatever the caller has torch set to
    with torch.inference_mode(False), torch.enable_grad(), torch.autocast("cpu", enabled=False), torch.device("cpu"):
        try:
            return _agrees(path)
        except OutOfDomain:
            return False


def _agrees(path: str) -> bool:
    shape = Shape((2, 40, 40, 40, 3), (30.0, 30.0, 20.0, 0.0), path, 1)
    generator = torch.Generator().manual_seed(0)

    def uniform(*sizes: int, half_width: float) -> Tensor:
        drawn = torch.rand(sizes, generator=generator, dtype=torch.float32)
        return ((2 * drawn - 1) * half_width).requires_grad_()

    parameters = []
    for fan_in, fan_out in itertools.pairwise(shape.widths):
        parameters.append(uniform(fan_out, fan_in, half_width=math.sqrt(6 / fan_in) / 30))
        parameters.append(uniform(fan_out, half_width=0.5))
    x, grad = uniform(70, 2, half_width=1.0), uniform(70, 3, half_width=1.0).detach()
    wanted = sine_mlp(x, parameters[::2], parameters[1::2], [*shape.omegas[:-1], None])
    wanted_grads = torch.autograd.grad(wanted, [x, *parameters], grad)
    network = FusedNetwork(shape._replace(bfloat16=path == BFLOAT16))
    network.pack(parameters)
    grad_x, grads = network.backward(x, grad, to_x=True, to_parameters=True)
    assert grad_x is not None
    assert grads is not None
    tolerance = 0.05 if path == BFLOAT16 else 1e-3
    pairs = [*zip([network.values(x), grad_x, *grads], [wanted.detach(), *wanted_grads], strict=True)]
    pairs += _jet_and_gradients(parameters, x.detach(), shape)
    return all(float((mine - right).norm() / right.norm()) < tolerance for mine, right in pairs)  # NaN is no


def _jet_and_gradients(parameters: list[Tensor], x: Tensor, shape: Shape) -> list[tuple[Tensor, Tensor]]:
    """Return jets and their gradients in compiled code, each paired with its reference."""
    jet_shape = JetShape.with_laplacian(2)
    slopes = torch.eye(2, dtype=x.dtype)[:, None].expand(-1, len(x), -1)
    streams = torch.cat([x[None], slopes, torch.zeros_like(x)[None]])
    omegas = [omega or None for omega in shape.omegas]
    wanted = sine_mlp_jet(streams, parameters[::2], parameters[1::2], omegas, jet_shape)
    weights = torch.linspace(1, 2, wanted.numel(), dtype=x.dtype).view(wanted.shape)
    network = FusedNetwork(shape)
    network.pack(parameters)
    found = [network.jet(streams, jet_shape), *network.jet_backward(streams, weights, jet_shape)]
    return [*zip(found, [wanted.detach(), *torch.autograd.grad(wanted, parameters, weights)], strict=True)]


def _pointers(tensors: Sequence[Tensor]) -> "ctypes.Array[ctypes.c_void_p]":
    return (ctypes.c_void_p * len(tensors))(*[tensor.data_ptr() for tensor in tensors])
