"""The arithmetic of networks as an ONNX graph: each operation adds a node."""

from collections.abc import Sequence
from typing import Any, Final, Union, final

import numpy as np
from jaxtyping import Float, Shaped

_INT64: Final = 7  # as ONNX numbers types


@final
class Graph:
    """Nodes and constants in the order of their making, each output with a name of its own."""

    def __init__(self, helper: Any, numpy_helper: Any) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._helper, self._numpy_helper = helper, numpy_helper

    def node(self, operator: str, inputs: list[str], *, output: str = "", **attributes: int) -> str:
        """Append an operation and return the name of its output."""
        output = output or f"{operator.lower()}{len(self.nodes)}"
        self.nodes.append(self._helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, name: str, value: Shaped[np.ndarray, "..."]) -> str:
        """Append a constant and return its name."""
        self.constants.append(self._numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name


@final
class GraphNumbers:
    """An output of a node, or a constant: ``(n, features)``, or the shape of the constant; float32 or int64."""

    def __init__(
        self, graph: Graph, name: str, shape: tuple[int | None, ...], dtype: type[np.number] = np.float32
    ) -> None:
        self._graph, self.name, self.shape, self._dtype = graph, name, shape, dtype

    def node(
        self,
        operator: str,
        *others: "GraphNumbers",
        width: int | None = None,
        dtype: type[np.number] | None = None,
        **attributes: int,
    ) -> "GraphNumbers":
        """Return what an operation makes of this and others, of a type of its own if it has one."""
        name = self._graph.node(operator, [self.name, *(each.name for each in others)], output="", **attributes)
        widths = [each.shape[-1] or 1 for each in (self, *others) if each.shape]
        shape = (None, max(widths) if width is None else width)
        return GraphNumbers(self._graph, name, shape, self._dtype if dtype is None else dtype)

    def clip(self, low: float, high: float) -> "GraphNumbers":
        """Return the nearest numbers between two."""
        return self.node("Clip", self._number(low), self._number(high))

    def reshape(self, *shape: int) -> "GraphNumbers":
        """Return the same in another shape; one side may be -1."""
        name = self._graph.constant(f"shape{len(self._graph.constants)}", np.array(shape, np.int64))
        found = self.node("Reshape", GraphNumbers(self._graph, name, ()), width=0)
        return GraphNumbers(self._graph, found.name, tuple(None if each < 0 else each for each in shape), self._dtype)

    def _number(self, value: float) -> "GraphNumbers":
        name = self._graph.constant(f"number{len(self._graph.constants)}", np.array(value, self._dtype))
        return GraphNumbers(self._graph, name, (), self._dtype)

    def _with(self, operator: str, other: Union["GraphNumbers", float], *, swapped: bool = False) -> "GraphNumbers":
        other = other if isinstance(other, GraphNumbers) else self._number(other)
        return other.node(operator, self) if swapped else self.node(operator, other)

    def __add__(self, other: Union["GraphNumbers", float]) -> "GraphNumbers":
        return self._with("Add", other)

    def __sub__(self, other: Union["GraphNumbers", float]) -> "GraphNumbers":
        return self._with("Sub", other)

    def __mul__(self, other: Union["GraphNumbers", float]) -> "GraphNumbers":
        return self._with("Mul", other)

    def __rsub__(self, other: float) -> "GraphNumbers":
        return self._with("Sub", other, swapped=True)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> "GraphNumbers":
        return self.node("Neg")


@final
class GraphArithmetic:
    """`Arithmetic` on nodes of a graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def number(self, name: str, width: int) -> GraphNumbers:
        """Return the output of a node that is there."""
        return GraphNumbers(self._graph, name, (None, width))

    def weight(self, values: Float[np.ndarray, "..."], name: str) -> GraphNumbers:
        """Return weights as a constant of this name."""
        return GraphNumbers(self._graph, self._graph.constant(name, values), values.shape)

    def linear(self, x: GraphNumbers, weight: GraphNumbers, bias: GraphNumbers | None) -> GraphNumbers:
        """Return ``weight @ x + bias`` per point."""
        width = weight.shape[0]
        if bias is None:
            return x.node("MatMul", weight.node("Transpose"), width=width)
        return x.node("Gemm", weight, bias, width=width, transB=1)

    def sin(self, x: GraphNumbers) -> GraphNumbers:
        """Return the sine."""
        return x.node("Sin")

    def cos(self, x: GraphNumbers) -> GraphNumbers:
        """Return the cosine."""
        return x.node("Cos")

    def exp(self, x: GraphNumbers) -> GraphNumbers:
        """Return the exponential."""
        return x.node("Exp")

    def tanh(self, x: GraphNumbers) -> GraphNumbers:
        """Return the hyperbolic tangent."""
        return x.node("Tanh")

    def absolute(self, x: GraphNumbers) -> GraphNumbers:
        """Return the magnitude."""
        return x.node("Abs")

    def relu(self, x: GraphNumbers) -> GraphNumbers:
        """Return ``max(x, 0)``."""
        return x.node("Relu")

    def softplus(self, x: GraphNumbers) -> GraphNumbers:
        """Return ``log(1 + exp(x))``."""
        return x.node("Softplus")

    def sinc(self, x: GraphNumbers) -> GraphNumbers:
        """Return ``sin(x) / x``, 1 at 0."""
        zero, one = self.constant(np.zeros(1)), self.constant(np.ones(1))
        is_zero = x.node("Equal", zero)
        safe = is_zero.node("Where", one, x, width=x.shape[-1])
        return is_zero.node("Where", one, safe.node("Sin").node("Div", safe), width=x.shape[-1])

    def concat(self, parts: Sequence[GraphNumbers]) -> GraphNumbers:
        """Return features side by side."""
        return parts[0].node("Concat", *parts[1:], width=sum(each.shape[-1] or 0 for each in parts), axis=1)

    def column(self, x: GraphNumbers, number: int) -> GraphNumbers:
        """Return one feature, ``(n, 1)``."""
        return x.node("Gather", self.constant(np.array([number], np.int64)), width=1, axis=1)

    def row(self, weights: GraphNumbers, number: int) -> GraphNumbers:
        """Return one row of a matrix of weights."""
        return weights.node("Gather", self.constant(np.array([number], np.int64)), width=weights.shape[-1], axis=0)

    def constant(self, values: Shaped[np.ndarray, "..."]) -> GraphNumbers:
        """Return numbers that are no weights, float32 or integers."""
        values = np.asarray(values) if values.dtype.kind == "i" else np.asarray(values, np.float32)
        name = self._graph.constant(f"constant{len(self._graph.constants)}", values)
        return GraphNumbers(self._graph, name, values.shape)

    def layer(self, pre: GraphNumbers, post: GraphNumbers) -> GraphNumbers:
        """Return what leaves a layer, given what entered its nonlinearity."""
        return post

    def floor(self, x: GraphNumbers) -> GraphNumbers:
        """Return the largest whole numbers that are at most x."""
        return x.node("Floor")

    def integers(self, whole: GraphNumbers) -> GraphNumbers:
        """Return whole numbers as integers."""
        return whole.node("Cast", dtype=np.int64, to=_INT64)

    def gather(self, row: GraphNumbers, index: GraphNumbers) -> GraphNumbers:
        """Return the entries of a row of weights at integers, in their shape."""
        return row.node("Gather", index, axis=1).reshape(-1, index.shape[-1] or 1)
