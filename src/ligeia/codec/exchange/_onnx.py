"""Fields as ONNX models, for the programs that run those. The graph is what `NumpyField` does, operation by operation.

Built of operators of opset 13, all of them old: Gemm, Sin, Mul, Add for a sine network, and, for periodic axes and
other networks, Gather, Floor, Sub, Cos, Concat, MatMul, Exp, Tanh, Abs, Relu, Softplus, Div,
Where, Equal, Neg, Clip, Cast and Reshape.
"""

import json
from typing import Any, Final

import numpy as np

from ligeia.core import InputError, optional
from ligeia.signals import units_of

from .._container import FieldRecord
from ._description import describe, tensor_names
from ._onnx_arithmetic import Graph, GraphArithmetic

_OPSET: Final = 13
_IR_VERSION: Final = 8
_MOST_BYTES: Final = 2_000_000_000  # a protobuf message holds 2 GiB


def to_onnx(record: FieldRecord) -> bytes:
    """Return a field as an ONNX model.

    Input ``points`` is float32 (n, axes), coordinates in [-1, 1] in the order of the axes; output ``values`` is float32
    (n, channels), in the signal's units. Grid, channels and units stand in the model's metadata as JSON.
    Raises `MissingExtraError` where the package onnx is not installed.
    """
    return _model(record).SerializeToString()


def _model(record: FieldRecord) -> Any:
    network = record.network
    if not network.architecture.has_graph:
        raise InputError(
            f"a network {network.architecture.name} cannot be written as an ONNX graph; export a .safetensors."
        )
    onnx = optional("onnx", extra="export", needed_for="writing an ONNX model")
    if sum(each.nbytes for each in record.float_tensors()) > _MOST_BYTES:
        raise InputError("an ONNX model holds at most 2 GB of weights; export the field as .safetensors.")
    graph = Graph(onnx.helper, onnx.numpy_helper)
    activations = _values(graph, record)
    middle, half_range = (
        graph.constant(name, values)
        for name, values in zip(("middle", "half_range"), units_of(record.channels, np.float32), strict=True)
    )
    graph.node("Add", [graph.node("Mul", [activations, half_range]), middle], output="values")

    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "ligeia",
            [helper.make_tensor_value_info("points", kind, ["n", record.grid.num_axes])],
            [helper.make_tensor_value_info("values", kind, ["n", len(record.channels)])],
            graph.constants,
        ),
        producer_name="ligeia",
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )
    described = describe(record)
    units = {
        "points": [axis["unit"] for axis in described["grid"]["axes"]],
        "values": [channel["unit"] for channel in described["channels"]],
    }
    kept = {"grid": described["grid"], "channels": described["channels"], "units": units}
    helper.set_model_props(model, {name: json.dumps(value) for name, value in kept.items()})
    onnx.checker.check_model(model)
    return model


def _values(graph: Graph, record: FieldRecord) -> str:
    """Return what the network makes of ``points``, -1 and 1 being the ends of a channel."""
    network = record.network
    architecture, tensors = network.architecture.simplified(record.float_tensors())
    names = tensor_names(network)
    if architecture is not network.architecture:  # these are not the weights of that name
        names = [f"{'bias' if number % 2 else 'weight'}{number // 2}" for number in range(len(tensors))]
    do = GraphArithmetic(graph)
    inputs = record.grid.network_inputs(do, do.number("points", record.grid.num_axes))
    weights = [do.weight(each, name) for each, name in zip(tensors, names, strict=True)]
    return architecture.values(do, inputs, weights).name
